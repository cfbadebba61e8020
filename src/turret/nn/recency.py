"""The places of a sequence counted from its end. Sequences are filled up on the right."""

from __future__ import annotations

import torch
from torch import Tensor

from turret.core.context import Behaviours


def steps_back(mask: Tensor) -> Tensor:
    """int64 [B, L] how many real steps follow each: 0 for the latest, negative at the padding."""
    return mask.sum(dim=1, keepdim=True) - 1 - torch.arange(mask.shape[1], device=mask.device)


def latest(behaviours: Behaviours, most: int, among: Tensor | None = None) -> Behaviours:
    """The latest `most` steps, the very latest first.

    Args:
        behaviours: [B, L].
        most: steps kept a row.
        among: bool [B, L], the steps that count; None: all real ones.
    """
    real = behaviours.mask if among is None else behaviours.mask & among
    moments = real * torch.arange(1, real.shape[1] + 1, device=real.device)
    kept, places = moments.topk(min(most, real.shape[1]), dim=1)
    return Behaviours(torch.take_along_dim(behaviours.tokens, places.unsqueeze(2), dim=1), kept > 0)
