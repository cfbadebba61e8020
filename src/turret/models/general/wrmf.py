"""WRMF: weighted matrix factorization of implicit feedback, by alternating least squares (ALS).

    min over X, Y of  sum over all u, i of  c_ui (p_ui - <x_u, y_i>)^2  +  lambda ( sum_u |x_u|^2 + sum_i |y_i|^2 )       (3)
    p_ui = 1 if r_ui > 0 else 0,    c_ui = 1 + alpha r_ui
    x_u = (Y^T C^u Y + lambda I)^-1 Y^T C^u p(u), and y_i in the same way                                          (4), (5)

Y. Hu, Y. Koren, C. Volinsky. "Collaborative Filtering for Implicit Feedback Datasets." ICDM 2008. Conjugate gradients: G. Takacs, I.
Pilaszy, D. Tikk. "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering." RecSys 2011.

r_ui is the sum of the weights of the pair's interactions, 1 each where they have none.

Deviations: no user is looked up. The query is x_u, solved anew and exactly from the history, so that it answers for users whom training
never saw and takes up what others did since. In training, vectors move by three steps of conjugate gradients a sweep unless solved for
exactly, as in the paper. lambda may grow with a row's confidence, as S. Rendle, W. Krichene, L. Zhang, Y. Koren found better ("Revisiting
the Performance of iALS on Item Recommendation Benchmarks." RecSys 2022). alpha is 10 by default where the paper reports 40:
right for catalogues of some thousand items, while tens of thousands ask for the 40 or more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_array
from torch import Tensor, nn

from turret.core.context import ALL, Context, Encoded, Query, Reads
from turret.core.contracts import Progress, Scorer
from turret.core.interactions import FloatArray, Interactions
from turret.data.prepared import Prepared
from turret.graphs.matrix import history_matrix, interaction_matrix
from turret.kernels.parallel import over_rows
from turret.nn.tables import Computed
from turret.scorers.dot import Dot
from turret.training.procedures import Solve


class Config(BaseModel):
    """WRMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    alpha: float = Field(default=10.0, gt=0)
    """How much more an interaction is trusted than its absence."""
    regularization: float = Field(default=50.0, gt=0)
    """lambda."""
    regularization_exponent: float = Field(default=0.0, ge=0)
    """nu: a row's lambda is multiplied by the nu-th power of the sum of its confidences; 0 is the paper's objective. With 1, a good lambda
    is a thousandth part of what it is with 0."""
    sweeps: int = Field(default=15, ge=1)
    """How often all users, then all items are solved for."""
    solver: Literal["conjugate_gradient", "cholesky"] = "conjugate_gradient"
    """How training solves for a vector: by some steps on from what the last sweep found, or exactly, in some four times the time."""
    conjugate_gradient_steps: int = Field(default=3, ge=1)
    """How many steps, where the solver is conjugate_gradient."""


class WRMF(nn.Module):
    """Two sides of vectors, solved for in turns.

    Args:
        n_users, n_items: how many vectors each side has.
        embed_dim: D.
        alpha, regularization, regularization_exponent, sweeps: as in `Config`.
        steps: of conjugate gradients for each vector in a sweep; None solves exactly.
    """

    reads = Reads(history=ALL)
    users: Tensor
    items: Tensor
    gram: Tensor
    finished: Tensor

    def __init__(
        self,
        n_users: int,
        n_items: int,
        embed_dim: int,
        alpha: float,
        regularization: float,
        regularization_exponent: float = 0.0,
        sweeps: int = 15,
        steps: int | None = 3,
    ) -> None:
        super().__init__()
        self.alpha, self.regularization, self.regularization_exponent = alpha, regularization, regularization_exponent
        self.sweeps, self.steps = sweeps, steps
        self.scorer: Scorer = Dot()
        self.register_buffer("users", torch.zeros(n_users, embed_dim))
        self.register_buffer("items", torch.zeros(n_items, embed_dim))
        self.register_buffer("gram", torch.zeros(embed_dim, embed_dim))
        self.register_buffer("finished", torch.zeros((), dtype=torch.int64))

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """Goes on from the sweep that the buffers hold. Yields after each sweep, with the value of (3) that it reached."""
        by_user = interaction_matrix(interactions)
        by_item = by_user.tocsc().T
        if not self.finished:
            self.items.copy_(torch.randn(self.items.shape, generator=generator) * (0.1 / self.items.shape[1] ** 0.5))
        users, items = self.users.cpu().numpy(), self.items.cpu().numpy()
        while self.finished < self.sweeps:
            start = time.perf_counter()
            self._solve_rows(by_user, items, items.T @ items, users, self.steps)
            loss = self._solve_rows(by_item, users, users.T @ users, items, self.steps)
            loss += float(np.dot(self._ridge(by_user), np.square(users, dtype=np.float64).sum(axis=1)))
            for buffer, found in ((self.users, users), (self.items, items), (self.gram, items.T @ items)):
                buffer.copy_(torch.from_numpy(found))
            self.finished += 1
            yield Progress(int(self.finished), {"loss": loss}, time.perf_counter() - start)

    def _ridge(self, rows: csr_array) -> FloatArray:
        """Each row's lambda: float32 [R]."""
        confidence: FloatArray = self.alpha * rows.sum(axis=1) + rows.shape[1]
        return (self.regularization * confidence**self.regularization_exponent).astype(np.float32)

    def _solve_rows(self, rows: csr_array, fixed: FloatArray, gram: FloatArray, solved: FloatArray, steps: int | None) -> float:
        """Puts the rows' vectors into `solved` [R, D], given the other side's; returns the sum of what they reach."""
        from turret.kernels import als

        loss = np.zeros(len(solved))
        problem = (rows.indptr, rows.indices, np.float32(self.alpha) * rows.data, fixed, gram, self._ridge(rows))
        if steps is None:
            over_rows(lambda first, last: als.cholesky(first, last, *problem, solved, loss), len(solved))
        else:
            over_rows(lambda first, last: als.conjugate_gradient(first, last, *problem, steps, solved, loss), len(solved))
        return float(loss.sum())

    def encode(self) -> Encoded:
        """The items' vectors."""
        return Encoded(items=Computed(self.items))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """x_u of each history, solved exactly: [B, D]. Computed on the processor, wherever the model is."""
        assert context.history is not None
        items = encoded.items.dense()
        rows = history_matrix(context.history, len(items))
        vectors = np.zeros((rows.shape[0], items.shape[1]), dtype=np.float32)
        self._solve_rows(rows, items.cpu().numpy(), self.gram.cpu().numpy(), vectors, steps=None)
        return Query(torch.from_numpy(vectors).to(items.device))


def build(config: Config, prepared: Prepared) -> WRMF:
    """A WRMF for the users and items that training saw."""
    return WRMF(
        prepared.n_users,
        prepared.n_items,
        config.embed_dim,
        config.alpha,
        config.regularization,
        config.regularization_exponent,
        config.sweeps,
        config.conjugate_gradient_steps if config.solver == "conjugate_gradient" else None,
    )


def recipe(config: Config, prepared: Prepared) -> Solve:
    """Sweeps over the training part."""
    return Solve(prepared.train)
