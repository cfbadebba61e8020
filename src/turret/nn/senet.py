"""Squeeze and excitation: how much each field counts."""

from __future__ import annotations

from torch import Tensor, nn


class SENet(nn.Module):
    """Each field times a weight that follows from the means of all.

        z_i = mean over d of e_id,    a = relu(W_2 relu(W_1 z)),    v_i = a_i e_i

    T. Huang, Z. Zhang, J. Zhang. "FiBiNET." RecSys 2019, equations 4 to 6. Weights begin as torch's linear layers do.

    Args:
        fields: F.
        reduction: r; the middle layer has F / r units, rounded down, and one at least.
    """

    def __init__(self, fields: int, reduction: int) -> None:
        super().__init__()
        middle = max(1, fields // reduction)
        self.excitation = nn.Sequential(nn.Linear(fields, middle, bias=False), nn.ReLU(), nn.Linear(middle, fields, bias=False), nn.ReLU())

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        weighted: Tensor = fields * self.excitation(fields.mean(dim=2)).unsqueeze(2)
        return weighted
