"""NeuMF: generalised matrix factorisation and a network side by side, each with vectors of its own.

    p_u = [p'_u ; p''_u],    q_i = [q'_i ; q''_i]
    s_ui = <h, [p'_u * q'_i ; phi([p''_u ; q''_i])]>,    y_ui = sigmoid(s_ui)
    minimise  - sum over (u, i) taken of ln y_ui  -  sum over (u, j) sampled of ln(1 - y_uj)

with phi the layers of the MLP of the same paper.

X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. "Neural Collaborative Filtering." WWW 2017 (section 3.4).

Deviations: both parts are trained together from the start, without pre-training each alone, so Adam throughout in place of SGD after it.
Both parts' vectors are equally wide. Layers begin as torch's do instead of by a normal distribution of deviation 0.01, the part of h on the
products as ones. Row-wise Adam for the tables.
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
    """NeuMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors, half of which each part has."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    composition: Composition = Composition(loss="binary_cross_entropy", scorer="neumf", scorer_layers=(64, 32, 16), negative_count=4)
    """What it is put together from; the paper's is binary cross-entropy against four uniformly drawn unseen items,
    and its networks are towers whose layers halve: here the one that ends in 16 factors."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=1024)
    """How it is trained."""


def build(config: Config, prepared: Prepared) -> TwoTables:
    """Two tables, for the users and items that training saw."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return TwoTables(prepared.n_users, prepared.n_items, config.embed_dim, scorer, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros."""
    return from_composition(prepared, Pairs(prepared.train, config.training.batch_size), config.composition, config.training)
