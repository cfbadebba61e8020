"""SimGCL: LightGCN, and beside it users and items told from others across two views whose vectors are moved a little at random.

    e^(k) = A e^(k-1),    e = mean over layers 1..K,    y_ui = <e_u, e_i>
    a view moves every layer:  z^(k) = A z^(k-1) + d^(k),    |d| = epsilon,    d = sign(z) o a random direction without negative numbers
    L_cl = sum over the batch's users i of  -ln  exp(cos(z'_i, z''_i) / tau) / sum over its users j of exp(cos(z'_i, z''_j) / tau)    (2)
           and over its items likewise
    minimise  L_bpr + lambda L_cl + lambda_2 |E^(0)|^2                                                                                (1)

J. Yu, H. Yin, X. Xia, T. Chen, L. Cui, Q. V. H. Nguyen. "Are Graph Augmentations Necessary? Simple Graph Contrastive Learning for
Recommendation." SIGIR 2022, arXiv 2112.08679, section 3. Layer 0 is left out of the mean, in the views and in what recommends, as in the
paper; the noise is uniform and brought to length epsilon, drawn for every layer and step, as in the authors' code.

Deviations: L2 as in LightGCN here, on the layer-0 rows of a batch, averaged over its pairs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.prepared import Prepared
from turret.graphs.bipartite import Layer, mean_of, normalised_bipartite, propagated
from turret.graphs.propagation import Propagation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.contrast import Contrast, batch_nodes
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SimGCL's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=1)
    """K, how often the vectors are propagated."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda_2, the weight of the L2 term on the layer-0 vectors of the batch."""
    noise: float = Field(default=0.1, ge=0)
    """epsilon, how far each layer of a view is moved."""
    contrast_weight: float = Field(default=0.01, ge=0)
    """lambda; 0 is LightGCN without layer 0. The paper takes 0.2 to 2 for sparse logs; MovieLens-100K, which is dense, wants little."""
    contrast_temperature: float = Field(default=0.2, gt=0)
    """tau, what cosines between views are divided by."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph and the views; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, eval_every=5, early_stop_patience=10)
    """How it is trained."""


class SimGCL(nn.Module):
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

    def encode(self) -> Encoded:
        """e: the mean over layers 1..K of all users' and items' vectors."""
        return self._mean(propagated([self.graph] * self.layers, self.users.dense(), self.items.dense()))

    def views(self, encoded: Encoded, step: Step) -> tuple[Encoded, Encoded]:
        """z' and z''."""
        return self._view(step.generator), self._view(step.generator)

    def _view(self, generator: torch.Generator) -> Encoded:
        users, items = self.users.dense(), self.items.dense()
        layers = [(users, items)]
        for _ in range(self.layers):
            users, items = self._moved(self.graph(items), generator), self._moved(self.graph.transposed(users), generator)
            layers.append((users, items))
        return self._mean(layers)

    def _moved(self, vectors: Tensor, generator: torch.Generator) -> Tensor:
        """Each vector moved by epsilon, in its own orthant: [n, D]."""
        direction = F.normalize(torch.rand(vectors.shape, generator=generator, device=vectors.device, dtype=vectors.dtype), dim=1)
        return vectors + vectors.detach().sign() * direction * self.noise

    def _mean(self, layers: list[Layer]) -> Encoded:
        users, items = mean_of(layers[1:])
        return Encoded(items=Computed(items, self.items), users=Computed(users, self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> SimGCL:
    """A SimGCL on the graph of the training part."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return SimGCL(normalised_bipartite(prepared.train), config.embed_dim, config.layers, config.noise, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and nodes against nodes across the views."""
    batches = Pairs(prepared.train, config.training.batch_size)
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    objective = Beside(main, [(config.contrast_weight, Contrast(SimGCL.views, batch_nodes, config.contrast_temperature))])
    return Gradient(batches, objective, config.training)
