"""SEPT: LightGCN, and beside it two encoders of friends; of these three each learns from what the other two take for alike.

    views of the users    preference  R, the choices
                          friend      A_f = (S S) o S      friends who have a friend in common
                          sharing     A_s = (R R^T) o S    friends who share an item
    z^v = mean over layers 0..K of LightGCN's vectors on view v, of one table for all,    y_ui = <z_u^r, z_i^r>
    z~  = the same on a graph of choices and friendships together, of which each edge is left out with probability rho
    y_u^v = softmax over users of cos(z~, z_u^v)
    P_u^v = the K users of the highest mean of y_u of the other two views
    L_ssl = - sum over v, u of  ln  sum over p in P_u^v of exp(cos(z_u^v, z~_p) / tau) / sum over all users j of exp(cos(z_u^v, z~_j) / tau)
    minimise  L_bpr + beta L_ssl + lambda |E|^2, from the end of a warm-up on; L_bpr + lambda |E|^2 before

J. Yu, H. Yin, M. Gao, X. Xia, X. Zhang, N. Q. V. Hung. "Socially-Aware Self-Supervised Tri-Training for Recommendation." KDD 2021, arXiv
2106.03569, section 3. All users are those of a batch; friendship is mutual, S symmetric. As in the authors' code both views of friends have
self-loops, and the perturbed graph is drawn anew each epoch.

Deviations: L_ssl is a mean over a batch's users, where the paper has a sum. Edges are left out independently of each other, where the
authors' code leaves out an exact number. The encoder is LightGCN's, as the paper has it; the authors' code brings each layer to length 1
and sums. The warm-up is a number of epochs; the authors take a third of all. L2 as in LightGCN here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import eye_array
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Positives, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.core.interactions import Interactions
from turret.data.beside import Social
from turret.data.prepared import Prepared
from turret.graphs.bipartite import mean_of, normalised_bipartite, propagated
from turret.graphs.edges import Edges, both_ways
from turret.graphs.motifs import binary, symmetrically_normalised
from turret.graphs.propagation import Propagation
from turret.losses.neighbours import neighbour_discrimination
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.of_epoch import OfEpoch
from turret.training.procedures import Gradient


class Config(BaseModel):
    """SEPT's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    layers: int = Field(default=2, ge=1)
    """K, how often the vectors are propagated."""
    l2: float = Field(default=1e-4, ge=0)
    """lambda, the weight of the L2 term on the layer-0 vectors of the batch."""
    drop_rate: float = Field(default=0.3, ge=0, lt=1)
    """rho, the probability with which an edge is left out of the perturbed graph."""
    positives: int = Field(default=10, ge=1)
    """Users that a user is told to be like; at most as many as a batch has."""
    contrast_weight: float = Field(default=0.005, ge=0)
    """beta; 0 is LightGCN."""
    contrast_temperature: float = Field(default=0.1, gt=0)
    """tau, what cosines with the perturbed graph's vectors are divided by."""
    warm_up: int = Field(default=40, ge=0)
    """Epochs before L_ssl begins to count."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graphs; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=1000, early_stop_patience=10)
    """How it is trained."""


class Joint(nn.Module):
    """Choices and friendships as one graph without directions, users first, and what it becomes without some of its edges.

    Args:
        interactions: the choices of the training part.
        links: between its users.
    """

    pair: Tensor

    def __init__(self, interactions: Interactions, links: Social) -> None:
        super().__init__()
        nodes = interactions.n_users + interactions.n_items
        heads = np.concatenate([interactions.user, links.source])
        tails = np.concatenate([interactions.item + interactions.n_users, links.target])
        heads, tails = both_ways(heads, tails, nodes)
        self.edges = Edges(heads, tails, (nodes, nodes))
        low, high = np.minimum(heads, tails), np.maximum(heads, tails)
        self.register_buffer("pair", torch.from_numpy(np.unique(low * nodes + high, return_inverse=True)[1]), persistent=False)
        self.n_pairs = len(heads) // 2

    def without(self, rate: float, generator: torch.Generator) -> Propagation:
        """The normalised adjacency matrix [U + I, U + I], each edge left out, in both directions, with probability `rate`."""
        kept = torch.rand(self.n_pairs, generator=generator, device=generator.device) >= rate
        return self.edges.symmetric(kept.index_select(0, self.pair))


class SEPT(nn.Module):
    """Two tables, the graph that smooths them, and two that smooth the users alone.

    Args:
        preference: R's block of the normalised adjacency matrix, [U, I].
        friend: that of A_f, [U, U].
        sharing: that of A_s, [U, U].
        joint: choices and friendships.
        embed_dim: D.
        layers: K.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(
        self,
        preference: Propagation,
        friend: Propagation,
        sharing: Propagation,
        joint: Joint,
        embed_dim: int,
        layers: int,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        n_users, n_items = preference.shape
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.preference, self.friend, self.sharing, self.joint = preference, friend, sharing, joint
        self.layers = layers
        self.scorer = scorer

    def encode(self) -> Encoded:
        """z^r: the mean over layers 0..K of all users' and items' vectors."""
        users, items = mean_of(propagated([self.preference] * self.layers, self.users.dense(), self.items.dense()))
        return Encoded(items=Computed(items, self.items), users=Computed(users, self.users))

    def friends(self) -> tuple[Tensor, Tensor]:
        """z^f and z^s of all users: [U, D] both."""
        return self._smoothed(self.friend, self.users.dense()), self._smoothed(self.sharing, self.users.dense())

    def perturbed(self, graph: Propagation) -> Tensor:
        """z~ of all users, on a graph of users and items: [U, D]."""
        users = self.users.dense()
        return self._smoothed(graph, torch.cat([users, self.items.dense()]))[: len(users)]

    def _smoothed(self, graph: Propagation, vectors: Tensor) -> Tensor:
        total = vectors
        for _ in range(self.layers):
            vectors = graph(vectors)
            total = total + vectors
        return total / (self.layers + 1)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """z_u^r: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


class TriTraining:
    """L_ssl, over the number of a batch's users. A perturbed graph serves for an epoch, and is drawn from a seed of that epoch's own.

    Args:
        config: the settings.
        steps: of an epoch.
    """

    def __init__(self, config: Config, steps: int) -> None:
        self.config, self.steps = config, steps
        self._graph: OfEpoch[Propagation] = OfEpoch(steps)

    def __call__(self, model: SEPT, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        """A scalar."""
        if step.number < self.config.warm_up * self.steps:
            return encoded.items.dense().new_zeros(())
        assert encoded.users is not None and batch.context.users is not None
        graph = self._graph(step, lambda generator: model.joint.without(self.config.drop_rate, generator))
        users = torch.unique(batch.context.users)
        others = model.perturbed(graph).index_select(0, users)
        views = encoded.users[users], *(vectors.index_select(0, users) for vectors in model.friends())
        labels = [alike(vectors, others) for vectors in views]
        count = min(self.config.positives, len(users))
        total = others.new_zeros(())
        for number, vectors in enumerate(views):
            one, other = (label for place, label in enumerate(labels) if place != number)
            positives = ((one + other) / 2).topk(count, dim=1).indices
            total = total + neighbour_discrimination(vectors, others, positives, self.config.contrast_temperature)
        return total

    def state(self) -> dict[str, Tensor]:
        """The epoch's seed; nothing before the warm-up is over."""
        return self._graph.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes it up; the graph is drawn from it again."""
        self._graph.restore(state)


@torch.no_grad()
def alike(vectors: Tensor, others: Tensor) -> Tensor:
    """y: the softmax of each vector's cosines with all others, [B, D], [B, D] -> [B, B]."""
    return (F.normalize(vectors, dim=1) @ F.normalize(others, dim=1).T).softmax(dim=1)


def build(config: Config, prepared: Prepared) -> SEPT:
    """A SEPT on the links between the users that training saw, and on what they chose in it."""
    links, log = needs_social(prepared, "SEPT"), prepared.train
    users = log.n_users
    s = binary(*both_ways(links.source, links.target, users), (users, users))
    r = binary(log.user, log.item, (users, log.n_items))
    friend, sharing = (symmetrically_normalised(view + eye_array(users)) for view in ((s @ s) * s, (r @ r.T) * s))
    scorer = scorer_of(config.composition, config.embed_dim)
    return SEPT(normalised_bipartite(log), friend, sharing, Joint(log, links), config.embed_dim, config.layers, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives, and users against users across the views."""
    batches = Pairs(prepared.train, config.training.batch_size)
    main = objective_of(prepared, batches, config.composition, {}, config.l2)
    beside = Beside(main, [(config.contrast_weight, TriTraining(config, batches.steps()))])
    return Gradient(batches, beside, config.training)
