"""Factorisation machines' second-order term."""

from __future__ import annotations

from torch import Tensor


def second_order(vectors: Tensor) -> Tensor:
    """The sum over pairs of fields i < j of <v_i, v_j>: [*S, F, D] -> [*S].

    Computed in O(F D) as half of sum_d ((sum_i v_id)^2 - sum_i v_id^2), lemma 3.1 of S. Rendle, "Factorization Machines", ICDM 2010. The
    value x_i of a field is already multiplied into its vector.
    """
    return 0.5 * (vectors.sum(dim=-2).square() - vectors.square().sum(dim=-2)).sum(dim=-1)
