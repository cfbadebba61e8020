"""DeepFM: a factorisation machine and a deep network that read the same vectors.

    y = y_FM + y_DNN
    y_FM = <w, x> + sum over fields i < j of <V_i, V_j> x_i x_j
    y_DNN = W a + b,    a = relu layers on the concatenated V_i x_i
    minimise the binary cross-entropy of sigmoid(y)

H. Guo, R. Tang, Y. Ye, Z. Li, X. He. "DeepFM: A Factorization-Machine based Neural Network for CTR Prediction." IJCAI 2017,
arXiv:1703.04247 (equations 1 to 4; settings of section 3.1).

Deviations: the paper leaves open how vectors begin, the learning rate and the batch size, which are set here. A field of several values
enters as the mean of their vectors, so that pairs within the field are not crossed. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.core.context import Impressions
from turret.data.prepared import Prepared
from turret.losses.pointwise import LOSSES
from turret.nn.fields import FieldVectors
from turret.nn.fm import second_order
from turret.nn.mlp import MLP
from turret.training.config import Training
from turret.training.objectives.pointwise import Pointwise
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DeepFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the deep network's hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    loss: Literal["binary_cross_entropy", "square"] = "binary_cross_entropy"
    """What a prediction and its label are compared by; the paper's is binary_cross_entropy."""
    training: Training = Training(learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class DeepFM(nn.Module):
    """Both components on shared vectors.

    Args:
        tokens: how many ids each categorical field has, 0 included.
        sets: the same for each multi-valued field, by name.
        floats: how many dense fields there are.
        embed_dim: D.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors and the first-order weights.
    """

    tasks = 1

    def __init__(
        self,
        tokens: Sequence[int],
        sets: Mapping[str, int],
        floats: int,
        embed_dim: int,
        mlp_layers: Sequence[int],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.weights = FieldVectors(tokens, sets, floats, 1, init_std)
        self.vectors = FieldVectors(tokens, sets, floats, embed_dim, init_std)
        self.mlp = MLP(self.vectors.count * embed_dim, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        fm: Tensor = self.weights(impressions).sum(dim=(1, 2)) + second_order(vectors)
        deep: Tensor = self.out(self.mlp(vectors.flatten(1)))
        return fm.unsqueeze(1) + deep


def build(config: Config, prepared: Prepared) -> DeepFM:
    """A DeepFM for the fields of the dataset's users, items and log."""
    fields = ImpressionBuilder(prepared).fields
    return DeepFM(
        list(fields.tokens.values()),
        fields.sets,
        len(fields.floats),
        config.embed_dim,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return Gradient(
        batches=ImpressionBatches(prepared, config.training.batch_size),
        objective=Pointwise(LOSSES[config.loss]),
        training=config.training,
    )
