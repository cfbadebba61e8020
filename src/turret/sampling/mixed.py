"""The other rows' targets, and beside them items that are hardly ever targets."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from turret.core.context import Shared
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of
from turret.sampling.frequency import Frequency
from turret.sampling.in_batch import others
from turret.sampling.seen import Seen


class Mixed:
    """The T right items of the batch and N uniform draws that all rows share.

    Ji Yang et al., "Mixed Negative Sampling for Learning Two-tower Neural Networks in Recommendations", WWW 2020 companion: items that are
    rarely chosen are rarely in a batch, so a model trained on batches alone is free to score them anyhow.

    A place among the T + N, whichever it is, holds item i with probability q_i = (T f_i + N / I) / (T + N), f being the frequency in
    batches. With that for every place, wherever its item came from, the mean of g(i) / q_i over the places estimates the sum of g over all
    items without bias. What is masked changes nothing of it (see `InBatch`).

    Args:
        frequency: with which probability each item is in a place of the batch.
        n_items: I.
        negative_count: N.
        seen: interactions whose items are no negatives for their user; None masks only the right item itself.
    """

    def __init__(self, frequency: Frequency, n_items: int, negative_count: int, seen: Interactions | None = None) -> None:
        self.frequency, self.n_items, self.negative_count = frequency, n_items, negative_count
        self._seen = None if seen is None else Seen(seen)

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> Shared:
        """`Shared` with items and log_q [T + N], mask [T, T + N], positive_log_q [T].

        Raises:
            ValueError: what users have taken is to be left out, and the users are not known.
        """
        self.frequency.observe(targets.items, step)
        generator, rows = step.generator, len(targets)
        uniform = torch.randint(self.n_items, (self.negative_count,), generator=generator, device=generator.device)
        items = torch.cat([targets.items, uniform])
        mixture = rows * self.frequency.log_prob(items).exp() + self.negative_count / self.n_items
        log_q = (mixture / len(items)).log()
        return Shared(items, log_q, others(targets, items, self._seen), log_q[:rows])

    def state(self) -> dict[str, Tensor]:
        """What the frequency carries from step to step."""
        return state_of(self.frequency)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the frequency."""
        hand_back(self.frequency, state)
