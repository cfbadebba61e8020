"""What the tests of models share: weights that hide nothing, trainings that are interrupted, and for rankers a small batch of impressions
with features of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.context import Behaviours, Impressions
from turret.core.features import Categorical, Schema, Tags
from turret.data.prepared import Prepared

CPU = torch.device("cpu")
Numbers = np.ndarray


@dataclass(frozen=True)
class Shown:
    """Five impressions.

    Attributes:
        schema: user (4 ids), item (3), item.kind (6), the tags item.tags (5), the numbers a and b: F = 6 fields. What was chosen before is
            known by item and item.kind. Two tasks.
        impressions: in float64, behaviours of lengths 2, 0, 3, 1, 3.
    """

    schema: Schema
    impressions: Impressions


@pytest.fixture
def shown() -> Shown:
    lengths, before = torch.tensor([2, 1, 3, 1, 2]), torch.tensor([2, 0, 3, 1, 3])
    mask = torch.arange(3) < before[:, None]
    earlier = torch.tensor(
        [[[1, 5], [2, 3], [0, 0]], [[0, 0]] * 3, [[2, 3], [1, 5], [1, 5]], [[2, 3], [0, 0], [0, 0]], [[1, 5], [0, 2], [2, 3]]]
    )
    schema = Schema(
        categorical=(Categorical("user", 4), Categorical("item", 3), Categorical("item.kind", 6)),
        tags=(Tags("item.tags", 5),),
        numbers=("a", "b"),
        behaviour=("item", "item.kind"),
        context=("a", "b"),
        tasks=("click", "purchase"),
    )
    impressions = Impressions(
        tokens=torch.tensor([[0, 2, 5], [3, 1, 0], [1, 0, 3], [2, 2, 4], [3, 0, 1]]),
        floats=torch.tensor([[0.5, -1.0], [0.0, 2.0], [1.5, 0.3], [-0.7, 0.0], [0.1, 0.2]], dtype=torch.float64),
        sets={"item.tags": (torch.tensor([[1, 2, 0], [4, 0, 0], [3, 2, 1], [0, 0, 0], [2, 4, 0]]), torch.arange(3) < lengths[:, None])},
        labels=torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]], dtype=torch.float64),
        behaviours=Behaviours(earlier, mask),
    )
    return Shown(schema, impressions)


@pytest.fixture
def scattered() -> Callable[[nn.Module], nn.Module]:
    """`scattered(model)`: in float64 and at rest, its parameters drawn from a normal distribution of deviation 0.5 at a fixed seed."""

    def fill(model: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(5)
        model = model.double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        return model

    return fill


@pytest.fixture
def affine() -> Callable[[nn.Linear, Numbers], Numbers]:
    """`affine(linear, x)`: W x + b."""

    def product(linear: nn.Linear, x: Numbers) -> Numbers:
        weight = linear.weight.detach().numpy()
        return weight @ x + (0 if linear.bias is None else linear.bias.detach().numpy())

    return product


@pytest.fixture
def relu_layers(affine: Callable[[nn.Linear, Numbers], Numbers]) -> Callable[[nn.Module, Numbers], Numbers]:
    """`relu_layers(network, x)`: relu(W x + b) for each linear layer of a network, in order."""

    def through(layers: nn.Module, x: Numbers) -> Numbers:
        for linear in (layer for layer in layers.modules() if isinstance(layer, nn.Linear)):
            x = np.maximum(affine(linear, x), 0)
        return x

    return through


@pytest.fixture
def trained(little: Prepared) -> Callable[..., dict[str, Tensor]]:
    """`trained(file, config, stop)`: the parameters after all epochs; interrupted, saved and taken up anew after `stop` steps.

    `little` is the log of the folder whose tests ask.
    """

    class StopError(Exception):
        pass

    def train(file: ModuleType, config: Any, stop: int | None = None) -> dict[str, Tensor]:
        def begun() -> tuple[Any, Any]:
            torch.manual_seed(4)
            return file.build(config, little), file.recipe(config, little)

        steps = 0

        def between() -> None:
            nonlocal steps
            steps += 1
            if steps == stop:
                raise StopError

        model, procedure = begun()
        if stop is not None:
            with pytest.raises(StopError):
                list(procedure.fit(model, 1, CPU, between))
            parameters, state = ({name: value.clone() for name, value in each.items()} for each in (model.state_dict(), procedure.state()))
            model, procedure = begun()
            model.load_state_dict(parameters)
            procedure.restore(state)
        list(procedure.fit(model, 1, CPU))
        return {name: value.clone() for name, value in model.state_dict().items()}

    return train
