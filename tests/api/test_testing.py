"""Measuring a ranker again: slices, bins, several metrics that stop training, and the picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from turret import api
from turret.api import Run
from turret.cli.main import main
from turret.core.errors import InputError, UnsupportedError
from turret.evaluation.evaluated import Evaluated


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A DeepFM on 60 users and 12 items; even users click on even items, mostly."""
    folder = tmp_path_factory.mktemp("log") / "shown"
    folder.mkdir()
    generator = np.random.default_rng(0)
    lines = ["user:token\titem:token\tlabel:float\tplace:token"]
    for user, item in np.argwhere(generator.random((60, 12)) < 0.7):
        clicked = int(generator.random() < (0.8 if (user + item) % 2 == 0 else 0.2))
        lines.append(f"u{user}\ti{item}\t{clicked}\tp{generator.integers(3)}")
    (folder / "shown.inter").write_text("\n".join(lines) + "\n")
    options = {"epochs": 3, "mlp_layers": (4,), "stop_on": {"auc": 1, "logloss": -1}, "batch_size": 64}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        return api.train("deepfm", folder, run_dir=folder.parent / "run", **options)


def test_a_weighted_sum_stopped_the_training(run: Run) -> None:
    assert run.result["valid.stop_on"] == pytest.approx(run.result["valid.auc"] - run.result["valid.logloss"])


def test_the_same_words_in_python_and_on_the_command_line(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = api.evaluate(run, slices="place", test_metrics=("auc", "rig", "ece"), auc_bins=100, plot=tmp_path / "python.png")
    words = ["evaluate", str(run.path), "--slices", "place", "--test_metrics", "auc,rig,ece", "--auc_bins", "100"]
    assert main([*words, "--plot", str(tmp_path / "shell.png"), "--json", str(tmp_path / "it.json")]) == 0
    said = json.loads((tmp_path / "it.json").read_text())
    assert {name: said[f"test.{name}"] for name in found.metrics} == dict(found.metrics)
    assert said["group.place.p1.rig"] == found.groups["place"]["p1"]["rig"]
    assert (tmp_path / "shell.png").read_bytes() == (tmp_path / "python.png").read_bytes()
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("auc_error", "impressions", "p2"))


def test_reliability_is_kept_with_the_test(run: Run, tmp_path: Path) -> None:
    found = api.evaluate(run)
    found.save(tmp_path / "it.safetensors")
    assert Evaluated.load(tmp_path / "it.safetensors").reliability == found.reliability == run.tested.reliability
    assert sum(one.rows for one in found.reliability["label"].bins) == found.audience.truths


def test_what_fits_no_catalogue_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match=r"ends in \.png"):
        api.evaluate(run, plot=tmp_path / "it.pdf")
    listed = api.train("popularity", run.source, run_dir=tmp_path / "run")
    with pytest.raises(InputError, match="slices are of impressions"):
        api.evaluate(listed, slices="place")
    with pytest.raises(UnsupportedError, match="gives no probabilities"):
        api.evaluate(listed, plot=tmp_path / "it.png")
