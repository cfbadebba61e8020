"""The strongest paths from some nodes of a graph to one, where a path's weight is the product of those of its edges.

Best first (P. E. Hart, N. J. Nilsson, B. Raphael. "A Formal Basis for the Heuristic Determination of Minimum Cost Paths." IEEE Transactions
on Systems Science and Cybernetics 1968): backwards from the target, hop by hop, the largest weight that is still to be had from each node
is found, and of all paths begun the one is carried on that can come to most. No path is followed that leads elsewhere, and those that are
found come in the order of their weights.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turret.core.contracts import Path
from turret.core.interactions import IntArray

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hop:
    """The edges that one step of a path may take.

    Attributes:
        heads: int [E], ascending.
        relations, tails: int [E].
        weights: float64 [E], at least 0; an edge of weight 0 is none.
    """

    heads: IntArray
    relations: IntArray
    tails: IntArray
    weights: Weights


def strongest(starts: IntArray, weights: Weights, hops: Sequence[Hop], target: int, n_nodes: int, count: int) -> list[Path]:
    """The paths of the largest weights that end at a node, the largest first; of equal ones, smaller ids first.

    A path takes a step of each hop in turn until it is there, at least one, and passes no node twice.

    Args:
        starts: int [S] where paths begin, each once; the target itself is passed over.
        weights: float64 [S], at least 0: what a path's weight is multiplied by for where it begins.
        hops: of the first step, the second, ...
        target: where paths end.
        n_nodes: how many nodes there are.
        count: paths, at most.
    """
    ahead = _ahead(hops, target, n_nodes)
    begun: list[tuple[float, tuple[int, ...], tuple[int, ...], float]] = []  # first what can come of it, negative: a heap gives the least

    def begin(bound: float, entities: tuple[int, ...], relations: tuple[int, ...], weight: float) -> None:
        if bound > 0:
            heapq.heappush(begun, (-bound, entities, relations, weight))

    for node, weight in zip(starts.tolist(), weights.tolist(), strict=True):
        if node != target:
            begin(weight * ahead[0][node], (node,), (), weight)
    found: list[Path] = []
    while begun and len(found) < count:
        _, entities, relations, weight = heapq.heappop(begun)
        if entities[-1] == target:
            found.append(Path(entities, relations, weight))
            continue
        edges, rest = hops[len(relations)], ahead[len(relations) + 1]
        first, last = np.searchsorted(edges.heads, [entities[-1], entities[-1] + 1])
        columns = (part[first:last].tolist() for part in (edges.relations, edges.tails, edges.weights))
        for relation, tail, of_edge in zip(*columns, strict=True):
            if tail not in entities:
                begin(weight * of_edge * rest[tail], (*entities, tail), (*relations, relation), weight * of_edge)
    return found


def _ahead(hops: Sequence[Hop], target: int, n_nodes: int) -> list[Weights]:
    """For each number of steps taken, 0 to all, float64 [n_nodes] the largest weight of what leads on from a node to the target."""
    rest = np.zeros(n_nodes)
    rest[target] = 1
    found = [rest]
    for edges in reversed(hops):
        values = edges.weights * rest[edges.tails]
        leading = np.flatnonzero(values)
        rest = np.zeros(n_nodes)
        np.maximum.at(rest, edges.heads[leading], values[leading])
        rest[target] = 1
        found.append(rest)
    return found[::-1]


def gathered(heads: IntArray, relations: IntArray, tails: IntArray, weights: Weights) -> Hop:
    """A hop of edges [E] in any order; one that is given several times is one edge, of the sum of its weights."""
    edges, place = np.unique(np.stack([heads, relations, tails]), axis=1, return_inverse=True)
    return Hop(edges[0], edges[1], edges[2], np.bincount(place.reshape(-1), weights, minlength=edges.shape[1]).astype(np.float64))
