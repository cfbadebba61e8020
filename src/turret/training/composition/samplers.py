"""The samplers by the names that they have in configurations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from turret.core.contracts import Sampler
from turret.core.interactions import FloatArray, Interactions
from turret.sampling.ahead import Ahead
from turret.sampling.clusters import Clusters
from turret.sampling.distribution import Distribution
from turret.sampling.drawn import Drawn
from turret.sampling.frequency import Counted, Estimated, Frequency
from turret.sampling.hard import Hardest, Resampled, importance, softened
from turret.sampling.in_batch import InBatch
from turret.sampling.midx import Midx
from turret.sampling.mixed import Mixed
from turret.sampling.popularity import Popularity, log_count, power, smoothed
from turret.sampling.softmax import Own
from turret.sampling.uniform import Uniform

if TYPE_CHECKING:
    from turret.training.composition.config import Composition

SamplerName = Literal[
    "uniform",
    "popularity",
    "in_batch",
    "mixed",
    "midx_uni",
    "midx_pop",
    "cluster_uni",
    "cluster_pop",
    "dns",
    "soft_dns",
    "importance",
    "own",
]


@dataclass(frozen=True)
class Draws:
    """What a sampler is made from.

    Attributes:
        said: its settings.
        train: the training part, which alone it is fitted on.
        refresh_steps: steps between two looks at the item vectors.
        corrected: whether the loss reads log q.
    """

    said: Composition
    train: Interactions
    refresh_steps: int
    corrected: bool

    @property
    def count(self) -> int:
        """Negatives of each right item."""
        return self.said.negative_count

    @property
    def seen(self) -> Interactions | None:
        """What is not to be drawn for its user."""
        return self.train if self.said.exclude_seen else None

    @property
    def popularity(self) -> FloatArray:
        """float64 [I] what items are drawn in proportion to where popularity counts."""
        counts = self.train.item_counts
        if self.said.popularity_mass == "power":
            return power(counts, self.said.popularity_alpha)
        return log_count(counts) if self.said.popularity_mass == "log" else smoothed(counts, self.said.popularity_smoothing)

    @property
    def equal(self) -> FloatArray:
        """float64 [I] the same for every item."""
        return np.ones(self.train.n_items)

    @property
    def frequency(self) -> Frequency:
        """How often each item is a right one."""
        exact = self.said.in_batch_frequency == "exact"
        return Counted(self.train.item_counts) if exact else Estimated(self.train.n_items, self.said.frequency_rate)

    def drawn(self, distribution: Distribution) -> Drawn:
        """The sampler from a distribution."""
        return Drawn(distribution, self.count, self.seen, self.corrected)

    def ahead(self, sampler: Uniform | Drawn) -> Sampler:
        """What `sampler` draws once for every row of the training part, where that is asked for."""
        return Ahead(sampler, self.train) if self.said.sample_ahead else sampler


def _uniform(draws: Draws) -> Sampler:
    return draws.ahead(Uniform(draws.train.n_items, draws.count, draws.seen))


def _popularity(draws: Draws) -> Sampler:
    return draws.ahead(draws.drawn(Popularity(draws.popularity)))


def _in_batch(draws: Draws) -> Sampler:
    return InBatch(draws.frequency, draws.seen)


def _mixed(draws: Draws) -> Sampler:
    return Mixed(draws.frequency, draws.train.n_items, draws.count, draws.seen)


def _midx(draws: Draws, mass: FloatArray) -> Sampler:
    return draws.drawn(Midx(mass, draws.said.clusters, draws.refresh_steps))


def _clusters(draws: Draws, mass: FloatArray) -> Sampler:
    return draws.drawn(Clusters(mass, draws.said.clusters, draws.refresh_steps))


def _hardest(draws: Draws) -> Sampler:
    return Hardest(draws.train.n_items, draws.count, draws.said.pool, draws.seen, draws.corrected)


def _softened(draws: Draws) -> Sampler:
    pool = Uniform(draws.train.n_items, draws.said.pool, draws.seen)
    return Resampled(pool, draws.count, softened(draws.said.sampler_temperature), draws.corrected)


def _by_importance(draws: Draws) -> Sampler:
    pool = Drawn(Popularity(draws.popularity), draws.said.pool, draws.seen)
    return Resampled(pool, draws.count, importance(draws.said.sampler_temperature), draws.corrected)


def _own(draws: Draws) -> Sampler:
    return draws.drawn(Own(draws.said.sampler_temperature))


@dataclass(frozen=True)
class Drawing:
    """What a sampler is, and what it asks for.

    Attributes:
        make: makes it.
        prose: what it is, in a line.
        cost: of a step, in the letters T targets, N negatives, I items, K clusters, k candidates, D width.
        fixed: whether what it draws follows from the training part alone, so that it may be drawn ahead.
        uniform: whether all items that may be drawn are equally likely.
        factored: whether it needs a scorer that is an inner product.
        positives: whether it can say with which probability right items themselves are drawn.
        reads: the parameters that it has, beside those of all samplers.
    """

    make: Callable[[Draws], Sampler]
    prose: str
    cost: str
    fixed: bool = False
    uniform: bool = False
    factored: bool = False
    positives: bool = True
    reads: tuple[str, ...] = ()


POPULAR = ("popularity_mass", "popularity_alpha", "popularity_smoothing")
FREQUENT = ("in_batch_frequency", "frequency_rate")
REFRESHED = ("clusters", "refresh_steps")
CELLS, CLUSTERS = "T K (D + K) + T N K", "T K D + T N K"


def _quantising(make: Callable[[Draws], Sampler], prose: str, cost: str, *reads: str) -> Drawing:
    return Drawing(make, prose, cost, factored=True, reads=(*REFRESHED, *reads))


def _choosing(make: Callable[[Draws], Sampler], prose: str, cost: str, *reads: str) -> Drawing:
    """Of candidates that another sampler draws."""
    return Drawing(make, prose, cost, positives=False, reads=("pool", *reads))


SAMPLERS: dict[SamplerName, Drawing] = {
    "uniform": Drawing(_uniform, "all items equally likely", "T N", fixed=True, uniform=True),
    "popularity": Drawing(_popularity, "by how often items are taken", "T N", fixed=True, reads=POPULAR),
    "in_batch": Drawing(_in_batch, "the other right items of the batch", "T", reads=FREQUENT),
    "mixed": Drawing(_mixed, "those, and uniform ones for the whole batch", "T + N", reads=FREQUENT),
    "midx_uni": _quantising(lambda draws: _midx(draws, draws.equal), "near the softmax: by two codebooks, then uniform in a cell", CELLS),
    "midx_pop": _quantising(lambda draws: _midx(draws, draws.popularity), "the same, by popularity in a cell", CELLS, *POPULAR),
    "cluster_uni": _quantising(lambda draws: _clusters(draws, draws.equal), "by cluster, then uniform in it", CLUSTERS),
    "cluster_pop": _quantising(
        lambda draws: _clusters(draws, draws.popularity), "by cluster, then by popularity in it", CLUSTERS, *POPULAR
    ),
    "dns": _choosing(_hardest, "the best of k uniform candidates", "T N k D"),
    "soft_dns": _choosing(_softened, "of k uniform candidates, by the softmax of their scores", "T k D + T N", "sampler_temperature"),
    "importance": _choosing(
        _by_importance,
        "of k candidates by popularity, by importance: near the softmax",
        "T k D + T N",
        "sampler_temperature",
        *POPULAR,
    ),
    "own": Drawing(_own, "by the model's own softmax over all items", "T I D", reads=("sampler_temperature",)),
}
