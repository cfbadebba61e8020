"""Turns, on RecVAE, whose encoder and decoder learn in turns, and on two numbers small enough to follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from turret.core.contracts import Progress, Step
from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general import recvae
from turret.training.alternate import Alternate, Turn, shares
from turret.training.config import Training
from turret.training.run_directory import RunDirectory
from turret.training.runner import Stopping, fit

CPU = torch.device("cpu")


class Two(nn.Module):
    """Children a and b, a weight each; what they are pulled to is a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.a.weight)
        nn.init.zeros_(self.b.weight)
        self.seen: list[tuple[bool, bool, bool, bool]] = []


@dataclass
class Constant:
    """An epoch of two batches that are numbers."""

    value: float

    def steps(self) -> int:
        return 2

    def epoch(self, generator: torch.Generator) -> Iterator[Tensor]:
        yield from torch.full((2,), self.value)


def pulled(model: Two, batch: Tensor, step: Step) -> Tensor:
    """Half the squared distances of both weights from the batch: a step of gradient descent goes a share of the way."""
    model.seen.append((model.training, model.a.training, model.b.training, model.a.weight.requires_grad))
    return (model.a.weight - batch).square().sum() / 2 + (model.b.weight - batch).square().sum() / 2


def sgd(**said: object) -> Training:
    return Training.model_validate({"learner": "sgd", "learning_rate": 0.5, "epochs": 4, **said})


def test_each_turn_trains_its_part_with_its_own_batches_while_the_rest_rests() -> None:
    model, ended = Two(), []
    turns = [
        Turn(("a",), Constant(1.0), pulled, sgd(), rounds=2, ends=lambda model: ended.append(model.a.weight.item())),
        Turn(("b",), Constant(8.0), pulled, sgd(learning_rate=0.25, epochs=2)),
    ]
    a, b = [], []
    for progress in Alternate(turns).fit(model, 1, CPU):
        a.append(model.a.weight.item())
        b.append(model.b.weight.item())
        assert progress.round == len(a)
    assert a == [0.75, 0.9375, 0.9375, 1 - 2**-6, 1 - 2**-8, 1 - 2**-8]
    assert b == [0, 0, 8 - 4.5, 8 - 4.5, 8 - 4.5, 8 - 4.5 * 0.5625]
    assert ended == [a[1], a[4]]
    first, second = (True, True, False, True), (True, False, True, False)
    assert model.seen == [first] * 4 + [second] * 2 + [first] * 4 + [second] * 2


@pytest.mark.parametrize("epochs", range(12))
def test_shares_are_what_going_through_the_turns_gives(epochs: int) -> None:
    assert shares(epochs, (3, 1)) == [sum(number % 4 < 3 for number in range(epochs)), sum(number % 4 == 3 for number in range(epochs))]
    assert sum(shares(epochs, (2, 1, 2))) == epochs


def test_a_loss_that_is_not_finite_stops_it() -> None:
    turns = [Turn(("a",), Constant(1.0), pulled, sgd(learning_rate=1e30, epochs=9))]
    with pytest.raises(TurretError, match="the training loss is"):
        list(Alternate(turns).fit(Two(), 1, CPU))


@pytest.fixture
def prepared() -> Prepared:
    draw = np.random.default_rng(0)
    user, item = np.repeat(np.arange(20), 5), draw.integers(0, 12, 100)
    names = Entities(Vocabulary.of([]))
    return Prepared("tiny", 20, 12, names, names, {TRAIN: Part(Interactions(user, item, 20, 12))})


def settings(**training: object) -> recvae.Config:
    said = {"epochs": 10, "batch_size": 6, "learning_rate": 0.05, **training}
    return recvae.Config.model_validate({"hidden": 5, "latent": 3, "training": said})


def begun(prepared: Prepared, config: recvae.Config) -> tuple[recvae.RecVAE, Alternate]:
    torch.manual_seed(7)
    return recvae.build(config, prepared), recvae.recipe(config, prepared)


@pytest.mark.parametrize("learner", ["adam", "sparse_adam"])
@pytest.mark.parametrize("round_steps", [None, 3])
@pytest.mark.parametrize("stop_after", [1, 3, 4, 6, 8])
def test_goes_on_from_a_checkpoint_as_if_never_stopped(prepared: Prepared, learner: str, round_steps: int | None, stop_after: int) -> None:
    """Bit for bit: amid a turn, between two, and before the first cycle is through; with plateaus, which look back at losses."""
    config = settings(learner=learner, scheduler="plateau", scheduler_step=1, scheduler_gamma=0.5, round_steps=round_steps)
    whole, procedure = begun(prepared, config)
    expected = [progress.measures for progress in procedure.fit(whole, 3, CPU)]
    stopped, procedure = begun(prepared, config)
    rounds = procedure.fit(stopped, 3, CPU)
    found = [next(rounds).measures for _ in range(stop_after)]
    saved = safetensors.torch.save({name: value.contiguous() for name, value in procedure.state().items()})
    parameters = {name: value.clone() for name, value in stopped.state_dict().items()}

    torch.manual_seed(1)
    resumed, procedure = recvae.build(config, prepared), recvae.recipe(config, prepared)
    resumed.load_state_dict(parameters)
    procedure.restore(safetensors.torch.load(saved))
    for progress in procedure.fit(resumed, 3, CPU):
        found.append(progress.measures)
        assert progress.round == len(found)
    assert found == expected
    assert len(found) > stop_after
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_goes_on_under_the_runner(prepared: Prepared, tmp_path: Path) -> None:
    config = settings()
    curve = [0.1, 0.3, 0.2, 0.25, 0.4, 0.35, 0.1, 0.2, 0.1, 0.1]

    def run(path: Path, stop_after: int = 0) -> nn.Module:
        model, procedure = begun(prepared, config)
        directory = RunDirectory.open(path) if path.exists() else RunDirectory.create(path, config.model_dump())
        kept = directory.checkpoint()
        values = iter(curve[kept.standing["round"] if kept else 0 :])

        def interrupt(progress: Progress, measures: object) -> None:
            if progress.round == stop_after:
                raise KeyboardInterrupt

        validation = {"validate": lambda model: {"recall@10": next(values)}, "stopping": Stopping("recall@10")}
        standing = fit(model, procedure, directory, seed=3, device=CPU, report=interrupt, checkpoint_seconds=0.0, **validation)
        assert standing.best_round == 5
        return model

    straight = run(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop_after=6)
    resumed = run(tmp_path / "stopped")
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])
