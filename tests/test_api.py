"""The same verbs from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import turret
from turret.core.errors import InputError, UnsupportedError

QUICK = {"epochs": 2, "embed_dim": 8, "threads": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 30 users and 20 items."""
    place = tmp_path_factory.mktemp("log")
    generator = np.random.default_rng(3)
    rows = ["user_id,item_id,timestamp"]
    for user in range(30):
        rows += [f"{user},{item},{time}" for time, item in enumerate(generator.permutation(20)[:10])]
    (place / "log.csv").write_text("\n".join(rows) + "\n")
    return place


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache or working directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


def test_the_functions_load_only_when_they_are_asked_for() -> None:
    code = "import sys, turret; before = 'torch' in sys.modules; turret.train; print(before, 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["False", "True"]
    assert {"train", "evaluate", "recommend", "compare", "prepare", "load"} <= set(dir(turret))
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = turret.nothing_such


def test_a_run_is_trained_opened_and_asked(folder: Path) -> None:
    run = turret.train("bpr", folder / "log.csv", learning_rate=0.05, seed=1, **QUICK)
    assert run.path.parent == Path("runs")
    opened = turret.load(run.path)
    assert opened.result == run.result
    assert opened.job == run.job
    first, second = turret.recommend(run, user=3, k=4), turret.recommend(opened, user="3", k=4)
    assert first == second
    assert len({each.item for each in first}) == 4
    again = turret.evaluate(opened)
    assert again.metrics == pytest.approx({name[5:]: value for name, value in run.result.items() if name.startswith("test.")})
    assert list(turret.evaluate(opened, cutoff=3, test_metrics=["hit"]).metrics) == ["hit@3"]


def test_the_same_seed_gives_the_same_figures(folder: Path) -> None:
    first, second, other = (turret.train("bpr", folder / "log.csv", seed=seed, **QUICK) for seed in (1, 1, 2))
    same = [name for name in first.result if name.startswith(("test.", "valid."))]
    assert {name: first.result[name] for name in same} == {name: second.result[name] for name in same}
    assert [each.score for each in turret.recommend(first, user=1)] == [each.score for each in turret.recommend(second, user=1)]
    assert [each.score for each in turret.recommend(first, user=1)] != [each.score for each in turret.recommend(other, user=1)]


def test_what_is_given_outweighs_the_file(folder: Path) -> None:
    Path("a.yaml").write_text("model: bpr\nembed_dim: 4\ntraining:\n  epochs: 1\n  learning_rate: 0.5\nthreads: 1\n")
    run = turret.train(dataset=folder / "log.csv", config="a.yaml", learning_rate=0.25)
    assert (run.job.config.embed_dim, run.job.config.training.epochs, run.job.config.training.learning_rate) == (4, 1, 0.25)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("bpr", {"lerning_rate": 1}, "there is no option lerning_rate\n  did you mean learning_rate?"),
        ("bpr", {"learning_rate": -1}, "learning_rate: must be a number above 0, not '-1'"),
        ("bpr", {"split_ratio": (0.5, 0.1)}, "split_ratio: must be 3 values"),
        ("brp", {}, "did you mean bpr?"),
        (None, {}, "no model is named"),
    ],
)
def test_bad_options_are_refused(folder: Path, model: str | None, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        turret.train(model, folder / "log.csv", **options)
    assert message in str(caught.value)


def test_bad_questions_are_refused(folder: Path) -> None:
    run = turret.train("bpr", folder / "log.csv", **QUICK)
    with pytest.raises(InputError, match="no user 'nobody'"):
        turret.recommend(run, user="nobody")
    with pytest.raises(InputError, match="for a user or for a history"):
        turret.recommend(run)
    with pytest.raises(InputError, match="k must be at least 1"):
        turret.recommend(run, user=1, k=0)
    with pytest.raises(UnsupportedError, match="bpr knows people by their ids"):
        turret.recommend(run, history=[1, 2])
    with pytest.raises(InputError, match="there is no option cutof"):
        turret.evaluate(run, cutof=3)


def test_users_whom_training_never_saw_are_told_apart(folder: Path) -> None:
    """A newcomer has a history, which a model of histories reads and one of ids does not."""
    late = Path("late.csv")
    late.write_text((folder / "log.csv").read_text() + "new,1,8\nnew,2,9\nnew,3,10\n")
    by_time = {"split_mode": "time", "split_time": (7, 8), "threads": 1}
    by_id = turret.train("bpr", late, epochs=1, embed_dim=4, **by_time)
    with pytest.raises(UnsupportedError, match="training never saw user 'new'"):
        turret.recommend(by_id, user="new")
    by_history = turret.train("multivae", late, epochs=1, hidden=8, latent=4, **by_time)
    found = turret.recommend(by_history, user="new", k=3)
    assert len(found) == 3
    assert not {"1", "2", "3"} & {each.item for each in found}


def test_what_cannot_be_measured_is_refused_before_training(folder: Path) -> None:
    with pytest.raises(UnsupportedError, match="training sees none of the users of the valid part"):
        turret.train("bpr", folder / "log.csv", split_mode="user", **QUICK)
    with pytest.raises(InputError, match="logloss"):
        turret.train("bpr", folder / "log.csv", test_metrics=["logloss"], **QUICK)
    assert not Path("runs").exists()


def test_a_history_may_hold_items_that_nobody_knows(folder: Path) -> None:
    run = turret.train("multivae", folder / "log.csv", epochs=1, hidden=8, latent=4, threads=1)
    with pytest.warns(UserWarning, match="left out: x, y"):
        found = turret.recommend(run, history=["1", "x", 2, "y"], k=3)
    assert not {"1", "2"} & {each.item for each in found}
    with pytest.raises(InputError, match="none of the items x"):
        turret.recommend(run, history=["x"])
    with pytest.raises(InputError, match="empty history"):
        turret.recommend(run, history=[])


def test_datasets_are_prepared_with_the_same_options(folder: Path) -> None:
    prepared = turret.prepare(folder / "log.csv", split_mode="leave_one_out", min_item_count=2)
    assert [len(prepared.interactions(part)) for part in ("train", "valid", "test")] == [240, 30, 30]
    with pytest.raises(InputError, match="did you mean split_mode"):
        turret.prepare(folder / "log.csv", split_mod="user")


def test_logs_are_simulated(tmp_path: Path) -> None:
    place = turret.simulate(tmp_path / "small", interactions=2000, users=100, items=150, seed=4)
    assert turret.prepare(place).statistics["rows"] == pytest.approx(2000, rel=0.01)
    with pytest.raises(InputError, match="there is no option user"):
        turret.simulate(tmp_path / "other", user=3)
