"""Recommendations from a run, in the tokens of its log."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from turret.api.indexing import IndexKind, index_of
from turret.api.machine import settled
from turret.api.reasons import Reason, reasons, refuse_silent
from turret.api.run import Run, opened
from turret.api.titles import title_of
from turret.batches.history import Histories, contexts_of
from turret.core.context import Context
from turret.core.errors import InputError, TurretError, UnsupportedError
from turret.core.interactions import IntArray, Ragged
from turret.data.prepared import merge
from turret.evaluation.catalogue import at_rest
from turret.evaluation.finite import DIVERGED
from turret.evaluation.sides import Sides
from turret.evaluation.topk import top_k

INSTEAD = "\n  Models that read histories answer for anybody: `turret models` says which."


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item: its token in the log.
        score: the model's; higher is better.
        title: what people call it, where the item table says.
        why: paths that lead to it, where they were asked for; the strongest first.
    """

    item: str
    score: float
    title: str | None = None
    why: tuple[Reason, ...] = ()


def recommend(
    run: str | Path | Run,
    *,
    user: str | int | None = None,
    history: Sequence[str | int] | None = None,
    k: int = 10,
    include_seen: bool = False,
    index: IndexKind | None = None,
    why: bool = False,
) -> list[Recommendation]:
    """The k items that a run's model thinks best, best first.

    Args:
        run: a run or its directory.
        user: a user of the log. All that the log knows of the user counts, also what training did not see.
        history: instead of a user, the items that somebody took, oldest first; those that the model does not know are left out with a
            warning.
        k: how many.
        include_seen: whether items that the user took already may be among them.
        index: finds the items through an index of the run (`turret.build_index`), which is built if need be: "approximate" may miss some;
            None scores every item.
        why: whether to say for each item by which paths of the knowledge graph it is reached from what the user took in the training
            part; those that the model makes most of.

    Raises:
        InputError: neither user nor history, or both; an unknown user; no known item in the history; k below 1.
        UnsupportedError: the model cannot answer for this person, or cannot say why, or an index cannot be made of it.
        TurretError: the model has diverged, and an item's score is infinite.
    """
    run = opened(run)
    if (user is None) == (history is None):
        raise InputError("recommendations are for a user or for a history", hint="Give --user ID or --history ITEM,ITEM,...")
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}")
    with settled(run.job.running):
        if why:
            refuse_silent(run)
        context, seen = _known(run, str(user)) if user is not None else _unknown(run, [str(item) for item in history or ()])
        context = context.to(run.device)
        barred = np.unique(seen[:0] if include_seen else seen)
        kept = _best(run, context, k, barred) if index is None else _found(run, context, k, barred, index)
        _refuse_infinite(run, kept)
        said: list[tuple[Reason, ...]] = reasons(run, context, [item for item, _ in kept]) if why else [()] * len(kept)
    items = run.prepared.items
    return [
        Recommendation(items.vocabulary.token(item), score, title_of(items, item), paths)
        for (item, score), paths in zip(kept, said, strict=True)
    ]


def _best(run: Run, context: Context, k: int, barred: IntArray) -> list[tuple[int, float]]:
    """Items and scores, found by scoring every item."""
    with at_rest(run.model):
        scores = run.catalogue.score_all(context).float().cpu()
    unscored = np.setdiff1d(np.flatnonzero(scores[0].isnan().numpy()), barred)
    if len(unscored):
        warnings.warn(f"{len(unscored):,} items are left out, since the model's scores of them are not numbers{DIVERGED}", stacklevel=3)
    barred = barred[barred < scores.shape[1]]
    items = top_k([scores], min(k, scores.shape[1]), Ragged(np.array([0, len(barred)]), barred))[0]
    return [(int(item), float(scores[0, item])) for item in items if item >= 0]


def _refuse_infinite(run: Run, kept: Sequence[tuple[int, float]]) -> None:
    """An infinite score is above all others and says nothing of its like, and no JSON file can hold it.

    Raises:
        TurretError: there is one.
    """
    infinite = [run.prepared.items.vocabulary.token(item) for item, score in kept if not math.isfinite(score)]
    if infinite:
        raise TurretError(f"{run.job.model} cannot answer: its score of item {infinite[0]!r} is no finite number{DIVERGED}")


def _found(run: Run, context: Context, k: int, barred: IntArray, kind: IndexKind) -> list[tuple[int, float]]:
    """Items and the model's own scores of them, found by an index."""
    index = index_of(run, kind)
    with at_rest(run.model):
        sides = Sides(run.model)
        items = index.search(sides.queries(context), k, Ragged(np.array([0, len(barred)]), barred)).items
        scores = sides.scores(context, items)
    return [(int(item), float(score)) for item, score in zip(items[0], scores[0], strict=True) if item >= 0]


def _known(run: Run, token: str) -> tuple[Context, IntArray]:
    """The context of a user of the log, and the items that the user took."""
    prepared, reads = run.prepared, run.catalogue.reads
    user = prepared.users.vocabulary.id(token)
    if user is None:
        instead = "--history ITEM,ITEM,... recommends to somebody whom the log does not know"
        raise InputError(f"the dataset has no user {token!r}", hint=INSTEAD.strip() if reads.user else instead)
    if reads.user and user >= prepared.n_users:
        raise UnsupportedError(f"{run.job.model} knows people by their ids, and training never saw user {token!r}{INSTEAD}")
    log = merge([part.interactions for part in prepared.parts.values()])
    return Histories(log, reads, prepared.n_users, prepared.n_items).context([user]), log.by_user[user]


def _unknown(run: Run, tokens: Sequence[str]) -> tuple[Context, IntArray]:
    """The context of somebody known by a history alone, and its items."""
    prepared, reads = run.prepared, run.catalogue.reads
    if reads.user:
        raise UnsupportedError(f"{run.job.model} knows people by their ids and cannot answer for a history{INSTEAD}")
    ids = {token: prepared.items.vocabulary.id(token) for token in tokens}
    known = [index for token in tokens if (index := ids[token]) is not None and index < prepared.n_items]
    strange = [token for token, index in ids.items() if index is None or index >= prepared.n_items]
    if not known:
        raise InputError(f"the model knows none of the items {', '.join(strange) or '(an empty history)'}")
    if strange:
        warnings.warn(f"items that the model does not know are left out: {', '.join(strange)}", stacklevel=3)
    return contexts_of([known], reads), np.array(known)
