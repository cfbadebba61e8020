"""AFN: logarithmic neurons learn which fields to multiply, and to which power; AFN+ has a deep network beside it.

    y_j = exp(sum over i of w_ij ln |e_i|),    j = 1 .. N neurons, dimension by dimension
    y = w a + b,    a = relu layers on [y_1, ..., y_N]
    AFN+: y = w a + w' a' + b,    a' = relu layers on [e_1', ..., e_m'], vectors of its own

W. Cheng, Y. Shen, L. Huang. "Adaptive Factorization Network: Learning Adaptive-Order Feature Interactions." AAAI 2020, arXiv:1909.03276
(the logarithmic transformation layer, hidden layers and ensemble; batch normalisation and sizes for Frappe as in the authors' code).

Deviations: AFN+ is trained as a whole, while the paper trains its halves and then weighs them; their weights are part of w and w'. Values
nearer to zero than 0.0001 count as 0.0001 (the authors' code) and learn nothing, so that the all-zero vector of missing and unseen values
stays as it is. What batch normalisation undoes is left out: biases of the neurons, and its own scale and shift before and after them. In
the hidden layers it comes before the relu, in the authors' code after it. All vectors begin with the deviation that the code has for the
powers and for the vectors of AFN+; hidden layers begin as torch's linear layers do.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.batch_norm import BatchNorm
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

SMALLEST = 1e-4
"""The least that a logarithm is taken of."""


class Config(BaseModel):
    """AFN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    log_neurons: int = Field(default=600, ge=1)
    """Logarithmic neurons, each a product of powers of the fields."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the hidden layers on the neurons."""
    deep_layers: tuple[int, ...] = ()
    """Widths of the hidden layers of the network beside them; with any, such as the paper's 400 400 400, the model is AFN+."""
    batch_norm: bool = True
    """Whether each hidden layer is normalised over the batch; the logarithms and the neurons always are."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.1, gt=0)
    """Standard deviation of the normal distribution that vectors and the neurons' powers begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=4096)
    """How it is trained."""


class Logarithmic(nn.Module):
    """Logarithmic neurons.

    Args:
        fields: F.
        neurons: N.
        std: of the initial powers.
    """

    def __init__(self, fields: int, neurons: int, std: float) -> None:
        super().__init__()
        self.powers = nn.Parameter(torch.empty(neurons, fields))
        nn.init.normal_(self.powers, std=std)
        self.before, self.after = BatchNorm(fields, affine=False), BatchNorm(neurons, affine=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, N, D]."""
        logarithms = self.before(fields.abs().clamp(min=SMALLEST).log())
        neurons: Tensor = self.after((self.powers @ logarithms).exp())
        return neurons


class AFN(nn.Module):
    """Logarithmic neurons with hidden layers, and a deep network where it has layers.

    Args:
        schema: the features.
        embed_dim: D.
        log_neurons: N.
        mlp_layers: widths of the hidden layers on the neurons.
        deep_layers: widths of those beside them; with none there is no such network.
        batch_norm: whether hidden layers are normalised.
        dropout: after each hidden layer.
        init_std: of the vectors and the powers.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        log_neurons: int,
        mlp_layers: tuple[int, ...],
        deep_layers: tuple[int, ...],
        batch_norm: bool,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.logarithmic = Logarithmic(schema.fields, log_neurons, init_std)
        self.mlp = MLP(log_neurons * embed_dim, mlp_layers, dropout, batch_norm=batch_norm)
        self.deep = Deep(schema, embed_dim, deep_layers, batch_norm, dropout, init_std) if deep_layers else None
        self.out = nn.Linear(self.mlp.out + sum(deep_layers[-1:]), 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        found: Tensor = self.mlp(self.logarithmic(self.vectors(impressions)).flatten(1))
        if self.deep is not None:
            found = torch.cat([found, self.deep(impressions)], dim=1)
        logits: Tensor = self.out(found)
        return logits


class Deep(nn.Module):
    """The network of AFN+ that has vectors of its own.

    Args:
        schema, embed_dim, batch_norm, dropout, init_std: as of `AFN`.
        layers: widths of the hidden layers.
    """

    def __init__(self, schema: Schema, embed_dim: int, layers: tuple[int, ...], batch_norm: bool, dropout: float, init_std: float) -> None:
        super().__init__()
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.mlp = MLP(schema.fields * embed_dim, layers, dropout, batch_norm=batch_norm)

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B, H]."""
        hidden: Tensor = self.mlp(self.vectors(impressions).flatten(1))
        return hidden


def build(config: Config, prepared: Prepared) -> AFN:
    """An AFN for the features of the dataset."""
    return AFN(
        schema_of(prepared),
        config.embed_dim,
        config.log_neurons,
        config.mlp_layers,
        config.deep_layers,
        config.batch_norm,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
