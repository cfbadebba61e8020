"""Retrievers put together like bricks: a loss, a sampler and a scorer, each by its name, beside the model's own towers."""

from turret.training.composition.config import Composition
from turret.training.composition.recipe import from_composition, objective_of, scorer_of

__all__ = ["Composition", "from_composition", "objective_of", "scorer_of"]
