"""The command as a user meets it: help, verbs, exit codes, and never a traceback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turret import __version__
from turret.cli import main as entry

Command = Callable[..., Any]


def test_without_words_it_tells_its_commands(turret: Command) -> None:
    shown = turret()
    assert shown.code == 0
    assert all(verb in shown.out for verb in entry.VERBS)
    assert turret("--help").out == shown.out


def test_version(turret: Command) -> None:
    assert turret("--version").out.strip() == f"turret {__version__}"


def test_help_and_version_do_not_load_torch() -> None:
    code = "import sys; from turret.cli.main import main; main(['--help']); main(['--version']); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.endswith("False\n")


def test_threads_wait_without_spinning() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "import sys, os, turret; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout
    assert shown.split() == ["PASSIVE", "False"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("trian bpr demo", ["'trian'", "did you mean train?"]),
        ("train", ["no model is named", "turret train MODEL DATASET"]),
        ("train brp demo", ["'brp'", "did you mean bpr?"]),
        ("train bpr", ["dataset must be given"]),
        ("train bpr no-such-dataset", ["no-such-dataset"]),
        ("train bpr ./absent.csv", ["absent.csv"]),
        ("train bpr demo more", ["'more'", "MODEL DATASET"]),
        ("train bpr demo --lerning_rate 1", ["--lerning_rate", "did you mean --learning_rate?"]),
        ("train bpr demo --learning_rate fast", ["--learning_rate", "a number above 0", "'fast'"]),
        ("train bpr demo --learning_rate -1", ["--learning_rate", "above 0"]),
        ("train bpr demo --learner adm", ["--learner", "did you mean adam?"]),
        ("train bpr demo --epochs", ["--epochs needs a value"]),
        ("train bpr demo --split_ratio 0.8,0.1", ["--split_ratio", "3 values"]),
        ("train bpr demo --split_ratio 0.8,0.1,0.2", ["--split_ratio", "add up to 1"]),
        ("train bpr demo --split_mode entyr", ["--split_mode", "did you mean entry?"]),
        ("train bpr demo --cutoff 0", ["--cutoff"]),
        ("train bpr demo --val_metrics recal@10", ["--val_metrics", "did you mean recall@10?"]),
        ("train bpr demo --device tpu9", ["--device", "tpu9"]),
        ("train bpr demo --seed -3", ["--seed", "at least 0"]),
        ("train bpr demo --mode loud", ["--mode", "light, detail"]),
        ("train sasrec demo --sampler_count 3", ["--sampler_count"]),
        ("train bpr demo --config absent.yaml", ["absent.yaml", "no such file"]),
        ("train --config absent.yaml", ["absent.yaml", "no such file"]),
        ("train --resume absent", ["absent", "not a run directory"]),
        ("train --resume absent --epochs 3", ["--epochs"]),
        ("evaluate", ["run must be given"]),
        ("evaluate absent", ["absent", "not a run directory"]),
        ("recommend absent --user 1", ["absent", "not a run directory"]),
        ("compare absent", ["other must be given"]),
        ("compare absent absent", ["not a run directory"]),
        ("models nope", ["'nope'"]),
        ("data nope", ["'nope'", "list, describe"]),
        ("data describe ml100k", ["did you mean ml-100k?"]),
        ("data prepare", ["dataset must be given"]),
        ("data simulate", ["directory must be given"]),
        ("data simulate d --interactions 3", ["--interactions", "at least 10"]),
    ],
)
def test_bad_input_gets_one_clear_message(turret: Command, words: str, parts: list[str]) -> None:
    shown = turret(*words.split())
    assert shown.code == 2
    assert [part for part in parts if part not in shown.err] == [], shown.err
    assert shown.err.startswith("turret: ")
    assert "pydantic" not in shown.err
    assert not list(Path().glob("**/*"))


@pytest.mark.parametrize(
    "words", ["train", "train bpr", "evaluate", "recommend", "compare", "models", "data prepare", "data simulate", "data list"]
)
def test_every_command_has_help(turret: Command, words: str) -> None:
    shown = turret(*words.split(), "--help")
    assert shown.code == 0
    assert shown.out.startswith("Usage: turret ")


def test_the_help_of_a_model_lists_every_option_with_its_default(turret: Command) -> None:
    shown = " ".join(turret("train", "bpr", "demo", "--help").out.split())
    for name in ("learning_rate", "learner", "weight_decay", "epochs", "batch_size", "eval_batch_size", "embed_dim", "sampler"):
        assert f"--{name} " in shown
    for name in ("negative_count", "split_mode", "split_ratio", "topk", "cutoff", "val_metrics", "test_metrics", "early_stop_patience"):
        assert f"--{name} " in shown
    for name in ("seed", "data_dir", "run_dir", "mode", "json", "config"):
        assert f"--{name} " in shown
    assert re.search(r"--learning_rate Step size. \[a number above 0; default [0-9.]+\]", shown)


def test_a_closed_pipe_is_no_error_message() -> None:
    code = (
        "import os, sys; from turret.cli.main import main\n"
        "reading, writing = os.pipe(); os.close(reading); os.dup2(writing, 1); sys.exit(main(['--help']))"
    )
    shown = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (1, "")


def test_termination_leaves_a_run_that_can_go_on(log: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", "bpr", log, "--epochs", "100000", "--early_stop_patience", "0", "--run_dir", run, "--threads", "1"]
    process = subprocess.Popen([sys.executable, "-m", "turret.cli.main", *map(str, words)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (run / "metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"turret train --resume {run}" in error
    assert "Traceback" not in error
