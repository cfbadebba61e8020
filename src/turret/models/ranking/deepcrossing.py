"""Deep Crossing: stacked feature vectors through residual units.

    x_j = relu(W_j x_j^in + b_j),    x = [x_1; ...; x_F]
    x <- relu(W1 relu(W0 x + b0) + b1 + x), once for each unit
    y = <w, x> + b
    minimise the binary cross-entropy of sigmoid(y)

Y. Shan, T. R. Hoens, J. Jiao, H. Wang, D. Yu, J. C. Mao. "Deep Crossing: Web-Scale Modeling without Manually Crafted Combinatorial
Features." KDD 2016 (the embedding, stacking, residual and scoring layers; units as in the experiments).

Deviations: vectors are 16 wide rather than 256; every feature has one, where the paper leaves those of fewer than 256 dimensions as they
are. The paper leaves open how weights begin and how it descends: vectors normal, their biases zero, matrices as torch has them, Adam.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """Deep Crossing's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    residual_layers: tuple[int, ...] = (512, 512, 256, 128, 64)
    """Width inside each residual unit."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class Residual(nn.Module):
    """relu(W1 relu(W0 x + b0) + b1 + x).

    Args:
        width: of the input and the output, N.
        inside: width between the two layers.
    """

    def __init__(self, width: int, inside: int) -> None:
        super().__init__()
        self.first, self.second = Linear(width, inside), Linear(inside, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, N] -> [B, N]."""
        return torch.relu(self.second(torch.relu(self.first(inputs))) + inputs)


class DeepCrossing(nn.Module):
    """Vectors, stacking, residual units, scoring.

    Args:
        schema: the features.
        embed_dim: D.
        residual_layers: width inside each unit.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, residual_layers: tuple[int, ...], init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.bias = nn.Parameter(torch.zeros(self.vectors.count, embed_dim))
        width = self.vectors.count * embed_dim
        self.units = nn.Sequential(*(Residual(width, inside) for inside in residual_layers))
        self.out = nn.Linear(width, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        stacked = torch.relu(self.vectors(impressions) + self.bias).flatten(1)
        logits: Tensor = self.out(self.units(stacked))
        return logits


def build(config: Config, prepared: Prepared) -> DeepCrossing:
    """A Deep Crossing for the features of the dataset."""
    return DeepCrossing(schema_of(prepared), config.embed_dim, config.residual_layers, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
