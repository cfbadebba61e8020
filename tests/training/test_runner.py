"""The runner, on a model small enough to follow: BPR on a handful of pairs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.contracts import Progress
from turret.core.errors import InputError, TurretError
from turret.core.interactions import Interactions
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general import bpr
from turret.training.paired import Paired
from turret.training.run_directory import RunDirectory
from turret.training.runner import Standing, Stopping, fit

CPU = torch.device("cpu")


@pytest.fixture
def prepared() -> Prepared:
    draw = np.random.default_rng(0)
    user, item = np.repeat(np.arange(8), 5), draw.integers(0, 12, 40)
    names = Entities(Vocabulary.of([]))
    return Prepared("tiny", 8, 12, names, names, {TRAIN: Part(Interactions(user, item, 8, 12))})


def config(**training: object) -> bpr.Config:
    return bpr.Config(embed_dim=4, training={"epochs": 6, "batch_size": 16, "learner": "sparse_adam", "learning_rate": 0.05, **training})


def run_of(
    prepared: Prepared,
    path: Path,
    settings: bpr.Config,
    curve: list[float] | None = None,
    stop_after: int = 0,
    patience: int = 0,
    checkpoint_seconds: float = 0.0,
) -> tuple[nn.Module, Standing, RunDirectory]:
    """Fits BPR, validating by `curve`; interrupted in the round after `stop_after`."""
    torch.manual_seed(7)
    model = bpr.build(settings, prepared)
    run = RunDirectory.open(path) if path.exists() else RunDirectory.create(path, settings.model_dump())
    kept = run.checkpoint()
    rounds = iter(range(kept.standing["round"] if kept else 0, 100))

    def validate(model: nn.Module) -> Mapping[str, float]:
        assert not model.training
        return {"recall@10": curve[next(rounds)]} if curve else {}

    def interrupt(progress: Progress, measures: Mapping[str, float]) -> None:
        if progress.round == stop_after:
            raise KeyboardInterrupt

    stopping = Stopping("recall@10", patience=patience)
    standing = fit(
        model,
        bpr.recipe(settings, prepared),
        run,
        seed=3,
        device=CPU,
        validate=validate if curve else None,
        stopping=stopping if curve else None,
        report=interrupt,
        checkpoint_seconds=checkpoint_seconds,
    )
    return model, standing, run


CURVE = [0.1, 0.3, 0.2, 0.25, 0.4, 0.35]


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 5])
def test_a_run_resumed_amid_an_epoch_ends_as_one_that_was_never_stopped(prepared: Prepared, tmp_path: Path, stop_after: int) -> None:
    """Three steps an epoch, in rounds of two and one; the sampler goes on drawing where it was."""
    settings = config(epochs=3, round_steps=2)
    straight, standing, run = run_of(prepared, tmp_path / "straight", settings, CURVE)
    assert [record["round"] for record in run.rounds()] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(KeyboardInterrupt):
        run_of(prepared, tmp_path / "stopped", settings, CURVE, stop_after=stop_after)
    resumed, again, _ = run_of(prepared, tmp_path / "stopped", settings, CURVE)
    assert again == standing
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_rounds_amid_an_epoch_take_the_steps_of_the_whole(prepared: Prepared, tmp_path: Path) -> None:
    whole, _, _ = run_of(prepared, tmp_path / "whole", config(epochs=2))
    parts, standing, _ = run_of(prepared, tmp_path / "parts", config(epochs=2, round_steps=1))
    assert standing.round == 6
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name])


@pytest.mark.parametrize("learner", ["sparse_adam", "adam", "rowwise_adagrad"])
@pytest.mark.parametrize(("stop_after", "checkpoint_seconds"), [(1, 0), (2, 0), (5, 0), (6, 0), (4, 1e9)])
def test_a_resumed_run_ends_as_one_that_was_never_stopped(
    prepared: Prepared, tmp_path: Path, learner: str, stop_after: int, checkpoint_seconds: float
) -> None:
    settings = config(learner=learner, scheduler="plateau", scheduler_step=1)
    straight, standing, run = run_of(prepared, tmp_path / "straight", settings, CURVE)
    with pytest.raises(KeyboardInterrupt):
        run_of(prepared, tmp_path / "stopped", settings, CURVE, stop_after=stop_after, checkpoint_seconds=checkpoint_seconds)
    resumed, again, run_again = run_of(prepared, tmp_path / "stopped", settings, CURVE)
    assert again == standing
    assert standing.best_round == 5
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])
    without_times = [[{k: v for k, v in r.items() if k != "seconds"} for r in each.rounds()] for each in (run, run_again)]
    assert without_times[0] == without_times[1]


def test_the_best_round_is_kept(prepared: Prepared, tmp_path: Path) -> None:
    best, standing, _ = run_of(prepared, tmp_path / "long", config(), CURVE)
    until, _, _ = run_of(prepared, tmp_path / "short", config(epochs=5))
    assert standing.best == {"recall@10": 0.4}
    assert torch.equal(best.items.weight, until.items.weight)  # type: ignore[union-attr]


def test_without_a_validation_the_last_round_is_the_best(prepared: Prepared, tmp_path: Path) -> None:
    settings = config(epochs=3)
    model, standing, _ = run_of(prepared, tmp_path / "plain", settings)
    rare = Stopping("recall@10", every=5)
    torch.manual_seed(7)
    other = bpr.build(settings, prepared)
    run = RunDirectory.create(tmp_path / "rare", {})
    seldom = fit(other, bpr.recipe(settings, prepared), run, seed=3, device=CPU, validate=lambda _: {}, stopping=rare)
    assert standing.best_round == seldom.best_round == 3
    assert torch.equal(model.items.weight, other.items.weight)  # type: ignore[union-attr]


def test_patience(prepared: Prepared, tmp_path: Path) -> None:
    _, standing, run = run_of(prepared, tmp_path / "run", config(), CURVE, patience=2)
    assert (standing.best_round, standing.round, len(run.rounds())) == (2, 4, 4)


def test_a_validation_that_is_not_a_number_stops_the_run(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(TurretError, match="not a finite number"):
        run_of(prepared, tmp_path / "run", config(), [0.1, float("nan")])


def test_a_loss_that_is_not_finite_stops_the_run(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(TurretError, match="the training loss is"):
        run_of(prepared, tmp_path / "run", config(learning_rate=1e30, learner="sgd"))


def test_another_seed_gives_another_model_and_the_same_the_same(prepared: Prepared, tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(0)
        model = bpr.build(config(), prepared)
        fit(model, bpr.recipe(config(), prepared), RunDirectory.create(tmp_path / name, {}), seed=seed, device=CPU)
        weights.append(model.items.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def killed(number: int) -> Callable[[nn.Module], dict[str, float]]:
    """A validation amid which the process is asked to end."""

    def validate(model: nn.Module) -> dict[str, float]:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal waited")

    return validate


def test_an_interruption_amid_a_validation_does_not_judge_twice_nor_leave_it_out(prepared: Prepared, tmp_path: Path) -> None:
    straight, standing, _ = run_of(prepared, tmp_path / "straight", config(), CURVE)
    torch.manual_seed(7)
    model = bpr.build(config(), prepared)
    directory = RunDirectory.create(tmp_path / "stopped", {})
    stopping, told = Stopping("recall@10"), {"seed": 3, "device": CPU}
    values = iter(CURVE)

    def validate(model: nn.Module) -> dict[str, float]:
        value = next(values)
        return killed(signal.SIGINT)(model) if value == 0.25 else {"recall@10": value}

    with pytest.raises(KeyboardInterrupt):
        fit(model, bpr.recipe(config(), prepared), directory, validate=validate, stopping=stopping, **told)
    kept = directory.checkpoint()
    assert kept is not None and kept.standing["round"] == 4 and kept.standing["pending"]["round"] == 4
    assert [record["round"] for record in directory.rounds()] == [1, 2, 3]
    values = iter(CURVE[3:])
    other = bpr.build(config(), prepared)
    rest = {"validate": lambda _: {"recall@10": next(values)}, "stopping": stopping}
    again = fit(other, bpr.recipe(config(), prepared), directory, **rest, **told)
    assert (again.round, again.best_round, again.best) == (standing.round, standing.best_round, standing.best)
    assert [record["round"] for record in directory.rounds()] == [1, 2, 3, 4, 5, 6]
    assert torch.equal(straight.items.weight, other.items.weight)  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [1, 4, 8])
def test_a_signal_is_answered_after_the_step_with_a_checkpoint(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, after: int
) -> None:
    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    straight, standing, _ = run_of(prepared, tmp_path / "straight", config())
    model, steps = bpr.build(config(), prepared), iter(range(1, 100))
    torch.manual_seed(7)
    model = bpr.build(config(), prepared)
    procedure, directory = bpr.recipe(config(), prepared), RunDirectory.create(tmp_path / "stopped", {})
    take, said = Paired.__call__, list[str]()

    def asked(*words: Any) -> Tensor:
        if next(steps) == after:
            os.kill(os.getpid(), number)
        return take(*words)

    monkeypatch.setattr(Paired, "__call__", asked)
    with pytest.raises(SystemExit if number == signal.SIGTERM else KeyboardInterrupt):
        fit(model, procedure, directory, seed=3, device=CPU, say=said.append)
    signal.signal(signal.SIGTERM, before)
    monkeypatch.undo()
    assert len(said) == 1 and next(steps) == after + 1
    kept = directory.checkpoint()
    assert kept is not None and int(kept.procedure["taken"]) == (after - 1) % 3 + 1
    resumed, again, _ = run_of(prepared, tmp_path / "stopped", config())
    assert again == standing
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in straight.state_dict().items())


def test_goes_on_from_the_checkpoint_before_a_damaged_one(prepared: Prepared, tmp_path: Path) -> None:
    straight, standing, _ = run_of(prepared, tmp_path / "straight", config(), CURVE)
    with pytest.raises(KeyboardInterrupt):
        run_of(prepared, tmp_path / "stopped", config(), CURVE, stop_after=5)
    path = tmp_path / "stopped" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    resumed, again, run = run_of(prepared, tmp_path / "stopped", config(), CURVE)
    assert again == standing and len(run.rounds()) == 6
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in straight.state_dict().items())


def test_no_checkpoint_has_parameters_that_are_not_finite(prepared: Prepared, tmp_path: Path) -> None:
    """Where the last step of a round left them so, its loss still was a number."""
    model, directory = bpr.build(config(), prepared), RunDirectory.create(tmp_path / "run", {})
    rounds: list[int] = []

    def lose(progress: Progress, measures: Mapping[str, float]) -> None:
        rounds.append(progress.round)

    class Losing:
        """Yields a model that is lost in its third round."""

        def fit(self, model: nn.Module, seed: int, device: torch.device, between: object) -> Iterator[Progress]:
            for number in (1, 2, 3, 4):
                with torch.no_grad():
                    model.items.weight[5] = torch.nan if number == 3 else number  # type: ignore[union-attr, operator]
                yield Progress(number)

        def state(self) -> dict[str, Tensor]:
            return {}

        def restore(self, state: object) -> None:
            pass

    with pytest.raises(TurretError, match=r"after round 3 the parameter items\.weight holds 4 of 48 values .* first in row 5"):
        fit(model, Losing(), directory, seed=1, device=CPU, report=lose, checkpoint_seconds=0.0)
    kept = directory.checkpoint()
    assert rounds == [1, 2] and kept is not None and kept.standing["round"] == 2
    assert float(kept.model["items.weight"][5, 0]) == 2


def test_bad_run_directories_are_named(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        RunDirectory.create(tmp_path / "full", {})
    with pytest.raises(InputError, match="not a run directory"):
        RunDirectory.open(tmp_path / "full")


def test_damaged_and_foreign_checkpoints_are_named(prepared: Prepared, tmp_path: Path) -> None:
    model, _, run = run_of(prepared, tmp_path / "run", config(epochs=1))
    other = bpr.build(bpr.Config(embed_dim=5), prepared)
    with pytest.raises(InputError, match="does not fit"):
        run.load_best(other)
    path = run.path / "best.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be read"):
        run.load_best(model)
