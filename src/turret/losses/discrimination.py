"""Telling a vector's counterpart from all others, by cosine: what contrastive graph models add to the comparison of items."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from turret.losses.full import dot_softmax_cross_entropy


def discrimination(vectors: Tensor, others: Tensor, target: Tensor, temperature: float, weight: Tensor | None = None) -> Tensor:
    """The weighted mean over rows t of  - log  e^(cos(v_t, o_target(t)) / tau) / sum over n of e^(cos(v_t, o_n) / tau).

    InfoNCE between two views of the same things (Z. Wu, Y. Xiong, S. X. Yu, D. Lin. "Unsupervised Feature Learning via Non-Parametric
    Instance Discrimination." CVPR 2018; A. van den Oord, Y. Li, O. Vinyals. "Representation Learning with Contrastive Predictive Coding."
    2018), where `losses.sampled.info_nce` is of the scores of items. The [T, N] cosines never exist at once (`losses.full`).

    Args:
        vectors: float [T, D], T at least 1.
        others: float [N, D] the counterparts of all.
        target: int64 [T] which of them is each row's own.
        temperature: tau, above 0.
        weight: [T] how much each row counts; None where all count alike.

    Returns:
        A scalar.
    """
    unit = F.normalize(vectors, dim=1) / temperature
    total = len(target) if weight is None else weight.sum()
    return dot_softmax_cross_entropy(unit, F.normalize(others, dim=1), target, weight=weight) / total
