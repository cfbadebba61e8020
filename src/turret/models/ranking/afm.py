"""AFM, attentional factorisation machine: pairs of features count by what an attention network makes of them.

    y = w_0 + <w, x> + p^T sum over fields i < j of a_ij (v_i * v_j) x_i x_j
    a = softmax over pairs of h^T relu(W (v_i * v_j) x_i x_j + b)
    minimise the binary cross-entropy of sigmoid(y)

J. Xiao, H. Ye, X. He, H. Zhang, F. Wu, T.-S. Chua. "Attentional Factorization Machines: Learning the Weight of Feature Interactions via
Attention Networks." IJCAI 2017, arXiv:1708.04617 (the pair-wise interaction layer and the attention-based pooling layer).

Deviations: the loss is the binary cross-entropy, which the paper names for classification, where its experiments take the square; Adam in
place of Adagrad; vectors do not begin as those of a trained factorisation machine. The paper's widths, 256 each, take more than a gigabyte
a step with forty fields: the defaults are smaller. The L2 term on W is part of `--weight_decay`, which is on all layers' weights. Layers
begin as torch has them, biases at zero. A field of several values enters as the mean of their vectors. The logit comes out; the sigmoid
belongs to serving.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.linear_term import LinearTerm
from turret.nn.pairs import FieldPairs
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """AFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    attention_factor: int = Field(default=16, ge=1)
    """Width of the attention network's hidden layer."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of the numbers of each pair's product that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class AFM(nn.Module):
    """The linear term, and the products of pairs, weighed.

    Args:
        schema: the features.
        embed_dim: D.
        attention_factor: A, width of the attention network.
        dropout: of the products.
        init_std: of the vectors and the first-order weights.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, attention_factor: int, dropout: float, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.linear = LinearTerm(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.pairs, self.dropout = FieldPairs(self.vectors.count), nn.Dropout(dropout)
        hidden = nn.Linear(embed_dim, attention_factor)
        nn.init.zeros_(hidden.bias)
        self.attention = nn.Sequential(hidden, nn.ReLU(), nn.Linear(attention_factor, 1, bias=False))
        self.out = nn.Linear(embed_dim, 1, bias=False)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        products = self.dropout(self.pairs(self.vectors(impressions)))
        weights = torch.softmax(self.attention(products), dim=1)
        linear, crossed = self.linear(impressions), self.out((weights * products).sum(dim=1))
        return linear + crossed  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> AFM:
    """An AFM for the features of the dataset.

    Raises:
        UnsupportedError: it has fewer than two features.
    """
    return AFM(schema_of(prepared), config.embed_dim, config.attention_factor, config.dropout, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
