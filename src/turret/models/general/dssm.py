"""DSSM: two towers, one for what is known of a user, one for what is known of an item, which meet in a cosine.

    v_u = W_U relu layers(x_u) + b_U,    v_i = W_I relu layers(x_i) + b_I
    r_ui = cos(v_u, v_i) / tau
    minimise  - ln P(i | u),    P(i | u) = exp(r_ui) / (exp(r_ui) + sum over sampled j of exp(r_uj - ln q_j))

with x the vectors of all features of a user or an item, the id among them, side by side; and q_j the probability of drawing j.

P.-S. Huang, X. He, J. Gao, L. Deng, A. Acero, L. Heck. "Learning Deep Structured Semantic Models for Web Search using Clickthrough Data."
CIKM 2013 (section 3), in the form that recommenders have given it; negatives from the batch, corrected by how probable each is there, are
those of X. Yi, J. Yang, L. Hong, D. Z. Cheng, L. Heldt, A. Kumthekar, Z. Zhao, L. Wei, E. Chi. "Sampling-Bias-Corrected Neural Modeling for
Large Corpus Item Recommendations." RecSys 2019 (section 3).

Deviations: users and items take the place of queries and documents, and vectors of their features that of hashed letter trigrams; relu
instead of tanh, and none after the last layer; the other items of the batch instead of four drawn at random, but none that the user has
taken. The right item's own score is not corrected, where Yi et al. correct it as well; how often an item is in a batch is known from the
training part, where theirs is estimated from a stream (`in_batch_frequency`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.pairs import Pairs
from turret.batches.sides import Side, side_of
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.towers import Tower
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DSSM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of each feature's vectors, and of the users and items that the towers make of them."""
    mlp_layers: tuple[int, ...] = (128,)
    """Widths of each tower's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.1, gt=0)
    """Standard deviation of the normal distribution that the features' vectors begin with."""
    user_id: bool = True
    """Whether the user's id is one of the features."""
    item_id: bool = True
    """Whether the item's id is one of the features."""
    composition: Composition = Composition(loss="sampled_softmax", sampler="in_batch", scorer="cosine", temperature=0.2)
    """What the towers are trained and compared with."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=512)
    """How it is trained."""


class DSSM(nn.Module):
    """Two towers and a scorer between them.

    Args:
        users, items: what is known of each side.
        embed_dim: D.
        mlp_layers: widths of the hidden layers of both.
        dropout: after each of them.
        init_std: of the features' vectors.
        scorer: between users and items.
    """

    reads = Reads(user=True)

    def __init__(
        self,
        users: Side,
        items: Side,
        embed_dim: int,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        self.users = Tower(users, embed_dim, mlp_layers, dropout, init_std)
        self.items = Tower(items, embed_dim, mlp_layers, dropout, init_std)
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The towers themselves: each runs for the ids that are asked for."""
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """v_u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def build(config: Config, prepared: Prepared) -> DSSM:
    """A DSSM for all that the dataset says of the users and items that training saw."""
    users, items = side_of(prepared, "user", ids=config.user_id), side_of(prepared, "item", ids=config.item_id)
    scorer = scorer_of(config.composition, config.embed_dim)
    return DSSM(users, items, config.embed_dim, config.mlp_layers, config.dropout, config.init_std, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against the items of the other pairs."""
    return from_composition(prepared, Pairs(prepared.train, config.training.batch_size), config.composition, config.training)
