from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.segments import Segments

lengths = st.lists(st.integers(0, 5), min_size=1, max_size=7)


def drawn(sizes: list[int], columns: tuple[int, ...], seed: int, scale: float = 1.0) -> tuple[Segments, torch.Tensor]:
    values = torch.randn(sum(sizes), *columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * scale
    return Segments(torch.tensor([0, *np.cumsum(sizes)])), values.requires_grad_()


@given(sizes=lengths, columns=st.sampled_from([(), (1,), (3,)]), seed=st.integers(0, 2**16), scale=st.sampled_from([1.0, 300.0]))
@settings(deadline=None, max_examples=40)
def test_sums_and_softmaxes_are_those_of_a_loop(sizes: list[int], columns: tuple[int, ...], seed: int, scale: float) -> None:
    segments, values = drawn(sizes, columns, seed, scale)
    parts = values.split(sizes)
    torch.testing.assert_close(segments.sum(values), torch.stack([part.sum(dim=0) for part in parts]))
    torch.testing.assert_close(segments.softmax(values), torch.cat([part.softmax(dim=0) for part in parts]))
    each = torch.arange(len(sizes), dtype=torch.float64)
    spread = [float(number) for number, size in enumerate(sizes) for _ in range(size)]
    assert segments.spread(each).tolist() == spread


@given(sizes=lengths, columns=st.sampled_from([(), (2,)]), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=15)
def test_gradients_are_right_twice(sizes: list[int], columns: tuple[int, ...], seed: int) -> None:
    segments, values = drawn(sizes, columns, seed)
    if not values.numel():
        return
    assert torch.autograd.gradcheck(segments.softmax, (values,))
    assert torch.autograd.gradgradcheck(segments.softmax, (values,))
    assert torch.autograd.gradgradcheck(lambda x: segments.sum(x).square(), (values,))
    whole = segments.sum(values).detach().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: segments.spread(x).square(), (whole,))


def test_nothing_at_all() -> None:
    segments = Segments(torch.tensor([0, 0, 0]))
    assert segments.sum(torch.zeros(0)).tolist() == [0.0, 0.0]
    assert segments.softmax(torch.zeros(0)).shape == (0,)
    assert segments.spread(torch.ones(2)).shape == (0,)


def test_an_infinitely_small_value_has_no_share() -> None:
    segments = Segments(torch.tensor([0, 3]))
    assert segments.softmax(torch.tensor([0.0, -torch.inf, 0.0])).tolist() == [0.5, 0.0, 0.5]
