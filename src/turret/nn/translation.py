"""Knowledge graphs as translations: what a relation leads to from a head is near its tails.

    d(h, r, t) = | P_r(h) + r - P_r(t) |^2

    TransE   P_r(e) = e
    TransH   P_r(e) = e - <w_r, e> w_r
    TransR   P_r(e) = M_r e
    TransD   P_r(e) = (r' e'^T + I) e

A. Bordes, N. Usunier, A. Garcia-Duran, J. Weston, O. Yakhnenko. "Translating Embeddings for Modeling Multi-relational Data." NIPS 2013.
Z. Wang, J. Zhang, J. Feng, Z. Chen. "Knowledge Graph Embedding by Translating on Hyperplanes." AAAI 2014.
Y. Lin, Z. Liu, M. Sun, Y. Liu, X. Zhu. "Learning Entity and Relation Embeddings for Knowledge Graph Completion." AAAI 2015.
G. Ji, S. He, L. Xu, K. Liu, J. Zhao. "Knowledge Graph Embedding via Dynamic Mapping Matrix." ACL 2015.

The papers bound lengths: |e| = 1 in TransE; |e| <= 1 in TransH; |e| <= 1, |r| <= 1 and |P_r(e)| <= 1 in TransR and TransD; and in TransH
|w_r| = 1, with r all but in the hyperplane. Here a bound holds where a vector is read: the trained vectors are free, so that a step touches
only the rows that it reads. A model that has L2 terms in the place of bounds passes `FREE`.

Deviations: the squared Euclidean distance throughout, of TransE's two; r lies in TransH's hyperplane exactly, where the paper has a term
that tolerates a little; relations of TransE stay as long as they become, as in the paper, which shortens them once; TransR and TransD begin
with P_r near the identity, but not with what TransE found before.

N entities, R relations, D width of entities, K that of relations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.nn.tables import Table

Bound = Callable[[Tensor], Tensor]
"""[*S, D] -> [*S, D], of bounded length."""


def free(vectors: Tensor) -> Tensor:
    """As long as they are."""
    return vectors


def of_length_one(vectors: Tensor) -> Tensor:
    """v / |v|."""
    return F.normalize(vectors, dim=-1)


def in_ball(vectors: Tensor) -> Tensor:
    """v / max(1, |v|)."""
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / length.clamp(min=1)


@dataclass(frozen=True)
class Bounds:
    """How long vectors may be.

    Attributes:
        entities: of e.
        relations: of r.
        projected: of P_r(e).
    """

    entities: Bound = free
    relations: Bound = free
    projected: Bound = free


FREE = Bounds()
UNIT = Bounds(entities=of_length_one)
BALL = Bounds(entities=in_ball)
BALLS = Bounds(in_ball, in_ball, in_ball)


class Projection(Protocol):
    """P_r."""

    def __call__(self, vectors: Tensor, entities: Tensor, relations: Tensor) -> Tensor:
        """float [*S, D] the vectors of entities int64 [*S], by relations int64 that broadcast to [*S] -> [*S, K]."""
        ...

    def moved(self, vectors: Tensor, relations: Tensor) -> Tensor:
        """float [*S, K] the vectors of relations int64 [*S] -> [*S, K], what they add to P_r(h)."""
        ...


class Translation(nn.Module):
    """A vector for each entity and each relation.

    Both begin uniform in a cube and are then brought to length 1, as in TransE; where nothing bounds lengths, Xavier-normal, so that what
    is hardly ever read stays near 0.

    Args:
        n_entities: N.
        n_relations: R.
        width: D.
        relation_width: K.
        projection: from D to K.
        bounds: of lengths.

    Attributes:
        entities, relations: the tables.
    """

    def __init__(
        self, n_entities: int, n_relations: int, width: int, relation_width: int, projection: Projection, bounds: Bounds = FREE
    ) -> None:
        super().__init__()
        begun = Table if bounds == FREE else unit_table
        self.entities, self.relations = begun(n_entities, width), begun(n_relations, relation_width)
        self.projection, self.bounds = projection, bounds

    def vectors(self, entities: Tensor) -> Tensor:
        """e: int64 [*S] -> [*S, D]."""
        return self.bounds.entities(self.entities[entities])

    def projected(self, entities: Tensor, relations: Tensor) -> Tensor:
        """P_r(e): int64 [*S], int64 that broadcasts to it -> [*S, K]."""
        return self.bounds.projected(self.projection(self.vectors(entities), entities, relations))

    def translated(self, heads: Tensor, relations: Tensor) -> Tensor:
        """P_r(h) + r: int64 [*S], int64 that broadcasts to it -> [*S, K]."""
        moved = self.projection.moved(self.bounds.relations(self.relations[relations]), relations)
        return self.projected(heads, relations) + moved

    def distance(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """d(h, r, t): int64 [*S] each, or what broadcasts to it, relations to both others -> [*S]."""
        return (self.translated(heads, relations) - self.projected(tails, relations)).square().sum(dim=-1)

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """- d(h, r, t), higher for what is rather true: likewise."""
        return -self.distance(heads, relations, tails)


class Same(nn.Module):
    """P_r(e) = e."""

    def forward(self, vectors: Tensor, entities: Tensor, relations: Tensor) -> Tensor:
        """[*S, D] -> the same."""
        return vectors

    def moved(self, vectors: Tensor, relations: Tensor) -> Tensor:
        """r."""
        return vectors


class Hyperplanes(nn.Module):
    """P_r(e) = e - <w_r, e> w_r, and r likewise.

    Args:
        n_relations: R.
        width: D.

    Attributes:
        normals: of the hyperplanes, before they are brought to length 1.
    """

    def __init__(self, n_relations: int, width: int) -> None:
        super().__init__()
        self.normals = unit_table(n_relations, width)

    def forward(self, vectors: Tensor, entities: Tensor, relations: Tensor) -> Tensor:
        """[*S, D] -> [*S, D]."""
        return onto_hyperplane(vectors, of_length_one(self.normals[relations]))

    def moved(self, vectors: Tensor, relations: Tensor) -> Tensor:
        """r - <w_r, r> w_r."""
        return onto_hyperplane(vectors, of_length_one(self.normals[relations]))


def onto_hyperplane(vectors: Tensor, normals: Tensor) -> Tensor:
    """e - <w, e> w: [*S, D], w that broadcasts to it -> [*S, D]."""
    return vectors - (vectors * normals).sum(dim=-1, keepdim=True) * normals


class Matrices(nn.Module):
    """P_r(e) = M_r e, which begins as the identity.

    Args:
        n_relations: R.
        width, relation_width: D, K.

    Attributes:
        weight: M, [R, K, D].
    """

    def __init__(self, n_relations: int, width: int, relation_width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(relation_width, width).repeat(n_relations, 1, 1))

    def forward(self, vectors: Tensor, entities: Tensor, relations: Tensor) -> Tensor:
        """[*S, D] -> [*S, K]. Vectors of one relation are multiplied together, so that no matrix is copied."""
        of_each = relations.expand(entities.shape).flatten()
        order = of_each.argsort(stable=True)
        sizes = of_each.bincount(minlength=len(self.weight)).tolist()
        groups = torch.split(vectors.flatten(0, -2).index_select(0, order), sizes)
        products = torch.cat([group @ matrix.T for group, matrix in zip(groups, self.weight.unbind(), strict=True) if len(group)])
        return products.index_select(0, order.argsort()).view(*entities.shape, -1)

    def moved(self, vectors: Tensor, relations: Tensor) -> Tensor:
        """r."""
        return vectors


class DynamicMatrices(nn.Module):
    """P_r(e) = (r' e'^T + I) e, with a second vector of each entity and each relation.

    Args:
        n_entities, n_relations: N, R.
        width, relation_width: D, K.

    Attributes:
        of_entities, of_relations: e' and r', which begin small.
    """

    def __init__(self, n_entities: int, n_relations: int, width: int, relation_width: int) -> None:
        super().__init__()
        self.of_entities, self.of_relations = Table(n_entities, width, std=0.1), Table(n_relations, relation_width, std=0.1)

    def forward(self, vectors: Tensor, entities: Tensor, relations: Tensor) -> Tensor:
        """[*S, D] -> [*S, K]; I leaves off what is too long and fills up with zeros."""
        along = (self.of_entities[entities] * vectors).sum(dim=-1, keepdim=True)
        short = self.of_relations.weight.shape[1] - vectors.shape[-1]
        return F.pad(vectors, (0, short)) + along * self.of_relations[relations]

    def moved(self, vectors: Tensor, relations: Tensor) -> Tensor:
        """r."""
        return vectors


def trans_e(n_entities: int, n_relations: int, width: int, bounds: Bounds = UNIT) -> Translation:
    """TransE."""
    return Translation(n_entities, n_relations, width, width, Same(), bounds)


def trans_h(n_entities: int, n_relations: int, width: int, bounds: Bounds = BALL) -> Translation:
    """TransH."""
    return Translation(n_entities, n_relations, width, width, Hyperplanes(n_relations, width), bounds)


def trans_r(n_entities: int, n_relations: int, width: int, relation_width: int | None = None, bounds: Bounds = BALLS) -> Translation:
    """TransR; K is D unless said otherwise."""
    relation_width = relation_width or width
    return Translation(n_entities, n_relations, width, relation_width, Matrices(n_relations, width, relation_width), bounds)


def trans_d(n_entities: int, n_relations: int, width: int, relation_width: int | None = None, bounds: Bounds = BALLS) -> Translation:
    """TransD; K is D unless said otherwise."""
    relation_width = relation_width or width
    dynamic = DynamicMatrices(n_entities, n_relations, width, relation_width)
    return Translation(n_entities, n_relations, width, relation_width, dynamic, bounds)


class Maker(Protocol):
    """Makes a translation, with its paper's bounds or with others."""

    def __call__(self, n_entities: int, n_relations: int, width: int, *, bounds: Bounds = ...) -> Translation:
        """From N, R and D = K."""
        ...


TranslationName = Literal["transe", "transh", "transr", "transd"]

TRANSLATIONS: dict[TranslationName, Maker] = {"transe": trans_e, "transh": trans_h, "transr": trans_r, "transd": trans_d}
"""The translations by the names that they have in configurations."""


class Reached:
    """The first entities as what one relation leads to: a table of P_r(e), which a query P_r(h) + r is near.

    Args:
        translation: of the graph.
        relation: r.
        n: how many entities.
    """

    def __init__(self, translation: Translation, relation: int, n: int) -> None:
        self.translation, self.relation, self.n = translation, relation, n

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, K]."""
        return self.translation.projected(ids, torch.full_like(ids, self.relation))

    def dense(self) -> Tensor:
        """[n, K]."""
        return self[torch.arange(self.n, device=self.translation.entities.weight.device)]

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]: the entities' vectors as they are trained."""
        return self.translation.entities[ids]


def unit_table(n: int, width: int) -> Table:
    """A table whose vectors begin uniform in a cube and are then brought to length 1."""
    table = Table(n, width)
    with torch.no_grad():
        table.weight.copy_(of_length_one(nn.init.uniform_(table.weight, -1, 1)))
    return table
