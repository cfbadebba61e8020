"""What is fitted on the training part: vocabularies, shared ids, buckets and scales, against counts in plain loops."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.data import DataConfig, Prepared, Split, from_parts
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.numbering import Edges, Hashing
from turret.data.vocabulary import Vocabulary

LETTERS = st.sampled_from("abcdefg")
ROW = st.tuples(LETTERS, LETTERS, LETTERS, st.lists(LETTERS, max_size=3), st.integers(0, 90), LETTERS)
ROWS = st.lists(ROW, min_size=1, max_size=25)
FIRST = ("a", "a", "a", ["a"], 3, "a")
"""A first row without tags would hide that the column is one of lists."""

FEATURES = {
    "city": {"min_count": 2},
    "tags": {"min_count": 3},
    "town": {"shared_with": "city"},
    "last": {"shared_with": "item"},
    "hashed": {"hash_size": 5},
    "bucket": {"buckets": 3},
    "square": {"buckets": "log_square"},
    "logged": {"scale": "log"},
    "span": {"scale": "min_max"},
    "item.kind": {"min_count": 3},
    "item.year": {"buckets": 2},
}


def part(rows: list[Any]) -> dict[str, Any]:
    item, city, town, tags, number, last = (list(column) for column in zip(*rows, strict=True))
    numbers = [float(value) for value in number]
    return {
        "item": item,
        "label": [value % 2 for value in number],
        "city": city,
        "town": town,
        "tags": tags,
        "last": last,
        "hashed": city,
        **dict.fromkeys(("bucket", "square", "logged", "span", "plain"), numbers),
        "vector": [[value, *[1.0] * (value > 50)] for value in numbers],
    }


ITEMS = {
    "item": list("abcdefg"),
    "kind": list("xxxyyyz"),
    "year": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan, 7.0],
    "price": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan],
}


def made(train: list[Any], test: list[Any]) -> Prepared:
    config = DataConfig(features=FEATURES, split=Split(split_mode="published", published_valid_ratio=0))
    return from_parts(part([FIRST, *train]), test=part([FIRST, *test]), items=ITEMS, config=config)


def columns(prepared: Prepared) -> dict[str, Column]:
    return {**prepared.parts["train"].features, **{f"item.{name}": column for name, column in prepared.items.features.items()}}


def rule(column: Column) -> Any:
    """What was fitted of a column, as plain values."""
    if isinstance(column, Numbers):
        return column.scale
    if isinstance(column, NumberSets):
        return column.scales
    found = column.vocabulary
    return list(found) if isinstance(found, Vocabulary) else found.boundaries.tolist() if isinstance(found, Edges) else found


@settings(max_examples=40, deadline=None)
@given(train=ROWS, one=ROWS, other=ROWS)
def test_nothing_fitted_changes_with_later_rows(train: list[Any], one: list[Any], other: list[Any]) -> None:
    first, second = columns(made(train, one)), columns(made(train, other))
    assert list(first) == list(second)
    for name, column in first.items():
        assert rule(column) == rule(second[name]), name
        if not name.startswith("item."):
            values = [column.values if isinstance(column, (Numbers, NumberSets)) else column.ids for column in (column, second[name])]
            assert np.array_equal(*values), name


@settings(max_examples=40, deadline=None)
@given(train=ROWS, test=ROWS)
def test_values_of_too_few_training_rows_are_unknown(train: list[Any], test: list[Any]) -> None:
    prepared = made(train, test)
    train, test = [FIRST, *train], [FIRST, *test]
    shared = Counter(row[1] for row in train) + Counter(row[2] for row in train)
    tags = Counter(tag for row in train for tag in row[3])
    kinds = Counter(dict(zip("abcdefg", "xxxyyyz", strict=True))[row[0]] for row in train)
    for place, rows in (("train", train), ("test", test)):
        features = prepared.parts[place].features
        assert tokens(features["city"]) == [row[1] if shared[row[1]] >= 2 else None for row in rows]
        assert tokens(features["town"]) == [row[2] if shared[row[2]] >= 2 else None for row in rows]
        assert tokens(features["tags"]) == [tag if tags[tag] >= 3 else None for row in rows for tag in row[3]]
    assert features["city"].vocabulary is features["town"].vocabulary  # type: ignore[union-attr]
    assert list(columns(prepared)["item.kind"].vocabulary) == sorted(kind for kind in kinds if kinds[kind] >= 3)  # type: ignore[union-attr]


def tokens(column: Column) -> list[str | None]:
    assert isinstance(column, (Tokens, TokenSets)) and isinstance(column.vocabulary, Vocabulary)
    return [column.vocabulary.token(int(index) - 1) if index else None for index in column.ids]


@settings(max_examples=40, deadline=None)
@given(train=ROWS, test=ROWS)
def test_ids_shared_with_the_items_are_theirs(train: list[Any], test: list[Any]) -> None:
    prepared = made(train, test)
    seen = sorted({row[0] for row in [FIRST, *train]})
    last = prepared.parts["test"].features["last"]
    assert isinstance(last, Tokens) and last.size == prepared.n_items + 1 == len(seen) + 1
    assert last.ids.tolist() == [seen.index(row[5]) + 1 if row[5] in seen else 0 for row in [FIRST, *test]]


@settings(max_examples=40, deadline=None)
@given(train=ROWS, test=ROWS)
def test_numbers_are_fitted_on_training_impressions(train: list[Any], test: list[Any]) -> None:
    prepared = made(train, test)
    every = [FIRST, *train]
    plain = prepared.parts["test"].features["plain"]
    assert isinstance(plain, Numbers) and plain.values.tolist() == [row[4] for row in [FIRST, *test]]
    values = [row[4] for row in every]
    assert (plain.scale.shift, plain.scale.factor) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values) or 1.0))
    # Of items, what counts is how often training shows them.
    prices = [
        price for row in every for name, price in zip(ITEMS["item"], ITEMS["price"], strict=True) if name == row[0] and price == price
    ]
    scale = prepared.items.features["price"].scale  # type: ignore[union-attr]
    assert (scale.shift, scale.factor) == ((pytest.approx(np.mean(prices)), pytest.approx(np.std(prices) or 1.0)) if prices else (0, 1))
    vector = prepared.parts["test"].features["vector"]
    assert isinstance(vector, NumberSets) and len(vector.scales) == 1 + any(value > 50 for value in values)


def test_hashes_need_no_training() -> None:
    prepared = made([("a", "a", "a", ["a"], 1, "a")], [("a", "new", "a", ["a"], 1, "a")])
    hashed = prepared.parts["test"].features["hashed"]
    assert isinstance(hashed, Tokens) and hashed.size == 6
    assert hashed.ids[1] == Hashing(5).encode(Vocabulary.of(["new"]))[0] > 0
