"""NGCF: messages between users and items that depend on both, layer after layer.

    e_u^(k) = LeakyReLU( W1 (e_u^(k-1) + sum over i in N_u of p_ui e_i^(k-1))  +  W2 sum over i in N_u of p_ui (e_i^(k-1) o e_u^(k-1)) )
              p_ui = 1 / sqrt(|N_u| |N_i|),    and likewise for items                                                    (3) to (7)
    e = e^(0) || e^(1) || ... || e^(K),    y_ui = <e_u, e_i>                                                             (9), (10)
    minimise  sum over (u, i, j) of  -ln sigmoid(y_ui - y_uj)  +  lambda |Theta|^2                                       (11)

X. Wang, X. He, M. Wang, F. Feng, T.-S. Chua. "Neural Graph Collaborative Filtering." SIGIR 2019, arXiv 1905.08108. A layer has a bias,
layers 1..K are brought to length 1 where they are joined, the slope is 0.2, and matrices begin as Xavier's, as in the authors' code; the
two products are added before they are activated, as in the paper. Message dropout blocks numbers of a layer, node dropout all messages
that leave a node; what remains is scaled up.

Deviations: the L2 term is half the squared norm of the layer-0 rows that a batch touches, averaged over its pairs; matrices have none
unless `--weight_decay` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.graphs.bipartite import normalised_bipartite
from turret.graphs.propagation import Propagation
from turret.nn.linear import Linear
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient

SLOPE = 0.2


class Config(BaseModel):
    """NGCF's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layer_widths: tuple[int, ...] = Field(default=(64, 64, 64), min_length=1)
    """Widths of layers 1..K."""
    message_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the numbers of each layer that training blocks."""
    node_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the nodes whose messages to others a layer blocks in training."""
    l2: float = Field(default=1e-5, ge=0)
    """lambda, the weight of the L2 term on the layer-0 vectors of the batch."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=1024, epochs=400, early_stop_patience=10)
    """How it is trained."""


class Messages(nn.Module):
    """One layer: what nodes make of themselves and of what their neighbours send.

    Args:
        width: of the layer before.
        out: of this one.
        node_dropout, message_dropout: as in `Config`.
    """

    def __init__(self, width: int, out: int, node_dropout: float, message_dropout: float) -> None:
        super().__init__()
        self.plain = Linear(width, out)
        self.interacting = Linear(width, out, bias=False)
        self.node_dropout, self.message_dropout = node_dropout, message_dropout
        nn.init.xavier_uniform_(self.plain.weight)
        nn.init.xavier_uniform_(self.interacting.weight)
        nn.init.zeros_(self.plain.bias)

    def forward(self, own: Tensor, received: Tensor) -> Tensor:
        """e^(k-1) [n, D] and the sum of p e^(k-1) over the neighbours [n, D] -> e^(k) [n, D']."""
        e = F.leaky_relu(self.plain(own + received) + self.interacting(own * received), SLOPE)
        return F.dropout(e, self.message_dropout, self.training)

    def sent(self, own: Tensor) -> Tensor:
        """What the nodes send to others of e^(k-1): [n, D]."""
        return own * F.dropout(own.new_ones(len(own), 1), self.node_dropout, self.training)


class NGCF(nn.Module):
    """Two tables, and layers of messages.

    Args:
        graph: p, the user-item block of the normalised adjacency matrix, [U, I].
        embed_dim: D.
        layer_widths, message_dropout, node_dropout: as in `Config`.
        scorer: between both sides; the paper's is the inner product (10).
    """

    reads = Reads(user=True)

    def __init__(
        self,
        graph: Propagation,
        embed_dim: int,
        layer_widths: Sequence[int],
        message_dropout: float,
        node_dropout: float,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        n_users, n_items = graph.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.graph = graph
        widths = (embed_dim, *layer_widths)
        self.layers = nn.ModuleList(Messages(width, out, node_dropout, message_dropout) for width, out in pairwise(widths))
        self.scorer = scorer

    def encode(self) -> Encoded:
        """All users' and items' vectors of all layers, side by side."""
        users, items = self.users.dense(), self.items.dense()
        user_layers, item_layers = [users], [items]
        for layer in self.layers:
            assert isinstance(layer, Messages)
            to_users, to_items = self.graph(layer.sent(items)), self.graph.transposed(layer.sent(users))
            users, items = layer(users, to_users), layer(items, to_items)
            user_layers.append(F.normalize(users, dim=1))
            item_layers.append(F.normalize(items, dim=1))
        return Encoded(items=Computed(torch.cat(item_layers, dim=1), self.items), users=Computed(torch.cat(user_layers, dim=1), self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D + D_1 + ... + D_K]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> NGCF:
    """An NGCF on the graph of the training part."""
    scorer = scorer_of(config.composition, config.embed_dim + sum(config.layer_widths))
    graph = normalised_bipartite(prepared.train)
    return NGCF(graph, config.embed_dim, config.layer_widths, config.message_dropout, config.node_dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batches = Pairs(prepared.train, config.training.batch_size)
    return from_composition(prepared, batches, config.composition, config.training, l2=config.l2)
