"""Steps of matrix factorisation, on a CPU: what autograd does for two tables and their inner products, without a copy of any row.

The objective is `Sampled` with any loss; the optimizer any row-wise one. Scores are computed from the tables' rows where they lie, the loss
is torch's to differentiate, and the gradients of the scores become sums for the rows that the batch touches. For BPR all of this is one
pass, since the loss of a pair asks for no other's scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from turret.core.context import PerRow, Positives
from turret.core.contracts import Objective, Step, Targets
from turret.losses.pairwise import bpr
from turret.losses.scored import Scored
from turret.nn.two_tables import TwoTables
from turret.sampling.ahead import Ahead
from turret.sampling.drawn import Drawn
from turret.sampling.hard import Hardest, Resampled
from turret.sampling.uniform import Uniform
from turret.scorers.dot import Dot
from turret.training.objectives.sampled import Sampled
from turret.training.optimizers.build import Updates
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Array
from turret.training.replay import Take

OWN = (Uniform, Drawn, Ahead, Hardest, Resampled)
"""The samplers that draw for each right item by itself."""
_NO_VECTORS = torch.empty(0)
_ALL_COUNT = np.empty((0, 0), dtype=np.bool_)


def paired(objective: Objective, model: Any, optimizers: Sequence[Updates]) -> Take | None:
    """Steps for such a model, objective and optimizer; None for others."""
    if not (isinstance(model, TwoTables) and isinstance(model.scorer, Dot) and len(optimizers) == 1):
        return None
    if not (isinstance(objective, Sampled) and isinstance(objective.sampler, OWN)) or objective.l2 or objective.penalties:
        return None
    return Paired(objective, model, optimizers[0]) if isinstance(optimizers[0], RowWise) else None


class Paired:
    """A step of `objective` on `model`, as `Gradient` takes it without this, but for what rounding does.

    Args:
        objective: without penalties, and with a sampler of `OWN`.
        model: scored by the inner product.
        optimizer: of its tables.
    """

    def __init__(self, objective: Sampled, model: TwoTables, optimizer: RowWise) -> None:
        self.objective, self.model, self.optimizer = objective, model, optimizer
        self._differentiate = self._by_hand if objective.loss is bpr else self._by_autograd
        self._asked_by_vector = not isinstance(objective.sampler, Uniform)
        self._slots = [np.full(len(table.weight), -1, dtype=np.int32) for table in (model.users, model.items)]
        # Kept from step to step: a page of memory that is new to the process costs as much as the sums on it.
        self._sums = [np.empty((0, model.items.weight.shape[1]), dtype=np.float32) for _ in self._slots]

    def __call__(self, batch: Positives, step: Step, rate: float) -> Tensor:
        """The loss before the update; one that is not finite changes nothing."""
        model, asking = self.model, batch.context.users
        assert asking is not None
        users = asking if batch.rows is None else asking[batch.rows]
        tables = model.users.weight.detach(), model.items.weight.detach()
        query = tables[0][users] if self._asked_by_vector else _NO_VECTORS
        targets = Targets(batch.target, users, query, model.encode(), model.scorer, batch.places)
        negatives = self.objective.sampler(targets, step)
        assert isinstance(negatives, PerRow)
        items = torch.cat([batch.target[:, None], negatives.items], dim=1)
        share = torch.full((len(users),), 1 / len(asking)) if batch.weight is None else batch.weight / len(asking)
        loss, sums = self._differentiate(tuple(array.numpy() for array in (users, items, *tables)), negatives, share)
        if math.isfinite(loss):
            of_users, of_items = ((torch.from_numpy(sums[at]), torch.from_numpy(sums[at + 1])) for at in (0, 2))
            self.optimizer.update({model.users.weight: of_users, model.items.weight: of_items}, rate)
        return torch.tensor(loss)

    def _by_hand(self, found: tuple[Array, ...], negatives: PerRow, share: Tensor) -> tuple[float, Sequence[Array]]:
        """The loss, and the rows and sums of the gradient for users and items."""
        from turret.kernels import paired as kernels

        compute: Any = kernels.bpr
        counts = _ALL_COUNT if negatives.mask is None else negatives.mask.numpy()
        loss, *sums = compute(*found, counts, share.numpy(), *self._slots, *self._room(found))
        return loss, sums

    def _by_autograd(self, found: tuple[Array, ...], negatives: PerRow, share: Tensor) -> tuple[float, Sequence[Array]]:
        """Likewise, for any loss: torch differentiates it on the scores alone."""
        from turret.kernels import paired as kernels

        scores = torch.empty(found[1].shape)
        compute: Any = kernels.scores
        compute(*found, scores.numpy())
        scores.requires_grad_()
        told = (negatives.log_q, negatives.mask, negatives.positive_log_q)
        loss = (self.objective.loss(Scored(scores[:, 0], scores[:, 1:], *told)) * share).sum()
        of_scores = torch.autograd.grad(loss, scores)[0].numpy()
        compute = kernels.gradients
        return loss.item(), compute(*found, of_scores, *self._slots, *self._room(found))

    def _room(self, found: tuple[Array, ...]) -> list[Array]:
        """Where the sums for users and items go."""
        for side, ids in enumerate(found[:2]):
            if ids.size > len(self._sums[side]):
                self._sums[side] = np.empty((ids.size, self._sums[side].shape[1]), dtype=np.float32)
        return self._sums
