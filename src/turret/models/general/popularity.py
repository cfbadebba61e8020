"""Popularity: everyone is offered what most have chosen.

    s_ui = |U_i|,  the number of interactions that item i has in the training part

The baseline that any other model must beat; P. Cremonesi, Y. Koren, R. Turrin. "Performance of Recommender Algorithms on Top-N
Recommendation Tasks." RecSys 2010 (section 3.1, TopPop).

Deviations: none. A pair that occurs several times counts each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from turret.core.context import Context, Reads
from turret.core.contracts import Progress
from turret.core.interactions import Interactions
from turret.data.prepared import Prepared
from turret.training.procedures import Solve


class Config(BaseModel):
    """Popularity has no settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Popularity(nn.Module):
    """One number an item.

    Args:
        n_items: I.
    """

    reads = Reads()
    counts: Tensor

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(n_items))

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """Counts."""
        start = time.perf_counter()
        self.counts.copy_(torch.from_numpy(interactions.item_counts))
        yield Progress(1, seconds=time.perf_counter() - start)

    def score_all(self, context: Context) -> Tensor:
        """The same counts for each request: float32 [B, I]."""
        return self.counts.repeat(len(context), 1)


def build(config: Config, prepared: Prepared) -> Popularity:
    """A Popularity for the items that training saw."""
    return Popularity(prepared.n_items)


def recipe(config: Config, prepared: Prepared) -> Solve:
    """One count of the training part."""
    return Solve(prepared.train)
