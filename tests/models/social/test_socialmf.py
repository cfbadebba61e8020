"""SocialMF against its equation, link by link; and what it is without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.data.prepared import Prepared
from turret.models.general import bpr
from turret.models.social import socialmf

CONFIG = socialmf.Config(embed_dim=3, trust_weight=0.7)


def small(config: Any, **training: Any) -> Any:
    update = {"epochs": 4, "batch_size": 4, **training}
    return config.model_copy(update={"training": config.training.model_copy(update=update)})


@pytest.mark.parametrize("kind", ["little", "weighed"])
def test_users_are_drawn_to_the_weighted_mean_of_those_whom_they_trust(
    kind: str, asked: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(kind)
    taken = asked(socialmf, CONFIG, data, trust_weight=0.0)
    users = taken.model.users.weight.detach().numpy()
    weight = np.ones(len(data.social)) if data.social.weight is None else data.social.weight.astype(np.float64)
    links = list(zip(data.social.source.tolist(), data.social.target.tolist(), weight.tolist(), strict=True))
    expected = 0.0
    for user in taken.batch.context.users.tolist():
        trusted = [(other, w) for one, other, w in links if one == user]
        if trusted:
            mean = sum(w * users[other] for other, w in trusted) / sum(w for _, w in trusted)
            expected += np.sum((users[user] - mean) ** 2)
    assert expected > 0
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * expected / 2 / len(taken.batch.target), rel=1e-6)


def test_whoever_trusts_nobody_is_left_alone(little: Prepared, asked: Callable[..., Any]) -> None:
    taken = asked(socialmf, CONFIG, little, trust_weight=0.0)
    loss = socialmf.untrusting(taken.model, taken.batch, taken.model.encode(), None)  # type: ignore[arg-type]
    (gradient,) = torch.autograd.grad(loss, taken.model.users.weight)
    assert 5 in taken.batch.context.users.tolist()
    assert not gradient[5].any()
    assert gradient[:5].any(dim=1).all()


@pytest.mark.parametrize("learner", ["adam", "sparse_adam"])
def test_a_batch_of_people_who_trust_nobody_learns_from_its_choices_alone(learner: str, little: Prepared) -> None:
    torch.manual_seed(0)
    model = socialmf.build(CONFIG, little)
    procedure = socialmf.recipe(small(CONFIG, learner=learner, epochs=1, batch_size=1), little)
    losses = list(procedure.fit(model, 1, torch.device("cpu")))
    assert np.isfinite(losses[0].measures["loss"])


def test_without_trust_it_is_matrix_factorisation_to_the_last_bit(trained: Callable[..., Any]) -> None:
    ours = trained(socialmf, small(socialmf.Config(embed_dim=3, trust_weight=0.0), learner="adam"))
    theirs = trained(bpr, small(bpr.Config(embed_dim=3), learner="adam"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert not torch.equal(trained(socialmf, small(CONFIG, learner="adam"))["users.weight"], theirs["users.weight"])


def test_friends_tell_what_choices_do_not(circles: Prepared, strangers: Prepared, understood: Callable[..., float]) -> None:
    config = small(socialmf.Config(embed_dim=16, trust_weight=0.3), epochs=40, batch_size=64, learning_rate=0.01)
    with_friends = understood(socialmf, config, circles)
    assert with_friends > understood(socialmf, config, strangers) + 0.15
    assert with_friends > understood(socialmf, config.model_copy(update={"trust_weight": 0.0}), circles) + 0.15
