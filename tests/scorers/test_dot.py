"""The inner product by kernels against torch's own operations."""

from __future__ import annotations

import pytest
import torch

from turret.scorers.dot import Dot


@pytest.mark.parametrize(("queries", "candidates", "width"), [(1, 1, 1), (5, 2, 3), (4, 4, 4), (700, 65, 16), (0, 3, 2), (3, 0, 2)])
def test_pairs_and_all_agree(queries: int, candidates: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(queries, width, generator=generator)
    items = torch.randn(20, width, generator=generator)
    ids = torch.randint(20, (queries, candidates), generator=generator)
    every = Dot().all(query, items)
    assert every.shape == (queries, 20)
    torch.testing.assert_close(Dot().pairs(query, items[ids]), every.gather(1, ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_of_pairs(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        generator = torch.Generator().manual_seed(0)
        query = torch.randn(3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        items = torch.randn(3, 2, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(Dot().pairs, (query, items))
        large = [torch.randn(shape, generator=generator).requires_grad_() for shape in ((3000, 64), (3000, 30, 64))]
        weights = torch.randn(3000, 30, generator=generator)
        ours = torch.autograd.grad((Dot().pairs(*large) * weights).sum(), large)
        theirs = torch.autograd.grad((torch.einsum("qd,qcd->qc", *large) * weights).sum(), large)
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    finally:
        torch.set_num_threads(before)


def test_views_that_are_not_contiguous() -> None:
    query, items = torch.randn(4, 6).T, torch.randn(6, 4, 3).transpose(1, 2)
    torch.testing.assert_close(Dot().pairs(query, items), torch.einsum("qd,qcd->qc", query, items))
