from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turret.graphs import aggregation
from turret.graphs.aggregation import Aggregation

sizes = st.lists(st.integers(0, 5), min_size=1, max_size=6)


def drawn(counts: list[int], n_tails: int, seed: int) -> tuple[Aggregation, list[tuple[int, int]], tuple[Tensor, Tensor, Tensor]]:
    """The edges, as a list too, and values [E], head vectors [H, D] and tail vectors [T, D]."""
    generator = torch.Generator().manual_seed(seed)
    tails = torch.randint(n_tails, (sum(counts),), generator=generator)
    heads = [head for head, count in enumerate(counts) for _ in range(count)]
    numbers = [
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((len(heads),), (len(counts), 3), (n_tails, 3))
    ]
    edges = Aggregation(torch.tensor([0, *np.cumsum(counts)]), tails, n_tails)
    return edges, list(zip(heads, tails.tolist(), strict=True)), (numbers[0], numbers[1], numbers[2])


@given(counts=sizes, n_tails=st.integers(1, 6), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_all_three_are_those_of_a_loop_over_edges(counts: list[int], n_tails: int, seed: int) -> None:
    edges, pairs, (values, of_heads, of_tails) = drawn(counts, n_tails, seed)
    sums, back = torch.zeros(len(counts), 3, dtype=torch.float64), torch.zeros(n_tails, 3, dtype=torch.float64)
    products = torch.zeros(len(pairs), dtype=torch.float64)
    with torch.no_grad():
        for number, (head, tail) in enumerate(pairs):
            sums[head] += values[number] * of_tails[tail]
            back[tail] += values[number] * of_heads[head]
            products[number] = (of_heads[head] * of_tails[tail]).sum()
        torch.testing.assert_close(edges.sums(values, of_tails), sums)
        torch.testing.assert_close(edges.transposed(values, of_heads), back)
        torch.testing.assert_close(edges.products(of_heads, of_tails), products)


@given(counts=sizes.filter(any), n_tails=st.integers(1, 5), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=10)
def test_gradients_for_values_and_vectors_are_right_twice(counts: list[int], n_tails: int, seed: int) -> None:
    edges, _, (values, of_heads, of_tails) = drawn(counts, n_tails, seed)
    for function, inputs in (
        (edges.sums, (values, of_tails)),
        (edges.transposed, (values, of_heads)),
        (edges.products, (of_heads, of_tails)),
    ):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    edges, pairs, (_, of_heads, of_tails) = drawn([3, 0, 5, 4], 4, 1)
    whole = edges.products(of_heads, of_tails)
    assert len(pairs) == 12
    monkeypatch.setattr(aggregation, "BLOCK", 5)
    torch.testing.assert_close(edges.products(of_heads, of_tails), whole, rtol=0, atol=0)


def test_no_edges_at_all() -> None:
    edges, _, (values, of_heads, of_tails) = drawn([0, 0], 3, 1)
    (edges.sums(values, of_tails).sum() + edges.transposed(values, of_heads).sum() + edges.products(of_heads, of_tails).sum()).backward()
    assert edges.sums(values, of_tails).tolist() == [[0.0] * 3] * 2
    assert of_tails.grad is not None and not of_tails.grad.any()
