"""What was written is read; what was damaged is refused, by the name of the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from turret.core.errors import InputError, TurretError
from turret.index import files
from turret.index.approximate import Approximate
from turret.index.exact import Exact

pytest.importorskip("faiss")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    Approximate(np.random.default_rng(0).standard_normal((300, 8)), "inner_product").save(tmp_path / "index")
    return tmp_path / "index"


@pytest.mark.parametrize("stem", ["vectors", "ids", "cells"])
@pytest.mark.parametrize("damage", ["cut", "longer", "flipped", "gone"])
def test_a_damaged_part_is_refused_by_name(saved: Path, stem: str, damage: str) -> None:
    (part,) = saved.glob(f"{stem}-*")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"cut": content[:-1], "longer": content + b"x", "flipped": content}
    part.unlink() if damage == "gone" else part.write_bytes(changed[damage])
    with pytest.raises(InputError, match=part.name) as refused:
        Approximate.load(saved)
    assert "Build the index again." in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"format": 1}'])
def test_a_damaged_manifest_is_refused(saved: Path, text: str) -> None:
    (saved / files.MANIFEST).write_text(text)
    with pytest.raises(InputError, match=r"index\.json"):
        Approximate.load(saved)


@pytest.mark.parametrize(("key", "value"), [("items", 299), ("metric", "cosine"), ("probes", 3), ("format", 1)])
def test_an_altered_manifest_is_refused(saved: Path, key: str, value: object) -> None:
    content = json.loads((saved / files.MANIFEST).read_text())
    (saved / files.MANIFEST).write_text(json.dumps({**content, key: value}))
    with pytest.raises(InputError, match=r"index\.json"):
        Approximate.load(saved)


def test_no_index_and_one_of_another_kind_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no index"):
        Exact.load(tmp_path)
    with pytest.raises(InputError, match="approximate, not exact"):
        Exact.load(saved)


def test_a_write_that_fails_leaves_the_index_that_was_there(saved: Path) -> None:
    before = Approximate.load(saved)

    def fails(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(TurretError, match="No space left"):
        files.write(saved, {"kind": "exact"}, {"vectors.npy": fails})
    assert len(Approximate.load(saved)) == len(before)
    assert not list(saved.glob(".*"))


def test_other_files_of_the_folder_stay(saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")
    Approximate.load(saved).save(saved)
    assert (saved / "notes.txt").read_text() == "mine"
