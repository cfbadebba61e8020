"""FM, factorisation machine: each pair of features interacts by the inner product of their vectors.

    y = w_0 + <w, x> + sum over fields i < j of <v_i, v_j> x_i x_j
    minimise the binary cross-entropy of sigmoid(y)

S. Rendle. "Factorization Machines." ICDM 2010 (equation 1, computed by lemma 3.1).

Deviations: mini-batches with Adam in place of stochastic gradient descent on single rows; the paper leaves open how vectors begin. A field
of several values enters as the mean of their vectors, so that pairs within the field are not crossed. The logit comes out; the sigmoid
belongs to serving.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.fm import second_order
from turret.nn.linear_term import LinearTerm
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """The factorisation machine's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class FM(nn.Module):
    """The linear term and the second-order one.

    Args:
        schema: the features.
        embed_dim: D.
        init_std: of the vectors and the first-order weights.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.linear = LinearTerm(schema, init_std)
        self.vectors = FieldVectors(schema, embed_dim, init_std)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        linear: Tensor = self.linear(impressions)
        return linear + second_order(self.vectors(impressions)).unsqueeze(1)


def build(config: Config, prepared: Prepared) -> FM:
    """A factorisation machine for the features of the dataset."""
    return FM(schema_of(prepared), config.embed_dim, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
