"""The other rows' targets as negatives."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from turret.core.context import Shared
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of
from turret.sampling.frequency import Frequency
from turret.sampling.seen import Seen, users_of


class InBatch:
    """The right items of the batch are everyone's negatives, but for each row's own, in whichever place it stands.

    An item then comes as often as it is a right one, so log q is the probability of that: a softmax that subtracts it does not punish
    popular items for being popular (Yi et al. 2019, see `frequency.Estimated`).

    What the row's user has taken can be masked too. Log q stays what it was: the batch is drawn from q as before, and of the sum over its
    places of f(i) / q(i), whose mean estimates the sum of f over all items, the terms of the masked ones are left out; what remains
    estimates the sum over the other items without bias. The probability of those would be another only if each place were drawn again
    until it is allowed, as in `drawn.Drawn`.

    Args:
        frequency: with which probability each item is in a place.
        seen: interactions whose items are no negatives for their user; None masks only the right item itself.
    """

    def __init__(self, frequency: Frequency, seen: Interactions | None = None) -> None:
        self.frequency = frequency
        self._seen = None if seen is None else Seen(seen)

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> Shared:
        """`Shared` with items, log_q and positive_log_q [T], mask [T, T].

        Raises:
            ValueError: what users have taken is to be left out, and the users are not known.
        """
        self.frequency.observe(targets.items, step)
        log_q = self.frequency.log_prob(targets.items)
        return Shared(targets.items, log_q, others(targets, targets.items, self._seen), log_q)

    def state(self) -> dict[str, Tensor]:
        """What the frequency carries from step to step."""
        return state_of(self.frequency)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the frequency."""
        hand_back(self.frequency, state)


def others(targets: Targets, items: Tensor, seen: Seen | None) -> Tensor:
    """bool [T, N]: which of `items` [N] are neither a row's right one nor, of what is in `seen`, its user's.

    Raises:
        ValueError: there is something in `seen`, and the users are not known.
    """
    mask = items != targets.items[:, None]
    if seen is None:
        return mask
    return mask & ~seen.among(users_of(targets), items)
