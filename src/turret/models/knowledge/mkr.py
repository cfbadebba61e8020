"""MKR: two tasks, choosing items and completing a knowledge graph, whose layers exchange what items and their entities have in common.

    [v, e] = C_L(... C_1(v_i, e_i)),    C a cross-and-compress unit (`nn.cross_and_compress`)               (2) to (5)
    y_ui = <M_L(u), v>                                                                                      (6), (8)
    t^ = M'_K([e; M''_L(r)]),    score(h, r, t) = sigmoid(<t, t^>),    e of the head h                      (9), (10)
    minimise in turns  cross-entropy of sigmoid(y_ui) of chosen and of sampled items
                       - score of true triples + score of false ones
                       and lambda |parameters|^2                                                            (11)

M_L are L layers of linear maps and relus, M'_K K layers, the last one linear with a sigmoid.

H. Wang, F. Zhang, M. Zhao, W. Li, X. Xie, M. Guo. "Multi-Task Feature Learning for Knowledge Graph Enhanced Recommendation." WWW 2019,
arXiv 1901.08907, sections 2.2 to 2.5. Some epochs of choices take turns with one of the graph, as in the paper's algorithm 1.

Deviations: choices are scored by the inner product, of the paper's two ways; the graph's turns take the triples that tell of an item, each
turned round where its item is the tail, since the units need an item for every head; t^ has one sigmoid, where the authors' code has a relu
before it; false triples count, where that code leaves them out. Adam row by row, an optimizer for each task. Wider.
On MovieLens-100K it stays far below matrix factorisation, as RecBole's does (docs/models.md). The loss of triples is as good as met once
tails are told from other kinds of entities, so that it says little where an item's tails are all of one kind.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.losses.scored import Scored
from turret.nn.cross_and_compress import CrossAndCompress
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.nn.tables import Table
from turret.scorers.dot import Dot
from turret.training.alternate import Alternate, Turn, shares
from turret.training.composition import Composition, objective_of
from turret.training.config import Training
from turret.training.objectives.facts import AgainstFalse


class Config(BaseModel):
    """MKR's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of all vectors (the paper takes 4 or 8)."""
    low_layers: int = Field(default=1, ge=1)
    """L, units that exchange, and layers beside them."""
    high_layers: int = Field(default=1, ge=1)
    """K, layers that predict the tail."""
    choice_epochs: int = Field(default=3, ge=1)
    """Epochs of choices before one of the graph."""
    knowledge_rate: float = Field(default=0.5, gt=0)
    """Learning rate of the graph's turns, as a share of that of choices."""
    negative_count: int = Field(default=1, ge=1)
    """Items drawn for each right one, and tails for each true triple."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.001, weight_decay=1e-4, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is the paper's lambda, and of the epochs one in choice_epochs + 1 is the graph's."""


class MKR(nn.Module):
    """Users and items, entities and relations.

    Args:
        n_users, n_items, n_entities, n_relations: rows of the tables; the first entities are the items.
        embed_dim: D.
        low_layers, high_layers: L, K.
    """

    reads = Reads(user=True)

    def __init__(
        self, n_users: int, n_items: int, n_entities: int, n_relations: int, embed_dim: int, low_layers: int, high_layers: int
    ) -> None:
        super().__init__()
        std = embed_dim**-0.5
        self.users, self.items = Table(n_users, embed_dim, std), Table(n_items, embed_dim, std)
        self.entities, self.relations = Table(n_entities, embed_dim, std), Table(n_relations, embed_dim, std)
        self.units = nn.ModuleList(CrossAndCompress(embed_dim) for _ in range(low_layers))
        self.of_users, self.of_relations = (MLP(embed_dim, [embed_dim] * low_layers) for _ in range(2))
        self.towards_tails = nn.Sequential(
            MLP(2 * embed_dim, [2 * embed_dim] * (high_layers - 1)), Linear(2 * embed_dim, embed_dim), nn.Sigmoid()
        )
        self.scorer: Scorer = Dot()

    def exchanged(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """v and e of items: int64 [*S] -> [*S, D] each."""
        v, e = self.items[items], self.entities[items]
        for unit in self.units:
            v, e = unit(v, e)
        return v, e

    def encode(self) -> Encoded:
        """v, computed where it is asked for."""
        return Encoded(items=Exchanged(self))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """M_L(u): [B, D]."""
        assert context.users is not None
        return Query(self.of_users(self.users[context.users]))

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """<t, t^>, a logit, of heads that are items: int64 [T, 1], [T, 1], [T, C] -> [T, C]."""
        _, e = self.exchanged(heads)
        predicted: Tensor = self.towards_tails(torch.cat([e, self.of_relations(self.relations[relations])], dim=-1))
        return (self.entities[tails] * predicted).sum(dim=-1)


class Exchanged:
    """The items of an MKR after its units: a lookup that runs them for what it is asked for."""

    def __init__(self, model: MKR) -> None:
        self.model = model

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return self.model.exchanged(ids)[0]

    def dense(self) -> Tensor:
        """[I, D]."""
        items = self.model.items.weight
        return self[torch.arange(len(items), device=items.device)]

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, 2 D]: what is trained of item and entity."""
        return torch.cat([self.model.items[ids], self.model.entities[ids]], dim=-1)


def apart(scored: Scored) -> Tensor:
    """- sigmoid(s+) + the mean of sigmoid(s-), of logits: [T]."""
    return scored.mean(torch.sigmoid(scored.against)) - torch.sigmoid(scored.positive)


def build(config: Config, prepared: Prepared) -> MKR:
    """An MKR for the users, items and graph that training saw."""
    triples = needs_triples(prepared, "MKR").with_inverses()
    sizes = prepared.n_users, prepared.n_items, triples.n_entities, triples.n_relations
    return MKR(*sizes, config.embed_dim, config.low_layers, config.high_layers)


def recipe(config: Config, prepared: Prepared) -> Alternate:
    """Some epochs of choices, then one of the graph."""
    training, triples = config.training, needs_triples(prepared, "MKR").with_inverses()
    pairs = Pairs(prepared.train, training.batch_size)
    choosing = objective_of(prepared, pairs, Composition(loss="binary_cross_entropy", negative_count=config.negative_count), {})
    of_items = triples.head < prepared.n_items
    ends = triples.head[of_items], triples.relation[of_items], triples.tail[of_items]
    facts = FactBatches(*ends, triples.n_entities, training.batch_size, config.negative_count)
    first, second = shares(training.epochs, (config.choice_epochs, 1))
    slower = {"epochs": second, "learning_rate": training.learning_rate * config.knowledge_rate}
    both = "items", "entities", "units"
    return Alternate(
        [
            Turn((*both, "users", "of_users"), pairs, choosing, training.model_copy(update={"epochs": first}), config.choice_epochs),
            Turn((*both, "relations", "of_relations", "towards_tails"), facts, AgainstFalse(apart), training.model_copy(update=slower)),
        ]
    )
