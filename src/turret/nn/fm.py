"""Factorisation machines' second-order term."""

from __future__ import annotations

import torch
from torch import Tensor


def bi_interaction(vectors: Tensor) -> Tensor:
    """The sum over pairs of fields i < j of v_i * v_j, number by number: [*S, F, D] -> [*S, D].

    Computed in O(F D) as half of (sum_i v_i)^2 - sum_i v_i^2, lemma 3.1 of S. Rendle, "Factorization Machines", ICDM 2010. The value x_i of
    a field is already multiplied into its vector. (The name is that of X. He, T.-S. Chua, SIGIR 2017, equation 3.)
    """
    return 0.5 * (vectors.sum(dim=-2).square() - vectors.square().sum(dim=-2))


def second_order(vectors: Tensor) -> Tensor:
    """The sum over pairs of fields i < j of <v_i, v_j>: [*S, F, D] -> [*S]."""
    total, each = vectors.sum(dim=-2), vectors.flatten(-2)
    doubled: Tensor = torch.linalg.vecdot(total, total) - torch.linalg.vecdot(each, each)
    return 0.5 * doubled
