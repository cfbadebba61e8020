"""MLP of NCF: a network that reads a user's and an item's vector side by side.

    z_1 = [p_u ; q_i],    z_(l + 1) = relu(W_l z_l + b_l),    s_ui = <h, z_L>,    y_ui = sigmoid(s_ui)
    minimise  - sum over (u, i) taken of ln y_ui  -  sum over (u, j) sampled of ln(1 - y_uj)

X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. "Neural Collaborative Filtering." WWW 2017 (sections 3.1 and 3.3).

Deviations: layers begin as torch's do instead of by a normal distribution of deviation 0.01. Row-wise Adam for the tables.
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
    """The MLP's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=32, ge=1)
    """Width of the user and item vectors; the paper's is that of the second layer."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    composition: Composition = Composition(loss="binary_cross_entropy", scorer="mlp", scorer_layers=(64, 32, 16), negative_count=4)
    """What it is put together from; the paper's is binary cross-entropy against four uniformly drawn unseen items,
    and its networks are towers whose layers halve: here the one that ends in 16 factors."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=1024)
    """How it is trained."""


def build(config: Config, prepared: Prepared) -> TwoTables:
    """Two tables, for the users and items that training saw."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return TwoTables(prepared.n_users, prepared.n_items, config.embed_dim, scorer, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros."""
    return from_composition(prepared, Pairs(prepared.train, config.training.batch_size), config.composition, config.training)
