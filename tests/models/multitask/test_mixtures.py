"""Shared bottom, MMoE and PLE against their equations, written out row by row, task by task and expert by expert in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.batches.needs import needs_several_tasks
from turret.core.contracts import Step
from turret.core.errors import UnsupportedError
from turret.losses.pointwise import binary_cross_entropy
from turret.models.multitask.mmoe import MMoE
from turret.models.multitask.ple import PLE
from turret.models.multitask.sharedbottom import SharedBottom
from turret.nn.experts import Experts, Gates, ParallelLinear, Towers
from turret.training.objectives.pointwise import MultiTask, Pointwise

Scattered = Callable[[nn.Module], nn.Module]
WIDTH = 6 * 3
"""Of six vectors of three numbers."""


def affine(layer: ParallelLinear, g: int, x: np.ndarray) -> np.ndarray:
    bias = 0.0 if layer.bias is None else layer.bias[g].detach().numpy()
    return x @ layer.weight[g].detach().numpy() + bias


def network(experts: Experts, g: int, x: np.ndarray) -> np.ndarray:
    for layer in experts.layers:
        if isinstance(layer, ParallelLinear):
            x = np.maximum(affine(layer, g, x), 0)
    return x


def gate(gates: Gates, g: int, x: np.ndarray) -> np.ndarray:
    weights = np.exp(affine(gates.choose, g, network(gates.hidden, g, x)))
    return weights / weights.sum()


def tower(towers: Towers, task: int, x: np.ndarray) -> float:
    return float(affine(towers.out, task, network(towers.networks, task, x))[0])


def mix(weights: np.ndarray, experts: list[np.ndarray]) -> np.ndarray:
    return sum(weight * expert for weight, expert in zip(weights, experts, strict=True))


def inputs(model: Any, shown: Any) -> np.ndarray:
    return model.vectors(shown.impressions).flatten(1).detach().numpy()


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_shared_bottom(shown: Any, scattered: Scattered) -> None:
    model: Any = scattered(SharedBottom(shown.schema, 3, (7, 5), (4,), 0.3, 0.01, "sum", 1.5))
    for x, logits in zip(inputs(model, shown), model(shown.impressions).tolist(), strict=True):
        for layer in (model.bottom.layers[0], model.bottom.layers[3]):
            x = np.maximum(layer.weight.detach().numpy() @ x + layer.bias.detach().numpy(), 0)
        assert logits == pytest.approx([tower(model.towers, task, x) for task in range(2)], abs=1e-10)
    assert size(model) == 20 * 3 + (WIDTH * 7 + 7 + 7 * 5 + 5) + 2 * (5 * 4 + 4 + 4 + 1)


@pytest.mark.parametrize("gate_layers", [(), (6,)])
def test_mmoe(shown: Any, scattered: Scattered, gate_layers: tuple[int, ...]) -> None:
    model: Any = scattered(MMoE(shown.schema, 3, 3, (7, 5), gate_layers, (4,), 0.3, 0.01, "sum", 1.5))
    for x, logits in zip(inputs(model, shown), model(shown.impressions).tolist(), strict=True):
        experts = [network(model.experts, expert, x) for expert in range(3)]
        expected = [tower(model.towers, task, mix(gate(model.gates, task, x), experts)) for task in range(2)]
        assert logits == pytest.approx(expected, abs=1e-10)
    gates = WIDTH * 6 + 6 + 6 * 3 if gate_layers else WIDTH * 3
    assert size(model) == 20 * 3 + 3 * (WIDTH * 7 + 7 + 7 * 5 + 5) + 2 * gates + 2 * (5 * 4 + 4 + 4 + 1)


@pytest.mark.parametrize("levels", [1, 3])
def test_ple(shown: Any, scattered: Scattered, levels: int) -> None:
    model: Any = scattered(PLE(shown.schema, 3, levels, 2, 3, (7, 5), (), (4,), 0.3, 0.01, "sum", 1.5))
    for x, logits in zip(inputs(model, shown), model(shown.impressions).tolist(), strict=True):
        g = [x, x, x]  # of either task, and shared
        for level in model.levels:
            own = [[network(level.own, 2 * task + expert, g[task]) for expert in range(2)] for task in range(2)]
            shared = [network(level.shared, expert, g[2]) for expert in range(3)]
            after = [mix(gate(level.gates, task, g[task]), [*own[task], *shared]) for task in range(2)]
            if level.shared_gate is not None:
                after.append(mix(gate(level.shared_gate, 0, g[2]), [*own[0], *own[1], *shared]))
            g = after
        assert len(g) == 2
        assert logits == pytest.approx([tower(model.towers, task, g[task]) for task in range(2)], abs=1e-10)
    widths = [WIDTH, 5, 5][:levels]
    experts = sum((2 * 2 + 3) * (width * 7 + 7 + 7 * 5 + 5) for width in widths)
    gates = sum(2 * width * (2 + 3) for width in widths) + sum(width * (2 * 2 + 3) for width in widths[:-1])
    assert size(model) == 20 * 3 + experts + gates + 2 * (5 * 4 + 4 + 4 + 1)


@pytest.mark.parametrize("balancing", ["sum", "uncertainty", "gradnorm"])
@pytest.mark.parametrize("file", [SharedBottom, MMoE, PLE])
def test_losses_are_balanced_at_the_last_shared_layer(shown: Any, scattered: Scattered, file: Any, balancing: Any) -> None:
    """Every parameter is reached, that of the rule too, and both tasks have a gradient at what `shared` gives."""
    sizes: dict[Any, tuple[Any, ...]] = {SharedBottom: ((7, 5), (4,)), MMoE: (3, (7, 5), (), (4,)), PLE: (2, 1, 1, (7, 5), (), (4,))}
    model = scattered(file(shown.schema, 3, *sizes[file], 0.0, 0.01, balancing, 1.5))
    objective = MultiTask(Pointwise(binary_cross_entropy))
    objective(model, shown.impressions, Step(0, torch.Generator())).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []
    for logits in model(shown.impressions).sum(dim=0):
        assert all(part.any() for part in torch.autograd.grad(logits, model.shared(), retain_graph=True))


def test_datasets_with_other_numbers_of_tasks_are_refused(shown: Any) -> None:
    with pytest.raises(UnsupportedError, match="one label alone: click"):
        needs_several_tasks(replace(shown.schema, tasks=("click",)))
    with pytest.raises(UnsupportedError, match="learns 2 tasks, and the dataset has 3: a, b, c"):
        needs_several_tasks(replace(shown.schema, tasks=("a", "b", "c")), most=2)
