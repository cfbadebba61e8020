"""CML: users and items as points of one metric space, in which users are near what they took.

    d(u, i) = |u - v_i|,    |u| <= 1, |v_i| <= 1
    minimise  sum over (u, i) and k not of u  of  w_ui [m + d(u, i)^2 - d(u, k)^2]_+  +  lambda L_c
    w_ui = ln(1 + rank of i for u)
    L_c = sum over a != b of C_ab^2,    C the covariance matrix of users' and items' vectors

C.-K. Hsieh, L. Yang, Y. Cui, T.-Y. Lin, S. Belongie, D. Estrin. "Collaborative Metric Learning." WWW 2017 (section 3). The rank is
estimated from the share of sampled items that violate the margin (`losses.pairwise.warp`).

Deviations: no features of items. Vectors are drawn back to the ball where they are read instead of after each step: the scores are the
same, and a step touches only the rows that it read. C is of the batch's users and as many items drawn uniformly; L_c has the square of the
Frobenius norm, so that the variances drop out of it. Hinges are averaged over the items that violate the margin. Row-wise Adam in place of
Adagrad.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.in_ball import InBall
from turret.nn.tables import Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """CML's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    covariance_weight: float = Field(default=1.0, ge=0)
    """lambda, of the term that keeps dimensions from saying the same."""
    composition: Composition = Composition(loss="warp", scorer="euclidean", negative_count=10, margin=1.0)
    """What it is put together from; the paper's is warp over uniformly drawn unseen items, by the Euclidean distance."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.002, batch_size=2048, epochs=300, early_stop_patience=12)
    """How it is trained."""


class CML(nn.Module):
    """Two tables in the unit ball.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        scorer: between them.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, scorer: Scorer) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim, embed_dim**-0.5)
        self.items = Table(n_items, embed_dim, embed_dim**-0.5)
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The tables, their vectors drawn back to the ball."""
        return Encoded(items=InBall(self.items), users=InBall(self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The users' vectors [B, D]; in training with penalty "covariance", L_c."""
        assert context.users is not None and encoded.users is not None
        users = encoded.users[context.users]
        if not self.training:
            return Query(users)
        drawn = torch.randint(len(self.items.weight), context.users.shape, device=users.device)
        return Query(users, {"covariance": covariance(torch.cat([users, encoded.items[drawn]]))})


def covariance(vectors: Tensor) -> Tensor:
    """The sum of the squared covariances of different dimensions of [N, D]: a scalar."""
    centred = vectors - vectors.mean(dim=0)
    matrix = centred.T @ centred / len(vectors)
    return matrix.square().sum() - matrix.diagonal().square().sum()


def build(config: Config, prepared: Prepared) -> CML:
    """A CML for the users and items that training saw."""
    return CML(prepared.n_users, prepared.n_items, config.embed_dim, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled items."""
    penalties = {"covariance": lambda step: config.covariance_weight}
    batches = Pairs(prepared.train, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training, penalties=penalties)
