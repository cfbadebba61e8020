"""The truth behind a simulated log: every probability that it was drawn from.

Letters: U users, I items, K tastes, J tastes a user has, M tastes an item has, S successors of an item, n pairs or rows.

- Taste: pi_u(i) = sum over j of share_uj * appeal(taste_uj, i). Row k < K of `appeal` spreads taste k over its items by popularity times
  how strongly the item belongs to it; row K, popularity alone, is everybody's last "taste".
- Next item: P(i | u, a) = (1 - transition) * pi_u(i) + transition * T(i | a), restricted to the items that u has not had yet and
  normalised; a is the last item, T gives each item a few successors. The first item comes from pi_u.
- Rating: a latent opinion, normal around alpha * generosity_u + beta * quality_i + gamma * affinity(u, i), cut at four thresholds.
- Impression: drawn from pi_u and popularity in equal parts, restricted to what u was not shown yet.
- Click: logit = intercept + alpha * generosity_u + beta * quality_i + gamma * affinity(u, i) - delta * (position - 1).
- Affinity: log(pi_u(i) / appeal(K, i)), how much more than the crowd u is drawn to i, in units of its spread over the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import scipy.sparse as sp
from scipy.special import log_ndtr, ndtr

from turret.core.interactions import FloatArray, IntArray
from turret.data.simulate.settings import Simulation

RATING_SHARES = (0.0611, 0.1137, 0.2715, 0.3417, 0.2120)
"""The ratings 1 to 5 as MovieLens 100K has them."""
OPINION = (0.35, 0.55, 0.5)
"""How generosity, quality and affinity weigh in a rating; the noise has standard deviation 1."""
CLICK = (0.4, 0.6, 0.9)
"""How they weigh in the logit of a click."""
POSITION = 0.15
"""What each place down the page costs the logit of a click."""
PAGE = 10
"""Impressions a page."""
SHOWN_BY_POPULARITY = 0.5
"""The share of impressions that popularity chose; taste chose the others."""


@dataclass(frozen=True)
class Scale:
    """What is fitted to a stretch of the log, so that its marginals come out as stated.

    Attributes:
        centre, spread: mean and standard deviation over the log of log(pi_u(i) / appeal(K, i)).
        thresholds: float64 [4] where the latent opinion is cut into ratings.
        intercept: of the logit of a click.
    """

    centre: float = 0.0
    spread: float = 1.0
    thresholds: tuple[float, ...] = tuple(NormalDist().inv_cdf(share) for share in np.cumsum(RATING_SHARES)[:-1])
    intercept: float = 0.0


@dataclass(frozen=True)
class Truth:
    """A world. The same settings and seed always give the same one (`simulate.draw.draw`).

    Attributes:
        settings, seed: what it was drawn from.
        lengths: int64 [U] rows of each user in the log.
        community: int32 [U].
        tastes: int32 [U, J] rows of `appeal`, the last of them K.
        shares: float64 [U, J], rows sum to 1.
        generosity: float64 [U], standard normal.
        item_tastes: int32 [I, M]; an item of a single taste repeats it.
        strengths: float64 [I, M], how strongly it belongs to each; 0 for a repetition.
        popularity: float64 [I], sums to 1.
        quality: float64 [I], roughly standard normal and higher for popular items.
        appeal: CSR float64 [K + 1, I], rows sum to 1.
        successors: int32 [I, S].
        successor_shares: float64 [S], sum to 1; the same for every item.
        scale: fitted constants.
    """

    settings: Simulation
    seed: int
    lengths: IntArray
    community: IntArray
    tastes: IntArray
    shares: FloatArray
    generosity: FloatArray
    item_tastes: IntArray
    strengths: FloatArray
    popularity: FloatArray
    quality: FloatArray
    appeal: sp.csr_matrix
    successors: IntArray
    successor_shares: FloatArray
    scale: Scale = Scale()

    @cached_property
    def transitions(self) -> sp.csr_matrix:
        """T as CSR float64 [I, I], rows sum to 1."""
        n, width = self.successors.shape
        rows = np.repeat(np.arange(n), width)
        shares = np.tile(self.successor_shares, n)
        return sp.csr_matrix((shares, (rows, self.successors.ravel())), shape=(n, n))

    def taste(self, users: IntArray) -> FloatArray:
        """pi_u of each of `users` [B], float64 [B, I]."""
        mix = np.zeros((len(users), self.settings.tastes + 1))
        np.add.at(mix, (np.arange(len(users))[:, None], self.tastes[users]), self.shares[users])
        return np.asarray(mix @ self.appeal)

    def next(self, users: IntArray, last: IntArray) -> FloatArray:
        """The law of the next item after `last` [B] (-1 where there is none), before it is restricted to new items; float64 [B, I]."""
        taste = self.taste(users)
        followed = np.where(last >= 0, self.settings.transition, 0.0)[:, None]
        follow: FloatArray = self.transitions[np.maximum(last, 0)].toarray()
        return np.asarray((1 - followed) * taste + followed * follow)

    @staticmethod
    def exposed(shares: FloatArray) -> FloatArray:
        """The shares [n, J] by which items are shown to people who choose them by `shares`: half of them by popularity."""
        shown = shares * (1 - SHOWN_BY_POPULARITY)
        shown[:, -1] += SHOWN_BY_POPULARITY
        return shown

    def shown(self, users: IntArray) -> FloatArray:
        """The law by which items are shown to each of `users` [B], before it is restricted to new items; float64 [B, I]."""
        return (1 - SHOWN_BY_POPULARITY) * self.taste(users) + SHOWN_BY_POPULARITY * self.popularity

    def lift(self, users: IntArray, items: IntArray) -> FloatArray:
        """pi_u(i) / appeal(K, i) of each pair, float64 [n], without ever building a row of pi."""
        mass = self._masses
        total = np.array(self.shares[users, -1], dtype=np.float64)
        for j in range(self.tastes.shape[1] - 1):
            for m in range(self.item_tastes.shape[1]):
                same = self.tastes[users, j] == self.item_tastes[items, m]
                total += same * self.shares[users, j] * self.strengths[items, m] / mass[self.item_tastes[items, m]]
        return total

    @cached_property
    def _masses(self) -> FloatArray:
        """float64 [K] the sum over items of popularity times strength."""
        weights = (self.popularity[:, None] * self.strengths).ravel()
        return np.asarray(np.bincount(self.item_tastes.ravel(), weights=weights, minlength=self.settings.tastes), dtype=np.float64)

    def opinion(self, users: IntArray, items: IntArray) -> FloatArray:
        """The mean of the latent opinion of each pair, float64 [n]."""
        return self._weighed(OPINION, users, items)

    def rating_probabilities(self, users: IntArray, items: IntArray) -> FloatArray:
        """P(rating = 1), ..., P(rating = 5) of each pair, float64 [n, 5]."""
        below = ndtr(np.asarray(self.scale.thresholds) - self.opinion(users, items)[:, None])
        return np.diff(below, axis=1, prepend=0.0, append=1.0)

    def like_logit(self, users: IntArray, items: IntArray, at_least: int = 4) -> FloatArray:
        """The logit of P(rating >= `at_least`) of each pair, float64 [n]: the truth of a ranker that learns from ratings."""
        bar = self.opinion(users, items) - self.scale.thresholds[at_least - 2]
        return np.asarray(log_ndtr(bar) - log_ndtr(-bar))

    def click_logit(self, users: IntArray, items: IntArray, positions: IntArray) -> FloatArray:
        """The logit of P(click) of items shown at `positions` (1, 2, ... down the page), float64 [n]."""
        return self.scale.intercept + self._weighed(CLICK, users, items) - POSITION * (positions - 1)

    def _weighed(self, weights: tuple[float, float, float], users: IntArray, items: IntArray) -> FloatArray:
        affinity = (np.log(self.lift(users, items)) - self.scale.centre) / self.scale.spread
        generosity, quality, attraction = weights
        return generosity * self.generosity[users] + quality * self.quality[items] + attraction * affinity
