"""The scorers by the names that they have in configurations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from turret.core.contracts import Scorer
from turret.scorers.cosine import Cosine
from turret.scorers.dot import Dot
from turret.scorers.euclidean import Euclidean
from turret.scorers.gmf import GMF
from turret.scorers.minkowski import Minkowski
from turret.scorers.mlp import MLPScorer
from turret.scorers.neumf import NeuMF

if TYPE_CHECKING:
    from turret.training.composition.config import Composition

ScorerName = Literal["dot", "cosine", "euclidean", "minkowski", "gmf", "mlp", "neumf"]


@dataclass(frozen=True)
class Scoring:
    """What a scorer is.

    Attributes:
        make: makes it, for vectors of so many numbers.
        prose: what it is, in a line.
        cost: of scoring one pair, in the letters D width, H width of a hidden layer.
        factored: whether it is an inner product of other vectors, up to what depends on the query alone, ...
        exactly: ... or without that.
        reads: the parameters that it has.
    """

    make: Callable[[Composition, int], Scorer]
    prose: str
    cost: str
    factored: bool = True
    exactly: bool = True
    reads: tuple[str, ...] = ()


def _network(make: Callable[[Composition, int], Scorer], prose: str) -> Scoring:
    return Scoring(make, prose, "D H", factored=False, exactly=False, reads=("scorer_layers",))


SCORERS: dict[ScorerName, Scoring] = {
    "dot": Scoring(lambda said, width: Dot(), "inner product", "D"),
    "cosine": Scoring(lambda said, width: Cosine(said.cosine_temperature), "cosine, divided by a temperature", "D", reads=("temperature",)),
    "euclidean": Scoring(lambda said, width: Euclidean(), "less the squared distance", "D", exactly=False),
    "minkowski": Scoring(
        lambda said, width: Minkowski(said.norm), "less the distance in a norm", "D", factored=False, exactly=False, reads=("norm",)
    ),
    "gmf": Scoring(lambda said, width: GMF(width), "inner product, its terms weighted", "D"),
    "mlp": _network(lambda said, width: MLPScorer(width, said.scorer_layers), "a network of both vectors"),
    "neumf": _network(lambda said, width: NeuMF(width, said.scorer_layers), "gmf and mlp, half of the vectors each"),
}
