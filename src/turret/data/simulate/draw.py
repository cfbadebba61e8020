"""Draws a world from its settings and a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, ndtr

from turret.core.interactions import FloatArray, IntArray
from turret.core.seeds import numpy_generator
from turret.data.simulate.log import chosen, shown
from turret.data.simulate.settings import MOST_OF_CATALOGUE, Simulation
from turret.data.simulate.truth import RATING_SHARES, Scale, Truth

TASTES_A_USER = 3
OF_COMMUNITY = 0.8
"""How often a user's taste is one of the community's."""
COMMUNITY_FOCUS = 0.1
"""Concentration of the Dirichlet law of a community's tastes: the smaller, the fewer tastes it has."""
SECOND_TASTE, SECOND_STRENGTH = 0.4, 0.5
"""How many items have a second taste, and how strongly they belong to it (to the first: 1)."""
SUCCESSOR_SHARES = (0.34, 0.22, 0.15, 0.11, 0.08, 0.05, 0.03, 0.02)
SAME_TASTE = 0.8
"""How often a successor is of the item's own taste; the others are drawn by popularity."""
QUALITY_OF_POPULAR = 0.4
"""Correlation between quality and the logarithm of popularity."""
PILOT_USERS = 1024
"""Users at the front of the log on whom the scale is fitted."""


def draw(settings: Simulation, seed: int) -> Truth:
    """The world of `settings` and `seed`: O(users + items) memory."""
    rng = numpy_generator(seed, "items")
    z = rng.standard_normal(settings.items)
    popularity = np.exp(settings.popularity_spread * z)
    popularity /= popularity.sum()
    quality = QUALITY_OF_POPULAR * z + np.sqrt(1 - QUALITY_OF_POPULAR**2) * rng.standard_normal(settings.items)
    first = _everything_once(rng, settings.items, settings.tastes)
    second = np.where(rng.random(settings.items) < SECOND_TASTE, rng.integers(0, settings.tastes, settings.items), first)
    item_tastes = np.stack([first, second], axis=1).astype(np.int32)
    strengths = np.stack([np.ones(settings.items), np.where(second == first, 0.0, SECOND_STRENGTH)], axis=1)
    appeal = _appeal(popularity, item_tastes, strengths, settings.tastes)
    community, tastes, shares, generosity = _people(settings, seed)
    truth = Truth(
        settings=settings,
        seed=seed,
        lengths=_lengths(settings, seed),
        community=community,
        tastes=tastes,
        shares=shares,
        generosity=generosity,
        item_tastes=item_tastes,
        strengths=strengths,
        popularity=popularity,
        quality=quality,
        appeal=appeal,
        successors=_successors(appeal, first, seed),
        successor_shares=np.array(SUCCESSOR_SHARES),
    )
    return replace(truth, scale=_fit(truth))


def _everything_once(rng: np.random.Generator, n: int, kinds: int) -> IntArray:
    """n random kinds, equally many of each, so that no taste is without items."""
    return rng.permutation(np.arange(n) % kinds)


def _appeal(popularity: FloatArray, item_tastes: IntArray, strengths: FloatArray, tastes: int) -> sp.csr_matrix:
    n, width = item_tastes.shape
    belongs = strengths.ravel() > 0
    rows = np.concatenate([item_tastes.ravel()[belongs], np.full(n, tastes)])
    columns = np.concatenate([np.repeat(np.arange(n), width)[belongs], np.arange(n)])
    values = np.concatenate([(popularity[:, None] * strengths).ravel()[belongs], popularity])
    table = sp.csr_matrix((values, (rows, columns)), shape=(tastes + 1, n))
    table.sort_indices()
    return sp.csr_matrix(sp.diags(1 / np.asarray(table.sum(axis=1)).ravel()) @ table)


def _people(settings: Simulation, seed: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    rng = numpy_generator(seed, "users")
    profiles = rng.dirichlet(np.full(settings.tastes, COMMUNITY_FOCUS), settings.communities).cumsum(axis=1)
    profiles[:, -1] = 1.0
    community = rng.integers(0, settings.communities, settings.users).astype(np.int32)
    shape = (settings.users, TASTES_A_USER)
    # all communities' cumulative profiles end to end, community c lifted by c, so that one search serves everybody
    places = np.searchsorted((profiles + np.arange(settings.communities)[:, None]).ravel(), rng.random(shape) + community[:, None], "right")
    shared = np.minimum(places - community[:, None] * settings.tastes, settings.tastes - 1)
    own = np.where(rng.random(shape) < OF_COMMUNITY, shared, rng.integers(0, settings.tastes, shape))
    weights = rng.exponential(1.0, shape)
    weights *= (1 - settings.popular) / weights.sum(axis=1, keepdims=True)
    tastes = np.column_stack([own, np.full(settings.users, settings.tastes)]).astype(np.int32)
    shares = np.column_stack([weights, np.full(settings.users, settings.popular)])
    return community, tastes, shares, rng.standard_normal(settings.users)


def _lengths(settings: Simulation, seed: int) -> IntArray:
    """How much each user does: a least number, and a log-normal rest that is scaled until all together do what is asked."""
    rng = numpy_generator(seed, "activity")
    rest = np.exp(settings.activity_spread * rng.standard_normal(settings.users))
    least = max(3, round(0.19 * settings.interactions / settings.users))
    most = int(MOST_OF_CATALOGUE * settings.items)

    def scaled(factor: float) -> IntArray:
        return np.asarray(np.minimum(least + np.rint(np.minimum(factor * rest, most)), most), dtype=np.int64)

    low, high = 0.0, most / float(rest.min())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if scaled(middle).sum() < settings.interactions else (low, middle)
    return scaled(high)


def _successors(appeal: sp.csr_matrix, taste: IntArray, seed: int) -> IntArray:
    """S successors of each item [I, S], by popularity: mostly among the items of its own taste."""
    rng = numpy_generator(seed, "successors")
    n, width = len(taste), len(SUCCESSOR_SHARES)
    rows = np.where(rng.random((n, width)) < SAME_TASTE, taste[:, None], appeal.shape[0] - 1)
    running = np.cumsum(appeal.data)
    begin = np.concatenate([[0.0], running])[appeal.indptr]
    mass = begin[rows] + rng.random((n, width)) * (begin[rows + 1] - begin[rows])
    places = np.clip(np.searchsorted(running, mass, "right"), appeal.indptr[rows], appeal.indptr[rows + 1] - 1)
    return np.asarray(appeal.indices[places], dtype=np.int32)


def _fit(truth: Truth) -> Scale:
    """The constants that give ratings and clicks their stated shares among the users at the front of the log."""
    people = range(min(PILOT_USERS, truth.settings.users))
    users, items = chosen(truth, people, 0)
    attraction = np.log(truth.lift(users, items))
    scale = Scale(centre=float(attraction.mean()), spread=float(attraction.std()) or 1.0)
    truth = replace(truth, scale=scale)
    opinion = truth.opinion(users, items)
    thresholds = tuple(root(lambda x: float(ndtr(x - opinion).mean()), share) for share in np.cumsum(RATING_SHARES)[:-1])
    logit = truth.click_logit(*shown(truth, people, 0))
    return replace(scale, thresholds=thresholds, intercept=root(lambda x: float(expit(x + logit).mean()), truth.settings.click_rate))


def root(rising: Callable[[float], float], level: float, bound: float = 30.0) -> float:
    """Where, between -bound and bound, a rising function of a number reaches `level`."""
    low, high = -bound, bound
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2
