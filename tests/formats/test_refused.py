"""A file of a format that is not read here is refused: with the number that it has, the one that is read, and what to do."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import turret
from turret.api.gru4rec import model_file
from turret.batches import lmdb_rows
from turret.core import tensor_file
from turret.core.errors import InputError
from turret.core.files import read_sealed, write_sealed
from turret.data import store
from turret.index import files as index_files
from turret.index.approximate import Approximate
from turret.training import run_directory

HERE = Path(__file__).parent
MAKE = runpy.run_path(str(HERE / "make.py"))
NEWEST = max(HERE.glob("*/expected.json"), key=lambda path: int(path.parent.name.removeprefix("v"))).parent


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A copy of the newest files, in which one works."""
    copy = MAKE["copied"](NEWEST, tmp_path)
    with MAKE["inside"](copy):
        yield copy


def numbered(path: Path, number: int) -> None:
    """Gives a sealed file another number of its format."""
    write_sealed(path, {**read_sealed(path, ""), "format": number})


def as_prepared(number: int) -> Callable[[], Any]:
    manifest = next(Path("cache").rglob(f"choices-*/{store.MANIFEST}"))
    numbered(manifest, number)
    return lambda: store.open_prepared(manifest.parent)


def as_run(number: int) -> Callable[[], Any]:
    numbered(Path("bpr") / run_directory.MANIFEST, number)
    return lambda: turret.load("bpr")


def as_index(number: int) -> Callable[[], Any]:
    numbered(Path("bpr/index") / index_files.MANIFEST, number)
    return lambda: Approximate.load("bpr/index")


def as_model(number: int) -> Callable[[], Any]:
    path = Path("gru4rec.safetensors")
    tensors, notes = tensor_file.load(path)
    tensor_file.save(path, tensors, {**notes, "format": f"turret-gru4rec-{number}"})
    return lambda: model_file.load(path, torch.device("cpu"))


def as_lmdb(number: int) -> Callable[[], Any]:
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open("lmdb") as environment, environment.begin(write=True) as transaction:
        about = json.loads(transaction.get(lmdb_rows.ABOUT))
        transaction.put(lmdb_rows.ABOUT, json.dumps({**about, "format": number}).encode())
    return lambda: lmdb_rows.LmdbRows("lmdb", turret.load("deepfm").prepared)


def refusal(opened: Callable[[], Any]) -> InputError:
    with pytest.raises(InputError) as refused:
        opened()
    return refused.value


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("number", [0, 99])
@pytest.mark.parametrize("made", [as_prepared, as_run, as_index, as_model, as_lmdb])
def test_another_format_is_refused_by_its_number(made: Callable[[int], Callable[[], Any]], number: int) -> None:
    message = refusal(made(number)).message
    assert "format" in message
    assert str(number) in message


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("made", [as_prepared, as_run, as_index, as_model, as_lmdb])
def test_what_to_do_about_another_format_is_said(made: Callable[[int], Callable[[], Any]]) -> None:
    assert refusal(made(99)).hint
