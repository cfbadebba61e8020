"""WRMF: weighted matrix factorization of implicit feedback, by alternating least squares (ALS).

    min over X, Y of  sum over all u, i of  c_ui (p_ui - <x_u, y_i>)^2  +  lambda ( sum_u |x_u|^2 + sum_i |y_i|^2 )       (3)
    p_ui = 1 if r_ui > 0 else 0,    c_ui = 1 + alpha r_ui
    x_u = (Y^T C^u Y + lambda I)^-1 Y^T C^u p(u), and y_i in the same way                                          (4), (5)

Y. Hu, Y. Koren, C. Volinsky. "Collaborative Filtering for Implicit Feedback Datasets." ICDM 2008. Conjugate gradients: G. Takacs, I. Pilaszy,
D. Tikk. "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering." RecSys 2011.

r_ui is the sum of the weights of the pair's interactions, 1 each where they have none.

Deviations: no user is looked up: the query is x_u solved anew, exactly, from the history, which answers for users whom training never saw and takes up
what users did since.
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
    alpha: float = Field(default=40.0, gt=0)
    """How much more an interaction is trusted than its absence."""
    regularization: float = Field(default=0.01, gt=0)
    """lambda."""
    sweeps: int = Field(default=15, ge=1)
    """How often all users, then all items are solved for."""
    solver: Literal["conjugate_gradient", "cholesky"] = "conjugate_gradient"
    """How training solves for a vector: by a few steps on from the last sweep's, or exactly, as in the paper, in three to four times the time."""
    conjugate_gradient_steps: int = Field(default=3, ge=1)
    """How many steps."""


class WRMF(nn.Module):
    """Two sides of vectors, solved for in turns.

    Args:
        n_users, n_items: how many vectors each side has.
        embed_dim: D.
        alpha, regularization, sweeps: as in `Config`.
        steps: of conjugate gradients; 0 solves exactly.
    """

    reads = Reads(history=ALL)
    users: Tensor
    items: Tensor
    gram: Tensor
    finished: Tensor

    def __init__(self, n_users: int, n_items: int, embed_dim: int, alpha: float, regularization: float, sweeps: int, steps: int) -> None:
        super().__init__()
        self.alpha, self.regularization, self.sweeps, self.steps = alpha, regularization, sweeps, steps
        self.scorer: Scorer = Dot()
        self.register_buffer("users", torch.zeros(n_users, embed_dim))
        self.register_buffer("items", torch.zeros(n_items, embed_dim))
        self.register_buffer("gram", torch.zeros(embed_dim, embed_dim))
        self.register_buffer("finished", torch.zeros((), dtype=torch.int64))

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """Goes on from the sweep that the buffers hold; yields after each, with the loss (3) that it reached."""
        by_user = interaction_matrix(interactions)
        by_item = by_user.T.tocsr()
        users, items = self.users.cpu().numpy(), self.items.cpu().numpy()
        if not self.finished:
            width = items.shape[1]
            self.items.copy_(torch.randn(items.shape, generator=generator) * (0.1 / width**0.5))
        while int(self.finished) < self.sweeps:
            start = time.perf_counter()
            self._solve_rows(by_user, items, items.T @ items, users, self.steps)
            loss = self._solve_rows(by_item, users, users.T @ users, items, self.steps)
            ...
            self.finished += 1
            yield Progress(int(self.finished), {"loss": loss}, time.perf_counter() - start)
