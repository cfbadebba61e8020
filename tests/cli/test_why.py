"""`turret recommend --why`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turret.cli.main import main

from .conftest import Command


@pytest.fixture(scope="module")
def told(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of RippleNet on the small log, whose items have one of two colours, a circle one each; of items 36 to 39 nothing is said."""
    folder = tmp_path_factory.mktemp("logs") / "circles"
    folder.mkdir()
    for table in log.iterdir():
        (folder / table.name).write_text(table.read_text())
    facts = [f"i{item}\tcolour\t{'green' if item % 2 else 'red'}" for item in range(36)]
    (folder / "circles.kg").write_text("\n".join(["head_id:token\trelation_id:token\ttail_id:token", *facts]) + "\n")
    links = [f"i{item}\ti{item}" for item in range(36)]
    (folder / "circles.link").write_text("\n".join(["item_id:token\tentity_id:token", *links]) + "\n")
    run = tmp_path_factory.mktemp("runs") / "ripplenet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        words = ["train", "ripplenet", folder, "--epochs", "2", "--embed_dim", "8", "--run_dir", run, "--threads", "1"]
        assert main([str(word) for word in words]) == 0
    return run


def test_paths_are_shown_under_each_item(turret: Command, log: Path, told: Path) -> None:
    shown = turret("recommend", told, "--user", "u1", "-k", "40", "--why", "--json", "found.json")
    assert shown.code == 0, shown.err
    took = {row.split("\t")[1] for row in (log / "circles.inter").read_text().splitlines() if row.startswith("u1\t")}
    items = json.loads(Path("found.json").read_text())["items"]
    with_paths = 0
    for each in items:
        assert len(each["why"]) <= 3
        assert [reason["weight"] for reason in each["why"]] == sorted((reason["weight"] for reason in each["why"]), reverse=True)
        with_paths += bool(each["why"])
        for reason in each["why"]:
            assert reason["entities"][0] in took and reason["entities"][1:] == ["green", each["item"]]
            assert reason["relations"] == ["colour", "inverse of colour"]
            first, nothing, last = reason["titles"]
            assert (nothing, last) == (None, each["title"])
            known_as = f"{reason['entities'][0]} ({first}) -- colour -> green -- inverse of colour -> {each['item']} ({last})"
            assert known_as in shown.out
        if not each["why"]:
            assert f"{each['item']} ({each['title']}): no path leads to it" in shown.out
    assert 0 < with_paths < len(items)


def test_without_being_asked_for_they_are_not_shown(turret: Command, told: Path) -> None:
    shown = turret("recommend", told, "--user", "u1", "--json", "-")
    assert all(each["why"] == [] for each in json.loads(shown.out)["items"])
    assert "colour" not in shown.out + shown.err


def test_a_model_that_cannot_says_which_can(turret: Command, trained: Path) -> None:
    shown = turret("recommend", trained, "--user", "u1", "--why")
    assert shown.code == 2
    assert "bpr knows no paths" in shown.err and "kgat, kgin, ripplenet" in shown.err
