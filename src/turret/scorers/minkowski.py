"""Distances by other norms than the Euclidean."""

from __future__ import annotations

import torch
from torch import Tensor


class Minkowski:
    """score(q, i) = -|q - i|_p = -(sum_d |q_d - i_d|^p)^(1/p).

    No inner product gives the order of these scores, except for p = 2, which `euclidean.Euclidean` has. Where two vectors meet, the
    gradient is taken as 0.

    Args:
        p: 1 or more; infinity takes the largest difference.
    """

    def __init__(self, p: float) -> None:
        self.p = p

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        return self._distances(query[:, None], items).squeeze(1).neg()

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]. The differences [Q, I, D] never exist."""
        return self._distances(query, items).neg()

    def _distances(self, left: Tensor, right: Tensor) -> Tensor:
        """[*S, M, D], [*S, N, D] -> [*S, M, N]; not by a matrix product, which is inexact where vectors are close."""
        return torch.cdist(left, right, p=self.p, compute_mode="donot_use_mm_for_euclid_dist")
