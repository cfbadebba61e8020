"""Negatives of each right item's own, drawn from a distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from turret.core.context import PerRow
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of
from turret.sampling import categorical
from turret.sampling.distribution import Distribution
from turret.sampling.seen import Seen, users_of

ALIKE = 128
"""Rows whose taken items are summed together: those of users who took about as many, so that little is filled up."""
SCARCE = 1e-3
"""Where less than this is left of a distribution, what is left is summed itself: as 1 less the rest it would be rounding error."""


@runtime_checkable
class Fixed(Distribution, Protocol):
    """A distribution that neither the query nor training changes.

    Attributes:
        shares: float64 [I] the probabilities.
    """

    shares: Tensor


class Drawn:
    """N independent draws for each right item.

    What the user has taken is left out by drawing again what was rejected; the draws then have the probabilities p_i / (1 - p(taken)).
    Each round makes twice the draws of the one before; once a round would take as many as there are items, what is still missing is drawn
    from the explicit probabilities of all items that are left, which gives the same distribution. A user of whom nothing is left that could
    be drawn draws from everything.

    The right item itself is masked where it was drawn. That needs no other log q: of a sum over draws, each divided by its probability,
    leaving out a term leaves out the item that it stands for, and the others keep their probabilities.

    Args:
        distribution: what is drawn from.
        negative_count: N.
        seen: interactions whose items are not drawn for their user; None leaves out nothing.
        corrected: whether log q is told. For a distribution that changes, the share of what the user has taken costs about as much as so
            many draws, at each step, and many losses do not look at it. If not, log q is NaN, so that a loss which does look at it shows.
    """

    def __init__(self, distribution: Distribution, negative_count: int, seen: Interactions | None = None, corrected: bool = True) -> None:
        self.distribution, self.negative_count, self.corrected = distribution, negative_count, corrected
        self._seen = None if seen is None else Seen(seen)
        self._log_left: Tensor | None = None  # float32 [U]
        if self._seen is not None and corrected and isinstance(distribution, Fixed):
            self._log_left = _logs(_left(distribution.shares, self._seen))

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> PerRow:
        """`PerRow` with items, log_q and mask [T, N].

        Raises:
            ValueError: what users have taken is to be left out, and the users are not known.
        """
        self.distribution.refresh(targets, step)
        items = self.distribution.draw(targets, self.negative_count, step.generator)
        if self._seen is not None:
            items = self._replaced(self._seen, targets, items, step.generator)
        mask = items != targets.items[:, None]
        if not self.corrected:
            return PerRow(items, torch.full((1, 1), torch.nan, device=items.device), mask)
        log_q = self.distribution.log_prob(targets, items)
        if self._seen is None:
            return PerRow(items, log_q, mask, self.distribution.log_prob(targets, targets.items[:, None])[:, 0])
        return PerRow(items, log_q - self._log_remainder(self._seen, targets)[:, None], mask)

    def state(self) -> dict[str, Tensor]:
        """What the distribution carries from step to step."""
        return state_of(self.distribution)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the distribution."""
        hand_back(self.distribution, state)

    def _replaced(self, seen: Seen, targets: Targets, items: Tensor, generator: torch.Generator) -> Tensor:
        """`items` [T, N], with others in place of those that the users have taken."""
        missing = seen.contains(users_of(targets), items)
        tries = 1
        while (rows := missing.any(dim=1).nonzero()[:, 0]).numel():
            some, gaps = _some(targets, rows), missing[rows]
            order = gaps.cumsum(dim=1) - 1  # the how manieth gap of its row each is
            count = tries * (int(order[:, -1].max()) + 1)
            if count >= seen.n_items:
                items[rows] = torch.where(gaps, self._from_what_is_left(seen, some, items.shape[1], generator), items[rows])
                return items
            fresh = self.distribution.draw(some, count, generator)
            kept = (~seen.contains(users_of(some), fresh)).cumsum(dim=1)
            place = torch.searchsorted(kept, order + 1)  # of the draw that fills each gap; `count` where there are too few
            filled = gaps & (place < count)
            items[rows] = torch.where(filled, fresh.gather(1, place.clamp(max=count - 1)), items[rows])
            missing[rows] = gaps & ~filled
            tries *= 2
        return items

    def _from_what_is_left(self, seen: Seen, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`] drawn from the probabilities of all items, without those that the users have taken."""
        drawn = []
        for rows in categorical.blocks(len(targets), seen.n_items):
            left, everything = self._what_is_left(seen, _some(targets, rows))
            uniform = torch.rand((len(left), count), generator=generator, device=generator.device, dtype=torch.float64)
            drawn.append(categorical.draw(torch.where((left > 0).any(dim=1, keepdim=True), left, everything), uniform))
        return torch.cat(drawn)

    def _what_is_left(self, seen: Seen, targets: Targets) -> tuple[Tensor, Tensor]:
        """float64 [T, I] the probabilities of all items, 0 for what the users have taken, and the same with that."""
        every = torch.arange(seen.n_items, device=targets.items.device)
        everything = self.distribution.log_prob(targets, every[None]).double().exp().expand(len(targets), -1)
        return everything.masked_fill(seen.among(users_of(targets), every), 0), everything

    def _log_remainder(self, seen: Seen, targets: Targets) -> Tensor:
        """float32 [T] the log of 1 - p(taken); 0 where that is 0, since then nothing is left out."""
        if self._log_left is not None:
            self._log_left = self._log_left.to(targets.items.device)
            return self._log_left[users_of(targets)]
        left = torch.ones(len(targets), dtype=torch.float64, device=targets.items.device)
        for alike in torch.split(seen.counts(users_of(targets)).argsort(stable=True), ALIKE):
            some = _some(targets, alike)
            items, mask = seen.padded(users_of(some))
            left[alike] -= torch.where(mask, self.distribution.log_prob(some, items).double().exp(), 0).sum(dim=1)
        scarce = (left < SCARCE).nonzero()[:, 0]
        for rows in categorical.blocks(len(scarce), seen.n_items):
            left[scarce[rows]] = self._what_is_left(seen, _some(targets, scarce[rows]))[0].sum(dim=1)
        return _logs(left)


def _left(shares: Tensor, seen: Seen) -> Tensor:
    """float64 [U] what is left of fixed shares without what each user has taken."""
    lengths = seen.offsets.diff()
    owners = torch.repeat_interleave(lengths)
    taken = shares.new_zeros(len(lengths)).index_add_(0, owners, shares[seen.items])
    left = 1 - taken
    for user in (left < SCARCE).nonzero()[:, 0].tolist():
        rest = shares.clone()
        rest[seen.items[seen.offsets[user] : seen.offsets[user + 1]]] = 0
        left[user] = rest.sum()
    return left


def _logs(left: Tensor) -> Tensor:
    """float32, 0 where nothing is left."""
    return torch.where(left > 0, left, 1).log().float()


def _some(targets: Targets, rows: Tensor | slice) -> Targets:
    """Some of the targets, by their position."""
    users, places = (None if values is None else values[rows] for values in (targets.users, targets.places))
    return replace(targets, items=targets.items[rows], users=users, query=targets.query[rows], places=places)
