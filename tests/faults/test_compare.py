"""The harness must see every difference, or it would call lost what survived and survived what was lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from faults import compare


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    run = tmp_path / "reference"
    run.mkdir()
    for name in compare.TENSORS:
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], dtype=np.int64)}
        save_file(tensors, run / name, {"standing": json.dumps({"round": 3, "seconds": {"train": 0.5}})})
    for name in compare.RECORDS:
        (run / name).write_text(json.dumps({"test.ndcg@10": 0.25, "seconds.train": 1.5, "run": "here", "nested": {"path": "/a", "x": [1]}}))
    lines = [{"round": number, "loss": 0.5 / number, "seconds": {"train": 0.1}} for number in (1, 2, 3)]
    (run / compare.MEASURES).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


@pytest.fixture
def run(reference: Path) -> Path:
    return Path(shutil.copytree(reference, reference.with_name("run")))


def test_equal_runs_differ_by_nothing(run: Path, reference: Path) -> None:
    assert compare.differences(run, reference) == []
    assert compare.litter(run, reference) == ()


def test_seconds_and_places_may_differ(run: Path, reference: Path) -> None:
    text = (run / "result.json").read_text()
    (run / "result.json").write_text(text.replace("1.5", "2.5").replace("here", "there").replace("/a", "/b"))
    measures = run / compare.MEASURES
    measures.write_text(measures.read_text().replace('"train": 0.1', '"train": 0.7'))
    assert compare.differences(run, reference) == []


@pytest.mark.parametrize("name", compare.TENSORS)
def test_one_bit_of_a_tensor_is_seen(run: Path, reference: Path, name: str) -> None:
    content = bytearray((run / name).read_bytes())
    content[-1] ^= 1
    (run / name).write_bytes(content)
    assert [found.split()[0] for found in compare.differences(run, reference)] == [name]


@pytest.mark.parametrize("name", [*compare.TENSORS, *compare.RECORDS, compare.MEASURES])
def test_what_is_gone_or_cut_off_is_seen(run: Path, reference: Path, name: str) -> None:
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: len(content) - 3])
    assert [found.split()[0] for found in compare.differences(run, reference)] == [name]
    (run / name).unlink()
    assert compare.differences(run, reference) == [f"{name} is missing"]


def test_the_metadata_of_a_checkpoint_counts(run: Path, reference: Path) -> None:
    path = run / "last.safetensors"
    path.write_bytes(path.read_bytes().replace(rb"\"round\": 3", rb"\"round\": 4"))
    assert compare.differences(run, reference) == ["last.safetensors differs: standing.round is 4, not 3"]


def test_a_figure_is_seen_and_named(run: Path, reference: Path) -> None:
    (run / "result.json").write_text((run / "result.json").read_text().replace("[1]", "[2]"))
    assert compare.differences(run, reference) == ["result.json differs: nested.x.1 is 2, not 1"]


def test_a_round_too_few_is_seen(run: Path, reference: Path) -> None:
    lines = (run / compare.MEASURES).read_text().splitlines(keepends=True)
    (run / compare.MEASURES).write_text("".join(lines[:-1]))
    assert compare.differences(run, reference) == ["metrics.jsonl differs: it has 2 entries, not 3"]


def test_files_left_behind_are_litter(run: Path, reference: Path) -> None:
    (run / ".last.safetensors.77").touch()
    (run / "previous.safetensors").touch()
    assert compare.litter(run, reference) == (".last.safetensors.77",)
