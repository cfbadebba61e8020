"""RippleNet: a user's choices send waves over a knowledge graph, and an item finds its answer among the triples that these meet.

    S_u^k: M triples (h, r, t) that lead away from what u chose, in the k-th step
    p_i = softmax over the triples i of S_u^k of  <v, R_i h_i>,    o^k = sum over i of p_i t_i           (4), (5)
    v <- W (v + o^k)     before the next step, and after the last
    u = o^1 + ... + o^K,    y_uv = <u, v>                                                                (6), (7)
    minimise  sum over (u, v) of  -ln sigmoid(y_uv)  -  ln sigmoid(-y_uj),    j unseen
              +  lambda_2 / 2  sum over triples, true and false, of (1 or 0 - <h, R t>)^2  +  lambda_1 / 2 |v|^2

H. Wang, F. Zhang, J. Wang, M. Zhao, W. Li, X. Xie, M. Guo. "RippleNet: Propagating User Preferences on the Knowledge Graph for Recommender
Systems." CIKM 2018, arXiv 1803.03467, section 3. An item becomes another one from step to step as in the authors' code, which gave the
published results; the paper goes on with o^k in the place of v.

Deviations: edges may be followed in both directions, an inverse having a matrix of its own, so that waves come back to items; as in the
paper, triples are drawn beside the pairs, true and false, where the code raises <h, R t> of those in the ripple sets; matrices R begin as
the identity; means over the batch; the L2 term is on its items. A user of whose choices the graph tells nothing has the answer 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches, PairsWithFacts, PositivesWithFacts
from turret.core.context import Context, Encoded, Positives, Query, Reads
from turret.core.contracts import Path, Step
from turret.data.prepared import Prepared
from turret.graphs.paths import gathered, strongest
from turret.graphs.relations import TypedEdges
from turret.graphs.ripples import Ripples, ripple_sets
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.nn.first_rows import FirstRows
from turret.nn.linear import Linear
from turret.nn.tables import Table
from turret.nn.translation import Matrices
from turret.sampling.uniform import Uniform
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.sampled import Sampled
from turret.training.procedures import Gradient

BLOCK = 1 << 22
"""Numbers of one step that `Answer.all` holds at once."""


class Config(BaseModel):
    """RippleNet's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of the vectors of entities."""
    hops: int = Field(default=2, ge=1)
    """K, how many steps waves go."""
    ripple_size: int = Field(default=32, ge=1)
    """M, the triples of a step that are drawn for each user, once."""
    fact_weight: float = Field(default=0.01, ge=0)
    """lambda_2, how much the triples of the graph themselves count."""
    l2: float = Field(default=1e-7, ge=0)
    """lambda_1, the weight of the L2 term on the items of the batch."""
    negative_count: int = Field(default=1, ge=1)
    """Unseen items that each right one is compared with, drawn uniformly."""
    training: Training = Training(learning_rate=0.01, batch_size=1024, epochs=200, early_stop_patience=10)
    """How it is trained."""


class Answer(nn.Module):
    """What an item finds in a user's ripple sets.

    Args:
        hops: K.
        size: M.
        width: D.
    """

    def __init__(self, hops: int, size: int, width: int) -> None:
        super().__init__()
        self.shape = hops, size, 2, width
        self.update = Linear(width, width, bias=False)
        nn.init.xavier_normal_(self.update.weight)  # an item keeps its length on its way

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """y: [Q, K M 2 D], [Q, C, D] -> [Q, C]."""
        return self.answered(query, items)[0]

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, K M 2 D], [I, D] -> [Q, I], by blocks of items."""
        size = max(1, BLOCK // (len(query) * max(self.shape[1], self.shape[3])))
        return torch.cat([self.pairs(query, block.expand(len(query), -1, -1)) for block in torch.split(items, size)], dim=1)

    def answered(self, query: Tensor, items: Tensor) -> tuple[Tensor, list[Tensor]]:
        """y [Q, C] and, of each step, p [Q, C, M]; a query is R h and t of its triples."""
        v, u, relevance = items, torch.zeros_like(items), []
        for triples in query.view(len(query), *self.shape).unbind(dim=1):
            keys, values = triples.unbind(dim=2)
            p = (v @ keys.transpose(1, 2)).softmax(dim=2)
            o = p @ values
            v, u = self.update(v + o), u + o
            relevance.append(p)
        return (u * v).sum(dim=2), relevance


class RippleNet(nn.Module):
    """Entities, matrices of relations, and the ripple sets of all users.

    Args:
        ripples: S. They are buffers that are saved, since another draw would be another model.
        n_items, n_entities, n_relations: how many there are; the first entities are the items.
        embed_dim: D.
    """

    reads = Reads(user=True)
    heads: Tensor
    relations: Tensor
    tails: Tensor
    reached: Tensor

    def __init__(self, ripples: Ripples, n_items: int, n_entities: int, n_relations: int, embed_dim: int) -> None:
        super().__init__()
        _, hops, size = ripples.heads.shape
        self.n_items = n_items
        self.entities = Table(n_entities, embed_dim)
        self.matrices = Matrices(n_relations, embed_dim, embed_dim)
        self.scorer = Answer(hops, size, embed_dim)
        for name in ("heads", "relations", "tails"):
            self.register_buffer(name, getattr(ripples, name).int())
        self.register_buffer("reached", ripples.mask)

    def encode(self) -> Encoded:
        """The entities that are items."""
        return Encoded(items=FirstRows(self.entities, self.n_items))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """R h and t of the triples in the users' ripple sets: [B, K M 2 D]."""
        assert context.users is not None
        heads, relations, tails = (part[context.users].long() for part in (self.heads, self.relations, self.tails))
        keys = self.matrices(self.entities[heads], heads, relations)
        triples = torch.stack([keys, self.entities[tails]], dim=3)
        return Query(triples.flatten(1) * self.reached[context.users, None])

    def plausibility(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """<h, R t>: int64 [T, 1], [T, 1], [T, N] -> [T, N]."""
        products: Tensor = self.entities[heads] * self.matrices(self.entities[tails], tails, relations)
        return products.sum(dim=-1)

    @torch.no_grad()
    def why(self, users: Tensor, items: Tensor, count: int) -> Sequence[Sequence[Path]]:
        """Paths through the user's ripple sets. A weight is the product of the p of its triples, those of one drawn twice added up."""
        encoded = self.encode()
        query = self.query(Context(users=users), encoded).vector
        _, relevance = self.scorer.answered(query, encoded.items[items][:, None])
        return [
            self._paths(user, item, [p[row, 0] for p in relevance], count) if self.reached[user] else []
            for row, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True))
        ]

    def _paths(self, user: int, item: int, relevance: Sequence[Tensor], count: int) -> list[Path]:
        """Of one user to one item."""
        heads, relations, tails = (part[user].cpu().numpy() for part in (self.heads, self.relations, self.tails))
        hops = [gathered(heads[k], relations[k], tails[k], p.double().cpu().numpy()) for k, p in enumerate(relevance)]
        chosen = np.unique(hops[0].heads)
        return strongest(chosen, np.ones(len(chosen)), hops, item, len(self.entities.weight), count)


def misjudged(model: RippleNet, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
    """The mean over the batch's triples of (1 - <h, R t>)^2, and of <h, R t>^2 over false ones beside them."""
    assert isinstance(batch, PositivesWithFacts)
    facts = batch.facts
    found = model.plausibility(facts.heads, facts.relations, facts.tails)
    false = found[:, 1:] if facts.mask is None else found[:, 1:] * facts.mask
    return ((1 - found[:, 0]).square() + false.square().sum(dim=1)).mean()


def build(config: Config, prepared: Prepared) -> RippleNet:
    """A RippleNet on the dataset's knowledge graph, and ripple sets of what users chose in the training part."""
    graph = needs_triples(prepared, "RippleNet").with_inverses()
    edges = TypedEdges(graph.head, graph.relation, graph.tail, graph.n_entities, graph.n_relations)
    users, items = (torch.tensor(ids, dtype=torch.int64) for ids in (prepared.train.user, prepared.train.item))
    generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    ripples = ripple_sets(edges, users, items, prepared.n_users, config.hops, config.ripple_size, generator)
    return RippleNet(ripples, prepared.n_items, graph.n_entities, graph.n_relations, config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros, and triples against false ones."""
    graph, size = needs_triples(prepared, "RippleNet").with_inverses(), config.training.batch_size
    facts = FactBatches(graph.head, graph.relation, graph.tail, graph.n_entities, size)
    sampler = Uniform(prepared.n_items, config.negative_count, prepared.train)
    main = Sampled(against_zeros(binary_cross_entropy), sampler, config.l2)
    objective = Beside(main, [(config.fact_weight / 2, misjudged)])
    # One thread: vectors are multiplied by the matrix of each relation, of which there are many with few vectors each.
    return Gradient(PairsWithFacts(Pairs(prepared.train, size), facts), objective, config.training, threads=1)
