"""What the checks say of public data, where it is known what they should."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import turret

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place = os.environ.get("TURRET_DATA")
    if place is None:
        pytest.skip("TURRET_DATA names no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return place


def test_movielens_leaks_at_random_and_not_in_time(folder: str) -> None:
    at_random, in_time = (turret.check("ml-100k", data_dir=folder, split_mode=mode) for mode in ("user_entry", "time"))
    leak = at_random["leakage in time"]
    assert leak.verdict == "warning" and leak.figures["training_after_own_test"] > 0.8
    assert in_time["leakage in time"].verdict == "ok"
    assert in_time["only in later parts"].verdict == "warning" and in_time["only in later parts"].figures["users_without_training"] > 50
    assert at_random["order"].figures["gain.low"] > 0
    assert at_random["power"].figures["users"] == 943


def test_beauty_is_a_core_with_places_for_times(folder: str) -> None:
    found = turret.check("amazon-beauty", data_dir=folder, max_users=1000)
    assert (found["cleaning"].figures["min_user_count"], found["cleaning"].figures["min_item_count"]) == (5, 5)
    assert found["cleaning"].verdict == "warning"
    assert found["leakage in time"].verdict == "not applicable" and "places" in found["leakage in time"].found
    assert found["power"].figures["users"] == 22_363 and "1,000 of 22,363" in found.notes[0]


def test_frappe_is_mostly_repeats(folder: str) -> None:
    found = turret.check("frappe", data_dir=folder)
    assert found["repeated consumption"].figures["test.rows_repeated"] == pytest.approx(7376 / 9536)
    assert found["repeated consumption"].figures["recall@10.own_history"] > found["repeated consumption"].figures["recall@10.popularity"]
    assert found["single features"].figures["auc.item"] == pytest.approx(0.9187, abs=0.001)
