"""FmFM, field-matrixed factorisation machine: each pair of fields has a matrix that takes the one's vectors to the other's.

    y = w_0 + <w, x> + sum over fields i < j of <v_i M_ij, v_j> x_i x_j
    minimise the binary cross-entropy of sigmoid(y)

Y. Sun, J. Pan, A. Zhang, A. Flores. "FM^2: Field-matrixed Factorization Machines for Recommender Systems." WWW 2021, arXiv:2102.12994
(the model, with matrices of pairs of fields).

Deviations: all fields have vectors of one width here, those of another being projected to it first, where the paper lets M_ij be of the two
fields' widths. Matrices begin as the identity, where the model is a factorisation machine. A field of several values enters as the mean of
their vectors, so that pairs within the field are not crossed. The logit comes out; the sigmoid belongs to serving.
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
from turret.nn.linear_term import LinearTerm
from turret.nn.pairs import FieldPairs
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FmFM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors and first-order weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class FmFM(nn.Module):
    """The linear term and the products of pairs through matrices.

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
        self.pairs = FieldPairs(self.vectors.count)
        self.matrices = nn.Parameter(torch.eye(embed_dim).repeat(self.pairs.count, 1, 1))

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        left, right = self.pairs.sides(self.vectors(impressions))
        moved = torch.einsum("bpd,pde->bpe", left, self.matrices)
        linear: Tensor = self.linear(impressions)
        return linear + (moved * right).sum(dim=(1, 2)).unsqueeze(1)


def build(config: Config, prepared: Prepared) -> FmFM:
    """An FmFM for the features of the dataset.

    Raises:
        UnsupportedError: it has fewer than two features.
    """
    return FmFM(schema_of(prepared), config.embed_dim, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
