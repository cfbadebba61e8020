"""NFM, neural factorisation machine: a network on the sum of the products of all pairs of vectors.

    y = w_0 + <w, x> + h^T z_L
    z_l = relu(W_l z_l-1 + b_l),    z_0 = sum over fields i < j of (v_i * v_j) x_i x_j
        = ((sum over i of x_i v_i)^2 - sum over i of (x_i v_i)^2) / 2
    minimise the binary cross-entropy of sigmoid(y)

X. He, T.-S. Chua. "Neural Factorization Machines for Sparse Predictive Analytics." SIGIR 2017, arXiv:1708.05027 (bi-interaction
pooling and the layers above it; dropout and batch normalisation of z_0 and of each layer).

Deviations: the loss is the binary cross-entropy, which the paper names for classification, where its experiments take the square; Adam in
place of Adagrad; vectors do not begin as those of a trained factorisation machine; one share of dropout for z_0 and the layers. Layers
begin as torch has them, their biases too. A field of several values enters as the mean of their vectors. The logit comes out; the sigmoid
belongs to serving.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.batch_norm import BatchNorm
from turret.nn.fields import FieldVectors
from turret.nn.fm import bi_interaction
from turret.nn.linear_term import LinearTerm
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """NFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of each field's vector."""
    mlp_layers: tuple[int, ...] = (64,)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of the numbers of the pairs' sum, and of each hidden layer's outputs, that are set to zero in training."""
    batch_norm: bool = True
    """Whether the pairs' sum, and each hidden layer before its activation, are normalised over the batch."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class NFM(nn.Module):
    """The linear term, and a network on the pairs' sum.

    Args:
        schema: the features.
        embed_dim: D.
        mlp_layers: widths of the hidden layers.
        dropout: of the pairs' sum and after each hidden layer.
        batch_norm: of the same.
        init_std: of the vectors and the first-order weights.
    """

    reads = Reads()

    def __init__(
        self, schema: Schema, embed_dim: int, mlp_layers: tuple[int, ...], dropout: float, batch_norm: bool, init_std: float
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.linear = LinearTerm(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.crossed = nn.Sequential(*([BatchNorm(embed_dim)] if batch_norm else []), nn.Dropout(dropout))
        self.mlp = MLP(embed_dim, mlp_layers, dropout, batch_norm=batch_norm)
        self.out = nn.Linear(self.mlp.out, 1, bias=False)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        crossed = self.crossed(bi_interaction(self.vectors(impressions)))
        linear, deep = self.linear(impressions), self.out(self.mlp(crossed))
        return linear + deep  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> NFM:
    """An NFM for the features of the dataset."""
    return NFM(schema_of(prepared), config.embed_dim, config.mlp_layers, config.dropout, config.batch_norm, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
