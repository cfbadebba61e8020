"""Losses of one right item against sampled ones, as of one event that had several possible outcomes, or of several that had two.

All are functions of `Scored` and give [T]. Those whose docstrings have a q in them correct for how negatives were drawn, so that what they
estimate does not depend on the sampler; the others treat every negative alike. N counts all that were drawn, those that the mask leaves
out as well (`Scored.log_draws`); the sums are over those that count, and a row without any is compared with nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.losses.scored import Scored


def sampled_softmax(scored: Scored) -> Tensor:
    """log(1 + sum of e^(s- - s+) / (N q)), cross-entropy of the right item against the sample.

    An estimate of the full softmax's normaliser: the expectation of the sum of e^s- / (N q) is that of e^s over all items that can be
    drawn. The right item enters uncorrected, as the one term that is always there.

    Y. Bengio, J.-S. Senécal. "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic Language Model." IEEE
    Transactions on Neural Networks 2008.
    """
    return _against_one(scored, -scored.margins - scored.log_draws)


def info_nce(scored: Scored) -> Tensor:
    """log(1 + sum of e^(s- - s+)), softmax over the right item and its sample, uncorrected.

    A. van den Oord, Y. Li, O. Vinyals. "Representation Learning with Contrastive Predictive Coding." 2018 (arXiv 1807.03748). A temperature
    belongs to the scorer.
    """
    return _against_one(scored, -scored.margins)


def scaled_softmax(scored: Scored, *, scale: float) -> Tensor:
    """log(1 + scale * sum of e^(s- - s+)), softmax whose sampled part counts `scale` times.

    C. Xu et al. "Understanding the Role of Cross-Entropy Loss in Fairly Evaluating Large Language Model-based Recommendation." 2024
    (arXiv 2402.06216): one factor makes a small uniform sample weigh as much as the catalogue that it stands for.

    Args:
        scored: the scores.
        scale: above 0; I / N would make the sample as heavy as I items.
    """
    return _against_one(scored, -scored.margins + math.log(scale))


def gbce(scored: Scored, *, n_items: int, calibration: float) -> Tensor:
    """-beta log sigmoid(s+) - sum of log(1 - sigmoid(s-)), with beta = 1 - t (1 - N / (I - 1)).

    A. Petrov, C. Macdonald. "gSASRec: Reducing Overconfidence in Sequential Recommendation Trained with Negative Sampling." RecSys 2023,
    where beta is written alpha (t (1 - 1 / alpha) + 1 / alpha), alpha = N / (I - 1) being the share of the other items that is drawn.
    With t = 0 it is binary cross-entropy against zeros (`losses.pointwise`), with t = 1 the probabilities are those of training on all
    negatives.

    Deviation: the sum is not divided by N + 1.

    Args:
        scored: the scores; negatives are meant to be drawn uniformly.
        n_items: I.
        calibration: t, from 0 to 1.
    """
    rate = min(scored.negative.shape[1] / max(n_items - 1, 1), 1.0)
    beta = 1 - calibration * (1 - rate)
    return beta * F.softplus(-scored.positive) + scored.total(F.softplus(scored.against))


def nce(scored: Scored) -> Tensor:
    """-log sigmoid(s+ - log(N q+)) - sum of log(1 - sigmoid(s- - log(N q-))), telling the right item from noise.

    M. Gutmann, A. Hyvärinen. "Noise-Contrastive Estimation: A New Estimation Principle for Unnormalized Statistical Models." AISTATS 2010;
    A. Mnih, Y. W. Teh. "A Fast and Simple Algorithm for Training Neural Probabilistic Language Models." ICML 2012, who take the normaliser
    as 1, as is done here.

    Raises:
        ValueError: it is not known with which probability the right items themselves are drawn.
    """
    if scored.positive_log_q is None:
        raise ValueError(
            "NCE compares the right item with noise, so it needs the probability with which the sampler draws that item itself"
        )
    count = math.log(max(scored.negative.shape[1], 1))
    for_right = F.softplus(scored.positive_log_q + count - scored.positive)
    return for_right + scored.total(F.softplus(scored.only(scored.negative - scored.log_draws)))


def _against_one(scored: Scored, values: Tensor) -> Tensor:
    """log(1 + sum of e^values), the sum over the negatives that count: [T]. Relative to the right item, large scores lose no digits."""
    return torch.cat([torch.zeros_like(scored.positive)[:, None], scored.counting(values)], dim=1).logsumexp(dim=1)
