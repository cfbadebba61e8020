"""GDCN: a cross network whose every layer has a gate, before or beside a deep network.

    c_0 = the fields' vectors, one after the other
    c_(l+1) = c_0 * (W_l c_l + b_l) * sigmoid(G_l c_l) + c_l
    stacked (GDCN-S):   y = <w, h(c_L)> + b
    parallel (GDCN-P):  y = <w, [c_L; h(c_0)]> + b,    h = relu layers
    minimise the binary cross-entropy of sigmoid(y)

F. Wang, H. Gu, D. Li, T. Lu, P. Zhang, N. Gu. "Towards Deeper, Lighter and Interpretable Cross Network for CTR Prediction." CIKM 2023,
arXiv:2311.04635 (sections 3.2 to 3.4).

Deviations: the paper's second part, which gives each field a width of its own according to its importance, is left out; widths can be
set by hand, feature by feature. Sizes are searched in the paper and differ by dataset. The paper leaves open how weights begin: vectors
normal, matrices as torch has them, the cross network's biases zero.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.cross import CrossGated
from turret.nn.deep_and_cross import STRUCTURES, Structure
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """GDCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    cross_layers: int = Field(default=3, ge=1)
    """Layers of the cross network."""
    structure: Structure = "stacked"
    """Whether the deep network reads what the cross network makes, or stands beside it."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    batch_norm: bool = False
    """Whether the outputs of each hidden layer are normalised over the batch."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=4096)
    """How it is trained."""


class GDCN(nn.Module):
    """A gated cross network, and a deep network.

    Args:
        schema: the features.
        embed_dim: D.
        cross_layers: layers of the cross network.
        structure: which of the two ways to combine the networks.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        batch_norm: in each hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        cross_layers: int,
        structure: Structure,
        mlp_layers: tuple[int, ...],
        dropout: float,
        batch_norm: bool,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = self.vectors.count * embed_dim
        mlp = MLP(width, mlp_layers, dropout, batch_norm=batch_norm)
        self.networks = STRUCTURES[structure](CrossGated(width, cross_layers), mlp, width)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        logits: Tensor = self.networks(self.vectors(impressions).flatten(1))
        return logits


def build(config: Config, prepared: Prepared) -> GDCN:
    """A GDCN for the features of the dataset."""
    return GDCN(
        schema_of(prepared),
        config.embed_dim,
        config.cross_layers,
        config.structure,
        config.mlp_layers,
        config.dropout,
        config.batch_norm,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
