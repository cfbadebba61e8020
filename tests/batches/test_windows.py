from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.batches.windows import Windows
from turret.core.errors import InputError
from turret.core.interactions import Interactions


def table(histories: list[list[int]]) -> Interactions:
    user = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    item = np.array([item for history in histories for item in history], dtype=np.int32)
    return Interactions(user.astype(np.int32), item, n_users=len(histories), n_items=1000)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def examples(windows: Windows, seed: int = 0) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Each window of an epoch as (user, what is read, what is to be predicted), read off the batches' tensors."""
    found = []
    for batch in windows.epoch(generator(seed)):
        context = batch.context
        assert context.users is not None and context.history is not None and context.asked is not None and context.rows is not None
        history = context.history
        assert torch.equal(history.mask, torch.arange(history.items.shape[1]) < history.lengths[:, None]), "filled up on the right"
        assert not history.items[~history.mask].any(), "padding is 0"
        assert history.mask.any(dim=0).all(), "trimmed to the longest"
        assert torch.equal(context.asked, history.mask.flatten().nonzero().squeeze(1)), "every real step is asked"
        for row, user in enumerate(context.users.tolist()):
            found.append((user, tuple(history.items[row][history.mask[row]].tolist()), tuple(batch.target[context.rows == row].tolist())))
    return found


histories_of = st.lists(st.lists(st.integers(0, 999), max_size=12), max_size=40)


@given(histories=histories_of, length=st.integers(1, 6), batch_size=st.integers(1, 9), seed=st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_the_latest_window_of_each_user_once(histories: list[list[int]], length: int, batch_size: int, seed: int) -> None:
    windows = Windows(table(histories), length, batch_size)
    expected = []
    for user, history in enumerate(histories):
        kept = history[-(length + 1) :]
        if len(kept) > 1:
            expected.append((user, tuple(kept[:-1]), tuple(kept[1:])))
    assert sorted(examples(windows, seed)) == sorted(expected)


@given(histories=histories_of, length=st.integers(1, 6), stride=st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_windows_at_a_stride(histories: list[list[int]], length: int, stride: int) -> None:
    windows = Windows(table(histories), length, 4, min(stride, length))
    expected = []
    for user, history in enumerate(histories):
        end = len(history) - 1
        while end > 0:
            start = max(end - length, 0)
            expected.append((user, tuple(history[start:end]), tuple(history[start + 1 : end + 1])))
            end = end - min(stride, length) if start else 0
    assert sorted(examples(windows)) == sorted(expected)


def test_a_stride_of_the_length_predicts_every_item_once() -> None:
    history = list(range(100, 123))
    predicted = Counter(item for _, _, targets in examples(Windows(table([history]), 5, 2, stride=5)) for item in targets)
    assert predicted == Counter(history[1:])


def test_a_stride_that_would_leave_items_out_is_refused() -> None:
    with pytest.raises(InputError, match="leaves out"):
        Windows(table([[1, 2, 3]]), 2, 1, stride=3)


@given(lengths=st.lists(st.integers(2, 30), min_size=1, max_size=150), batch_size=st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_as_many_batches_as_announced_and_none_empty(lengths: list[int], batch_size: int) -> None:
    windows = Windows(table([list(range(n)) for n in lengths]), 50, batch_size)
    sizes = [len(batch.context) for batch in windows.epoch(generator())]
    assert len(sizes) == windows.steps() == -(-len(lengths) // batch_size)
    assert min(sizes) >= 1


def test_batches_agree_in_length_and_in_targets() -> None:
    rng = np.random.default_rng(0)
    lengths = np.minimum(rng.geometric(0.12, 4000) + 1, 51)
    windows = Windows(table([[0] * n for n in lengths]), 50, 64)
    batches = list(windows.epoch(generator()))
    targets = np.array([len(batch.target) for batch in batches])
    cells = sum(batch.context.history.items.numel() for batch in batches if batch.context.history is not None)
    assert targets.max() - targets.min() <= 2 * 50, "no batch is off by more than the window at either end"
    assert cells < 1.15 * targets.sum(), "less than 15 % padding, where batches of random windows would have several times their targets"


def test_epochs_differ_in_company_and_order_but_not_in_content() -> None:
    rng = np.random.default_rng(1)
    windows = Windows(table([rng.integers(1000, size=n).tolist() for n in rng.integers(2, 20, 300)]), 50, 16)
    first, second = examples(windows, 1), examples(windows, 2)
    assert first != second and sorted(first) == sorted(second)
    assert first == examples(windows, 1), "the same seed draws the same epoch"
    company = [{frozenset(batch.context.users.tolist()) for batch in windows.epoch(generator(seed))} for seed in (1, 2)]  # type: ignore[union-attr]
    assert not company[0] & company[1]


def test_nothing_to_predict() -> None:
    windows = Windows(table([[1], [], [2]]), 5, 4)
    assert windows.steps() == 0 and list(windows.epoch(generator())) == []
