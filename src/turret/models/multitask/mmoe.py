"""MMoE: experts that all tasks share, and a gate a task that mixes them.

    y_k    = h^k(f^k(x))
    f^k(x) = sum over i of g^k(x)_i f_i(x)
    g^k(x) = softmax(W_gk x)

with x the concatenated vectors of the features, f_i a multi-layer perceptron, h^k one from the mixture to the logit of task k.

J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong, E. Chi. "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts."
KDD 2018 (the model with a gate for each task).

Deviations: the sizes of the paper's experiments belong to its data, so experts and towers are larger here; their number, eight, is the
paper's. Gates may have hidden layers (`gate_layers`), which the paper's have not. The paper leaves open initial values and the learning
rate; weights of layers begin as torch's do.
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
from turret.nn.experts import Experts, Gates, Towers
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """MMoE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    experts: int = Field(default=8, ge=2)
    """How many experts the tasks share."""
    expert_layers: tuple[int, ...] = Field(default=(256, 128), min_length=1)
    """Widths of each expert's layers."""
    gate_layers: tuple[int, ...] = ()
    """Widths of the hidden layers of each gate; the paper's gates have none."""
    tower_layers: tuple[int, ...] = (64,)
    """Widths of the hidden layers of each task's own network."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the outputs of each layer of experts and towers that are set to zero in training."""
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


class MMoE(nn.Module):
    """Vectors, experts, gates and towers.

    Args:
        schema: the features and the tasks.
        embed_dim: D.
        experts: E.
        expert_layers: widths of each expert's layers.
        gate_layers: of each gate's.
        tower_layers: of each tower's.
        dropout: in experts and towers.
        init_std: of the vectors.
        balancing: rule for the losses.
        gradnorm_alpha: of that rule.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        experts: int,
        expert_layers: tuple[int, ...],
        gate_layers: tuple[int, ...],
        tower_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
        balancing: Balancing,
        gradnorm_alpha: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = self.vectors.count * embed_dim
        self.experts = Experts(experts, width, expert_layers, dropout)
        self.gates = Gates(len(self.tasks), width, gate_layers, experts)
        self.towers = Towers(len(self.tasks), self.experts.out, tower_layers, dropout)
        self.balance = balance(balancing, len(self.tasks), gradnorm_alpha)

    def shared(self) -> Sequence[Tensor]:
        """The weights of the experts' last layer."""
        return [self.experts.last]

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, T]."""
        x = self.vectors(impressions).flatten(1).unsqueeze(1)
        logits: Tensor = self.towers(self.gates(x) @ self.experts(x))
        return logits


def build(config: Config, prepared: Prepared) -> MMoE:
    """An MMoE for the features and tasks of the dataset."""
    schema = schema_of(prepared)
    needs_several_tasks(schema)
    return MMoE(
        schema,
        config.embed_dim,
        config.experts,
        config.expert_layers,
        config.gate_layers,
        config.tower_layers,
        config.dropout,
        config.init_std,
        config.balancing,
        config.gradnorm_alpha,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, all tasks of each at once."""
    return from_clicks(prepared, config.training, config.clicks, balanced=True)
