"""`turret data check`, from a log to what is shown and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import turret as library

Command = Callable[..., Any]


def test_every_check_is_shown_with_its_effect(turret: Command, log: Path) -> None:
    shown = turret("data", "check", log)
    assert (shown.code, shown.err) == (0, "")
    for name in ("duplicates", "only in later parts", "repeated consumption", "order", "popularity", "power", "answers", "leakage in time"):
        assert name in shown.out
    assert "not applicable" in shown.out and "the log has no labels" in shown.out
    assert shown.out.count("  found ") == shown.out.count("  effect ") > 4
    assert max(len(row) for row in shown.out.splitlines()) <= 160


def test_the_figures_are_one_flat_object(turret: Command, log: Path) -> None:
    assert turret("data", "check", log, "--json", "found.json").code == 0
    found = json.loads(Path("found.json").read_text())
    assert found["dataset"] == "circles" and found["duplicates.verdict"] == "ok" and found["power.users"] == 40
    assert all(isinstance(value, (str, int, float)) for value in found.values())
    assert found["warnings"] == sum(value == "warning" for name, value in found.items() if name.endswith(".verdict"))


def test_with_a_dash_the_object_alone_goes_to_the_standard_output(turret: Command, log: Path) -> None:
    shown = turret("data", "check", log, "--json", "-")
    assert json.loads(shown.out)["dataset"] == "circles" and "duplicates" in shown.err


def test_warnings_leave_with_0_and_options_count(turret: Command, log: Path) -> None:
    words = ("--difference", "0.0001", "--power", "0.9", "--split_order", "time", "--mode", "detail")
    shown = turret("data", "check", log, *words)
    assert shown.code == 0
    assert "warning power" in shown.out and "below 0.9" in shown.out and "checking: power" in shown.out


@pytest.mark.parametrize(
    ("words", "part"),
    [(("--power", "1.5"), "power: must be a number above 0 and below 1"), (("--powr", "0.5"), "did you mean --power?")],
)
def test_bad_options_are_refused(turret: Command, log: Path, words: tuple[str, ...], part: str) -> None:
    shown = turret("data", "check", log, *words)
    assert shown.code == 2 and part in shown.err


def test_python_finds_the_same(turret: Command, log: Path) -> None:
    turret("data", "check", log, "--json", "found.json", "--alpha", "0.01")
    checked = library.check(log, alpha=0.01)
    assert json.loads(Path("found.json").read_text()) == checked.figures()
    assert checked["power"].figures["users"] == 40
    assert [finding.name for finding in checked.warnings] == [finding.name for finding in checked if finding.verdict == "warning"]


def test_the_same_seed_finds_the_same(log: Path) -> None:
    first, second, third = (library.check(log, seed=seed).figures() for seed in (1, 1, 2))
    assert first == second
    assert first != third


def test_help_lists_the_options(turret: Command) -> None:
    shown = turret("data", "check", "--help")
    assert shown.code == 0
    assert all(f"--{name}" in shown.out for name in ("power", "alpha", "difference", "max_users", "seed", "split_mode"))
    assert "check" in turret("data").out
