"""NCL against its equations, node by node, with the centres that it found; and what it is without them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.models.graph import lightgcn, ncl

CONFIG = ncl.Config(
    embed_dim=3,
    layers=3,
    structure_weight=0.7,
    prototype_weight=0.4,
    item_share=0.6,
    contrast_temperature=0.3,
    prototypes=3,
    warm_up=0,
)
N_USERS, N_ITEMS = 5, 7


def small(config: Any, **training: Any) -> Any:
    update = {"epochs": 4, "batch_size": 4, **training}
    return config.model_copy(update={"training": config.training.model_copy(update=update)})


def told(vector: np.ndarray, others: np.ndarray, own: int) -> float:
    cosines = [vector @ other / np.linalg.norm(vector) / np.linalg.norm(other) for other in others]
    return math.log(sum(math.exp((cosine - cosines[own]) / 0.3) for cosine in cosines))


def test_structure_compares_layer_2_with_layer_0_of_all_of_a_kind(asked: Callable[..., Any], adjacency: Callable[..., np.ndarray]) -> None:
    taken, a = asked(ncl, CONFIG.model_copy(update={"prototype_weight": 0.0}), structure_weight=0.0, prototype_weight=0.0), adjacency()
    (users, items), (near_users, near_items) = np.split(taken.start, [N_USERS]), np.split(a @ a @ taken.start, [N_USERS])
    of_users = np.mean([told(near_users[user], users, user) for user in taken.batch.context.users.tolist()])
    of_items = np.mean([told(near_items[item], items, item) for item in taken.batch.target.tolist()])
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * (of_users + 0.6 * of_items), rel=1e-6)


def test_prototypes_compare_layer_0_with_the_nearest_of_the_centres(asked: Callable[..., Any]) -> None:
    taken = asked(ncl, CONFIG.model_copy(update={"structure_weight": 0.0}), structure_weight=0.0, prototype_weight=0.0)
    found = taken.procedure.objective.state()
    expected = 0.0
    sides = zip(
        np.split(taken.start, [N_USERS]), ("users", "items"), (taken.batch.context.users, taken.batch.target), (1, 0.6), strict=True
    )
    for vectors, name, ids, share in sides:
        centres = found[f"1.{name}"].numpy()
        assert centres.shape == (3, 3)
        nearest = [int(np.argmin([np.sum((vector - centre) ** 2) for centre in centres])) for vector in vectors]
        for number, centre in enumerate(centres):  # they are means of what is nearest to them, as k-means leaves them
            inside = vectors[np.array(nearest) == number]
            np.testing.assert_allclose(centre, inside.mean(axis=0), rtol=1e-6)
        expected += share * np.mean([told(vectors[node], centres, nearest[node]) for node in ids.tolist()])
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.4 * expected, rel=1e-6)


def test_with_both_weights_0_it_is_lightgcn_to_the_last_bit(trained: Callable[..., Any]) -> None:
    shared = {"embed_dim": 3, "layers": 2}
    ours = trained(ncl, small(ncl.Config(**shared, structure_weight=0.0, prototype_weight=0.0)))
    theirs = trained(lightgcn, small(lightgcn.Config(**shared)))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_prototypes_wait_until_it_is_warm(trained: Callable[..., Any]) -> None:
    """As long as training is shorter than that they change nothing, and afterwards they do."""
    without = trained(ncl, small(CONFIG.model_copy(update={"prototype_weight": 0.0})))
    waiting = trained(ncl, small(CONFIG.model_copy(update={"warm_up": 4})))
    warm = trained(ncl, small(CONFIG.model_copy(update={"warm_up": 3})))
    assert torch.equal(without["users.weight"], waiting["users.weight"])
    assert not torch.equal(without["users.weight"], warm["users.weight"])


@pytest.mark.parametrize("epochs", [1, 2])
def test_an_interrupted_training_goes_on_with_its_centres(epochs: int, trained: Callable[..., Any]) -> None:
    config = small(CONFIG.model_copy(update={"prototype_epochs": epochs, "warm_up": 1}))
    whole = trained(ncl, config)
    for stop in (2, 4, 5, 8):
        assert all(torch.equal(whole[name], value) for name, value in trained(ncl, config, stop).items())


def test_a_layer_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="structure_layer is 4, and there are 3 layers"):
        ncl.Config(structure_layer=4)
