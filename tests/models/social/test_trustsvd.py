"""TrustSVD against its objective, rating by rating and link by link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.context import Context
from turret.core.errors import UnsupportedError
from turret.data.prepared import Prepared
from turret.models.social import trustsvd

CONFIG = trustsvd.Config(embed_dim=3, norm_weight=0.3, trust_weight=0.7, negative_count=0)


def small(config: Any, **training: Any) -> Any:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


class ByHand:
    """The paper's model and objective, with the ratings as shares of the highest."""

    def __init__(self, model: trustsvd.TrustSVD, data: Prepared) -> None:
        tables = (model.users, model.items, model.rated_items, model.trusted)
        self.p, self.q, self.y, self.w = (table.weight.detach().numpy() for table in tables)
        self.b, self.c = (table.weight.detach().numpy()[:, 0] for table in (model.user_biases, model.item_biases))
        self.log, self.links = data.train, data.social
        assert self.log.rating is not None and self.links is not None
        self.ratings = self.log.rating.astype(np.float64) / self.log.rating.max()
        self.trusted = [self.links.target[self.links.source == user] for user in range(data.n_users)]
        self.trusting = [self.links.source[self.links.target == user] for user in range(data.n_users)]
        self.rated = [np.unique(self.log.item[self.log.user == user]) for user in range(data.n_users)]
        self.raters = [np.unique(self.log.user[self.log.item == item]) for item in range(data.n_items)]

    def score(self, user: int, item: int) -> float:
        vector = self.p[user].copy()
        for members, table in ((self.rated[user], self.y), (self.trusted[user], self.w)):
            for each in members:
                vector += table[each] / np.sqrt(len(members))
        return float(self.b[user] + self.c[item] + self.ratings.mean() + self.q[item] @ vector)

    def objective(self, norms: float, trust: float) -> float:
        total = 0.0
        for user, item, rating in zip(self.log.user, self.log.item, self.ratings, strict=True):
            total += (self.score(user, item) - rating) ** 2 / 2
        assert self.links is not None
        weight = np.ones(len(self.links)) if self.links.weight is None else self.links.weight / self.links.weight.max()
        for one, other, value in zip(self.links.source, self.links.target, weight, strict=True):
            total += trust / 2 * (self.w[other] @ self.p[one] - value) ** 2
        for user, (rated, trusted, trusting) in enumerate(zip(self.rated, self.trusted, self.trusting, strict=True)):
            total += norms / 2 * len(rated) ** -0.5 * (self.b[user] ** 2 + self.p[user] @ self.p[user])
            if len(trusted):
                total += trust / 2 * len(trusted) ** -0.5 * self.p[user] @ self.p[user]
            if len(trusting):
                total += norms / 2 * len(trusting) ** -0.5 * self.w[user] @ self.w[user]
        for item, raters in enumerate(self.raters):
            if len(raters):
                squares = self.c[item] ** 2 + self.q[item] @ self.q[item] + self.y[item] @ self.y[item]
                total += norms / 2 * len(raters) ** -0.5 * squares
        return total


@pytest.mark.parametrize("kind", ["little", "weighed"])
def test_a_step_over_all_ratings_is_the_papers_objective(kind: str, asked: Callable[..., Any], request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(kind)
    taken = asked(trustsvd, small(CONFIG, batch_size=100), data, norm_weight=0.0, trust_weight=0.0)
    by_hand = ByHand(taken.model, data)
    assert taken.loss.item() == pytest.approx(2 * by_hand.objective(0.3, 0.7) / len(data.train), rel=1e-6)
    assert taken.alone.item() == pytest.approx(2 * by_hand.objective(0.0, 0.0) / len(data.train), rel=1e-6)


def test_scores_are_the_papers_predictions(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(trustsvd.build(CONFIG, little))
    by_hand = ByHand(model, little)
    encoded = model.encode()
    query = model.query(Context(users=torch.tensor([5, 0, 3])), encoded).vector
    scores = model.scorer.all(query, encoded.items.dense()).detach().numpy()
    expected = [[by_hand.score(user, item) for item in range(little.n_items)] for user in (5, 0, 3)]
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-7)


def test_a_log_without_ratings_is_refused(little: Prepared) -> None:
    log = replace(little.train, rating=None)
    bare = replace(little, parts={"train": replace(little.parts["train"], interactions=log)})
    with pytest.raises(UnsupportedError, match="no ratings"):
        trustsvd.recipe(CONFIG, bare)


def test_friends_tell_what_choices_do_not(circles: Prepared, strangers: Prepared, understood: Callable[..., float]) -> None:
    config = small(trustsvd.Config(embed_dim=16, norm_weight=0.01, trust_weight=0.3), epochs=40, batch_size=64, learning_rate=0.01)
    with_friends = understood(trustsvd, config, circles)
    assert with_friends > understood(trustsvd, config, strangers) + 0.15
    assert with_friends > understood(trustsvd, config.model_copy(update={"trust_weight": 0.0}), circles) + 0.1
