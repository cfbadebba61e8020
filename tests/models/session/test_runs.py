"""GRU4Rec as a model like any other: trained from a log, resumed, asked, measured; and what it may not see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import turret
from turret.core import tensor_file
from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue
from turret.training.config import Training

CPU = torch.device("cpu")
gru4rec = catalogue.load("gru4rec")


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache or working directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty people walk around a circle of twelve items, each from a place of their own."""
    generator = np.random.default_rng(5)
    rows = ["user_id,item_id,timestamp"]
    for user in range(60):
        start, length = generator.integers(12), generator.integers(12, 20)
        rows += [f"u{user},{(start + step) % 12},{user * 100 + step}" for step in range(length)]
    path = tmp_path_factory.mktemp("circle") / "circle.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


SETTINGS: dict[str, Any] = {
    "layers": (16,),
    "n_sample": 6,
    "batch_size": 8,
    "learning_rate": 0.2,
    "epochs": 12,
    "split_order": "time",
    "split_ratio": (0.6, 0.2, 0.2),
    "seed": 1,
    "threads": 1,
}


@pytest.mark.parametrize("protocol", ["next_item", "next_item_known"])
@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
def test_learns_what_follows_what(log: Path, protocol: str, loss: str) -> None:
    run = turret.train("gru4rec", log, loss=loss, protocol=protocol, cutoff=1, **SETTINGS)
    assert run.result["test.recall@1"] > 0.9
    history = ["3", "4", "5"]
    assert turret.recommend(run, history=history, k=1)[0].item == "6"
    assert turret.recommend(turret.load(run.path), history=history, k=1)[0].item == "6"


def test_whole_histories_with_truncated_backpropagation(log: Path) -> None:
    """Off by default; with several steps a gradient, evaluation goes on from the state at the end of training."""
    assert gru4rec.Config().bptt == 1
    run = turret.train("gru4rec", log, bptt=4, protocol="next_item_known", cutoff=1, **SETTINGS)
    assert run.result["test.recall@1"] > 0.9
    anew = turret.evaluate(run, protocol="next_item")
    assert anew.audience.truths < run.result["truths"]  # the first event of each user is not asked for


@pytest.mark.parametrize("ties", ["standard", "conservative", "median"])
def test_is_measured_by_every_rule_for_ties(log: Path, ties: str) -> None:
    run = turret.train("gru4rec", log, ties=ties, **{**SETTINGS, "epochs": 1})
    assert 0 <= run.result["test.recall@10"] <= 1


def test_goes_on_from_a_checkpoint_as_if_never_interrupted(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**SETTINGS, "epochs": 5, "dropout_p_embed": 0.2, "momentum": 0.3, "early_stop_patience": 0}
    straight = turret.train("gru4rec", log, run_dir="straight", **settings)
    from turret.training import runner, streamed

    epoch, rates = streamed.Streamed.epoch, list[float]()

    def interrupted(self: Any, generator: torch.Generator, rate: float, taken: int, done: Any) -> None:
        rates.append(rate)
        if len(rates) == 4:
            raise KeyboardInterrupt
        epoch(self, generator, rate, taken, done)

    monkeypatch.setattr(streamed.Streamed, "epoch", interrupted)
    monkeypatch.setattr(runner.fit, "__kwdefaults__", {**runner.fit.__kwdefaults__, "checkpoint_seconds": 0.0})
    with pytest.raises(KeyboardInterrupt):
        turret.train("gru4rec", log, run_dir="resumed", **settings)
    monkeypatch.setattr(streamed.Streamed, "epoch", epoch)
    resumed = turret.resume("resumed")
    figures = [
        {name: value for name, value in run.result.items() if name.startswith(("test", "valid", "best"))} for run in (straight, resumed)
    ]
    assert figures[0] == figures[1]
    tensors = [tensor_file.load(run.path / "best.safetensors")[0] for run in (straight, resumed)]
    assert tensors[0].keys() == tensors[1].keys()
    for name, value in tensors[0].items():
        assert torch.equal(value, tensors[1][name]), name


def small(test: list[tuple[int, int]]) -> Prepared:
    user, item = np.repeat(np.arange(6), 4), np.random.default_rng(2).integers(0, 9, 24)
    train = Interactions(user, item, 6, 9, time=np.arange(24.0))
    later = np.array(test).reshape(-1, 2)
    tokens = [Entities(Vocabulary.of(map(str, range(n)))) for n in (6, 12)]
    parts = {"train": Part(train), "test": Part(Interactions(later[:, 0], later[:, 1], 6, 12, time=np.arange(100.0, 100 + len(later))))}
    return Prepared("small", 6, 9, *tokens, parts)


def test_training_sees_nothing_of_the_test_part() -> None:
    """Counts, the sampler's distribution, the correction and the schedule are those of the training part."""
    config = gru4rec.Config(layers=(4,), n_sample=5, logq=1.0, training=Training(learner="adagrad_momentum", epochs=2, batch_size=3))
    outcomes = []
    for test in ([(0, 1)], [(user, item) for user in range(6) for item in (2, 2, 2, 11)]):
        prepared = small(test)
        torch.manual_seed(0)
        model = gru4rec.build(config, prepared)
        losses = [progress.measures["loss"] for progress in gru4rec.recipe(config, prepared).fit(model, 3, CPU)]
        outcomes.append((losses, [parameter.detach().clone() for parameter in model.parameters()]))
    (losses, parameters), (others, more) = outcomes
    assert losses == others
    assert all(torch.equal(one, other) for one, other in zip(parameters, more, strict=True))


def test_fewer_sessions_than_slots() -> None:
    prepared = small([(0, 1)])
    config = gru4rec.Config(layers=(4,), n_sample=5, training=Training(learner="adagrad_momentum", epochs=1, batch_size=100))
    recipe = gru4rec.recipe(config, prepared)
    assert recipe.batches.events == 18
    assert all(np.isfinite(progress.measures["loss"]) for progress in recipe.fit(gru4rec.build(config, prepared), 1, CPU))


def test_sessions_of_one_event_alone_leave_nothing_to_train_on() -> None:
    prepared = small([(0, 1)])
    single = Interactions(np.arange(6), np.arange(6), 6, 9, time=np.arange(6.0))
    config = gru4rec.Config(training=Training(learner="adagrad_momentum", epochs=1))
    with pytest.raises(InputError, match="no session has two events"):
        gru4rec.recipe(config, replace(prepared, parts={"train": Part(single)}))


def test_settings_that_contradict_each_other_are_refused() -> None:
    for wrong in ({"embedding": 5}, {"layers": (0,)}, {"constrained_embedding": False, "embedding": -1}):
        with pytest.raises(ValueError, match=r"embedding should be|constrained_embedding|should be widths"):
            gru4rec.Config(**wrong)


def test_initial_values_follow_the_seed_unless_the_quirks_are_asked_for() -> None:
    prepared = small([(0, 1)])

    def built(seed: int, **settings: Any) -> torch.Tensor:
        torch.manual_seed(seed)
        return gru4rec.build(gru4rec.Config(layers=(4,), **settings), prepared).items.weight.detach()

    assert not torch.equal(built(1), built(2))
    assert torch.equal(built(1, official_quirks=True), built(2, official_quirks=True))


def test_a_model_that_does_not_read_item_by_item_is_refused_before_it_leaves_anything(log: Path) -> None:
    with pytest.raises(UnsupportedError, match="item by item"):
        turret.train("bpr", log, protocol="next_item", run_dir="refused")
    assert not Path("refused").exists()
