"""Measuring sides in turns, with scripts of two lines in place of libraries."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.peers.case import Alike, Case, Facts, Size, Work
from bench.peers.contest import Contest, contest, load
from bench.peers.environments import Environment
from bench.peers.floor import Machine
from bench.peers.sides import stand

WELL = """\
from stand import Stand

stand = Stand()
with stand.measuring():
    kept = bytearray(50_000_000)
stand.tell(stand.seconds[0], {"score": stand.facts["rows"] + stand.seed}, stand.words["word"], threads=stand.threads)
"""
FAILING = "raise ValueError('no such device | in C')\n"
SILENT = "pass\n"
SLOW = "import time\ntime.sleep(60)\n"
MACHINE = Machine(2e9, 1e9)


class Bench:
    """A place for sides, and the files of a case."""

    def __init__(self, place: Path) -> None:
        self.place, self.written, self.said = place, 0, []

    def side(self, name: str, script: str) -> None:
        folder = self.place / "sides" / name.replace("-", "_")
        folder.mkdir(parents=True)
        (folder / "work.py").write_text(script)

    def run(self, *sides: str, **settings: Any) -> Contest:
        *_, found = self.rounds(*sides, **settings)
        return found

    def rounds(self, *sides: str, errors: dict[str, str] | None = None, rounds: int = 2, **size: Any) -> Iterator[Contest]:
        def write(size: Size, folder: Path) -> Facts:
            self.written += 1
            return {"rows": 10}

        words = size.pop("words", {"word": "noted"})
        one = Size("small", words, **size)
        case = Case("fake", "Fake", "seconds", (one,), sides, "work", write, lambda _: Work(1, 1, "one"), (Alike("score"),), "rows")
        environments = {side: Environment(Path(sys.executable), "1.0", (errors or {}).get(side, "")) for side in sides}
        return contest(case, one, rounds, 1, environments, self.place / "files", self.said.append)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    (tmp_path / "sides").mkdir()
    shutil.copy(stand.__file__, tmp_path / "sides")
    monkeypatch.setattr("bench.peers.contest.SIDES", tmp_path / "sides")
    monkeypatch.setattr("bench.peers.contest.machine", lambda threads: MACHINE)
    return made


def test_sides_take_turns_and_tell_seconds_memory_and_quality(bench: Bench) -> None:
    bench.side("turret", WELL)
    bench.side("two-words", WELL)
    found = bench.run("turret", "two-words")
    assert [line.split(":")[0] for line in bench.said] == [
        "fake small turret 1",
        "fake small two-words 1",
        "fake small turret 2",
        "fake small two-words 2",
    ]
    assert found.machine == [MACHINE, MACHINE]
    outcomes = found.sides["two-words"].outcomes
    assert [outcome["quality"] for outcome in outcomes] == [{"score": 11}, {"score": 12}]
    for outcome in outcomes:
        assert outcome["note"] == "noted"
        assert outcome["threads"] == 1
        assert 0 < outcome["seconds"] < 10
        assert outcome["peak"] - outcome["base"] > 40e6


def test_what_was_measured_is_there_after_each_round(bench: Bench) -> None:
    bench.side("turret", WELL)
    assert [len(found.sides["turret"].outcomes) for found in bench.rounds("turret", rounds=3)] == [1, 2, 3]


def test_a_side_that_takes_long_is_measured_once(bench: Bench) -> None:
    bench.side("turret", WELL)
    bench.side("peer", WELL)
    found = bench.run("turret", "peer", once=("peer",))
    assert {side: len(standing.outcomes) for side, standing in found.sides.items()} == {"turret": 2, "peer": 1}


def test_a_side_that_fails_or_is_absent_is_not_asked_again_and_the_others_go_on(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.side("turret", WELL)
    bench.side("broken", FAILING)
    bench.side("silent", SILENT)
    found = bench.run("turret", "broken", "silent", "absent", errors={"absent": "it has no wheel"})
    errors = {side: standing.error for side, standing in found.sides.items()}
    assert errors == {
        "turret": "",
        "broken": "ValueError: no such device | in C",
        "silent": "it said nothing",
        "absent": "it has no wheel",
    }
    assert len(found.sides["turret"].outcomes) == 2
    assert sum("broken" in line for line in bench.said) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_side_that_does_not_end_is_stopped(bench: Bench) -> None:
    bench.side("turret", SLOW)
    assert bench.run("turret", limit=1.0).sides["turret"].error == "not done after 1 s"


def test_files_are_written_once_for_the_same_words(bench: Bench) -> None:
    bench.run(rounds=1)
    bench.run(rounds=1)
    assert bench.written == 1
    bench.run(rounds=1, words={"word": "other"})
    assert bench.written == 2


def test_what_is_saved_is_loaded(bench: Bench, tmp_path: Path) -> None:
    bench.side("turret", WELL)
    found = bench.run("turret", rounds=1)
    found.save(tmp_path / "results")
    assert load(tmp_path / "results" / "fake-small.json") == found
