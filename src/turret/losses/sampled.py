"""Losses over one right item and some sampled ones.

All take `positive` [T], `negative` [T, N] (-inf where a negative is masked) and `log_q`, broadcastable to [T, N], the log-probability with
which each negative was drawn; all return [T]. Those that treat every negative alike do not look at `log_q`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SampledLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def bpr(positive: Tensor, negative: Tensor, log_q: Tensor) -> Tensor:
    """-log sigmoid(s+ - s-), averaged over the negatives (Rendle et al. 2009, equation of section 4.1)."""
    return F.softplus(negative - positive[:, None]).mean(dim=1)


def binary_cross_entropy(positive: Tensor, negative: Tensor, log_q: Tensor) -> Tensor:
    """-log sigmoid(s+) - sum over negatives of log(1 - sigmoid(s-))."""
    return F.softplus(-positive) + F.softplus(negative).sum(dim=1)


def sampled_softmax(positive: Tensor, negative: Tensor, log_q: Tensor) -> Tensor:
    """Cross-entropy of the right item against the sample, each negative's score corrected by -log(N q).

    An estimate of the full softmax's normaliser (Bengio & Senécal 2008): the expectation of sum_n exp(s_n) / (N q_n) is the sum of exp(s)
    over all items. The right item enters uncorrected, as the one term that is always there.
    """
    corrected = negative - log_q - torch.log(torch.tensor(float(negative.shape[1]), device=negative.device))
    return torch.logsumexp(torch.cat([positive[:, None], corrected], dim=1), dim=1) - positive


LOSSES: dict[str, SampledLoss] = {"bpr": bpr, "binary_cross_entropy": binary_cross_entropy, "sampled_softmax": sampled_softmax}
"""The losses by the names they have in configurations."""
