"""DCN-V2: crosses weighted by matrices, of full or low rank or mixed from low-rank experts, before or beside a deep network.

    x_0 = the fields' vectors, one after the other
    full:      x_(l+1) = x_0 * (W_l x_l + b_l) + x_l
    low rank:  x_(l+1) = x_0 * (U_l (V_l^T x_l) + b_l) + x_l
    mixture:   x_(l+1) = sum_i G_i(x_l) x_0 * (U_li tanh(C_li tanh(V_li^T x_l)) + b_l) + x_l
    stacked:   y = <w, h(x_L)> + b         parallel:  y = <w, [x_L; h(x_0)]> + b,    h = relu layers
    minimise the binary cross-entropy of sigmoid(y)

R. Wang, R. Shivanna, D. Z. Cheng, S. Jain, D. Lin, L. Hong, E. H. Chi. "DCN V2: Improved Deep & Cross Network and Practical Lessons for
Web-scale Learning to Rank Systems." WWW 2021, arXiv:2008.13535 (the cross network, the two ways of combining it with a deep one,
and the mixture of low-rank crosses).

Deviations: all fields have vectors of one width; numbers enter as a multiple of their field's vector rather than as they are. The
paper lets gates be a softmax or a sigmoid and the activation g be any: softmax and tanh here, a gate for each layer. No average of the
weights over the steps, no L2 term unless `weight_decay` asks for one. Sizes are searched in the paper; the defaults are within its ranges.
Matrices begin as torch has them, their biases at zero.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.cross import CrossMatrix, CrossMixture
from turret.nn.deep_and_cross import STRUCTURES, Structure
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DCN-V2's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    cross_layers: int = Field(default=3, ge=1)
    """Layers of the cross network."""
    structure: Structure = "stacked"
    """Whether the deep network reads what the cross network makes, or stands beside it."""
    low_rank: int | None = Field(default=None, ge=1)
    """Rank of the matrices of the cross network; none leaves them square."""
    experts: int = Field(default=1, ge=1)
    """Low-rank experts that are mixed in each layer of the cross network."""
    mlp_layers: tuple[int, ...] = (768, 768)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    batch_norm: bool = False
    """Whether the outputs of each hidden layer are normalised over the batch."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=512, grad_clip_norm=10.0)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.experts > 1 and self.low_rank is None:
            raise ValueError("experts are of low rank: give low_rank too")
        return self


class DCNv2(nn.Module):
    """A cross network with matrices, and a deep network.

    Args:
        schema: the features.
        embed_dim: D.
        cross_layers: layers of the cross network.
        structure: which of the two ways to combine the networks.
        low_rank: of the cross network's matrices; None: they are square.
        experts: more than one: that many of low rank are mixed.
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
        low_rank: int | None,
        experts: int,
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
        self.networks = STRUCTURES[structure](_cross(width, cross_layers, low_rank, experts), mlp, width)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        logits: Tensor = self.networks(self.vectors(impressions).flatten(1))
        return logits


def _cross(width: int, layers: int, rank: int | None, experts: int) -> CrossMatrix | CrossMixture:
    if rank is not None and experts > 1:
        return CrossMixture(width, layers, rank, experts)
    return CrossMatrix(width, layers, rank)


def build(config: Config, prepared: Prepared) -> DCNv2:
    """A DCN-V2 for the features of the dataset."""
    return DCNv2(
        schema_of(prepared),
        config.embed_dim,
        config.cross_layers,
        config.structure,
        config.low_rank,
        config.experts,
        config.mlp_layers,
        config.dropout,
        config.batch_norm,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
