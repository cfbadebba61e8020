"""IRGAN: a generator that draws items and a discriminator that tells them from right ones, each learning from the other.

    p(i | u) = softmax over i of  g(u, i),      D(u, i) = sigmoid(f(u, i)),      f and g inner products of two tables each
    min over g, max over f of  sum over u of  E_{i ~ data} [ ln D(u, i) ]  +  E_{i ~ p} [ ln (1 - D(u, i)) ]               (1)

The discriminator descends binary cross-entropy; the generator ascends the policy gradient of ln p, with what the discriminator says of its
draws as reward. The generator recommends.

J. Wang, L. Yu, W. Zhang, Y. Gong, Y. Xu, B. Wang, P. Zhang, D. Zhang. "IRGAN: A Minimax Game for Unifying Generative and Discriminative
Information Retrieval Models." SIGIR 2017, arXiv 1705.10513. Rewards and the mixture that the generator draws from, with its importance
weights, follow the authors' code.

Deviations: the generator begins with some epochs of maximum likelihood, where the authors load one that was trained before; both take one
epoch each in turn, where theirs takes 100 and 50 and draws anew every five; no biases of items; Adam; a batch is of pairs, not of a user.
On MovieLens-100K the game adds next to nothing to the likelihood that the generator begins with, and goes wrong if it goes on for long;
early stopping takes the best of it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.nn.two_tables import TwoTables
from turret.sampling.seen import Seen
from turret.scorers.dot import Dot
from turret.training.alternate import Alternate, Turn, shares
from turret.training.config import Training
from turret.training.objectives.adversarial import Discriminating, Generating


class Config(BaseModel):
    """IRGAN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors of both sides, of both models (the paper takes 5 on MovieLens-100K)."""
    generator_temperature: float = Field(default=1.0, gt=0)
    """What the generator's scores are divided by."""
    generator_draws: int = Field(default=2, ge=1)
    """Items that the generator draws for each right one when it learns."""
    positive_share: float = Field(default=0.2, ge=0, lt=1)
    """Share of right items among them, which keeps rewards coming."""
    warm_up: int = Field(default=20, ge=0)
    """Epochs of the generator's in which it learns by maximum likelihood."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, weight_decay=1e-5, batch_size=512, epochs=300, eval_every=2)
    """How it is trained; of the epochs one half is the discriminator's, one the generator's."""


class IRGAN(nn.Module):
    """Two retrievers.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int) -> None:
        super().__init__()
        self.discriminator = TwoTables(n_users, n_items, embed_dim, Dot())
        self.generator = TwoTables(n_users, n_items, embed_dim, Dot())
        self.scorer: Scorer = self.generator.scorer

    def encode(self) -> Encoded:
        """The generator's tables."""
        return self.generator.encode()

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The generator's w_u: [B, D]."""
        return self.generator.query(context, encoded)


def build(config: Config, prepared: Prepared) -> IRGAN:
    """An IRGAN for the users and items that training saw."""
    return IRGAN(prepared.n_users, prepared.n_items, config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Alternate:
    """An epoch of the discriminator, then one of the generator."""
    training = config.training
    batches = Pairs(prepared.train, training.batch_size)
    discriminating = Discriminating(against_zeros(binary_cross_entropy), temperature=config.generator_temperature)
    generating = Generating(
        Seen(prepared.train),
        config.generator_draws,
        config.positive_share,
        config.generator_temperature,
        config.warm_up * batches.steps(),
    )
    first, second = shares(training.epochs, (1, 1))
    return Alternate(
        [
            Turn(("discriminator",), batches, discriminating, training.model_copy(update={"epochs": first})),
            Turn(("generator",), batches, generating, training.model_copy(update={"epochs": second})),
        ]
    )
