"""An optimizer for tables of which a step touches a few rows.

A touched row gets exactly what the dense algorithm would give it at that step (its duplicates in the batch summed first); an untouched row
stays as it is. SGD and Adagrad without weight decay are thereby equal to their dense forms. Adam is the "lazy" form: an untouched row's
moments wait instead of decaying. Weight decay is an L2 term on the touched rows, as in the papers that regularise each sampled example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from turret.training.optimizers.rules import Rule


class RowWise(Optimizer):
    """Applies a rule to the rows that have a gradient. A dense gradient counts as touching every row.

    Args:
        tables: parameters [n, D] of float32, mostly with sparse gradients (`nn.tables.Table` with `sparse` on).
        rule: the arithmetic.
        lr: learning rate.
        weight_decay: factor of the L2 term on touched rows.
    """

    def __init__(self, tables: Iterable[Tensor], rule: Rule, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(tables, {"lr": lr, "weight_decay": weight_decay})
        self.rule = rule
        self._slots: dict[int, Any] = {}

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every table that has a gradient; `closure` is not used."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                state = self.state[table]
                if not state:
                    state.update(self.rule.begin(table))
                rows, gradient = self._touched(table)
                self.rule.update(table.detach(), rows, gradient, state, group["lr"], group["weight_decay"])

    def _touched(self, table: Tensor) -> tuple[Tensor, Tensor]:
        """The touched rows [R], all different, and the sums of their gradients [R, D]."""
        gradient = table.grad
        assert gradient is not None
        if not gradient.is_sparse:
            return torch.arange(len(table), device=table.device), gradient
        if table.device.type == "cpu":
            import numpy as np

            from turret.kernels import rows as kernels

            if id(table) not in self._slots:
                self._slots[id(table)] = np.full(len(table), -1, dtype=np.int32)
            ids, values = gradient._indices()[0], gradient._values()
            rows, sums = kernels.accumulate(ids.numpy(), values.contiguous().numpy(), self._slots[id(table)])
            return torch.from_numpy(rows), torch.from_numpy(sums)
        gradient = gradient.coalesce()
        return gradient.indices()[0], gradient.values()
