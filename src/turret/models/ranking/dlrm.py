"""DLRM: numbers through a network of their own, inner products of all pairs of vectors, a network on top.

    z_0 = bottom(numbers), relu layers that end at the width of the vectors;    z_1 .. z_n = the vectors of the categorical features
    p = <z_i, z_j> for all i < j
    y = <w, top([z_0; p])> + b,    top = relu layers
    minimise the binary cross-entropy of sigmoid(y)

M. Naumov, D. Mudigere, H.-J. M. Shi, J. Huang, N. Sundaraman, J. Park, X. Wang, U. Gupta, C.-J. Wu, A. G. Azzolini, D. Dzhulgakov, A.
Mallevich, I. Cherniavskii, Y. Lu, R. Krishnamoorthi, A. Yu, V. Kondratenko, S. Pereira, X. Chen, W. Chen, V. Rao, B. Jia, L. Xiong, M.
Smelyanskiy. "Deep Learning Recommendation Model for Personalization and Recommendation Systems." 2019, arXiv:1906.00091 (the model's
architecture; sizes of the experiments on Criteo's data).

Deviations: Adam in place of plain gradient descent or Adagrad. Vectors begin normal and matrices as torch has them, where the authors' code
has uniform and Xavier-normal ones. Features of several values are pooled into one vector each. Without numbers there is no z_0.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.pairs import FieldPairs
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DLRM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    bottom_layers: tuple[int, ...] = (512, 256, 64)
    """Widths of the hidden layers that numbers pass before the last, which has the width of a vector."""
    mlp_layers: tuple[int, ...] = (512, 256)
    """Widths of the hidden layers on top."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training, on top."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class DLRM(nn.Module):
    """Both networks around the products.

    Args:
        schema: the features; at least two vectors come of them.
        embed_dim: D.
        bottom_layers: widths of the hidden layers for numbers.
        mlp_layers: widths of the hidden layers on top.
        dropout: after each hidden layer on top.
        init_std: of the vectors.

    Raises:
        UnsupportedError: there are no two vectors to multiply.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        bottom_layers: tuple[int, ...],
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(replace(schema, numbers=()), embed_dim, init_std)
        self.bottom = MLP(len(schema.numbers), (*bottom_layers, embed_dim)) if schema.numbers else None
        dense = 0 if self.bottom is None else 1
        self.pairs = FieldPairs(dense + self.vectors.count)
        self.mlp = MLP(dense * embed_dim + self.pairs.count, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        numbers = vectors[:, :0] if self.bottom is None else self.bottom(impressions.floats).unsqueeze(1)
        vectors = torch.cat([numbers, vectors], dim=1)
        products = (vectors @ vectors.transpose(1, 2))[:, self.pairs.left, self.pairs.right]
        logits: Tensor = self.out(self.mlp(torch.cat([numbers.flatten(1), products], dim=1)))
        return logits


def build(config: Config, prepared: Prepared) -> DLRM:
    """A DLRM for the features of the dataset."""
    return DLRM(schema_of(prepared), config.embed_dim, config.bottom_layers, config.mlp_layers, config.dropout, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
