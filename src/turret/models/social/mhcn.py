"""MHCN: users among the triangles that they are in, a channel for each kind of triangle, joined with what they chose.

    P_c^(0) = P^(0) o sigmoid(P^(0) W_c + b_c)    for the channels c = social, joint, purchase, and for r           (1)
    P_c^(l+1) = D_c^-1 A_c P_c^(l)                A_c how often two users are together in such triangles            (4)
    P_r^(l+1) = D_u^-1 R Q^(l),    Q^(l+1) = D_i^-1 R^T P_m^(l),    P_m^(l) = att(P_s^(l), P_j^(l), P_p^(l)) + P_r^(l) / 2
    att(P_s, P_j, P_p)_u = sum over c of  alpha_c p_c,    alpha = softmax over c of  a^T W p_c
    P = att(P_s*, P_j*, P_p*) + P_r* / 2,    Q = Q*,    where * is layer 0 and the directions of the rows of layers 1..L, summed
    y_ui = <p_u, q_i>

    P'_c = P o sigmoid(P W'_c + b'_c),    Z_c = D_c^-1 A_c P'_c,    h_c the mean of Z_c's rows,    Z~_c its rows and columns shuffled
    L_s = - sum over c, u of  ln sigmoid(<p'_u, z_u> - <p'_u, z~_u>)  +  ln sigmoid(<z_u, h> - <z~_u, h>)
    minimise  L_bpr + beta L_s + (lambda / 2) |E|^2                                                                 (12)

J. Yu, H. Yin, J. Li, Q. Wang, N. Q. V. Hung, X. Zhang. "Self-Supervised Multi-Channel Hypergraph Convolutional Network for Social
Recommendation." WWW 2021, arXiv 2101.06448, section 3; `graphs.motifs` has A_c.

Deviations: * is as in the authors' code; the paper's mean of layers comes to much the same on LastFM, but takes several times as many
epochs. L_s is a mean over users, and L_bpr over a batch's pairs, where the paper has sums: beta is the paper's times users over pairs of a
batch, much the same on its data. L2 as in LightGCN here, on the table rows of a batch. Strangers who share fewer than `least_shared` items
are not joined, as in the authors' code, and a channel in which nobody is joined is left out. That code differs from the paper, and from
this, in more: it divides by the roots of both degrees in place of D_u and D_i, and puts other users' vectors between z_u and z~_u in the
first term of L_s.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_array
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Positives, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.core.errors import InputError
from turret.data.prepared import Prepared
from turret.graphs.edges import Edges, distinct
from turret.graphs.motifs import motif_adjacency, row_normalised
from turret.graphs.propagation import Propagation
from turret.nn.linear import Linear
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.procedures import Gradient


class Config(BaseModel):
    """MHCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=1)
    """L, how often vectors are propagated."""
    least_shared: int = Field(default=2, ge=1)
    """Items that two users who do not know each other must share to be joined in the purchase channel; the paper's is 1."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda, the weight of the L2 term on the table rows of the batch."""
    supervision_weight: float = Field(default=0.01, ge=0)
    """beta, how much a user's own place in the triangles counts."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graphs; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, early_stop_patience=10)
    """How it is trained."""


class Gate(nn.Module):
    """x o sigmoid(x W + b): what of each vector is let through.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = Linear(width, width)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[n, D] -> [n, D]."""
        return x * torch.sigmoid(self.linear(x))


class Attention(nn.Module):
    """att: the channels, each user's weighed for itself.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = Linear(width, width, bias=False)
        self.outer = Linear(width, 1, bias=False)
        nn.init.xavier_uniform_(self.inner.weight)
        nn.init.xavier_uniform_(self.outer.weight)

    def forward(self, channels: Sequence[Tensor]) -> Tensor:
        """C of [U, D] -> [U, D]."""
        stacked = torch.stack(list(channels), dim=1)
        return (self.weights(stacked) * stacked).sum(dim=1)

    def weights(self, channels: Tensor) -> Tensor:
        """alpha: [U, C, D] -> [U, C, 1]."""
        return self.outer(self.inner(channels)).softmax(dim=1)  # type: ignore[no-any-return]


class MHCN(nn.Module):
    """Two tables, and channels of users.

    Args:
        channels: D_c^-1 A_c, [U, U] each.
        chose: D_u^-1 R, [U, I].
        chosen_by: D_i^-1 R^T, [I, U].
        embed_dim: D.
        layers: L.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(
        self,
        channels: Sequence[Propagation],
        chose: Propagation,
        chosen_by: Propagation,
        embed_dim: int,
        layers: int,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        n_users, n_items = chose.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.channels = nn.ModuleList(channels)
        self.chose, self.chosen_by = chose, chosen_by
        self.gates = nn.ModuleList(Gate(embed_dim) for _ in channels)
        self.simple_gate = Gate(embed_dim)
        self.attention = Attention(embed_dim)
        self.own_gates = nn.ModuleList(Gate(embed_dim) for _ in channels)
        self.layers = layers
        self.scorer = scorer

    def encode(self) -> Encoded:
        """P and Q."""
        users, items = self.users.dense(), self.items.dense()
        channels, simple = [gate(users) for gate in self.gates], self.simple_gate(users)
        of_channels, of_simple, of_items = [[each] for each in channels], [simple], [items]
        for _ in range(self.layers):
            mixed = self.attention(channels) + simple / 2
            channels = [joined(vectors) for joined, vectors in zip(self.channels, channels, strict=True)]
            simple, items = self.chose(items), self.chosen_by(mixed)
            for layers, vectors in zip(of_channels, channels, strict=True):
                layers.append(vectors)
            of_simple.append(simple)
            of_items.append(items)
        users = self.attention([_summed(layers) for layers in of_channels]) + _summed(of_simple) / 2
        return Encoded(items=Computed(_summed(of_items), self.items), users=Computed(users, self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """p_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def own_place(model: MHCN, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
    """L_s, over the number of users: a scalar."""
    assert encoded.users is not None
    users = encoded.users.dense()
    total = users.new_zeros(())
    for gate, joined in zip(model.own_gates, model.channels, strict=True):
        own = gate(users)
        near = joined(own)
        false, graph = _shuffled(near, step.generator), near.mean(dim=0)
        total = total + F.softplus(torch.linalg.vecdot(own, false - near)).mean() + F.softplus((false - near) @ graph).mean()
    return total


def _summed(layers: Sequence[Tensor]) -> Tensor:
    """X*: [n, D] of [n, D] each."""
    total = layers[0]
    for layer in layers[1:]:
        total = total + F.normalize(layer, dim=1)
    return total


def _shuffled(vectors: Tensor, generator: torch.Generator) -> Tensor:
    """Rows in another order, and columns in another, all rows' the same: [n, D]."""
    rows, columns = (torch.randperm(n, generator=generator, device=generator.device) for n in vectors.shape)
    return vectors.index_select(0, rows).index_select(1, columns)


def build(config: Config, prepared: Prepared) -> MHCN:
    """An MHCN on the links between the users that training saw, and on what they chose in it.

    Raises:
        InputError: nobody is joined to anybody, in any channel.
    """
    links, log = needs_social(prepared, "MHCN"), prepared.train
    users, items = distinct(log.user, log.item, log.n_items)
    motifs = motif_adjacency(links.source, links.target, users, items, log.n_users, log.n_items)
    purchase = motifs.purchase * (motifs.purchase >= config.least_shared)
    channels = [row_normalised(csr_array(matrix)) for matrix in (motifs.social, motifs.joint, purchase) if matrix.count_nonzero()]
    if not channels:
        raise InputError(
            f"MHCN reads triangles of users, and of users and items, and {prepared.name} has none",
            hint=f"Users who share an item are joined from --least_shared 1 on (now {config.least_shared}).",
        )
    chose = Edges(users, items, (log.n_users, log.n_items)).random_walk()
    chosen_by = Edges(items, users, (log.n_items, log.n_users)).random_walk()
    return MHCN(channels, chose, chosen_by, config.embed_dim, config.layers, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and each user's own place against others'."""
    batches = Pairs(prepared.train, config.training.batch_size)
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    return Gradient(batches, Beside(main, [(config.supervision_weight, own_place)]), config.training)
