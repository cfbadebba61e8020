"""The multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from turret.nn.batch_norm import BatchNorm
from turret.nn.linear import Linear

Activation = Callable[[int], nn.Module]
"""Makes the activation of a layer, given its width."""


def relu(width: int) -> nn.Module:
    """max(x, 0)."""
    return nn.ReLU()


class MLP(nn.Module):
    """Linear, batch normalisation where it is asked for, activation, dropout, once for each hidden layer.

    Args:
        width: of the input, D.
        hidden: width of each layer; with none, the input comes out as it went in.
        dropout: share of each layer's outputs that are set to zero in training.
        activation: after each layer.
        batch_norm: whether each layer's outputs are normalised over the batch before the activation.

    Attributes:
        out: width of the output, H.
    """

    def __init__(
        self, width: int, hidden: Sequence[int], dropout: float = 0.0, activation: Activation = relu, batch_norm: bool = False
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise([width, *hidden]):
            # A bias before a normalisation, which takes the mean away, would be a parameter without an effect.
            linear = [Linear(before, after, bias=False), BatchNorm(after)] if batch_norm else [Linear(before, after)]
            layers += [*linear, activation(after), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)
        self.out = [width, *hidden][-1]

    def forward(self, inputs: Tensor) -> Tensor:
        """[*S, D] -> [*S, H]."""
        return self.layers(inputs)  # type: ignore[no-any-return]
