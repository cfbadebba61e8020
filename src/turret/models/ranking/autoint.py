"""AutoInt: self-attention among the fields finds the combinations that matter; AutoInt+ has a deep network beside it.

    alpha_mk^h = softmax over k of <W_Q^h e_m, W_K^h e_k>
    e_m' = relu([sum over k of alpha_mk^h W_V^h e_k, h = 1 .. H] + W_R e_m),    layer upon layer
    y = w [e_1', ..., e_M', a] + b,    a = relu layers on [e_1, ..., e_M] (AutoInt+ alone)

W. Song, C. Shi, Z. Xiao, Z. Duan, Y. Xu, M. Zhang, J. Tang. "AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural
Networks." CIKM 2019, arXiv:1810.11921 (the embedding, interacting and output layers; settings of the experiments; AutoInt+ as
compared there).

Deviations: the authors' code also scales the inner products, passes queries, keys and values through a relu and normalises each layer; the
equations, which are followed here, do not. Weights begin as torch's linear layers do, since the paper is silent; vectors as in the code.
The two logits of AutoInt+ share a bias.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.field_attention import FieldAttention
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """AutoInt's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    attention_layers: int = Field(default=3, ge=1)
    """Layers of attention, each of which doubles the order of the combinations."""
    attention_heads: int = Field(default=2, ge=1)
    """Subspaces in which fields look at each other."""
    attention_dim: int = Field(default=32, ge=1)
    """Width of each head of attention; a layer puts its heads side by side."""
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the attention weights that are set to zero in training."""
    mlp_layers: tuple[int, ...] = ()
    """Widths of the deep network's hidden layers; with any, such as the paper's 400 400, the model is AutoInt+."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=1024)
    """How it is trained."""


class Interacting(nn.Module):
    """An interacting layer.

    Args:
        width: D of its input.
        head: width of each head.
        heads: H.
        dropout: share of the attention weights that are set to zero in training.

    Attributes:
        out: width of its output.
    """

    def __init__(self, width: int, head: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = FieldAttention(width, head, heads, scaled=False, dropout=dropout)
        self.out = self.attention.out
        self.residual = Linear(width, self.out, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D']."""
        return torch.relu(self.attention(fields) + self.residual(fields))


class AutoInt(nn.Module):
    """Interacting layers, and a deep network where it has layers.

    Args:
        schema: the features.
        embed_dim: D.
        attention_layers, attention_heads, attention_dim, attention_dropout: of the interacting layers.
        mlp_layers: widths of the deep network's hidden layers; with none there is no deep network.
        dropout: after each hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        attention_layers: int,
        attention_heads: int,
        attention_dim: int,
        attention_dropout: float,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        widths = [embed_dim, *[attention_heads * attention_dim] * (attention_layers - 1)]
        self.interacting = nn.Sequential(*(Interacting(width, attention_dim, attention_heads, attention_dropout) for width in widths))
        self.mlp = MLP(self.vectors.count * embed_dim, mlp_layers, dropout) if mlp_layers else None
        self.out = nn.Linear(self.vectors.count * attention_heads * attention_dim + sum(mlp_layers[-1:]), 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        found = self.interacting(vectors).flatten(1)
        if self.mlp is not None:
            found = torch.cat([found, self.mlp(vectors.flatten(1))], dim=1)
        logits: Tensor = self.out(found)
        return logits


def build(config: Config, prepared: Prepared) -> AutoInt:
    """An AutoInt for the features of the dataset."""
    return AutoInt(
        schema_of(prepared),
        config.embed_dim,
        config.attention_layers,
        config.attention_heads,
        config.attention_dim,
        config.attention_dropout,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
