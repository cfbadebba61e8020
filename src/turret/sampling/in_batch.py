"""The other rows' targets as negatives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Context, Encoded, Query, Shared
from turret.core.interactions import IntArray


class InBatch:
    """All targets of the batch are every query's negatives; its own (and any row's equal one) is masked by the objective.

    An item then appears as a negative as often as it is a target, so log q is that of the training counts: a softmax that subtracts it
    does not punish popular items for being popular (Yi et al. 2019, "Sampling-Bias-Corrected Neural Modeling").

    Args:
        counts: int [I] how often each item occurs in the training part.
    """

    def __init__(self, counts: IntArray) -> None:
        share = np.maximum(counts, 1).astype(np.float64)
        self._log_q = torch.from_numpy(np.log(share / share.sum())).float()

    def __call__(self, context: Context, target: Tensor, query: Query, encoded: Encoded, generator: torch.Generator) -> Shared:
        """`Shared` with items [T] and log_q [T]."""
        self._log_q = self._log_q.to(target.device)
        return Shared(target, self._log_q[target])
