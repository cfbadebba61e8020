"""Gated recurrent units whose steps are weighed by attention."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Evolving = Literal["augru", "agru", "aigru"]


class AttentionalGRU(nn.Module):
    """A GRU along sequences of which each step has a weight a_t.

        u = sigmoid(W_u i_t + U_u h + b_u)
        r = sigmoid(W_r i_t + U_r h + b_r)
        c = tanh(W_c i_t + r (U_c h) + b_c)
        augru   h <- (1 - a_t u) h + a_t u c        the weight scales the update gate
        agru    h <- (1 - a_t) h + a_t c            the weight is the update gate, and there is no u
        aigru   h <- (1 - u) h + u c                of inputs a_t i_t

    The state begins at 0 and stays as it is beyond the end of a sequence. Every matrix is Xavier-uniform; biases are 0.

    G. Zhou et al. "Deep Interest Evolution Network for Click-Through Rate Prediction." AAAI 2019, arXiv:1809.03672 (equations 2 to 5
    for the unit, and those of the section on the interest evolving layer).

    Args:
        input_width: I.
        width: H.
        how: as above.
    """

    def __init__(self, input_width: int, width: int, how: Evolving) -> None:
        super().__init__()
        gates = 2 if how == "agru" else 3
        self.how, self.gates = how, gates
        self.input, self.state = nn.Linear(input_width, gates * width), nn.Linear(width, gates * width, bias=False)
        nn.init.zeros_(self.input.bias)
        for matrix in (*self.input.weight.chunk(gates), *self.state.weight.chunk(gates)):
            nn.init.xavier_uniform_(matrix)

    def forward(self, steps: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
        """[B, L, I], [B, L], bool [B, L] (real steps first) -> the state after the last real step [B, H]."""
        if self.how == "aigru":
            steps = steps * weights.unsqueeze(2)
        inputs: Tensor = self.input(steps)
        h = inputs.new_zeros(len(steps), inputs.shape[2] // self.gates)
        # Steps are taken apart once: a slice a step would have a gradient of the size of all steps, each time.
        for inputs_t, a, real in zip(
            inputs.unbind(dim=1), weights.unsqueeze(2).unbind(dim=1), mask.unsqueeze(2).unbind(dim=1), strict=True
        ):
            *gates, from_input = inputs_t.chunk(self.gates, dim=1)
            *of_gates, from_state = self.state(h).chunk(self.gates, dim=1)
            r = torch.sigmoid(gates[0] + of_gates[0])
            c = torch.tanh(from_input + r * from_state)
            u = a if self.how == "agru" else torch.sigmoid(gates[1] + of_gates[1])
            if self.how == "augru":
                u = a * u
            h = torch.lerp(h, c, u * real)
        return h
