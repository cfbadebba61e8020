"""Histories read side by side, each step against one shared sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from turret.core.context import Streams
from turret.core.contracts import Recurrent, State, Step
from turret.losses.shared import SharedLoss, Weights, biased_dot_loss
from turret.nn.tables import Biased
from turret.sampling.shared import SharedPopularity
from turret.scorers.biased_dot import BiasedDot

COMPILED = ("cpu", torch.float32)
"""Where the loss and its gradient have compiled kernels."""


class Streaming:
    """The next item of each history, from the state that the batch before left; the gradient ends where the batch begins.

    With K steps a batch (truncated backpropagation through time) the K b targets share one sample and are each other's negatives. The sum
    over them is divided by K `batch_size`, also where fewer rows than `batch_size` are left.

    Args:
        loss: one of `losses.shared`.
        weights: what an occurrence of each item counts in it.
        sampler: draws the sample; None leaves the targets alone.
        batch_size: rows of a full batch.
        full_boundary: whether the first drawn items of a batch of b < `batch_size` rows count as the targets that it lacks: what GRU4Rec's
            authors' code does with the items that it draws.
    """

    def __init__(
        self, loss: SharedLoss, weights: Weights, sampler: SharedPopularity | None, batch_size: int, full_boundary: bool = False
    ) -> None:
        self.loss, self.weights, self.sampler = loss, weights, sampler
        self.batch_size, self.full_boundary = batch_size, full_boundary
        self._state: State = ()

    def __call__(self, model: Recurrent, batch: Streams, step: Step) -> Tensor:
        """A scalar."""
        encoded, state = model.encode(), self._carried(model, batch)
        vectors = []
        for items, fresh in zip(batch.items, batch.fresh, strict=True):
            state = tuple(layer.masked_fill(fresh[:, None], 0) for layer in state)
            vector, state = model.step(items, state, encoded)
            vectors.append(vector)
        self._keep(state)
        query = vectors[0] if len(vectors) == 1 else torch.cat(vectors)
        target, rows = batch.target.flatten(), len(batch.items) * self.batch_size
        sample = target.new_empty(0) if self.sampler is None else self.sampler.draw(step.generator)
        candidates = self.weights.candidates(target, sample, rows if self.full_boundary else None)
        items = encoded.items
        if isinstance(items, Biased) and isinstance(model.scorer, BiasedDot) and (query.device.type, query.dtype) == COMPILED:
            total = biased_dot_loss(self.loss, query, items, candidates)
        else:
            total = self.loss(model.scorer.all(query, items[candidates.items]), candidates).sum()
        return total / rows

    def _carried(self, model: Recurrent, batch: Streams) -> State:
        """The state that each row goes on from."""
        rows = batch.items.shape[1]
        if batch.first:
            return model.initial(rows)
        return tuple(layer[:rows] if batch.kept is None else layer[batch.kept] for layer in self._state)

    @torch.no_grad()
    def _keep(self, state: State) -> None:
        """Keeps the state for the next batch."""
        places = self.places([layer.shape[1] for layer in state], state[0])
        for place, new in zip(places, state, strict=True):
            place[: len(new)] = new

    def places(self, widths: Sequence[int], like: Tensor) -> State:
        """Where the state of each layer is kept for the next batch, [batch_size, width] of the kind of `like`.

        It is in the first rows of a place that stays where it is, as `training.replay` needs it.
        """
        if not self._state:
            self._state = tuple(like.new_zeros(self.batch_size, width) for width in widths)
        return self._state

    def state(self) -> dict[str, Tensor]:
        """The state that the last batch left, by layer; empty before the first."""
        return {str(number): layer for number, layer in enumerate(self._state)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._state = tuple(state[str(number)].clone() for number in range(len(state)))
