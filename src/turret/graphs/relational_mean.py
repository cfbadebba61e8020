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
    """

    relation: Tensor

    def __init__(self, edges: TypedEdges) -> None:
        super().__init__()
        kind = edges.heads * edges.n_relations + edges.relations  # ascending
        kinds, group = torch.unique_consecutive(kind, return_inverse=True)
        share = edges.offsets.diff().double().reciprocal()[edges.heads]
        self.tails = from_entries(group.numpy(), edges.tails.numpy(), share.numpy(), (len(kinds), edges.n_nodes))
        heads = (kinds // edges.n_relations).bincount(minlength=edges.n_nodes)
        self.by_head = Segments(F.pad(heads.cumsum(dim=0), (1, 0)))
        self.register_buffer("relation", kinds % edges.n_relations, persistent=False)

    def forward(self, nodes: Tensor, relations: Tensor) -> Tensor:
        """float [N, D], [R, D] -> [N, D]; zeros for a node without edges."""
        return self.by_head.sum(self.tails(nodes) * F.embedding(self.relation, relations))
