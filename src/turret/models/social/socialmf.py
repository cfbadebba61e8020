"""SocialMF: matrix factorisation in which every user's vector is drawn to those of the users that it trusts.

    y_ui = <e_u, e_i>
    minimise  L_bpr  +  (lambda_T / 2)  sum over users u of  |e_u  -  sum over v in N_u of  T_uv e_v|^2  +  (lambda / 2) |E|^2

    N_u  whom u trusts,    T_uv  the weight of the link from u to v as a share of all that u's links weigh

M. Jamali, M. Ester. "A Matrix Factorization Technique with Trust Propagation for Recommendation in Social Networks." RecSys 2010, equation
13: taste spreads along chains of links, though a step looks one link ahead.

Deviations: the paper predicts ratings, by the squared error of a logistic function of the inner product; here items are ranked, by BPR, as
a log of choices asks for, and needs no ratings. A step takes the terms of its pairs' users, which count as often as they are there, and
averages over pairs. Users who trust nobody have no such term, where the paper's would draw them to 0, which the L2 term does. Row-wise
Adam in place of gradient descent.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Positives, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.beside import Social
from turret.data.prepared import Prepared
from turret.graphs.segments import Segments
from turret.nn.tables import Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SocialMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    trust_weight: float = Field(default=0.01, ge=0)
    """lambda_T, how strongly users are drawn to those whom they trust; 0 is matrix factorisation."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the links."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is lambda, on the rows of each batch."""


class SocialMF(nn.Module):
    """Two tables, and whom each user trusts.

    Args:
        links: between the users.
        n_users, n_items: rows of the tables.
        embed_dim: D.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)
    offsets: Tensor
    trusted: Tensor
    shares: Tensor

    def __init__(self, links: Social, n_users: int, n_items: int, embed_dim: int, scorer: Scorer) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.scorer = scorer
        weight = np.ones(len(links)) if links.weight is None else links.weight.astype(np.float64)
        order = np.argsort(links.source, kind="stable")
        shares = (weight / np.bincount(links.source, weight, n_users)[links.source])[order]
        offsets = np.append(0, np.bincount(links.source, minlength=n_users).cumsum())
        self.register_buffer("offsets", torch.from_numpy(offsets), persistent=False)
        self.register_buffer("trusted", torch.from_numpy(links.target[order].astype(np.int64)), persistent=False)
        self.register_buffer("shares", torch.from_numpy(shares).float(), persistent=False)

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def untrusting(model: SocialMF, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
    """Half the squared distance between each user of the batch and the users whom it trusts, over the number of pairs: a scalar."""
    assert batch.context.users is not None
    users, times = torch.unique(batch.context.users, return_counts=True)
    first, links = model.offsets[users], model.offsets[users + 1] - model.offsets[users]
    of_users = Segments(F.pad(links.cumsum(dim=0), (1, 0)))
    places = torch.arange(len(of_users.member), device=users.device) + (first - of_users.offsets[:-1])[of_users.member]
    surroundings = of_users.sum(model.shares[places, None] * model.users[model.trusted[places]])
    distances = (model.users[users] - surroundings).square().sum(dim=1)
    total: Tensor = (distances * times * (links > 0)).sum()
    return total / (2 * len(batch.target))


def build(config: Config, prepared: Prepared) -> SocialMF:
    """A SocialMF for the users and items that training saw, and the links between these users."""
    links = needs_social(prepared, "SocialMF")
    return SocialMF(links, prepared.n_users, prepared.n_items, config.embed_dim, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and users near those whom they trust."""
    batches = Pairs(prepared.train, config.training.batch_size)
    main = objective_of(prepared, batches, config.composition, {})
    return Gradient(batches, Beside(main, [(config.trust_weight, untrusting)]), config.training)
