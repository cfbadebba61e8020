"""Attention among the fields of an impression."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from turret.nn.linear import Linear


class FieldAttention(nn.Module):
    """Each field looks at all fields, itself included, in H subspaces.

        head_h = softmax(c Q_h K_h^T) V_h,    output = [head_1, ..., head_H]

    with Q = W_q E, K = W_k E, V = W_v E, no biases, and c = 1 / sqrt(D') (Vaswani et al. 2017, equation 1) or 1. There is neither a
    residual nor a projection after the heads. Weights begin as torch's linear layers do.

    Args:
        width: D of the input.
        head: width D' of each head.
        heads: H.
        scaled: whether c = 1 / sqrt(D').
        dropout: share of the attention weights that are set to zero in training.

    Attributes:
        out: width of the output, H D'.
    """

    def __init__(self, width: int, head: int, heads: int, scaled: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout, self.out = heads, dropout, heads * head
        self.scale = None if scaled else 1.0
        self.q, self.k, self.v = (Linear(width, self.out, bias=False) for _ in range(3))

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, H D']."""
        q, k, v = (layer(fields).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))  # [B, H, F, D']
        heads = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, scale=self.scale)
        return heads.transpose(1, 2).flatten(2)
