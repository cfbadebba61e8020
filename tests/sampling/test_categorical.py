"""Draws from rows of weights, against numpy's search and at the ends of what numbers can be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.sampling import categorical


def test_inverts_the_cumulative_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(5, 40, generator=generator, dtype=torch.float64) * (torch.rand(5, 40, generator=generator) > 0.4)
    uniform = torch.rand(5, 1000, generator=generator, dtype=torch.float64)
    drawn = categorical.draw(weights, uniform)
    for row in range(5):
        upper = np.cumsum(weights[row].numpy())
        assert np.array_equal(drawn[row].numpy(), np.searchsorted(upper / upper[-1], uniform[row].numpy(), side="right"))
    assert (weights.gather(1, drawn) > 0).all()


def test_never_draws_what_has_no_weight_at_the_ends() -> None:
    weights = torch.tensor([[0.0, 0.1, 0.2, 0.7, 0.0], [0, 1e-300, 0, 0, 0]], dtype=torch.float64)
    ends = torch.tensor([[0.0, 1 - 2**-53]], dtype=torch.float64).expand(2, -1)
    assert categorical.draw(weights, ends).tolist() == [[1, 3], [1, 1]]


@pytest.mark.parametrize("row", [[0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_refuses_rows_of_which_nothing_can_be_drawn(row: list[float]) -> None:
    with pytest.raises(ValueError, match="not finite, or all 0"):
        categorical.draw(torch.tensor([row], dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))


def test_softmax_at_extreme_logits() -> None:
    logits = torch.tensor([[1e4, 1e4 - 1, -torch.inf], [-1e4, -1e4, -torch.inf], [-torch.inf] * 3])
    expected = torch.tensor([[1, np.exp(-1), 0], [1, 1, 0], [1, 1, 1]], dtype=torch.float64)
    assert torch.allclose(categorical.softmax(logits), expected)


def test_blocks_are_all_rows() -> None:
    rows = [list(range(10))[part] for part in categorical.blocks(10, categorical.NUMBERS // 3)]
    assert rows == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert list(categorical.blocks(0, 5)) == []
