"""The links between the users of a log: which count, in which direction, and with which weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data import DataConfig, prepare
from turret.data.beside import Social
from turret.data.config import SocialGraph
from turret.data.report import Report
from turret.data.social import social
from turret.data.vocabulary import Vocabulary

from .beside import MemoryTable, write

Row = tuple[str, str, float]
USERS = ["u2", "u1", "u3", "ü"]
USER = st.sampled_from([*USERS, "stranger"])
ROWS = st.lists(st.tuples(USER, USER, st.sampled_from([0.25, 1.0, 7.5])), min_size=1, max_size=25)


def read(rows: list[Row], weighted: bool = True, undirected: bool = False) -> tuple[Social, str]:
    source, target, weight = zip(*rows, strict=True)
    report = Report()
    table = MemoryTable({"source": source, "target": target} | ({"weight": weight} if weighted else {}))  # type: ignore[arg-type]
    found = social(table, Vocabulary.of(USERS), SocialGraph(undirected_links=undirected), report)
    found.check(len(USERS))
    return found, str(report)


def named(graph: Social) -> dict[tuple[str, str], float]:
    weights = np.ones(len(graph)) if graph.weight is None else graph.weight
    found = {(USERS[s], USERS[t]): float(w) for s, t, w in zip(graph.source, graph.target, weights, strict=True)}
    assert len(found) == len(graph)
    return found


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, weighted=st.booleans(), undirected=st.booleans())
def test_what_counts_is_what_is_counted_by_hand(rows: list[Row], weighted: bool, undirected: bool) -> None:
    expected: dict[tuple[str, str], float] = {}
    for source, target, weight in rows:
        if source in USERS and target in USERS and source != target:
            expected.setdefault((source, target), weight if weighted else 1.0)
            if undirected:
                expected.setdefault((target, source), weight if weighted else 1.0)
    graph, said = read(rows, weighted, undirected)
    assert named(graph) == expected and (graph.weight is not None) == weighted
    ids = list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    assert ids == sorted(ids) and graph.source.dtype == graph.target.dtype == np.int32
    # Every row of the file is kept or counted among those left out.
    counts = [int(line.split()[2]) for line in said.splitlines() if "left out" in line]
    kept = len(graph) if not undirected else len(graph) // 2
    assert kept + sum(counts) == len(rows)


def test_what_is_left_out_is_counted() -> None:
    rows = [
        ("u1", "u2", 3.0),
        ("u1", "stranger", 1.0),
        ("u1", "u1", 1.0),
        ("u1", "u2", 9.0),
        ("stranger", "stranger", 1.0),
        ("u2", "u1", 5.0),
    ]
    graph, said = read(rows)
    assert named(graph) == {("u1", "u2"): 3.0, ("u2", "u1"): 5.0}
    assert "2 links of users that training does not know are left out" in said
    assert "1 links of a user with itself are left out" in said and "1 links that are there already are left out" in said
    assert "2 links between 2 of 4 users are kept" in said
    both, said = read(rows, undirected=True)
    assert named(both) == {("u1", "u2"): 3.0, ("u2", "u1"): 3.0} and "2 links that are there already" in said


def test_both_ways_keeps_the_weights_that_are_there() -> None:
    graph, _ = read([("u1", "u2", 3.0), ("u2", "u1", 5.0), ("u3", "u1", 7.0)])
    assert named(graph.both_ways()) == {("u1", "u2"): 3.0, ("u2", "u1"): 5.0, ("u3", "u1"): 7.0, ("u1", "u3"): 7.0}
    assert named(graph.both_ways().both_ways()) == named(graph.both_ways())


def test_links_of_strangers_alone_are_none() -> None:
    graph, said = read([("stranger", "u1", 1.0), ("u2", "u2", 1.0)])
    assert len(graph) == 0 and "0 links between 0 of 4 users are kept" in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["u1 u2 1", "u1 u3 -2"], r"w\.net, line 3, column weight: the weight -2 is not above 0"),
        (["u1 u2 1", "u9 u8 0"], r"w\.net, line 3, column weight: the weight 0 is not above 0"),
        (["u1 u2 1", "u2 u1 "], r"w\.net, line 3, column weight: the weight is missing"),
        (["u1 u2 1", "u2 u1 nan"], r"w\.net, line 3, column weight: the weight is missing"),
        (["u1 u2 inf"], r"w\.net, line 2, column weight: the weight is infinite"),
        (["u1 u2 1e300"], r"w\.net, line 2, column weight: the weight 1e\+300 is too large"),
        (["u1 u2 much"], r"w\.net, line 2, column weight"),
        (["u1 u2", " u2"], r"w\.net, line 3, column source_id: the source id is missing"),
        (["u1 u2", "u2 "], r"w\.net, line 3, column target_id: the target id is missing"),
        ([], r"w\.net: no rows"),
    ],
)
def test_bad_input(rows: list[str], words: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "w", inter=["u1 a", "u2 a", "u3 b"], net=rows)
    with pytest.raises(InputError, match=words):
        prepare(folder, cache_dir=tmp_path / "cache")


def test_a_setting_of_links_that_there_are_not_is_refused(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"social": {"undirected_links": True}}
    with pytest.raises(InputError, match=r"undirected_links is about the table NAME\.net, and there is none"):
        prepare(write(tmp_path / "w", inter=["u1 a", "u2 a"]), DataConfig.model_validate(settings), tmp_path / "cache")
