"""Updates of tables of which a step touches a few rows.

A touched row gets exactly what the dense algorithm would give it at that step (its duplicates in the batch summed first); an untouched row
stays as it is. SGD and Adagrad without weight decay are thereby equal to their dense forms. Adam is the "lazy" form: an untouched row's
moments wait instead of decaying. Weight decay is an L2 term on the touched rows, as in the papers that regularise each sampled example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from turret.training.optimizers.rules import Array, Rule, State


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
        self._slots: list[Array | None] = [None for _ in tables]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update of every table that has a gradient."""
        for index, table in enumerate(self.tables):
            if table.grad is not None:
                rows, gradient = self._touched(index, table.grad)
                self.rule.update(_as_rows(table.detach()), rows, gradient, self._states[index], learning_rate, self.weight_decay)

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

    def _touched(self, index: int, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The touched rows [R] and the sums of their gradients [R, D]; equal rows have equal sums."""
        if not gradient.is_sparse:
            gradient = _as_rows(gradient)
            return torch.arange(len(gradient), device=gradient.device), gradient
        if gradient.device.type != "cpu":
            return summed(gradient._indices()[0], gradient._values())
        from turret.kernels import rows as kernels

        slot = self._slots[index]
        if slot is None:
            slot = self._slots[index] = np.full(len(gradient), -1, dtype=np.int32)
        ids, values = gradient._indices()[0], gradient._values().contiguous()
        rows, sums = kernels.accumulate(ids.numpy(), values.numpy(), slot)
        return torch.from_numpy(rows), torch.from_numpy(sums)


def summed(ids: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The ids [M] in ascending order, and for each the sum [M, D] over all its values.

    An id that is there several times stays so, with the same sum each time: shapes then do not depend on what the ids are, and the host
    need not wait for the device to learn them. Updates that compute a row's new value from its old one and the sum write it several times.
    """
    ids, order = torch.sort(ids, stable=True)
    group = torch.cat([ids.new_zeros(1), (ids[1:] != ids[:-1]).long()]).cumsum(0)
    return ids, torch.zeros_like(values).index_add_(0, group, values[order])[group]


def _as_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.dim() == 2 else tensor.reshape(1, -1)
