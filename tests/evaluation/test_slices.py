"""Impressions by the value of a feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.core.features import Categorical, Schema
from turret.data.columns import Numbers, Tokens
from turret.data.prepared import Prepared
from turret.data.vocabulary import Vocabulary
from turret.evaluation.slices import chosen, groups_of


def tokens(*names: str) -> Tokens:
    return Tokens(np.zeros(1, dtype=np.int32), Vocabulary.of(names))


@pytest.fixture
def prepared(world: Callable[..., Prepared]) -> Prepared:
    plain = world({"train": [(0, 0)]}, 1, 2)
    columns = {"gender": tokens("f", "m")}
    train = replace(plain.parts["train"], features={"day": tokens("mon", "tue", "other"), "I1": Numbers(np.zeros(1, dtype=np.float32))})
    return replace(
        plain, users=replace(plain.users, features=columns), items=replace(plain.items, features=columns), parts={"train": train}
    )


def groups(prepared: Prepared, name: str, rows: list[int]) -> Mapping[str, list[int]]:
    found = groups_of(prepared, Categorical(name, len(rows)), np.array(rows, dtype=float))
    return {group: values.tolist() for group, values in found.items()}


def test_values_have_the_names_they_have_in_the_log(prepared: Prepared) -> None:
    assert groups(prepared, "user.gender", [0, 1, 2]) == {"m": [2], "f": [1]}
    assert groups(prepared, "item.gender", [3, 1, 0]) == {"f": [1], "unknown": [0]}
    assert groups(prepared, "item", [0, 1, 1]) == {"0": [1], "1": [2]}
    assert groups(prepared, "day", [1, 1, 0, 5]) == {"'other'": [3], "mon": [1], "unknown": [0]}, "a value may be called like a rest"
    assert groups(prepared, "I1", [0, 2, 1]) == {"1": [1], "2": [2]}, "ids without names are themselves"
    assert groups(prepared, "day", [0, 0, 0, 0]) == {}


def test_the_most_frequent_values_and_the_rest(prepared: Prepared) -> None:
    rows = [7, *range(30)]
    found = groups(prepared, "hashed", rows)
    assert list(found) == [*(str(value) for value in range(30, 10, -1)), "other", "unknown"]
    assert found["other"] == list(range(2, 11)), "the value that nobody was shown is in no group"


def test_features_that_there_are(prepared: Prepared) -> None:
    schema = Schema(categorical=(Categorical("user.gender", 3), Categorical("day", 4)))
    assert [feature.name for feature in chosen(schema, ["day", "user.gender", "day"])] == ["day", "user.gender"]
    with pytest.raises(InputError, match=r"'gender'\n  Did you mean user.gender\? The categorical features are: user.gender, day."):
        chosen(schema, ["gender"])
