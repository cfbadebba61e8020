"""The whole way from files to a run: another test file leaves what was fitted, the validation and the parameters kept what they were."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turret
from turret.data import DataConfig, Prepared, prepare
from turret.data.prepared import TEST, TRAIN, VALID

from .random_logs import FEATURES, TASKS, WAYS, RandomLog, changed, random_log, random_logs, tried
from .what_training_sees import BATCHES, can_make, differing, epoch, plain, seen_by_training

WAY = WAYS["published"]
FLOATS = ("time", "mark", "rating", "weight", *TASKS, "bucket", "square", "span", "logged", "plain", "age", "year")
SETS = {"tags": "token_seq", "likes": "token_seq", "genre": "token_seq", "vector": "float_seq", "sizes": "float_seq"}


def type_of(name: str) -> str:
    return f"{name}:{SETS.get(name, 'float' if name in FLOATS else 'token')}"


def cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if isinstance(value, float) and np.isnan(value) else str(value)


def write(path: Path, columns: Mapping[str, Any]) -> None:
    """A table as an atomic file."""
    lines = ["\t".join(map(cell, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(["\t".join(map(type_of, columns)), *lines]) + "\n")


def write_all(log: RandomLog, folder: Path) -> Path:
    """A folder of a published split, with the tables of users and items."""
    folder.mkdir(parents=True)
    for part in (TRAIN, VALID, TEST):
        write(folder / f"log.{part}.inter", log.rows(log.part == part))
    write(folder / "log.user", log.users)
    write(folder / "log.item", log.items)
    return folder


def prepared_from(log: RandomLog, folder: Path) -> Prepared:
    columns = dict.fromkeys(TASKS, "label") | {"session": "session"}
    config = DataConfig.model_validate({"features": FEATURES, "split": WAY.split, "source": {"columns": columns}})
    return prepare(write_all(log, folder / "log"), config, folder / "cache", threads=1)


@tried(2)
@given(log=random_logs(), seed=st.integers(0, 2**32))
def test_what_training_sees(log: RandomLog, seed: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        before = prepared_from(log, Path(place) / "before")
        later = changed(log, log.prepared(WAY), WAY, [VALID, TEST], seed)
        after = prepared_from(later, Path(place) / "after")
        assert before.hash != after.hash
        assert differing(seen_by_training(before), seen_by_training(after)) == []
        for kind in filter(lambda kind: can_make(kind, before), BATCHES):
            assert differing(dict(plain(epoch(kind, before))), dict(plain(epoch(kind, after)))) == [], kind


@pytest.mark.parametrize("model", ["bpr", "gru4rec", "din"])
def test_runs(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation chooses the round: it may look at its own part, and not at the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    log = random_log(5, rows=60)
    tested = changed(log, log.prepared(WAY), WAY, [TEST], 5)
    said = {"columns": dict.fromkeys(TASKS, "label"), "published_valid_ratio": 0, "threads": 1, "epochs": 3, "batch_size": 16}
    runs = [
        turret.train(model, write_all(each, tmp_path / name / "log"), run_dir=tmp_path / f"run-{name}", **said)
        for name, each in (("before", log), ("tested", tested))
    ]
    left = [dict(plain(dict(run.model.state_dict()))) for run in runs]
    assert left[0] and differing(*left) == []
    results = [{name: value for name, value in run.result.items() if name.startswith(("valid.", "best.", "epochs"))} for run in runs]
    assert any(name.startswith("valid.") for name in results[0]) and results[0] == results[1]
    assert runs[0].result != runs[1].result
