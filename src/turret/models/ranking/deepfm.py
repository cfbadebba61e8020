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

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors, FirstOrder
from turret.nn.fm import second_order
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
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
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class DeepFM(nn.Module):
    """Both components on shared vectors.

    Args:
        schema: the features.
        embed_dim: D.
        mlp_layers: widths of the hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors and the first-order weights.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, mlp_layers: tuple[int, ...], dropout: float, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.first_order = FirstOrder(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.mlp = MLP(self.vectors.count * embed_dim, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        fm: Tensor = self.first_order(impressions) + second_order(vectors)
        deep: Tensor = self.out(self.mlp(vectors.flatten(1)))
        return fm.unsqueeze(1) + deep


def build(config: Config, prepared: Prepared) -> DeepFM:
    """A DeepFM for the features of the dataset."""
    return DeepFM(schema_of(prepared), config.embed_dim, config.mlp_layers, config.dropout, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
