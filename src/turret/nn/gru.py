"""Gated recurrent units, a step at a time.

Shapes: b rows, I width of the input, D width of the state. Both forms are of K. Cho et al. 2014; they differ in where the reset gate acts.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class GRUCell(nn.Module):
    """The form that torch and cuDNN compute, with a bias on either side.

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + r (W_hn h + b_hn))
        h' = (1 - z) n + z h

    Every matrix is uniform in +-sqrt(6 / (rows + columns)) of one gate; biases are 0.

    Args:
        input_width: I.
        width: D.
    """

    def __init__(self, input_width: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.weight_ih, self.weight_hh = nn.Parameter(torch.empty(3 * width, input_width)), nn.Parameter(torch.empty(3 * width, width))
        self.bias_ih, self.bias_hh = nn.Parameter(torch.zeros(3 * width)), nn.Parameter(torch.zeros(3 * width))
        for matrix in (*self.weight_ih.chunk(3), *self.weight_hh.chunk(3)):
            nn.init.xavier_uniform_(matrix)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """[b, I], [b, D] -> [b, D]."""
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return torch.gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        after: Tensor = _Gates.apply(F.linear(x, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh), h)  # type: ignore[no-untyped-call]
        return after


class InputFreeGRUCell(nn.Module):
    """The form of GRU4Rec without embeddings: what the input adds to gates and candidate is looked up, not computed.

        [v_c, v_r, v_z] = v + b
        r = sigmoid(v_r + h W_r),  z = sigmoid(v_z + h W_z)
        c = tanh(v_c + (r h) W_h)
        h' = (1 - z) h + z c

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.weight_rz, self.weight_h = nn.Parameter(torch.empty(width, 2 * width)), nn.Parameter(torch.empty(width, width))
        self.bias = nn.Parameter(torch.zeros(3 * width))
        for matrix in (*self.weight_rz.chunk(2, dim=1), self.weight_h):
            nn.init.xavier_uniform_(matrix)

    def forward(self, v: Tensor, h: Tensor) -> Tensor:
        """What was looked up for the input [b, 3D], [b, D] -> [b, D]."""
        v_c, v_r, v_z = (v + self.bias).chunk(3, dim=1)
        of_r, of_z = (h @ self.weight_rz).chunk(2, dim=1)
        r, z = torch.sigmoid(v_r + of_r), torch.sigmoid(v_z + of_z)
        c = torch.tanh(torch.addmm(v_c, r * h, self.weight_h))
        return torch.lerp(h, c, z)


class _Gates(torch.autograd.Function):
    """All of a `GRUCell` but its matrix products, by compiled kernels."""

    @staticmethod
    def forward(ctx: Any, from_input: Tensor, from_state: Tensor, h: Tensor) -> Tensor:
        """[b, 3D], [b, 3D], [b, D] -> [b, D]."""
        from turret.kernels import gru as kernels

        gates, candidate, after = h.new_empty(len(h), 2 * h.shape[1]), torch.empty_like(h), torch.empty_like(h)
        kernels.open_gates(from_input.numpy(), from_state.numpy(), gates.numpy(), candidate.numpy())
        candidate.tanh_()
        kernels.mix(gates.numpy(), candidate.numpy(), h.numpy(), after.numpy())
        ctx.save_for_backward(gates, candidate, from_state, h)
        return after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[b, D] -> the gradients of the three inputs."""
        from turret.kernels import gru as kernels

        gates, candidate, from_state, h = ctx.saved_tensors
        for_input, for_state, carried = torch.empty_like(from_state), torch.empty_like(from_state), torch.empty_like(h)
        tensors = gradient.contiguous(), gates, candidate, from_state, h, for_input, for_state, carried
        kernels.backward(*(tensor.numpy() for tensor in tensors))
        return for_input, for_state, carried
