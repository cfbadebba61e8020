"""AITM: tasks in a chain (shown, clicked, bought), each of which passes on what it knows to the next.

    q_t = f_t(x)                                            the tower of task t, on the concatenated vectors of the features
    p_t = g_t(z_t)                                          what task t hands on
    z_1 = q_1,    z_t = sum over u in {p_(t-1), q_t} of w_u h1(u)
    w_u = softmax over both of <h2(u), h3(u)> / sqrt(k)
    y_t = sigmoid(<v_t, z_t> + c_t)
    minimise  sum over t of the cross-entropy of y_t  +  alpha mean over rows of sum over t >= 2 of max(y_t - y_(t-1), 0)

The tasks are the columns of labels in their order: each can only happen after the one before, which is what the last term, the behavioural
expectation calibrator, says.

D. Xi, Z. Chen, P. Yan, Y. Zhang, Y. Zhu, F. Zhuang, Y. Chen. "Modeling the Sequential Dependence among Audience Multi-step Conversions with
Multi-task Learning in Targeted Display Advertising." KDD 2021, arXiv:2105.08489 (adaptive information transfer and the behavioural
expectation calibrator; widths of the authors' code).

Deviations: g_t is a linear layer with relu and dropout, h1 to h3 are linear without biases, as in the authors' code, but for each task
apart; that code weighs by <h2(u), h1(u)> and sums the calibrator over a batch, where this file keeps to the paper. One dropout serves all
layers (0.1, 0.3 and 0.3 in the code). Initial values of layers are torch's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_several_tasks
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.balance import Balancing, balance
from turret.nn.experts import Experts, ParallelLinear
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """AITM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=5, ge=1)
    """Width of each field's vector."""
    tower_layers: tuple[int, ...] = Field(default=(128, 64, 32), min_length=1)
    """Widths of the hidden layers of each task's own network; the last is the width of what tasks hand on."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    calibrator_weight: float = Field(default=0.6, ge=0)
    """Alpha, the factor of the term by which no step of the chain is likelier than the one before it."""
    balancing: Balancing = "sum"
    """How the tasks' losses become one: their sum, weights by learnt uncertainty, or GradNorm's."""
    gradnorm_alpha: float = Field(default=1.5, ge=0)
    """Strength with which GradNorm brings the tasks' rates of learning together."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2000, weight_decay=1e-6)
    """How it is trained."""


class AITM(nn.Module):
    """Vectors, a tower a task, and what passes from each to the next.

    Args:
        schema: the features and the tasks.
        embed_dim: D.
        tower_layers: widths of each tower's layers, the last of them k.
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
        self.towers = Experts(len(self.tasks), self.vectors.count * embed_dim, tower_layers, dropout)
        self.transfers = nn.ModuleList(Transfer(self.towers.out, dropout) for _ in self.tasks[1:])
        self.out = ParallelLinear(len(self.tasks), self.towers.out, 1)
        self.balance = balance(balancing, len(self.tasks), gradnorm_alpha)

    def shared(self) -> Sequence[Tensor]:
        """The table of vectors, which is all that the tasks share."""
        return [self.vectors.table.weight]

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, T]."""
        first, *others = self.towers(self.vectors(impressions).flatten(1).unsqueeze(1)).unbind(dim=1)
        chain = [first]
        for transfer, tower in zip(self.transfers, others, strict=True):
            chain.append(transfer(chain[-1], tower))
        logits: Tensor = self.out(torch.stack(chain, dim=1)).squeeze(-1)
        return logits

    def guided(self, impressions: Impressions, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The logits [B, T], and by how much, on average, a step is likelier than the one before it: `calibrator`."""
        logits = self(impressions)
        probabilities = torch.sigmoid(logits)
        return logits, {"calibrator": F.relu(probabilities[:, 1:] - probabilities[:, :-1]).sum(dim=1).mean()}


class Transfer(nn.Module):
    """From what the task before knows and a task's own tower to what this task knows.

    Args:
        width: k.
        dropout: of what is handed on.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.hand_on = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
        self.h1, self.h2, self.h3 = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, before: Tensor, own: Tensor) -> Tensor:
        """[B, k], [B, k] -> [B, k]."""
        both = torch.stack([self.hand_on(before), own], dim=1)
        scores = (self.h2(both) * self.h3(both)).sum(dim=2) / math.sqrt(both.shape[2])
        mixed: Tensor = (torch.softmax(scores, dim=1).unsqueeze(2) * self.h1(both)).sum(dim=1)
        return mixed


def build(config: Config, prepared: Prepared) -> AITM:
    """An AITM for the features of the dataset and its tasks, in the order of their columns."""
    schema = schema_of(prepared)
    needs_several_tasks(schema)
    return AITM(schema, config.embed_dim, config.tower_layers, config.dropout, config.init_std, config.balancing, config.gradnorm_alpha)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, all tasks of each at once, and the calibrator."""
    penalties = {"calibrator": config.calibrator_weight}
    return from_clicks(prepared, config.training, config.clicks, penalties=penalties, balanced=True)
