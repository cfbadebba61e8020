"""Updates of tables of which a step touches a few rows.

A touched row gets exactly what the dense algorithm would give it at that step (its duplicates in the batch summed first); an untouched row
stays as it is. SGD and Adagrad without weight decay are thereby equal to their dense forms. Adam is the "lazy" form: an untouched row's
moments wait instead of decaying. Weight decay is an L2 term on the touched rows, as in the papers that regularise each sampled example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from turret.training.optimizers.rules import Rule, State
from turret.training.optimizers.touched import Touched


class RowWise:
    """Applies a rule to the rows of tables that have a gradient. A dense gradient counts as touching every row.

    Not a `torch.optim.Optimizer`: the hooks around its step cost as much as the update of a small table.

    Args:
        tables: parameters [n, D] of float32, mostly with sparse gradients (`nn.tables.Table` with `sparse` on); one of another shape with a
            dense gradient is taken as a single row.
        rule: the arithmetic.
        weight_decay: factor of the L2 term on touched rows.
    """

    def __init__(self, tables: Sequence[Tensor], rule: Rule, weight_decay: float = 0.0) -> None:
        self.tables, self.rule, self.weight_decay = tables, rule, weight_decay
        self._states = [rule.begin(_as_rows(table.detach())) for table in tables]
        self._touched = Touched()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update of every table that has a gradient."""
        for index, table in enumerate(self.tables):
            if table.grad is not None:
                self._update(index, *self._rows(table.grad), learning_rate)

    @torch.no_grad()
    def update(self, gradients: Mapping[Tensor, tuple[Tensor, Tensor]], learning_rate: float) -> None:
        """The same by gradients that lie elsewhere.

        Args:
            gradients: for each of some tables the rows [R] to update, on a CPU all different, and the gradient of each [R, D].
            learning_rate: of this step.
        """
        for index, table in enumerate(self.tables):
            if table in gradients:
                self._update(index, *gradients[table], learning_rate)

    def remembered(self) -> list[tuple[Tensor, State]]:
        """Each table as rows, and what the rule remembers of it: the memory itself, for whoever updates it in this optimizer's place."""
        return [(_as_rows(table.detach()), state) for table, state in zip(self.tables, self._states, strict=True)]

    def state(self) -> dict[str, Tensor]:
        """What the rule remembers of each table, as `index.name`."""
        return {f"{index}.{name}": value for index, state in enumerate(self._states) for name, value in state.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        for index, remembered in enumerate(self._states):
            for name, value in remembered.items():
                value.copy_(state[f"{index}.{name}"])

    def _update(self, index: int, rows: Tensor, gradient: Tensor, learning_rate: float) -> None:
        table = _as_rows(self.tables[index].detach())
        self.rule.update(table, rows, gradient, self._states[index], learning_rate, self.weight_decay)

    def _rows(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The touched rows [R] and the sums of their gradients [R, D]; equal rows have equal sums."""
        if gradient.is_sparse:
            return self._touched(gradient)
        gradient = _as_rows(gradient)
        return torch.arange(len(gradient), device=gradient.device), gradient


def _as_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.dim() == 2 else tensor.reshape(1, -1)
