from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
import torch

from turret.core.context import Context, History
from turret.core.interactions import Interactions
from turret.models.general.itemknn import ItemKNN

N_USERS, N_ITEMS = 40, 25


@pytest.fixture(scope="module")
def data() -> Interactions:
    """With repeated pairs."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, N_USERS, 300)).astype(np.int32)
    return Interactions(user, (draw.random(300) ** 2 * N_ITEMS).astype(np.int32), N_USERS, N_ITEMS)


def binary(data: Interactions) -> np.ndarray:
    x = np.zeros((data.n_users, data.n_items))
    x[data.user, data.item] = 1
    return x


def solved(data: Interactions, **settings: object) -> ItemKNN:
    model = ItemKNN(data.n_items, **settings)  # type: ignore[arg-type]
    list(model.solve(data, torch.Generator()))
    return model


def dense(model: ItemKNN) -> np.ndarray:
    """W [I, I]."""
    w = np.zeros((len(model.offsets) - 1,) * 2)
    for row in range(len(w)):
        places = slice(int(model.offsets[row]), int(model.offsets[row + 1]))
        w[row, model.columns[places].numpy()] = model.similarities[places].numpy()
    return w


def similarities(x: np.ndarray, similarity: str, shrinkage: float, frequency: bool) -> np.ndarray:
    """By sets, pair by pair."""
    users = [set(np.flatnonzero(column)) for column in x.T]
    worth = np.log((1 + x.shape[1]) / (1 + x.sum(axis=1))) ** 2 if frequency else np.ones(len(x))

    def size(who: set[int]) -> float:
        return float(sum(worth[user] for user in who))

    found = np.zeros((x.shape[1],) * 2)
    for i, mine in enumerate(users):
        for j, other in enumerate(users):
            if i != j and mine & other:
                whole = size(mine | other) if similarity == "jaccard" else np.sqrt(size(mine) * size(other))
                found[i, j] = size(mine & other) / (whole + shrinkage)
    return found


@pytest.mark.parametrize("similarity", ["cosine", "jaccard"])
@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
@pytest.mark.parametrize("frequency", [False, True])
def test_keeps_the_nearest_of_each_item(
    data: Interactions, similarity: Literal["cosine", "jaccard"], shrinkage: float, frequency: bool
) -> None:
    model = solved(data, neighbours=4, similarity=similarity, shrinkage=shrinkage, inverse_user_frequency=frequency)
    every = similarities(binary(data), similarity, shrinkage, frequency)
    np.testing.assert_allclose(np.sort(dense(model), axis=0)[-4:], np.sort(every, axis=0)[-4:], atol=1e-5)
    kept = dense(model) > 0
    np.testing.assert_allclose(dense(model)[kept], every[kept], atol=1e-5)


def test_scores_are_sums_over_the_distinct_items_of_the_history(data: Interactions) -> None:
    model = solved(data, neighbours=6)
    histories = [[3, 7, 3, N_ITEMS + 2], [], [0, 1, 2, 24]]
    items = torch.tensor([[*row, *([5] * (6 - len(row)))] for row in histories])
    mask = torch.tensor([[step < len(row) for step in range(6)] for row in histories])
    w = dense(model)
    expected = np.stack([w[[3, 7]].sum(axis=0), np.zeros(N_ITEMS), w[[0, 1, 2, 24]].sum(axis=0)])
    np.testing.assert_allclose(model.score_all(Context(history=History(items, mask))).numpy(), expected, rtol=1e-5)


def test_all_neighbours_make_it_the_plain_product(data: Interactions) -> None:
    model = solved(data, neighbours=1000, inverse_user_frequency=False)
    np.testing.assert_allclose(dense(model), similarities(binary(data), "cosine", 0, False), atol=1e-6)


def test_one_item_has_no_neighbour() -> None:
    one = np.zeros(3, dtype=np.int32)
    model = solved(Interactions(np.arange(3, dtype=np.int32), one, 3, 1))
    history = History(torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool))
    assert model.score_all(Context(history=history)).tolist() == [[0]]


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_change_nothing(data: Interactions, three_threads: None) -> None:
    many = solved(data, neighbours=5)
    torch.set_num_threads(1)
    assert all(torch.equal(value, many.state_dict()[name]) for name, value in solved(data, neighbours=5).state_dict().items())
