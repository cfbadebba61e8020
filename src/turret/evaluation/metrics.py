"""The metrics by name: which there are, what each is a function of, and in which direction it is better.

Definitions, and where implementations of this field disagree, are in `docs/metrics.md`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from turret.core.errors import InputError

RANKED = ("recall", "precision", "f1", "hit", "mrr", "map", "ndcg")
"""Of the places of a user's right items, at a cutoff."""
LISTED = ("coverage", "gini", "novelty", "popularity", "diversity")
"""Of the recommended lists themselves, at a cutoff."""
CATALOGUE = (*RANKED, *LISTED, "auc")
"""Of a model that ranks the whole catalogue."""
LABELLED = ("auc", "gauc", "logloss", "ne", "rig", "calibration", "ece", "rmse", "mae")
"""Of a ranker: its logits against the labels of impressions."""
LOWER_IS_BETTER = frozenset({"gini", "popularity", "logloss", "ne", "ece", "rmse", "mae"})
NO_DIRECTION = frozenset({"calibration"})
"""Best at 1, so that no early stopping can go by it."""


@dataclass(frozen=True)
class Metric:
    """A metric as it is asked for.

    Attributes:
        name: `recall`.
        cutoff: 10 for `recall@10`; None for metrics that have none.
        task: `purchase` for `purchase.auc`; None where a model has one task, and where none is named.
    """

    name: str
    cutoff: int | None = None
    task: str | None = None

    def __str__(self) -> str:
        name = self.name if self.task is None else f"{self.task}.{self.name}"
        return name if self.cutoff is None else f"{name}@{self.cutoff}"

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value is the better one."""
        return self.name in LOWER_IS_BETTER


def parse(names: Iterable[str], cutoffs: Sequence[int], among: Sequence[str] = (*CATALOGUE, *LABELLED)) -> list[Metric]:
    """The metrics behind `names`, each once: `ndcg@20` is one, `ndcg` is one at each of `cutoffs`, and `purchase.auc` is that of a task.

    Raises:
        InputError: there is no such metric among `among`, or its cutoff is no positive whole number; says which name comes nearest.
    """
    found: dict[Metric, None] = {}
    for text in names:
        head, at, cutoff = text.strip().partition("@")
        task, dot, name = head.rpartition(".")
        name = name.lower()
        if name not in among:
            raise _unknown(text, name, f"{task}{dot}", f"{at}{cutoff}", among)
        if dot and (not task or name not in LABELLED):
            raise InputError(f"{text!r}: {name} is of whole catalogues and not of a task", hint=f"Write {name}{at}{cutoff}.")
        if name not in (*RANKED, *LISTED):
            if at:
                raise InputError(f"{text!r}: {name} is over the whole ranking and has no cutoff", hint=f"Write {head}.")
            found[Metric(name, task=task or None)] = None
        elif not at:
            found.update(dict.fromkeys(Metric(name, k) for k in cutoffs))
        elif cutoff.isdecimal() and int(cutoff) > 0:
            found[Metric(name, int(cutoff))] = None
        else:
            raise InputError(f"{text!r}: the cutoff {cutoff!r} is no positive whole number", hint=f"Write {name}@10, for example.")
    return list(found)


def of_tasks(metrics: Iterable[Metric], tasks: Sequence[str]) -> list[Metric]:
    """The same metrics for a model of certain tasks, each once. One task needs no naming; of several, a metric that names none is that of
    each.

    Args:
        metrics: as `parse` read them.
        tasks: names of the model's tasks; none for a model that ranks a catalogue.

    Raises:
        InputError: a metric is of a task that the model does not have.
    """
    found: dict[Metric, None] = {}
    for metric in metrics:
        if metric.task is not None and metric.task not in tasks:
            what = f"the tasks are: {', '.join(tasks)}" if tasks else "a model that ranks a catalogue has no tasks"
            raise InputError(f"{metric}: there is no task {metric.task!r}", hint=f"{what[0].upper()}{what[1:]}.")
        whose = ([metric.task] if metric.task else list(tasks)) if len(tasks) > 1 else [None]
        found.update(dict.fromkeys(replace(metric, task=task) for task in whose))
    return list(found)


def _unknown(text: str, name: str, before: str, after: str, among: Sequence[str]) -> InputError:
    known = dict.fromkeys((*CATALOGUE, *LABELLED))
    near = difflib.get_close_matches(name, among, n=1, cutoff=0.5)
    problem = f"{text!r} does not fit this kind of model" if name in known else f"there is no metric {text!r}"
    suggestion = f"did you mean {before}{near[0]}{after}? " if near and name not in known else ""
    return InputError(problem, hint=f"{suggestion}The metrics are: {', '.join(dict.fromkeys(among))}.")
