"""Sides against rows written out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from turret.batches.impressions import ImpressionBatches
from turret.batches.schema import schema_of
from turret.batches.sides import Side, side_of
from turret.core.errors import UnsupportedError
from turret.core.features import Vectors
from turret.core.interactions import Interactions
from turret.data.columns import Numbers, Tokens, TokenSets
from turret.data.config import Feature
from turret.data.prepared import Entities, Part, Prepared
from turret.data.scale import Scale
from turret.data.vocabulary import Vocabulary


def vocabulary(prefix: str, n: int) -> Vocabulary:
    return Vocabulary.of(f"{prefix}{index}" for index in range(n))


def prepared(**features: Feature) -> Prepared:
    """Three users and two items that training saw, one more of each in the test part; the user's last item, shared with items."""
    users = Entities(
        vocabulary("u", 4),
        {
            "age": Numbers(np.array([20, np.nan, 40, 99], np.float32), Scale("standard", 30.0, 10.0)),
            "last": Tokens(np.array([1, 0, 2, 2], np.int32), vocabulary("i", 2)),
        },
    )
    sets = TokenSets(np.array([0, 2, 2, 3]), np.array([3, 1, 2], np.int32), vocabulary("g", 3))
    log = Interactions(np.array([0, 1, 2], np.int32), np.array([0, 1, 1], np.int32), 3, 2, label=np.array([0, 1, 1], np.float32))
    hour = {"hour": Tokens(np.array([1, 2, 1], np.int32), vocabulary("h", 2))}
    test = Part(Interactions(np.array([3], np.int32), np.array([2], np.int32), 4, 3), {"hour": Tokens(np.array([1]), vocabulary("h", 2))})
    parts = {"train": Part(log, hour), "test": test}
    return Prepared("tiny", 3, 2, users, Entities(vocabulary("i", 3), {"genre": sets}), parts, features=features)


def names(side: Side) -> list[str]:
    return [*(feature.name for feature in side.schema.embedded), *side.schema.numbers]


def test_a_side_has_its_own_features_row_by_row_and_no_row_that_training_did_not_see() -> None:
    users, items = side_of(prepared(), "user"), side_of(prepared(), "item")
    assert names(users) == ["user", "user.last", "user.age"]
    assert users.features.tokens.tolist() == [[1, 1], [2, 0], [3, 2]]
    assert users.features.floats.tolist() == [[-1.0], [0.0], [1.0]]
    assert names(items) == ["item", "item.genre"]
    assert items.features.tokens.tolist() == [[1], [2]]
    genres = items.features.sets["item.genre"]
    assert (genres.offsets.tolist(), genres.ids.tolist()) == ([0, 2, 2], [3, 1])


def test_ids_can_be_left_out() -> None:
    users = side_of(prepared(), "user", ids=False)
    assert names(users) == ["user.last", "user.age"]
    assert users.features.tokens.tolist() == [[1], [0], [2]]


def test_values_are_those_of_impressions() -> None:
    data = prepared()
    shown = next(ImpressionBatches(data, 3).in_order())
    users, items = side_of(data, "user"), side_of(data, "item")
    log = data.interactions("train")
    assert torch.equal(shown.tokens[:, :2], users.features.tokens[log.user].long())
    assert torch.equal(shown.tokens[:, 2:3], items.features.tokens[log.item].long())
    assert torch.equal(shown.floats, users.features.floats[log.user])
    ids, mask = shown.sets["item.genre"]
    expected, there = items.features.sets["item.genre"].take(torch.from_numpy(log.item).long())
    assert torch.equal(ids, expected) and torch.equal(mask, there)
    sizes = {feature.name: feature.size for side in (users, items) for feature in side.schema.embedded}
    assert sizes == {feature.name: feature.size for feature in schema_of(data).embedded if feature.name != "hour"}


def test_what_is_shared_with_the_other_side_is_its_own() -> None:
    data = prepared(**{"user.last": Feature(shared_with="item"), "item.genre": Feature(pooling="attention", target="item")})
    users = side_of(data, "user")
    assert users.schema.categorical[1].vectors == Vectors()
    items, without = side_of(data, "item"), side_of(data, "item", ids=False)
    assert (items.schema.tags[0].pooling, items.schema.tags[0].target) == ("attention", "item")
    assert (without.schema.tags[0].pooling, without.schema.tags[0].target) == ("mean", None)


def test_a_side_of_which_nothing_is_known_is_refused() -> None:
    data = replace(prepared(), items=Entities(vocabulary("i", 3)))
    assert names(side_of(data, "item")) == ["item"]
    with pytest.raises(UnsupportedError, match="says nothing of its items"):
        side_of(data, "item", ids=False)
