"""Wide & Deep: a linear model of categories and their chosen crosses beside a deep network.

    phi_k(x) = product of the x_i of a cross: 1 where the impression has all of its categories, else 0
    y = <w_wide, [x, phi(x)]> + <w_deep, a> + b,    a = relu layers on the concatenated vectors
    minimise the binary cross-entropy of sigmoid(y)

H.-T. Cheng, L. Koc, J. Harmsen, T. Shaked, T. Chandra, H. Aradhye, G. Anderson, G. Corrado, W. Chai, M. Ispir, R. Anil, Z. Haque, L. Hong,
V. Jain, X. Liu, H. Shah. "Wide & Deep Learning for Recommender Systems." DLRS 2016, arXiv:1606.07792 (the wide and the deep
component, trained jointly; sizes of the system that the paper describes).

Deviations: one optimizer trains both parts, where the paper has FTRL with an L1 term for the wide part and AdaGrad for the deep one. The
categories of a cross are hashed into `cross_buckets` weights, and those that share a bucket share its weight; a cross with a missing
category counts nothing. Numbers enter the deep part as a multiple of their field's vector rather than as they are. The paper leaves open
how weights begin, the learning rate and the batch size, which are set here.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.errors import InputError
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.chosen import chosen
from turret.nn.fields import FieldVectors, FirstOrder
from turret.nn.mlp import MLP
from turret.nn.tables import Table
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

ODD = -7046029254386353131
"""2^64 over the golden ratio, made odd, as a signed number: the multiplier of D. Knuth's multiplicative hashing."""


class Config(BaseModel):
    """Wide & Deep's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    crosses: tuple[str, ...] = ()
    """Crosses of categorical features that the wide part has weights for, such as user.gender*item."""
    cross_buckets: int = Field(default=100_000, ge=1)
    """Weights that the combinations of each cross are hashed into."""
    embed_dim: int = Field(default=32, ge=1)
    """Width of each field's vector."""
    mlp_layers: tuple[int, ...] = (1024, 512, 256)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and the wide part's weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class Cross(nn.Module):
    """The weight of the combination of categories that an impression has.

    Args:
        schema: the features.
        names: of categorical features, joined by *.
        buckets: weights.
        std: of the initial weights.

    Raises:
        InputError: there are fewer than two names, or one is of no categorical feature.
    """

    def __init__(self, schema: Schema, names: str, buckets: int, std: float) -> None:
        super().__init__()
        self.places = chosen(schema, names.split("*"))
        if len(self.places) < 2:
            raise InputError(f"the cross {names!r} crosses nothing", hint="Join two or more categorical features, as in user.gender*item.")
        self.weights = Table(buckets, 1, std)

    def buckets(self, tokens: Tensor) -> Tensor:
        """int64 [B, K] -> [B]."""
        key = torch.zeros_like(tokens[:, 0])
        for place in self.places:
            key = (key + tokens[:, place]) * ODD
            key = key ^ (key >> 32)
        return key % len(self.weights.weight)

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B]."""
        tokens = impressions.tokens
        weights = self.weights[self.buckets(tokens)].squeeze(1)
        return weights * (tokens[:, self.places] > 0).all(dim=1)


class WideDeep(nn.Module):
    """Both parts.

    Args:
        schema: the features.
        crosses: each a few names joined by *.
        cross_buckets: weights of each cross.
        embed_dim: D.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors and the wide part's weights.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        crosses: tuple[str, ...],
        cross_buckets: int,
        embed_dim: int,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        crossed = [Cross(schema, names, cross_buckets, init_std) for names in crosses]
        self.wide = nn.ModuleList([FirstOrder(schema, init_std), *crossed])
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.mlp = MLP(self.vectors.count * embed_dim, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        wide = torch.stack([part(impressions) for part in self.wide]).sum(dim=0)
        deep: Tensor = self.out(self.mlp(self.vectors(impressions).flatten(1)))
        return wide.unsqueeze(1) + deep


def build(config: Config, prepared: Prepared) -> WideDeep:
    """A Wide & Deep for the features of the dataset."""
    return WideDeep(
        schema_of(prepared),
        config.crosses,
        config.cross_buckets,
        config.embed_dim,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
