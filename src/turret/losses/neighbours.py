"""Telling a vector's several counterparts from all others, by cosine."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def neighbour_discrimination(vectors: Tensor, others: Tensor, positives: Tensor, temperature: float) -> Tensor:
    """The mean over rows t of  - log  sum over p in P_t of e^(cos(v_t, o_p) / tau)  /  sum over n of e^(cos(v_t, o_n) / tau).

    J. Yu, H. Yin, M. Gao, X. Xia, X. Zhang, N. Q. V. Hung. "Socially-Aware Self-Supervised Tri-Training for Recommendation." KDD 2021,
    section 3.3. With one counterpart a row it is `losses.discrimination`. All [T, N] cosines exist at once.

    Args:
        vectors: float [T, D], T at least 1.
        others: float [N, D].
        positives: int64 [T, K] which of the others are each row's counterparts, all different.
        temperature: tau, above 0.

    Returns:
        A scalar.
    """
    cosines = F.normalize(vectors, dim=1) @ F.normalize(others, dim=1).T / temperature
    return (cosines.logsumexp(dim=1) - cosines.gather(1, positives).logsumexp(dim=1)).mean()
