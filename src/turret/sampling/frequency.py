"""How often each item is a right one: the probability of what stands in a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from turret.core.contracts import Step
from turret.core.interactions import IntArray


class Frequency(Protocol):
    """With which probability a place in a batch holds each item."""

    def observe(self, items: Tensor, step: Step) -> None:
        """Takes notice of the right items of a batch, int64 [T]."""
        ...

    def log_prob(self, items: Tensor) -> Tensor:
        """float32 in the shape of `items`; minus infinity for an item that never came."""
        ...


class Counted:
    """Known beforehand: each row of the training part comes once an epoch.

    Args:
        counts: int [I] how often each item occurs in the training part.
    """

    def __init__(self, counts: IntArray) -> None:
        with np.errstate(divide="ignore"):
            self._log_prob = torch.from_numpy(np.log(counts / counts.sum())).float()

    def observe(self, items: Tensor, step: Step) -> None:
        """Tells nothing new."""

    def log_prob(self, items: Tensor) -> Tensor:
        """log(count / sum of counts)."""
        self._log_prob = self._log_prob.to(items.device)
        return self._log_prob[items]


class Estimated:
    """Estimated from the batches as they come, for streams whose items become popular and cease to be.

    Xinyang Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019, algorithm 2: for each
    item A is the step at which it was last seen and B a running mean of the steps between two times, B <- (1 - rate) B + rate (t - A), and
    the item is in a batch with probability 1 / B.

    A loss over a batch sums over its places, so what log q needs is the probability q of a place. Where an item is in no batch twice, that
    is 1 / (B T) for T places. In general an item is in a batch k times, and P(in the batch) = 1 - (1 - q)^T saturates, so that the time
    between two batches with it tells little about a very popular one. Therefore C, the running mean of k / T over the batches with it, is
    kept beside B, and q = C / B: of independent places E[k / T | k > 0] P(k > 0) = q exactly.

    Further deviations: items have a place of their own in A and B, since their ids are known, where the paper hashes the ids of an open
    catalogue into fewer; and the n-th time counts 1 / n while that is more than `rate`, so that few times are averaged and the first is not
    weighed against a made-up initial value.

    Args:
        n_items: I.
        rate: alpha, how much the latest time counts.
    """

    def __init__(self, n_items: int, rate: float = 0.01) -> None:
        self.rate = rate
        self._state = {
            "last": torch.zeros(n_items, dtype=torch.int64),
            "times": torch.zeros(n_items, dtype=torch.int64),
            "between": torch.ones(n_items),
            "share": torch.zeros(n_items),
        }

    def observe(self, items: Tensor, step: Step) -> None:
        """Costs what the batch costs, not what the catalogue does."""
        self._move(items.device)
        last, times, between, share = (self._state[name] for name in ("last", "times", "between", "share"))
        found, count = torch.unique(items, return_counts=True)
        now = step.number + 1
        times[found] += 1
        weight = (1 / times[found]).clamp(min=self.rate)
        between[found] = between[found].lerp((now - last[found]).float(), weight)
        share[found] = share[found].lerp(count / len(items), weight)
        last[found] = now

    def log_prob(self, items: Tensor) -> Tensor:
        """log(C / B)."""
        self._move(items.device)
        return (self._state["share"][items] / self._state["between"][items]).log()

    def state(self) -> dict[str, Tensor]:
        """All four columns, [I]."""
        return {name: values.clone() for name, values in self._state.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._state = {name: state[name].clone() for name in self._state}

    def _move(self, device: torch.device) -> None:
        """To where the batch is."""
        if self._state["last"].device != device:
            self._state = {name: values.to(device) for name, values in self._state.items()}
