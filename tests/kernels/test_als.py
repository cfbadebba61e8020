"""Against dense normal equations in float64, and SciPy's conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from scipy.sparse.linalg import cg

from turret.kernels.als import cholesky, conjugate_gradient

ROWS, COLUMNS = 9, 40


@dataclass(frozen=True)
class Problem:
    """Rows of which one is empty, one has few entries and one all."""

    entries: csr_array
    fixed: np.ndarray
    ridge: np.ndarray

    @property
    def arguments(self) -> tuple[np.ndarray, ...]:
        gram = self.fixed.T @ self.fixed
        return self.entries.indptr, self.entries.indices, self.entries.data, self.fixed, gram, self.ridge

    def equation(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """A and b of one row."""
        y, extra = self.fixed.astype(np.float64), self.entries.toarray()[row].astype(np.float64)
        chosen = np.isin(np.arange(COLUMNS), self.entries.indices[self.entries.indptr[row] : self.entries.indptr[row + 1]])
        matrix = y.T @ ((1 + extra)[:, None] * y) + self.ridge[row] * np.eye(y.shape[1])
        return matrix, y.T @ ((1 + extra) * chosen)

    def loss(self, row: int, x: np.ndarray) -> float:
        """The definition, term by term."""
        extra, p = self.entries.toarray()[row].astype(np.float64), np.zeros(COLUMNS)
        p[self.entries.indices[self.entries.indptr[row] : self.entries.indptr[row + 1]]] = 1
        return float(np.sum((1 + extra) * (p - self.fixed.astype(np.float64) @ x) ** 2) + self.ridge[row] * np.sum(x**2))


def problem(width: int) -> Problem:
    draw = np.random.default_rng(width)
    dense = random_array((ROWS, COLUMNS), density=0.3, rng=draw).toarray() * 5
    dense[2], dense[5], dense[7, 3:] = 0, draw.random(COLUMNS) + 0.1, 0
    fixed = draw.normal(size=(COLUMNS, width)).astype(np.float32)
    return Problem(csr_array(dense.astype(np.float32)), fixed, draw.uniform(0.5, 3, ROWS).astype(np.float32))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 8, 16, 21])
def test_cholesky_solves_the_normal_equations(width: int) -> None:
    given = problem(width)
    solved, loss = np.full((ROWS, width), np.nan, dtype=np.float32), np.empty(ROWS)
    cholesky(0, ROWS, *given.arguments, solved, loss)
    for row in range(ROWS):
        expected = np.linalg.solve(*given.equation(row))
        np.testing.assert_allclose(solved[row], expected, rtol=1e-3, atol=1e-5)
        assert loss[row] == pytest.approx(given.loss(row, expected), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("width", [1, 3, 8, 21])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_conjugate_gradients_are_scipys(width: int, steps: int) -> None:
    given = problem(width)
    start = np.random.default_rng(1).normal(size=(ROWS, width)).astype(np.float32)
    solved, loss = start.copy(), np.empty(ROWS)
    conjugate_gradient(0, ROWS, *given.arguments, steps, solved, loss)
    for row in range(ROWS):
        matrix, target = given.equation(row)
        # From 0 with what is left at the start on the right: SciPy answers a right side of 0, as an empty row has, without a step.
        moved = cg(matrix, target - matrix @ start[row], rtol=0, maxiter=min(steps, width))[0] if steps else 0
        np.testing.assert_allclose(solved[row], start[row] + moved, rtol=1e-3, atol=1e-3)
        assert loss[row] == pytest.approx(given.loss(row, solved[row].astype(np.float64)), rel=1e-4, abs=1e-3)


def test_enough_steps_reach_the_exact_solution() -> None:
    given = problem(8)
    stepped, exact, loss = np.zeros((ROWS, 8), dtype=np.float32), np.empty((ROWS, 8), dtype=np.float32), np.empty(ROWS)
    conjugate_gradient(0, ROWS, *given.arguments, 12, stepped, loss)
    cholesky(0, ROWS, *given.arguments, exact, loss)
    np.testing.assert_allclose(stepped, exact, rtol=1e-3, atol=1e-5)


def test_only_the_rows_asked_for_are_touched() -> None:
    given = problem(4)
    whole, part, loss = np.zeros((ROWS, 4), dtype=np.float32), np.zeros((ROWS, 4), dtype=np.float32), np.zeros(ROWS)
    cholesky(0, ROWS, *given.arguments, whole, loss)
    cholesky(3, 6, *given.arguments, part, loss)
    assert np.array_equal(part[3:6], whole[3:6])
    assert not part[:3].any() and not part[6:].any()
