"""ONN, operation-aware network: a feature has a vector for each operation that reads it, to be copied and to meet each other field.

    y = W a + b,    a = relu layers, batch-normalised, on f
    f = [x_i v_i,0 for each field i; <v_i,j , v_j,i> x_i x_j for fields i < j]
    minimise the binary cross-entropy of sigmoid(y)

Y. Yang, B. Xu, S. Shen, F. Shen, J. Zhao. "Operation-aware Neural Networks for User Response Prediction." Neural Networks 121, 2020,
arXiv:1904.12579 (also known as NFFM).

Deviations: a layer is normalised before its activation; f is not normalised. Widths, dropout, learning rate and batch size are set here;
layers begin as torch has them, their biases too. A field of several values enters as the mean of their vectors, so that it does not meet
itself. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.field_aware import FieldAwareProducts
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """ONN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each of a field's vectors, one for each operation."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    batch_norm: bool = True
    """Whether each hidden layer is normalised over the batch before its activation."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class ONN(nn.Module):
    """A network on copies and inner products. A feature's F vectors lie side by side in one row of the table, that to be copied first.

    Args:
        schema: the features.
        embed_dim: D.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        batch_norm: of each hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self, schema: Schema, embed_dim: int, mlp_layers: tuple[int, ...], dropout: float, batch_norm: bool, init_std: float
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.products = FieldAwareProducts(schema.fields)
        self.vectors = FieldVectors(schema, schema.fields * embed_dim, init_std)
        self.mlp = MLP(self.vectors.count * embed_dim + self.products.count, mlp_layers, dropout, batch_norm=batch_norm)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions).unflatten(2, (self.vectors.count, -1))  # [B, F, F, D]
        read = torch.cat([vectors[:, :, 0].flatten(1), self.products(vectors[:, :, 1:])], dim=1)
        return self.out(self.mlp(read))  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> ONN:
    """An ONN for the features of the dataset.

    Raises:
        UnsupportedError: it has fewer than two features.
    """
    return ONN(schema_of(prepared), config.embed_dim, config.mlp_layers, config.dropout, config.batch_norm, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
