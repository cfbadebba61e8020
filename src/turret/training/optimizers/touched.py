"""Which rows of a table a gradient touches, and by how much: the duplicates of a sparse gradient summed, by its rows alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.training.optimizers.rules import Array


class Touched:
    """Sums duplicates; keeps the scratch that this takes on a CPU, one number a row of the largest table."""

    def __init__(self) -> None:
        self._slot: Array = np.empty(0, dtype=np.int32)

    def __call__(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The touched rows [R] of a sparse gradient [n, D] and the sums of what it has for each [R, D]; equal rows have equal sums."""
        if gradient.is_coalesced():
            return gradient._indices()[0], gradient._values()
        if gradient.device.type != "cpu":
            return summed(gradient._indices()[0], gradient._values())
        from turret.kernels import rows as kernels

        if len(gradient) > len(self._slot):
            self._slot = np.full(len(gradient), -1, dtype=np.int32)
        ids, values = gradient._indices()[0], gradient._values().contiguous()
        rows, sums = kernels.accumulate(ids.numpy(), values.numpy(), self._slot)
        return torch.from_numpy(rows), torch.from_numpy(sums)


def summed(ids: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The ids [M] in ascending order, and for each the sum [M, D] over all its values.

    An id that is there several times stays so, with the same sum each time: shapes then do not depend on what the ids are, and the host
    need not wait for the device to learn them. Updates that compute a row's new value from its old one and the sum write it several times.
    """
    ids, order = torch.sort(ids, stable=True)
    group = torch.cat([ids.new_zeros(1), (ids[1:] != ids[:-1]).long()]).cumsum(0)
    return ids, torch.zeros_like(values).index_add_(0, group, values[order])[group]
