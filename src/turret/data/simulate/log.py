"""The logs that people leave behind, block by block: what they chose and rated, and what they were shown and clicked.

A block is a fixed number of users with random streams of its own, so memory is bounded by the block and the bytes do not depend on how the
log is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from turret.core.interactions import FloatArray, IntArray
from turret.core.seeds import numpy_generator
from turret.data.simulate.truth import PAGE, Truth

USERS_A_BLOCK = 4096
START = 1_704_067_200
"""The first day of 2024 in seconds since 1970."""
DAY = 86_400
PAUSE_RATE, PAUSE_DAYS, STEP_SECONDS = 0.06, 5.0, 45.0
"""How often a sitting ends after a row, the mean days until the next one, and the mean seconds between two rows of a sitting."""


@dataclass(frozen=True)
class Block:
    """Rows of some users, user after user and in the order of time.

    Attributes:
        users, items: int64 [n].
        times: int64 [n] seconds; within a user each is later than the one before.
        outcomes: int64 [n] ratings 1 to 5, or clicks 0 and 1.
        positions: int64 [n] places on the page from 1, or None in a log of ratings.
    """

    users: IntArray
    items: IntArray
    times: IntArray
    outcomes: IntArray
    positions: IntArray | None = None


def blocks(truth: Truth) -> list[range]:
    """The users of each block."""
    n = truth.settings.users
    return [range(start, min(start + USERS_A_BLOCK, n)) for start in range(0, n, USERS_A_BLOCK)]


def ratings(truth: Truth) -> Iterator[Block]:
    """Everything that people chose, and how they rated it."""
    for number, people in enumerate(blocks(truth)):
        users, items = chosen(truth, people, number)
        rng = numpy_generator(truth.seed, "ratings", number)
        drawn = rng.random(len(users))
        below = truth.rating_probabilities(users, items).cumsum(axis=1)[:, :-1]
        yield Block(users, items, _times(rng, truth, people), 1 + (drawn[:, None] >= below).sum(axis=1))


def impressions(truth: Truth) -> Iterator[Block]:
    """Everything that people were shown, and whether they clicked."""
    for number, people in enumerate(blocks(truth)):
        users, items, positions = shown(truth, people, number)
        rng = numpy_generator(truth.seed, "clicks", number)
        clicks = rng.random(len(users)) < expit(truth.click_logit(users, items, positions))
        yield Block(users, items, _times(rng, truth, people), clicks.astype(np.int64), positions)


def chosen(truth: Truth, people: range, number: int) -> tuple[IntArray, IntArray]:
    """What the users of block `number` chose: users and items, int64 [n]."""
    rng = numpy_generator(truth.seed, "choices", number)
    return _walk(rng, truth, people, truth.shares[people.start : people.stop], truth.settings.transition)


def shown(truth: Truth, people: range, number: int) -> tuple[IntArray, IntArray, IntArray]:
    """What they were shown: users, items and positions, int64 [n]."""
    rng = numpy_generator(truth.seed, "impressions", number)
    shares = truth.exposed(truth.shares[people.start : people.stop])
    users, items = _walk(rng, truth, people, shares, 0.0)
    return users, items, 1 + _steps(truth.lengths[people.start : people.stop]) % PAGE


def _walk(rng: np.random.Generator, truth: Truth, people: range, shares: FloatArray, transition: float) -> tuple[IntArray, IntArray]:
    # numba takes half a second to load, which only those who simulate should wait for
    from turret.kernels.simulation import walk

    appeal = truth.appeal
    lengths = truth.lengths[people.start : people.stop]
    items = walk(
        rng,
        lengths,
        np.ascontiguousarray(truth.tastes[people.start : people.stop]),
        np.cumsum(shares, axis=1),
        appeal.indptr.astype(np.int64),
        appeal.indices,
        _running(appeal.data, appeal.indptr),
        truth.successors,
        np.cumsum(truth.successor_shares),
        transition,
    )
    return np.repeat(np.arange(people.start, people.stop), lengths), items.astype(np.int64)


def _running(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Running sums that begin anew with each row of a CSR table."""
    sums = np.cumsum(values)
    before = np.concatenate([[0.0], sums])[offsets[:-1]]
    return np.asarray(sums - np.repeat(before, np.diff(offsets)))


def _steps(lengths: IntArray) -> IntArray:
    """0, 1, 2, ... anew for each user."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _times(rng: np.random.Generator, truth: Truth, people: range) -> IntArray:
    """When it happened: people join on different days and come in sittings."""
    lengths = truth.lengths[people.start : people.stop]
    n = int(lengths.sum())
    pauses = np.where(rng.random(n) < PAUSE_RATE, rng.exponential(PAUSE_DAYS * DAY, n), 0.0)
    gaps = 1 + (pauses + rng.exponential(STEP_SECONDS, n)).astype(np.int64)
    first = np.cumsum(lengths) - lengths
    joined = START + (rng.random(len(lengths)) * truth.settings.days * DAY).astype(np.int64)
    passed = np.cumsum(gaps)
    return np.repeat(joined - (passed - gaps)[first], lengths) + passed - gaps
