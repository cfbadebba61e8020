"""The recurrent cells against recorded outputs, torch's own cell, and their formulas in double precision."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.nn.gru import GRUCell, InputFreeGRUCell

Arrays = dict[str, np.ndarray]


def filled(cell: nn.Module, seed: int = 0, scale: float = 0.7) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return cell


def by_formula(cell: nn.Module, x: Tensor, h: Tensor) -> Tensor:
    if isinstance(cell, InputFreeGRUCell):
        v_c, v_r, v_z = (x + cell.bias).chunk(3, dim=1)
        of_r, of_z = cell.weight_rz.chunk(2, dim=1)
        r, z = torch.sigmoid(v_r + h @ of_r), torch.sigmoid(v_z + h @ of_z)
        return (1 - z) * h + z * torch.tanh(v_c + (r * h) @ cell.weight_h)
    assert isinstance(cell, GRUCell)
    i_r, i_z, i_n = (x @ cell.weight_ih.T + cell.bias_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ cell.weight_hh.T + cell.bias_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(i_r + h_r), torch.sigmoid(i_z + h_z)
    return (1 - z) * torch.tanh(i_n + r * h_n) + z * h


def inputs(cell: nn.Module, rows: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    width = cell.weight_ih.shape[1] if isinstance(cell, GRUCell) else 3 * cell.width
    x, h = (scale * torch.randn(rows, n, generator=generator) for n in (width, cell.width))
    return x.requires_grad_(), h.tanh().requires_grad_()


def with_gradients(cell: nn.Module, function: Callable[..., Tensor], x: Tensor, h: Tensor) -> list[Tensor]:
    after = function(x, h)
    weights = torch.linspace(-1, 2, after.numel(), dtype=after.dtype).view_as(after)
    return [after.detach(), *torch.autograd.grad((after * weights).sum(), [x, h, *cell.parameters()])]


@pytest.mark.real_data
def test_equal_the_recorded_cells(golden: Callable[..., Arrays]) -> None:
    recorded = {name: torch.from_numpy(array) for name, array in golden("cells").items()}
    standard, lookup = GRUCell(6, 6), InputFreeGRUCell(6)
    names = {name: f"cell/{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    standard.load_state_dict({name: recorded[key] for name, key in names.items()})
    lookup.load_state_dict({"weight_rz": recorded["none/Wrz0"], "weight_h": recorded["none/Wh0"], "bias": recorded["none/Bh0"]})
    torch.testing.assert_close(standard(recorded["cell/x"], recorded["cell/H"]), recorded["cell/out"], atol=3e-7, rtol=1e-6)
    rows = recorded["none/Wx0.weight"][recorded["none/X"]]
    torch.testing.assert_close(lookup(rows, recorded["none/H"]), recorded["none/out"], atol=3e-7, rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("cell", [GRUCell(5, 5), GRUCell(3, 9), GRUCell(20, 33), InputFreeGRUCell(7)], ids=["5", "3-9", "20-33", "lookup"])
@pytest.mark.parametrize("scale", [1, 8])
def test_values_and_gradients(cell: nn.Module, rows: int, scale: float) -> None:
    cell = filled(cell)
    exact = copy.deepcopy(cell).double()
    x, h = inputs(cell, rows, scale)
    found = with_gradients(cell, cell, x, h)
    expected = with_gradients(
        exact, lambda *both: by_formula(exact, *both), x.detach().double().requires_grad_(), h.detach().double().requires_grad_()
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, atol=3e-6 * scale * max(1, rows / 8), rtol=2e-5)


def test_equals_torchs_own_cell() -> None:
    cell, theirs = filled(GRUCell(4, 6)), nn.GRUCell(4, 6)
    theirs.load_state_dict(cell.state_dict())
    x, h = inputs(cell, 5)
    for ours, other in zip(with_gradients(cell, cell, x, h), with_gradients(theirs, theirs, x, h), strict=True):
        torch.testing.assert_close(ours, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("cell", [GRUCell(3, 4), InputFreeGRUCell(4)], ids=["standard", "lookup"])
def test_gradients_in_double_precision(cell: nn.Module) -> None:
    cell = filled(cell).double()
    x, h = (part.detach().double().requires_grad_() for part in inputs(cell, 3))
    assert torch.autograd.gradcheck(lambda x, h, *_: cell(x, h), (x, h, *cell.parameters()))
    torch.testing.assert_close(cell(x, h), by_formula(cell, x, h))


@pytest.mark.parametrize("level", [-9.0, -1e-2, -1e-4, 1e-5, 1e-3, 0.3, 3.0, 5.0, 7.0])
def test_the_candidate_is_accurate_where_it_is_small_and_where_it_is_saturated(level: float) -> None:
    """1 - 2 / (e^2a + 1) is so absolutely alone: small candidates, and the slopes 1 - n^2 of saturated ones, would lose their digits."""
    cell = GRUCell(1, 64)
    inner = level * torch.linspace(1, 1.05, 64)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.bias_ih[128:] = inner
    after = cell(torch.zeros(1, 1), torch.zeros(1, 64))
    (found,) = torch.autograd.grad(after.sum(), cell.bias_ih)
    exact = torch.tanh(inner.double())
    assert ((after[0].double() / (0.5 * exact) - 1).abs() < 2.5e-7).all()
    slopes = 1 - exact**2
    rounding = 2**-24 / slopes  # what the nearest float32 to n makes of the slope, and as much again
    assert ((found[128:].double() / (0.5 * slopes) - 1).abs() < 4 * rounding + 1e-6).all()


@pytest.mark.parametrize("cell", [GRUCell(3, 8), InputFreeGRUCell(8)], ids=["standard", "lookup"])
def test_extreme_inputs_leave_numbers(cell: nn.Module) -> None:
    cell = filled(cell)
    x, h = inputs(cell, 6)
    with torch.no_grad():
        x.mul_(torch.tensor([1e4, -1e4, 1e8, -1e8, 1e30, 0.0])[:, None])
    found = with_gradients(cell, cell, x, h)
    assert all(part.isfinite().all() for part in found[:3]) and found[0].abs().max() <= 1 + 1e-6


def test_both_biases_of_a_gate_have_the_same_gradient_and_are_trained_apart() -> None:
    cell = filled(GRUCell(3, 4))
    gradients = with_gradients(cell, cell, *inputs(cell, 5))
    for_input, for_state = gradients[5], gradients[6]
    torch.testing.assert_close(for_input[:8], for_state[:8])
    assert not torch.allclose(for_input[8:], for_state[8:]) and [name for name, _ in cell.named_parameters()][2:] == ["bias_ih", "bias_hh"]


def test_the_two_forms_differ() -> None:
    """The update gate means the opposite, and the reset gate acts before the product: with the same numbers in both they disagree."""
    lookup, standard = filled(InputFreeGRUCell(4)), GRUCell(12, 4)
    x, h = inputs(lookup, 3)
    with torch.no_grad():
        v_c, v_r, v_z = torch.eye(12).chunk(3, dim=0)
        standard.weight_ih.copy_(torch.cat([v_r, v_z, v_c]))
        standard.weight_hh.copy_(torch.cat([*lookup.weight_rz.T.chunk(2), lookup.weight_h.T]))
        standard.bias_ih.copy_(torch.cat([lookup.bias[4:], lookup.bias[:4]]))
    assert not torch.allclose(standard(x, h), lookup(x, h), atol=1e-2)
    with torch.no_grad():  # with the gates open and shut they agree
        lookup.bias[4:8], lookup.bias[8:] = 50, 50
        standard.bias_ih[:4], standard.bias_ih[4:8] = 50, -50
    torch.testing.assert_close(standard(x, h), lookup(x, h))


def test_an_empty_batch() -> None:
    for cell, width in ((GRUCell(3, 4), 3), (InputFreeGRUCell(4), 12)):
        assert cell(torch.zeros(0, width), torch.zeros(0, 4)).shape == (0, 4)
