"""xDeepFM: a linear term, a network of crosses of whole vectors, and a deep network.

    X^0 = the fields' vectors
    X^k_h = f(sum_ij W^k_h,ij (X^(k-1)_i * X^0_j)),    p^k_h = sum_d X^k_h,d
    y = <w_linear, x> + <w_dnn, h(X^0)> + <w_cin, [p^1; ...; p^T]> + b,    h = relu layers
    minimise the binary cross-entropy of sigmoid(y)

J. Lian, X. Zhou, F. Zhang, Z. Chen, X. Xie, G. Sun. "xDeepFM: Combining Explicit and Implicit Feature Interactions for Recommender
Systems." KDD 2018, arXiv:1803.05170 (the compressed interaction network and its combination with a deep one; settings of the experiments).

Deviations: the paper's L2 term of 0.0001 is for `weight_decay` to ask for. `split_half` and `cin_activation` are there because the authors'
code has the one and the paper compares the other (it finds the identity best). The paper leaves open how weights begin: vectors and
first-order weights normal, the W Xavier-normal, the deep network as torch has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.cin import CIN
from turret.nn.fields import FieldVectors, FirstOrder
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

Activation = Literal["identity", "relu"]
ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"identity": torch.positive, "relu": torch.relu}


class Config(BaseModel):
    """xDeepFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    cin_layers: tuple[int, ...] = Field(default=(200, 200, 200), min_length=1)
    """Maps in each layer of the network of vector crosses."""
    cin_activation: Activation = "identity"
    """What a map passes through."""
    split_half: bool = False
    """Whether half of each layer's maps goes on to the next layer and the other half into the score; else all go to both."""
    mlp_layers: tuple[int, ...] = (400, 400)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=4096)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.split_half and any(maps % 2 for maps in self.cin_layers[:-1]):
            raise ValueError("split_half halves the layers of cin_layers: all but the last must be even")
        return self


class XDeepFM(nn.Module):
    """Three components on shared vectors.

    Args:
        schema: the features.
        embed_dim: D.
        cin_layers: maps in each layer.
        cin_activation: of the maps.
        split_half: whether the layers of maps are halved.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors and the first-order weights.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        cin_layers: tuple[int, ...],
        cin_activation: Activation,
        split_half: bool,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.first_order = FirstOrder(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.mlp = MLP(self.vectors.count * embed_dim, mlp_layers, dropout)
        self.cin = CIN(self.vectors.count, cin_layers, ACTIVATIONS[cin_activation], split_half)
        self.out = nn.Linear(self.mlp.out + self.cin.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        linear: Tensor = self.first_order(impressions)
        crossed: Tensor = self.out(torch.cat([self.mlp(vectors.flatten(1)), self.cin(vectors)], dim=1))
        return linear.unsqueeze(1) + crossed


def build(config: Config, prepared: Prepared) -> XDeepFM:
    """An xDeepFM for the features of the dataset."""
    return XDeepFM(
        schema_of(prepared),
        config.embed_dim,
        config.cin_layers,
        config.cin_activation,
        config.split_half,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
