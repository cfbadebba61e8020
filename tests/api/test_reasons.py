"""Why an item is recommended, in the names of the files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from turret import api
from turret.core.errors import UnsupportedError

QUICK = {"epochs": 2, "batch_size": 4, "threads": 1, "published_valid_ratio": 0}
ABLE = ("kgat", "kgin", "ripplenet")


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache or working directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tea and cup are made by m1, pen and ink go together, and nothing is said of the jar. Ann took tea, and ink only later."""
    place = tmp_path_factory.mktemp("logs") / "shop"
    place.mkdir()
    header = "user_id:token\titem_id:token\ttimestamp:float"
    train = ["ann\ttea\t1", "bob\tpen\t1"]
    train += [f"{user}\t{item}\t{time}" for user in ("cid", "dan") for time, item in enumerate(("tea", "cup", "pen", "ink", "jar"))]
    tables = {
        "train.inter": [header, *train],
        "test.inter": [header, "ann\tink\t2", "bob\tcup\t2"],
        "kg": ["head_id:token\trelation_id:token\ttail_id:token", "e1\tmade by\tm1", "e2\tmade by\tm1", "e3\tgoes with\te4"],
        "link": ["item_id:token\tentity_id:token", "tea\te1", "cup\te2", "pen\te3", "ink\te4"],
    }
    for name, rows in tables.items():
        (place / f"shop.{name}").write_text("\n".join(rows) + "\n")
    return place


@pytest.mark.parametrize("model", ABLE)
def test_the_only_path_is_told_in_the_names_of_the_files(model: str, shop: Path) -> None:
    run = api.train(model, shop, **QUICK)
    for_ann = {each.item: each.why for each in api.recommend(run, user="ann", k=9, why=True)}
    assert {item: len(why) for item, why in for_ann.items()} == {"cup": 1, "pen": 0, "jar": 0}
    (reason,) = for_ann["cup"]
    assert (reason.entities, reason.relations) == (("tea", "m1", "cup"), ("made by", "inverse of made by"))
    assert str(reason) == "tea -- made by -> m1 -- inverse of made by -> cup"
    assert 0 < reason.weight <= 1
    for_bob = {each.item: each.why for each in api.recommend(run, user="bob", k=9, why=True, include_seen=True)}
    told = {item: [(reason.entities, reason.relations) for reason in why] for item, why in for_bob.items() if why}
    assert told == {"ink": [(("pen", "ink"), ("goes with",))]}  # cup, which bob took in the test part, is no reason for tea
    assert all(each.why == () for each in api.recommend(run, user="ann", k=9))


def test_items_on_a_path_have_their_titles(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(shop, copy)
    (copy / "shop.item").write_text("item_id:token\ttitle:token_seq\ntea\tGreen Tea\ncup\tBlue Cup\n")
    run = api.train("kgat", copy, **QUICK)
    ((reason,),) = (each.why for each in api.recommend(run, user="ann", k=9, why=True) if each.item == "cup")
    assert reason.titles == ("Green Tea", None, "Blue Cup")
    assert str(reason) == "tea (Green Tea) -- made by -> m1 -- inverse of made by -> cup (Blue Cup)"


def test_a_model_that_cannot_says_which_can(shop: Path) -> None:
    run = api.train("bpr", shop, **QUICK)
    with pytest.raises(UnsupportedError, match=r"bpr knows no paths.*\n.*: kgat, kgin, ripplenet$"):
        api.recommend(run, user="ann", why=True)


def test_nothing_is_said_of_nothing(shop: Path) -> None:
    run = api.train("ripplenet", shop, **QUICK)
    assert api.recommend(run, user="cid", k=3, why=True) == []
