"""UltraGCN: two tables that are trained towards what infinitely many propagations over the graph would come to, without any.

    y_ui = <e_u, e_i>,    l(y) = -ln sigmoid(y)
    beta_ui = 1 / d_u * sqrt((d_u + 1) / (d_i + 1)),    d the degrees in the graph of users and items
    omega_ij = G_ij / (g_i - G_ii) * sqrt(g_i / g_j),   G the items' co-occurrences, g their sums
    L_O = sum over (u, i) of l(y_ui)  +  sum over sampled j of l(-y_uj)
    L_C = the same, each term times its beta
    L_I = sum over (u, i) and the K items j of the largest omega_ij of  omega_ij l(y_uj)
    minimise  L_O + lambda L_C + gamma L_I + |Theta|^2

K. Mao, J. Zhu, X. Xiao, B. Lu, Z. Wang, X. He. "UltraGCN: Ultra Simplification of Graph Convolutional Networks for Recommendation." CIKM
2021, section 3. As in the authors' code L_O has a weight too, and the negatives of a right item are averaged and weighted together.

Deviations: omega is as in the paper, where the authors' code takes sqrt(g_i + 1) / (g_i sqrt(g_j + 1)) times G_ij; no item is its own
neighbour. Negatives are none that the user took, and fewer than in the authors' settings. Vectors begin as Xavier's: from the authors' much
smaller ones all users go the way of popularity first, and take long to part. Means over the batch in place of sums; L2 on its rows.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.graphs.bipartite import bipartite
from turret.graphs.cooccurrence import item_graph
from turret.nn.tables import Table
from turret.sampling.uniform import Uniform
from turret.scorers.dot import Dot
from turret.training.config import Training
from turret.training.objectives.constrained import Constrained
from turret.training.procedures import Gradient


class Config(BaseModel):
    """UltraGCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    plain_weight: float = Field(default=0.0, ge=0)
    """Weight of L_O, whose pairs all count alike."""
    constraint_weight: float = Field(default=1.0, ge=0)
    """lambda, the weight of L_C."""
    similar_weight: float = Field(default=0.1, ge=0)
    """gamma, the weight of L_I."""
    similar_items: int = Field(default=10, ge=1)
    """K, the neighbours of each item that L_I counts."""
    negative_count: int = Field(default=50, ge=1)
    """Unseen items that each right one is compared with, drawn uniformly."""
    negative_weight: float = Field(default=10.0, ge=0)
    """How much their mean counts beside the right item."""
    l2: float = Field(default=1e-7, ge=0)
    """Weight of the L2 term on the vectors of the batch."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.005, batch_size=1024, epochs=300, early_stop_patience=10)
    """How it is trained."""


class UltraGCN(nn.Module):
    """Two tables, and the graph as weights.

    Args:
        degrees: float [U] and [I], d of users and of items.
        neighbours: int64 [I, K] the items that are most like each, and float [I, K] omega.
        embed_dim: D.
    """

    reads = Reads(user=True)
    user_factor: Tensor
    item_factor: Tensor
    neighbours: Tensor
    omega: Tensor

    def __init__(self, degrees: tuple[Tensor, Tensor], neighbours: tuple[Tensor, Tensor], embed_dim: int) -> None:
        super().__init__()
        of_users, of_items = degrees
        self.users = Table(len(of_users), embed_dim)
        self.items = Table(len(of_items), embed_dim)
        self.scorer: Scorer = Dot()
        held = {
            "user_factor": ((of_users + 1).sqrt() / of_users.clamp(min=1)).float(),
            "item_factor": (of_items + 1).rsqrt().float(),
            "neighbours": neighbours[0],
            "omega": neighbours[1],
        }
        for name, part in held.items():
            self.register_buffer(name, part, persistent=False)

    def constraint(self, users: Tensor, items: Tensor) -> Tensor:
        """beta: int64 [T], [T, C] -> float [T, C]."""
        return self.user_factor[users, None] * self.item_factor[items]

    def similar(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """int64 [T] -> the neighbours int64 [T, K] and omega float [T, K]."""
        return self.neighbours[items], self.omega[items]

    def encode(self) -> Encoded:
        """The tables themselves."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> UltraGCN:
    """An UltraGCN with the graphs of the training part."""
    neighbours = item_graph(prepared.train, config.similar_items)
    return UltraGCN(bipartite(prepared.train).degrees(), neighbours, config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled items, and beside those that are like the right one."""
    objective = Constrained(
        Uniform(prepared.n_items, config.negative_count, prepared.train),
        config.plain_weight,
        config.constraint_weight,
        config.negative_weight,
        config.similar_weight,
        config.l2,
    )
    return Gradient(Pairs(prepared.train, config.training.batch_size), objective, config.training)
