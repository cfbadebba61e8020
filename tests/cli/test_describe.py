"""`turret data describe`: what a dataset is, and the graphs beside its log in figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "shop"
    place.mkdir()
    tables = {
        "inter": "user_id:token\titem_id:token\n" + "".join(f"u{u}\ti{i}\n" for u in range(6) for i in range(4)),
        "kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        + "".join(f"e{i}\tmade \x1bby\tx\n" for i in range(4))
        + "x\tlives in\ty\n",
        "link": "item_id:token\tentity_id:token\n" + "".join(f"i{i}\te{i}\n" for i in range(3)),
        "net": "source_id:token\ttarget_id:token\nu0\tu1\nu1\tu0\nu2\tu0\nu0\tghost\n",
    }
    for suffix, text in tables.items():
        (place / f"shop.{suffix}").write_text(text)
    return place


def test_the_graphs_beside_a_log(turret: Command, folder: Path, tmp_path: Path) -> None:
    found = turret("data", "describe", folder, "--split_ratio", "1,0,0", "--json", tmp_path / "out.json")
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert found.code == 0
    assert lines[:3] == [
        "knowledge graph 5 triples of 6 entities; 100.0% of these hang together",
        "items 3 of the entities, 75.0% of all items; 1.0 triples each on average",
        "relations 2",
    ]
    assert lines[3:] == [
        r"made \x1bby 4 triples",
        "lives in 1 triples",
        "social graph 3 links between 3 users, 50.0% of all; 100.0% of these hang together",
        "friends 1.0 a user on average, 1 at most",
        "mutual 66.7% of the links",
    ]
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["knowledge"]["triples"] == 5 and figures["social"]["links"] == 3


def test_in_detail_what_was_left_out_is_said(turret: Command, folder: Path) -> None:
    said = "social graph: 1 links of users that training does not know are left out"
    assert said not in turret("data", "describe", folder, "--split_ratio", "1,0,0").out
    assert said in turret("data", "describe", folder, "--split_ratio", "1,0,0", "--mode", "detail").out


def test_settings_of_data_hold(turret: Command, folder: Path) -> None:
    asked = ("--split_ratio", "1,0,0", "--min_entity_count", "2", "--inverse_relations", "--undirected_links")
    found = turret("data", "describe", folder, *asked)
    assert "6 triples of 4 entities" in found.out and "4 links between 3 users" in found.out and "100.0% of the links" in found.out
    refused = turret("data", "describe", folder, "--keep_relations", "lives on")
    assert refused.code == 2 and "did you mean lives in?" in refused.err


def test_a_log_without_graphs(turret: Command, folder: Path) -> None:
    for suffix in ("kg", "link", "net"):
        (folder / f"shop.{suffix}").unlink()
    assert turret("data", "describe", folder).out.split() == ["graphs", "none", "beside", "this", "log"]


def test_a_dataset_that_has_a_name(turret: Command) -> None:
    found = turret("data", "describe", "demo")
    assert found.code == 0 and "gets it" in found.out and "knowledge graph  " not in found.out
    turret("data", "prepare", "demo")
    found = turret("data", "describe", "demo")
    assert "licence" in found.out and "starring" in found.out and "social graph" in found.out
