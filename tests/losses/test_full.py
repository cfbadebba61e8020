"""Losses over whole catalogues, from blocks of the scores and from all at once: float64 by torch operations, float32 by compiled loops."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turret.kernels import softmax
from turret.kernels.parallel import at_most
from turret.losses import full
from turret.losses.full import dot_softmax_cross_entropy, dot_weighted_square, softmax_cross_entropy, weighted_square


@pytest.fixture(autouse=True, params=[0, full.KEPT], ids=["computed again", "kept"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Of so many scores the few of these tests are computed again for the backward pass, or kept."""
    monkeypatch.setattr(full, "KEPT", request.param)
    return request.param


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype).requires_grad_()


@pytest.mark.parametrize("queries", [1, 2, 128, 129, 300])
def test_equals_torchs_cross_entropy_in_value_and_gradient(queries: int) -> None:
    query, items = numbers(queries, 6, seed=1), numbers(40, 6, seed=2)
    target = torch.randint(40, (queries,), generator=torch.Generator().manual_seed(3))
    expected = F.cross_entropy(query @ items.T, target, reduction="sum")
    expected_gradients = torch.autograd.grad(expected, (query, items))
    for loss in (dot_softmax_cross_entropy(query, items, target), softmax_cross_entropy(query @ items.T, target)):
        gradients = torch.autograd.grad(loss, (query, items))
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(gradients, expected_gradients)


@given(
    data=st.data(),
    queries=st.integers(1, 5),
    n_items=st.integers(1, 6),
    targets=st.integers(0, 12),
)
@settings(max_examples=60, deadline=None)
def test_several_weighted_targets_equal_the_multinomial_likelihood(data: st.DataObject, queries: int, n_items: int, targets: int) -> None:
    """Against -sum of counts * log softmax, the loss written with a dense matrix of counts (Liang et al. 2018, equation 2)."""
    query, items = numbers(queries, 3, seed=1), numbers(n_items, 3, seed=2)
    draw = lambda high: torch.tensor(data.draw(st.lists(st.integers(0, high), min_size=targets, max_size=targets)), dtype=torch.int64)  # noqa: E731
    rows, target, weight = draw(queries - 1), draw(n_items - 1), draw(5).double()
    counts = torch.zeros(queries, n_items, dtype=torch.float64).index_put_((rows, target), weight, accumulate=True)
    expected = -(counts * torch.log_softmax(query @ items.T, dim=1)).sum()
    expected_gradients = torch.autograd.grad(expected, (query, items))
    for loss in (
        dot_softmax_cross_entropy(query, items, target, rows, weight),
        softmax_cross_entropy(query @ items.T, target, rows, weight),
    ):
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(torch.autograd.grad(loss, (query, items)), expected_gradients)


def test_gradient_by_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "SCORES", 10)  # two items at a time, and one in the end
    rows, target = torch.tensor([0, 2, 2, 1, 4]), torch.tensor([3, 0, 3, 6, 1])
    weight = torch.tensor([1.0, 0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
    query, items = numbers(5, 4, seed=5), numbers(7, 4, seed=6)
    assert torch.autograd.gradcheck(lambda q, w: 3 * dot_softmax_cross_entropy(q, w, target, rows, weight), (query, items))


@pytest.mark.parametrize("scores", [1, 50, 64, 2**24])
def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch, scores: int) -> None:
    """Also where the highest score is in the first block, or in the last."""
    monkeypatch.setattr(full, "SCORES", scores)
    query, items, target = numbers(9, 4, seed=1), numbers(23, 4, seed=2), torch.arange(9) * 2
    with torch.no_grad():
        items[0] *= 20
        items[22] *= 30
    expected = F.cross_entropy(query @ items.T, target, reduction="sum")
    loss = dot_softmax_cross_entropy(query, items, target)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, (query, items)), torch.autograd.grad(expected, (query, items)))


@pytest.mark.parametrize("width", [1, 5, 16, 50, 300])
@pytest.mark.parametrize("queries", [1, 15, 16, 255, 257, 600])
@pytest.mark.parametrize("n_items", [1, 2, 239, 240, 241, 2000])
def test_compiled_loops_equal_float64(n_items: int, queries: int, width: int) -> None:
    """At all sizes about those of tiles, blocks and vectors, with several weighted targets a query and none for some."""
    query, items = numbers(queries, width, seed=1), numbers(n_items, width, seed=2)
    with torch.no_grad():
        query *= 2 / width**0.5
    generator = torch.Generator().manual_seed(3)
    rows, target = torch.randint(queries, (200,), generator=generator), torch.randint(n_items, (200,), generator=generator)
    weight = torch.rand(200, generator=generator, dtype=torch.float64)
    weight /= torch.zeros(queries, dtype=torch.float64).index_add(0, rows, weight)[rows]
    expected = softmax_cross_entropy(query @ items.T, target, rows, weight)
    single = [x.detach().float().requires_grad_() for x in (query, items)]
    loss = dot_softmax_cross_entropy(*single, target, rows, weight.float())
    torch.testing.assert_close(loss.double(), expected, rtol=2e-6, atol=1e-4)
    for ours, theirs in zip(torch.autograd.grad(loss, single), torch.autograd.grad(expected, (query, items)), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_backward_pass_can_be_repeated(dtype: torch.dtype) -> None:
    query, items, target = numbers(6, 4, seed=1, dtype=dtype), numbers(9, 4, seed=2, dtype=dtype), torch.arange(6)
    loss = dot_softmax_cross_entropy(query, items, target)
    first = torch.autograd.grad(loss, (query, items), retain_graph=True)
    second = torch.autograd.grad(2 * loss, (query, items))
    torch.testing.assert_close([2 * gradient for gradient in first], list(second))


def test_the_number_of_threads_changes_nothing() -> None:
    query, items = numbers(300, 8, seed=1, dtype=torch.float32), numbers(20_000, 8, seed=2, dtype=torch.float32)
    target = torch.arange(300)
    assert len(query) * len(items) > full.KEPT

    def found() -> list[Tensor]:
        loss = dot_softmax_cross_entropy(query, items, target)
        return [loss, *torch.autograd.grad(loss, (query, items))]

    threads = torch.get_num_threads()
    with at_most(1):
        alone = found()
    try:
        torch.set_num_threads(3)
        together = found()
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_only_what_needs_a_gradient_gets_one() -> None:
    query, items, target = numbers(3, 4, seed=1), numbers(5, 4, seed=2).detach(), torch.tensor([0, 4, 2])
    dot_softmax_cross_entropy(query, items, target).backward()
    assert query.grad is not None and items.grad is None
    with torch.no_grad():
        expected = F.cross_entropy(query @ items.T, target, reduction="sum")
        torch.testing.assert_close(dot_softmax_cross_entropy(query, items, target), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_scores_neither_overflow_nor_vanish(dtype: torch.dtype) -> None:
    query = torch.tensor([[300.0], [-300.0]], dtype=dtype, requires_grad=True)
    items = torch.tensor([[1.0], [0.0], [-1.0]], dtype=dtype, requires_grad=True)
    loss = dot_softmax_cross_entropy(query, items, torch.tensor([1, 0]))
    loss.backward()
    torch.testing.assert_close(loss, torch.tensor(900.0, dtype=dtype))
    torch.testing.assert_close(query.grad, torch.tensor([[1.0], [-2.0]], dtype=dtype))
    torch.testing.assert_close(items.grad, torch.tensor([[600.0], [-300.0], [-300.0]], dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_no_number_stays_none(dtype: torch.dtype) -> None:
    """So that training can stop."""
    query, items = numbers(3, 4, dtype=dtype), numbers(500, 4, dtype=dtype)
    with torch.no_grad():
        items[300, 1] = torch.nan
    assert dot_softmax_cross_entropy(query, items, torch.arange(3)).isnan()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_inputs_are_left_as_they_were(dtype: torch.dtype) -> None:
    query, items, target = numbers(4, 3, dtype=dtype), numbers(6, 3, dtype=dtype), torch.tensor([0, 1, 2, 3])
    before, versions = [query.detach().clone(), items.detach().clone()], (query._version, items._version, target._version)
    dot_softmax_cross_entropy(query, items, target).backward()
    assert versions == (query._version, items._version, target._version)
    assert torch.equal(query, before[0]) and torch.equal(items, before[1])


def test_the_scores_never_exist_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest tensor that any operation makes holds `SCORES` of them, and nothing in float32, where a core's cache holds some."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                self.numel = max(self.numel, result.numel())
            return result

    monkeypatch.setattr(full, "SCORES", 5000)
    monkeypatch.setattr(full, "KEPT", 5000)
    for dtype, expected in ((torch.float64, 5000), (torch.float32, 2000)):
        query, items = numbers(1000, 2, dtype=dtype), numbers(1000, 2, seed=1, dtype=dtype)
        with Largest() as largest:
            dot_softmax_cross_entropy(query, items, torch.arange(1000)).backward()
        assert largest.numel == expected
    assert softmax.TILE * softmax.BLOCK * 4 < 2**18


# --- the weighted square


def test_weighted_square_by_hand() -> None:
    """Two queries, three items: 2 (1 - 3)^2 + 2 (1 - 0)^2 of the targets, 0.5 (1 + 4 + 25 + 1) of the rest."""
    scores = torch.tensor([[1.0, 3.0, -2.0], [0.0, 5.0, 1.0]])
    loss = weighted_square(scores, torch.tensor([1, 0]), positive_weight=2.0, negative_weight=0.5)
    assert loss.item() == pytest.approx(8 + 2 + 0.5 * 31)


@given(data=st.data(), queries=st.integers(1, 5), n_items=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_weighted_square_is_the_sum_over_a_matrix_of_confidences(data: st.DataObject, queries: int, n_items: int) -> None:
    """Against sum of C * (P - S)^2 with dense confidences and preferences (Hu et al. 2008)."""
    query, items = numbers(queries, 3, seed=1), numbers(n_items, 3, seed=2)
    cells = data.draw(st.sets(st.tuples(st.integers(0, queries - 1), st.integers(0, n_items - 1))))
    rows, target = torch.tensor(sorted(cells), dtype=torch.int64).reshape(-1, 2).T
    weight = torch.rand(len(cells), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for given_, counted in ((weight, weight), (None, torch.ones_like(weight))):
        confidence = torch.full((queries, n_items), 0.3, dtype=torch.float64).index_put((rows, target), 2.5 * counted)
        chosen = torch.zeros(queries, n_items, dtype=torch.float64).index_put((rows, target), torch.ones_like(weight))
        expected = (confidence * (chosen - query @ items.T).square()).sum()
        told = partial(dict, positive_weight=2.5, negative_weight=0.3)()
        losses = (
            dot_weighted_square(query, items, target, rows, given_, **told),
            weighted_square(query @ items.T, target, rows, given_, **told),
        )
        for loss in losses:
            torch.testing.assert_close(loss, expected)
            torch.testing.assert_close(
                torch.autograd.grad(loss, (query, items)), torch.autograd.grad(expected, (query, items), retain_graph=True)
            )


def test_dot_weighted_square_gradient_and_a_target_for_each_query() -> None:
    query, items, target = numbers(4, 3, seed=1), numbers(6, 3, seed=2), torch.tensor([5, 0, 5, 2])
    loss = partial(dot_weighted_square, target=target, positive_weight=1.0, negative_weight=0.1)
    assert torch.autograd.gradcheck(lambda q, i: loss(q, i), (query, items))
    torch.testing.assert_close(loss(query, items), loss(query, items, rows=torch.arange(4)))
    torch.testing.assert_close(loss(query, items), weighted_square(query @ items.T, target, positive_weight=1.0, negative_weight=0.1))


def test_equal_weights_make_it_the_distance_from_the_preferences() -> None:
    query, items, target = numbers(4, 3, seed=1), numbers(6, 3, seed=2), torch.tensor([5, 0, 5, 2])
    expected = (F.one_hot(target, 6) - query @ items.T).square().sum()
    torch.testing.assert_close(dot_weighted_square(query, items, target, positive_weight=1.0, negative_weight=1.0), expected)
