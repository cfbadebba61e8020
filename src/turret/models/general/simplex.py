"""SimpleX: users by their ids and by the mean of what they took, compared by cosines with many negatives.

    p_u  = mean of e_i over the items i that u took
    z_u  = g w_u + (1 - g) V p_u,    s_ui = cos(z_u, e_i)
    minimise  sum over (u, i) of  (1 - s_ui)  +  w / N sum over N sampled j of  max(0, s_uj - m)

K. Mao, J. Zhu, J. Wang, Q. Dai, Z. Dong, X. Xiao, X. He. "SimpleX: A Simple and Strong Baseline for Collaborative Filtering." CIKM 2021.

Deviations: histories are averaged; the paper's attention over them is left out. Fewer negatives by default than in the paper's
experiments, and none that the user took. Row-wise Adam for the tables.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs_with_history import PairsWithHistory
from turret.core.context import ALL, Context, Encoded, History, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.linear import Linear
from turret.nn.tables import Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SimpleX's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    user_share: float = Field(default=0.5, ge=0, le=1)
    """g, how much of a user is the vector of the id; the rest is the history."""
    max_history: int = Field(default=100, ge=1)
    """How many of the user's latest items are averaged."""
    composition: Composition = Composition(loss="cosine_contrastive", scorer="cosine", negative_count=50, margin=0.6, negative_weight=20.0)
    """What it is put together from; the paper's is cosine_contrastive over uniformly drawn items, by the cosine."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.005, batch_size=2048, epochs=200, early_stop_patience=12)
    """How it is trained."""


class SimpleX(nn.Module):
    """Two tables, and a matrix that takes the mean of items to users.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        user_share: g.
        max_history: the longest history that it reads.
        scorer: between users and items.
    """

    reads = Reads(user=True, history=ALL)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, user_share: float, max_history: int, scorer: Scorer) -> None:
        super().__init__()
        self.reads = Reads(user=True, history=max_history)
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.project = Linear(embed_dim, embed_dim, bias=False)
        self.user_share = user_share
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """z_u: [B, D]."""
        assert context.users is not None and encoded.users is not None and context.history is not None
        taken: Tensor = self.project(self.mean(context.history))
        return Query(self.user_share * encoded.users[context.users] + (1 - self.user_share) * taken)

    def mean(self, history: History) -> Tensor:
        """p_u: [B, D], zero for an empty history. The vectors of all items [B, L, D] never exist at once."""
        starts = history.lengths.cumsum(0) - history.lengths
        return F.embedding_bag(history.items[history.mask], self.items.weight, starts, mode="mean", sparse=self.items.sparse)


def build(config: Config, prepared: Prepared) -> SimpleX:
    """A SimpleX for the users and items that training saw."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return SimpleX(prepared.n_users, prepared.n_items, config.embed_dim, config.user_share, config.max_history, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs, with all that their users took, against sampled items."""
    batches = PairsWithHistory(prepared.train, config.max_history, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training)
