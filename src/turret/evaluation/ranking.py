"""Measures rankers on the impressions of a part: predictions against what came of each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from turret.batches.impressions import ImpressionBatches
from turret.batches.needs import needs_labels
from turret.batches.schema import labels_of
from turret.core.context import NOTHING, Reads
from turret.core.errors import InputError
from turret.core.features import Categorical
from turret.core.interactions import FloatArray, IntArray
from turret.data.prepared import TEST, VALID, Prepared
from turret.evaluation import groups, intervals, slices
from turret.evaluation.answers import Answers, Gathering
from turret.evaluation.asked import ask
from turret.evaluation.catalogue import at_rest, device_of
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.finite import finite_predictions
from turret.evaluation.labelled import metrics_of
from turret.evaluation.metrics import LABELLED, Metric
from turret.evaluation.reliability import Reliability
from turret.evaluation.units import USERS, Units

VAL_METRICS = ("auc", "logloss")
TEST_METRICS = ("auc", "gauc", "logloss")
OF_NUMBERS = ("rmse", "mae")
"""The metrics of both parts where the labels are no answers of 0 and 1."""
BATCH_SIZE = 8192
OF_USERS = "gauc"
"""The metric that needs users, and all of their impressions at once."""
UNIT = ""
"""The kind of the units that intervals draw; the others are named for the feature whose values they are."""


class RankerEvaluator:
    """Measures rankers. Made once for a part, used on any number of models of the same tasks.

    Args:
        prepared: the dataset.
        part: "valid" or "test".
        config: metrics, batch size, slices.
        reads: what the models read beside an impression.
        tasks: what they predict; none names all that the dataset has labels for.

    Raises:
        InputError: the part has no labels or cannot be evaluated; a metric is unknown, meant for whole catalogues, of a task that the
            models do not have, or cannot be had; there is no such feature to slice by.
    """

    def __init__(self, prepared: Prepared, part: str, config: Evaluation, reads: Reads = NOTHING, tasks: Sequence[str] = ()) -> None:
        if part not in (VALID, TEST):
            raise InputError(f"a model is evaluated on {VALID} or {TEST}, not on {part!r}")
        if part not in prepared.parts:
            raise InputError(f"{prepared.name} has no {part} part")
        needs_labels(prepared)
        self.prepared, self.part, self.config = prepared, part, config
        self.batches = ImpressionBatches(prepared, config.eval_batch_size or BATCH_SIZE, part, reads=reads)
        labelled = self.batches.schema.tasks
        self.tasks = tuple(tasks) or labelled
        self._columns = [labelled.index(task) for task in self.tasks]
        self.units = Units.of(prepared, part)
        self.asked = ask(config, part, self._names(), LABELLED, self.tasks)
        self._refuse_gauc()
        self.slices = slices.chosen(self.batches.schema, config.slices or ())

    @property
    def decides(self) -> Metric:
        """The metric that early stopping goes by."""
        return self.asked.decides

    def measures(self, model: Any) -> dict[str, float]:
        """The metrics alone, for validation.

        Raises:
            TurretError: a logit is NaN or infinite; says in which rows of the part.
        """
        answers = self._gathered(model, {UNIT: len(self.units)}).answers(UNIT)
        return self.asked.completed(self._metrics(answers, self.asked.metrics)[0])

    def __call__(self, model: Any) -> Evaluated:
        """Metrics with values per unit, intervals, groups of users, slices and reliability.

        Raises:
            TurretError: a logit is NaN or infinite; says in which rows of the part.
        """
        start = time.perf_counter()
        gathered = self._gathered(model, {UNIT: len(self.units)} | {feature.name: feature.size for feature in self.slices})
        answers = gathered.answers(UNIT)
        metrics, per_unit = self._metrics(answers, self.asked.metrics)
        weights = answers[0].rows
        return Evaluated(
            dataset=self.prepared.hash,
            part=self.part,
            protocol="impressions",
            metrics=metrics,
            users=self.units.ids,
            per_user=per_unit,
            audience=self._audience(),
            weights=weights,
            intervals=intervals.of_means(per_unit, self.config.bootstrap_samples, self.config.eval_seed, weights),
            groups=self._groups(answers) | {feature.name: self._slice(feature, gathered.answers(feature.name)) for feature in self.slices},
            units=self.units.kind,
            reliability=self._reliability(answers),
            seconds=time.perf_counter() - start,
        )

    def _names(self) -> Sequence[str]:
        """The metrics that are asked for by name, or those of this part that can be had."""
        given = self.config.val_metrics if self.part == VALID else self.config.test_metrics
        usual = VAL_METRICS if self.part == VALID else TEST_METRICS
        if not given and not self._answers():
            return OF_NUMBERS
        return given or [name for name in usual if name != OF_USERS or not self._no_gauc()]

    def _answers(self) -> bool:
        """Whether the labels of this part that the models predict are 0 and 1."""
        labels = list(labels_of(self.prepared.parts[self.part]).values())
        return all(bool(((labels[column] == 0) | (labels[column] == 1)).all()) for column in self._columns)

    def _no_gauc(self) -> str:
        """Why there can be no gauc; nothing where there can."""
        if self.units.kind != USERS:
            return f"the log of {self.prepared.name} knows no users"
        return "" if self.config.auc_bins is None else "auc_bins keeps no impressions, of which gauc needs those of each user"

    def _refuse_gauc(self) -> None:
        why = self._no_gauc()
        if why and any(metric.name == OF_USERS for metric in self.asked.metrics):
            raise InputError(f"there is no gauc here: {why}", hint="auc is over all impressions.")

    def _gathered(self, model: Any, sizes: Mapping[str, int]) -> Gathering:
        """What `model` answers, by units of some kinds."""
        gathering = Gathering(len(self.batches), len(self.tasks), sizes, self.config.auc_bins)
        places = {feature.name: self.batches.schema.place(feature.name) for feature in self.slices if feature.name in sizes}
        done = 0
        with at_rest(model):
            for impressions in self.batches.in_order(device_of(model)) if len(self.batches) else ():
                logits, labels = model(impressions), impressions.labels[:, self._columns]
                if logits.shape != labels.shape:
                    tasks = ", ".join(self.tasks)
                    raise ValueError(f"logits {tuple(logits.shape)} do not fit {len(labels)} impressions with labels for {tasks}")
                units: dict[str, IntArray] = {UNIT: self.units.of_rows(done, done := done + len(labels))}
                units |= {name: impressions.tokens[:, place].cpu().numpy() for name, place in places.items()}
                found = finite_predictions(logits, done - len(labels), f"the {self.part} part")
                gathering.add(found, labels.float().cpu().numpy(), units)
        return gathering

    def _metrics(self, answers: Sequence[Answers], metrics: Sequence[Metric]) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """Metrics, and the values for each unit behind them, by full name."""
        found: dict[str, float] = {}
        per_unit: dict[str, FloatArray] = {}
        for metric in metrics:
            own = answers[0 if metric.task is None else self.tasks.index(metric.task)]
            values, of_unit = metrics_of(own, metric.name, self.config.calibration_bins)
            found |= {str(replace(metric, name=name)): value for name, value in values.items()}
            if of_unit is not None:
                per_unit[str(metric)] = of_unit
        return found, per_unit

    def _reliability(self, answers: Sequence[Answers]) -> dict[str, Reliability]:
        return {
            task: Reliability.of(own.levels, self.config.calibration_bins)
            for task, own in zip(self.tasks, answers, strict=True)
            if own.binary and own.levels is not None and len(own.levels.rows)
        }

    def _audience(self) -> Audience:
        log, of_users = self.prepared.interactions(self.part), self.units.kind == USERS
        return Audience(
            users=len(self.units) if of_users else 0,
            without_history=int((self.units.ids >= self.prepared.n_users).sum()) if of_users else 0,
            truths=len(log),
            truths_unseen=int(np.count_nonzero(log.item >= self.prepared.n_items)) if self.prepared.n_items else 0,
        )

    def _groups(self, answers: Sequence[Answers]) -> dict[str, dict[str, dict[str, float]]]:
        if not self.config.by_group or self.units.kind != USERS:
            return {}
        activity = groups.by_activity(self.prepared.train, len(self.prepared.users.vocabulary))
        found: dict[str, dict[str, float]] = {}
        for chosen, name in enumerate(activity.names):
            rows = np.flatnonzero(activity.of[self.units.ids] == chosen)
            if len(rows):
                own = [each.of_units(rows) for each in answers]
                found[name] = {"users": float(len(rows)), **self._metrics(own, self.asked.metrics)[0]}
        return {groups.USER_ACTIVITY: found}

    def _slice(self, feature: Categorical, answers: Sequence[Answers]) -> dict[str, dict[str, float]]:
        metrics = [metric for metric in self.asked.metrics if metric.name != OF_USERS]
        found: dict[str, dict[str, float]] = {}
        for name, values in slices.groups_of(self.prepared, feature, answers[0].rows).items():
            own = [each.of_units(values) for each in answers]
            found[name] = {"impressions": float(own[0].rows.sum()), **self._metrics(own, metrics)[0]}
        return found
