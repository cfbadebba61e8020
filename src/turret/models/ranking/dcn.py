"""DCN: a network of explicit feature crosses beside a deep one.

    x_0 = the fields' vectors, one after the other
    x_(l+1) = x_0 x_l^T w_l + b_l + x_l
    h_0 = x_0,    h_(l+1) = relu(W_l h_l + b_l)
    y = <w, [x_L1; h_L2]> + b
    minimise the binary cross-entropy of sigmoid(y)

R. Wang, B. Fu, G. Fu, M. Wang. "Deep & Cross Network for Ad Click Predictions." ADKDD 2017, arXiv:1708.05123 (the cross network,
the deep network and the layer that combines them; settings of the experiments).

Deviations: all fields have vectors of one width, where the paper's is 6 (categories)^(1/4); numbers enter as a multiple of their field's
vector rather than as they are. No L2 term unless `weight_decay` asks for one. The paper leaves open how weights begin: vectors normal,
cross weights Xavier-normal, their biases zero, the deep network as torch has it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.cross import CrossVector
from turret.nn.deep_and_cross import Parallel
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    cross_layers: int = Field(default=6, ge=1)
    """Layers of the cross network."""
    mlp_layers: tuple[int, ...] = (1024, 1024)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    batch_norm: bool = True
    """Whether the outputs of each hidden layer are normalised over the batch."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=512, grad_clip_norm=100.0)
    """How it is trained."""


class DCN(nn.Module):
    """Both networks on the same vectors.

    Args:
        schema: the features.
        embed_dim: D.
        cross_layers: layers of the cross network.
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
        self.networks = Parallel(CrossVector(width, cross_layers), mlp, width)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        logits: Tensor = self.networks(self.vectors(impressions).flatten(1))
        return logits


def build(config: Config, prepared: Prepared) -> DCN:
    """A DCN for the features of the dataset."""
    return DCN(
        schema_of(prepared),
        config.embed_dim,
        config.cross_layers,
        config.mlp_layers,
        config.dropout,
        config.batch_norm,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
