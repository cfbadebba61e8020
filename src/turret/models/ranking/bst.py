"""BST: a Transformer over what a user did before and the shown item together.

    X  = [v_A + p_0, e_1 + p_1, ..., e_L + p_L]                     the shown item, then earlier choices, the latest first
    S  = MultiHead(X) = [head_1, ..., head_H] W_H,    head = softmax(X W_Q (X W_K)^T / sqrt(d)) X W_V
    S' = LayerNorm(X + dropout(S))
    X  <- LayerNorm(S' + dropout(leaky_relu(S' W_1 + b_1) W_2 + b_2))                                   in each block
    y  = W a + b,    a = leaky_relu layers on [e_1, ..., e_F, X]

Q. Chen, H. Zhao, W. Li, P. Huang, W. Ou. "Behavior Sequence Transformer for E-commerce Recommendation in Alibaba." DLP-KDD 2019,
arXiv:1905.06874 (the embedding layer, the Transformer layer and the network above them; settings of the experiments).

Deviations: the position of a choice is its place, counted back from the shown item, where the paper has the time that lies between;
position vectors are added to those of the choices, where the paper sets features of the position beside them. Each place of the
Transformer's output has weights of its own in the network, and a place without a choice is zero there. The hidden layer between W_1 and W_2
is as wide as its input. Initial values, which the paper leaves open, are set here; those of layers are torch's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.needs import needs_earlier_choices
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.recency import latest
from turret.nn.tables import Table
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """BST's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector, a multiple of `attention_heads`."""
    history_length: int = Field(default=20, ge=1)
    """How many of a user's latest choices are read."""
    attention_layers: int = Field(default=1, ge=1)
    """Blocks of attention and feed-forward."""
    attention_heads: int = Field(default=8, ge=1)
    """Attention heads; they share the width of a choice's vectors among them."""
    mlp_layers: tuple[int, ...] = (1024, 512, 256)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Of what each half of a block adds, and of the outputs of the deep network's hidden layers."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adagrad", learning_rate=0.01, batch_size=256)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.embed_dim % self.attention_heads:
            raise ValueError(f"embed_dim {self.embed_dim} cannot be shared among {self.attention_heads} heads")
        return self


class BST(nn.Module):
    """Vectors, blocks, and a network.

    Args:
        schema: the features.
        embed_dim: D.
        history_length: choices read.
        attention_layers: blocks.
        attention_heads: in each.
        mlp_layers: widths of the network's hidden layers.
        dropout: in the blocks and after each hidden layer.
        init_std: of the vectors.
    """

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        history_length: int,
        attention_layers: int,
        attention_heads: int,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks, self.reads = schema.tasks[:1], Reads(history=history_length)
        self.places = schema.behaviour_places
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = len(self.places) * embed_dim
        self.positions = Table(history_length + 1, width, init_std)
        self.blocks = nn.ModuleList(Block(width, attention_heads, dropout) for _ in range(attention_layers))
        self.mlp = MLP(self.vectors.count * embed_dim + (history_length + 1) * width, mlp_layers, dropout, leaky_relu)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        assert impressions.behaviours is not None
        before = latest(impressions.behaviours, self.reads.history)
        vectors, steps = self.vectors(impressions), self.vectors.behaviours(before).flatten(2)
        x = torch.cat([vectors[:, self.places].flatten(1).unsqueeze(1), steps], dim=1)
        real = F.pad(before.mask, (1, 0), value=True)
        x = x + self.positions[torch.arange(x.shape[1], device=x.device)]
        for block in self.blocks:
            x = block(x, real)
        places = F.pad(x * real.unsqueeze(2), (0, 0, 0, self.reads.history + 1 - x.shape[1]))
        logits: Tensor = self.out(self.mlp(torch.cat([vectors.flatten(1), places.flatten(1)], dim=1)))
        return logits


class Block(nn.Module):
    """Attention among all places, then a network at each, both added to their input and normalised.

    Args:
        width: of the places' vectors.
        heads: attention heads.
        dropout: of what each half adds.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
        self.network = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, width))
        self.attention_norm, self.network_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """[B, P, W], bool [B, P] -> [B, P, W]."""
        attended, _ = self.attention(x, x, x, key_padding_mask=~real, need_weights=False)
        x = self.attention_norm(x + self.dropout(attended))
        normed: Tensor = self.network_norm(x + self.dropout(self.network(x)))
        return normed


def leaky_relu(width: int) -> nn.Module:
    """max(x, 0.01 x)."""
    return nn.LeakyReLU()


def build(config: Config, prepared: Prepared) -> BST:
    """A BST for the features of the dataset."""
    schema = schema_of(prepared)
    needs_earlier_choices(schema)
    return BST(
        schema,
        config.embed_dim,
        config.history_length,
        config.attention_layers,
        config.attention_heads,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each with what its user chose before."""
    return from_clicks(prepared, config.training, config.clicks, Reads(history=config.history_length))
