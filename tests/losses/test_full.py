import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turret.losses import full
from turret.losses.full import dot_softmax_cross_entropy, softmax_cross_entropy


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


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
    monkeypatch.setattr(full, "ROWS", 2)
    rows, target = torch.tensor([0, 2, 2, 1, 4]), torch.tensor([3, 0, 3, 6, 1])
    weight = torch.tensor([1.0, 0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
    query, items = numbers(5, 4, seed=5), numbers(7, 4, seed=6)
    assert torch.autograd.gradcheck(lambda q, w: 3 * dot_softmax_cross_entropy(q, w, target, rows, weight), (query, items))


def test_only_what_needs_a_gradient_gets_one() -> None:
    query, items, target = numbers(3, 4, seed=1), numbers(5, 4, seed=2).detach(), torch.tensor([0, 4, 2])
    dot_softmax_cross_entropy(query, items, target).backward()
    assert query.grad is not None and items.grad is None
    with torch.no_grad():
        expected = F.cross_entropy(query @ items.T, target, reduction="sum")
        torch.testing.assert_close(dot_softmax_cross_entropy(query, items, target), expected)


def test_large_scores_neither_overflow_nor_vanish() -> None:
    query = torch.tensor([[300.0], [-300.0]], requires_grad=True)
    items = torch.tensor([[1.0], [0.0], [-1.0]], requires_grad=True)
    loss = dot_softmax_cross_entropy(query, items, torch.tensor([1, 0]))
    loss.backward()
    torch.testing.assert_close(loss, torch.tensor(900.0))
    torch.testing.assert_close(query.grad, torch.tensor([[1.0], [-2.0]]))
    torch.testing.assert_close(items.grad, torch.tensor([[600.0], [-300.0], [-300.0]]))


def test_inputs_are_left_as_they_were() -> None:
    query, items, target = numbers(4, 3), numbers(6, 3), torch.tensor([0, 1, 2, 3])
    versions = query._version, items._version, target._version
    dot_softmax_cross_entropy(query, items, target).backward()
    assert versions == (query._version, items._version, target._version)


def test_the_scores_never_exist_at_once() -> None:
    """The largest tensor that any operation makes holds `ROWS` queries' scores, or fewer where the catalogue is large."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                self.numel = max(self.numel, result.numel())
            return result

    n_items = 1000
    query, items = torch.randn(1000, 2, requires_grad=True), torch.randn(n_items, 2, requires_grad=True)
    with Largest() as largest:
        dot_softmax_cross_entropy(query, items, torch.arange(1000)).backward()
    assert largest.numel == full.ROWS * n_items
