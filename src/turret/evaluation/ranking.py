"""Measures rankers on the impressions of a part: predictions against what came of each."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from turret.batches.impressions import ImpressionBatches
from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import FloatArray
from turret.data.prepared import TEST, VALID, Prepared
from turret.evaluation import groups, intervals, labelled
from turret.evaluation.catalogue import at_rest, device_of
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.labelled import Answers
from turret.evaluation.metrics import LABELLED, Metric, parse

VAL_METRICS = ("auc", "logloss")
TEST_METRICS = ("auc", "gauc", "logloss")
BATCH_SIZE = 8192


class RankerEvaluator:
    """Measures rankers. Made once for a part, used on any number of models.

    Args:
        prepared: the dataset.
        part: "valid" or "test".
        config: metrics, batch size.

    Raises:
        InputError: the part has no labels or cannot be evaluated, or a metric is unknown or meant for whole catalogues.
    """

    def __init__(self, prepared: Prepared, part: str, config: Evaluation) -> None:
        if part not in (VALID, TEST):
            raise InputError(f"a model is evaluated on {VALID} or {TEST}, not on {part!r}")
        if part not in prepared.parts:
            raise InputError(f"{prepared.name} has no {part} part")
        self.prepared, self.part, self.config = prepared, part, config
        names = (config.val_metrics or VAL_METRICS) if part == VALID else (config.test_metrics or TEST_METRICS)
        self.metrics = parse(names, config.cutoff, LABELLED)
        self.batches = ImpressionBatches(prepared, config.eval_batch_size or BATCH_SIZE, part)
        self.users, self._user = np.unique(np.asarray(prepared.interactions(part).user, dtype=np.int64), return_inverse=True)

    @property
    def decides(self) -> Metric:
        """The metric that early stopping goes by: the first."""
        return self.metrics[0]

    def measures(self, model: Any) -> dict[str, float]:
        """The metrics alone, for validation.

        Raises:
            UnsupportedError: the model has several tasks.
        """
        answers = self._answers(model)
        return labelled.weighted_means(self._per_user(answers), answers.weights)

    def __call__(self, model: Any) -> Evaluated:
        """Metrics with values per user, intervals and groups of users.

        Raises:
            UnsupportedError: the model has several tasks.
        """
        start = time.perf_counter()
        answers = self._answers(model)
        per_user = self._per_user(answers)
        return Evaluated(
            dataset=self.prepared.hash,
            part=self.part,
            protocol="impressions",
            metrics=labelled.weighted_means(per_user, answers.weights),
            users=self.users,
            per_user=per_user,
            audience=self._audience(),
            weights=answers.weights,
            intervals=intervals.of_means(per_user, self.config.bootstrap_samples, self.config.eval_seed, answers.weights),
            groups={groups.USER_ACTIVITY: self._groups(answers)} if self.config.by_group else {},
            seconds=time.perf_counter() - start,
        )

    def _answers(self, model: Any) -> Answers:
        logits, labels = [np.empty(0)], [np.empty(0)]
        with at_rest(model):
            for impressions in self.batches.in_order(device_of(model)) if len(self.users) else ():
                found = model(impressions)
                if found.shape != (len(impressions), 1):
                    raise UnsupportedError(f"{type(model).__name__} gives {tuple(found.shape)} logits; only one task can be evaluated")
                logits.append(found[:, 0].to(torch.float64).cpu().numpy())
                labels.append(impressions.labels[:, 0].to(torch.float64).cpu().numpy())
        return Answers(np.concatenate(logits), np.concatenate(labels), self._user, len(self.users))

    def _per_user(self, answers: Answers) -> dict[str, FloatArray]:
        return {metric.name: labelled.LABELLED[metric.name](answers) for metric in self.metrics} if answers.n_users else {}

    def _audience(self) -> Audience:
        log = self.prepared.interactions(self.part)
        return Audience(
            users=len(self.users),
            without_history=int((self.users >= self.prepared.n_users).sum()),
            truths=len(log),
            truths_unseen=int((np.asarray(log.item) >= self.prepared.n_items).sum()),
        )

    def _groups(self, answers: Answers) -> dict[str, dict[str, float]]:
        activity = groups.by_activity(self.prepared.train, len(self.prepared.users.vocabulary))
        found: dict[str, dict[str, float]] = {}
        for chosen, name in enumerate(activity.names):
            rows = np.flatnonzero(activity.of[self.users] == chosen)
            if len(rows):
                own = answers.of_users(rows)
                found[name] = {"users": float(len(rows)), **labelled.weighted_means(self._per_user(own), own.weights)}
        return found
