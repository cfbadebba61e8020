"""BPR-MF: matrix factorisation learned from pairs.

    x_ui = <w_u, h_i> + b_i,    maximise  sum over (u, i, j) of  ln sigmoid(x_ui - x_uj)  -  lambda |Theta|^2

S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme. "BPR: Bayesian Personalized Ranking from Implicit Feedback." UAI 2009
(sections 4.1 and 5.1).

Deviations: mini-batches with Adam instead of single-example SGD with bootstrap sampling (each positive once an epoch, in random order);
no item bias by default, as in most later comparisons; negatives are drawn anew at each step.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from turret.batches.pairs import Pairs
from turret.data.prepared import Prepared
from turret.nn.two_tables import TwoTables
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """BPR's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from; the paper's is its own loss against uniformly drawn unseen items, by the inner product."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is the paper's lambda, on the rows of each batch."""


def build(config: Config, prepared: Prepared) -> TwoTables:
    """Two tables, for the users and items that training saw."""
    return TwoTables(prepared.n_users, prepared.n_items, config.embed_dim, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batch = config.training.batch_size
    numbers = batch * config.embed_dim * (1 + config.composition.negative_count)
    threads = 1 if numbers < 1_000_000 else None
    return from_composition(prepared, Pairs(prepared.train, batch), config.composition, config.training, threads=threads)
