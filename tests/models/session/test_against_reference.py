"""GRU4Rec against the float64 reference of this folder, on sessions made up here; and that each known mistake would be noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.interactions import Interactions

N_ITEMS = 16
SESSIONS = [
    [0, 1, 2, 1, 0],
    [3, 4],
    [5],
    [6, 6, 1, 2, 3, 4, 0],
    [7, 2, 8],
    [9],
    [9],
    [7, 8, 8, 2, 1],
    [10, 3],
    [7, 4, 11, 0, 5, 6],
    [12, 1, 13],
    [2, 0],
    [14, 8, 1, 3, 11, 6, 2, 4, 9, 1],
    [1, 2, 0],
]
"""Of one event and of ten, with repetitions; item 7 is only ever read; at the end one session goes on alone."""
STARTS = [3, 1, 5, 0, 2, 4, 4, 6, 8, 7, 9, 11, 10, 12]
"""Not in the order of ids; two sessions begin at the same moment."""
NEAR = {"loss": 3e-6, "weight": 2e-5, "total": 2e-5, "velocity": 1e-5}
"""How far float32 may be from the reference."""
CLEAR = 100
"""A mistake must exceed the first two so many times."""

XE, BPR = {"logq": 1.0}, {"elu": 0.5, "bpreg": 1.95}


@pytest.fixture(scope="module")
def log(session_log: Callable[..., Interactions]) -> Interactions:
    rows = [
        (number, item, 100 * start + place)
        for number, (of, start) in enumerate(zip(SESSIONS, STARTS, strict=True))
        for place, item in enumerate(of)
    ]
    return session_log(*(np.array(column) for column in zip(*rows, strict=True)), items=range(N_ITEMS))


@pytest.fixture(scope="module")
def make(tools: Any) -> Callable[..., Any]:
    """A setting of batches of four and five draws."""
    return lambda **more: tools.Setting(**{"batch_size": 4, "n_sample": 5, "alpha": 0.75, "embedding": 5, **more})


def start_of(setting: Any, seed: int = 0, scale: float = 0.5) -> dict[str, np.ndarray]:
    """Values that hide nothing: no bias is 0."""
    draw = np.random.default_rng(seed)
    return {name: draw.normal(scale=scale, size=shape).astype(np.float32) for name, shape in setting.shapes(N_ITEMS).items()}


def draws(setting: Any, steps: int = 80) -> np.ndarray:
    """With repetitions, with targets among them, and not of all items."""
    return np.random.default_rng(1).integers(0, N_ITEMS - 2, (steps, setting.n_sample))


def masks_of(setting: Any, steps: int = 80) -> dict[str, np.ndarray]:
    draw, widths = np.random.default_rng(2), {"embed": setting.embedding, "hidden": setting.layers[0]}
    if setting.mode != "separate":
        widths["embed"] = setting.layers[-1]
    chances = {"embed": setting.p_embed, "hidden": setting.p_hidden}
    shapes = {name: (steps, setting.batch_size, widths[name]) for name, p in chances.items() if p}
    return {name: (draw.random(shape) >= chances[name]) / (1 - chances[name]) for name, shape in shapes.items()}


def both(tools: Any, setting: Any, log: Interactions, mistaken: type | None = None, scale: float = 0.5) -> dict[str, float]:
    """How far the library is from the reference, or from one with a mistake."""
    start, sample, masks = start_of(setting, scale=scale), draws(setting), masks_of(setting)
    epoch = list(tools.mini_batches(tools.in_order(log), setting.batch_size, setting.least))
    expected = (mistaken or tools.Reference)(setting, start, log.item_counts).train([epoch, epoch], sample, masks)
    found = tools.trained(setting, start, log, sample, masks)
    assert np.isfinite(expected.loss).all()
    apart: dict[str, float] = found.apart(expected)
    return apart


CASES: dict[str, dict[str, Any]] = {
    f"{mode} {name} momentum {momentum:g}": {"mode": mode, "momentum": momentum, **loss}
    for mode in ("none", "separate", "constrained")
    for name, loss in {
        "xe": {"logq": 0.0},
        "xe logq": {"logq": 1.0},
        "xe logq without quirks": {"logq": 0.6, "quirk": False},
        "bpr linear": {"elu": 0.0, "bpreg": 1.95},
        "bpr elu": {"elu": 0.5, "bpreg": 0.7},
    }.items()
    for momentum in (0.0, 0.6)
}
CASES |= {
    "two layers": {"layers": (6, 6), "momentum": 0.3, **XE},
    "unequal layers": {"layers": (7, 4, 5), "momentum": 0.3, **XE},
    "unequal layers, own vectors": {"mode": "separate", "layers": (7, 4), "embedding": 3, "momentum": 0.3, **BPR},
    "two layers, no vectors": {"mode": "none", "layers": (6, 4), "momentum": 0.3, **XE},
    "only the other rows": {"n_sample": 0, "momentum": 0.3, **XE},
    "only the other rows, bpr": {"n_sample": 0, "mode": "separate", **BPR},
    "more slots than sessions": {"batch_size": 40, "momentum": 0.3, **XE},
    "more draws than items": {"n_sample": 40, "momentum": 0.3, **XE},
    "one slot": {"batch_size": 1, **BPR},
    "dropout": {"p_embed": 0.5, "p_hidden": 0.25, "momentum": 0.3, **XE},
    "dropout, own vectors": {"p_embed": 0.5, "p_hidden": 0.25, "mode": "separate", **BPR},
    "dropout, no vectors": {"p_embed": 0.5, "p_hidden": 0.25, "mode": "none", **XE},
    "dropout, no vectors, without quirks": {"p_embed": 0.5, "p_hidden": 0.25, "mode": "none", "quirk": False, **XE},
    "through three steps": {"steps": 3, "momentum": 0.3, **XE},
    "through three steps without quirks": {"steps": 3, "quirk": False, "mode": "separate", "logq": 1.0},
    "through two steps, bpr": {"steps": 2, "mode": "none", "momentum": 0.3, **BPR},
    "through two steps of two layers": {"steps": 2, "layers": (6, 4), **XE},
    "through whole blocks": {"steps": 100, "momentum": 0.3, **XE},
}


@pytest.mark.parametrize("case", CASES)
def test_trains_like_the_reference(tools: Any, make: Callable[..., Any], log: Interactions, case: str) -> None:
    apart = both(tools, make(**CASES[case]), log)
    assert all(apart[name] < near for name, near in NEAR.items()), apart


@pytest.mark.parametrize("loss", [XE, {"elu": 0.0, "bpreg": 1.95}, BPR], ids=["xe", "bpr linear", "bpr elu"])
def test_trains_like_the_reference_on_large_scores(tools: Any, make: Callable[..., Any], log: Interactions, loss: dict[str, float]) -> None:
    """Where shares underflow and gates close: single precision is further from double, but stays with it."""
    apart = both(tools, make(mode="separate", learning_rate=0.01, **loss), log, scale=3)
    assert apart["loss"] < 2e-3 and apart["weight"] < 2e-3, apart


# --- mistakes that other implementations make


class DividesByRows:
    def divisor(self, rows: int) -> int:
        return rows


class OtherBoundary:
    def boundary(self, rows: int) -> int:
        return rows if self.setting.quirk else self.setting.batch_size


class Probabilities:
    def popularity(self) -> Tensor:
        return self.counts / self.counts.sum()


class NeverResets:
    def between(self, state: list[Tensor], batch: Any) -> list[Tensor]:
        for _, valid in batch.hooks:
            state = [layer[torch.tensor(valid)] for layer in state]
        return state


class ResetsLate:
    late: Tensor | None = None

    def between(self, state: list[Tensor], batch: Any) -> list[Tensor]:
        if self.late is not None:
            state = [layer.masked_fill(self.late[:, None], 0) for layer in state]
        self.late = None
        for finished, valid in batch.hooks:
            over = torch.tensor(finished) if self.late is None else torch.tensor(finished) | self.late
            self.late = over[torch.tensor(valid)]
            state = [layer[torch.tensor(valid)] for layer in state]
        return state


class ResetsAllBlock:
    fresh: Tensor | None = None

    def between(self, state: list[Tensor], batch: Any) -> list[Tensor]:
        for finished, valid in batch.hooks:
            self.fresh = torch.tensor(finished)[torch.tensor(valid)]
        state = super().between(state, batch)
        return state if self.fresh is None else [layer.masked_fill(self.fresh[:, None], 0) for layer in state]


class EpsilonOutside:
    def way(self, gradient: Tensor, total: Tensor) -> Tensor:
        return -self.setting.learning_rate * gradient / (total.sqrt() + 1e-10)


class MovesAllRows:
    def move(self, value: Tensor, velocity: Tensor, rows: Any, way: Tensor) -> None:
        change = torch.zeros_like(way)
        change[rows] = way[rows]
        velocity.mul_(self.setting.momentum).add_(change)
        value += velocity


class Nesterov:
    def move(self, value: Tensor, velocity: Tensor, rows: Any, way: Tensor) -> None:
        velocity[rows] = self.setting.momentum * velocity[rows] + way[rows]
        value[rows] += self.setting.momentum * velocity[rows] + way[rows]


class BeginsAtATenth:
    def first_total(self, value: Tensor) -> Tensor:
        return torch.full_like(value, 0.1)


class OneBias:
    def gradient(self, name: str) -> Tensor:
        gradient = super().gradient(name).clone()
        if name.endswith("bias_hh"):
            gradient[: 2 * len(gradient) // 3] = 0
        return gradient


class MovesBiasesOfReadItems:
    def touched(self, name: str, reads: list[int], columns: list[int]) -> Any:
        return super().touched("items" if name == "biases" else name, reads, columns)


class SquaresOccurrences:
    def rows(self, table: str, ids: list[int]) -> Tensor:
        picked = super().rows(table, ids)
        picked.retain_grad()
        self.picked = [*getattr(self, "picked", []), (table, ids, picked)]
        return picked

    def update(self, reads: list[int], columns: list[int]) -> None:
        for table, ids, picked in self.picked:
            square = picked.grad.square()
            twice = torch.zeros_like(self.p[table]).index_add_(0, torch.tensor(ids), square)
            self.total[table] += twice
        for table in {table for table, _, _ in self.picked}:
            self.total[table] -= self.gradient(table).square()
        self.picked = []
        super().update(reads, columns)


class DrawsOthersThanTheTarget:
    def columns(self, targets: list[int], sample: list[int]) -> list[int]:
        self.now = torch.tensor(super().columns(targets, sample))
        return self.now.tolist()  # type: ignore[no-any-return]

    def other(self, scores: Tensor) -> Tensor:
        return (self.now[: len(scores), None] != self.now) | torch.eye(*scores.shape, dtype=torch.bool)

    def cross_entropy(self, scores: Tensor, columns: Tensor, boundary: int) -> Tensor:
        return super().cross_entropy(scores.masked_fill(~self.other(scores), -1e9), columns, boundary)

    def negative(self, scores: Tensor) -> Tensor:
        return super().negative(scores) & self.other(scores)


class SharesOfTheTargetToo:
    def negative(self, scores: Tensor) -> Tensor:
        return torch.ones_like(scores, dtype=torch.bool)


class NoGradientOfShares:
    def shares(self, o: Tensor) -> Tensor:
        return super().shares(o).detach()


class RegularisesRawScores:
    def bpr_max(self, scores: Tensor) -> Tensor:
        w, o = self.shares(self.activated(scores)), self.activated(scores)
        return super().bpr_max(scores) + self.setting.bpreg * (w * (scores.square() - o.square())).sum(dim=1)


class NoRegulariser:
    def bpr_max(self, scores: Tensor) -> Tensor:
        return super().bpr_max(scores) - self.setting.bpreg * (self.shares(self.activated(scores)) * self.activated(scores) ** 2).sum(dim=1)


class SwapsTheUpdateGate:
    def cell(self, number: int, x: Tensor, h: Tensor) -> Tensor:
        right = super().cell(number, x, h)
        weight_x, weight_h, bias_x, bias_h = (self.p[f"{number}.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        z = torch.sigmoid((x @ weight_x.T + bias_x + h @ weight_h.T + bias_h).chunk(3, dim=1)[1])
        new = (right - z * h) / (1 - z)
        return z * new + (1 - z) * h


class ResetsBeforeTheProduct:
    def cell(self, number: int, x: Tensor, h: Tensor) -> Tensor:
        weight_x, weight_h, bias_x, bias_h = (self.p[f"{number}.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        (xr, xz, xn), (hr, hz, _) = (x @ weight_x.T + bias_x).chunk(3, dim=1), (h @ weight_h.T + bias_h).chunk(3, dim=1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        last, bias = weight_h.chunk(3)[2], bias_h.chunk(3)[2]
        return (1 - z) * torch.tanh(xn + (r * h) @ last.T + bias) + z * h


class KeepsWhatIsDropped:
    def dropped(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x if mask is None else x * (mask == 0)


class NeverScalesUp:
    def dropped(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x if mask is None else x * (mask > 0)


class CarriesWhatWasDropped:
    def network(self, items: list[int], state: list[Tensor], masks: Mapping[str, Tensor]) -> list[Tensor]:
        plain = super().network(items, state, {name: mask for name, mask in masks.items() if name == "embed"})
        self.next = plain
        return super().network(items, state, masks)

    def step(self, run: Any, state: list[Tensor], sample: list[int], masks: Mapping[str, Tensor]) -> Any:
        loss, scores, _ = super().step(run, state, sample, masks)
        return loss, scores, [layer.detach() for layer in self.next]


class NoEmbeddingDropout:
    def network(self, items: list[int], state: list[Tensor], masks: Mapping[str, Tensor]) -> list[Tensor]:
        return super().network(items, state, {name: mask for name, mask in masks.items() if name != "embed"})


class NoHiddenDropout:
    def network(self, items: list[int], state: list[Tensor], masks: Mapping[str, Tensor]) -> list[Tensor]:
        return super().network(items, state, {name: mask for name, mask in masks.items() if name != "hidden"})


class NoItemBiases:
    def rows(self, table: str, ids: list[int]) -> Tensor:
        return super().rows(table, ids) * (table != "biases")


class ForgetsBetweenSteps:
    def cell(self, number: int, x: Tensor, h: Tensor) -> Tensor:
        return super().cell(number, x, h.detach())


MOMENTUM, DROPOUT = {"momentum": 0.3}, {"p_embed": 0.5, "p_hidden": 0.25}
MISTAKES: dict[str, tuple[type, dict[str, Any]]] = {
    "divided by the rows left": (DividesByRows, XE),
    "divided by the rows left, bpr": (DividesByRows, BPR),
    "logq boundary at the rows left": (OtherBoundary, XE),
    "logq boundary at the batch size": (OtherBoundary, {**XE, "quirk": False}),
    "logq of probabilities": (Probabilities, XE),
    "state never reset": (NeverResets, XE),
    "state reset one step late": (ResetsLate, XE),
    "state reset before every step of a block": (ResetsAllBlock, XE),
    "epsilon outside the root": (EpsilonOutside, {**BPR, **MOMENTUM}),
    "velocity decays in all rows": (MovesAllRows, {**XE, **MOMENTUM}),
    "nesterov": (Nesterov, {**XE, **MOMENTUM}),
    "accumulators begin at a tenth": (BeginsAtATenth, XE),
    "one bias for both sides": (OneBias, XE),
    "biases of read items move": (MovesBiasesOfReadItems, {**XE, **MOMENTUM}),
    "biases of read items move, bpr": (MovesBiasesOfReadItems, {**BPR, **MOMENTUM}),
    "squares of occurrences": (SquaresOccurrences, XE),
    "squares of occurrences, bpr": (SquaresOccurrences, {**BPR, "mode": "separate"}),
    "own target among the draws left out": (DrawsOthersThanTheTarget, XE),
    "own target among the draws left out, bpr": (DrawsOthersThanTheTarget, BPR),
    "target among its negatives": (SharesOfTheTargetToo, BPR),
    "no gradient through the shares": (NoGradientOfShares, BPR),
    "raw scores regularised": (RegularisesRawScores, BPR),
    "nothing regularised": (NoRegulariser, BPR),
    "update gate the other way round": (SwapsTheUpdateGate, XE),
    "reset gate before the product": (ResetsBeforeTheProduct, XE),
    "what is dropped is kept": (KeepsWhatIsDropped, {**XE, **DROPOUT, "p_hidden": 0.0}),
    "no scaling after dropout": (NeverScalesUp, {**XE, **DROPOUT}),
    "dropout beside the state": (CarriesWhatWasDropped, {**XE, **DROPOUT}),
    "no dropout of what is read": (NoEmbeddingDropout, {**XE, **DROPOUT}),
    "no dropout of one layer's output": (NoHiddenDropout, {**XE, **DROPOUT}),
    "no biases of items": (NoItemBiases, XE),
    "no gradient through time": (ForgetsBetweenSteps, {**XE, "steps": 3}),
    "state never reset, through time": (NeverResets, {**XE, "steps": 3}),
}
"""By what is wrong: the methods of the reference that would be so, and a setting to which it matters."""


@pytest.mark.parametrize("what", MISTAKES)
def test_the_comparison_notices_each_mistake(tools: Any, make: Callable[..., Any], log: Interactions, what: str) -> None:
    wrong, setting = MISTAKES[what]
    apart = both(tools, make(**setting), log, type("Mistaken", (wrong, tools.Reference), {}))
    assert all(apart[name] > CLEAR * NEAR[name] for name in ("loss", "weight")), apart
