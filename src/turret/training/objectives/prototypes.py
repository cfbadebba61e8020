"""Users and items near the centres of the clusters that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from turret.core.context import Encoded, Positives
from turret.core.contracts import Lookup, Step
from turret.losses.discrimination import discrimination
from turret.sampling import kmeans


class Prototypes:
    """The free parameters of the batch's users, and of its right items, each told the nearest centre of its kind from the others.

    Z. Lin, C. Tian, Y. Hou, W. X. Zhao. "Improving Graph Collaborative Filtering with Neighborhood-enriched Contrastive Learning." WWW
    2022, section 3.3. k-means finds the centres among all users, and among all items; between two searches they are constants.

    Args:
        count: centres of users, and of items, at most.
        temperature: tau.
        item_share: how much items count, where users count 1.
        begin: the step from which it counts.
        every: steps after which centres are found anew, going on from where they are.
    """

    def __init__(self, count: int, temperature: float, item_share: float, begin: int, every: int) -> None:
        self.count, self.temperature, self.item_share, self.begin, self.every = count, temperature, item_share, begin, every
        self._found: dict[str, Tensor] = {}

    def __call__(self, model: Any, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        """A scalar."""
        if step.number < self.begin:
            return encoded.items.dense().new_zeros(())
        assert encoded.users is not None and batch.context.users is not None
        users, items = encoded.users, encoded.items
        if not self._found or step.number - int(self._found["step"]) >= self.every:
            self._found = {"step": torch.tensor(step.number), **self._centres("users", users, step), **self._centres("items", items, step)}
        return self._of("users", users, batch.context.users) + self.item_share * self._of("items", items, batch.target)

    @torch.no_grad()
    def _centres(self, side: str, lookup: Lookup, step: Step) -> dict[str, Tensor]:
        """Centres [C, D], and which of them each of the n nodes is nearest to, int64 [n]."""
        vectors = lookup.free(torch.arange(len(lookup.dense()), device=step.generator.device))
        centres = kmeans.fit(vectors, min(self.count, len(vectors)), self._found.get(side), step.generator)
        return {side: centres, f"{side}.nearest": kmeans.nearest(vectors, centres)}

    def _of(self, side: str, lookup: Lookup, ids: Tensor) -> Tensor:
        distinct, counts = torch.unique(ids, return_counts=True)
        nearest = self._found[f"{side}.nearest"][distinct]
        return discrimination(lookup.free(distinct), self._found[side], nearest, self.temperature, counts)

    def state(self) -> dict[str, Tensor]:
        """The centres, which of them each node is nearest to, and the step at which they were found; empty before the first."""
        return dict(self._found)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._found = dict(state)
