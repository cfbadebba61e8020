"""The mean over a node's edges of what its neighbours are, each weighed number by number by its relation's vector.

    e_h' = 1 / |N_h|  sum over the edges (h, r, t) of h of  e_r o e_t

Edges are by head and then by relation, so that the tails of one head and relation are summed before their relation weighs them: [E, D]
never exists, nor does anything scatter. E edges, G different pairs of head and relation, N nodes, R relations, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.graphs.propagation import from_entries
from turret.graphs.relations import TypedEdges
from turret.graphs.segments import Segments


class RelationalMean(nn.Module):
    """It moves with the model, but is not saved with it.

    Args:
        edges: of the graph.
        first: how many nodes, the first ones, means are asked of: M; None: of all.
    """

    relation: Tensor

    def __init__(self, edges: TypedEdges, first: int | None = None) -> None:
        super().__init__()
        first = edges.n_nodes if first is None else first
        offsets = edges.offsets[: first + 1]
        heads, relations, tails = (part[: int(offsets[-1])] for part in (edges.heads, edges.relations, edges.tails))
        kinds, group = torch.unique_consecutive(heads * edges.n_relations + relations, return_inverse=True)
        share = offsets.diff().double().reciprocal()[heads]
        self.tails = from_entries(group.numpy(), tails.numpy(), share.numpy(), (len(kinds), edges.n_nodes))
        counts = (kinds // edges.n_relations).bincount(minlength=first)
        self.by_head = Segments(F.pad(counts.cumsum(dim=0), (1, 0)))
        self.register_buffer("relation", kinds % edges.n_relations, persistent=False)

    def forward(self, nodes: Tensor, relations: Tensor) -> Tensor:
        """float [N, D], [R, D] -> [M, D]; zeros for a node without edges."""
        return self.by_head.sum(self.tails(nodes) * F.embedding(self.relation, relations))
