"""DiffNet: what users like diffuses through the social graph, a layer a step, and joins what they chose.

    h_u^(k+1) = s( W^(k) [ mean over v in S_u of h_v^(k) | h_u^(k) ] ),    h_u^(0) = e_u
    e_u* = h_u^(K)  +  mean over i in R_u of e_i
    y_ui = <e_u*, e_i>
    minimise  L_bpr  +  (lambda / 2) |E|^2

    S_u  whom u follows,    R_u  what u chose in training,    s  the activation

L. Wu, P. Sun, Y. Fu, R. Hong, X. Wang, M. Wang. "A Neural Influence Diffusion Model for Social Recommendation." SIGIR 2019, arXiv
1904.10322, section 4. With K = 0 it is SVD++ learned by pairs; whoever follows nobody has zeros for a mean.

Deviations: by default W and s are left out, as the authors' later code does, and h_u^(K) is the sum of layers 0..K, each the mean of the
one before it over S_u (that code leaves out layer 0). `--activation tanh` and others are the paper's, which learn far less on LastFM. No
features of users and items, so that the layer that fuses them with the free vectors falls away, as the paper says of data without. L2 as
in LightGCN here, on the table rows of a batch, averaged over its pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.graphs.bipartite import bipartite
from turret.graphs.edges import Edges
from turret.graphs.propagation import Propagation
from turret.nn.linear import Linear
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "relu": torch.relu, "tanh": torch.tanh}


class Config(BaseModel):
    """DiffNet's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=0)
    """K, how far influence diffuses; 0 is SVD++ by pairs."""
    activation: Literal["none", "sigmoid", "relu", "tanh"] = "none"
    """s; none leaves W out as well."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda, the weight of the L2 term on the table rows of the batch."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graphs; the paper's is BPR by the inner product."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, early_stop_patience=10)
    """How it is trained."""


class Plain(nn.Module):
    """Layers of means alone.

    Args:
        follows: the mean over those whom each user follows, [U, U].
        layers: K.
    """

    def __init__(self, follows: Propagation, layers: int) -> None:
        super().__init__()
        self.follows, self.layers = follows, layers

    def forward(self, h: Tensor) -> Tensor:
        """h^(0) [U, D] -> the sum of layers 0..K [U, D]."""
        total = h
        for _ in range(self.layers):
            h = self.follows(h)
            total = total + h
        return total


class Transforming(nn.Module):
    """Layers in which users make something of themselves and of those whom they follow.

    Args:
        follows: the mean over those whom each user follows, [U, U].
        width: D.
        layers: K.
        activation: s.
    """

    def __init__(self, follows: Propagation, width: int, layers: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.follows, self.activation = follows, activation
        linear = [Linear(2 * width, width, bias=False) for _ in range(layers)]
        for layer in linear:
            nn.init.xavier_uniform_(layer.weight)
        self.layers = nn.ModuleList(linear)

    def forward(self, h: Tensor) -> Tensor:
        """h^(0) [U, D] -> h^(K) [U, D]."""
        for layer in self.layers:
            h = self.activation(layer(torch.cat([self.follows(h), h], dim=1)))
        return h


class DiffNet(nn.Module):
    """Two tables, and how influence diffuses.

    Args:
        diffusion: from e_u to h_u^(K).
        chose: the mean over what each user chose, [U, I].
        embed_dim: D.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(self, diffusion: nn.Module, chose: Propagation, embed_dim: int, scorer: Scorer) -> None:
        super().__init__()
        n_users, n_items = chose.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.diffusion, self.chose = diffusion, chose
        self.scorer = scorer

    def encode(self) -> Encoded:
        """e_u* of all users, and the items' table."""
        users = self.diffusion(self.users.dense()) + self.chose(self.items.dense())
        return Encoded(items=self.items, users=Computed(users, self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u*: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> DiffNet:
    """A DiffNet on the links between the users that training saw, and on what they chose in it."""
    links = needs_social(prepared, "DiffNet")
    follows = Edges(links.source, links.target, (prepared.n_users, prepared.n_users)).random_walk()
    diffusion = (
        Plain(follows, config.layers)
        if config.activation == "none"
        else Transforming(follows, config.embed_dim, config.layers, ACTIVATIONS[config.activation])
    )
    chose = bipartite(prepared.train).random_walk()
    return DiffNet(diffusion, chose, config.embed_dim, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batches = Pairs(prepared.train, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training, l2=config.l2)
