"""Impressions against a join made row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.batches.needs import needs_labels
from turret.core.context import UNKNOWN, Impressions
from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import Interactions
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.prepared import Entities, Part, Prepared
from turret.data.scale import Scale
from turret.data.vocabulary import Vocabulary

AGES = np.array([20.0, np.nan, 40.0, 60.0, 99.0], dtype=np.float32)
CITY = np.array([1, 0, 2, 1, 2], dtype=np.int32)
GENRES = [[1, 2], [], [3], [2]]
VECTORS = [[1.0, 2.0], [3.0, 6.0], [5.0], [100.0, 100.0]]
TRAIN_USER, TRAIN_ITEM = np.array([0, 0, 1, 2, 3, 3]), np.array([0, 2, 1, 1, 0, 2])
HOURS = np.array([1, 2, 3, 1, 0, 2], dtype=np.int32)
PRICE = np.array([1.0, 3.0, 5.0, np.nan, 3.0, 3.0], dtype=np.float32)


def vocabulary(prefix: str, n: int) -> Vocabulary:
    return Vocabulary.of(f"{prefix}{index}" for index in range(n))


def part(user: np.ndarray, item: np.ndarray, n_users: int, n_items: int, hours: np.ndarray, price: np.ndarray) -> Part:
    label = (np.arange(len(user)) % 2).astype(np.float32)
    features: dict[str, Column] = {"hour": Tokens(hours, vocabulary("h", 3)), "price": Numbers(price)}
    return Part(Interactions(user, item, n_users, n_items, label=label), features)


def ragged(rows: list[list[float]]) -> tuple[np.ndarray, list[float]]:
    return np.cumsum([0, *(len(row) for row in rows)]), [value for row in rows for value in row]


def prepared() -> Prepared:
    """Four users and three items that training saw, one more of each in the test part."""
    genre_offsets, genre_ids = ragged(GENRES)
    vector_offsets, vector_values = ragged(VECTORS)
    users = Entities(vocabulary("u", 5), {"age": Numbers(AGES, Scale("standard", 30.0, 10.0)), "city": Tokens(CITY, vocabulary("c", 2))})
    items = Entities(
        vocabulary("i", 4),
        {
            "genre": TokenSets(genre_offsets, np.array(genre_ids, dtype=np.int32), vocabulary("g", 3)),
            "vector": NumberSets(
                vector_offsets, np.array(vector_values, dtype=np.float32), (Scale("standard", 3.0), Scale("standard", 4, 2))
            ),
        },
    )
    train = part(TRAIN_USER, TRAIN_ITEM, 4, 3, HOURS, PRICE)
    test = part(np.array([2, 4]), np.array([3, 0]), 5, 4, np.array([0, 3], dtype=np.int32), np.array([7.0, np.nan], dtype=np.float32))
    return Prepared("tiny", 4, 3, users, items, {"train": train, "test": test})


def in_order(dataset: Prepared, name: str, batch_size: int = 100) -> list[Impressions]:
    return list(ImpressionBatches(dataset, batch_size, name).in_order())


def test_the_schema_names_what_the_columns_hold() -> None:
    schema = ImpressionBuilder(prepared()).schema
    assert {feature.name: feature.size for feature in schema.categorical} == {"user": 5, "user.city": 3, "item": 4, "hour": 4}
    assert {feature.name: feature.size for feature in schema.tags} == {"item.genre": 4}
    assert schema.numbers == ("user.age", "item.vector.0", "item.vector.1", "price")
    assert schema.context == ("hour", "price")


def test_training_rows_are_joined_by_id() -> None:
    (batch,) = in_order(prepared(), "train")
    expected = [[u + 1, CITY[u], i + 1, h] for u, i, h in zip(TRAIN_USER, TRAIN_ITEM, HOURS, strict=True)]
    assert batch.tokens.tolist() == expected
    ids, mask = batch.sets["item.genre"]
    assert [row[kept].tolist() for row, kept in zip(ids, mask, strict=True)] == [GENRES[i] for i in TRAIN_ITEM]
    assert batch.labels.tolist() == [[0.0], [1.0]] * 3
    assert batch.tokens.dtype == ids.dtype == torch.int64
    assert batch.floats.dtype == batch.labels.dtype == torch.float32


def test_numbers_arrive_scaled_and_holes_as_the_mean() -> None:
    (batch,) = in_order(prepared(), "train")
    floats = batch.floats.numpy().astype(np.float64)
    ages, first = AGES[TRAIN_USER], np.array([VECTORS[i][0] for i in TRAIN_ITEM])
    second = np.array([VECTORS[i][1] if len(VECTORS[i]) > 1 else np.nan for i in TRAIN_ITEM])
    for column, expected in enumerate([(ages - 30) / 10, first - 3, (second - 4) / 2, PRICE]):
        np.testing.assert_allclose(floats[:, column], np.nan_to_num(expected, nan=0.0), atol=1e-6)


def test_ids_that_training_never_saw_are_unseen_but_keep_their_features() -> None:
    (batch,) = in_order(prepared(), "test")
    assert batch.tokens.tolist() == [[3, 2, 0, 0], [0, 2, 1, 3]]
    ids, mask = batch.sets["item.genre"]
    assert ids[0][mask[0]].tolist() == GENRES[3]


def test_an_epoch_is_a_permutation_that_the_generator_alone_decides() -> None:
    batches = ImpressionBatches(prepared(), batch_size=4)

    def epoch(seed: int) -> list[list[int]]:
        drawn = list(batches.epoch(torch.Generator().manual_seed(seed)))
        assert [len(batch) for batch in drawn] == [4, 2]
        return torch.cat([batch.tokens for batch in drawn]).tolist()

    assert batches.steps() == 2
    assert epoch(1) == epoch(1)
    assert any(epoch(1) != epoch(seed) for seed in range(2, 6))
    assert sorted(epoch(1)) == sorted(in_order(prepared(), "train")[0].tokens.tolist())


def without_surroundings(dataset: Prepared) -> Prepared:
    return replace(dataset, parts={name: Part(each.interactions) for name, each in dataset.parts.items()})


def test_pairs_are_built_like_the_rows_of_the_log() -> None:
    dataset = without_surroundings(prepared())
    (logged,) = in_order(dataset, "train")
    asked = ImpressionBuilder(dataset).pairs(torch.tensor(TRAIN_USER), torch.tensor(TRAIN_ITEM))
    assert torch.equal(asked.tokens, logged.tokens)
    assert torch.equal(asked.floats, logged.floats)
    for one, other in zip(asked.sets["item.genre"], logged.sets["item.genre"], strict=True):
        assert torch.equal(one, other)


def test_a_stranger_is_known_by_nothing() -> None:
    batch = ImpressionBuilder(without_surroundings(prepared())).pairs(torch.tensor([UNKNOWN]), torch.tensor([UNKNOWN]))
    assert batch.tokens.tolist() == [[0, 0, 0]]
    assert batch.floats.abs().max() == 0
    assert not batch.sets["item.genre"][1].any()


def test_pairs_need_no_surroundings() -> None:
    with pytest.raises(UnsupportedError, match="hour, price"):
        ImpressionBuilder(prepared()).pairs(torch.tensor([0]), torch.tensor([0]))


def test_a_log_without_labels_is_refused() -> None:
    dataset = prepared()
    unlabelled = replace(dataset, parts={"train": Part(replace(dataset.interactions("train"), label=None))})
    with pytest.raises(InputError, match="tiny has no labels"):
        needs_labels(unlabelled)
