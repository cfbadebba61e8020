"""Items sorted by the centres that their vectors are nearest to, and sorted anew as training moves them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from turret.core.contracts import InnerProduct, Step, Targets
from turret.core.interactions import FloatArray
from turret.sampling import kmeans
from turret.sampling.buckets import Buckets


class Quantised:
    """A bucket for each combination of centres, one centre for each part of the vector.

    Args:
        mass: float64 [I] each item's share in its bucket, in proportion; an item without any is never drawn.
        count: K, the centres of each part.
        parts: P, how many parts of nearly the same width the vectors are split into, the wider ones first.
        refresh_steps: how many steps the buckets serve. Centres then go on from where they were.

    Attributes:
        log_mass: float64 [I].
        words: int64 [P, I] the centre of each part of each item.
        buckets: the items by bucket, whose number has those of its centres as digits, to the base K.

    Raises:
        ValueError: no item has any mass.
    """

    log_mass: Tensor
    words: Tensor
    buckets: Buckets

    def __init__(self, mass: FloatArray, count: int, parts: int, refresh_steps: int) -> None:
        if not mass.sum() > 0:
            raise ValueError("there is nothing to draw: no item has any mass")
        self._mass, self.count, self.parts, self.refresh_steps = torch.from_numpy(mass), min(count, len(mass)), parts, refresh_steps
        self.log_mass = self._mass.log()
        self._state: dict[str, Tensor] = {}
        self._centres: list[Tensor] = []

    @torch.no_grad()
    def refresh(self, targets: Targets, step: Step) -> None:
        """Quantises the vectors at the first step, and when the buckets have served their time.

        Raises:
            ValueError: the scorer is no inner product, so that it has no vectors to quantise.
        """
        if self._state and 0 <= step.number - int(self._state["step"]) < self.refresh_steps:
            if not self._centres:
                self._take(self._state, targets.query.device)
            return
        if not isinstance(targets.scorer, InnerProduct):
            raise ValueError("a sampler that quantises vectors needs a scorer that is an inner product")
        vectors = targets.scorer.item_side(targets.encoded.items.dense())
        state = {"step": torch.tensor(step.number)}
        bucket = torch.zeros(len(vectors), dtype=torch.int64, device=vectors.device)
        for part, values in enumerate(vectors.tensor_split(self.parts, dim=1)):
            before = self._state.get(f"centres_{part}")
            before = None if before is None else before.to(vectors.device)
            state[f"centres_{part}"] = kmeans.fit(values, self.count, before, step.generator)
            bucket = bucket * self.count + kmeans.nearest(values, state[f"centres_{part}"])
        self._take({**state, "bucket": bucket}, vectors.device)

    def scores(self, targets: Targets) -> list[Tensor]:
        """float64 [T, K] of each part: the inner products of the queries' part with its centres."""
        assert isinstance(targets.scorer, InnerProduct)
        query = targets.scorer.query_side(targets.query).double()
        return [part @ centres.T for part, centres in zip(query.tensor_split(self.parts, dim=1), self._centres, strict=True)]

    def state(self) -> dict[str, Tensor]:
        """The centres, the bucket of each item, and the step at which they were found; empty before the first."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._state, self._centres = dict(state), []

    def _take(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Compiles what draws are made from."""
        self._state = {name: value if name == "step" else value.to(device) for name, value in state.items()}
        self._centres = [self._state[f"centres_{part}"].double() for part in range(self.parts)]
        self._mass, self.log_mass, bucket = self._mass.to(device), self.log_mass.to(device), self._state["bucket"]
        self.words = torch.stack([bucket // self.count**place % self.count for place in reversed(range(self.parts))])
        self.buckets = Buckets(bucket, self.count**self.parts, self._mass)
