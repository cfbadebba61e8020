"""GRU4Rec written down a second time, to hold the model against: float64, every column as drawn, slots as Python lists.

Up to `Reference` nothing is shared with the library: the network, the losses and the update are spelled out, torch's autograd does the
rest. After it, the library's own training is made to leave the same trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Encoded
from turret.core.contracts import State, Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.session.gru4rec import Config, GRU4Rec, build, recipe
from turret.training.config import Training
from turret.training.objectives.streaming import Streaming
from turret.training.optimizers.build import build_optimizers
from turret.training.optimizers.rowwise import RowWise
from turret.training.procedures import Gradient

EPSILON, TINY = 1e-6, 1e-24
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """What is to be trained: the hyperparameters by their short names.

    Attributes:
        mode: what is read of an item: "none" (a row of gate inputs), "separate" (a vector of its own) or "constrained" (its output vector).
        elu, bpreg: of bpr-max; None is cross-entropy.
        quirk: as the authors' code has it, the logq correction takes the first `batch_size` columns for targets also where fewer rows are
            left, and in mode "none" the layer's output is dropped with `p_embed`.
        p_embed, p_hidden: dropout probabilities.
        steps: through how many mini-batches the gradient goes.
    """

    mode: str = "constrained"
    layers: tuple[int, ...] = (6,)
    embedding: int = 6
    batch_size: int = 3
    learning_rate: float = 0.1
    momentum: float = 0.0
    n_sample: int = 4
    alpha: float = 0.5
    logq: float = 0.0
    elu: float | None = None
    bpreg: float = 0.0
    quirk: bool = True
    p_embed: float = 0.0
    p_hidden: float = 0.0
    steps: int = 1

    @property
    def least(self) -> int:
        """An epoch ends when fewer slots are left: a row without negatives has no loss."""
        return 2 if self.n_sample == 0 else 1

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Of every parameter, for `n` items."""
        last, first = self.layers[-1], self.layers[0]
        shapes: dict[str, tuple[int, ...]] = {"items": (n, last), "biases": (n, 1)}
        if self.mode == "none":
            shapes |= {"inputs": (n, 3 * first), "0.weight_rz": (first, 2 * first), "0.weight_h": (first, first), "0.bias": (3 * first,)}
        elif self.mode == "separate":
            shapes["inputs"] = n, self.embedding
        width = self.embedding if self.mode == "separate" else last
        for number, size in enumerate(self.layers):
            if self.mode != "none" or number > 0:
                shapes |= {f"{number}.weight_ih": (3 * size, width), f"{number}.weight_hh": (3 * size, size)}
                shapes |= {f"{number}.bias_ih": (3 * size,), f"{number}.bias_hh": (3 * size,)}
            width = size
        return shapes


@dataclass
class Trace:
    """What a training left, step by step and at its end, as float64 arrays by parameter."""

    loss: list[float] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)
    states: list[list[np.ndarray]] = field(default_factory=list)
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    totals: dict[str, np.ndarray] = field(default_factory=dict)
    velocities: dict[str, np.ndarray] = field(default_factory=dict)

    def apart(self, other: Trace) -> dict[str, float]:
        """The largest differences: of weights absolute, of losses above 1 relative, of accumulators relative to 1e-3 + their size."""

        def largest(mine: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], relative: bool = False) -> float:
            assert mine.keys() == others.keys()
            found = [np.abs(a - others[name]) / (1e-3 + np.abs(a) if relative else 1) for name, a in mine.items()]
            return float(max((part.max() for part in found), default=0.0))

        assert len(self.loss) == len(other.loss)
        return {
            "loss": float((np.abs(np.subtract(self.loss, other.loss)) / np.maximum(1, np.abs(other.loss))).max()),
            "weight": largest(self.parameters, other.parameters),
            "total": largest(self.totals, other.totals, relative=True),
            "velocity": largest(self.velocities, other.velocities),
        }


class Reference:
    """Trains GRU4Rec by the book. What a wrong implementation would do otherwise is a method each.

    Args:
        setting: the hyperparameters.
        parameters: initial values by name: items, biases, inputs, and `layer.name` of the layers.
        counts: how often each item occurs in the training part.
    """

    def __init__(self, setting: Setting, parameters: Parameters, counts: Any) -> None:
        self.setting, self.counts = setting, torch.as_tensor(np.asarray(counts), dtype=torch.float64)
        self.p = {name: torch.tensor(np.asarray(value), dtype=torch.float64, requires_grad=True) for name, value in parameters.items()}
        self.total = {name: self.first_total(value.detach()) for name, value in self.p.items()}
        self.velocity = {name: torch.zeros_like(value) for name, value in self.p.items()}

    def train(
        self,
        epochs: Sequence[Sequence[Any]],
        negatives: Sequence[Sequence[int]],
        masks: Mapping[str, Any] | None = None,
        limit: int = 1 << 30,
    ) -> Trace:
        """`negatives` and `masks` ("embed" and "hidden", [steps, rows, width], scaled) have a row for every step."""
        trace, step = Trace(), 0
        for batches in epochs:
            slots = len(batches[0].hooks[0][0]) if batches[0].hooks else len(batches[0].read)
            state = [torch.zeros(slots, width, dtype=torch.float64) for width in self.setting.layers]
            for run in self.runs(batches):
                if step == limit:
                    break
                drops = {name: torch.as_tensor(np.asarray(values[step]), dtype=torch.float64) for name, values in (masks or {}).items()}
                sample = list(negatives[step]) if self.setting.n_sample else []
                loss, scores, state = self.step(run, state, sample, drops)
                trace.loss.append(loss)
                trace.scores.append(scores.numpy().copy())
                trace.states.append([layer.numpy().copy() for layer in state])
                step += 1
        arrays = [{name: value.detach().numpy().copy() for name, value in part.items()} for part in (self.p, self.total, self.velocity)]
        trace.parameters, trace.totals, trace.velocities = arrays[0], arrays[1], arrays[2] if self.setting.momentum else {}
        return trace

    def runs(self, batches: Sequence[Any]) -> list[list[Any]]:
        """As many neighbouring mini-batches of equally many rows as the gradient goes through."""
        runs: list[list[Any]] = []
        for batch in batches:
            if runs and len(runs[-1]) < self.setting.steps and len(runs[-1][0].read) == len(batch.read):
                runs[-1].append(batch)
            else:
                runs.append([batch])
        return runs

    def step(
        self, run: Sequence[Any], state: list[Tensor], sample: list[int], masks: Mapping[str, Tensor]
    ) -> tuple[float, Tensor, list[Tensor]]:
        """One update: the loss, the scores, the state after it."""
        top = []
        for batch in run:
            state = self.between(state, batch)
            state = self.network(batch.read, state, {name: mask[: len(batch.read)] for name, mask in masks.items()})
            top.append(state[-1])
        reads, targets = [item for batch in run for item in batch.read], [item for batch in run for item in batch.target]
        columns = self.columns(targets, sample)
        scores = torch.cat(top) @ self.rows("items", columns).T + self.rows("biases", columns).squeeze(1)
        if self.setting.elu is None:
            losses = self.cross_entropy(scores, torch.tensor(columns), len(run) * self.boundary(len(run[0].read)))
        else:
            losses = self.bpr_max(scores)
        loss = losses.sum() / (len(run) * self.divisor(len(run[0].read)))
        for value in self.p.values():
            value.grad = None
        loss.backward()
        self.update(reads, columns)
        return loss.item(), scores.detach(), [self.carried(layer) for layer in state]

    def rows(self, table: str, ids: list[int]) -> Tensor:
        return self.p[table][ids]

    def columns(self, targets: list[int], sample: list[int]) -> list[int]:
        return targets + sample

    def divisor(self, rows: int) -> int:
        return self.setting.batch_size

    def between(self, state: list[Tensor], batch: Any) -> list[Tensor]:
        for finished, valid in batch.hooks:
            state = [torch.where(torch.tensor(finished)[:, None], 0.0, layer)[torch.tensor(valid)] for layer in state]
        return state

    def carried(self, state: Tensor) -> Tensor:
        return state.detach()

    # --- the network

    def network(self, items: list[int], state: list[Tensor], masks: Mapping[str, Tensor]) -> list[Tensor]:
        """The states after reading one item a row; the last is what is scored."""
        mode = self.setting.mode
        x = self.rows("items" if mode == "constrained" else "inputs", items)
        if mode != "none":
            x = self.dropped(x, masks.get("embed"))
        after = []
        for number, h in enumerate(state):
            if mode == "none" and number == 0:
                x = self.dropped(self.gated(x, h), masks.get("embed" if self.setting.quirk else "hidden"))
            else:
                x = self.dropped(self.cell(number, x, h), masks.get("hidden"))
            after.append(x)
        return after

    def dropped(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x if mask is None else x * mask

    def cell(self, number: int, x: Tensor, h: Tensor) -> Tensor:
        weight_x, weight_h, bias_x, bias_h = (self.p[f"{number}.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        xr, xz, xn = (x @ weight_x.T + bias_x).chunk(3, dim=1)
        hr, hz, hn = (h @ weight_h.T + bias_h).chunk(3, dim=1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        return (1 - z) * torch.tanh(xn + r * hn) + z * h

    def gated(self, row: Tensor, h: Tensor) -> Tensor:
        vc, vr, vz = (row + self.p["0.bias"]).chunk(3, dim=1)
        weight_r, weight_z = self.p["0.weight_rz"].chunk(2, dim=1)
        r, z = torch.sigmoid(vr + h @ weight_r), torch.sigmoid(vz + h @ weight_z)
        c = torch.tanh(vc + (r * h) @ self.p["0.weight_h"])
        return (1 - z) * h + z * c

    # --- the losses, a value a row; the target of row i is column i

    def popularity(self) -> Tensor:
        return self.counts

    def boundary(self, rows: int) -> int:
        return self.setting.batch_size if self.setting.quirk else rows

    def cross_entropy(self, scores: Tensor, columns: Tensor, boundary: int) -> Tensor:
        if self.setting.logq:
            of_column = self.popularity()[columns].clamp(min=TINY)
            exponent = torch.where(torch.arange(len(columns)) < boundary, 1.0, self.setting.alpha)
            scores = scores - self.setting.logq * exponent * of_column.log()
        e = (scores - scores.max(dim=1, keepdim=True).values).exp()
        return -((e / e.sum(dim=1, keepdim=True)).diagonal() + TINY).log()

    def activated(self, scores: Tensor) -> Tensor:
        a = self.setting.elu
        return torch.where(scores > 0, scores, a * (scores.clamp(max=0).exp() - 1)) if a else scores

    def negative(self, scores: Tensor) -> Tensor:
        """Whether a column is a negative of a row."""
        return ~torch.eye(*scores.shape, dtype=torch.bool)

    def shares(self, o: Tensor) -> Tensor:
        negative = self.negative(o)
        highest = torch.where(negative, o, -torch.inf).max(dim=1, keepdim=True).values
        e = torch.where(negative, o - highest, 0.0).exp() * negative
        return e / e.sum(dim=1, keepdim=True)

    def bpr_max(self, scores: Tensor) -> Tensor:
        o = self.activated(scores)
        w = self.shares(o)
        better = (w * torch.sigmoid(o.diagonal()[:, None] - o)).sum(dim=1)
        return -(better + TINY).log() + self.setting.bpreg * (w * o.square()).sum(dim=1)

    # --- the update

    def first_total(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value)

    def touched(self, name: str, reads: list[int], columns: list[int]) -> list[int] | slice:
        if name == "biases":
            return sorted(set(columns))
        if name == "items":
            return sorted(set(columns) | set(reads if self.setting.mode == "constrained" else []))
        return sorted(set(reads)) if name == "inputs" else slice(None)

    def gradient(self, name: str) -> Tensor:
        grad = self.p[name].grad
        return torch.zeros_like(self.p[name]) if grad is None else grad

    def way(self, gradient: Tensor, total: Tensor) -> Tensor:
        return -self.setting.learning_rate * gradient / (total + EPSILON).sqrt()

    def update(self, reads: list[int], columns: list[int]) -> None:
        with torch.no_grad():
            for name, value in self.p.items():
                rows, gradient = self.touched(name, reads, columns), self.gradient(name)
                self.total[name][rows] += gradient[rows].square()
                way = self.way(gradient, self.total[name])
                self.move(value, self.velocity[name], rows, way)

    def move(self, value: Tensor, velocity: Tensor, rows: Any, way: Tensor) -> None:
        velocity[rows] = self.setting.momentum * velocity[rows] + way[rows]
        value[rows] += velocity[rows]


# --- the library


def config_of(setting: Setting) -> Config:
    """The model's settings that say the same."""
    loss: dict[str, Any] = {"loss": "cross-entropy", "logq": setting.logq}
    if setting.elu is not None:
        loss = {"loss": "bpr-max", "elu_param": setting.elu, "bpreg": setting.bpreg}
    return Config(
        layers=setting.layers,
        constrained_embedding=setting.mode == "constrained",
        embedding=setting.embedding if setting.mode == "separate" else 0,
        dropout_p_embed=setting.p_embed,
        dropout_p_hidden=setting.p_hidden,
        n_sample=setting.n_sample,
        sample_alpha=setting.alpha,
        bptt=setting.steps,
        official_quirks=setting.quirk,
        training=Training(
            learner="adagrad_momentum",
            learning_rate=setting.learning_rate,
            momentum=setting.momentum,
            batch_size=setting.batch_size,
            epochs=2,
        ),
        **loss,
    )


def prepared_of(log: Interactions) -> Prepared:
    """A dataset whose training part is the log."""
    users, items = (Entities(Vocabulary.of(str(index) for index in range(n))) for n in (log.n_users, log.n_items))
    return Prepared("toy", log.n_users, log.n_items, users, items, {"train": Part(log)}, hash="0123")


def short(name: str) -> str:
    """The reference's name of a parameter of the model."""
    return name.removeprefix("layers.").removesuffix(".weight")


def parameters(model: GRU4Rec) -> dict[str, Tensor]:
    """The model's parameters by the reference's names."""
    return {short(name): value.detach() for name, value in model.named_parameters()}


def initial(setting: Setting, log: Interactions) -> dict[str, Tensor]:
    """The values that training begins with."""
    return parameters(build(config_of(setting), prepared_of(log)))


def model_with(config: Config, prepared: Prepared, parameters: Parameters) -> GRU4Rec:
    """The model with these values in place of its initial ones."""
    model = build(config, prepared)
    own = dict(model.named_parameters())
    assert {short(name): tuple(value.shape) for name, value in own.items()} == {name: np.shape(value) for name, value in parameters.items()}
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(torch.tensor(np.asarray(parameters[short(name)])))
    return model


class Recorded:
    """A sampler that gives one row of a table after another."""

    def __init__(self, table: Any) -> None:
        self.rows = iter(np.asarray(table, dtype=np.int64))

    def draw(self, generator: torch.Generator) -> Tensor:
        return torch.from_numpy(next(self.rows).copy())


def trained(
    setting: Setting,
    parameters: Parameters,
    log: Interactions,
    negatives: Any,
    masks: Mapping[str, Any] | None = None,
    limit: int = 1 << 30,
) -> Trace:
    """Two epochs of the library's own training, with its draws replaced by recorded ones."""
    config, prepared = config_of(setting), prepared_of(log)
    model, procedure, trace = model_with(config, prepared, parameters), recipe(config, prepared), Trace()
    objective, [updates] = procedure.objective, build_optimizers(model, config.training)
    assert isinstance(objective, Streaming) and isinstance(updates, RowWise)
    if setting.n_sample:
        objective.sampler = Recorded(negatives)  # type: ignore[assignment]
    inner, seen = model.step, list[tuple[Tensor, State]]()

    def step(items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        seen.append(inner(items, state, encoded))
        return seen[-1]

    probability = {"embed": setting.p_embed, "hidden": setting.p_hidden}

    def dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        [name] = [name for name in masks or {} if probability[name] == p]
        assert training and masks is not None
        return x * torch.as_tensor(np.asarray(masks[name][len(trace.loss)]), dtype=torch.float32)[: len(x)]

    model.train()
    with patch.object(model, "step", step), patch.object(torch.nn.functional, "dropout", dropout):
        for batch in (batch for _ in range(2) for batch in procedure.batches.epoch(torch.Generator())):
            if len(trace.loss) == limit:
                break
            seen.clear()
            model.zero_grad(set_to_none=True)
            drawn = negatives[len(trace.loss)] if setting.n_sample else []
            columns = torch.cat([batch.target.flatten(), torch.as_tensor(np.asarray(drawn, dtype=np.int64))])
            loss = objective(model, batch, Step(len(trace.loss), torch.Generator()))
            with torch.no_grad():
                query = torch.cat([vector for vector, _ in seen])
                trace.scores.append((query @ model.items.weight[columns].T + model.biases.weight[columns].squeeze(1)).double().numpy())
                trace.states.append([layer.double().numpy() for layer in seen[-1][1]])
            loss.backward()
            updates.step(setting.learning_rate)
            trace.loss.append(loss.item())
    names = {id(value): short(name) for name, value in model.named_parameters()}
    ours = [names[id(table)] for table in updates.tables]
    trace.parameters = {short(name): value.detach().double().numpy() for name, value in model.named_parameters()}
    for kept, key in ((trace.totals, "total"), (trace.velocities, "velocity")):
        for index, name in enumerate(ours):
            if f"{index}.{key}" in updates.state():
                kept[name] = updates.state()[f"{index}.{key}"].double().numpy().reshape(trace.parameters[name].shape)
    return trace


@dataclass(frozen=True)
class Toolbox:
    """What the tests of this folder take from here; test modules cannot import one another."""

    mini_batches: Callable[..., Iterator[Any]]
    in_order: Callable[[Interactions], list[list[int]]]
    Setting: type[Setting] = Setting
    Reference: type[Reference] = Reference
    Trace: type[Trace] = Trace
    config_of: Callable[[Setting], Config] = config_of
    prepared_of: Callable[[Interactions], Prepared] = prepared_of
    build: Callable[..., GRU4Rec] = build
    recipe: Callable[..., Gradient] = recipe
    parameters: Callable[[GRU4Rec], dict[str, Tensor]] = parameters
    initial: Callable[..., dict[str, Tensor]] = initial
    model_with: Callable[..., GRU4Rec] = model_with
    Recorded: type[Recorded] = Recorded
    trained: Callable[..., Trace] = trained


@pytest.fixture(scope="session")
def tools(mini_batches: Callable[..., Iterator[Any]], in_order: Callable[[Interactions], list[list[int]]]) -> Toolbox:
    return Toolbox(mini_batches, in_order)
