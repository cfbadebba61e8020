"""The samplers by the names they have in configurations."""

from __future__ import annotations

from typing import Literal

from turret.core.contracts import Sampler
from turret.core.interactions import Interactions
from turret.sampling.in_batch import InBatch
from turret.sampling.popularity import Popularity
from turret.sampling.uniform import Uniform

SamplerName = Literal["uniform", "popularity", "in_batch"]


def choose(name: SamplerName, train: Interactions, negative_count: int) -> Sampler:
    """The sampler `name` over the items of `train`, fitted on it alone; "uniform" leaves out what the user has interacted with."""
    if name == "uniform":
        return Uniform(train.n_items, negative_count, seen=train)
    if name == "popularity":
        return Popularity(train.item_counts, negative_count)
    return InBatch(train.item_counts)
