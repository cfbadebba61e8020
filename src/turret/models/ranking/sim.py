"""SIM: a long history is searched for what is of the shown item's kind, and only what is found is weighed.

    found    = the latest of the choices t with c_t = c_A                        the hard search, by a category c
    v_long   = sum over t in found of a(e_t, v_A) e_t                            the exact search, by a unit as in DIN
    v_short  = sum over t among the latest few of a'(e_t, v_A) e_t               beside it, what was done of late
    y        = W a + b,    a = layers on [e_1, ..., e_F, v_long, v_short]

Q. Pi, G. Zhou, Y. Zhang, Z. Wang, L. Ren, Y. Fan, X. Zhu, K. Gai. "Search-based User Interest Modeling with Lifelong Sequential Behavior
Data for Click-Through Rate Prediction." CIKM 2020, arXiv:2006.05639 (the general search unit by hard search, and the exact search unit;
settings of the experiments).

Deviations: both sums are DIN's, where the paper has attention of several heads over what is found, with the time that lies between beside
each vector, and DIEN over what was done of late. The soft search by inner products, with its own loss, is not here. Initial values and the
batch size, which the paper leaves open, are set here; initial values of layers are torch's.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_earlier_choices
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.errors import InputError
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.recency import latest
from turret.nn.target_attention import ACTIVATIONS, ActivationName, TargetAttention
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SIM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=4, ge=1)
    """Width of each field's vector."""
    history_length: int = Field(default=1000, ge=1)
    """How many of a user's latest choices are searched."""
    search_by: str | None = None
    """The feature that a choice must share with the shown item to be found, such as item.category; None: the last that items have."""
    found_length: int = Field(default=100, ge=1)
    """How many of the choices that are found are weighed, the latest ones."""
    recent_length: int = Field(default=20, ge=1)
    """How many of the latest choices are weighed whatever they are."""
    unit_layers: tuple[int, ...] = (36,)
    """Widths of the hidden layers of the units that weigh a choice."""
    unit_activation: ActivationName = "dice"
    """Activation in those units."""
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
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class SIM(nn.Module):
    """Vectors, a unit for what is found and one for what is recent, and a network.

    Args:
        schema: the features.
        embed_dim: D.
        history_length: choices searched.
        search_by: the feature that found choices share with the shown item.
        found_length: choices kept of those that are found.
        recent_length: latest choices weighed.
        unit_layers: widths of the units' hidden layers.
        unit_activation: in them.
        mlp_layers: widths of the network's hidden layers.
        mlp_activation: in the network.
        dropout: after each hidden layer of the network.
        init_std: of the vectors.

    Raises:
        InputError: items have no categorical feature named `search_by`.
    """

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        history_length: int,
        search_by: str | None,
        found_length: int,
        recent_length: int,
        unit_layers: tuple[int, ...],
        unit_activation: ActivationName,
        mlp_layers: tuple[int, ...],
        mlp_activation: ActivationName,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks, self.reads = schema.tasks[:1], Reads(history=history_length)
        self.places, self.found_length, self.recent_length = schema.behaviour_places, found_length, recent_length
        self.column = searched(schema, search_by)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = len(self.places) * embed_dim
        self.long = TargetAttention(width, unit_layers, ACTIVATIONS[unit_activation], softmax=False)
        self.short = TargetAttention(width, unit_layers, ACTIVATIONS[unit_activation], softmax=False)
        self.mlp = MLP(self.vectors.count * embed_dim + 2 * width, mlp_layers, dropout, ACTIVATIONS[mlp_activation])
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        before = impressions.behaviours
        assert before is not None
        category = impressions.tokens[:, self.places[self.column]]
        found = latest(before, self.found_length, before.tokens[:, :, self.column] == category[:, None])
        recent = latest(before, self.recent_length)
        vectors = self.vectors(impressions)
        shown = vectors[:, self.places].flatten(1)
        interests = [
            weigh(shown, self.vectors.behaviours(choices).flatten(2), choices.mask)
            for weigh, choices in ((self.long, found), (self.short, recent))
        ]
        logits: Tensor = self.out(self.mlp(torch.cat([vectors.flatten(1), *interests], dim=1)))
        return logits


def searched(schema: Schema, name: str | None) -> int:
    """The column of `Behaviours.tokens` that the search compares."""
    if name is None:
        return len(schema.behaviour) - 1
    if name not in schema.behaviour:
        raise InputError(
            f"items have no categorical feature named {name!r} to search by", hint=f"They have: {', '.join(schema.behaviour)}."
        )
    return schema.behaviour.index(name)


def build(config: Config, prepared: Prepared) -> SIM:
    """A SIM for the features of the dataset."""
    schema = schema_of(prepared)
    needs_earlier_choices(schema)
    return SIM(
        schema,
        config.embed_dim,
        config.history_length,
        config.search_by,
        config.found_length,
        config.recent_length,
        config.unit_layers,
        config.unit_activation,
        config.mlp_layers,
        config.mlp_activation,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each with what its user chose before."""
    return from_clicks(prepared, config.training, config.clicks, Reads(history=config.history_length))
