"""Gated recurrent units, a step at a time.

Shapes: b rows, I width of the input, D width of the state. Both forms are of K. Cho et al. 2014; they differ in where the reset gate acts.
"""

from __future__ import annotations

from typing import Any

import torch
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
        after: Tensor = _Step.apply(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)  # type: ignore[no-untyped-call]
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


class _Step(torch.autograd.Function):
    """A step of `GRUCell` on a CPU: elementwise parts by compiled kernels, biases' gradients among them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
        """[b, I], [b, D], [3D, I], [3D, D], [3D], [3D] -> [b, D]."""
        from turret.kernels import gru as kernels

        from_input, from_state = torch.addmm(bias_ih, x, weight_ih.T), torch.addmm(bias_hh, h, weight_hh.T)
        gates, candidate, after = h.new_empty(len(h), 2 * h.shape[1]), torch.empty_like(h), torch.empty_like(h)
        kernels.forward(*(tensor.numpy() for tensor in (from_input, from_state, h, gates, candidate, after)))
        ctx.save_for_backward(x, h, weight_ih, weight_hh, gates, candidate, from_state)
        return after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """[b, D] -> the gradients of the six inputs."""
        from turret.kernels import gru as kernels

        x, h, weight_ih, weight_hh, gates, candidate, from_state = ctx.saved_tensors
        for_input, for_state, carried = torch.empty_like(from_state), torch.empty_like(from_state), torch.empty_like(h)
        for_biases = h.new_empty(2, from_state.shape[1])
        tensors = gradient.contiguous(), gates, candidate, from_state, h, for_input, for_state, carried, *for_biases
        kernels.backward(*(tensor.numpy() for tensor in tensors))
        return (
            for_input @ weight_ih if ctx.needs_input_grad[0] else None,
            carried.addmm_(for_state, weight_hh) if ctx.needs_input_grad[1] else None,
            for_input.T @ x,
            for_state.T @ h,
            *for_biases,
        )
