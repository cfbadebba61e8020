"""Products of fields with a matrix between them."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from turret.nn.pairs import FieldPairs

BilinearKind = Literal["all", "each", "interaction"]


class Bilinear(nn.Module):
    """(v_i W) * v_j, dimension by dimension, for each pair of fields i < j.

    T. Huang, Z. Zhang, J. Zhang. "FiBiNET." RecSys 2019, equations 7 to 9: W is one for `all` pairs, one for `each` first field i, or one
    for each `interaction` (i, j). Weights begin Xavier-normal.

    Args:
        fields: F, two or more.
        width: D.
        kind: which pairs have a matrix of their own.

    Attributes:
        count: P, the pairs of fields.

    Raises:
        UnsupportedError: there are fewer than two fields.
    """

    def __init__(self, fields: int, width: int, kind: BilinearKind) -> None:
        super().__init__()
        self.pairs, self.kind = FieldPairs(fields), kind
        self.count = self.pairs.count
        matrices = {"all": 1, "each": fields - 1, "interaction": self.count}[kind]  # the last field is never the first of a pair
        self.weight = nn.Parameter(torch.empty(matrices, width, width))
        nn.init.normal_(self.weight, std=1 / math.sqrt(width))

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, P, D]."""
        left, right = self.pairs.sides(fields)
        if self.kind == "interaction":
            return torch.einsum("bpd,pde->bpe", left, self.weight) * right
        firsts = fields[:, :-1]
        turned = torch.einsum("bfd,fde->bfe", firsts, self.weight.expand(firsts.shape[1], -1, -1))
        return turned.index_select(1, self.pairs.left) * right
