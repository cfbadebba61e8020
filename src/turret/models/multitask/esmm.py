"""ESMM: clicks and conversions over all impressions, the second as a product, so that nothing is trained on clicked rows alone.

    pCTR   = sigmoid(a),  pCVR = sigmoid(b)
    pCTCVR = pCTR pCVR
    minimise the cross-entropy of pCTR with the clicks plus that of pCTCVR with the clicks that led to a conversion

with a and b from two networks on the same concatenated vectors of the features. The two tasks are the first two columns of labels, the
click and the conversion; the second logit is that of pCTCVR, -log(e^-a + e^-b + e^-(a + b)), in which no probability is ever formed.

X. Ma, L. Zhao, G. Huang, Z. Wang, Z. Hu, X. Zhu, K. Gai. "Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click
Conversion Rate." SIGIR 2018, arXiv:1804.07931 (the model over the entire space and its loss; settings of the experiments).

Deviations: a field of several values enters as their mean, not their sum. Adam's learning rate and the batch size are set here; weights of
layers begin as torch's do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_several_tasks
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.balance import Balancing, balance
from turret.nn.experts import Towers
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """ESMM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=18, ge=1)
    """Width of each field's vector."""
    tower_layers: tuple[int, ...] = (360, 200, 80)
    """Widths of the hidden layers of each task's own network."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    balancing: Balancing = "sum"
    """How the tasks' losses become one: their sum, weights by learnt uncertainty, or GradNorm's."""
    gradnorm_alpha: float = Field(default=1.5, ge=0)
    """Strength with which GradNorm brings the tasks' rates of learning together."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""


class ESMM(nn.Module):
    """Shared vectors, and a network for each of the two rates.

    Args:
        schema: the features and the two tasks.
        embed_dim: D.
        tower_layers: widths of each network's hidden layers.
        dropout: after each hidden layer.
        init_std: of the vectors.
        balancing: rule for the losses.
        gradnorm_alpha: of that rule.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        tower_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
        balancing: Balancing,
        gradnorm_alpha: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.towers = Towers(2, self.vectors.count * embed_dim, tower_layers, dropout)
        self.balance = balance(balancing, 2, gradnorm_alpha)

    def shared(self) -> Sequence[Tensor]:
        """The table of vectors, which is all that the tasks share."""
        return [self.vectors.table.weight]

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 2]: of the click, and of the click with a conversion."""
        click, conversion = self.towers(self.vectors(impressions).flatten(1).unsqueeze(1)).unbind(dim=1)
        return torch.stack([click, logit_of_product(click, conversion)], dim=1)


def logit_of_product(a: Tensor, b: Tensor) -> Tensor:
    """log p / (1 - p) of p = sigmoid(a) sigmoid(b), for any a and b [*S]: 1/p - 1 = (1 + e^-a)(1 + e^-b) - 1."""
    return -torch.logsumexp(torch.stack([-a, -b, -(a + b)]), dim=0)


def build(config: Config, prepared: Prepared) -> ESMM:
    """An ESMM for the features and the two tasks of the dataset."""
    schema = schema_of(prepared)
    needs_several_tasks(schema, most=2)
    return ESMM(schema, config.embed_dim, config.tower_layers, config.dropout, config.init_std, config.balancing, config.gradnorm_alpha)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, both tasks of each at once."""
    return from_clicks(prepared, config.training, config.clicks, balanced=True)
