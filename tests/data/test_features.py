"""Which settings a feature ends up with, and what is refused."""

from __future__ import annotations

import pytest

from turret.core.errors import InputError
from turret.data import DataConfig, from_arrays
from turret.data.config import Feature
from turret.data.features import Kind, kinds_of, settle

KINDS: dict[str, Kind] = {
    "user": "id",
    "item": "id",
    "item.genre": "token_seq",
    "C1": "token",
    "C2": "token",
    "I1": "float",
    "I2": "float",
    "vector": "float_seq",
}


def settled(said: str) -> dict[str, Feature]:
    return settle(DataConfig(features=said).features, KINDS)


def test_all_stands_for_those_that_do_not_say_it_and_is_left_out_where_it_means_nothing() -> None:
    found = settled("*.min_count=10,*.width=8,*.scale=log,*.pooling=max,C1.min_count=1,C2.shared_with=C1,I2.buckets=5")
    assert found == {
        "user": Feature(width=8),
        "item": Feature(width=8),
        "item.genre": Feature(min_count=10, width=8, pooling="max"),
        "C1": Feature(min_count=1, width=8),
        "C2": Feature(shared_with="C1"),
        "I1": Feature(scale="log"),
        "I2": Feature(buckets=5, width=8),
        "vector": Feature(scale="log"),
    }


@pytest.mark.parametrize(
    ("said", "words", "hint"),
    [
        ("C11.min_count=3", "speak of a feature 'C11' that there is not", "did you mean C1?"),
        ("item.gnere.pooling=max", "'item.gnere'", "did you mean item.genre?"),
        ("nothing_like_it.width=3", "'nothing_like_it'", f"the features are {', '.join(KINDS)}"),
        ("C1.scale=log", "C1 has categories, and scale is for numbers", None),
        ("I1.min_count=3", "I1 has numbers, and min_count is for categories", None),
        ("I1.width=3", "I1 has numbers, and width is for", None),
        ("I1.buckets=3,I1.scale=log", "I1 has numbers in buckets", None),
        ("item.min_count=3", "item has the ids of users and items", None),
        ("C1.length=3", "length is for several categories a row", None),
        ("C1.shared_with=C3", "C1 should share its ids with a feature 'C3'", "the features are"),
        ("C1.shared_with=I1", "cannot share its ids with I1, which has numbers", None),
        ("C1.shared_with=C1", "cannot share its ids with C1", None),
        ("C1.shared_with=C2,C2.shared_with=item", "cannot share its ids with C2", "share with item instead"),
        ("item.genre.pooling=attention,item.genre.target=I1", "not one category a row", None),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(said: str, words: str, hint: str | None) -> None:
    with pytest.raises(InputError, match=words) as caught:
        settled(said)
    assert hint is None or str(caught.value.hint).startswith(hint)


def test_the_kinds_of_prepared_features_are_those_of_their_columns() -> None:
    log = {"C": ["a", "b"], "I": [1.0, 2.0], "J": [1.0, 2.0], "V": [[1.0], [2.0]], "T": [["a"], ["b"]]}
    prepared = from_arrays([1, 2], label=[0, 1], features=log, config=DataConfig(features="J.buckets=2,*.width=3"))
    assert kinds_of(prepared) == {"user": "id", "C": "token", "I": "float", "J": "float", "V": "float_seq", "T": "token_seq"}
    assert settle({}, kinds_of(prepared)) == dict.fromkeys(kinds_of(prepared), Feature())
    assert prepared.features["J"] == Feature(buckets=2, width=3) and prepared.features["I"] == Feature()
