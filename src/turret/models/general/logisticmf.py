"""LogisticMF: the probability that a user takes an item, by a logistic function of two vectors and two biases.

    s_ui = <x_u, y_i> + b_u + b_i,    p_ui = sigmoid(s_ui)
    maximise  sum over all u, i of  alpha r_ui ln p_ui  +  ln(1 - p_ui)    -    lambda / 2 (sum_u |x_u|^2 + sum_i |y_i|^2)

with r_ui how often u took i.

C. C. Johnson. "Logistic Matrix Factorization for Implicit Feedback Data." NIPS 2014 Workshop on Distributed Machine Learning and Matrix
Computations.

Deviations: of the sum of ln(1 - p_ui) over everything, each interaction brings `negative_count` sampled terms, of items that the user never
took, and alpha is relative to those; ln(1 - p_ui) of what was taken is left out. Row-wise Adam on mini-batches in place of Adagrad on all
users, then all items. Biases have the L2 term too, which the rows of tables share.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from turret.batches.pairs import Pairs
from turret.data.prepared import Prepared
from turret.nn.two_tables import TwoBiasedTables
from turret.training.composition import Composition, from_composition
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """LogisticMF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    composition: Composition = Composition(loss="binary_cross_entropy", negative_count=4)
    """What it is put together from; positive_weight is alpha. The scorer is the paper's."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is lambda, on the rows of each batch."""

    @field_validator("composition")
    @classmethod
    def _by_inner_product(cls, said: Composition) -> Composition:
        if said.scorer != "dot":
            raise ValueError(f"logisticmf adds its biases to an inner product: the scorer cannot be {said.scorer}")
        return said


def build(config: Config, prepared: Prepared) -> TwoBiasedTables:
    """Two tables with biases, for the users and items that training saw."""
    return TwoBiasedTables(prepared.n_users, prepared.n_items, config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros."""
    return from_composition(prepared, Pairs(prepared.train, config.training.batch_size), config.composition, config.training)
