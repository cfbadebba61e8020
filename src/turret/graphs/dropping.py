"""Leaving edges of a graph out at random: masks for the propagations of `graphs.edges`.

J. Wu, X. Wang, F. Feng, X. He, L. Chen, J. Lian, X. Xie. "Self-supervised Graph Learning for Recommendation." SIGIR 2021, section 3.1.
Each edge, or node, is left out for itself, so that how many go varies by a little; the authors' code leaves out an exact number.
"""

from __future__ import annotations

import torch
from torch import Tensor

from turret.graphs.edges import Edges


def edges_kept(edges: Edges, rate: float, generator: torch.Generator) -> Tensor:
    """bool [E], False for a share of the edges (SGL's edge dropout, and its random walk where each layer has a draw of its own).

    Args:
        edges: of a user-item block, or directed: an undirected edge of a square graph would lose its two directions one by one.
        rate: the probability with which an edge is left out.
        generator: on the device of the edges.
    """
    return torch.rand(len(edges), generator=generator, device=generator.device) >= rate


def edges_of_nodes_kept(edges: Edges, rate: float, generator: torch.Generator) -> Tensor:
    """bool [E], False for the edges of a share of the nodes (SGL's node dropout); rows and columns are nodes of two kinds.

    Args:
        edges: of a user-item block.
        rate: the probability with which a node is left out.
        generator: on the device of the edges.
    """
    rows, columns = (torch.rand(n, generator=generator, device=generator.device) >= rate for n in edges.shape)
    return rows[edges.rows] & columns[edges.columns]
