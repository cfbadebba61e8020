"""FiBiNET: fields are weighed by a squeeze-and-excitation network and crossed by bilinear functions.

    a = relu(W_2 relu(W_1 z)),    z_i = mean of e_i,    v_i = a_i e_i
    p_ij = (e_i W) * e_j,    q_ij = (v_i W) * v_j,    i < j
    y = w_0 + <w, x> + w_d a_L,    a_L = relu layers on [p, q]

T. Huang, Z. Zhang, J. Zhang. "FiBiNET: Combining Feature Importance and Bilinear feature Interaction for Click-Through Rate Prediction."
RecSys 2019, arXiv:1905.09433 (sections 3.2 to 3.6; settings of the experiments, Criteo's where they differ by data).

Deviations: the paper leaves open whether the two sides have a matrix W each; they share it here. How weights begin is open too: vectors and
first-order weights are normal, the bilinear matrices Xavier-normal, all other layers begin as torch's do. A field of several values enters
as the mean of their vectors.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.bilinear import Bilinear, BilinearKind
from turret.nn.fields import FieldVectors, FirstOrder
from turret.nn.mlp import MLP
from turret.nn.senet import SENet
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FiBiNET's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    reduction: int = Field(default=3, ge=1)
    """How many fields there are to one unit of the squeeze-and-excitation network's middle layer."""
    bilinear: BilinearKind = "interaction"
    """Which pairs of fields have a matrix of their own: all have one together, each first field has one, or each interaction."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.0001, batch_size=1000)
    """How it is trained."""


class FiBiNET(nn.Module):
    """Both sides of bilinear products, a deep network and a linear term.

    Args:
        schema: the features, two or more.
        embed_dim: D.
        reduction: of the squeeze-and-excitation network.
        bilinear: which pairs have a matrix of their own.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors and the first-order weights.

    Raises:
        UnsupportedError: there are fewer than two fields.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        reduction: int,
        bilinear: BilinearKind,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.first_order = FirstOrder(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.senet = SENet(self.vectors.count, reduction)
        self.bilinear = Bilinear(self.vectors.count, embed_dim, bilinear)
        self.mlp = MLP(2 * self.bilinear.count * embed_dim, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        crossed = torch.cat([self.bilinear(vectors), self.bilinear(self.senet(vectors))], dim=1)
        first: Tensor = self.first_order(impressions)
        deep: Tensor = self.out(self.mlp(crossed.flatten(1)))
        return first.unsqueeze(1) + deep


def build(config: Config, prepared: Prepared) -> FiBiNET:
    """A FiBiNET for the features of the dataset."""
    return FiBiNET(
        schema_of(prepared),
        config.embed_dim,
        config.reduction,
        config.bilinear,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
