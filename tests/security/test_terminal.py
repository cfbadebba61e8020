"""Control characters in tokens, titles, names and errors: what reaches a terminal is text, and nothing in it is obeyed."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from turret.api import Recommendation
from turret.cli import report
from turret.cli.screen import Screen, line, printable, printable_json, table
from turret.core.errors import InputError

from .conftest import Command

TITLE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold]x[/nothing] :smile:\x00\x7f"
ESCAPED = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold]x[/nothing] :smile:\x00\x7f"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(terminal: bool = False) -> tuple[Screen, io.StringIO]:
    stream = io.StringIO()
    return Screen(file=stream, highlight=False, width=160, force_terminal=terminal, legacy_windows=False), stream


def test_they_are_written_as_python_writes_them() -> None:
    assert printable(TITLE) == ESCAPED
    assert printable("Amélie, 千と千尋\tand\nmore") == "Amélie, 千と千尋\tand\nmore"
    assert printable("\udcff.csv") == r"\udcff.csv"


@given(st.text(st.characters()))
def test_nothing_obeyed_is_left(text: str) -> None:
    assert not OBEYED.search(printable(text))
    found = printable_json({"title": text})
    assert not OBEYED.search(found)
    assert json.loads(found) == {"title": text}


@given(st.text(st.characters()))
def test_lines_and_cells_show_what_is_there(text: str) -> None:
    screen, stream = shown()
    line(screen, text)
    rows = table("first", "second")
    rows.add_row(text, Text(text))
    screen.print(rows)
    assert not OBEYED.search(stream.getvalue())


def test_a_terminal_gets_the_styles_of_the_screen_and_no_others() -> None:
    screen, stream = shown(terminal=True)
    rows = table("item")
    rows.add_row(TITLE)
    screen.print(rows)
    written = stream.getvalue()
    assert "\x1b[1m" in written  # the heading is bold
    assert ESCAPED in written
    assert not OBEYED.search(re.sub(r"\x1b\[[01]m", "", written))


def test_titles_and_markup_in_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, stream = shown()
    report.recommendations(screen, f"user {TITLE}", [Recommendation("[/a]", 1.0, TITLE), Recommendation("b", 0.5, None)])
    assert stream.getvalue().count(ESCAPED) == 2
    assert "[/a]" in stream.getvalue()


@pytest.fixture
def hostile_log(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    rows = [f"u{user}\x1b[2J,i{item}\x1b]0;owned\x07" for user in range(12) for item in range(user % 3, 12)]
    (folder / "log.csv").write_text("\n".join(["user,item", *rows]) + "\n")
    return folder / "log.csv"


def test_tokens_of_a_log_are_shown_by_commands(hostile_log: Path, turret: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = turret("train", "popularity", hostile_log, "--run_dir", run, "--mode", "detail")
    assert done.code == 0
    asked = turret("recommend", run, "--user", "u3\x1b[2J", "--include_seen")
    found = turret("recommend", run, "--user", "u3\x1b[2J", "--include_seen", "--json", "-")
    assert r"\x1b]0;owned" in asked.out
    assert json.loads(found.out)["items"][0]["item"].endswith("\x1b]0;owned\x07")
    for outcome in (done, asked, found):
        assert not OBEYED.search(outcome.out)


def test_errors_are_shown_without_them(hostile_log: Path, turret: Command, tmp_path: Path) -> None:
    header = tmp_path / "header.csv"
    header.write_text("user\x1b[2J,item\nu,i\n")
    run = tmp_path / "run"
    turret("train", "popularity", hostile_log, "--run_dir", run)
    outcomes = [
        turret("train", "popularity", header),
        turret("train", "popularity\x1b[2J", "demo"),
        turret("train", "popularity", "a\x1b[2J.csv"),
        turret("recommend", run, "--user", "no\x1b[2J"),
        turret("recommend", run, "--history", "no\x1b[2J"),
        turret("train", "popularity", hostile_log, "--columns", "a\x1b[2J=user"),
        turret("\x1b[2J"),
        turret("features", "describe", hostile_log, "--feature", "user"),
    ]
    assert [outcome.code for outcome in outcomes[:-1]] == [2] * 7
    assert [outcome for outcome in outcomes if OBEYED.search(outcome.err) or OBEYED.search(outcome.out)] == []


def test_an_error_says_what_is_there() -> None:
    """In Python the message is what it is; it is a screen that must not obey."""
    assert printable(str(InputError("no column a\x1b[2J", path="b\x07"))) == r"b\x07: no column a\x1b[2J"
