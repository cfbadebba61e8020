"""What is drawn, and how likely, follows from the choices of the training part alone, which are counted here in plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given

from turret.core.context import Encoded
from turret.core.contracts import Step, Targets
from turret.core.seeds import torch_generator
from turret.data.prepared import TRAIN, Prepared
from turret.nn.tables import Table
from turret.sampling.seen import Seen
from turret.scorers.dot import Dot
from turret.training.composition import Composition
from turret.training.composition.samplers import SAMPLERS, Draws

from .random_logs import WAYS, RandomLog, choices, random_logs, tried

MANY = 400


def taken(log: RandomLog, prepared: Prepared, way: str) -> list[tuple[int, int]]:
    """User and item of the choices among the training rows."""
    users, items = (list(entities.vocabulary) for entities in (prepared.users, prepared.items))
    return [(users.index(row[WAYS[way].who]), items.index(row["item"])) for row in choices(log, prepared, TRAIN)]


def draws(prepared: Prepared, **said: object) -> Draws:
    return Draws(Composition.model_validate({"loss": "sampled_softmax", "clusters": 3, "pool": 6, **said}), prepared.train, 1, True)


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_popularity_and_frequency_count_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    counted = Counter(item for _, item in taken(log, prepared, way))
    counts = np.array([counted[item] for item in range(prepared.n_items)], dtype=float)
    assert draws(prepared, sampler="popularity", popularity_alpha=1.0).popularity.tolist() == counts.tolist()
    if counts.any():
        frequency = draws(prepared, sampler="in_batch").frequency
        present = torch.from_numpy(np.flatnonzero(counts))
        torch.testing.assert_close(frequency.log_prob(present).double().exp(), torch.from_numpy((counts / counts.sum())[counts > 0]))


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_seen_is_what_was_taken_in_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    own: dict[int, set[int]] = {user: set() for user in range(prepared.n_users)}
    for user, item in taken(log, prepared, way):
        own[user].add(item)
    everything = set(range(prepared.n_items))
    seen = Seen(prepared.train)
    padded, mask = seen.padded(torch.arange(prepared.n_users))
    for user, items in own.items():
        assert set(padded[user][mask[user]].tolist()) == (items if items != everything else set())


@pytest.mark.parametrize("sampler", ["uniform", "popularity", "midx_uni", "cluster_uni", "dns", "soft_dns", "importance", "own", "mixed"])
@pytest.mark.parametrize("way", ["user_entry, random", "time, by shares", "published"])
@tried(2)
@given(log=random_logs(rows=30))
def test_what_a_user_takes_later_is_drawn_like_anything_else(sampler: str, way: str, log: RandomLog) -> None:
    """Were it spared, the model would be told by what it never sees as wrong."""
    prepared = log.tried(WAYS[way])
    pairs = taken(log, prepared, way)
    if not pairs:
        return
    torch.manual_seed(0)
    items, users = (torch.tensor(column) for column in zip(*((item, user) for user, item in pairs), strict=True))
    tables = Encoded(items=Table(prepared.n_items, 4, std=0.01), users=Table(prepared.n_users, 4, std=0.01))
    targets = Targets(items, users, torch.zeros(len(items), 4), tables, Dot(), torch.arange(len(items)))
    make = SAMPLERS[sampler].make(draws(prepared, sampler=sampler, negative_count=MANY, popularity_mass="smoothed"))  # type: ignore[index]
    drawn = make(targets, Step(0, torch_generator(1, "leaks")))
    assert int(drawn.items.max()) < prepared.n_items
    own = {user: {item for same, item in pairs if same == user} for user, _ in pairs}
    for row, (user, item) in enumerate(pairs):
        of_row = drawn.items if drawn.items.dim() == 1 else drawn.items[row]
        counted = of_row if drawn.mask is None else of_row[drawn.mask[row]]
        left = set(range(prepared.n_items)) - own[user]
        if left:
            assert set(counted.tolist()) == left - {item} or sampler in ("soft_dns", "importance")
            assert set(counted.tolist()) <= left
