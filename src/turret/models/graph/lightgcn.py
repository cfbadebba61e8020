"""LightGCN: vectors smoothed over the graph of users and items.

    e_u^(k+1) = sum over i in N_u of  e_i^(k) / sqrt(|N_u| |N_i|)        and likewise for items            (3)
    e = 1/(K+1) * (e^(0) + e^(1) + ... + e^(K))                                                             (4)
    y_ui = <e_u, e_i>                                                                                       (5)
    minimise  sum over (u, i, j) of  -ln sigmoid(y_ui - y_uj)  +  lambda |E^(0)|^2                          (15)

X. He, K. Deng, X. Wang, Y. Li, Y. Zhang, M. Wang. "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation."
SIGIR 2020, arXiv 2002.02126.

Deviations: the L2 term is half the squared norm of the layer-0 rows that a batch touches, averaged over its pairs, as in the authors' code,
where equation (15) sums over all parameters; an epoch takes each positive once in random order, where the authors' code draws users
uniformly and then one of their items.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.graphs.bipartite import mean_of, normalised_bipartite, propagated
from turret.graphs.propagation import Propagation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """LightGCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=3, ge=0)
    """K, how often the vectors are propagated; 0 is matrix factorisation."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda, the weight of the L2 term on the layer-0 vectors of the batch."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, eval_every=5, early_stop_patience=10)
    """How it is trained. Stopping after 50 epochs without a better validation is the paper's rule (its section 4.1.2, after NGCF)."""


class LightGCN(nn.Module):
    """Two tables, and the graph that smooths them.

    Args:
        graph: S, the user-item block of the normalised adjacency matrix, [U, I].
        embed_dim: D.
        layers: K.
        scorer: between both sides; the paper's is the inner product (5).
    """

    reads = Reads(user=True)

    def __init__(self, graph: Propagation, embed_dim: int, layers: int, scorer: Scorer) -> None:
        super().__init__()
        n_users, n_items = graph.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.graph = graph
        self.layers = layers
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The mean over layers 0..K of all users' and items' vectors."""
        users, items = mean_of(propagated([self.graph] * self.layers, self.users.dense(), self.items.dense()))
        return Encoded(items=Computed(items, self.items), users=Computed(users, self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> LightGCN:
    """A LightGCN on the graph of the training part."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return LightGCN(normalised_bipartite(prepared.train), config.embed_dim, config.layers, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batches = Pairs(prepared.train, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training, l2=config.l2)
