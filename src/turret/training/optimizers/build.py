"""From a learner's name to the optimizers of a model's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from torch import Tensor, nn, optim

from turret.nn.tables import Table
from turret.training.config import Learner, Training
from turret.training.optimizers.dense import Dense
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Adagrad, Adam, RowwiseAdagrad, Rule, Sgd


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


Maker = Callable[[Iterable[Tensor], float], optim.Optimizer]

DENSE: dict[Learner, Maker] = {
    "adam": lambda parameters, decay: optim.Adam(parameters, weight_decay=decay, fused=True),
    "adamw": lambda parameters, decay: optim.AdamW(parameters, weight_decay=decay, fused=True),
    "sgd": lambda parameters, decay: optim.SGD(parameters, weight_decay=decay, fused=True),
    "adagrad": lambda parameters, decay: optim.Adagrad(parameters, weight_decay=decay, fused=True),
    "rmsprop": lambda parameters, decay: optim.RMSprop(parameters, weight_decay=decay),
}

ROW_WISE: dict[Learner, tuple[Rule, Learner]] = {
    "sparse_adam": (Adam(), "adam"),
    "sparse_adagrad": (Adagrad(), "adagrad"),
    "sparse_sgd": (Sgd(), "sgd"),
    "rowwise_adagrad": (RowwiseAdagrad(), "adagrad"),
}
"""The rule for tables, and the learner for all other parameters."""


def build_optimizers(model: nn.Module, training: Training) -> list[Updates]:
    """The optimizers of `model`, and its tables set to the kind of gradient that theirs takes.

    A row-wise learner treats `Table`s row by row and everything else (weights of layers, biases) by its dense counterpart.
    """
    row_wise = training.learner in ROW_WISE
    tables = [module for module in model.modules() if isinstance(module, Table)]
    for table in tables:
        table.sparse = row_wise
    if not row_wise:
        return [Dense(DENSE[training.learner](model.parameters(), training.weight_decay))]
    rule, dense = ROW_WISE[training.learner]
    held = {id(table.weight) for table in tables}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in held]
    optimizers: list[Updates] = [RowWise([table.weight for table in tables], rule, training.weight_decay)]
    return optimizers + ([Dense(DENSE[dense](rest, training.weight_decay))] if rest else [])
