"""Neighbourhoods of a fixed size, drawn from those of a graph: without replacement where there are enough neighbours, with it where not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from turret.graphs.relations import TypedEdges


@dataclass(frozen=True, slots=True)
class Neighbours:
    """K neighbours of each of n nodes.

    Attributes:
        tails: int64 [n, K] who they are; the node itself where it has none.
        relations: int64 [n, K] by which relation; 0 where it has none.
        mask: bool [n], False for nodes without neighbours.
    """

    tails: Tensor
    relations: Tensor
    mask: Tensor


def neighbours(edges: TypedEdges, nodes: Tensor, size: int, generator: torch.Generator) -> Neighbours:
    """`size` edges of each node, as KGCN draws them.

    H. Wang, M. Zhao, X. Xie, W. Li, M. Guo. "Knowledge Graph Convolutional Networks for Recommender Systems." WWW 2019, section 3.2.
    Deviation: a node that has no neighbours is its own, where the authors' code takes entity 0.

    Args:
        edges: the graph.
        nodes: int64 [n] whose.
        size: K.
        generator: on the device of the edges.
    """
    first, counts = edges.offsets[nodes], edges.offsets[nodes + 1] - edges.offsets[nodes]
    mask = counts > 0
    places = torch.where(mask[:, None], first[:, None] + some_of(counts, size, generator), 0)
    if not len(edges):
        return Neighbours(nodes[:, None].expand(-1, size), torch.zeros_like(places), mask)
    return Neighbours(
        torch.where(mask[:, None], edges.tails[places], nodes[:, None]), torch.where(mask[:, None], edges.relations[places], 0), mask
    )


def some_of(counts: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` of the numbers 0..count-1 for each count: all different where the count allows it, independent of each other where not.

    Without replacement every subset is equally likely (R. W. Floyd's algorithm: J. Bentley, B. Floyd, "A Sample of Brilliance",
    Communications of the ACM 1987), though not every order of it; nothing is sorted, however large a count is.

    Args:
        counts: int64 [n].
        size: K.
        generator: on the device of `counts`.

    Returns:
        int64 [n, K]; zeros where a count is 0.
    """
    uniform = torch.rand((size, len(counts)), generator=generator, device=counts.device, dtype=torch.float64)
    drawn = torch.zeros((len(counts), size), dtype=torch.int64, device=counts.device)
    enough = counts >= size
    for k in range(size):
        upper = torch.where(enough, counts - size + k + 1, counts)
        number = (uniform[k] * upper).long().minimum((upper - 1).clamp(min=0))
        taken = enough & (drawn[:, :k] == number[:, None]).any(dim=1)
        drawn[:, k] = torch.where(taken, upper - 1, number)
    return drawn
