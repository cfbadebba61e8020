"""Attention among the steps of a sequence."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class CausalAttention(nn.Module):
    """Each step looks at itself and at those before it.

        head_h = softmax(Q_h K_h^T / sqrt(D / H), causal) V_h,    output = [head_1, ..., head_H]

    with Q = W_q query + b_q, K = W_k memory, V = W_v memory + b_v (Vaswani et al. 2017, equation 1). There is no projection of the heads
    after they are put side by side. Sequences are filled up on the right, so no real step ever sees padding and no mask is needed.

    Args:
        width: D, a multiple of `heads`.
        heads: H.
        dropout: probability with which an attention weight is dropped in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"the width {width} cannot be shared among {heads} heads")
        self.heads, self.dropout = heads, dropout
        self.q, self.v = nn.Linear(width, width), nn.Linear(width, width)
        self.k = nn.Linear(width, width, bias=False)  # a bias would add the same to all weights of a softmax, which does not see it

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """[B, L, D], [B, L, D] -> [B, L, D]."""
        q, k, v = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)  # [B, H, L, D / H]
            for layer, x in ((self.q, query), (self.k, memory), (self.v, memory))
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0)
        return mixed.transpose(1, 2).flatten(2)
