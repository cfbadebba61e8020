"""Everything that reads, with inputs by hypothesis: valid ones, cut, doubled and sprinkled with words that mean something."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.guard import Guard
from fuzz.target import Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import targets

ENGINE = ("tables", "containers", "parquet", "sessions", "prepare", "prepared")
"""Targets that take long."""


@st.composite
def edited(draw: st.DrawFn, seeds: list[bytes], words: list[bytes]) -> bytes:
    """A valid input with some of its bytes replaced."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(start + 20, len(data))))
        new = draw(st.one_of(st.sampled_from(words), st.binary(max_size=8), st.just(data[start:stop] * 2)))
        data = data[:start] + new + data[stop:]
    return data


@pytest.mark.parametrize("name", targets.NAMES)
def test_bad_input_ends_in_an_error_of_ours(name: str, tmp_path: Path) -> None:
    target = targets.load(name)
    guard = Guard(target, tmp_path / "input", tmp_path)
    inputs = edited(list(target.seeds()), [word.encode() for word in target.tokens])

    @settings(max_examples=6 if name in ENGINE else 60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(inputs)
    def reads(data: bytes) -> None:
        guard(data)
        assert not guard.tally.failures

    reads()


@pytest.mark.parametrize("name", targets.NAMES)
def test_valid_input_is_read(name: str, tmp_path: Path) -> None:
    """Else a target would refuse everything, and find nothing."""
    target = targets.load(name)
    guard = Guard(target, tmp_path / "input", tmp_path)
    seeds = list(target.seeds())
    for seed in seeds:
        guard(seed)
    assert not guard.tally.failures
    assert guard.tally.refused < len(seeds) or name == "json_lines"  # which ends in what the engine said


def test_what_counts_as_a_failure(tmp_path: Path) -> None:
    def once(data: bytes, folder: Path) -> None:
        if data == b"crash":
            raise KeyError("a")
        if data == b"refuse":
            raise ValueError

    guard = Guard(Target("", 1, once, list, allowed=(ValueError,)), tmp_path / "input", tmp_path)
    for data in (b"refuse", b"crash", b"crash", b"fine"):
        guard(data)
    assert (guard.tally.inputs, guard.tally.refused) == (4, 1)
    ((where, (what, kept, times)),) = guard.tally.failures.items()
    assert where == "KeyError in test_targets.py, once" and what == "KeyError: 'a'" and times == 2
    assert Path(kept).read_bytes() == b"crash"


def test_long_and_large_inputs_are_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.guard.SECONDS", 0.05)
    guard = Guard(Target("", 1, lambda data, folder: sum(range(10_000_000)), list), tmp_path / "input", tmp_path)
    guard(b"")
    assert list(guard.tally.failures) == ["took more than 0.05 seconds"]
    monkeypatch.setattr("fuzz.guard.SECONDS", 5)
    large = Guard(Target("", 1, lambda data, folder: bytes(len(data) << 20) * 600, list), tmp_path / "input", tmp_path)
    large.tally.inputs = 100
    for data in (b"x", b"", b""):
        large(data)
    assert [(where, times) for where, (_, _, times) in large.tally.failures.items()] == [("took more than 400 MiB", 1)]
