"""Ripple sets: what the items of a user's history lead to in a knowledge graph, hop after hop.

H. Wang, F. Zhang, J. Wang, M. Zhao, W. Li, X. Xie, M. Guo. "RippleNet: Propagating User Preferences on the Knowledge Graph for Recommender
Systems." CIKM 2018, section 3.3.

    E_u^0 = the items that u chose,    S_u^k = {(h, r, t) : h in E_u^(k-1)},    E_u^k = {t : (h, r, t) in S_u^k}                (1), (2)

Of each set so many triples are drawn, and, as in the authors' code, the next hop goes on from those that were drawn; a set that is empty
is that of the hop before. Deviations: heads are a set, as in the equations, where the code counts one that was reached several times as
often; a user whose items have no triples at all is masked, where the code leaves the user out of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.graphs.neighbours import some_of
from turret.graphs.relations import TypedEdges


@dataclass(frozen=True, slots=True)
class Ripples:
    """M triples of each of K hops around each of U users.

    Attributes:
        heads, relations, tails: int64 [U, K, M]; zeros for a user without any.
        mask: bool [U], False for users whose items have no triples.
    """

    heads: Tensor
    relations: Tensor
    tails: Tensor
    mask: Tensor


def ripple_sets(edges: TypedEdges, users: Tensor, items: Tensor, n_users: int, hops: int, size: int, generator: torch.Generator) -> Ripples:
    """The ripple sets of all users.

    Args:
        edges: the knowledge graph, whose entity i is item i.
        users, items: int64 [n] the choices of the training part.
        n_users: U.
        hops: K.
        size: M.
        generator: on the device of the edges.
    """
    owner, seed = users, items
    places = torch.zeros((n_users, size), dtype=torch.int64, device=seed.device)
    mask = torch.zeros(n_users, dtype=torch.bool, device=seed.device)
    found = []
    for hop in range(hops):
        fresh, any_there = _hop(edges, owner, seed, n_users, size, generator)
        places = torch.where(any_there[:, None], fresh, places)
        mask = any_there if hop == 0 else mask
        found.append(places)
        owner = torch.arange(n_users, device=seed.device)[mask].repeat_interleave(size)
        seed = edges.tails[places[mask].flatten()]
    chosen = torch.stack(found, dim=1)

    def of(column: Tensor) -> Tensor:
        return torch.where(mask[:, None, None], column[chosen] if len(column) else chosen, 0)

    return Ripples(of(edges.heads), of(edges.relations), of(edges.tails), mask)


def _hop(edges: TypedEdges, owner: Tensor, seed: Tensor, n_users: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The places of `size` edges that lead away from each user's seeds: int64 [U, M], and bool [U] whether there are any.

    All edges of a user's seeds are numbered through, seed after seed; numbers are drawn, and then looked for among the running counts.
    """
    pairs = torch.unique(owner * edges.n_nodes + seed)
    owner, seed = pairs // edges.n_nodes, pairs % edges.n_nodes
    first, counts = edges.offsets[seed], edges.offsets[seed + 1] - edges.offsets[seed]
    ends = F.pad(counts.cumsum(dim=0), (1, 0))
    begins = ends[torch.searchsorted(owner, torch.arange(n_users + 1, device=seed.device))]
    of_user = begins.diff()
    if not len(seed):
        return torch.zeros((n_users, size), dtype=torch.int64, device=seed.device), of_user > 0
    number = begins[:-1, None] + some_of(of_user, size, generator)
    which = (torch.searchsorted(ends, number, right=True) - 1).clamp(max=len(seed) - 1)
    return first[which] + number - ends[which], of_user > 0
