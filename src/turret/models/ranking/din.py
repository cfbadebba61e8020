"""DIN: of what a user did before, what resembles the shown item counts.

    y      = W a + b,    a = layers on [e_1, ..., e_F, v_U(A)]
    v_U(A) = sum over t of a(e_t, v_A) e_t
    a(e, v) = w^T f([e, v, e - v, e * v]) + b

with e_1 to e_F the vectors of the impression's features, e_t those of an earlier choice side by side, v_A those of the shown item; f is a
small network. The weights a(e_t, v_A) are not normalised. Activations are Dice or PReLU.

G. Zhou, X. Zhu, C. Song, Y. Fan, H. Zhu, X. Ma, Y. Yan, J. Jin, H. Li, K. Gai. "Deep Interest Network for Click-Through Rate Prediction."
KDD 2018, arXiv:1706.06978 (the network with its local activation unit, the data adaptive activation function, and the settings of
its industrial data).

Deviations: the unit reads the difference and the product of its inputs, as the authors' code does, where the paper has their outer product.
The latest `history_length` choices are read. One logit with a sigmoid stands for the softmax of two. The learning rate stays as it is; the
paper's falls by a factor of 0.9, it does not say how often. The mini-batch aware L2 term, on the rows that a batch touches, is that of a
learner which updates touched rows alone (`sparse_adam`, ...); it is not divided by a value's count. Dropout, 0 by default, is not in the
paper. Initial values, which it leaves open, are set here; those of layers are torch's.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_earlier_choices
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.target_attention import ACTIVATIONS, ActivationName, TargetAttention
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DIN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=12, ge=1)
    """Width of each field's vector."""
    history_length: int = Field(default=50, ge=1)
    """How many of a user's latest choices are read."""
    unit_layers: tuple[int, ...] = (36,)
    """Widths of the hidden layers of the unit that weighs a choice."""
    unit_activation: ActivationName = "dice"
    """Activation in that unit."""
    attention_softmax: bool = False
    """Whether the weights of a user's choices sum to one."""
    mlp_layers: tuple[int, ...] = (200, 80)
    """Widths of the deep network's hidden layers."""
    mlp_activation: ActivationName = "dice"
    """Activation in the deep network."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=5000)
    """How it is trained."""


class DIN(nn.Module):
    """Vectors, the unit that weighs earlier choices, and a network.

    Args:
        schema: the features.
        embed_dim: D.
        history_length: choices read.
        unit_layers: widths of the unit's hidden layers.
        unit_activation: in the unit.
        attention_softmax: whether its weights sum to one.
        mlp_layers: widths of the network's hidden layers.
        mlp_activation: in the network.
        dropout: after each hidden layer of the network.
        init_std: of the vectors.
    """

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        history_length: int,
        unit_layers: tuple[int, ...],
        unit_activation: ActivationName,
        attention_softmax: bool,
        mlp_layers: tuple[int, ...],
        mlp_activation: ActivationName,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks, self.reads = schema.tasks[:1], Reads(history=history_length)
        self.places = schema.behaviour_places
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = len(self.places) * embed_dim
        self.attention = TargetAttention(width, unit_layers, ACTIVATIONS[unit_activation], attention_softmax)
        self.mlp = MLP(self.vectors.count * embed_dim + width, mlp_layers, dropout, ACTIVATIONS[mlp_activation])
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        assert impressions.behaviours is not None
        vectors, steps = self.vectors(impressions), self.vectors.behaviours(impressions.behaviours).flatten(2)
        interest = self.attention(vectors[:, self.places].flatten(1), steps, impressions.behaviours.mask)
        logits: Tensor = self.out(self.mlp(torch.cat([vectors.flatten(1), interest], dim=1)))
        return logits


def build(config: Config, prepared: Prepared) -> DIN:
    """A DIN for the features of the dataset."""
    schema = schema_of(prepared)
    needs_earlier_choices(schema)
    return DIN(
        schema,
        config.embed_dim,
        config.history_length,
        config.unit_layers,
        config.unit_activation,
        config.attention_softmax,
        config.mlp_layers,
        config.mlp_activation,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each with what its user chose before."""
    return from_clicks(prepared, config.training, config.clicks, Reads(history=config.history_length))
