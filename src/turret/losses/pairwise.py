"""Losses of the right item against each sampled one by itself: they ask that s+ be above s-.

All are functions of `Scored` and give [T]: a mean over the negatives that count, or a sum in which each has a weight. A row without any
that counts gives 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.losses.scored import Scored


def bpr(scored: Scored) -> Tensor:
    """The mean of -log sigmoid(s+ - s-).

    S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme. "BPR: Bayesian Personalized Ranking from Implicit Feedback." UAI 2009,
    section 4.1.
    """
    return scored.mean(F.softplus(-scored.margins))


def bpr_max(scored: Scored, *, regularization: float) -> Tensor:
    """-log(sum of w sigmoid(s+ - s-)) + regularization * sum of w (s-)^2, with w the softmax of the negatives' scores.

    B. Hidasi, A. Karatzoglou. "Recurrent Neural Networks with Top-k Gains for Session-based Recommendations." CIKM 2018, equation 10.
    Gradient flows through w as well: high negatives are pushed down for being high.

    Deviation: the logarithm is computed from logarithms, with no small constant in it, so that the gradient does not vanish where the
    right item is hopelessly low (`losses.shared.BprMax` has the constant, as published results do).

    Args:
        scored: the scores.
        regularization: weight of the second term.
    """
    chances = scored.only(F.logsigmoid(scored.margins))
    better = torch.logsumexp(scored.counting(scored.negative).log_softmax(dim=1) + chances, dim=1)
    return regularization * (scored.shares(scored.negative) * scored.against.square()).sum(dim=1) - better


def top1(scored: Scored) -> Tensor:
    """The mean of sigmoid(s- - s+) + sigmoid((s-)^2): how often negatives are above, and that they should be near 0.

    B. Hidasi, A. Karatzoglou, L. Baltrunas, D. Tikk. "Session-based Recommendations with Recurrent Neural Networks." ICLR 2016,
    section 3.2.2.
    """
    return scored.mean(_top1(scored))


def top1_max(scored: Scored) -> Tensor:
    """The sum of w (sigmoid(s- - s+) + sigmoid((s-)^2)), with w the softmax of the negatives' scores.

    B. Hidasi, A. Karatzoglou, CIKM 2018 (see `bpr_max`). Gradient flows through w as well.
    """
    return (scored.shares(scored.negative) * _top1(scored)).sum(dim=1)


def hinge(scored: Scored, *, margin: float) -> Tensor:
    """The mean of max(0, margin - s+ + s-)."""
    return scored.mean(F.relu(margin - scored.margins))


def warp(scored: Scored, *, margin: float, n_items: int) -> Tensor:
    """log(1 + rank) * the mean of margin - s+ + s- over the negatives that violate the margin; 0 where none does.

    rank = (I - 1) * V / M, with V of the M negatives that count violating the margin (s- > s+ - margin): an estimate of how many of the
    other items would. It is a constant: no gradient flows through it.

    J. Weston, S. Bengio, N. Usunier. "WSABIE: Scaling Up to Large Vocabulary Image Annotation." IJCAI 2011 draws negatives until one
    violates the margin, and estimates the rank from how many it took. The share of a fixed sample in its place is that of C.-K. Hsieh et
    al. "Collaborative Metric Learning." WWW 2017, as is the logarithm in place of the sum of 1 / k up to the rank.

    Deviations: the rank is not rounded; the hinges are averaged over the violating negatives, which is what the negative that is found
    first has in expectation. The share estimates the rank of a catalogue whose items are drawn alike: other samplers make it the rank
    among what they draw.

    Args:
        scored: the scores.
        margin: how far the right item should be above.
        n_items: I.
    """
    above = scored.only(F.relu(margin - scored.margins))
    violating = (above > 0).to(above.dtype)
    weight = torch.log1p((n_items - 1) * scored.mean(violating)) / violating.sum(dim=1).clamp(min=1)
    return weight * above.sum(dim=1)


def weighted_bpr(scored: Scored) -> Tensor:
    """The sum of -w log sigmoid(s+ - s-), with w the softmax of the negatives' scores, as constants: hard ones count most.

    The weights are those of the self-adversarial negatives of Z. Sun, Z.-H. Deng, J.-Y. Nie, J. Tang. "RotatE: Knowledge Graph Embedding
    by Relational Rotation in Complex Space." ICLR 2019, at a temperature of 1.
    """
    return _weighted(scored, scored.negative)


def pris(scored: Scored) -> Tensor:
    """The sum of -w log sigmoid(s+ - s-), with w the softmax of s- - log q, as constants.

    The self-normalised importance weights of D. Lian, Q. Liu, E. Chen. "Personalized Ranking with Importance Sampling." WWW 2020: whatever
    negatives are drawn from, the loss is that of negatives drawn by the softmax of all scores, up to the bias of a finite sample.
    """
    return _weighted(scored, scored.negative - scored.log_q)


def _top1(scored: Scored) -> Tensor:
    return torch.sigmoid(-scored.margins) + torch.sigmoid(scored.against.square())


def _weighted(scored: Scored, values: Tensor) -> Tensor:
    return (scored.shares(values.detach()) * F.softplus(-scored.margins)).sum(dim=1)
