"""Looking for parameters: every trial runs, the best one is run again, and a bad one is no end."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from turret.api import gru4rec
from turret.core.errors import InputError, TurretError

FIXED = "n_epochs=1,n_sample=8,batch_size=8"
SPACE = (
    '{"name": "layers", "dtype": "int", "values": [2, 8], "step": 2}\n{"name": "learning_rate", "dtype": "float", "values": [0.01, 0.2]}\n'
)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.jsonl"
    path.write_text(SPACE)
    return path


def values(lines: list[str]) -> list[float]:
    return [float(line.removeprefix("PRIMARY METRIC: ")) for line in lines if line.startswith("PRIMARY METRIC: ")]


def test_the_best_of_the_trials_is_run_again(train: Path, test: Path, space: Path, lines: list[str]) -> None:
    options: dict[str, Any] = {"fixed_parameters": FIXED, "ntrials": 3, "measure": 5, "final_measure": [1, 5], "primary_metric": "mrr"}
    found = gru4rec.paropt(train, test, optuna_parameter_file=space, seed=3, device="cpu", say=lines.append, **options)
    assert lines[0].split("\n") == [
        "-" * 80,
        "PARAMETER SPACE",
        "\tPARAMETER layers \t type=int \t range=[2..8] (step=2) \t UNIFORM scale",
        "\tPARAMETER learning_rate \t type=float \t range=[0.01..0.2] (step=N/A) \t UNIFORM scale",
        "-" * 80,
    ]
    tried = values(lines)
    assert len(tried) == 3 and len(set(tried)) > 1
    assert found.value == max(tried)
    final = lines[lines.index("Running final eval @[1, 5]:") + 1 :]
    best = tried.index(max(tried))
    starts = [number for number, line in enumerate(lines) if line.startswith("Creating")]
    assert final[:6] == lines[starts[best] : starts[best] + 6]  # the same parameters ...
    assert found.measured.mrr[5] == max(tried)  # ... with the same seed come to the same
    assert final[-2].startswith("Recall@1: ") and final[-1].startswith("Recall@5: ")
    assert found.parameters["layers"] in (2, 4, 6, 8) and found.fitted.config.layers == (found.parameters["layers"],)
    again: list[str] = []
    gru4rec.paropt(train, test, optuna_parameter_file=space, seed=3, device="cpu", say=again.append, **options)
    assert values(again) == tried


def test_logs_are_read_once(train: Path, test: Path, space: Path, lines: list[str]) -> None:
    gru4rec.paropt(train, test, optuna_parameter_file=space, fixed_parameters=FIXED, ntrials=2, device="cpu", say=lines.append)
    assert [line for line in lines if line.startswith("Loading data")] == [
        f"Loading data from TAB separated file: {train}",
        f"Loading data from TAB separated file: {test}",
    ]


def test_a_trial_that_diverges_is_a_bad_one(train: Path, test: Path, tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "space"
    path.write_text('{"name": "learning_rate", "dtype": "categorical", "values": [0.05, 1e30]}\n')
    options: dict[str, Any] = {"fixed_parameters": f"{FIXED},layers=4,loss=bpr-max,elu_param=0", "device": "cpu", "say": lines.append}
    found = gru4rec.paropt(train, test, optuna_parameter_file=path, ntrials=8, seed=1, **options)
    assert found.parameters == {"learning_rate": 0.05}
    assert any("came to nothing" in line for line in lines)
    path.write_text('{"name": "learning_rate", "dtype": "categorical", "values": [1e30]}\n')
    with pytest.raises(TurretError, match="none of 2 trials"):
        gru4rec.paropt(train, test, optuna_parameter_file=path, ntrials=2, **options)


def test_bad_input_ends_it_before_the_first_trial(train: Path, test: Path, space: Path, tmp_path: Path, lines: list[str]) -> None:
    def refused(part: str, *paths: Path, **options: Any) -> None:
        logs = paths or (train, test)
        with pytest.raises(InputError, match=part):
            gru4rec.paropt(*logs, **{"optuna_parameter_file": space, "device": "cpu", "say": lines.append, **options})

    refused("no such file", train, tmp_path / "absent")
    refused("no such file", tmp_path / "absent", test)
    refused("no such file", optuna_parameter_file=tmp_path / "absent")
    refused("pickles are not read", train, tmp_path / "test.pickle")
    refused("-nt", ntrials=0)
    refused("-m: ", measure=0)
    refused("-fm: ", final_measure=[])
    refused("is no name=value", fixed_parameters="layers")
    refused("layers is here and among the fixed", fixed_parameters="layers=3")
    refused("no device", device="tpu9")
    refused("no column 'x' for the time", time_key="x")
    assert not any(line.startswith("Creating") for line in lines)


def test_parameters_that_do_not_go_together_end_it_with_their_reason(train: Path, test: Path, tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "space"
    path.write_text('{"name": "embedding", "dtype": "int", "values": [4, 8]}\n')
    options: dict[str, Any] = {"optuna_parameter_file": path, "ntrials": 1, "device": "cpu", "say": lines.append}
    with pytest.raises(InputError, match="constrained_embedding"):
        gru4rec.paropt(train, test, fixed_parameters=FIXED, **options)
    gru4rec.paropt(train, test, fixed_parameters=f"{FIXED},constrained_embedding=False", **options)


def test_without_optuna_it_says_how_to_get_it(train: Path, test: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "optuna":
            raise ModuleNotFoundError(name)
        return importing(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'turret\[tuning\]'"):
        gru4rec.paropt(train, test, optuna_parameter_file=space)
