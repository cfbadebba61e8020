"""EASE: a linear autoencoder without hidden layer, whose weights have a closed form.

    min over B of  |X - X B|_F^2 + lambda |B|_F^2   with  diag(B) = 0                                              (3)
    P = (X^T X + lambda I)^-1,    B_ij = -P_ij / P_jj,    s_u = x_u B                                              (8)

H. Steck. "Embarrassingly Shallow Autoencoders for Sparse Data." WWW 2019, arXiv 1905.03375.

Deviations: none. X is binary: a pair that occurs several times counts once. Unless double precision is asked for, the Gram matrix, its
Cholesky factor, its inverse and B all take their turn in the one float32 matrix.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg.lapack import get_lapack_funcs
from torch import Tensor, nn

from turret.core.context import ALL, Context, Reads
from turret.core.contracts import Progress
from turret.core.errors import TurretError
from turret.core.interactions import FloatArray, Interactions
from turret.data.prepared import Prepared
from turret.graphs.matrix import history_matrix, interaction_matrix
from turret.kernels.parallel import over_rows
from turret.training.procedures import Solve


class Config(BaseModel):
    """EASE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    regularization: float = Field(default=250.0, gt=0)
    """lambda, in interactions; the paper finds 200 to 1,000 on its data."""
    precision: Literal["single", "double"] = "single"
    """Of the inversion. double takes twice the time and three times the memory; it is needed where lambda is tiny beside the interactions
    of the most popular items (a hundred-thousandth and less)."""


class EASE(nn.Module):
    """The item-item weights B.

    Args:
        n_items: I; memory is 4 I^2 bytes.
        regularization, precision: as in `Config`.
    """

    reads = Reads(history=ALL)
    weights: Tensor

    def __init__(self, n_items: int, regularization: float, precision: Literal["single", "double"] = "single") -> None:
        super().__init__()
        self.regularization, self.precision = regularization, precision
        self.register_buffer("weights", torch.zeros(n_items, n_items))

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """The closed form.

        Raises:
            TurretError: the matrix to invert is singular to the precision asked for.
        """
        from turret.kernels.symmetric import TILE, divided_by_diagonal

        start = time.perf_counter()
        weights = self.weights.cpu().numpy()
        matrix = weights if self.precision == "single" else np.empty(weights.shape)
        fill_with_gram(matrix, interactions)
        matrix.flat[:: len(matrix) + 1] += self.regularization
        invert(matrix)
        diagonal = matrix.diagonal().copy()
        over_rows(lambda first, last: divided_by_diagonal(first, last, matrix, diagonal, weights), -(-len(matrix) // TILE), least=1)
        self.weights.copy_(torch.from_numpy(weights))
        yield Progress(1, seconds=time.perf_counter() - start)

    def score_all(self, context: Context) -> Tensor:
        """x_u B: float32 [B, I], as the sum of the rows of B that belong to the user's items."""
        assert context.history is not None
        chosen = history_matrix(context.history, len(self.weights))
        items, offsets = (torch.from_numpy(part).long().to(self.weights.device) for part in (chosen.indices, chosen.indptr))
        return F.embedding_bag(items, self.weights, offsets, mode="sum", include_last_offset=True)


def fill_with_gram(matrix: FloatArray, interactions: Interactions) -> None:
    """Makes the lower triangle of `matrix` [I, I] that of X^T X, for the binary X [U, I] of a log."""
    from turret.kernels.gram import lower_triangle

    by_user = interaction_matrix(interactions)
    by_item = by_user.tocsc()
    sides = (by_user.indptr, by_user.indices, by_item.indptr, by_item.indices)
    once = np.ones(interactions.n_users, dtype=matrix.dtype)
    matrix.fill(0)
    over_rows(lambda first, last: lower_triangle(first, last, *sides, once, matrix), len(matrix))


def invert(matrix: FloatArray) -> None:
    """Replaces the lower triangle of a positive definite matrix [I, I] by that of its inverse, with no second matrix beside it.

    Raises:
        TurretError: it is not positive definite, to its precision.
    """
    factorise, finish = get_lapack_funcs(("potrf", "potri"), (matrix,))
    upper = matrix.T  # LAPACK counts by columns, and takes the lower triangle by rows for the upper one
    failed = factorise(upper, lower=0, overwrite_a=1, clean=0)[1] or finish(upper, lower=0, overwrite_c=1)[1]
    if failed:
        raise TurretError(f"X^T X + lambda I is singular in {matrix.dtype}\n  Raise regularization, or set precision to double.")


def build(config: Config, prepared: Prepared) -> EASE:
    """An EASE for the items that training saw."""
    return EASE(prepared.n_items, config.regularization, config.precision)


def recipe(config: Config, prepared: Prepared) -> Solve:
    """The closed form of the training part."""
    return Solve(prepared.train)
