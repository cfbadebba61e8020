"""Hypergraphs, whose edges join any number of nodes."""

from __future__ import annotations

from torch import Tensor, nn

from turret.core.interactions import IntArray
from turret.graphs.edges import Edges, distinct


class Hypergraph(nn.Module):
    """D_v^-1 H D_e^-1 H^T: each node's mean over its hyperedges of the mean over their nodes. H is 1 where a node is in a hyperedge.

    Y. Feng, H. You, Z. Zhang, R. Ji, Y. Gao. "Hypergraph Neural Networks." AAAI 2019, in the row-normalised form of J. Yu, H. Yin, J. Li,
    Q. Wang, N. Q. V. Hung, X. Zhang. "Self-Supervised Multi-Channel Hypergraph Convolutional Network for Social Recommendation." WWW 2021,
    equation 3.

    Args:
        nodes, hyperedges: int [E] which node is in which hyperedge; what is given several times counts once.
        shape: how many nodes, and how many hyperedges.
    """

    def __init__(self, nodes: IntArray, hyperedges: IntArray, shape: tuple[int, int]) -> None:
        super().__init__()
        nodes, hyperedges = distinct(nodes, hyperedges, shape[1])
        self.over_nodes = Edges(hyperedges, nodes, shape[::-1]).random_walk()
        self.over_hyperedges = Edges(nodes, hyperedges, shape).random_walk()

    def forward(self, x: Tensor) -> Tensor:
        """float [V, D] -> [V, D]; zeros for a node in no hyperedge."""
        return self.over_hyperedges(self.over_nodes(x))  # type: ignore[no-any-return]
