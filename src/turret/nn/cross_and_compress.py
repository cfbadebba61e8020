"""Two vectors of the same thing that exchange what they have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrossAndCompress(nn.Module):
    """C = v e^T,    v' = C w_vv + C^T w_ev + b_v,    e' = C w_ve + C^T w_ee + b_e.

    H. Wang, F. Zhang, M. Zhao, W. Li, X. Xie, M. Guo. "Multi-Task Feature Learning for Knowledge Graph Enhanced Recommendation." WWW 2019,
    equations 2 and 4. The matrix C never exists: C w = <e, w> v and C^T w = <v, w> e. The w begin normal with deviation 1, so that what
    comes out is about as long as what goes in, which begins at length 1.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_e = nn.Parameter(torch.randn(width, 2))  # w_vv, w_ve
        self.of_v = nn.Parameter(torch.randn(width, 2))  # w_ev, w_ee
        self.bias = nn.Parameter(torch.zeros(2, width))

    def forward(self, v: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
        """[*S, D] each -> v', e' [*S, D]."""
        for_v, for_e = torch.split(e @ self.of_e, 1, dim=-1)
        from_v, from_e = torch.split(v @ self.of_v, 1, dim=-1)
        return for_v * v + from_v * e + self.bias[0], for_e * v + from_e * e + self.bias[1]
