"""EDCN: a cross and a deep network that exchange what they have found after every layer.

    regulation:  r(f) = [softmax(g / tau)_1 f_1; ...; softmax(g / tau)_F f_F], field by field, with a g for each layer and network
    x_0 = r_cross(e),    h_0 = r_deep(e),    e = the fields' vectors, one after the other
    c_l = x_0 x_(l-1)^T w_l + b_l + x_(l-1),    d_l = relu(W_l h_(l-1) + b'_l)
    bridge:  f_l = c_l * d_l,    x_l = r_cross(f_l),    h_l = r_deep(f_l)
    y = <w, [c_L; d_L; f_L]> + b
    minimise the binary cross-entropy of sigmoid(y)

B. Chen, Y. Wang, Z. Liu, R. Tang, W. Guo, H. Zheng, W. Yao, M. Zhang, X. He. "Enhancing Explicit and Implicit Feature Interactions via
Information Sharing for Parallel Deep CTR Models." CIKM 2021 (the bridge and the regulation module).

Deviations: of the four bridges that the paper compares it has the product, which the paper finds best. No batch normalisation after the
regulation. The paper leaves open how weights begin: vectors normal, w_l Xavier-normal, g one, matrices as torch has them. The g then make
every field F times smaller, so that the first steps move little; batches are small for that reason.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.cross import CrossVector, crossed
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """EDCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    cross_layers: int = Field(default=3, ge=1)
    """Layers of the cross network, and of the deep one beside it."""
    gate_temperature: float = Field(default=1.0, gt=0)
    """What the weights of the fields are divided by before their softmax; a small one makes it choose few fields."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=512)
    """How it is trained."""


class EDCN(nn.Module):
    """Two networks with bridges.

    Args:
        schema: the features.
        embed_dim: D.
        cross_layers: L.
        gate_temperature: tau.
        dropout: after each deep layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, cross_layers: int, gate_temperature: float, dropout: float, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.temperature = gate_temperature
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = self.vectors.count * embed_dim
        self.cross = CrossVector(width, cross_layers)
        self.deep = nn.ModuleList(MLP(width, (width,), dropout) for _ in range(cross_layers))
        self.gates = nn.Parameter(torch.ones(cross_layers, 2, self.vectors.count))
        self.out = nn.Linear(3 * width, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        bridge = self.vectors(impressions).flatten(1)
        gates = torch.softmax(self.gates / self.temperature, dim=-1).repeat_interleave(self.vectors.width, dim=-1)
        first = gates[0, 0] * bridge
        cross = deep = bridge
        for weight, bias, layer, (to_cross, to_deep) in zip(self.cross.weight, self.cross.bias, self.deep, gates, strict=True):
            cross = crossed(first, to_cross * bridge, weight, bias)
            deep = layer(to_deep * bridge)
            bridge = cross * deep
        logits: Tensor = self.out(torch.cat([cross, deep, bridge], dim=1))
        return logits


def build(config: Config, prepared: Prepared) -> EDCN:
    """An EDCN for the features of the dataset."""
    return EDCN(schema_of(prepared), config.embed_dim, config.cross_layers, config.gate_temperature, config.dropout, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
