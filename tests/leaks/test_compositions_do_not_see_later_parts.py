"""No brick of a composition sees a later part: with every sampler, loss and scorer, other rows there leave parameters what they were."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from turret.models.general import bpr
from turret.training.composition import Composition
from turret.training.composition.losses import LOSSES
from turret.training.composition.samplers import SAMPLERS
from turret.training.composition.scorers import SCORERS

from .random_logs import LATER, WAYS, changed, random_log
from .training import trained
from .what_training_sees import differing

WAY = WAYS["user_entry, random"]
SMALL = {"negative_count": 3, "clusters": 3, "pool": 4, "refresh_steps": 1}


def sampled() -> dict[str, dict[str, Any]]:
    """Every sampler, with what it can be told."""
    said: dict[str, dict[str, Any]] = {name: {"loss": "sampled_softmax", "sampler": name} for name in SAMPLERS}
    said |= {f"{name}, seen too": {**said[name], "exclude_seen": False} for name in SAMPLERS}
    said |= {f"{name}, ahead": {**said[name], "sample_ahead": True} for name, drawing in SAMPLERS.items() if drawing.fixed}
    by_popularity = [name for name, drawing in SAMPLERS.items() if "popularity_mass" in drawing.reads]
    said |= {f"{name}, {mass}": {**said[name], "popularity_mass": mass} for name in by_popularity for mass in ("log", "smoothed")}
    return said | {f"{name}, streaming": {**said[name], "in_batch_frequency": "streaming"} for name in ("in_batch", "mixed")}


def fitting(loss: str) -> dict[str, Any]:
    """A loss with the first scorer and sampler that go with it."""
    for scorer in SCORERS:
        for sampler in (None, *SAMPLERS):
            said = {"loss": loss, "scorer": scorer, "sampler": sampler}
            try:
                Composition.model_validate(said)
            except ValidationError:
                continue
            return said
    raise AssertionError(f"nothing goes with {loss}")


SAID = {
    **{f"sampler {name}": said for name, said in sampled().items()},
    **{f"loss {name}": fitting(name) for name in LOSSES},
    **{f"scorer {name}": {"scorer": name} for name in SCORERS},
}


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("brick", SAID)
def test_parameters(brick: str, weighted: bool) -> None:
    log = random_log(3, rows=50, weighted=weighted)
    before = log.prepared(WAY)
    later = changed(log, before, WAY, LATER, 3).prepared(WAY)
    composition = Composition.model_validate({**SMALL, **SAID[brick]})
    left = trained(bpr, before, composition=composition)[1]
    assert left and differing(left, trained(bpr, later, composition=composition)[1]) == []
