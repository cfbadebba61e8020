"""Sequential signal: whether the order of a user's rows says anything, found out by shuffling it.

A. Klenitskiy, A. Volodkevich, A. Pembek, A. Vasilev. "Does It Look Sequential? An Analysis of Datasets for Evaluation of Sequential
Recommendations." RecSys 2024, counts frequent sequential rules before and after shuffling within users, and measures models on histories
that are shuffled. Here the rules are pairs of items that follow each other, counted once a user, and the model is a first-order Markov
chain.

All is of the training part. Several rows of one item in a row count as one. The last item of each user is held out and, where the user did
not have it before, asked for; the chain is counted without it. What the user had is left out of the lists, so that a user's own
transitions, which the chain has counted, give none of the user's items an advantage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.checks.finding import Finding, absent, between, number, percent, share
from turret.checks.models import Markov
from turret.checks.subject import ROWS, Subject, fewer_rows, with_parts
from turret.core.interactions import FloatArray, IntArray, Interactions
from turret.data.prepared import TEST, TRAIN

NAME = "order"
SHUFFLES = 5
LEAST_ASKED = 20
"""Users whose next item is asked for; fewer say nothing of order."""
SUPPORT = 5
"""A pair of items is frequent if it follows in this order in so many users' rows."""


@dataclass(frozen=True)
class Signal:
    """What shuffling does.

    Attributes:
        frequent: pairs of items that are frequent in the order of the log.
        shuffled: the same after shuffling, mean over the shuffles.
        ordered: float64 [U] whether the chain finds what comes next in 10 items, for each user.
        disordered: float64 [U] the same with the user's history shuffled, mean over the shuffles.
    """

    frequent: int
    shuffled: float
    ordered: FloatArray
    disordered: FloatArray


def check(subject: Subject) -> Finding:
    """Frequent pairs in order and shuffled, and hit@10 of a Markov chain whose last item is the last one, or any."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    if subject.train.time is None:
        return absent(NAME, "the log has no times; the order of its rows may be anything, also one by item")
    log = fewer_rows(subject.train, ROWS, subject.generator("rows"))
    tied = share(int(np.count_nonzero(_same_moment(log))), int(np.count_nonzero(log.user[1:] == log.user[:-1])))
    signal = measure(subject, log)
    if signal is None:
        return absent(
            NAME, f"fewer than {LEAST_ASKED} users have three different items in a row in training, so there is little order to shuffle"
        )
    gain = signal.ordered - signal.disordered
    interval = subject.interval(gain)
    figures = {
        "frequent_pairs": signal.frequent,
        "frequent_pairs.shuffled": signal.shuffled,
        "hit@10.ordered": float(signal.ordered.mean()),
        "hit@10.shuffled": float(signal.disordered.mean()),
        "gain": float(gain.mean()),
        "gain.low": interval[0],
        "gain.high": interval[1],
        "users": len(gain),
        "same_moment": tied,
    }
    found = (
        f"{signal.frequent:,} pairs of items follow each other in the rows of {SUPPORT} or more users, {signal.shuffled:,.0f} after "
        f"shuffling. {_moments(tied)}"
    )
    effect = (
        f"a Markov chain that knows a user's last item finds the next new one with hit@10 {number(figures['hit@10.ordered'])}; one that "
        f"knows any item of the history instead, with {number(figures['hit@10.shuffled'])}: {figures['gain']:+.4f} from order "
        f"({between(interval)}, {len(gain):,} users)."
    )
    if interval[0] > 0:
        filling = "The split does not follow each user's time, so it asks to fill gaps rather than for what comes next"
        advice = "" if subject.prepared.time_ordered else f"{filling}: --split_order time lets models of order show what they can."
        return Finding(NAME, "ok" if subject.prepared.time_ordered else "note", found, effect, advice, figures)
    advice = (
        "Models of order can hardly gain here, and one that wins does so for another reason: compare with models of sets, and do not take "
        "this dataset as evidence about sequences."
    )
    return Finding(NAME, "warning", found, effect, advice, figures)


def measure(subject: Subject, log: Interactions) -> Signal | None:
    """Shuffles a log, sorted by user and time; None where no user can be asked."""
    log = log.take(~_repeats(log))
    earlier, last = _held_out(log)
    if not len(last):
        return None
    first, second = following(earlier)
    chain = Markov(first, second, subject.prepared.n_items)
    divided = subject.fewer_users(with_parts(subject.prepared, earlier, last))
    known, test = divided.interactions(TRAIN), divided.interactions(TEST)
    in_order = subject.measured(chain, divided)
    if len(in_order.users) < LEAST_ASKED:
        return None
    counts, hits = [], []
    for number_of in range(SHUFFLES):
        generator = subject.generator("shuffle", number_of)
        counts.append(frequent(shuffled(log, generator)))
        hits.append(subject.measured(chain, with_parts(divided, shuffled(known, generator), test)).per_user["hit@10"])
    return Signal(frequent(log), float(np.mean(counts)), in_order.per_user["hit@10"], np.mean(hits, axis=0))


def following(log: Interactions) -> tuple[IntArray, IntArray]:
    """int [m] items of a log, sorted by user and time, and the other items that follow them in the rows of the same user."""
    follows = (log.user[1:] == log.user[:-1]) & (log.item[1:] != log.item[:-1])
    return log.item[:-1][follows], log.item[1:][follows]


def frequent(log: Interactions, support: int = SUPPORT) -> int:
    """How many pairs of different items follow each other in the rows of `support` or more users."""
    follows = (log.user[1:] == log.user[:-1]) & (log.item[1:] != log.item[:-1])
    pair = log.item[:-1][follows].astype(np.int64) * log.n_items + log.item[1:][follows]
    user = log.user[1:][follows]
    # Once a user: the pairs are numbered, so that a pair and a user fit into one number.
    _, pair = np.unique(pair, return_inverse=True)
    once = np.unique(pair.astype(np.int64) * log.n_users + user) // log.n_users
    return int(np.count_nonzero(np.bincount(once) >= support))


def shuffled(log: Interactions, generator: np.random.Generator) -> Interactions:
    """The same rows in a random order within each user; times mean nothing any more."""
    order = np.lexsort((generator.random(len(log)), log.user))
    return Interactions(log.user, log.item[order], log.n_users, log.n_items)


def _repeats(log: Interactions) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """bool [n] which rows are of the item of the user's row before."""
    repeats = np.zeros(len(log), dtype=bool)
    repeats[1:] = (log.user[1:] == log.user[:-1]) & (log.item[1:] == log.item[:-1])
    return repeats


def _same_moment(log: Interactions) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    assert log.time is not None
    return np.asarray((log.user[1:] == log.user[:-1]) & (log.time[1:] == log.time[:-1]))


def _moments(tied: float) -> str:
    if not tied:
        return "No two rows of a user that follow each other have the same time."
    return f"Of rows, {percent(tied)} have the time of the user's row before, so that their order is that of the file."


def _held_out(log: Interactions) -> tuple[Interactions, Interactions]:
    """What is known, and the last row of each user who has three or more: two known ones can be shuffled."""
    lengths = np.bincount(log.user, minlength=log.n_users)
    ends = (np.cumsum(lengths) - 1)[lengths >= 3]
    known = np.ones(len(log), dtype=bool)
    known[ends] = False
    plain = Interactions(log.user, log.item, log.n_users, log.n_items)
    return plain.take(known), plain.take(ends)
