"""No model sees a later part: other rows there leave its parameters what they were; other rows in the test, its validation.

Compared bit by bit, with the state of the optimizer and of what draws negatives. A model that made room for users, items or values that
only later parts have would have parameters of another shape.
"""

from __future__ import annotations

from functools import cache

import pytest

from turret.core.errors import UnsupportedError
from turret.data.prepared import TEST, TRAIN, VALID, Prepared
from turret.models import catalogue

from .graphs import with_graphs
from .random_logs import LATER, THOROUGHNESS, WAYS, RandomLog, changed, marks, random_log
from .training import trained, validated
from .what_training_sees import differing

pytestmark = pytest.mark.filterwarnings("ignore::turret.evaluation.protocols.BiasedProtocol")
USUAL = ("user_entry, random", "time, at moments", "published sessions")
LOGS = range(THOROUGHNESS)


@cache
def made(way: str, seed: int) -> tuple[RandomLog, Prepared, Prepared, Prepared]:
    """A log as it is, with other later parts, and with another test part. The later parts name users, items and values of their own."""
    log = random_log(seed, rows=50, rated=True)
    before = log.prepared(WAYS[way])
    later = changed(log, before, WAYS[way], LATER, seed).prepared(WAYS[way])
    tested = changed(log, before, WAYS[way], [TEST], seed).prepared(WAYS[way])
    assert len(later.items.vocabulary) > later.n_items
    assert len(marks(before, TRAIN)) > 16 and len(marks(before, VALID)) and len(marks(before, TEST))
    return log, with_graphs(before), with_graphs(later), with_graphs(tested)


@pytest.mark.parametrize("seed", LOGS)
@pytest.mark.parametrize("way", WAYS if THOROUGHNESS > 1 else USUAL)
@pytest.mark.parametrize("name", catalogue.MODELS)
def test_parameters_and_validation(name: str, way: str, seed: int) -> None:
    file = catalogue.load(name)
    _, before, later, tested = made(way, seed)
    try:
        model, parameters = trained(file, before)
    except UnsupportedError as error:
        assert WAYS[way].sessions and "says nothing of its users" in str(error)
        return
    assert parameters
    assert differing(parameters, trained(file, later)[1]) == []
    measures = validated(model, before)
    # Where all users of the later parts are new, a model that knows users by their ids answers for none.
    assert measures or WAYS[way].of_strangers
    assert differing(measures, validated(model, tested)) == []


@pytest.mark.parametrize("name", catalogue.MODELS)
def test_other_training_rows_would_be_noticed(name: str) -> None:
    way = "user_entry, random"
    log, before, _, _ = made(way, 0)
    file, other = catalogue.load(name), with_graphs(changed(log, before, WAYS[way], [TRAIN], 1).prepared(WAYS[way]))
    assert differing(trained(file, before)[1], trained(file, other)[1])
