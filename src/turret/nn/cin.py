"""The compressed interaction network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CIN(nn.Module):
    """Crosses of whole vectors: each layer's maps are weighted sums of products of a map of the layer before with a field's vector.

        X^k_h = f(sum_ij W^k_h,ij (X^(k-1)_i * X^0_j)),    p^k_h = sum_d X^k_h,d

    J. Lian et al. "xDeepFM: Combining Explicit and Implicit Feature Interactions for Recommender Systems." KDD 2018, equations 6 and 7.
    Where layers are split, as in the authors' code, the first half of a layer's maps goes on to the next layer and the second half into the
    result; the last layer goes into it whole. The W begin Xavier-normal; there is no bias.

    Args:
        fields: F.
        layers: maps of each layer, H_k, at least one layer.
        activation: f.
        split_half: whether layers are split; all but the last then have an even number of maps.

    Attributes:
        out: width of the result, R.
    """

    def __init__(self, fields: int, layers: Sequence[int], activation: Callable[[Tensor], Tensor], split_half: bool) -> None:
        super().__init__()
        self.activation = activation
        self.onward = [maps // 2 if split_half else maps for maps in layers]
        """How many of a layer's maps go on to the next."""
        self.kept = [*(maps // 2 if split_half else 0 for maps in layers[:-1]), 0]
        """From which on they go into the result."""
        before = [fields, *self.onward[:-1]]
        shapes = [(maps, inputs * fields) for maps, inputs in zip(layers, before, strict=True)]
        self.weights = nn.ParameterList(nn.init.xavier_normal_(torch.empty(shape)) for shape in shapes)
        self.out = sum(layers) - sum(self.kept)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, D] -> [B, R]."""
        first = maps = vectors.transpose(1, 2)
        sums = []
        for weight, onward, kept in zip(self.weights, self.onward, self.kept, strict=True):
            products = (maps.unsqueeze(-1) * first.unsqueeze(-2)).flatten(2)
            layer = self.activation(F.linear(products, weight))
            maps = layer[..., :onward]
            sums.append(layer[..., kept:].sum(dim=1))
        return torch.cat(sums, dim=1)
