"""From a learner's name to the optimizers of a model's parameters."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Protocol

from torch import Tensor, nn, optim

from turret.nn.tables import Table
from turret.training.config import Learner, Training
from turret.training.optimizers.dense import Dense
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Adagrad, Adam, MomentumAdagrad, RowwiseAdagrad, Rule, Sgd

NORMALISATIONS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm1d, nn.RMSNorm)


class Updates(Protocol):
    """What a procedure asks of an optimizer."""

    def step(self, learning_rate: float) -> None:
        """One update of every parameter that has a gradient."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything it remembers."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        ...


Group = dict[str, Any]
"""Parameters and their `weight_decay`, as torch's optimizers take them."""
Maker = Callable[[list[Group], Training], optim.Optimizer]

DENSE: dict[Learner, Maker] = {
    "adam": lambda groups, said: optim.Adam(groups, fused=True),
    "adamw": lambda groups, said: optim.AdamW(groups, fused=True),
    "sgd": lambda groups, said: optim.SGD(groups, momentum=said.momentum, fused=True),
    "adagrad": lambda groups, said: optim.Adagrad(groups, fused=True),
    "rmsprop": lambda groups, said: optim.RMSprop(groups, momentum=said.momentum),
}

ROW_WISE: dict[Learner, tuple[Callable[[Training], Rule], Learner | None]] = {
    "sparse_adam": (lambda said: Adam(), "adam"),
    "sparse_adagrad": (lambda said: Adagrad(), "adagrad"),
    "sparse_sgd": (lambda said: Sgd(), "sgd"),
    "rowwise_adagrad": (lambda said: RowwiseAdagrad(), "adagrad"),
    "adagrad_momentum": (lambda said: MomentumAdagrad(said.momentum), None),
}
"""The rule for tables, and the learner for all other parameters; None where torch has none with that rule, which then is theirs too."""


def build_optimizers(model: nn.Module, training: Training) -> list[Updates]:
    """The optimizers of `model`, and its tables set to the kind of gradient that theirs takes.

    A row-wise learner treats `Table`s row by row and everything else (weights of layers, biases) by its dense counterpart. Tables and the
    weights of layers have an L2 term each, biases and normalisation layers none.
    """
    row_wise = training.learner in ROW_WISE
    tables = [module for module in model.modules() if isinstance(module, Table)]
    for table in tables:
        table.sparse = row_wise
    held = {id(table.weight) for table in tables}
    if not row_wise:
        return [Dense(DENSE[training.learner](_groups(model.parameters(), model, held, training), training))]
    rule, dense = ROW_WISE[training.learner]
    by_row = [parameter for parameter in model.parameters() if id(parameter) in held or dense is None]
    rest = [parameter for parameter in model.parameters() if id(parameter) not in held and dense is not None]
    optimizers: list[Updates] = [
        RowWise(group["params"], rule(training), group["weight_decay"]) for group in _groups(by_row, model, held, training)
    ]
    return optimizers + ([Dense(DENSE[dense](_groups(rest, model, held, training), training))] if dense is not None and rest else [])


def _groups(parameters: Iterable[Tensor], model: nn.Module, tables: Container[int], training: Training) -> list[Group]:
    """Parameters with the same L2 term together."""
    free = {id(parameter) for name, parameter in model.named_parameters() if name.rpartition(".")[2].startswith("bias")}
    free |= {id(parameter) for module in model.modules() if isinstance(module, NORMALISATIONS) for parameter in module.parameters()}
    of_tables = training.weight_decay if training.embedding_decay is None else training.embedding_decay
    groups: dict[float, list[Tensor]] = {}
    for parameter in parameters:
        decay = of_tables if id(parameter) in tables else 0.0 if id(parameter) in free else training.weight_decay
        groups.setdefault(decay, []).append(parameter)
    return [{"params": members, "weight_decay": decay} for decay, members in groups.items()]
