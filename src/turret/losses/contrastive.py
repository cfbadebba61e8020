"""Losses that spread vectors over a sphere: right items close, everything else apart.

`cosine_contrastive` is a function of `Scored`, whose scores should be cosines. The other two are of the vectors themselves and need no
negatives; they are scalars, of the vectors brought to length 1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.losses.scored import Scored


def cosine_contrastive(scored: Scored, *, margin: float, negative_weight: float) -> Tensor:
    """1 - s+ + negative_weight * the mean of max(0, s- - margin), over the negatives that count: [T].

    K. Mao et al. "SimpleX: A Simple and Strong Baseline for Collaborative Filtering." CIKM 2021, equation 1.

    Args:
        scored: cosines.
        margin: up to which a negative costs nothing.
        negative_weight: of all negatives together.
    """
    return 1 - scored.positive + negative_weight * scored.mean(F.relu(scored.against - margin))


def alignment(query: Tensor, items: Tensor) -> Tensor:
    """The mean of |q - i|^2 over the rows, which are right for each other.

    C. Wang et al. "Towards Representation Alignment and Uniformity in Collaborative Filtering." KDD 2022 (DirectAU), after T. Wang,
    P. Isola. "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere." ICML 2020.

    Args:
        query: float [T, D].
        items: float [T, D].
    """
    return (F.normalize(query, dim=1) - F.normalize(items, dim=1)).square().sum(dim=1).mean()


def uniformity(vectors: Tensor) -> Tensor:
    """log of the mean of e^(-2 |x - y|^2) over all pairs of different rows; 0 of a single row.

    The sources are those of `alignment`. Rows that are equal are a pair as others are. Of vectors of length 1 the squared distance is
    2 - 2 <x, y>: there is no root in it, whose slope at 0 would be infinite.

    Args:
        vectors: float [T, D].
    """
    rows = len(vectors)
    if rows < 2:
        return vectors.new_zeros(())
    unit = F.normalize(vectors, dim=1)
    apart = 4 * (unit @ unit.T) - 4
    itself = torch.eye(rows, dtype=torch.bool, device=vectors.device)
    return apart.masked_fill(itself, -torch.inf).flatten().logsumexp(dim=0) - math.log(rows * (rows - 1))
