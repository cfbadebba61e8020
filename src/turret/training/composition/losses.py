"""The losses by the names that they have in configurations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from turret.losses import pairwise, pointwise, sampled
from turret.losses.contrastive import cosine_contrastive
from turret.losses.pointwise import PointwiseLoss, against_zeros
from turret.losses.scored import SampledLoss

if TYPE_CHECKING:
    from turret.training.composition.config import Composition

LossName = Literal[
    "softmax",
    "weighted_square",
    "sampled_softmax",
    "info_nce",
    "scaled_softmax",
    "nce",
    "gbce",
    "bpr",
    "weighted_bpr",
    "pris",
    "bpr_max",
    "top1",
    "top1_max",
    "hinge",
    "warp",
    "cosine_contrastive",
    "alignment_uniformity",
    "binary_cross_entropy",
    "square",
    "sigmoid_square",
    "poisson",
    "focal",
]

Make = Callable[["Composition", int], SampledLoss]
"""The loss with its parameters bound, for a catalogue of so many items."""


@dataclass(frozen=True)
class Over:
    """What a loss over sampled negatives asks for.

    Attributes:
        make: binds its parameters.
        prose: what it is, in a line.
        corrected: whether it reads with which probability negatives were drawn.
        positives: whether it reads that of right items too.
        uniform: whether it takes its negatives for a uniform sample.
        bounded: whether it takes scores for cosines.
        reads: the parameters that it has.
    """

    make: Make
    prose: str
    corrected: bool = False
    positives: bool = False
    uniform: bool = False
    bounded: bool = False
    reads: tuple[str, ...] = ()


def _plain(loss: SampledLoss) -> Make:
    return lambda said, n_items: loss


def _pointwise(loss: Callable[[Composition], PointwiseLoss], prose: str, *reads: str) -> Over:
    """A loss of one score and its label, against zeros."""
    make: Make = lambda said, n_items: against_zeros(loss(said), positive_weight=said.positive_weight)  # noqa: E731
    return Over(make, prose, reads=("positive_weight", *reads))


def _margin(said: Composition, otherwise: float) -> float:
    return otherwise if said.margin is None else said.margin


SAMPLED: dict[LossName, Over] = {
    "sampled_softmax": Over(_plain(sampled.sampled_softmax), "cross-entropy over the sample, corrected by log q", corrected=True),
    "info_nce": Over(_plain(sampled.info_nce), "cross-entropy over the sample as it is"),
    "scaled_softmax": Over(
        lambda said, n_items: partial(sampled.scaled_softmax, scale=said.loss_scale),
        "cross-entropy, the sample counted several times",
        reads=("loss_scale",),
    ),
    "nce": Over(_plain(sampled.nce), "telling right items from noise", corrected=True, positives=True),
    "gbce": Over(
        lambda said, n_items: partial(sampled.gbce, n_items=n_items, calibration=said.calibration),
        "binary cross-entropy, calibrated for the share of items that is drawn",
        uniform=True,
        reads=("calibration",),
    ),
    "bpr": Over(_plain(pairwise.bpr), "log-sigmoid of each difference"),
    "weighted_bpr": Over(_plain(pairwise.weighted_bpr), "the same, negatives weighted by their own softmax"),
    "pris": Over(_plain(pairwise.pris), "the same, negatives weighted by importance", corrected=True),
    "bpr_max": Over(
        lambda said, n_items: partial(pairwise.bpr_max, regularization=said.score_regularization),
        "against the soft maximum",
        reads=("score_regularization",),
    ),
    "top1": Over(_plain(pairwise.top1), "sigmoid of each difference, scores kept small"),
    "top1_max": Over(_plain(pairwise.top1_max), "the same against the soft maximum"),
    "hinge": Over(
        lambda said, n_items: partial(pairwise.hinge, margin=_margin(said, 1.0)), "each difference up to a margin", reads=("margin",)
    ),
    "warp": Over(
        lambda said, n_items: partial(pairwise.warp, margin=_margin(said, 1.0), n_items=n_items),
        "hinge, weighted by the rank that the sample suggests",
        uniform=True,
        reads=("margin",),
    ),
    "cosine_contrastive": Over(
        lambda said, n_items: partial(cosine_contrastive, margin=_margin(said, 0.4), negative_weight=said.negative_weight),
        "right items to cosine 1, the others below a margin",
        bounded=True,
        reads=("margin", "negative_weight"),
    ),
    "binary_cross_entropy": _pointwise(lambda said: pointwise.binary_cross_entropy, "right items as 1, drawn ones as 0"),
    "square": _pointwise(lambda said: pointwise.square, "likewise, squared error of the score (MSE)"),
    "sigmoid_square": _pointwise(lambda said: pointwise.sigmoid_square, "likewise, squared error of the probability"),
    "poisson": _pointwise(lambda said: pointwise.poisson, "likewise, as counts of rate exp(score)"),
    "focal": _pointwise(lambda said: partial(pointwise.focal, gamma=said.focal_gamma), "likewise, easy ones counted less", "focal_gamma"),
}
"""Losses of right items against sampled ones."""


@dataclass(frozen=True)
class Undrawn:
    """What a loss is that draws nothing.

    Attributes:
        prose: in a line.
        reads: the parameters that it has.
    """

    prose: str
    reads: tuple[str, ...] = ()


FULL: dict[LossName, Undrawn] = {
    "softmax": Undrawn("cross-entropy over all items"),
    "weighted_square": Undrawn("squared error over all items, those not taken at a weight", ("positive_weight", "negative_weight")),
}
"""Losses over whole catalogues."""

VECTORS: dict[LossName, Undrawn] = {
    "alignment_uniformity": Undrawn("query and right item together, queries and items apart; nothing is drawn", ("uniformity_weight",))
}
"""Losses of vectors, not of scores."""

LOSSES: dict[LossName, Over | Undrawn] = {name: (SAMPLED | FULL | VECTORS)[name] for name in get_args(LossName)}
"""All of them."""
