"""The report on all that was measured: tables as Markdown, pictures, and one page that holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.peers.case import Case
from bench.peers.cases import CASES
from bench.peers.contest import load
from bench.peers.report.page import page
from bench.peers.report.pictures import Picture, pictures
from bench.peers.report.summary import entry, mixed, ordered
from bench.peers.report.tables import costs, machines, measured

__all__ = ["write"]


def write(results: Path, folder: Path, cases: Mapping[str, Case] = CASES) -> int:
    """Reads the results of all cases, writes `table.md`, the pictures and `index.html`, and prints the tables.

    Args:
        results: a folder of files as `Contest.save` writes them.
        folder: of the report, which is made.
        cases: by name; results of others are left out, which is said.

    Returns:
        0, for the shell.
    """
    found = [load(path) for path in sorted(results.glob("*.json"))]
    entries = ordered([entry(each, cases[each.case]) for each in found if each.case in cases])
    words = [f"Left out, since there is no such case any more: {each.case} {each.size}." for each in found if each.case not in cases]
    words += mixed(entries)
    folder.mkdir(parents=True, exist_ok=True)
    tables = [measured(entries), costs(entries), machines(entries)]
    text = "\n".join(["# Turret beside other libraries\n", *(f"{line}\n" for line in words), *(table.markdown() for table in tables)])
    (folder / "table.md").write_text(text, encoding="utf-8")
    drawn: list[Picture] = pictures(entries, folder)
    (folder / "index.html").write_text(page(words, tables, drawn), encoding="utf-8")
    print(text)
    return 0
