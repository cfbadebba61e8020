"""XSimGCL: SimGCL whose vectors are moved a little at random as they recommend, so that one of their layers is a view of them.

    e^(k) = A e^(k-1) + d^(k),    |d| = epsilon,    d = sign(A e^(k-1)) o a random direction without negative numbers, in training alone
    e = mean over layers 1..K,    y_ui = <e_u, e_i>
    L_cl = sum over the batch's users i of  -ln  exp(cos(e_i, e_i^(l)) / tau) / sum over its users j of exp(cos(e_i, e_j^(l)) / tau)
           and over its items likewise
    minimise  L_bpr + lambda L_cl + lambda_2 |E^(0)|^2

J. Yu, X. Xia, T. Chen, L. Cui, N. Q. V. Hung, H. Yin. "XSimGCL: Towards Extremely Simple Graph Contrastive Learning for Recommendation."
IEEE Transactions on Knowledge and Data Engineering 2023, arXiv 2209.02544. A step propagates over the graph once, where SimGCL's does it
three times.

Deviations: L2 as in LightGCN here, on the layer-0 rows of a batch, averaged over its pairs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.prepared import Prepared
from turret.graphs.bipartite import mean_of, normalised_bipartite
from turret.graphs.propagation import Propagation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.contrast import Contrast, Layered, batch_nodes
from turret.training.procedures import Gradient


class Config(BaseModel):
    """XSimGCL's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=1)
    """K, how often the vectors are propagated."""
    contrast_layer: int = Field(default=1, ge=1)
    """l, the layer that the final vectors are compared with."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda_2, the weight of the L2 term on the layer-0 vectors of the batch."""
    noise: float = Field(default=0.2, ge=0)
    """epsilon, how far each layer is moved in training."""
    contrast_weight: float = Field(default=0.03, ge=0)
    """lambda. The authors take 0.2 for Yelp2018, which is sparse; MovieLens-100K, which is dense, wants less."""
    contrast_temperature: float = Field(default=0.15, gt=0)
    """tau, what cosines are divided by."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, eval_every=5, early_stop_patience=10)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.contrast_layer > self.layers:
            raise ValueError(f"contrast_layer is {self.contrast_layer}, and there are {self.layers} layers")
        return self


class XSimGCL(nn.Module):
    """Two tables, and the graph that smooths them.

    Args:
        graph: A's user-item block, [U, I].
        embed_dim: D.
        layers: K.
        noise: epsilon.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(self, graph: Propagation, embed_dim: int, layers: int, noise: float, scorer: Scorer) -> None:
        super().__init__()
        n_users, n_items = graph.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.graph = graph
        self.layers = layers
        self.noise = noise
        self.scorer = scorer

    def encode(self) -> Layered:
        """e, the mean over layers 1..K of all users' and items' vectors, and layers 0..K."""
        layers = [(self.users.dense(), self.items.dense())]
        for _ in range(self.layers):
            users, items = layers[-1]
            layers.append((self._moved(self.graph(items)), self._moved(self.graph.transposed(users))))
        users, items = mean_of(layers[1:])
        each = [Encoded(items=Computed(items), users=Computed(users)) for users, items in layers]
        return Layered(Computed(items, self.items), Computed(users, self.users), each)

    def _moved(self, vectors: Tensor) -> Tensor:
        """In training each vector moved by epsilon, in its own orthant: [n, D]."""
        if not self.training:
            return vectors
        return vectors + vectors.detach().sign() * F.normalize(torch.rand_like(vectors), dim=1) * self.noise

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> XSimGCL:
    """An XSimGCL on the graph of the training part."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return XSimGCL(normalised_bipartite(prepared.train), config.embed_dim, config.layers, config.noise, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and nodes against nodes of an earlier layer."""

    def views(model: XSimGCL, encoded: Encoded, step: Step) -> tuple[Encoded, Encoded]:
        assert isinstance(encoded, Layered)
        return encoded, encoded.layers[config.contrast_layer]

    batches = Pairs(prepared.train, config.training.batch_size)
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    objective = Beside(main, [(config.contrast_weight, Contrast(views, batch_nodes, config.contrast_temperature))])
    return Gradient(batches, objective, config.training)
