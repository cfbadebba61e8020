"""From the settings of a composition to what trains a model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from turret.core.contracts import Batches, Objective, Scorer
from turret.data.prepared import Prepared
from turret.losses.full import dot_weighted_square, weighted_square
from turret.training.composition.config import Composition
from turret.training.composition.losses import SAMPLED, VECTORS
from turret.training.composition.samplers import SAMPLERS, Draws
from turret.training.composition.scorers import SCORERS
from turret.training.config import Training
from turret.training.objectives.alignment import AlignmentUniformity
from turret.training.objectives.full_catalogue import FullCatalogue
from turret.training.objectives.penalties import Schedule
from turret.training.objectives.sampled import Sampled
from turret.training.paired import paired
from turret.training.procedures import Gradient


def scorer_of(composition: Composition, width: int) -> Scorer:
    """The scorer, for vectors of D = `width` numbers. Its parameters are drawn from torch's global stream, as a model's are."""
    return SCORERS[composition.scorer].make(composition, width)


def from_composition(
    prepared: Prepared,
    batches: Batches,
    composition: Composition,
    training: Training,
    *,
    penalties: Mapping[str, Schedule] | None = None,
    l2: float = 0.0,
    threads: int | None = None,
) -> Gradient:
    """Right items against the others.

    Args:
        prepared: the dataset; samplers are fitted on its training part.
        batches: of `Positives`.
        composition: loss and sampler. The scorer is the model's.
        training: optimizer and epochs.
        penalties: for each of the model's named penalties its weight at a step.
        l2: of objectives.sampled.Sampled.
        threads: of procedures.Gradient.
    """
    objective = objective_of(prepared, batches, composition, penalties or {}, l2)
    return Gradient(batches, objective, training, threads, quick=paired)


def objective_of(
    prepared: Prepared, batches: Batches, composition: Composition, penalties: Mapping[str, Schedule], l2: float = 0.0
) -> Objective:
    """What a step minimises."""
    if composition.loss == "softmax":
        return FullCatalogue(penalties=penalties, l2=l2)
    if composition.loss == "weighted_square":
        return FullCatalogue(
            partial(weighted_square, positive_weight=composition.positive_weight, negative_weight=composition.negative_weight),
            partial(dot_weighted_square, positive_weight=composition.positive_weight, negative_weight=composition.negative_weight),
            penalties,
            l2,
        )
    if composition.loss in VECTORS:
        return AlignmentUniformity(composition.uniformity_weight, penalties, l2)
    loss = SAMPLED[composition.loss]
    steps = composition.refresh_steps or max(batches.steps(), 1)
    sampler = SAMPLERS[composition.sampler or "uniform"].make(Draws(composition, prepared.train, steps, loss.corrected))
    return Sampled(loss.make(composition, prepared.n_items), sampler, l2, penalties)
