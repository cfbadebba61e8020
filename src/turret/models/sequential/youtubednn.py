"""YouTubeDNN: what comes next, from the mean of what was watched and from what is known of the user.

    a_t      = mean of e_(item 1), ..., e_(item t)
    u_t      = W relu layers([a_t ; x_u]) + b
    r_(i, t) = cos(u_t, v_i) / tau
    minimise  - ln P(i_(t + 1) | u_t),    a softmax over i_(t + 1) and sampled items, corrected by how probable each was to be drawn

with x_u the vectors of the user's features, where they are read, and v_i a vector for each item or, with `item_features`, what a tower
makes of its features.

P. Covington, J. Adams, E. Sargin. "Deep Neural Networks for YouTube Recommendations." RecSys 2016 (section 3, candidate generation).

Deviations: cosines instead of inner products (`--scorer dot`), which learn less from logs of ordinary size (docs/towers.md). The example's
age is not read, since logs do not say when an item appeared; nor are searches. The last layer is linear. The paper takes equally many
examples of each user; here they are the steps of the latest window, each predicted from those before it. A number enters as a multiple of
its vector, without its square and its root. The layers are narrower.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.sides import Side, side_of
from turret.batches.windows import Windows
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.nn.tables import Table
from turret.nn.towers import Described, Tower
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """YouTubeDNN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors of items and features, and of the query (256 in the paper)."""
    max_length: int = Field(default=50, ge=1)
    """How many of the latest items are read."""
    mlp_layers: tuple[int, ...] = (256,)
    """Widths of the tower's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.1, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    user_features: bool = False
    """Whether what the dataset says of the user is read beside the history. It is found by the user's id, so the model then answers only
    for users that it knows."""
    item_features: bool = False
    """Whether items are scored by what a tower makes of their features and id, instead of by a vector of their own."""
    stride: int | None = Field(default=None, ge=1)
    """None trains on each user's latest `max_length` items; a number also on windows that end so many items earlier."""
    composition: Composition = Composition(loss="sampled_softmax", sampler="uniform", negative_count=64, scorer="cosine", temperature=0.07)
    """What the query is trained and compared with."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.003, batch_size=128, epochs=200)
    """How it is trained."""


class YouTubeDNN(nn.Module):
    """A table of watched items, a tower on their mean, and the items that answer.

    Args:
        watched: I, how many items there are to be watched.
        items: what is known of those that answer; None where each has a vector of its own.
        users: what is known of the users; None where it is not read.
        embed_dim: D.
        max_length: L, the longest history that it reads.
        mlp_layers: widths of the hidden layers.
        dropout: after each of them.
        init_std: of the vectors.
        scorer: between queries and items.
    """

    def __init__(
        self,
        watched: int,
        items: Side | None,
        users: Side | None,
        embed_dim: int,
        max_length: int,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        self.reads = Reads(user=users is not None, history=max_length)
        self.scorer = scorer
        self.watched = Table(watched, embed_dim, init_std)
        self.items = Table(watched, embed_dim, init_std) if items is None else Tower(items, embed_dim, mlp_layers, dropout, init_std)
        self.user = None if users is None else Described(users, embed_dim, init_std)
        self.mlp = MLP(embed_dim + (0 if self.user is None else self.user.out), mlp_layers, dropout)
        self.out = Linear(self.mlp.out, embed_dim)

    def encode(self) -> Encoded:
        """The items that answer: their table, or the tower, which runs for the ids that are asked for."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """u_t: [Q, D], one vector for each step that is asked about; after an empty history, a_t is zero."""
        asked = context.last() if context.asked is None else context.asked
        read = self.means(context).flatten(0, 1)[asked]
        if self.user is not None:
            users = context.askers()
            assert users is not None
            read = torch.cat([read, self.user(users)], dim=1)
        return Query(self.out(self.mlp(read)))

    def means(self, context: Context) -> Tensor:
        """a_t: [B, L', D], of each step the mean of the items up to it."""
        assert context.history is not None
        mask = context.history.mask
        watched = self.watched[context.history.items] * mask[:, :, None]
        return watched.cumsum(dim=1) / mask.cumsum(dim=1).clamp(min=1)[:, :, None]


def build(config: Config, prepared: Prepared) -> YouTubeDNN:
    """A YouTubeDNN for the items that training saw."""
    return YouTubeDNN(
        prepared.n_items,
        side_of(prepared, "item") if config.item_features else None,
        side_of(prepared, "user", ids=False) if config.user_features else None,
        config.embed_dim,
        config.max_length,
        config.mlp_layers,
        config.dropout,
        config.init_std,
        scorer_of(config.composition, config.embed_dim),
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Every step of the latest windows against sampled items."""
    batches = Windows(prepared.train, config.max_length, config.training.batch_size, config.stride)
    return from_composition(prepared, batches, config.composition, config.training)
