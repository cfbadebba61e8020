"""Measures models along the sessions of a part: every event is to be predicted from those before it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray, Interactions, Ragged
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID, Prepared
from turret.evaluation import groups, intervals
from turret.evaluation.asked import ask
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.labelled import weighted_means
from turret.evaluation.metrics import RANKED as NAMES
from turret.evaluation.metrics import Metric
from turret.evaluation.next_item import SESSIONS, next_item
from turret.evaluation.places import Places
from turret.evaluation.ranked import RANKED

METRICS = ("recall", "mrr", "ndcg")


class SessionEvaluator:
    """Measures models that read item by item. Made once for a part, used on any number of models.

    A session is what a user (in a log of sessions: a session) has in the part, and in fold_in before it. Each event has one right item, so
    recall and hit are the same, and so are mrr and map. Means are over events. Under the protocol `next_item` each session begins anew and
    its first event is not asked for; under `next_item_known` it goes on from what is known of the user, and the first event of a user of
    whom something is known is asked for too. An item that training never saw is passed over where it is read, and is missed where it is
    asked for.

    Args:
        prepared: the dataset.
        part: "valid" or "test".
        config: metrics, ties, protocol.

    Raises:
        InputError: the part cannot be evaluated, none of its events has one before it, or a metric is unknown or has no meaning for
            single events.
    """

    def __init__(self, prepared: Prepared, part: str, config: Evaluation) -> None:
        if part not in (VALID, TEST):
            raise InputError(f"a model is evaluated on {VALID} or {TEST}, not on {part!r}")
        self.prepared, self.part, self.config = prepared, part, config
        self.asked = ask(config, part, (config.val_metrics if part == VALID else config.test_metrics) or METRICS, NAMES)
        self.metrics = self.asked.metrics
        self.known = self._known() if config.protocol == "next_item_known" else None
        log = prepared.chosen(FOLD_IN, part)
        log = log.take(np.isin(log.user, prepared.chosen(part).user))
        self.log = log.take(np.asarray(log.item) < prepared.n_items)
        first = self._first(log)
        if len(log) and first.all():
            hint = "Choose next_item_known, which goes on from what the users did before, or a split that keeps sessions whole."
            raise InputError(f"the {part} part asks for nothing: none of its sessions has two events", hint=hint)
        # what training never saw is asked for in vain: int64 [U], by user
        self._missed = np.bincount(log.user[~first & (np.asarray(log.item) >= prepared.n_items)], minlength=log.n_users)

    @property
    def decides(self) -> Metric:
        """The metric that early stopping goes by."""
        return self.asked.decides

    def measures(self, model: Any) -> dict[str, float]:
        """The metrics alone, for validation.

        Raises:
            UnsupportedError: the model does not read item by item.
        """
        places, _, session = self._places(model)
        _, per_user, weights = self._per_user(places, session)
        return self.asked.completed(weighted_means(per_user, weights))

    def __call__(self, model: Any) -> Evaluated:
        """Metrics with values per session, intervals and groups of items.

        Raises:
            UnsupportedError: the model does not read item by item.
        """
        start = time.perf_counter()
        places, truth, session = self._places(model)
        users, per_user, weights = self._per_user(places, session)
        return Evaluated(
            dataset=self.prepared.hash,
            part=self.part,
            protocol=self.config.protocol,
            metrics=weighted_means(per_user, weights),
            users=users,
            per_user=per_user,
            audience=Audience(users=len(users), truths=len(session), truths_unseen=int(self._missed.sum())),
            weights=weights,
            intervals=intervals.of_means(per_user, self.config.bootstrap_samples, self.config.eval_seed, weights),
            groups={groups.ITEM_POPULARITY: self._groups(places, truth)} if self.config.by_group else {},
            seconds=time.perf_counter() - start,
        )

    def _known(self) -> Interactions:
        """What the users did before the part, of items that training saw."""
        validation = self.part == TEST and self.config.knows_validation(self.prepared.time_ordered)
        known = self.prepared.chosen(TRAIN, *((VALID,) if validation else ()))
        return known.take(np.asarray(known.item) < self.prepared.n_items)

    def _first(self, log: Interactions) -> npt.NDArray[np.bool_]:
        """bool [n] the events that nothing is known before."""
        lengths = np.zeros(log.n_users) if self.known is None else self.known.by_user.lengths
        first: npt.NDArray[np.bool_] = np.isin(np.arange(len(log)), log.by_user.offsets[:-1]) & (lengths[log.user] == 0)
        return first

    def _places(self, model: Any) -> tuple[Places, Ragged, IntArray]:
        """Where each event's right item stands, the right items, and the session of each event, those asked for in vain at the end."""
        batch = self.config.eval_batch_size or SESSIONS
        found = next_item(model, self.log, (), self.config.ties, batch, known=self.known)
        session = np.concatenate([self.log.user[found.row], np.repeat(np.arange(len(self._missed)), self._missed)]).astype(np.int64)
        item = self.log.item[found.row].astype(np.int64)
        truth = np.concatenate([item, np.full(len(session) - len(item), self.prepared.n_items)])
        ones = np.ones(len(session), dtype=np.int64)
        return Places(np.arange(len(item)), item, found.rank, ones), Ragged(np.arange(len(session) + 1), truth), session

    def _per_user(self, places: Places, session: IntArray) -> tuple[IntArray, dict[str, FloatArray], FloatArray]:
        """Sessions, their means over events by metric, and their numbers of events."""
        users, at = np.unique(session, return_inverse=True)
        events = np.bincount(at, minlength=len(users)).astype(np.float64)
        means: dict[str, FloatArray] = {}
        for metric in self.metrics if len(users) else []:
            assert metric.cutoff is not None
            values = RANKED[metric.name](places, metric.cutoff)
            means[str(metric)] = np.bincount(at, weights=values, minlength=len(users)) / events
        return users, means, events

    def _groups(self, places: Places, truth: Ragged) -> dict[str, dict[str, float]]:
        popularity = groups.by_popularity(self.prepared.train, self.prepared.n_items + 1)
        return groups.of_items(popularity, places, truth, {str(metric): (metric.name, metric.cutoff or 0) for metric in self.metrics})
