"""SGL: LightGCN, and beside it every user and every item told from all others across two views of the graph with edges left out.

    e = mean over layers 0..K of LightGCN's vectors on the graph,    y_ui = <e_u, e_i>
    z', z'' = the same on two graphs that have lost edges:
        edge dropout   each edge is left out with probability rho
        node dropout   each node is, with its edges
        random walk    edge dropout, each layer's graph drawn for itself
    L_user = sum over u of  -ln  exp(cos(z'_u, z''_u) / tau) / sum over users v of exp(cos(z'_u, z''_v) / tau),    L_item likewise
    minimise  L_bpr + lambda_1 (L_user + L_item) + lambda_2 |E^(0)|^2

J. Wu, X. Wang, F. Feng, X. He, L. Chen, J. Lian, X. Xie. "Self-supervised Graph Learning for Recommendation." SIGIR 2021, arXiv
2010.10783, section 3. The views are drawn anew each epoch and normalised by their own degrees; a step takes the terms of L_user and L_item
that belong to its pairs, against all users and all items, as in the authors' code.

Deviations: edges and nodes are left out independently of each other, where the authors' code leaves out an exact number; L2 as in
LightGCN here, on the layer-0 rows of a batch, averaged over its pairs, as all terms are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.prepared import Prepared
from turret.graphs.bipartite import bipartite, mean_of, propagated
from turret.graphs.dropping import edges_kept, edges_of_nodes_kept
from turret.graphs.edges import Edges
from turret.graphs.propagation import Propagation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.contrast import Contrast, all_nodes
from turret.training.objectives.of_epoch import OfEpoch
from turret.training.procedures import Gradient

Augmentation = Literal["edge_dropout", "node_dropout", "random_walk"]


class Config(BaseModel):
    """SGL's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=3, ge=1)
    """K, how often the vectors are propagated."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda_2, the weight of the L2 term on the layer-0 vectors of the batch."""
    augmentation: Augmentation = "edge_dropout"
    """What the views leave out."""
    drop_rate: float = Field(default=0.1, ge=0, lt=1)
    """rho, the probability with which an edge, or a node, is left out."""
    contrast_weight: float = Field(default=0.01, ge=0)
    """lambda_1; 0 is LightGCN. The paper tunes it for each dataset, from 0.005 to 1; MovieLens-100K, which is dense, wants little."""
    contrast_temperature: float = Field(default=0.2, gt=0)
    """tau, what cosines between views are divided by."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph and the views; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, eval_every=5, early_stop_patience=10)
    """How it is trained."""


class SGL(nn.Module):
    """Two tables, and the graph that smooths them.

    Args:
        edges: of the user-item block, [U, I].
        embed_dim: D.
        layers: K.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(self, edges: Edges, embed_dim: int, layers: int, scorer: Scorer) -> None:
        super().__init__()
        n_users, n_items = edges.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.edges = edges
        self.graph = edges.symmetric()
        self.layers = layers
        self.scorer = scorer

    def encode(self) -> Encoded:
        """e, on the whole graph."""
        return self.through([self.graph] * self.layers)

    def through(self, graphs: Sequence[Propagation]) -> Encoded:
        """The mean over layers 0..K of all users' and items' vectors, layer k by graph k."""
        users, items = mean_of(propagated(graphs, self.users.dense(), self.items.dense()))
        return Encoded(items=Computed(items, self.items), users=Computed(users, self.users))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


class TwoViews:
    """z' and z'': two sequences of graphs that serve for an epoch, and are drawn from a seed of that epoch's own.

    Args:
        augmentation: what is left out.
        rate: rho.
        steps: of an epoch.
    """

    def __init__(self, augmentation: Augmentation, rate: float, steps: int) -> None:
        self.augmentation, self.rate = augmentation, rate
        self._graphs: OfEpoch[list[list[Propagation]]] = OfEpoch(steps)

    def __call__(self, model: SGL, encoded: Encoded, step: Step) -> tuple[Encoded, Encoded]:
        """Both, as the vectors are now."""
        first, second = self._graphs(step, lambda generator: [self._drawn(model, generator) for _ in range(2)])
        return model.through(first), model.through(second)

    def _drawn(self, model: SGL, generator: torch.Generator) -> list[Propagation]:
        """A graph for each layer."""
        dropping = edges_of_nodes_kept if self.augmentation == "node_dropout" else edges_kept
        draws = model.layers if self.augmentation == "random_walk" else 1
        graphs = [model.edges.symmetric(dropping(model.edges, self.rate, generator)) for _ in range(draws)]
        return graphs * (model.layers // draws)

    def state(self) -> dict[str, Tensor]:
        """The epoch's seed; nothing before the first step."""
        return self._graphs.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes it up; the graphs are drawn from it again."""
        self._graphs.restore(state)


def build(config: Config, prepared: Prepared) -> SGL:
    """An SGL on the graph of the training part."""
    return SGL(bipartite(prepared.train), config.embed_dim, config.layers, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and nodes against nodes across the views."""
    batches = Pairs(prepared.train, config.training.batch_size)
    views = TwoViews(config.augmentation, config.drop_rate, batches.steps())
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    objective = Beside(main, [(config.contrast_weight, Contrast(views, all_nodes, config.contrast_temperature))])
    return Gradient(batches, objective, config.training)
