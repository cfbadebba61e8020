"""Ids and features: training's first, and nothing fitted on what training does not see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data import DataConfig, Prepared, Split, from_arrays, from_parts
from turret.data.columns import Numbers, NumberSets, Tokens, TokenSets

TOKENS = st.sampled_from(["a", "b", "cc", "10", "9", "é", "ü x"])
ROWS = st.lists(st.tuples(TOKENS, TOKENS, TOKENS, st.lists(TOKENS, max_size=3), st.floats(0, 9)), min_size=1, max_size=20)


def part(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    user, item, city, tags, price = (list(column) for column in zip(*rows, strict=True))
    return {"user": user, "item": item, "city": city, "tags": tags, "price": price}


def fitted(dataset: Prepared) -> list[Any]:
    """Everything that training sees, as plain values."""
    train = dataset.parts["train"]
    city, tags = train.features["city"], train.features["tags"]
    assert isinstance(city, Tokens) and isinstance(tags, TokenSets)
    known = [
        vocabulary.tokens(range(n))
        for vocabulary, n in ((dataset.users.vocabulary, dataset.n_users), (dataset.items.vocabulary, dataset.n_items))
    ]
    table = train.interactions
    columns = [table.user, table.item, city.ids, tags.offsets, tags.ids]
    return [*known, table.n_users, table.n_items, *(column.tolist() for column in columns), list(city.vocabulary), list(tags.vocabulary)]


@settings(max_examples=60, deadline=None)
@given(train=ROWS, one=ROWS, other=ROWS)
def test_later_rows_change_nothing_that_training_sees(train: list[Any], one: list[Any], other: list[Any]) -> None:
    # A first row without tags would hide that the column is one of lists.
    train, one, other = ([("a", "a", "a", ["a"], 1.0), *rows] for rows in (train, one, other))
    assert fitted(from_parts(part(train), valid=part(one), test=part(other))) == fitted(from_parts(part(train), test=part(other)))
    assert fitted(from_parts(part(train), test=part(one))) == fitted(from_parts(part(train)))


@settings(max_examples=60, deadline=None)
@given(train=ROWS, test=ROWS)
def test_ids_lead_back_to_tokens(train: list[Any], test: list[Any]) -> None:
    train, test = ([("a", "a", "a", ["a"], 1.0), *rows] for rows in (train, test))
    dataset = from_parts(part(train), test=part(test))
    seen = {token: {row[side] for row in train} for side, token in ((0, "user"), (1, "item"))}
    assert (dataset.n_users, dataset.n_items) == (len(seen["user"]), len(seen["item"]))
    assert set(dataset.users.vocabulary) == seen["user"] | {row[0] for row in test}
    table, features = dataset.interactions("test"), dataset.parts["test"].features
    city, tags, price = features["city"], features["tags"], features["price"]
    assert isinstance(city, Tokens) and isinstance(tags, TokenSets) and isinstance(price, Numbers)
    known_cities, known_tags = {row[2] for row in train}, {tag for row in train for tag in row[3]}
    got = []
    for row in range(len(table)):
        town = city.vocabulary.token(int(city.ids[row]) - 1) if city.ids[row] else None
        inside = tags.ids[tags.offsets[row] : tags.offsets[row + 1]]
        labels = [tags.vocabulary.token(int(index) - 1) if index else None for index in inside]
        got.append(
            (dataset.users.vocabulary.token(int(table.user[row])), dataset.items.vocabulary.token(int(table.item[row])), town, labels)
        )
        assert price.values[row] in np.array([row[4] for row in test], dtype=np.float32)
    expected = [
        (row[0], row[1], row[2] if row[2] in known_cities else None, [tag if tag in known_tags else None for tag in row[3]]) for row in test
    ]
    assert sorted(map(repr, got)) == sorted(map(repr, expected))


def test_tables_of_items_are_told_by_id_and_fitted_on_known_items() -> None:
    dataset = from_parts(
        {"user": ["u", "v"], "item": ["x", "y"]},
        test={"user": ["u"], "item": ["z"]},
        items={
            "item": ["z", "y", "never", "x"],
            "title": ["Zed", "Why", "Never", "Ex"],
            "genre": ["new", "b", "c", "a"],
            "year": [3.0, 2.0, 9.0, np.nan],
            "vector": [[3.0], [2.0, 2.5], [9.0], []],
        },
    )
    genre, year, vector = (dataset.items.features[name] for name in ("genre", "year", "vector"))
    assert dataset.items.vocabulary.tokens(range(3)) == ["x", "y", "z"] and dataset.n_items == 2
    assert isinstance(genre, Tokens) and genre.ids.tolist() == [1, 2, 0] and list(genre.vocabulary) == ["a", "b"]
    assert isinstance(year, Numbers) and np.array_equal(year.values, np.array([np.nan, 2, 3], dtype=np.float32), equal_nan=True)
    assert isinstance(vector, NumberSets) and vector.offsets.tolist() == [0, 0, 2, 3] and vector.values.tolist() == [2, 2.5, 3]
    assert list(dataset.items.raw["title"]) == ["Ex", "Why", "Zed"]
    assert any("1 of its rows are of items without interactions" in entry.note for entry in dataset.report)


def test_later_only_users_and_items_are_counted() -> None:
    dataset = from_parts({"user": [1], "item": [1]}, test={"user": [1, 2, 2], "item": [7, 1, 8]})
    notes = {entry.step: entry.note for entry in dataset.report}
    assert notes["later users"].startswith("1 users in 2 rows") and notes["later items"].startswith("2 items in 2 rows")


def test_ids_of_numbers_lie_in_their_order_and_integral_floats_are_integers() -> None:
    dataset = from_arrays(np.array([10.0, 9.0, 100.0, 9.0]), np.array([3, 3, 20, 1]))
    assert set(dataset.users.vocabulary) == {"9", "10", "100"}
    assert dataset.users.vocabulary.tokens(range(dataset.n_users)) == sorted(
        dataset.users.vocabulary.tokens(range(dataset.n_users)), key=int
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"user": ["a", ""], "item": [1, 2]}, "user id is missing in row 1"),
        ({"user": [1.0, np.nan], "item": [1, 2]}, "user id is missing in row 1"),
        ({"user": ["a", "nan"], "item": [1, 2]}, "user id is nan in row 1"),
        ({"user": [1, 2], "item": [None, "b"]}, "item id is missing in row 0"),
        ({"user": [1, 2], "item": [1, 2], "time": [3, -1]}, "time -1 is negative in row 1"),
        ({"user": [1, 2], "item": [1, 2], "rating": [np.nan, 1]}, "rating is missing in row 0"),
        ({"user": [1, 2], "item": [1, 2], "weight": [1, np.inf]}, "weight is infinite in row 1"),
        ({"user": [1, 2], "item": [1]}, "differ in length"),
    ],
)
def test_bad_arrays_are_refused(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_arrays(**columns)


def test_equal_arrays_have_one_hash_and_others_another() -> None:
    hashes = [from_arrays([1, 2], items).hash for items in ([3, 4], [3, 4], [3, 5])]
    assert hashes[0] == hashes[1] != hashes[2]


def test_times_sort_whatever_their_size() -> None:
    times = [0.0, -0.0, 0.25, 1e-300, 3.0, 2.0**60, 1e300]
    for order in ([6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 2, 5, 1, 4]):
        prepared = from_arrays(
            [1] * 7, range(7), time=[times[place] for place in order], config=DataConfig(split=Split(split_ratio=(1, 0, 0)))
        )
        assert prepared.train.time is not None and prepared.train.time.tolist() == sorted(times)
