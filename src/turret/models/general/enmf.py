"""ENMF: matrix factorisation with weighted dimensions, learned from the whole matrix without sampling.

    x_ui = sum over d of  h_d p_ud q_id
    minimise  sum over all u, i of  c_ui (r_ui - x_ui)^2,    r_ui = 1 and c_ui = 1 where u chose i, r_ui = 0 and c_ui = c0 elsewhere

The sum over all pairs comes from the D x D products P^T P and Q^T Q, in time O((B + I) D^2 + T D) for a batch of B users with T choices. In
training p_u is dropped out.

C. Chen, M. Zhang, Y. Zhang, Y. Liu, S. Ma. "Efficient Neural Matrix Factorization without Sampling for Recommendation." ACM Transactions on
Information Systems 38(2), 2020.

Deviations: the loss of a batch is the mean of its users', not their sum, which Adagrad does not notice. h begins as ones. Training stops
after 50 epochs without a better validation.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.users import Users
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.tables import Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """ENMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of a user vector's numbers that are set to zero in training."""
    composition: Composition = Composition(loss="weighted_square", scorer="gmf", negative_weight=0.5)
    """What it is put together from; the paper's is the weighted square over all items, with its c0 as negative_weight."""
    training: Training = Training(learner="adagrad", learning_rate=0.05, batch_size=512, epochs=500, eval_every=5, early_stop_patience=10)
    """How it is trained; a step takes `batch_size` users."""


class ENMF(nn.Module):
    """A vector for each user, dropped out in training, and one for each item.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        dropout: of the users' vectors.
        scorer: between them; the paper's is GMF.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, dropout: float, scorer: Scorer) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim, std=0.01)
        self.items = Table(n_items, embed_dim, std=0.01)
        self.dropout = dropout
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """p_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(F.dropout(encoded.users[context.users], self.dropout, self.training))


def build(config: Config, prepared: Prepared) -> ENMF:
    """An ENMF for the users and items that training saw."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return ENMF(prepared.n_users, prepared.n_items, config.embed_dim, config.dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Whole users against all items."""
    return from_composition(prepared, Users(prepared.train, config.training.batch_size), config.composition, config.training)
