"""Cosine."""

from __future__ import annotations

import torch
from torch import Tensor

from turret.scorers.lengths import pairs_and_squares, square

LEAST = 1e-12
"""Vectors shorter than this have no direction."""


class Cosine:
    """score(q, i) = <q, i> / (|q| |i| t).

    A vector without a direction scores 0 against all, and no gradient moves it: the cosine has no limit there.

    Args:
        temperature: t. Cosines lie between -1 and 1, which is too narrow for a softmax; a temperature below 1 spreads them.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]. Scores are scaled rather than items, which are D times as many numbers."""
        products, squares = pairs_and_squares(self.query_side(query), items)
        return products * _reciprocal_root(squares)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return self.query_side(query) @ self.item_side(items).T

    def query_side(self, query: Tensor) -> Tensor:
        """q / (|q| t): [Q, D] -> [Q, D]."""
        return query * (_reciprocal_root(square(query)) / self.temperature).unsqueeze(-1)

    def item_side(self, items: Tensor) -> Tensor:
        """i / |i|: [*S, D] -> [*S, D]."""
        return items * _reciprocal_root(square(items)).unsqueeze(-1)


def _reciprocal_root(squares: Tensor) -> Tensor:
    """1 / |v| of |v|^2, 0 for a vector without a direction: [*S] -> [*S]."""
    return torch.where(squares > LEAST**2, squares.clamp(min=LEAST**2).rsqrt(), 0.0)
