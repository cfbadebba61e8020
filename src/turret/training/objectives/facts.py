"""True triples against false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from turret.batches.triples import Facts, PositivesWithFacts
from turret.core.context import Encoded, Positives
from turret.core.contracts import Step
from turret.losses.scored import SampledLoss, Scored


class TripleScorer(Protocol):
    """What says how likely a triple is to be true."""

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """int64 [T, 1], [T, 1], [T, C] -> float [T, C]; higher is likelier. What learns from false heads takes heads [T, C] as well."""
        ...


@dataclass(frozen=True)
class AgainstFalse:
    """The mean over a batch's facts of `loss` of the true triple against the false ones beside it.

    Attributes:
        loss: one that treats every negative alike, however it was drawn: of `losses.pairwise`, or `losses.pointwise.against_zeros`.
    """

    loss: SampledLoss

    def __call__(self, model: TripleScorer, batch: Facts, step: Step) -> Tensor:
        """A scalar."""
        scores = model.score_triples(batch.heads, batch.relations, batch.tails)
        unsaid = scores.new_full((), float("nan"))  # log q: a loss that looks at it shows
        return self.loss(Scored(scores[:, 0], scores[:, 1:], unsaid, batch.mask)).mean()


@dataclass(frozen=True)
class FactsBeside:
    """The same of the facts that a batch of pairs has beside it (`batches.triples.PairsWithFacts`): an `objectives.beside.Auxiliary`.

    Attributes:
        objective: of the facts.
    """

    objective: AgainstFalse

    def __call__(self, model: Any, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        """A scalar."""
        assert isinstance(batch, PositivesWithFacts)
        return self.objective(model, batch.facts, step)
