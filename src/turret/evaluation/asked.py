"""Which metrics a part is measured by, and which of them early stopping goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turret.core.errors import InputError
from turret.data.prepared import VALID
from turret.evaluation.config import Evaluation
from turret.evaluation.metrics import NO_DIRECTION, Metric, of_tasks, parse

STOP_ON = "stop_on"
"""The validation measure that is a weighted sum of others."""


@dataclass(frozen=True)
class Asked:
    """The metrics of one part.

    Attributes:
        metrics: each once, in the order in which they were asked for.
        weights: what each weighs in the sum that decides; empty where the first metric decides.
    """

    metrics: tuple[Metric, ...]
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def decides(self) -> Metric:
        """What early stopping goes by."""
        return Metric(STOP_ON) if self.weights else self.metrics[0]

    def completed(self, measures: Mapping[str, float]) -> dict[str, float]:
        """The measures of validation with the weighted sum, which is absent where one of its metrics is."""
        if not self.weights or not self.weights.keys() <= measures.keys():
            return dict(measures)
        return {**measures, STOP_ON: sum(weight * measures[name] for name, weight in self.weights.items())}


def ask(config: Evaluation, part: str, names: Sequence[str], among: Sequence[str], tasks: Sequence[str] = ()) -> Asked:
    """What a part is asked for.

    Args:
        config: what was set.
        part: "valid", which early stopping looks at too, or "test".
        names: the metrics of this part.
        among: the metrics that this kind of model has.
        tasks: of the model.

    Raises:
        InputError: a metric is unknown or of another kind of model, or early stopping would go by one that is best at 1.
    """
    asked = of_tasks(parse(names, config.cutoff, among), tasks)
    if part != VALID:
        return Asked(tuple(asked))
    weights: dict[Metric, float] = {}
    for name, weight in (config.stop_on or {}).items():
        for metric in of_tasks(parse([name], config.cutoff, among), tasks):
            weights[metric] = weights.get(metric, 0.0) + weight
    for metric in weights or asked[:1]:
        if metric.name in NO_DIRECTION:
            raise InputError(f"early stopping cannot go by {metric}, which is best at 1", hint="Name another metric first.")
    return Asked(tuple(dict.fromkeys([*asked, *weights])), {str(metric): weight for metric, weight in weights.items()})
