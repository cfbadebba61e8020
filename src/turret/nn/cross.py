"""Cross networks: each layer multiplies the input by a function of the layer before, so that L layers reach products of L + 1 inputs.

Letters: N the width of the input x_0, L layers. Matrices begin as torch begins a linear layer, biases at zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from turret.nn.linear import Linear


def crossed(first: Tensor, before: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x_0 <x_l, w> + b + x_l: [B, N] x_0, [B, N] x_l, [N] w, [N] b -> [B, N]. Equation 3 of the paper that `CrossVector` cites."""
    return first * (before @ weight).unsqueeze(1) + bias + before


class CrossVector(nn.Module):
    """x_(l+1) = x_0 <x_l, w_l> + b_l + x_l.

    R. Wang, B. Fu, G. Fu, M. Wang. "Deep & Cross Network for Ad Click Predictions." ADKDD 2017, equation 3. The w_l begin Xavier-normal.

    Args:
        width: N.
        layers: L.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(math.sqrt(2 / (width + 1)) * torch.randn(layers, width))
        self.bias = nn.Parameter(torch.zeros(layers, width))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        layer = inputs
        for weight, bias in zip(self.weight, self.bias, strict=True):
            layer = crossed(inputs, layer, weight, bias)
        return layer


class CrossMatrix(nn.Module):
    """x_(l+1) = x_0 * (W_l x_l + b_l) + x_l, where W_l may be a product U_l V_l^T of low rank.

    R. Wang et al. "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems." WWW 2021,
    sections 3.2 and 3.5.

    Args:
        width: N.
        layers: L.
        rank: of W_l; None: W_l is N by N.
    """

    def __init__(self, width: int, layers: int, rank: int | None = None) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(_matrix(width, rank) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        layer = inputs
        for transform in self.transforms:
            layer = inputs * transform(layer) + layer
        return layer


class CrossMixture(nn.Module):
    """Experts of low rank, each with a transformation inside its small space, mixed by a softmax gate.

        x_(l+1) = sum_i G_i(x_l) E_i(x_l) + x_l
        E_i(x) = x_0 * (U_i tanh(C_i tanh(V_i^T x)) + b_l)

    R. Wang et al. "DCN V2", as above, section 3.5.

    Args:
        width: N.
        layers: L.
        rank: of each expert.
        experts: E, at least two.
    """

    def __init__(self, width: int, layers: int, rank: int, experts: int) -> None:
        super().__init__()
        self.mixtures = nn.ModuleList(Mixture(width, rank, experts) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        layer = inputs
        for mixture in self.mixtures:
            layer = inputs * mixture(layer) + layer
        return layer


class Mixture(nn.Module):
    """One layer's sum_i G_i(x) U_i tanh(C_i tanh(V_i^T x)) + b. The gates sum to one, so that the common bias needs no gate.

    Args:
        width: N.
        rank: R.
        experts: E.
    """

    def __init__(self, width: int, rank: int, experts: int) -> None:
        super().__init__()
        self.down = _uniform(experts, width, rank)
        self.inner = _uniform(experts, rank, rank)
        self.up = _uniform(experts, rank, width)
        self.bias = nn.Parameter(torch.zeros(width))
        self.gate = nn.Linear(width, experts)
        nn.init.zeros_(self.gate.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        gates = torch.softmax(self.gate(inputs), dim=1)
        small = torch.tanh(inputs @ self.down)
        small = torch.tanh(small @ self.inner)
        return torch.einsum("be,ebr,ern->bn", gates, small, self.up) + self.bias


class CrossGated(nn.Module):
    """x_(l+1) = x_0 * (W_l x_l + b_l) * sigmoid(G_l x_l) + x_l: a gate lets through what a layer's products are worth.

    F. Wang, H. Gu, D. Li, T. Lu, P. Zhang, N. Gu. "Towards Deeper, Lighter and Interpretable Cross Network for CTR Prediction." CIKM 2023,
    section 3.

    Args:
        width: N.
        layers: L.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(_matrix(width, None) for _ in range(layers))
        self.gates = nn.ModuleList(Linear(width, width, bias=False) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        layer = inputs
        for transform, gate in zip(self.transforms, self.gates, strict=True):
            layer = inputs * transform(layer) * torch.sigmoid(gate(layer)) + layer
        return layer


def _matrix(width: int, rank: int | None) -> nn.Module:
    """W x + b with W of full or of low rank."""
    last = Linear(rank or width, width)
    nn.init.zeros_(last.bias)
    return last if rank is None else nn.Sequential(Linear(width, rank, bias=False), last)


def _uniform(experts: int, before: int, after: int) -> nn.Parameter:
    """[E, before, after], drawn as torch draws the matrix of a linear layer."""
    return nn.Parameter(torch.empty(experts, before, after).uniform_(-1, 1) / math.sqrt(before))
