"""How a cross network and a deep one make one logit."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from turret.nn.mlp import MLP

Structure = Literal["stacked", "parallel"]


class Stacked(nn.Module):
    """The deep network reads what the cross network makes: <w, h(c(x))> + b.

    Args:
        cross: [B, N] -> [B, N].
        mlp: [B, N] -> [B, H].
        width: N.
    """

    def __init__(self, cross: nn.Module, mlp: MLP, width: int) -> None:
        super().__init__()
        self.cross, self.mlp = cross, mlp
        self.out = nn.Linear(mlp.out, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, 1]."""
        return self.out(self.mlp(self.cross(inputs)))  # type: ignore[no-any-return]


class Parallel(nn.Module):
    """Both read the input: <w, [c(x); h(x)]> + b.

    Args:
        cross: [B, N] -> [B, N].
        mlp: [B, N] -> [B, H].
        width: N.
    """

    def __init__(self, cross: nn.Module, mlp: MLP, width: int) -> None:
        super().__init__()
        self.cross, self.mlp = cross, mlp
        self.out = nn.Linear(width + mlp.out, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, 1]."""
        return self.out(torch.cat([self.cross(inputs), self.mlp(inputs)], dim=1))  # type: ignore[no-any-return]


STRUCTURES: dict[Structure, type[Stacked] | type[Parallel]] = {"stacked": Stacked, "parallel": Parallel}
"""The two by the names they have in configurations."""
