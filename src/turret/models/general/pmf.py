"""PMF: ratings as logistic functions of inner products.

    minimise  sum over ratings of  (t(r_ui) - sigmoid(<u, v_i>))^2  +  lambda (sum_u |u|^2 + sum_i |v_i|^2)

with t mapping ratings into 0..1.

R. Salakhutdinov, A. Mnih. "Probabilistic Matrix Factorization." NIPS 2007 (section 2).

Deviations: the paper predicts the ratings of pairs that are given and never asks which ones come about. To rank a catalogue, each rating
brings `negative_count` items that the user did not rate, at 0; with none the objective is the paper's. t divides by the highest rating,
where the paper's maps 1..K to 0..1, so that even the lowest is more than nothing. Row-wise Adam in place of gradient descent with momentum.
No adaptive priors, and no constraint by the similarity of users (sections 3 and 4).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from turret.batches.ratings import Ratings
from turret.data.prepared import Prepared
from turret.losses.pointwise import sigmoid_square
from turret.nn.two_tables import TwoTables
from turret.sampling.uniform import Uniform
from turret.scorers.dot import Dot
from turret.training.config import Training
from turret.training.objectives.rated import AgainstRatings
from turret.training.procedures import Gradient


class Config(BaseModel):
    """PMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    negative_count: int = Field(default=4, ge=0)
    """Unrated items that each rating brings, drawn uniformly; 0 is the paper's objective."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is 2 lambda, on the rows of each batch."""


def build(config: Config, prepared: Prepared) -> TwoTables:
    """Two tables, for the users and items that training saw."""
    return TwoTables(prepared.n_users, prepared.n_items, config.embed_dim, Dot())


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Ratings, and zeros beside them."""
    sampler = Uniform(prepared.n_items, config.negative_count, prepared.train)
    batches = Ratings(prepared.train, config.training.batch_size)
    return Gradient(batches, AgainstRatings(sigmoid_square, sampler), config.training)
