"""Distance correlation against loops over its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from turret.losses.independence import distance_correlation


def covariance(one: list[float], other: list[float]) -> float:
    """dCov, squared."""
    n, parts = len(one), []
    for numbers in (one, other):
        distance = [[abs(a - b) for b in numbers] for a in numbers]
        rows = [sum(row) / n for row in distance]
        mean = sum(rows) / n
        parts.append([[distance[i][j] - rows[i] - rows[j] + mean for j in range(n)] for i in range(n)])
    return sum(parts[0][i][j] * parts[1][i][j] for i in range(n) for j in range(n)) / n**2


def test_it_is_that_of_its_definition_summed_over_pairs() -> None:
    vectors = np.random.default_rng(0).standard_normal((4, 9))
    expected = 0.0
    for p in range(4):
        for q in range(p + 1, 4):
            one, other = vectors[p].tolist(), vectors[q].tolist()
            own = math.sqrt(math.sqrt(covariance(one, one)) * math.sqrt(covariance(other, other)))
            expected += math.sqrt(covariance(one, other)) / own
    assert distance_correlation(torch.from_numpy(vectors)).item() == pytest.approx(expected, rel=1e-6)


def test_a_multiple_depends_wholly_and_one_vector_on_nothing() -> None:
    vector = torch.randn(12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert distance_correlation(torch.stack([vector, -3 * vector + 1])).item() == pytest.approx(1, abs=1e-6)
    assert distance_correlation(vector[None]).item() == 0


def test_independent_samples_depend_ever_less() -> None:
    generator = torch.Generator().manual_seed(1)
    few, many = (distance_correlation(torch.randn(2, n, generator=generator, dtype=torch.float64)).item() for n in (10, 1000))
    assert many < 0.1 < few


def test_its_gradient_is_finite_where_vectors_are_alike_and_right_elsewhere() -> None:
    alike = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    distance_correlation(alike).backward()
    assert alike.grad is not None and alike.grad.isfinite().all()
    vectors = torch.randn(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(distance_correlation, vectors)
