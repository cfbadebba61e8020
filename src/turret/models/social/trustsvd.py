"""TrustSVD: ratings from a user, from the items that it rated and from the users that it trusts, which have to be foretold as well.

    r^_uj = b_u + b_j + mu + <q_j, p_u + |I_u|^-1/2 sum over i in I_u of y_i + |T_u|^-1/2 sum over v in T_u of w_v>
    t^_uv = <w_v, p_u>
    minimise  1/2 sum over ratings of (r^_uj - r_uj)^2  +  lambda_t/2 sum over links of (t^_uv - t_uv)^2
              +  lambda/2 (sum_u |I_u|^-1/2 (b_u^2 + |p_u|^2) + sum_j |U_j|^-1/2 (b_j^2 + |q_j|^2 + |y_j|^2) + sum_v |T+_v|^-1/2 |w_v|^2)
              +  lambda_t/2 sum_u |T_u|^-1/2 |p_u|^2

    I_u  what u rated,    U_j  who rated j,    T_u  whom u trusts,    T+_v  who trusts v,    mu  the mean rating

G. Guo, J. Zhang, N. Yorke-Smith. "TrustSVD: Collaborative Filtering with Both the Explicit and Implicit Influence of User Trust and of Item
Ratings." AAAI 2015.

Deviations: the paper predicts the ratings of pairs that are given. To rank a catalogue, each rating brings `negative_count` items that
the user did not rate, at 0; with none the objective is the paper's, twice and over the number of ratings. Ratings are shares of the
highest, and so are weights of links, which are 1 where they have none; the defaults of lambda and lambda_t are for such ratings. Adam on
batches of ratings, each with all links and all other terms, in place of gradient descent over everything.
"""

from __future__ import annotations

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_social
from turret.batches.ratings import Ratings
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, Step
from turret.data.beside import Social
from turret.data.prepared import Prepared
from turret.graphs.aggregation import Aggregation
from turret.graphs.bipartite import bipartite
from turret.graphs.edges import Edges
from turret.losses.pointwise import square
from turret.nn.tables import Biased, Computed, Table
from turret.sampling.uniform import Uniform
from turret.scorers.both_biased import BothBiased
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.rated import AgainstRatings
from turret.training.procedures import Gradient


class Config(BaseModel):
    """TrustSVD's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors."""
    norm_weight: float = Field(default=0.1, ge=0)
    """lambda, of what is small for whoever has few ratings."""
    trust_weight: float = Field(default=0.1, ge=0)
    """lambda_t, of foretelling links; 0 leaves trust to what it does for ratings."""
    negative_count: int = Field(default=4, ge=0)
    """Unrated items that each rating brings, drawn uniformly; 0 is the paper's objective."""
    training: Training = Training(learning_rate=0.001, batch_size=2048, epochs=300, early_stop_patience=12)
    """How it is trained."""


class TrustSVD(nn.Module):
    """Four tables, two biases, and who rated what and trusts whom.

    Args:
        rated: the items that each user rated, [U, I].
        links: between the users.
        mean: mu.
        n_ratings: how many there are.
        embed_dim: D.
    """

    reads = Reads(user=True)
    targets: Tensor
    of_items: Tensor
    of_users: Tensor
    of_trusting: Tensor
    of_trusted: Tensor

    def __init__(self, rated: Edges, links: Social, mean: float, n_ratings: int, embed_dim: int) -> None:
        super().__init__()
        n_users, n_items = rated.shape
        self.users, self.trusted = Table(n_users, embed_dim), Table(n_users, embed_dim)
        self.items, self.rated_items = Table(n_items, embed_dim), Table(n_items, embed_dim)
        self.user_biases, self.item_biases = Table(n_users, 1, std=0.0), Table(n_items, 1, std=0.0)
        self.scorer: Scorer = BothBiased()
        self.mean, self.n_ratings = mean, n_ratings
        trust = Edges(links.source, links.target, (n_users, n_users))
        (rating, raters), (trusting, trusters) = rated.degrees(), trust.degrees()
        factors = {"of_users": rating, "of_items": raters, "of_trusting": trusting, "of_trusted": trusters}
        for name, degree in factors.items():
            self.register_buffer(name, torch.where(degree > 0, degree.rsqrt(), 0.0).float(), persistent=False)
        self.rated = rated.weighted(self.of_users[rated.rows])
        self.trusts = trust.weighted(self.of_trusting[trust.rows])
        offsets = np.append(0, np.bincount(links.source, minlength=n_users).cumsum())
        self.links = Aggregation(torch.from_numpy(offsets), trust.columns, n_users)
        order = np.lexsort((links.target, links.source))
        weight = np.ones(len(links)) if links.weight is None else links.weight[order] / links.weight.max()
        self.register_buffer("targets", torch.from_numpy(weight).float(), persistent=False)

    def encode(self) -> Encoded:
        """[what a user is by itself, its items and its trust, b_u + mu] and [q_j, b_j]."""
        users = self.users.dense() + self.rated(self.rated_items.dense()) + self.trusts(self.trusted.dense())
        biased = torch.cat([users, self.user_biases.dense() + self.mean], dim=1)
        return Encoded(items=Biased(self.items, self.item_biases), users=Computed(biased))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The user's: [B, D + 1]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


def weighted_norms(model: TrustSVD, batch: object, encoded: Encoded, step: Step) -> Tensor:
    """The sum beside lambda/2, over the number of ratings: a scalar."""
    of_users = model.of_users @ (_squares(model.users) + _squares(model.user_biases))
    of_items = model.of_items @ (_squares(model.items) + _squares(model.item_biases) + _squares(model.rated_items))
    return (of_users + of_items + model.of_trusted @ _squares(model.trusted)) / model.n_ratings


def distrust(model: TrustSVD, batch: object, encoded: Encoded, step: Step) -> Tensor:
    """The sums beside lambda_t/2, over the number of ratings: a scalar."""
    foretold = model.links.products(model.users.dense(), model.trusted.dense())
    missed = (foretold - model.targets).square().sum()
    return (missed + model.of_trusting @ _squares(model.users)) / model.n_ratings


def _squares(table: Table) -> Tensor:
    """[n]."""
    return table.dense().square().sum(dim=1)


def build(config: Config, prepared: Prepared) -> TrustSVD:
    """A TrustSVD on what the users that training saw rated in it, and on the links between them."""
    links, log = needs_social(prepared, "TrustSVD"), prepared.train
    mean = 0.0 if log.rating is None or not len(log) else float(log.rating.mean() / log.rating.max())
    return TrustSVD(bipartite(log), links, mean, max(len(log), 1), config.embed_dim)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Ratings, zeros beside them, and links."""
    batches = Ratings(prepared.train, config.training.batch_size)
    main = AgainstRatings(square, Uniform(prepared.n_items, config.negative_count, prepared.train))
    beside = Beside(main, [(config.norm_weight, weighted_norms), (config.trust_weight, distrust)])
    return Gradient(batches, beside, config.training)
