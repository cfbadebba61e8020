"""Files of every format that was ever current: they are opened and answer as they did when they were made.

Each folder beside this file was made by `make.py` with the version that its `expected.json` names, and stays as it is. Whoever changes a
format makes a new folder; whoever gives up an old one deletes its folder, and says so where formats are promised.
"""

from __future__ import annotations

import json
import math
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/expected.json"))
EXPECTED = {folder: json.loads((folder / "expected.json").read_text()) for folder in FOLDERS}
MAKE = runpy.run_path(str(HERE / "make.py"))
LARGEST = 1_000_000
"""Bytes of all folders together."""


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A folder, and a copy of it without the logs, in which one works."""
    copy = MAKE["copied"](request.param, tmp_path_factory.mktemp("formats"))
    with MAKE["inside"](copy):
        yield request.param, copy


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def same(found: Any, expected: Any) -> bool:
    """Whether an answer is the expected one; numbers may differ by what processors add up differently."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return math.isclose(found, expected, rel_tol=1e-4, abs_tol=1e-6) if isinstance(expected, float) else bool(found == expected)


@pytest.mark.parametrize("question", MAKE["QUESTIONS"])
def test_the_files_answer_as_they_did(folder: tuple[Path, Path], question: str) -> None:
    expected = EXPECTED[folder[0]]["answers"]
    if question not in expected:
        pytest.skip(f"{folder[0].name} has no such file")
    if question.startswith("index"):
        pytest.importorskip("faiss")
    if question == "LMDB":
        pytest.importorskip("lmdb")
    found = json.loads(json.dumps(MAKE["QUESTIONS"][question]()))
    assert same(found, expected[question]), f"{found}\n!=\n{expected[question]}"


def test_a_run_that_went_on_ends_as_one_that_was_never_interrupted(folder: tuple[Path, Path]) -> None:
    answers = EXPECTED[folder[0]]["answers"]
    assert len(answers["interrupted"]["losses"]) == MAKE["EPOCHS"]
    assert answers["interrupted"] == answers["uninterrupted"]


def test_nothing_was_made_again(folder: tuple[Path, Path]) -> None:
    """After all questions, what the copy shares with the folder is unchanged: it was read, not replaced by something newer."""
    before, after = files_of(folder[0]), files_of(folder[1])
    replaced = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    assert [name for name in replaced if not name.startswith("interrupted/")] == []
    assert {name for name in after.keys() - before.keys() if name.endswith((".npy", ".faiss", "manifest.json"))} == set()


def test_the_present_formats_have_their_files() -> None:
    """A format that was changed leaves older folders behind, and needs a new one: `python tests/formats/make.py vN`."""
    assert MAKE["formats"]() in [expected["formats"] for expected in EXPECTED.values()]
    assert any(expected["answers"].keys() == MAKE["QUESTIONS"].keys() for expected in EXPECTED.values())


def test_the_files_are_small_and_name_no_machine() -> None:
    content = [(path, path.read_bytes()) for folder in FOLDERS for path in folder.rglob("*") if path.is_file()]
    assert sum(len(held) for _, held in content) < LARGEST
    assert [path for path, held in content if any(word in held for word in (b"/tmp/", b"/home/", b"/root/", b"/work/", b"/Users/"))] == []
