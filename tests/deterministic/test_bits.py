"""Runs that differ in the number of threads alone, bit by bit: parameters, metrics, recommendations, predictions, indices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file

from turret import api
from turret.core.contracts import Ranker
from turret.kernels import parallel

RATED, CLICKED, BOUGHT = "rated", "clicked", "bought"
TRAINING = {"epochs": 1, "bootstrap_samples": 50}
QUICK: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bpr with a dynamic sampler": ("bpr", RATED, {"sampler": "midx_uni", "negative_count": 8, **TRAINING}),
    "ease": ("ease", RATED, {"bootstrap_samples": 50}),
    "sasrec": ("sasrec", RATED, TRAINING),
    "deepfm": ("deepfm", CLICKED, TRAINING),
}
"""Model, log and options: one of each kind of arithmetic, with what is quick to train."""
MORE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bpr": ("bpr", RATED, TRAINING),
    "bpr against the hardest of a pool": ("bpr", RATED, {"sampler": "dns", **TRAINING}),
    "bpr against all items": ("bpr", RATED, {"loss": "softmax", **TRAINING}),
    "cml": ("cml", RATED, TRAINING),
    "lightgcn": ("lightgcn", RATED, TRAINING),
    "gru4rec": ("gru4rec", RATED, TRAINING),
    "multivae": ("multivae", RATED, TRAINING),
    "slim": ("slim", RATED, {"bootstrap_samples": 50, "neighbours": 50}),
    "wrmf": ("wrmf", RATED, {"bootstrap_samples": 50, "sweeps": 3}),
    "itemknn": ("itemknn", RATED, {"bootstrap_samples": 50}),
    "din": ("din", CLICKED, TRAINING),
    "ple": ("ple", BOUGHT, {"columns": {"label": "label", "bought": "label"}, **TRAINING}),
}
THREADS = (1, 2, 3, 4)
SECONDS = tuple(f"seconds.{what}" for what in ("prepare", "train", "validate", "test", "total"))
Logs = Mapping[str, Path]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Large enough that torch and BLAS divide their work."""
    folder = tmp_path_factory.mktemp("logs")
    sizes = {"users": 300, "items": 1200, "interactions": 15_000}
    rated = api.simulate(folder / RATED, seed=1, **sizes)
    shown = api.simulate(folder / CLICKED, log="clicks", seed=1, **sizes) / f"{CLICKED}.inter"
    rows = [line.split("\t") for line in shown.read_text().splitlines()[1:]]
    clicked, bought = folder / "clicked.csv", folder / "bought.csv"
    clicked.write_text("\n".join(["user,item,label,timestamp", *(",".join(row[:4]) for row in rows)]) + "\n")
    some = [[*row[:4], str(int(row[2]) * (int(row[1]) % 2))] for row in rows]
    bought.write_text("\n".join(["user,item,label,timestamp,bought", *(",".join(row) for row in some)]) + "\n")
    return {RATED: rated, CLICKED: clicked, BOUGHT: bought}


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dataset is prepared once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@dataclass(frozen=True)
class Outcome:
    """All that a run computes."""

    parameters: Mapping[str, bytes]
    test: Mapping[str, bytes]
    figures: Mapping[str, Any]
    answers: list[Any]

    @classmethod
    def of(cls, run: api.Run, log: Path) -> Outcome:
        """What lies in its folder, and what it answers when it is opened again."""
        opened = api.load(run.path)
        again = api.evaluate(opened)
        answers: list[Any] = [sorted(again.metrics.items()), sorted(again.intervals.items()), again.groups]
        if isinstance(run.model, Ranker):
            out = run.path / "predicted.csv"
            api.predict(opened, _first_rows(log, run.path / "rows.csv"), out)
            answers.append(out.read_text())
        else:
            users = [run.prepared.users.vocabulary.token(user) for user in (0, 1, 2)]
            answers += [[(each.item, each.score.hex()) for each in api.recommend(opened, user=user)] for user in users]
        return cls(
            {name: values.tobytes() for name, values in load_file(run.path / "best.safetensors").items()},
            {name: values.tobytes() for name, values in load_file(run.path / "test.safetensors").items()},
            {name: value for name, value in run.result.items() if name != "run" and not name.startswith("seconds")},
            answers,
        )


def _first_rows(log: Path, file: Path) -> Path:
    """A thousand rows of the log."""
    file.write_text("".join(log.read_text().splitlines(keepends=True)[:1001]))
    return file


def same_on_any_number(case: tuple[str, str, dict[str, Any]], logs: Logs, folder: Path, counts: tuple[int, ...]) -> None:
    model, log, options = case
    before, found = torch.get_num_threads(), []
    for threads in counts:
        run = api.train(model, logs[log], run_dir=folder / f"{threads}", threads=threads, deterministic=True, seed=5, **options)
        assert json.loads((run.path / "settings.json").read_text())["deterministic"] is True
        found.append(Outcome.of(run, logs[log]))
        assert torch.get_num_threads() == parallel.threads() == before, "the process has its own settings back"
    for threads, other in zip(counts, found, strict=True):
        assert other == found[0], f"{threads} threads: {_differing(found[0], other)}"


def _differing(one: Outcome, other: Outcome) -> str:
    tensors = [name for name in one.parameters if one.parameters[name] != other.parameters[name]]
    figures = [name for name in one.figures if one.figures[name] != other.figures.get(name)]
    return f"parameters {tensors}, figures {figures}, answers {one.answers != other.answers}"


@pytest.mark.parametrize("name", QUICK)
def test_the_number_of_threads_changes_no_bit(name: str, logs: Logs, tmp_path: Path) -> None:
    same_on_any_number(QUICK[name], logs, tmp_path, (1, 3))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MORE, *QUICK])
def test_nor_does_any_other_number(name: str, logs: Logs, tmp_path: Path) -> None:
    same_on_any_number((QUICK | MORE)[name], logs, tmp_path, THREADS)


def test_an_index_is_the_same_too(logs: Logs, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    found = []
    for threads in (1, 3):
        run = api.train("bpr", logs[RATED], run_dir=tmp_path / f"{threads}", threads=threads, deterministic=True, **TRAINING)
        built = api.build_index(run, cells=40)
        answered = api.recommend(run, user=run.prepared.users.vocabulary.token(0), index="approximate")
        files = {file.name.partition("-")[0]: file.read_bytes() for file in sorted((run.path / "index").iterdir())}
        found.append((built.recall, answered, api.evaluate(run, index="approximate").metrics, files))
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "options"), [("sasrec", ("--epochs", "1")), ("ease", ()), ("wrmf", ("--sweeps", "2"))])
def test_what_the_environment_says_of_threads_changes_nothing_either(
    model: str, options: tuple[str, ...], logs: Logs, tmp_path: Path
) -> None:
    """The command itself, in processes that begin with different numbers of threads, of which BLAS heeds nothing else."""
    code = "import sys; from turret.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for count in ("1", "3"):
        words = ["train", model, logs[RATED], "--deterministic", "--run_dir", tmp_path / count, "--seed", "5", *options]
        environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), count)
        subprocess.run([sys.executable, "-c", code, *map(str, words)], env=environment, check=True, capture_output=True)
    one, other = (load_file(tmp_path / count / "best.safetensors") for count in ("1", "3"))
    assert all(values.tobytes() == other[name].tobytes() for name, values in one.items())
    figures = [json.loads((tmp_path / count / "result.json").read_text()) for count in ("1", "3")]
    assert {name for name in figures[0] if figures[0][name] != figures[1][name]} <= {"run", "checksum", *SECONDS}
