"""BPR-MF: matrix factorisation learned from pairs.

    x_ui = <w_u, h_i> + b_i,    maximise  sum over (u, i, j) of  ln sigmoid(x_ui - x_uj)  -  lambda |Theta|^2

S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme. "BPR: Bayesian Personalized Ranking from Implicit Feedback." UAI 2009
(sections 4.1 and 5.1).

Deviations: mini-batches with Adam instead of single-example SGD with bootstrap sampling (each positive once an epoch, in random order);
no item bias by default, as in most later comparisons; negatives are drawn anew at each step.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.losses.sampled import LOSSES
from turret.nn.tables import Table
from turret.sampling.choose import SamplerName, choose
from turret.scorers.dot import Dot
from turret.training.config import Training
from turret.training.objectives.sampled import Sampled
from turret.training.procedures import Gradient


class Config(BaseModel):
    """BPR's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    sampler: SamplerName = "uniform"
    """How negatives are drawn: uniformly among the items the user has not seen, by popularity, or the other targets of the batch."""
    negative_count: int = Field(default=1, ge=1)
    """Negatives for each positive (in_batch has as many as the batch)."""
    loss: Literal["bpr", "binary_cross_entropy", "sampled_softmax"] = "bpr"
    """What each positive and its negatives are compared by; the paper's is bpr."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is the paper's lambda, on the rows of each batch."""


class BPR(nn.Module):
    """Two tables and their inner product.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.scorer: Scorer = Dot()

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """w_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> BPR:
    """A BPR for the users and items that training saw."""
    return BPR(prepared.n_users, prepared.n_items, config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    candidates = 1 + (config.training.batch_size if config.sampler == "in_batch" else config.negative_count)
    return Gradient(
        batches=Pairs(prepared.train, config.training.batch_size),
        objective=Sampled(LOSSES[config.loss], choose(config.sampler, prepared.train, config.negative_count)),
        training=config.training,
        threads=1 if config.training.batch_size * config.embed_dim * candidates < 1_000_000 else None,
    )
