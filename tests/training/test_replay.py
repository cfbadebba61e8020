"""Recorded steps: on the CPU with a recorder that does the work again, which shows whether all that changes stays in its place; and on the
meta device, which has shapes and no numbers, whether a step asks for any."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.batches.sessions import SessionParallel
from turret.core.context import Streams
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.losses.shared import BprMax, CrossEntropy, SharedLoss, Weights
from turret.models import catalogue
from turret.sampling.shared import SharedPopularity
from turret.training.config import Training
from turret.training.objectives.streaming import Streaming
from turret.training.optimizers.build import build_optimizers
from turret.training.optimizers.rules import MomentumAdagrad
from turret.training.optimizers.touched import summed
from turret.training.procedures import Gradient
from turret.training.replay import Replayed

GRU4Rec = catalogue.load("gru4rec").GRU4Rec


class Again:
    """Records by keeping the work, which sees only what lies in the places that it was recorded with."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        yield

    def record(self, work: Callable[[], Tensor], generator: torch.Generator) -> Callable[[], Tensor]:
        self.recorded += 1

        def again() -> Tensor:
            self.replayed += 1
            return work()

        return again


def log() -> Interactions:
    generator = np.random.default_rng(3)
    lengths = generator.integers(1, 7, 40)
    user = np.repeat(np.arange(40), lengths)
    return Interactions(user, generator.integers(0, 12, len(user)), 40, 12, time=np.arange(len(user), dtype=np.float64))


def procedure(interactions: Interactions) -> Gradient:
    counts = interactions.item_counts
    objective = Streaming(BprMax(), Weights(counts, 0.5, 0.0), SharedPopularity(counts, 6, 0.5), 4)
    training = Training(learner="adagrad_momentum", momentum=0.3, learning_rate=0.1, epochs=3, scheduler="exponential", scheduler_gamma=0.5)
    return Gradient(SessionParallel(interactions, 4), objective, training, replayed=True)


def test_replayed_steps_are_the_steps_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    plain = GRU4Rec(12, (5,), dropout_p_embed=0.2)
    replayed = copy.deepcopy(plain)
    recorder = Again()
    losses = [progress.measures["loss"] for progress in procedure(log()).fit(plain, 7, torch.device("cpu"))]
    take = Gradient._take
    monkeypatch.setattr(Gradient, "_take", lambda self, model, device: Replayed(take(self, model, device), recorder, warm_up=5))
    again = [progress.measures["loss"] for progress in procedure(log()).fit(replayed, 7, torch.device("cpu"))]
    assert again == losses
    assert all(torch.equal(one, other) for one, other in zip(plain.parameters(), replayed.parameters(), strict=True))
    assert recorder.recorded >= 3  # one at least for each learning rate
    assert recorder.replayed > 3 * recorder.recorded


@pytest.mark.parametrize("read_width", [None, 0, 4])
@pytest.mark.parametrize("loss", [CrossEntropy(), BprMax()])
def test_a_step_needs_no_number_from_the_device(read_width: int | None, loss: SharedLoss, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording could not wait for one."""
    meta = torch.device("meta")
    model = GRU4Rec(20, (5, 6), read_width, 0.1, 0.1, 0.1).to(meta)
    counts, draw = np.arange(1, 21), torch.rand
    monkeypatch.setattr(torch, "rand", lambda *size, generator, device: draw(*size, device=device))  # a generator cannot be on it
    objective = Streaming(loss, Weights(counts, 0.5, 1.0), SharedPopularity(counts, 7, 0.5), 4, full_boundary=True)
    build_optimizers(model, Training(learner="adagrad_momentum"))

    class Generator:
        device = meta

    def batch(rows: int, kept: Tensor | None, first: bool) -> Streams:
        items = torch.zeros(1, rows, dtype=torch.int64, device=meta)
        return Streams(items, items, items.bool(), kept, first)

    generator: Any = Generator()
    kept = torch.zeros(3, dtype=torch.int64, device=meta)
    for each in (batch(4, None, True), batch(4, None, False), batch(3, kept, False)):
        total = objective(model, each, Step(0, generator))
        assert total.shape == ()
        total.backward()


def test_an_update_needs_no_number_from_the_device() -> None:
    table = torch.zeros(20, 5, device="meta")
    rows, gradient = summed(torch.zeros(9, dtype=torch.int64, device="meta"), torch.zeros(9, 5, device="meta"))
    rule = MomentumAdagrad(0.4)
    rule.update(table, rows, gradient, rule.begin(table), 0.1, 0.01)
    assert rows.shape == (9,)
    assert gradient.shape == (9, 5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_steps_are_replayed_with_the_same_outcome() -> None:
    torch.manual_seed(0)
    device = torch.device("cuda")
    plain = GRU4Rec(12, (5,), dropout_p_embed=0.2).to(device)
    replayed = copy.deepcopy(plain)
    eager = procedure(log())
    eager.replayed = False
    losses = [progress.measures["loss"] for progress in eager.fit(plain, 7, device)]
    again = [progress.measures["loss"] for progress in procedure(log()).fit(replayed, 7, device)]
    assert again == pytest.approx(losses, abs=1e-5)
