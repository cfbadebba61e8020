"""Shared bottom: one network that all tasks share, and a tower of its own for each.

    y_k = h^k(f(x))

with f a multi-layer perceptron on the concatenated vectors of the features, h^k one from its output to the logit of task k; the losses of
the tasks are summed, or balanced as `balancing` says.

R. Caruana. "Multitask Learning: A Knowledge-based Source of Inductive Bias." ICML 1993, in the form of J. Ma, Z. Zhao, X. Yi, J. Chen,
L. Hong, E. Chi. "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts." KDD 2018 (the
shared-bottom model).

Deviations: the papers leave open sizes, initial values and the learning rate, which are set here; weights of layers begin as torch's do.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """The shared bottom's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    mlp_layers: tuple[int, ...] = Field(default=(256, 128), min_length=1)
    """Widths of the shared network's hidden layers."""
    tower_layers: tuple[int, ...] = (64,)
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


class SharedBottom(nn.Module):
    """Vectors, a network, and towers on it.

    Args:
        schema: the features and the tasks.
        embed_dim: D.
        mlp_layers: widths of the shared hidden layers.
        tower_layers: widths of each tower's.
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
        mlp_layers: tuple[int, ...],
        tower_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
        balancing: Balancing,
        gradnorm_alpha: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.bottom = MLP(self.vectors.count * embed_dim, mlp_layers, dropout)
        self.towers = Towers(len(self.tasks), self.bottom.out, tower_layers, dropout)
        self.balance = balance(balancing, len(self.tasks), gradnorm_alpha)

    def shared(self) -> Sequence[Tensor]:
        """The weights of the last shared layer."""
        return [layer.weight for layer in self.bottom.modules() if isinstance(layer, nn.Linear)][-1:]

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, T]."""
        bottom: Tensor = self.bottom(self.vectors(impressions).flatten(1))
        logits: Tensor = self.towers(bottom.unsqueeze(1))
        return logits


def build(config: Config, prepared: Prepared) -> SharedBottom:
    """A shared bottom for the features and tasks of the dataset."""
    schema = schema_of(prepared)
    needs_several_tasks(schema)
    return SharedBottom(
        schema,
        config.embed_dim,
        config.mlp_layers,
        config.tower_layers,
        config.dropout,
        config.init_std,
        config.balancing,
        config.gradnorm_alpha,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, all tasks of each at once."""
    return from_clicks(prepared, config.training, config.clicks, balanced=True)
