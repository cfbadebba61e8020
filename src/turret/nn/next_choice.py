"""The next choice of a sequence told from another: a loss that says at each step what the state there should know."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.core.context import Behaviours


def next_choice_loss(states: Tensor, steps: Tensor, behaviours: Behaviours, generator: torch.Generator) -> Tensor:
    """-mean over t of log sigmoid(<h_t, e_(t+1)>) + log(1 - sigmoid(<h_t, n_(t+1)>)); 0 where no sequence has two steps.

    n_(t+1) is drawn uniformly from all real steps of the batch; where it is e_(t+1) itself, its term is left out.

    G. Zhou et al. "Deep Interest Evolution Network for Click-Through Rate Prediction." AAAI 2019, arXiv:1809.03672, equation 6, there with
    a sum over t and a mean over users.

    Args:
        states: h [B, L, D].
        steps: e [B, L, D].
        behaviours: what the steps are.
        generator: draws.

    Returns:
        A scalar.
    """
    follows = behaviours.mask[:, 1:]
    known, positive, tokens = states[:, :-1][follows], steps[:, 1:][follows], behaviours.tokens[:, 1:][follows]
    every, all_tokens = steps[behaviours.mask], behaviours.tokens[behaviours.mask]
    drawn = torch.randint(max(len(every), 1), (len(known),), generator=generator, device=generator.device)
    other = (all_tokens[drawn] != tokens).any(dim=1)
    likely, unlikely = (known * positive).sum(dim=1), (known * every[drawn]).sum(dim=1)
    return (F.softplus(-likely) + F.softplus(unlikely) * other).sum() / max(len(known), 1)
