"""Batch normalisation that can meet a batch of one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm1d):
    """As `torch.nn.BatchNorm1d` (S. Ioffe, C. Szegedy. ICML 2015, algorithm 1), but in training a single row, which has no deviation, is
    normalised by the running statistics and leaves them alone: an epoch's last batch may be one."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, D] or [B, D, L] -> the same."""
        if self.training and input.numel() == self.num_features:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(input)
