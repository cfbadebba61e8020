"""InterHAt: a hierarchy of attention, each level of which sums the fields up and crosses them with the sum.

    X_1 = norm(Z + V_2 relu(V_1 Z)),    Z = norm(X_0 + relu(W_m [H_1, ..., H_h])),    H = softmax(Q K^T / sqrt(d_K)) V of X_0
    u_i = sum over fields j of alpha_ij x_ij,    alpha_i = softmax over j of <c_i, relu(W_i x_ij)>
    x_(i+1)j = u_i * x_1j + x_ij,    i = 1 .. k orders
    y = MLP(sum over i of beta_i u_i),    beta = softmax over i of <c_f, relu(W_f u_i)>

Z. Li, W. Cheng, Y. Chen, H. Chen, W. Wang. "Interpretable Click-Through Rate Prediction through Hierarchical Attention." WSDM 2020
(the multi-head Transformer, the hierarchical attention and the objective).

Deviations: residuals, the relu and layer normalisation around attention and feed-forward layer are those of the authors' code, in which
queries, keys and values pass a relu too and have biases, here neither. The L2 term of the attention is left to `weight_decay`. Sizes are
the code's, but that the last network has 64 hidden units and not 6, which may all cease to answer. Vectors begin normal, where the code has
Xavier over the whole table, and layers as torch's do.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.attentional_pooling import AttentionalPooling
from turret.nn.feed_forward import FeedForward
from turret.nn.field_attention import FieldAttention
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """InterHAt's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=12, ge=1)
    """Width of each field's vector."""
    attention_heads: int = Field(default=12, ge=1)
    """Subspaces in which fields look at each other."""
    attention_dim: int = Field(default=30, ge=1)
    """Width of each head of attention, and of the layers that weigh fields and orders."""
    orders: int = Field(default=3, ge=1)
    """Highest order of the combinations, k."""
    mlp_layers: tuple[int, ...] = (64,)
    """Widths of the last network's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs, of the feed-forward layer's and of the attention weights that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class Encoder(nn.Module):
    """Multi-head self-attention and a feed-forward layer, as in a Transformer.

    Args:
        width: D.
        head: width of each head.
        heads: how many.
        dropout: of the attention weights and the feed-forward layer.
    """

    def __init__(self, width: int, head: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = FieldAttention(width, head, heads, scaled=True, dropout=dropout)
        self.merge = nn.Linear(self.attention.out, width)
        self.feed_forward = FeedForward(width, 4 * width, dropout)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, fields: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        attended = self.attention_norm(fields + torch.relu(self.merge(self.attention(fields))))
        encoded: Tensor = self.feed_forward_norm(attended + self.feed_forward(attended))
        return encoded


class InterHAt(nn.Module):
    """A Transformer layer, k levels of attention, and attention among the levels.

    Args:
        schema: the features.
        embed_dim: D.
        attention_heads, attention_dim: of the Transformer layer.
        orders: k.
        mlp_layers: widths of the hidden layers.
        dropout: everywhere.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        attention_heads: int,
        attention_dim: int,
        orders: int,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.encoder = Encoder(embed_dim, attention_dim, attention_heads, dropout)
        self.levels = nn.ModuleList(AttentionalPooling(embed_dim, attention_dim) for _ in range(orders))
        self.among_levels = AttentionalPooling(embed_dim, attention_dim)
        self.mlp = MLP(embed_dim, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        first = crossed = self.encoder(self.vectors(impressions))
        sums = []
        for level in self.levels:
            sums.append(level(crossed))
            crossed = sums[-1].unsqueeze(1) * first + crossed
        logits: Tensor = self.out(self.mlp(self.among_levels(torch.stack(sums, dim=1))))
        return logits


def build(config: Config, prepared: Prepared) -> InterHAt:
    """An InterHAt for the features of the dataset."""
    return InterHAt(
        schema_of(prepared),
        config.embed_dim,
        config.attention_heads,
        config.attention_dim,
        config.orders,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
