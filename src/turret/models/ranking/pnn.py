"""PNN, product-based network: the first hidden layer reads the vectors, and products of pairs of them.

    y = W_3 l + b_3,    l = relu layers on l_1
    l_1 = relu(W_z z + l_p + b_1),    z = the concatenated vectors f_i
    inner (IPNN):  l_p^n = sum over i, j of theta_i^n theta_j^n <f_i, f_j> = |sum over i of theta_i^n f_i|^2
    outer (OPNN):  l_p^n = <W_p^n, s s^T>,    s = sum over i of f_i
    minimise the binary cross-entropy of sigmoid(y)

Y. Qu, H. Cai, K. Ren, W. Zhang, Y. Yu, Y. Wen, J. Wang. "Product-based Neural Networks for User Response Prediction." ICDM 2016,
arXiv:1611.00144 (inner products by their first-order decomposition, outer products by superposition, not the kernels of the later journal
version).

Deviations: any number of hidden layers, where the paper's equations have two; Adam in place of stochastic gradient descent; the paper
leaves open how weights begin: theta is Xavier-uniform, layers are as torch has them, their biases too. A field of several values enters as
the mean of their vectors. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

Product = Literal["inner", "outer"]


class Config(BaseModel):
    """PNN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    product: Product = "inner"
    """Which products of vectors the first hidden layer reads: `inner` is the paper's IPNN, `outer` its OPNN."""
    mlp_layers: tuple[int, ...] = Field(default=(400, 400, 400), min_length=1)
    """Widths of the deep network's hidden layers, the first of which reads the products."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class InnerProducts(nn.Module):
    """|sum over i of theta_i^n f_i|^2 for each unit n.

    Args:
        fields: F.
        units: H.
    """

    def __init__(self, fields: int, units: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(nn.init.xavier_uniform_(torch.empty(units, fields)))

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, D] -> [B, H]."""
        return (self.theta @ vectors).square().sum(dim=2)


class OuterProducts(nn.Module):
    """<W_p^n, s s^T> for each unit n, where s is the sum of the vectors.

    Args:
        width: D.
        units: H.
    """

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.weights = Linear(width * width, units, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, D] -> [B, H]."""
        total = vectors.sum(dim=1)
        return self.weights((total.unsqueeze(2) * total.unsqueeze(1)).flatten(1))  # type: ignore[no-any-return]


class PNN(nn.Module):
    """A layer on vectors and products, and a network on it.

    Args:
        schema: the features.
        embed_dim: D.
        product: which products.
        mlp_layers: widths of the hidden layers, at least one.
        dropout: after each hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self, schema: Schema, embed_dim: int, product: Product, mlp_layers: tuple[int, ...], dropout: float, init_std: float
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        units, *above = mlp_layers
        self.linear = Linear(self.vectors.count * embed_dim, units)
        self.products = InnerProducts(self.vectors.count, units) if product == "inner" else OuterProducts(embed_dim, units)
        self.dropout = nn.Dropout(dropout)
        self.mlp = MLP(units, above, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        first = self.dropout(F.relu(self.linear(vectors.flatten(1)) + self.products(vectors)))
        return self.out(self.mlp(first))  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> PNN:
    """A PNN for the features of the dataset."""
    return PNN(schema_of(prepared), config.embed_dim, config.product, config.mlp_layers, config.dropout, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
