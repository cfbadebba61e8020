"""When sides are equally good, from their curves."""

from __future__ import annotations

from typing import Any

import pytest
from bench.peers.race import SHARE, settle


def outcome(*curve: tuple[float, float, float]) -> dict[str, Any]:
    return {"measure": "ndcg@10", "curve": [list(point) for point in curve], "seconds": -1.0, "quality": {}}


def test_the_level_is_what_the_weakest_comes_to_and_seconds_are_those_of_the_first_look_there() -> None:
    quick = outcome((1, 0.1, 1), (2, 0.19, 2), (3, 0.3, 3), (4, 0.25, 4))
    slow = outcome((10, 0.05, 0.5), (20, 0.2, 1), (30, 0.1, 1.5))
    settle({"turret": quick, "peer": slow})
    assert (quick["seconds"], slow["seconds"]) == (3, 20)
    assert quick["quality"] == slow["quality"] == {"ndcg@10": pytest.approx(SHARE * 0.2)}
    assert quick["note"] == "there after 3 epochs; at best 0.3000, after 3"
    assert slow["note"] == "there after 1 epochs; at best 0.2000, after 1"


def test_a_side_alone_is_at_its_level_when_it_is_as_good_as_at_its_best() -> None:
    alone = outcome((1, 0.1, 1), (2, 0.1995, 2), (3, 0.2, 3))
    settle({"turret": alone})
    assert alone["seconds"] == 2


def test_nobody_ran() -> None:
    settle({})
