"""PLE: experts of each task's own beside shared ones, in several levels of extraction.

    S^(k,j)(.) = [the experts of task k at level j, the shared experts at level j]
    g^(k,j)(x) = softmax(W_g^(k,j) g^(k,j-1)(x)) S^(k,j),    g^(k,0)(x) = x
    g^(S,j)(x) = softmax(W_g^(S,j) g^(S,j-1)(x)) [the experts of all tasks and the shared ones at level j]
    y^k(x)     = t^k(g^(k,N)(x))

with x the concatenated vectors of the features. The experts of task k at level j read g^(k,j-1), the shared ones g^(S,j-1); the last level
has no shared gate, since nothing reads it. With one level it is CGC.

H. Tang, J. Liu, M. Zhao, X. Gong. "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized
Recommendations." RecSys 2020 (customized gate control, CGC, and progressive layered extraction).

Deviations: the paper trains on the samples of the union of the tasks' sample spaces; here each impression has every label. Its weights of
losses that change with time are not here; `balancing` has other rules. Gates may have hidden layers (`gate_layers`), which
the paper's have not. Sizes, initial values and the learning rate are set here; weights of layers begin as torch's do.
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
from turret.nn.experts import Experts, Gates, Towers
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """PLE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=16, ge=1)
    """Width of each field's vector."""
    extraction_levels: int = Field(default=2, ge=1)
    """Levels of extraction, N; one is CGC."""
    task_experts: int = Field(default=1, ge=1)
    """Experts that each task has for itself, at each level."""
    shared_experts: int = Field(default=1, ge=1)
    """Experts that the tasks share, at each level."""
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


class PLE(nn.Module):
    """Vectors, levels of extraction, and towers.

    Args:
        schema: the features and the tasks.
        embed_dim: D.
        extraction_levels: N.
        task_experts: m of each task, at each level.
        shared_experts: s, at each level.
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
        extraction_levels: int,
        task_experts: int,
        shared_experts: int,
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
        widths = [self.vectors.count * embed_dim, *[expert_layers[-1]] * (extraction_levels - 1)]
        self.levels = nn.ModuleList(
            Extraction(
                len(self.tasks), width, task_experts, shared_experts, expert_layers, gate_layers, dropout, last=level == extraction_levels
            )
            for level, width in enumerate(widths, 1)
        )
        self.towers = Towers(len(self.tasks), expert_layers[-1], tower_layers, dropout)
        self.balance = balance(balancing, len(self.tasks), gradnorm_alpha)

    def shared(self) -> Sequence[Tensor]:
        """The weights of the last layer of the last level's shared experts."""
        last = self.levels[-1]
        assert isinstance(last, Extraction)
        return [last.shared.last]

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, T]."""
        x = self.vectors(impressions).flatten(1).unsqueeze(1).expand(-1, len(self.tasks) + 1, -1)
        for level in self.levels:
            x = level(x)
        logits: Tensor = self.towers(x)
        return logits


class Extraction(nn.Module):
    """One level.

    Args:
        tasks: T.
        width: I, of what it reads.
        task_experts: m of each task.
        shared_experts: s.
        expert_layers: widths of each expert's layers, the last of them H.
        gate_layers: of each gate's.
        dropout: in the experts.
        last: whether no level follows, so that nothing shared needs to come out.
    """

    def __init__(
        self,
        tasks: int,
        width: int,
        task_experts: int,
        shared_experts: int,
        expert_layers: tuple[int, ...],
        gate_layers: tuple[int, ...],
        dropout: float,
        last: bool,
    ) -> None:
        super().__init__()
        self.tasks, self.task_experts = tasks, task_experts
        self.own = Experts(tasks * task_experts, width, expert_layers, dropout)
        self.shared = Experts(shared_experts, width, expert_layers, dropout)
        self.gates = Gates(tasks, width, gate_layers, task_experts + shared_experts)
        self.shared_gate = None if last else Gates(1, width, gate_layers, tasks * task_experts + shared_experts)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, T + 1, I], the last of them what is shared -> [B, T + 1, H], or [B, T, H] of the last level."""
        of_tasks, of_all = inputs[:, : self.tasks], inputs[:, self.tasks :]
        own, shared = self.own(of_tasks.repeat_interleave(self.task_experts, dim=1)), self.shared(of_all)
        of_each = own.unflatten(1, (self.tasks, self.task_experts))
        choices = torch.cat([of_each, shared.unsqueeze(1).expand(-1, self.tasks, -1, -1)], dim=2)
        mixed: Tensor = (self.gates(of_tasks).unsqueeze(2) @ choices).squeeze(2)
        if self.shared_gate is None:
            return mixed
        return torch.cat([mixed, self.shared_gate(of_all) @ torch.cat([own, shared], dim=1)], dim=1)


def build(config: Config, prepared: Prepared) -> PLE:
    """A PLE for the features and tasks of the dataset."""
    schema = schema_of(prepared)
    needs_several_tasks(schema)
    return PLE(
        schema,
        config.embed_dim,
        config.extraction_levels,
        config.task_experts,
        config.shared_experts,
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
