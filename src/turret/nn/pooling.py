"""One vector, or a few, from the vectors of a set."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from turret.core.features import Pooling


def pool(vectors: Tensor, mask: Tensor, how: Pooling, length: int | None = None, target: Tensor | None = None) -> Tensor:
    """float [B, S, D], bool [B, S] -> [B, k, D]; an empty set is the zero vector.

    `mean`, `sum` and `max` are taken dimension by dimension over the members. `attention` weighs them by softmax(<target, v> / sqrt(D))
    (Vaswani et al. 2017, equation 1, with one query). `concat` keeps the first k = `length` of them apart; of the others k is 1.

    Args:
        vectors: what stands where `mask` is False does not matter.
        mask: True for members.
        how: as above.
        length: of `concat`.
        target: [B, D], the query of `attention`.
    """
    members = vectors * mask.unsqueeze(-1)
    if how == "concat":
        assert length is not None
        kept = members[:, :length]
        return torch.cat([kept, kept.new_zeros(len(kept), length - kept.shape[1], kept.shape[2])], dim=1)
    if how == "max":
        lowest = vectors.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(dim=1, keepdim=True)
        return torch.where(mask.any(dim=1)[:, None, None], lowest, 0.0)
    if how == "attention":
        assert target is not None
        scores = (vectors @ target.unsqueeze(-1)).squeeze(-1) / math.sqrt(vectors.shape[-1])
        weights = softmax_over(scores, mask)
        return weights.unsqueeze(1) @ members
    total = members.sum(dim=1, keepdim=True)
    return total if how == "sum" else total / mask.sum(dim=1)[:, None, None].clamp(min=1)


def softmax_over(scores: Tensor, mask: Tensor) -> Tensor:
    """The softmax over the last axis of [*, S] among the places that `mask` [*, S] marks; all zero where it marks none."""
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights * mask
