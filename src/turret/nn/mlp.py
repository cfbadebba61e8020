"""The multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear, ReLU, dropout, once for each hidden layer.

    Args:
        width: of the input, D.
        hidden: width of each layer; with none, the input comes out as it went in.
        dropout: share of each layer's outputs that are set to zero in training.

    Attributes:
        out: width of the output, H.
    """

    def __init__(self, width: int, hidden: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise([width, *hidden]):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)
        self.out = [width, *hidden][-1]

    def forward(self, inputs: Tensor) -> Tensor:
        """[*S, D] -> [*S, H]."""
        return self.layers(inputs)  # type: ignore[no-any-return]
