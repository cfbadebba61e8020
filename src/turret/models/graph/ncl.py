"""NCL: LightGCN, and beside it every node near its neighbours two steps away, and near the centre of the cluster that it belongs to.

    z = mean over layers 0..K of LightGCN's vectors,    y_ui = <z_u, z_i>
    L_S = sum over u of  -ln  exp(cos(z_u^(k), z_u^(0)) / tau) / sum over users v of exp(cos(z_u^(k), z_v^(0)) / tau)
          for an even k, whose layer gathers nodes of the same kind; and alpha times the same of items
    L_P = sum over u of  -ln  exp(cos(z_u^(0), c_u) / tau) / sum over centres c of exp(cos(z_u^(0), c) / tau)
          c_u the nearest of C centres that k-means finds for all z^(0), again and again; and alpha times the same of items
    minimise  L_bpr + lambda_1 L_S + lambda_2 L_P + lambda_3 |E^(0)|^2

Z. Lin, C. Tian, Y. Hou, W. X. Zhao. "Improving Graph Collaborative Filtering with Neighborhood-enriched Contrastive Learning." WWW 2022,
arXiv 2202.06200, section 3. As in the authors' code a step takes the terms of its pairs, and L_P waits until some epochs are over.

Deviations: all terms are means over the batch's pairs, where the authors' code sums L_S and L_P: a weight here is theirs times their batch,
4096. k-means goes on from the centres of the time before.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.prepared import Prepared
from turret.graphs.bipartite import mean_of, normalised_bipartite, propagated
from turret.graphs.propagation import Propagation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.contrast import Contrast, Layered, all_nodes
from turret.training.objectives.prototypes import Prototypes
from turret.training.procedures import Gradient


class Config(BaseModel):
    """NCL's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=3, ge=2)
    """K, how often the vectors are propagated."""
    structure_layer: int = Field(default=2, ge=2, multiple_of=2)
    """k, the layer that L_S compares with layer 0."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda_3, the weight of the L2 term on the layer-0 vectors of the batch."""
    structure_weight: float = Field(default=4e-4, ge=0)
    """lambda_1, of neighbours in the graph; with the next one 0 as well it is LightGCN."""
    prototype_weight: float = Field(default=3e-4, ge=0)
    """lambda_2, of neighbours in meaning."""
    item_share: float = Field(default=1.0, ge=0)
    """alpha, how much items count in both, where users count 1."""
    contrast_temperature: float = Field(default=0.1, gt=0)
    """tau, what cosines are divided by."""
    prototypes: int = Field(default=100, ge=1)
    """C, the centres of users, and of items; at most as many as there are of them. The authors take 1000 for logs of many thousands."""
    prototype_epochs: int = Field(default=1, ge=1)
    """Epochs after which they are found anew."""
    warm_up: int = Field(default=20, ge=0)
    """Epochs before L_P begins to count."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graph; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, eval_every=5, early_stop_patience=10)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.structure_layer > self.layers:
            raise ValueError(f"structure_layer is {self.structure_layer}, and there are {self.layers} layers")
        return self


class NCL(nn.Module):
    """Two tables, and the graph that smooths them.

    Args:
        graph: the user-item block of the normalised adjacency matrix, [U, I].
        embed_dim: D.
        layers: K.
        scorer: between both sides; the paper's is the inner product.
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

    def encode(self) -> Layered:
        """z, the mean over layers 0..K of all users' and items' vectors."""
        layers = propagated([self.graph] * self.layers, self.users.dense(), self.items.dense())
        users, items = mean_of(layers)
        each = [Encoded(items=Computed(items), users=Computed(users)) for users, items in layers]
        return Layered(Computed(items, self.items), Computed(users, self.users), each)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """z_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> NCL:
    """An NCL on the graph of the training part."""
    scorer = scorer_of(config.composition, config.embed_dim)
    return NCL(normalised_bipartite(prepared.train), config.embed_dim, config.layers, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and nodes against nodes and centres."""
    batches = Pairs(prepared.train, config.training.batch_size)
    steps = batches.steps()

    def structure(model: NCL, encoded: Encoded, step: Step) -> tuple[Encoded, Encoded]:
        assert isinstance(encoded, Layered)
        return encoded.layers[config.structure_layer], encoded.layers[0]

    shared = config.contrast_temperature, config.item_share
    prototypes = Prototypes(config.prototypes, *shared, config.warm_up * steps, config.prototype_epochs * steps)
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    beside = (config.structure_weight, Contrast(structure, all_nodes, *shared)), (config.prototype_weight, prototypes)
    return Gradient(batches, Beside(main, beside), config.training)
