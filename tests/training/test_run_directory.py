"""A run's files: whole, verified, and of one process at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from turret.core import tensor_file
from turret.core.errors import InputError, TurretError
from turret.core.files import read_sealed, write_sealed
from turret.training.run_directory import BEST, LAST, MANIFEST, PREVIOUS, SETTINGS, Checkpoint, Dataset, RunDirectory


def checkpoint(round: int, best: bool = True) -> Checkpoint:
    model = {"weight": torch.full((3, 2), float(round))}
    return Checkpoint(model, {"weight": torch.zeros(3, 2)} if best else None, {"losses": torch.ones(round)}, {"round": round})


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory.create(tmp_path / "run", {"seed": 1}, Dataset(path="prepared", hash="abc", source="log.csv", seconds=1.5))
    for number in (1, 2, 3):
        made.save(checkpoint(number))
    return made


@pytest.mark.parametrize("best", [True, False])
def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path, best: bool) -> None:
    run = RunDirectory.create(tmp_path / "run", {})
    assert run.checkpoint() is None
    run.save(checkpoint(4, best))
    found = RunDirectory.open(run.path).checkpoint()
    assert found is not None and found.standing == {"round": 4}
    assert torch.equal(found.model["weight"], torch.full((3, 2), 4.0)) and torch.equal(found.procedure["losses"], torch.ones(4))
    assert (found.best is not None) == best


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        content[-3] ^= 4
        path.write_bytes(content)
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_the_checkpoint_before_a_damaged_one_is_used_and_said(run: RunDirectory, how: str) -> None:
    damage(run.path / LAST, how)
    said: list[str] = []
    found = run.checkpoint(said.append)
    assert found is not None and found.standing == {"round": 2}
    assert (how == "gone") == (not said)
    assert all(LAST in text and PREVIOUS in text for text in said)


def test_where_no_checkpoint_is_left_whole_that_is_said(run: RunDirectory) -> None:
    damage(run.path / LAST, "flipped")
    damage(run.path / PREVIOUS, "cut")
    with pytest.raises(InputError, match="altered") as caught:
        run.checkpoint()
    assert caught.value.path == run.path / LAST and "begins anew" in str(caught.value)


def test_a_checkpoint_that_cannot_be_written_leaves_those_there_were(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("turret.core.files.sync", full)
    with pytest.raises(TurretError, match="No space left"):
        run.save(checkpoint(4))
    monkeypatch.undo()
    found = run.checkpoint()
    assert found is not None and found.standing == {"round": 3}
    assert not [path for path in run.path.iterdir() if path.name.startswith(".") and path.name != ".lock"]


def live(path: Path) -> None:
    """The file operations of a whole run."""
    run = RunDirectory.create(path, {"seed": 1})
    for number in range(1, 4):
        run.save(checkpoint(number, best=False))
        run.save_best({"weight": torch.full((3, 2), float(number))})
    run.finish({"figure": 1}, lambda place: place.write_text("tested"))


def killed(path: Path, fatal: int) -> int:
    """Lives in a process that dies before or after one of the calls that change the file system; returns how many there were, or -1.

    Forked, since starting Python would take longer than all the rest.
    """
    count = path.with_suffix(".count")
    child = os.fork()
    if not child:
        calls = 0

        def dying(function: Callable[..., Any]) -> Callable[..., Any]:
            def tick() -> None:
                nonlocal calls
                calls += 1
                if calls == fatal:
                    os._exit(9)

            def call(*words: Any, **named: Any) -> Any:
                tick()
                done = function(*words, **named)
                tick()
                return done

            return call

        for owner, name in [*((Path, name) for name in ("replace", "hardlink_to", "unlink", "mkdir")), (os, "fsync"), (os, "open")]:
            setattr(owner, name, dying(getattr(owner, name)))
        live(path)
        count.write_text(str(calls))
        os._exit(0)
    os.waitpid(child, 0)
    return int(count.read_text()) if count.exists() else -1


@pytest.mark.slow
def test_killed_at_any_of_its_steps_a_run_can_be_gone_on_with(tmp_path: Path) -> None:
    live(tmp_path / "first")  # so that nothing is imported in the midst of the others
    total, rounds = killed(tmp_path / "whole", 0), set()
    assert total > 60
    for fatal in range(1, total + 1):
        path = tmp_path / f"run{fatal}"
        assert killed(path, fatal) == -1
        if not (path / MANIFEST).exists():
            RunDirectory.create(path, {"seed": 1})
        run = RunDirectory.open(path)
        said: list[str] = []
        found = run.checkpoint(said.append)
        assert not said
        rounds.add(0 if found is None else found.standing["round"])
        assert found is None or torch.equal(found.model["weight"], torch.full((3, 2), float(found.standing["round"])))
        if run.finished:
            assert run.result == {"figure": 1}
        with run.held():
            assert not [each.name for each in path.iterdir() if each.name.startswith(".") and each.name != ".lock"]
    assert rounds == {0, 1, 2, 3}


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_the_best_parameters_are_also_in_the_last_checkpoint(run: RunDirectory, how: str) -> None:
    run.save_best({"weight": torch.zeros(3, 2)})
    damage(run.path / BEST, how)
    with pytest.raises(InputError, match="--resume"):
        run.best()
    run.finish({"x": 1}, lambda path: path.write_text(""))
    said: list[str] = []
    assert torch.equal(run.best(said.append)["weight"], torch.zeros(3, 2))
    assert len(said) == 1


@pytest.mark.parametrize("name", [SETTINGS, MANIFEST])
@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_altered_settings_are_refused_by_name(run: RunDirectory, name: str, how: str) -> None:
    damage(run.path / name, how)
    with pytest.raises(InputError) as caught:
        RunDirectory.open(run.path)
    assert caught.value.path == run.path / name


def test_altered_results_are_refused_by_name(run: RunDirectory) -> None:
    run.finish({"test.recall@10": 0.5}, lambda path: path.write_text("tested"))
    again = RunDirectory.open(run.path)
    assert again.finished and again.result == {"test.recall@10": 0.5}
    (run.path / "result.json").write_text('{"test.recall@10": 0.6}')
    with pytest.raises(InputError, match=r"result\.json"):
        _ = again.result


def test_another_format_is_told(run: RunDirectory) -> None:
    write_sealed(run.path / MANIFEST, {"format": 7, "turret": "9.9", "files": {}, "dataset": {}})
    with pytest.raises(InputError, match=r"format 7(.|\n)*Turret 9\.9 wrote it"):
        RunDirectory.open(run.path)


@pytest.mark.parametrize("lacking", ["turret", "dataset", "files"])
def test_a_manifest_that_is_none_is_refused_though_its_seal_is_right(run: RunDirectory, lacking: str) -> None:
    content = read_sealed(run.path / MANIFEST, "")
    for value in (5, [], {"path": 5}):
        write_sealed(run.path / MANIFEST, {**content, lacking: value})
        with pytest.raises(InputError, match=rf"run\.json: {lacking}"):
            RunDirectory.open(run.path)
    assert RunDirectory.create(run.path.with_name("other"), {}).path.exists()
    with pytest.raises(InputError, match="nothing of its dataset"):
        _ = RunDirectory.open(run.path.with_name("other")).dataset


def test_one_process_at_a_time(run: RunDirectory) -> None:
    code = (
        "import sys; from pathlib import Path; from turret.training.run_directory import RunDirectory\n"
        "with RunDirectory.open(Path(sys.argv[1])).held(): print('held')"
    )
    with run.held():
        second = subprocess.run([sys.executable, "-c", code, run.path], capture_output=True, text=True, check=False)
        assert second.returncode != 0 and "another process trains in this run directory" in second.stderr
    after = subprocess.run([sys.executable, "-c", code, run.path], capture_output=True, text=True, check=True)
    assert after.stdout == "held\n"


def test_what_was_stopped_before_it_was_made_is_made_by_the_same_command(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    for name in (SETTINGS, ".settings.json.12345", ".lock"):
        (path / name).write_text("{")
    assert RunDirectory.create(path, {"seed": 2}).settings == {"seed": 2}
    with pytest.raises(InputError, match="not empty"):
        RunDirectory.create(path, {"seed": 2})


def test_measures_up_to_a_line_that_a_crash_left(run: RunDirectory) -> None:
    lines = [json.dumps({"round": number, "seconds": {"train": 0.1}}) for number in (1, 2, 3)]
    for ending, count in (("", 3), ('{"round": 4, "sec', 3), ("\0\0\0\n", 3), ("[]\n", 3)):
        (run.path / "metrics.jsonl").write_text("\n".join(lines) + "\n" + ending)
        assert [record["round"] for record in run.rounds()] == [1, 2, 3][:count]
    assert run.forget_rounds_after(2) == 0 and len(run.rounds()) == 2
    (run.path / "metrics.jsonl").write_text("rubbish\n" + lines[1] + "\n")
    assert run.forget_rounds_after(2) == 2


@pytest.mark.parametrize("other", [{"settings": {"seed": 2}}, {"dataset": Dataset(path="x", hash="other", source="y", seconds=0)}])
def test_files_of_another_run_are_refused(run: RunDirectory, tmp_path: Path, other: dict[str, Any]) -> None:
    said = {"settings": {"seed": 1}, "dataset": Dataset(path="prepared", hash="abc", source="log.csv", seconds=1.5)}
    foreign = RunDirectory.create(tmp_path / "foreign", **{**said, **other})
    alike = RunDirectory.create(tmp_path / "alike", **said)
    for each in (run, foreign, alike):
        each.save(checkpoint(4))
        each.save_best({"weight": torch.zeros(3, 2)})
    for name in (LAST, BEST):
        (run.path / name).write_bytes((alike.path / name).read_bytes())
    found = run.checkpoint()
    assert found is not None and found.standing == {"round": 4} and len(run.best()) == 1
    for name in (LAST, BEST):
        (run.path / name).write_bytes((foreign.path / name).read_bytes())
    said_of: list[str] = []
    found = run.checkpoint(said_of.append)
    assert found is not None and found.standing == {"round": 3}
    assert "belongs to another run" in said_of[0]
    with pytest.raises(InputError, match="belongs to another run"):
        run.best()


def test_what_the_test_found_can_be_found_again(run: RunDirectory) -> None:
    run.finish({"figure": 1}, lambda path: path.write_text("tested"))
    said: list[str] = []
    assert run.intact(said.append) and not said and run.tested.read_text() == "tested"
    (run.path / "test.safetensors").write_text("tasted")
    assert not run.intact(said.append) and "tested again" in said[0]
    with pytest.raises(InputError, match=r"test\.safetensors(.|\n)*--resume"):
        _ = run.tested


def test_a_run_of_an_older_version_is_told_from_none(tmp_path: Path) -> None:
    for name in ("settings.json", "dataset.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=r"older version(.|\n)*--config"):
        RunDirectory.open(tmp_path)


def test_parts_of_others_are_no_checkpoint(run: RunDirectory) -> None:
    _, notes = tensor_file.load(run.path / LAST)
    (run.path / PREVIOUS).unlink()
    tensor_file.save(run.path / LAST, {"optimizer.x": torch.ones(1)}, notes)
    with pytest.raises(InputError, match="no part of a checkpoint"):
        run.checkpoint()
    tensor_file.save(run.path / LAST, {"model.x": torch.ones(1)}, {"run": notes["run"]})
    with pytest.raises(InputError, match="how far training was"):
        run.checkpoint()
