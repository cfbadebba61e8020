"""SASRec: the next item from the latest ones, by causal self-attention.

    x_t      = dropout(sqrt(D) e_(item t) + p_t)
    z        = LayerNorm(x),  x <- z + Attention(queries of z, keys and values of x)        repeated
    z        = LayerNorm(x),  x <- z + FeedForward(z)                                       in each block
    r_(i, t) = <LayerNorm(x_t), e_i>

W.-C. Kang, J. McAuley. "Self-Attentive Sequential Recommendation." ICDM 2018, arXiv 1808.09781 (section III). The blocks follow the
authors' own code, which adds the normalised z back, and takes keys and values from the unnormalised x, where section III-C of the paper
writes x + dropout(g(LayerNorm(x))). Like that code, and unlike the usual Transformer, there is no projection after the heads.

Deviations: sequences are filled up on the right instead of the left; positions are counted so that the latest item has the last one, which
makes the two equal. An epoch visits each user once, in batches of similar length with equally many targets, where the authors draw users
with replacement. Adam's beta_2 is 0.999 instead of 0.98. Both tables start
Xavier-normal where the authors' start uniform. The L2 term on the embeddings, 0 in the authors' experiments, is left to
`training.weight_decay`. With `loss: softmax` the objective is cross-entropy over all items, as proposed in A. Klenitskiy, A. Vasilev.
"Turning Dross Into Gold Loss: is BERT4Rec really better than SASRec?" RecSys 2023, arXiv 2309.07602.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.windows import Windows
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.attention import CausalAttention
from turret.nn.feed_forward import FeedForward
from turret.nn.tables import Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SASRec's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=50, ge=1)
    """Width of the item vectors and of every layer."""
    max_length: int = Field(default=50, ge=1)
    """How many of the latest items are read (the paper takes 200 for MovieLens-1M)."""
    layers: int = Field(default=2, ge=1)
    """Blocks of attention and feed-forward."""
    heads: int = Field(default=1, ge=1)
    """Attention heads; they share `embed_dim` among them."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Of the embedded items, the attention weights and the feed-forward layers (the paper takes 0.2 for MovieLens-1M)."""
    stride: int | None = Field(default=None, ge=1)
    """None trains on each user's latest `max_length` items, as the paper does; a number also on windows that end so many items earlier."""
    composition: Composition = Composition(loss="binary_cross_entropy")
    """What it is put together from beside the blocks; the paper's is binary cross-entropy against one uniformly drawn unseen item. With the
    loss softmax (all items) it is mostly much better."""
    training: Training = Training(learning_rate=0.001, batch_size=128, epochs=200)
    """How it is trained."""


class SASRec(nn.Module):
    """A table of items, a table of positions, and blocks between them and the answer.

    Args:
        n_items: I.
        embed_dim: D.
        max_length: L, the longest history that it reads.
        layers: blocks.
        heads: attention heads in each.
        dropout: probability with which a number is dropped in training.
        scorer: between what was read and items; the paper's is the inner product.
    """

    def __init__(self, n_items: int, embed_dim: int, max_length: int, layers: int, heads: int, dropout: float, scorer: Scorer) -> None:
        super().__init__()
        self.reads = Reads(history=max_length)
        self.scorer = scorer
        self.items = Table(n_items, embed_dim)
        self.positions = Table(max_length, embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(embed_dim, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-8)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def encode(self) -> Encoded:
        """The items: one table, which histories are read from and answers are scored against."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """[Q, D], one vector for each step that is asked about; after an empty history, what is known of nobody."""
        assert context.history is not None
        x = self.embed(context, encoded)
        for block in self.blocks:
            x = block(x)
        asked = context.last() if context.asked is None else context.asked
        vector: Tensor = self.norm(x.flatten(0, 1)[asked])
        return Query(vector)

    def embed(self, context: Context, encoded: Encoded) -> Tensor:
        """[B, L', D], 0 at the padding. Histories have at most L items."""
        assert context.history is not None
        items, mask = context.history.items, context.history.mask
        first = self.reads.history - context.history.lengths
        position = first[:, None] + torch.arange(items.shape[1], device=items.device)
        x = encoded.items[items] * self.items.weight.shape[1] ** 0.5 + self.positions[position.where(mask, 0)]
        embedded: Tensor = self.dropout(x) * mask[:, :, None]
        return embedded


class Block(nn.Module):
    """Attention, then the feed-forward network, each added to its own normalised input.

    Args:
        width: D.
        heads: attention heads.
        dropout: probability with which a number is dropped in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width, eps=1e-8), nn.LayerNorm(width, eps=1e-8)
        self.attention = CausalAttention(width, heads, dropout)
        self.feed_forward = FeedForward(width, width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L', D] -> [B, L', D]."""
        z = self.attention_norm(x)
        z = self.feed_forward_norm(z + self.attention(z, x))
        return z + self.feed_forward(z)  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> SASRec:
    """A SASRec for the items that training saw."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return SASRec(prepared.n_items, config.embed_dim, config.max_length, config.layers, config.heads, config.dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Every step of the latest windows, against the sampled or against all other items."""
    batches = Windows(prepared.train, config.max_length, config.training.batch_size, config.stride)
    return from_composition(prepared, batches, config.composition, config.training)
