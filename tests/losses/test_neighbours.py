"""Several counterparts against all others."""

from __future__ import annotations

import math

import pytest
import torch

from turret.losses.discrimination import discrimination
from turret.losses.neighbours import neighbour_discrimination


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(5, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))  # type: ignore[return-value]


def test_it_is_the_share_of_the_counterparts(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    vectors, others = (each.tolist() for each in drawn)
    positives = [[0, 3], [1, 2], [2, 4], [0, 1], [4, 3]]
    expected = 0.0
    for vector, counterparts in zip(vectors, positives, strict=True):
        powers = []
        for other in others:
            product = sum(a * b for a, b in zip(vector, other, strict=True))
            powers.append(math.exp(product / math.hypot(*vector) / math.hypot(*other) / 0.2))
        expected -= math.log(sum(powers[place] for place in counterparts) / sum(powers)) / 5
    assert neighbour_discrimination(*drawn, torch.tensor(positives), 0.2).item() == pytest.approx(expected, rel=1e-9)


def test_with_one_counterpart_it_is_discrimination(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    target = torch.tensor([3, 1, 0, 0, 4])
    several, one = neighbour_discrimination(*drawn, target[:, None], 0.3), discrimination(*drawn, target, 0.3)
    torch.testing.assert_close(several, one)
    for ours, theirs in zip(torch.autograd.grad(several, drawn), torch.autograd.grad(one, drawn), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_with_all_of_them_it_is_0_and_a_low_temperature_overflows_nothing(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    everyone = torch.arange(5).expand(5, 5)
    assert neighbour_discrimination(*drawn, everyone, 0.1).item() == pytest.approx(0, abs=1e-12)
    assert neighbour_discrimination(*(each.float() for each in drawn), everyone[:, :1], 1e-3).isfinite()
