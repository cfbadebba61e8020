"""Against the definition, row by row."""

from __future__ import annotations

import math

import pytest
import torch

from turret.losses import full
from turret.losses.discrimination import discrimination


def cosine(left: list[float], right: list[float]) -> float:
    inner = sum(a * b for a, b in zip(left, right, strict=True))
    return inner / math.sqrt(sum(a * a for a in left)) / math.sqrt(sum(b * b for b in right))


def expected(vectors: torch.Tensor, others: torch.Tensor, target: list[int], temperature: float) -> float:
    total = 0.0
    for vector, own in zip(vectors.tolist(), target, strict=True):
        powers = [math.exp(cosine(vector, other) / temperature) for other in others.tolist()]
        total -= math.log(powers[own] / sum(powers))
    return total / len(vectors)


def drawn(rows: int, others: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, 3, generator=generator, dtype=torch.float64, requires_grad=True) for n in (rows, others))  # type: ignore[return-value]


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("kept", [2**21, 0])
def test_it_is_the_definition_whether_or_not_the_cosines_are_kept(temperature: float, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "KEPT", kept)
    vectors, others = drawn(4, 6)
    target = torch.tensor([5, 0, 0, 2])
    loss = discrimination(vectors, others, target, temperature)
    assert loss.item() == pytest.approx(expected(vectors, others, target.tolist(), temperature), rel=1e-9)
    assert torch.autograd.gradcheck(lambda x, y: discrimination(x, y, target, temperature), (vectors, others))


def test_a_row_that_counts_twice_is_two_rows() -> None:
    vectors, others = drawn(3, 4)
    twice = discrimination(vectors[[0, 1, 1, 2]], others, torch.tensor([3, 0, 0, 1]), 0.3)
    torch.testing.assert_close(discrimination(vectors, others, torch.tensor([3, 0, 1]), 0.3, torch.tensor([1, 2, 1])), twice)


def test_only_directions_count() -> None:
    vectors, others = drawn(3, 3)
    own = torch.arange(3)
    torch.testing.assert_close(discrimination(7 * vectors, 0.2 * others, own, 0.3), discrimination(vectors, others, own, 0.3))


def test_one_that_is_told_from_nothing_costs_nothing() -> None:
    vectors, _ = drawn(1, 1)
    assert discrimination(vectors, vectors, torch.tensor([0]), 0.2).item() == 0.0
