"""From a learner's name to the optimizers of a model's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn, optim
from torch.optim import Optimizer

from turret.nn.tables import Table
from turret.training.config import Learner, Training
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Adagrad, Adam, RowwiseAdagrad, Rule, Sgd

Maker = Callable[[Iterable[Tensor], float, float], Optimizer]

DENSE: dict[Learner, Maker] = {
    "adam": lambda params, lr, decay: optim.Adam(params, lr=lr, weight_decay=decay, fused=True),
    "adamw": lambda params, lr, decay: optim.AdamW(params, lr=lr, weight_decay=decay, fused=True),
    "sgd": lambda params, lr, decay: optim.SGD(params, lr=lr, weight_decay=decay, fused=True),
    "adagrad": lambda params, lr, decay: optim.Adagrad(params, lr=lr, weight_decay=decay),
    "rmsprop": lambda params, lr, decay: optim.RMSprop(params, lr=lr, weight_decay=decay),
}

ROW_WISE: dict[Learner, tuple[Rule, Learner]] = {
    "sparse_adam": (Adam(), "adam"),
    "sparse_adagrad": (Adagrad(), "adagrad"),
    "sparse_sgd": (Sgd(), "sgd"),
    "rowwise_adagrad": (RowwiseAdagrad(), "adagrad"),
}
"""The rule for tables, and the learner for all other parameters."""


def build_optimizers(model: nn.Module, training: Training) -> list[Optimizer]:
    """The optimizers of `model`, and its tables set to the kind of gradient that theirs takes.

    A row-wise learner treats `Table`s row by row and everything else (weights of layers, biases) by its dense counterpart.
    """
    row_wise = training.learner in ROW_WISE
    tables = [module for module in model.modules() if isinstance(module, Table)]
    for table in tables:
        table.sparse = row_wise
    if not row_wise:
        return [DENSE[training.learner](model.parameters(), training.learning_rate, training.weight_decay)]
    rule, dense = ROW_WISE[training.learner]
    weights = {table.weight for table in tables}
    rest = [parameter for parameter in model.parameters() if parameter not in weights]
    optimizers: list[Optimizer] = [RowWise(weights, rule, training.learning_rate, training.weight_decay)] if weights else []
    return optimizers + ([DENSE[dense](rest, training.learning_rate, training.weight_decay)] if rest else [])


def optimizer_state(optimizers: list[Optimizer]) -> dict[str, Tensor]:
    """Everything the optimizers remember, as named tensors."""
    return {
        f"optimizer.{number}.{index}.{name}": value
        for number, optimizer in enumerate(optimizers)
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def restore_optimizers(optimizers: list[Optimizer], state: dict[str, Tensor]) -> None:
    """Takes up what `optimizer_state` gave."""
    for number, optimizer in enumerate(optimizers):
        remembered: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            kind, which, index, name = key.split(".", 3)
            if kind == "optimizer" and int(which) == number:
                remembered.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": remembered, "param_groups": optimizer.state_dict()["param_groups"]})
