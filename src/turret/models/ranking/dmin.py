"""DMIN: several interests at once, each its own reading of what a user did, weighed by what is shown.

    Z       = LayerNorm(X + dropout([head_1, ..., head_H] W_O))     refined choices, of self-attention over the choices X
    I^h     = S^h + FeedForward^h(S^h),    S^h = LayerNorm(Z + dropout(head'_h W_h))    head h of self-attention over Z, for itself
    v^h     = sum over t of a^h(I^h_t + p_t, v_A) (I^h_t + p_t)     one interest a head, by a unit as in DIN
    y       = W a + b,    a = layers on [e_1, ..., e_F, v^1, ..., v^H]
    minimise the cross-entropy of y  +  lambda L_aux
    L_aux   = -mean over t of log sigmoid(<z_t, e_(t+1)>) + log(1 - sigmoid(<z_t, n_(t+1)>))

with p_t a vector of the place, counted back from the latest choice, and n_(t+1) an item that the user did not choose next.

Z. Xiao, L. Yang, W. Jiang, Y. Wei, Y. Hu, H. Wang. "Deep Multi-Interest Network for Click-through Rate Prediction." CIKM 2020 (the
behaviour refiner and the multi-interest extractor).

Deviations: both attentions look back alone, since the auxiliary loss tells the next choice. Positions are added to the interests, where the
paper joins them to the shown item. The n_(t+1) are drawn from the earlier choices of the batch, and the loss is a mean over steps, as in
DIEN here. The latest `history_length` choices are read. Sizes of the network follow DIEN's code; initial values, which the paper leaves
open, are set here, those of layers are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.needs import needs_earlier_choices
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.attention import CausalAttention
from turret.nn.feed_forward import FeedForward
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.next_choice import next_choice_loss
from turret.nn.recency import steps_back
from turret.nn.tables import Table
from turret.nn.target_attention import ACTIVATIONS, ActivationName, TargetAttention
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DMIN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector, a multiple of `attention_heads`."""
    history_length: int = Field(default=50, ge=1)
    """How many of a user's latest choices are read."""
    attention_heads: int = Field(default=4, ge=1)
    """Attention heads; as many interests come out."""
    unit_layers: tuple[int, ...] = (80, 40)
    """Widths of the hidden layers of the unit that weighs a choice."""
    unit_activation: ActivationName = "relu"
    """Activation in that unit."""
    auxiliary_weight: float = Field(default=1.0, ge=0)
    """Lambda, the factor of the auxiliary loss."""
    mlp_layers: tuple[int, ...] = (200, 80)
    """Widths of the deep network's hidden layers."""
    mlp_activation: ActivationName = "dice"
    """Activation in the deep network."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of attention weights and what attention adds, and of the outputs of hidden layers."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=128)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.embed_dim % self.attention_heads:
            raise ValueError(f"embed_dim {self.embed_dim} cannot be shared among {self.attention_heads} heads")
        return self


class DMIN(nn.Module):
    """Vectors, refined choices, interests, and a network.

    Args:
        schema: the features.
        embed_dim: D.
        history_length: choices read.
        attention_heads: H.
        unit_layers: widths of the hidden layers of each interest's unit.
        unit_activation: in them.
        mlp_layers: widths of the network's hidden layers.
        mlp_activation: in the network.
        dropout: throughout.
        init_std: of the vectors.
    """

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        history_length: int,
        attention_heads: int,
        unit_layers: tuple[int, ...],
        unit_activation: ActivationName,
        mlp_layers: tuple[int, ...],
        mlp_activation: ActivationName,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks, self.reads = schema.tasks[:1], Reads(history=history_length)
        self.places, self.heads = schema.behaviour_places, attention_heads
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = len(self.places) * embed_dim
        self.positions = Table(history_length, width, init_std)
        self.refine, self.refined = CausalAttention(width, attention_heads, dropout), nn.Linear(width, width, bias=False)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.extract = CausalAttention(width, attention_heads, dropout)
        self.interests = nn.ModuleList(
            Interest(width, attention_heads, unit_layers, unit_activation, dropout) for _ in range(attention_heads)
        )
        self.mlp = MLP(self.vectors.count * embed_dim + attention_heads * width, mlp_layers, dropout, ACTIVATIONS[mlp_activation])
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        logits, _, _ = self._read(impressions)
        return logits

    def guided(self, impressions: Impressions, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The logits [B, 1], and the loss of predicting each next choice from the refined one before it: `auxiliary`."""
        logits, refined, steps = self._read(impressions)
        assert impressions.behaviours is not None
        return logits, {"auxiliary": next_choice_loss(refined, steps, impressions.behaviours, generator)}

    def _read(self, impressions: Impressions) -> tuple[Tensor, Tensor, Tensor]:
        """The logits [B, 1], the refined choices [B, L, K D], and the vectors of the choices themselves."""
        assert impressions.behaviours is not None
        mask = impressions.behaviours.mask
        vectors, steps = self.vectors(impressions), self.vectors.behaviours(impressions.behaviours).flatten(2)
        refined = self.norm(steps + self.dropout(self.refined(self.refine(steps, steps))))
        positions = self.positions[steps_back(mask).clamp(0, self.reads.history - 1)]
        shown, heads = vectors[:, self.places].flatten(1), self.extract(refined, refined).chunk(self.heads, dim=2)
        interests = [read(head, refined, positions, shown, mask) for read, head in zip(self.interests, heads, strict=True)]
        return self.out(self.mlp(torch.cat([vectors.flatten(1), *interests], dim=1))), refined, steps


class Interest(nn.Module):
    """What one head makes of the refined choices, and the sum of it weighed by the shown item.

    Args:
        width: W.
        heads: H, of which one is read.
        unit_layers: widths of the unit's hidden layers.
        unit_activation: in the unit.
        dropout: of what is added.
    """

    def __init__(self, width: int, heads: int, unit_layers: tuple[int, ...], unit_activation: ActivationName, dropout: float) -> None:
        super().__init__()
        self.project, self.norm, self.dropout = nn.Linear(width // heads, width, bias=False), nn.LayerNorm(width), nn.Dropout(dropout)
        self.feed_forward = FeedForward(width, width, dropout)
        self.attention = TargetAttention(width, unit_layers, ACTIVATIONS[unit_activation], softmax=True)

    def forward(self, head: Tensor, refined: Tensor, positions: Tensor, shown: Tensor, mask: Tensor) -> Tensor:
        """[B, L, W / H], [B, L, W], [B, L, W], [B, W], bool [B, L] -> [B, W]."""
        read = self.norm(refined + self.dropout(self.project(head)))
        interest: Tensor = self.attention(shown, read + self.feed_forward(read) + positions, mask)
        return interest


def build(config: Config, prepared: Prepared) -> DMIN:
    """A DMIN for the features of the dataset."""
    schema = schema_of(prepared)
    needs_earlier_choices(schema)
    return DMIN(
        schema,
        config.embed_dim,
        config.history_length,
        config.attention_heads,
        config.unit_layers,
        config.unit_activation,
        config.mlp_layers,
        config.mlp_activation,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each with what its user chose before, and the auxiliary loss."""
    penalties = {"auxiliary": config.auxiliary_weight}
    return from_clicks(prepared, config.training, config.clicks, Reads(history=config.history_length), penalties)
