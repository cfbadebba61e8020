"""KGNN-LS: KGCN, whose weights of relations should also take a user's labels from item to item through the graph.

    a_u(e, k) = softmax over the K neighbours of e of  <u, r_ek>
    e_u' = s(W (e_u + sum over k of a_u(e, k) e_u,k) + b),    y_ui = <u, i_u>  after H layers
    l_u(e) = 1 or 0 at items that u took or not, and at other entities, and at the item asked about,
             what H times  l_u(e) <- sum over k of a_u(e, k) l_u(k)  makes of 1/2
    minimise  sum over (u, i) and unseen j of  J(y_ui, 1) + J(y_uj, 0)  +  lambda (J(l_u(i), 1) + J(l_u(j), 0))
              J the cross-entropy, of a logit y and of a probability l

H. Wang, F. Zhang, M. Zhang, J. Leskovec, M. Zhao, W. Li, Z. Wang. "Knowledge-aware Graph Neural Networks with Label Smoothness
Regularization for Recommender Systems." KDD 2019, arXiv 1905.04413, section 3. Edges, neighbours and layers are as in KGCN here, as they
are in the authors' code.

Deviations: weights are normalised by the softmax of the authors' code in place of degrees; a label is the weighted mean over neighbours, as
in the paper, where its code divides it by K once more and takes it for a logit; every item has a label, as in the paper, where the code
knows those of its sample alone.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.core.context import Context, Reads
from turret.data.prepared import Prepared
from turret.graphs.neighbours import Neighbours, neighbours
from turret.graphs.relations import TypedEdges
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.nn.user_convolution import UserConvolution
from turret.sampling.seen import Seen
from turret.training.config import Training
from turret.training.objectives.judged import Judged
from turret.training.procedures import Gradient

LEAST = 1e-6
"""How near a predicted label comes to 0 and 1, so that its logarithm is finite."""


class Config(BaseModel):
    """KGNN-LS's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=32, ge=1)
    """Width of all vectors."""
    neighbour_count: int = Field(default=4, ge=1)
    """K, how many neighbours of each entity are drawn."""
    hops: int = Field(default=2, ge=1)
    """H, how far an item looks, and labels go; with 1, labels reach an item only where items are neighbours."""
    smoothness_weight: float = Field(default=1.0, ge=0)
    """lambda; 0 is KGCN."""
    negative_count: int = Field(default=1, ge=1)
    """Unseen items that each right one is compared with, drawn uniformly."""
    training: Training = Training(learning_rate=0.005, batch_size=1024, weight_decay=1e-7, epochs=200, early_stop_patience=10)
    """How it is trained."""


class KGNNLS(nn.Module):
    """A convolution for each user, whose weights also carry labels.

    Args:
        n_users, n_items, n_relations: how many there are.
        field: the drawn neighbours of all entities.
        embed_dim: D.
        hops: H.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, n_relations: int, field: Neighbours, embed_dim: int, hops: int) -> None:
        super().__init__()
        self.convolution = UserConvolution(n_users, n_items, n_relations, field, embed_dim, hops)

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """y: int64 [T], [T, C] -> [T, C]."""
        return self.convolution.pairs(users, items)

    def labels(self, users: Tensor, items: Tensor, seen: Seen) -> Tensor:
        """l_u(i): int64 [T], [T, C], and what users took -> [T, C], from 0 to 1."""
        field = self.convolution.field(items)
        weights = self.convolution.attention(self.convolution.users[users], field)
        fixed = [self._known(nodes, items) for nodes in field]
        labels = [
            torch.where(known, seen.contains(users, torch.where(known, nodes, 0)).to(weights[0].dtype), 0.5)
            for known, nodes in zip(fixed, field, strict=True)
        ]
        for _ in self.convolution.layers:
            received = [(a * of.view(a.shape)).sum(dim=2) for a, of in zip(weights, labels[1:], strict=False)]
            labels = [torch.where(known, of, more) for known, of, more in zip(fixed, labels, received, strict=False)]
        return labels[0]

    def _known(self, nodes: Tensor, items: Tensor) -> Tensor:
        """bool [T, C K^h]: whether a node has a label, being an item, and not the one whose field it is in."""
        asked = items.repeat_interleave(nodes.shape[1] // items.shape[1], dim=1)
        return (nodes < self.convolution.n_items) & (nodes != asked)

    def score_all(self, context: Context) -> Tensor:
        """y of all items: [B, I]."""
        assert context.users is not None
        return self.convolution.all(context.users)


class Smoothness:
    """J(l_u(i), 1) of the right item, J(l_u(j), 0) of the others.

    Args:
        seen: what users took.
    """

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def __call__(self, model: KGNNLS, users: Tensor, items: Tensor) -> Tensor:
        """[T, C]."""
        labels = model.labels(users, items, self.seen).clamp(LEAST, 1 - LEAST)
        return -torch.cat([labels[:, :1].log(), torch.log1p(-labels[:, 1:])], dim=1)


def build(config: Config, prepared: Prepared) -> KGNNLS:
    """A KGNN-LS on the dataset's knowledge graph."""
    graph = needs_triples(prepared, "KGNN-LS").with_inverses()
    edges = TypedEdges(graph.head, graph.relation, graph.tail, graph.n_entities, graph.n_relations)
    generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    field = neighbours(edges, torch.arange(graph.n_entities), config.neighbour_count, generator)
    return KGNNLS(prepared.n_users, prepared.n_items, graph.n_relations, field, config.embed_dim, config.hops)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros, and labels against those of their neighbours."""
    seen = Seen(prepared.train)
    beside = [(config.smoothness_weight, Smoothness(seen))]
    objective = Judged(against_zeros(binary_cross_entropy), seen, config.negative_count, beside)
    return Gradient(Pairs(prepared.train, config.training.batch_size), objective, config.training)
