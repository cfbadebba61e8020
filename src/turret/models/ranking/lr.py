"""LR, logistic regression: a weight for each category and for each number.

    y = w_0 + <w, x>
    minimise the binary cross-entropy of sigmoid(y)

M. Richardson, E. Dominowska, R. Ragno. "Predicting Clicks: Estimating the Click-Through Rate for New Ads." WWW 2007 (the logistic
regression and its loss).

Deviations: mini-batches with Adam in place of limited-memory BFGS; without a Gaussian prior on the weights (`--weight_decay` and
`--embedding_decay` bring it back); numbers enter once, standardised, not also as their logarithm and square. Each impression counts by
itself, where the paper weighs ads by their views. A field of several values enters as the mean of their weights. The logit comes out; the
sigmoid belongs to serving.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.linear_term import LinearTerm
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """Logistic regression's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that the weights begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class LR(nn.Module):
    """The linear term alone.

    Args:
        schema: the features.
        init_std: of the weights.
    """

    reads = Reads()

    def __init__(self, schema: Schema, init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.linear = LinearTerm(schema, init_std)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        return self.linear(impressions)  # type: ignore[no-any-return]


def build(config: Config, prepared: Prepared) -> LR:
    """A logistic regression for the features of the dataset."""
    return LR(schema_of(prepared), config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
