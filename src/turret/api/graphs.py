"""The graphs beside a log, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from turret.core.interactions import IntArray
from turret.data.beside import Social, Triples
from turret.data.prepared import Prepared


@dataclass(frozen=True)
class KnowledgeFigures:
    """A knowledge graph in figures. An item is one that training saw; inverse triples are counted where they were asked for.

    Attributes:
        triples, entities, relations: how many there are; entities are those of some triple, items among them.
        items: how many items some triple tells of.
        share_of_items: these, of all items.
        triples_an_item: the mean number of triples that an item is in, over those that some triple tells of.
        connected: of the entities that are in some triple, the share in the largest connected component.
        frequent: the most frequent relations, and how many triples each has.
    """

    triples: int
    entities: int
    relations: int
    items: int
    share_of_items: float
    triples_an_item: float
    connected: float
    frequent: Mapping[str, int]


@dataclass(frozen=True)
class SocialFigures:
    """The links between users in figures. A user is one that training saw; the degree of a user is how many links go out from them.

    Attributes:
        links: how many there are.
        users: how many users have one, in either direction.
        share_of_users: these, of all users.
        mean_degree: over the users that have a link, in either direction.
        max_degree: of all users.
        reciprocity: the share of links whose opposite is there too.
        connected: of the users that have a link, the share in the largest connected component.
    """

    links: int
    users: int
    share_of_users: float
    mean_degree: float
    max_degree: int
    reciprocity: float
    connected: float


def figures_of(prepared: Prepared) -> dict[str, KnowledgeFigures | SocialFigures]:
    """The figures of the graphs beside a log, by "knowledge" and "social"; of those that there are."""
    found: dict[str, KnowledgeFigures | SocialFigures] = {}
    if prepared.triples is not None:
        found["knowledge"] = figures_of_triples(prepared.triples)
    if prepared.social is not None:
        found["social"] = figures_of_links(prepared.social, prepared.n_users)
    return found


def figures_of_triples(graph: Triples, frequent: int = 10) -> KnowledgeFigures:
    """The figures of a knowledge graph.

    Args:
        graph: what is described.
        frequent: how many relations are named.
    """
    degree = np.bincount(graph.head, minlength=graph.n_entities) + np.bincount(graph.tail, minlength=graph.n_entities)
    uses = np.bincount(graph.relation, minlength=graph.n_relations)
    items = int(np.count_nonzero(graph.told_of))
    return KnowledgeFigures(
        triples=len(graph),
        entities=int(np.count_nonzero(degree)),
        relations=graph.n_relations,
        items=items,
        share_of_items=_share(items, graph.n_items),
        triples_an_item=_share(int(degree[: graph.n_items].sum()), items),
        connected=_connected(graph.head, graph.tail, graph.n_entities),
        frequent={graph.relations.token(int(each)): int(uses[each]) for each in np.argsort(-uses, kind="stable")[:frequent]},
    )


def figures_of_links(graph: Social, n_users: int) -> SocialFigures:
    """The figures of the links between `n_users` users."""
    degree = np.bincount(graph.source, minlength=n_users)
    users = int(np.count_nonzero(degree + np.bincount(graph.target, minlength=n_users)))
    there, back = (one.astype(np.int64) * n_users + other for one, other in ((graph.source, graph.target), (graph.target, graph.source)))
    return SocialFigures(
        links=len(graph),
        users=users,
        share_of_users=_share(users, n_users),
        mean_degree=_share(len(graph), users),
        max_degree=int(degree.max(initial=0)),
        reciprocity=_share(int(np.count_nonzero(np.isin(back, there, assume_unique=True))), len(graph)),
        connected=_connected(graph.source, graph.target, n_users),
    )


def _connected(one: IntArray, other: IntArray, n: int) -> float:
    """Of the nodes that have an edge, the share in the largest component of the graph without directions."""
    linked = np.zeros(n, dtype=bool)
    linked[one] = linked[other] = True
    if not linked.any():
        return 0.0
    edges = sp.coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), shape=(n, n))
    _, component = sp.csgraph.connected_components(edges, directed=False)
    return _share(int(np.bincount(component[linked]).max()), int(np.count_nonzero(linked)))


def _share(count: int, of: int) -> float:
    return count / of if of else 0.0
