"""The linear model that factorisation machines and their kin begin with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from turret.core.context import Impressions
from turret.core.features import Schema
from turret.nn.fields import FirstOrder


class LinearTerm(nn.Module):
    """w_0 + <w, x>; w_0 begins at zero.

    Args:
        schema: the features.
        std: standard deviation of the initial weights.
    """

    def __init__(self, schema: Schema, std: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))
        self.first_order = FirstOrder(schema, std)

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B, 1]."""
        first: Tensor = self.first_order(impressions)
        return self.bias + first.unsqueeze(1)
