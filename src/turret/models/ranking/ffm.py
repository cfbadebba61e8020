"""FFM, field-aware factorisation machine: a feature has a vector for each field that it may meet.

    y = sum over fields i < j of <v_i,j , v_j,i> x_i x_j
    minimise the binary cross-entropy of sigmoid(y)

Y. Juan, Y. Zhuang, W.-S. Chin, C.-J. Lin. "Field-aware Factorization Machines for CTR Prediction." RecSys 2016 (the model of the
paper, which has no linear terms).

Deviations: mini-batches with Adam in place of Adagrad on single rows; without the L2 term of 2e-5 (`--embedding_decay`); vectors begin
normal, not uniform between 0 and 1 / sqrt(D); rows are not scaled to unit length. A field of several values enters as the mean of their
vectors, so that a field never meets itself, and has no vector for it. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.field_aware import FieldAwareProducts
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=4, ge=1)
    """Width of each of a field's vectors, one for each other field."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class FFM(nn.Module):
    """The inner products of field-aware vectors. A feature's F - 1 vectors lie side by side in one row of the table.

    Args:
        schema: the features.
        embed_dim: D.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.products = FieldAwareProducts(schema.fields)
        self.vectors = FieldVectors(schema, (schema.fields - 1) * embed_dim, init_std)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        products: Tensor = self.products(self.vectors(impressions).unflatten(2, (self.vectors.count - 1, -1)))
        return products.sum(dim=1, keepdim=True)


def build(config: Config, prepared: Prepared) -> FFM:
    """An FFM for the features of the dataset.

    Raises:
        UnsupportedError: it has fewer than two features.
    """
    return FFM(schema_of(prepared), config.embed_dim, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
