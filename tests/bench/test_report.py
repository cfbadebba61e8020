"""The report, on made-up results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.peers import report
from bench.peers.case import Alike, Case, Size, Target, Work
from bench.peers.contest import Contest, Standing
from bench.peers.floor import Machine
from bench.peers.report.summary import Entry, entry, exponent, mixed, verdict
from hypothesis import given
from hypothesis import strategies as st

SIZES = {"small": 1_000, "large": 100_000}
MACHINE = Machine(1e9, 1e9)
CASE = Case(
    name="fake",
    title="A <case> & more",
    measured="seconds of a fit",
    sizes=tuple(map(Size, SIZES)),
    sides=("turret", "recbole", "ranx", "lightfm"),
    script="fake",
    write=lambda size, folder: {},
    work=lambda facts: Work(facts["rows"] * 1e6, 1.0, "a million for each row"),
    alike=(Alike("ndcg@10"),),
    grows="rows",
    targets=(Target("large", "recbole", 5.0, memory=2.0), Target("large", "ranx", 2.0), Target("large", "lightfm", 2.0)),
)


def outcome(seconds: float, ndcg: float, added: float) -> dict[str, object]:
    return {"seconds": seconds, "quality": {"ndcg@10": ndcg}, "base": 1e8, "peak": 1e8 + added, "cpu": seconds, "note": "a third of it"}


def result(size: str, machine: Machine = MACHINE, threads: int = 2) -> Contest:
    """Seconds of Turret's grow with the rows, those of RecBole with their square; ranx is better, and LightFM absent."""
    rows = SIZES[size]
    sides = {
        "turret": Standing("", [outcome(rows / 1e3 * rate, 0.3, 1e6) for rate in (1.0, 2.0, 9.0)]),
        "recbole": Standing("", [outcome(rows**2 / 1e5, 0.29, 5e6)]),
        "ranx": Standing("", [outcome(rows / 1e2, 0.4, 1e5)]),
        "lightfm": Standing("", [], "error: no <wheel> | for it"),
    }
    return Contest("fake", size, threads, {"rows": rows}, [machine], sides)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on both sizes, and on one of a case that is gone."""
    place = tmp_path_factory.mktemp("bench")
    for each in (*map(result, SIZES), replace(result("small"), case="gone")):
        each.save(place / "results")
    assert report.write(place / "results", place / "report", {"fake": CASE}) == 0
    return place / "report"


@pytest.fixture(scope="module")
def table(folder: Path) -> str:
    return (folder / "table.md").read_text()


def rows_of(table: str, *words: str) -> list[list[str]]:
    """Cells of the rows that hold all these words."""
    lines = [line.replace("\\|", "¦") for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if all(word in line for word in words)]


def test_the_table_has_medians_ratios_memory_floors_and_targets(table: str) -> None:
    turret, growth = rows_of(table, "turret")[1], rows_of(table, "turret")[2]
    assert turret[1:12] == ["large", "turret", "200", "100 to 900", "3", "–", "101", "1", "ndcg@10 0.3", "", "100"]
    assert turret[12] == "2x"
    recbole = rows_of(table, "large", "recbole")[0]
    assert recbole[3] == "100,000"
    assert recbole[6] == "500x"
    assert recbole[10] == "Turret's is better"
    assert recbole[13] == "time 5x: met (500x), memory 2x: met (5x)"
    assert recbole[14] == "a third of it"
    assert growth[1:5] == ["rows", "turret", "1.00", "2"]
    assert rows_of(table, "recbole", "seconds of a fit")[0][3] == "2.00"


def test_results_that_are_not_equally_good_are_called_so(table: str) -> None:
    ranx = rows_of(table, "large", "ranx")[0]
    assert ranx[10] == "NOT EQUAL: ndcg@10 0.3 for 0.4"
    assert ranx[13] == "time 2x: NOT EQUAL (5x)"


def test_a_side_without_measurements_has_its_error_in_its_row(table: str) -> None:
    lightfm = rows_of(table, "large", "lightfm")[0]
    assert lightfm[3:7] == ["–", "–", "0", "–"]
    assert lightfm[13:] == ["time 2x: not measured", "ERROR: error: no &lt;wheel> ¦ for it"]


def test_results_of_a_case_that_is_gone_are_left_out_and_said(table: str) -> None:
    assert "no such case any more: gone small" in table
    assert not rows_of(table, "gone")


def test_the_page_escapes_text_and_needs_nothing_else(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    assert "A &lt;case&gt; &amp; more" in page
    assert "no &lt;wheel&gt; | for it" in page
    assert "<case>" not in page
    assert "<wheel>" not in page
    assert page.count("data:image/png;base64,") == 3
    assert not any(word in page for word in ("<script", "http:", "https:", "<link"))


def test_there_may_be_no_results_at_all_and_the_tables_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.write(tmp_path / "results", tmp_path / "report", {"fake": CASE}) == 0
    assert (tmp_path / "report" / "table.md").read_text() in capsys.readouterr().out


def test_results_of_different_machines_are_not_mixed_silently() -> None:
    def entries(machine: Machine, threads: int) -> list[Entry]:
        return [entry(result("small"), CASE), entry(result("large", machine, threads), CASE)]

    assert mixed(entries(Machine(1.1e9, 0.9e9), 2)) == []
    assert "compute 3.0 times as fast" in mixed(entries(Machine(3e9, 1e9), 2))[0]
    assert "copy 2.0 times as fast" in mixed(entries(Machine(1e9, 2e9), 2))[0]
    assert "threads (2, 4)" in mixed(entries(Machine(1e9, 1e9), 4))[0]


@pytest.mark.parametrize(
    ("own", "peer", "alike", "said"),
    [
        (0.298, 0.3, Alike("x", 0.01), "equal"),
        (0.296, 0.3, Alike("x", 0.01), "NOT EQUAL: x 0.296 for 0.3"),
        (0.9, 0.3, Alike("x", 0.01), "Turret's is better"),
        (0.304, 0.3, Alike("x", 0.01, exact=True), "NOT EQUAL: x 0.304 for 0.3"),
        (0.302, 0.3, Alike("x", 0.01, exact=True), "equal"),
        (7, 7, Alike("x", 0.0, exact=True), "equal"),
        (7, 8, Alike("x", 0.0, exact=True), "NOT EQUAL: x 7 for 8"),
        (float("nan"), 0.3, Alike("x"), "NOT EQUAL: x nan for 0.3"),
        (-0.30, -0.29, Alike("x", 0.01), "NOT EQUAL: x -0.3 for -0.29"),
    ],
)
def test_the_verdict(own: float, peer: float, alike: Alike, said: str) -> None:
    assert verdict({"x": own}, {"x": peer}, [alike]) == said


def test_what_a_side_does_not_tell_is_not_equal() -> None:
    assert verdict({"x": 1.0}, {}, [Alike("x")]) == "NOT EQUAL: x is not told"


@given(st.floats(-2, 4), st.floats(1e-6, 1e3), st.lists(st.integers(1, 10**8), min_size=2, max_size=6, unique=True))
def test_the_exponent_is_that_of_a_power_law(power: float, factor: float, amounts: list[int]) -> None:
    logs = [amount**power * factor for amount in amounts]
    assert exponent(amounts, logs) == pytest.approx(power, abs=1e-4, rel=1e-4) or max(amounts) < 1.01 * min(amounts)


def test_one_size_has_no_exponent() -> None:
    assert exponent([10, 10], [1.0, 2.0]) is None
