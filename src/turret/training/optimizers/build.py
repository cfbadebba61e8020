"""From a learner's name to the optimizers of a model's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from torch import Tensor, nn, optim

from turret.nn.tables import Table
from turret.training.config import Learner, Training
from turret.training.optimizers.dense import Dense
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Adagrad, Adam, MomentumAdagrad, RowwiseAdagrad, Rule, Sgd


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


Maker = Callable[[Iterable[Tensor], Training], optim.Optimizer]

DENSE: dict[Learner, Maker] = {
    "adam": lambda parameters, said: optim.Adam(parameters, weight_decay=said.weight_decay, fused=True),
    "adamw": lambda parameters, said: optim.AdamW(parameters, weight_decay=said.weight_decay, fused=True),
    "sgd": lambda parameters, said: optim.SGD(parameters, weight_decay=said.weight_decay, momentum=said.momentum, fused=True),
    "adagrad": lambda parameters, said: optim.Adagrad(parameters, weight_decay=said.weight_decay, fused=True),
    "rmsprop": lambda parameters, said: optim.RMSprop(parameters, weight_decay=said.weight_decay, momentum=said.momentum),
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

    A row-wise learner treats `Table`s row by row and everything else (weights of layers, biases) by its dense counterpart.
    """
    row_wise = training.learner in ROW_WISE
    tables = [module for module in model.modules() if isinstance(module, Table)]
    for table in tables:
        table.sparse = row_wise
    if not row_wise:
        return [Dense(DENSE[training.learner](model.parameters(), training))]
    rule, dense = ROW_WISE[training.learner]
    if dense is None:
        return [RowWise(list(model.parameters()), rule(training), training.weight_decay)]
    held = {id(table.weight) for table in tables}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in held]
    optimizers: list[Updates] = [RowWise([table.weight for table in tables], rule(training), training.weight_decay)]
    return optimizers + ([Dense(DENSE[dense](rest, training))] if rest else [])
