"""Networks of one shape, side by side: the experts of a mixture, the gates that weigh them, the towers of several tasks.

What is side by side is computed together, in one batched product a layer. Shapes: B rows, G networks, I inputs, H outputs, E experts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class ParallelLinear(nn.Module):
    """G linear layers: y_g = x_g W_g + b_g. They begin as torch's `Linear` does, with weights uniform in +-1 / sqrt(I); biases are 0.

    Args:
        count: G.
        width: I.
        out: H.
        bias: whether there is b_g.
    """

    def __init__(self, count: int, width: int, out: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width, out).uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width)))
        self.bias = nn.Parameter(torch.zeros(count, out)) if bias else None

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, G, I] -> [B, G, H]."""
        outputs = torch.einsum("bgi,gih->bgh", inputs, self.weight)
        return outputs if self.bias is None else outputs + self.bias


class Experts(nn.Module):
    """G multi-layer perceptrons: linear, relu, dropout, once for each hidden layer.

    Args:
        count: G.
        width: I.
        hidden: width of each layer; with none, the input comes out as it went in.
        dropout: share of each layer's outputs that are set to zero in training.

    Attributes:
        out: H, the width of the output.
    """

    def __init__(self, count: int, width: int, hidden: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise([width, *hidden]):
            layers += [ParallelLinear(count, before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)
        self.count, self.out = count, [width, *hidden][-1]

    @property
    def last(self) -> Tensor:
        """[G, I, H] the weights of the last layer."""
        return [layer.weight for layer in self.layers if isinstance(layer, ParallelLinear)][-1]

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, G, I] -> [B, G, H]; the input of all may also be one, [B, 1, I]."""
        return self.layers(inputs.expand(-1, self.count, -1))  # type: ignore[no-any-return]


class Gates(nn.Module):
    """G gates, each a distribution over E experts: softmax(x_g W_g), after hidden layers where there are any.

    Args:
        count: G.
        width: I.
        hidden: widths of the layers before the product with W_g.
        experts: E.
    """

    def __init__(self, count: int, width: int, hidden: Sequence[int], experts: int) -> None:
        super().__init__()
        self.hidden = Experts(count, width, hidden)
        self.choose = ParallelLinear(count, self.hidden.out, experts, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, G, I] (or [B, 1, I]) -> [B, G, E], each row a distribution."""
        return torch.softmax(self.choose(self.hidden(inputs)), dim=-1)


class Towers(nn.Module):
    """A network a task, from the task's own vector to its logit.

    Args:
        tasks: T.
        width: I.
        hidden: widths of each network's layers.
        dropout: after each of them.
    """

    def __init__(self, tasks: int, width: int, hidden: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        self.networks = Experts(tasks, width, hidden, dropout)
        self.out = ParallelLinear(tasks, self.networks.out, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, T, I] (or [B, 1, I]) -> logits [B, T]."""
        logits: Tensor = self.out(self.networks(inputs)).squeeze(-1)
        return logits
