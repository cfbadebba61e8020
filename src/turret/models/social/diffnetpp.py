"""DiffNet++: influence diffuses through the social graph and interest through the choices, and users weigh both, layer by layer.

    u^(k+1) = u^(k) + gamma_1 p~ + gamma_2 q~,    p~ = sum over v in S_u of alpha_uv u_v^(k),    q~ = sum over i in R_u of beta_ui v_i^(k)
    v^(k+1) = v^(k) + sum over u in R_i of eta_iu u_u^(k)
    alpha, beta, eta    softmaxes over each node's neighbours of MLP_2[u_u | u_v], MLP_3[u_u | v_i] and MLP_1[v_i | u_u]
    gamma               the softmax of MLP_4[u_u | p~] and MLP_4[u_u | q~]
    y_ui = <[u_u^(0) | ... | u_u^(K)], [v_i^(0) | ... | v_i^(K)]>
    minimise  L_bpr  +  (lambda / 2) |E|^2

    S_u  whom u follows,    R_u  what u chose in training,    R_i  who chose i

L. Wu, J. Li, P. Sun, R. Hong, Y. Ge, M. Wang. "DiffNet++: A Neural Influence and Interest Diffusion Network for Social Recommendation."
IEEE Transactions on Knowledge and Data Engineering 2020, arXiv 2002.00844, section 4. Each layer has MLPs of its own: one hidden unit with
tanh, and leaky relu after it, as in the authors' code.

Deviations: no features of users and items, so that the layer that fuses them with the free vectors falls away. That code halves the sum
that becomes u^(k+1), adds constants to what becomes gamma, weighs v^(k) against its neighbours, and learns by the squared error of a
sigmoid; here these are the paper's. L2 as in LightGCN here, on the table rows of a batch, averaged over its pairs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.core.interactions import IntArray
from turret.data.prepared import Prepared
from turret.graphs.aggregation import Aggregation
from turret.graphs.edges import distinct
from turret.graphs.segments import Segments
from turret.nn.linear import Linear
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient

SLOPE = 0.2


class Config(BaseModel):
    """DiffNet++'s settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=0)
    """K, how far influence and interest diffuse; 0 is matrix factorisation."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda, the weight of the L2 term on the table rows of the batch."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graphs; the paper's is BPR by the inner product."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, early_stop_patience=10)
    """How it is trained."""


class Neighbourhoods(nn.Module):
    """Who is around each node.

    Args:
        heads, tails: int [E], sorted by head.
        shape: how many nodes have neighbours, and how many can be some.
    """

    def __init__(self, heads: IntArray, tails: IntArray, shape: tuple[int, int]) -> None:
        super().__init__()
        of_heads = torch.from_numpy(heads).bincount(minlength=shape[0])
        offsets = F.pad(of_heads.cumsum(dim=0), (1, 0))
        self.segments = Segments(offsets)
        self.edges = Aggregation(offsets, torch.from_numpy(tails), shape[1])


class Attending(nn.Module):
    """A sum over each node's neighbours, weighted by a network of both.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = Linear(width, 1)
        self.other = Linear(width, 1, bias=False)
        self.last = Linear(1, 1, bias=False)

    def forward(self, around: Neighbourhoods, own: Tensor, others: Tensor) -> Tensor:
        """[H, D] of the nodes, [T, D] of their neighbours -> [H, D]; zeros for a node without any."""
        return around.edges.sums(self.weights(around, own, others), others)

    def weights(self, around: Neighbourhoods, own: Tensor, others: Tensor) -> Tensor:
        """The softmax over each node's edges: [E]."""
        of_own, of_others = self.own(own), self.other(others)
        one = [torch.ones_like(of_own), torch.ones_like(of_others)]
        # <[a, 1], [1, b]> = a + b at each edge
        sums = around.edges.products(torch.cat([of_own, one[0]], dim=1), torch.cat([one[1], of_others], dim=1))
        return around.segments.softmax(F.leaky_relu(self.last(torch.tanh(sums)[:, None]), SLOPE)[:, 0])


class Choosing(nn.Module):
    """MLP_4: how much influence and how much interest counts.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Linear(2 * width, 1)
        self.last = Linear(1, 1, bias=False)

    def forward(self, own: Tensor, influence: Tensor, interest: Tensor) -> tuple[Tensor, Tensor]:
        """u, p~ and q~ [U, D] -> gamma_1 and gamma_2 [U, 1]."""
        pairs = torch.stack([torch.cat([own, each], dim=1) for each in (influence, interest)])
        first, second = F.leaky_relu(self.last(torch.tanh(self.first(pairs))), SLOPE).softmax(dim=0)
        return first, second


class Layer(nn.Module):
    """One step of diffusion.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.influence, self.interest, self.audience = Attending(width), Attending(width), Attending(width)
        self.choosing = Choosing(width)

    def forward(
        self, users: Tensor, items: Tensor, follows: Neighbourhoods, chose: Neighbourhoods, chosen_by: Neighbourhoods
    ) -> tuple[Tensor, Tensor]:
        """u^(k) [U, D] and v^(k) [I, D] -> u^(k+1) and v^(k+1)."""
        influence, interest = self.influence(follows, users, users), self.interest(chose, users, items)
        first, second = self.choosing(users, influence, interest)
        return users + first * influence + second * interest, items + self.audience(chosen_by, items, users)


class DiffNetPP(nn.Module):
    """Two tables, and layers of influence and interest.

    Args:
        follows: whom each user follows.
        chose: what each user chose.
        chosen_by: who chose each item.
        n_users, n_items: rows of the tables.
        embed_dim: D.
        layers: K.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(
        self,
        follows: Neighbourhoods,
        chose: Neighbourhoods,
        chosen_by: Neighbourhoods,
        n_users: int,
        n_items: int,
        embed_dim: int,
        layers: int,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.follows, self.chose, self.chosen_by = follows, chose, chosen_by
        self.layers = nn.ModuleList(Layer(embed_dim) for _ in range(layers))
        self.scorer = scorer

    def encode(self) -> Encoded:
        """All users' and items' vectors of all layers, side by side."""
        users, items = self.users.dense(), self.items.dense()
        user_layers, item_layers = [users], [items]
        for layer in self.layers:
            users, items = layer(users, items, self.follows, self.chose, self.chosen_by)
            user_layers.append(users)
            item_layers.append(items)
        return Encoded(items=Computed(torch.cat(item_layers, dim=1), self.items), users=Computed(torch.cat(user_layers, dim=1), self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """[u^(0) | ... | u^(K)]: [B, (K + 1) D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> DiffNetPP:
    """A DiffNet++ on the links between the users that training saw, and on what they chose in it."""
    links, log = needs_social(prepared, "DiffNet++"), prepared.train
    n_users, n_items = log.n_users, log.n_items
    follows = Neighbourhoods(*distinct(links.source, links.target, n_users), (n_users, n_users))
    chose = Neighbourhoods(*distinct(log.user, log.item, n_items), (n_users, n_items))
    chosen_by = Neighbourhoods(*distinct(log.item, log.user, n_users), (n_items, n_users))
    scorer = scorer_of(config.composition, config.embed_dim * (config.layers + 1))
    return DiffNetPP(follows, chose, chosen_by, n_users, n_items, config.embed_dim, config.layers, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batches = Pairs(prepared.train, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training, l2=config.l2)
