"""A weighted sum whose weights follow from what is summed."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionalPooling(nn.Module):
    """u = sum over i of alpha_i x_i,    alpha = softmax over i of <c, relu(W x_i)>

    Z. Li et al. "Interpretable Click-Through Rate Prediction through Hierarchical Attention." WSDM 2020, attentional
    aggregation. There are no biases. Weights begin as torch's linear layers do.

    Args:
        width: D.
        hidden: length of c.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.project, self.context = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, 1, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, D] -> [B, D]."""
        weights = torch.softmax(self.context(torch.relu(self.project(vectors))), dim=1)
        return (weights * vectors).sum(dim=1)
