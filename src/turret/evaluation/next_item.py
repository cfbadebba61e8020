"""The next item of sessions: every event but the first of each is predicted from those before it, by a model that reads item by item.

All items compete, also those that the session had already. This is how the papers of session-based recommendation measure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from turret.batches.history import Histories
from turret.batches.sessions import schedule
from turret.core.context import ALL, Encoded, Reads
from turret.core.contracts import Recurrent, State
from turret.core.errors import TurretError, UnsupportedError
from turret.core.interactions import FloatArray, IntArray, Interactions, Ragged
from turret.evaluation.catalogue import CACHE_CELLS, DEVICE_CELLS, at_rest
from turret.evaluation.config import Ties
from turret.evaluation.topk import compare
from turret.nn.unroll import unroll

SESSIONS = 512
"""Sessions side by side."""


@dataclass(frozen=True)
class NextItem:
    """The ranks of all events that were predicted, in the order in which they were.

    Attributes:
        rank: float64 [E], 1 for the top; half way between two places where ties are split.
        row: int64 [E] the row of the log that was predicted.
        cutoffs: lengths at which lists are judged.
    """

    rank: FloatArray
    row: IntArray
    cutoffs: tuple[int, ...]

    @property
    def events(self) -> int:
        """How many events were predicted."""
        return len(self.rank)

    @property
    def recall(self) -> dict[int, float]:
        """The share of events within the first N, by N; empty where no event was predicted."""
        return {n: float(np.mean(self.rank <= n)) for n in self.cutoffs if self.events}

    @property
    def mrr(self) -> dict[int, float]:
        """The mean of 1 / rank, 0 beyond the first N, by N; empty where no event was predicted."""
        return {n: float(np.mean((self.rank <= n) / self.rank)) for n in self.cutoffs if self.events}


def next_item(
    model: Any,
    log: Interactions,
    cutoffs: Sequence[int],
    ties: Ties = "standard",
    batch_size: int = SESSIONS,
    least: int = 1,
    known: Interactions | None = None,
) -> NextItem:
    """Ranks the events of a log.

    Args:
        model: keeps `Recurrent`.
        log: sorted by session (user) and time, of items that the model has.
        cutoffs: lengths at which lists are judged.
        ties: where the right item stands among items of the same score; see `Evaluation.ties`.
        batch_size: sessions side by side; the result does not depend on it.
        least: evaluation ends when fewer sessions than this are left: 2 is what GRU4Rec's authors' code does to models without samples.
        known: what the same users did before; each is then read on from the state that this left, and their first events are predicted too.
            None begins each session anew.

    Raises:
        UnsupportedError: the model does not read item by item.
        TurretError: a score is not a number.
    """
    model = sequential(model)
    with at_rest(model):
        encoded = model.encode()
        begin: list[Tensor] | None = None
        origin: IntArray = np.arange(len(log))
        if known is not None:
            begin, log, origin = _after(model, known, log, encoded)
        ranked = _ranked(model, encoded, log, begin, ties, batch_size, least)
    rank, row = (np.concatenate(column) for column in zip((np.empty(0), np.empty(0, dtype=np.int64)), *ranked, strict=True))
    return NextItem(rank, origin[row], tuple(cutoffs))


def sequential(model: Any) -> Recurrent:
    """`model` itself.

    Raises:
        UnsupportedError: it does not read item by item.
    """
    if not isinstance(model, Recurrent):
        raise UnsupportedError(f"{type(model).__name__} does not read item by item, so it cannot be measured along sessions")
    return model


def _ranked(
    model: Recurrent, encoded: Encoded, log: Interactions, begin: list[Tensor] | None, ties: Ties, batch_size: int, least: int
) -> list[tuple[FloatArray, IntArray]]:
    """Ranks and rows of the events of each mini-batch; `begin` has the state [U, H] of each layer that each user begins with."""
    plan, items = schedule(log, batch_size, least), encoded.items.dense()
    found: list[tuple[FloatArray, IntArray]] = []
    state: State = ()
    for start, stop in zip(plan.offsets[:-1], plan.offsets[1:], strict=True):
        place, fresh = plan.place[start:stop], torch.from_numpy(plan.fresh[start:stop])
        new = model.initial(len(place))
        if begin is not None:
            new = tuple(layer[torch.from_numpy(log.user[place].astype(np.int64)).to(layer.device)] for layer in begin)
        if state:
            kept = torch.from_numpy(plan.kept[start:stop]).to(items.device)
            fresh = fresh.to(items.device)[:, None]
            new = tuple(torch.where(fresh, first, layer[kept]) for first, layer in zip(new, state, strict=True))
        at = torch.from_numpy(log.item[place].astype(np.int64)).to(items.device)
        query, state = model.step(at, new, encoded)
        target = torch.from_numpy(log.item[place + 1].astype(np.int64)).to(items.device)
        rows = max(1, (DEVICE_CELLS if items.is_cuda else CACHE_CELLS) // len(items))
        blocks = zip(torch.split(query, rows), torch.split(target, rows), strict=True)
        found.append((np.concatenate([ranks(model.scorer.all(block, items), right, ties) for block, right in blocks]), place + 1))
    return found


def ranks(scores: Tensor, target: Tensor, ties: Ties = "standard") -> FloatArray:
    """float64 [b] the rank of each row's target among all items of the row.

    With g items of a higher score and e of the same, the target among them: g + 1 (standard), g + e (conservative), g + (e + 1) / 2
    (median), or g + 1 + those of the e with a lower id (listed).

    Args:
        scores: float [b, I].
        target: int64 [b].
        ties: see above.

    Raises:
        TurretError: a score is NaN: no comparison with it is true, so it would rank first.
    """
    rows, nothing = np.arange(len(scores) + 1), np.zeros(len(scores) + 1, dtype=np.int64)
    own = Ragged(rows, target.cpu().numpy())
    above, level, scored = compare(scores, own, Ragged(nothing, np.empty(0, dtype=np.int64)))
    if np.any(scored < scores.shape[1]):
        raise TurretError(
            "the model's scores are not all numbers, so nothing can be ranked by them\n"
            "  Training has probably diverged: try a smaller learning_rate."
        )
    if ties == "listed":
        place = np.ones(len(scores))
        for row in np.flatnonzero(level > 1):
            place[row] += int((scores[row, : own.values[row]] == scores[row, own.values[row]]).sum())
    else:
        place = {"standard": np.ones(len(scores)), "conservative": level, "median": (level + 1) / 2}[ties]
    rank: FloatArray = above + place.astype(np.float64)
    return rank


def _after(model: Recurrent, known: Interactions, log: Interactions, encoded: Encoded) -> tuple[list[Tensor], Interactions, IntArray]:
    """Reads on from what is known.

    Returns:
        The states [U, H] of each layer before each user's last known item; the log with that item before each user's events; and the row of
        the given log behind each of its rows.
    """
    users = np.unique(log.user)
    last = known.by_user.offsets[1:] - 1
    has = users[known.by_user.lengths[users] > 0]
    earlier = known.take(np.delete(np.arange(len(known)), last[has]))
    begin = [layer.repeat(log.n_users, 1) for layer in model.initial(1)]
    device = begin[0].device
    histories = Histories(earlier, Reads(history=ALL), log.n_users, len(encoded.items.dense()), device)
    by_length = has[np.argsort(earlier.by_user.lengths[has], kind="stable")]  # histories of similar length together
    for some in np.array_split(by_length, max(1, -(-len(by_length) // SESSIONS))):
        history = histories.context(torch.from_numpy(some)).history
        assert history is not None
        for state in deque(unroll(model, history, encoded), maxlen=1):  # the last; none after histories that are all empty
            for layer, after in zip(begin, state, strict=True):
                layer[torch.from_numpy(some).to(device)] = after
    at = log.by_user.offsets[has]
    longer = Interactions(
        np.insert(log.user, at, has),
        np.insert(log.item, at, known.item[last[has]]),
        log.n_users,
        log.n_items,
        time=None if log.time is None else np.insert(log.time, at, log.time[at]),
    )
    return begin, longer, np.insert(np.arange(len(log)), at, at)
