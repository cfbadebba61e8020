"""FwFM, field-weighted factorisation machine: a factorisation machine in which each pair of fields has a strength.

    y = w_0 + sum over fields i of <u_i, v_i> x_i + sum over fields i < j of r_ij <v_i, v_j> x_i x_j
    minimise the binary cross-entropy of sigmoid(y)

J. Pan, J. Xu, A. L. Ruiz, W. Zhao, S. Pan, Y. Sun, Q. Lu. "Field-weighted Factorization Machines for Click-Through Rate Prediction in
Display Advertising." WWW 2018, arXiv:1806.03514 (the model, with the linear term by a vector u_i for each field, FwFMs_FiLV).

Deviations: the other two linear terms of the paper are left out. Strengths begin at 1, where the model is a factorisation machine; the u_i
as a layer of torch. A field of several values enters as the mean of their vectors, so that pairs within the field, which the paper may give
a strength too, are not crossed. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.pairs import FieldPairs
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FwFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class FwFM(nn.Module):
    """A linear term on the vectors, and their inner products, weighed.

    Args:
        schema: the features.
        embed_dim: D.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.linear = nn.Linear(self.vectors.count * embed_dim, 1)
        nn.init.zeros_(self.linear.bias)
        self.pairs = FieldPairs(self.vectors.count)
        self.strengths = nn.Parameter(torch.ones(self.pairs.count))

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors: Tensor = self.vectors(impressions)
        fields = self.vectors.count
        upper = self.strengths.new_zeros(fields, fields).index_put((self.pairs.left, self.pairs.right), self.strengths)
        crossed = (vectors * (upper @ vectors)).sum(dim=(1, 2))  # sum over i of <v_i, sum over j > i of r_ij v_j>
        linear: Tensor = self.linear(vectors.flatten(1))
        return linear + crossed.unsqueeze(1)


def build(config: Config, prepared: Prepared) -> FwFM:
    """An FwFM for the features of the dataset.

    Raises:
        UnsupportedError: it has fewer than two features.
    """
    return FwFM(schema_of(prepared), config.embed_dim, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
