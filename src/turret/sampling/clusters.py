"""Items drawn by the cluster that their vector is in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import FloatArray
from turret.sampling import categorical
from turret.sampling.quantised import Quantised


class Clusters:
    """A `Distribution` near the softmax of the model's scores: P(i | q) in proportion to mass_i exp(<q, centre of i's cluster>).

    A cluster c is drawn in proportion to W_c exp(<q, centre_c>), W_c being the mass of its items, and an item of it in proportion to its
    mass, after the cluster-based samplers of D. Lian, Q. Liu and E. Chen, "Personalized Ranking with Importance Sampling", WWW 2020. With
    mass 1 for each item it is theirs with uniform draws inside a cluster, with popularities the one with popular items first. Deviations:
    clusters are of the vectors that the scorer takes inner products of; they are found again every so many steps, from where they were;
    and the probability that is told is that of the draw exactly.

    Args:
        mass: float64 [I], not negative. Items without any are never drawn.
        clusters: C; more make it nearer to the softmax, and each costs a product with the query.
        refresh_steps: how many steps the clusters serve.
    """

    def __init__(self, mass: FloatArray, clusters: int, refresh_steps: int) -> None:
        self._quantised = Quantised(mass, clusters, 1, refresh_steps)

    def refresh(self, targets: Targets, step: Step) -> None:
        """Finds the clusters anew where that is due."""
        self._quantised.refresh(targets, step)

    @torch.no_grad()
    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`]."""
        uniform = torch.rand((2, len(targets), count), generator=generator, device=generator.device, dtype=torch.float64)
        cluster = categorical.draw(categorical.softmax(self._logits(targets)), uniform[0])
        return self._quantised.buckets.draw(cluster, uniform[1])

    @torch.no_grad()
    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float32 [T, C] of `items` int64 [T, C]."""
        (scores,) = self._quantised.scores(targets)
        items = items.expand(len(targets), -1)
        total = self._logits(targets).logsumexp(dim=1, keepdim=True)
        return (scores.gather(1, self._quantised.words[0][items]) - total + self._quantised.log_mass[items]).float()

    def state(self) -> dict[str, Tensor]:
        """The clusters, and when they were found."""
        return self._quantised.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._quantised.restore(state)

    def _logits(self, targets: Targets) -> Tensor:
        """float64 [T, C], minus infinity for a cluster of which nothing can be drawn."""
        return self._quantised.scores(targets)[0] + self._quantised.buckets.mass.log()
