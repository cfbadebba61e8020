"""The oracle: the best that any model could do on a simulated log, as a model among models, so that the same evaluator measures it.

It ranks items by their true probability of being held out, given everything a model is given. Letters: B requests, I items.

- **Split by time**: held out are the next n items after a known history. They are ranked by the expected number of times that the walk
  visits them in n steps, sum over s <= n of x_s with x_1 = P(. | u, last) and x_{s+1} = (1 - transition) pi_u + transition T' x_s. For
  n = 1 (leave one out) this is exact: restricting the law to new items, as the walk does, leaves the order of the new items as it is.
- **Split at random**: every row was held out with probability q, and the training rows are the rest of the walk, in order. Between two
  neighbours a, b among them lies a gap of any length m with weight q^m. With K = P + q P^2 + q^2 P^3 + ..., the expected number of visits
  to i in that gap is q K(a, i) K(i, b) / K(a, b); before the first row and after the last one it is the same with one end open. Held-out
  items are ranked by the sum over the gaps. Since P is a sparse matrix plus one of rank one, so is K (Sherman and Morrison 1950).

The second is exact for a walk that may come back to an item. The log's walk never does. That seen items are out is seen to by the
evaluator; that what is left of the law grows as favourites are used up is not in the formula. Following it gap by gap, at some thousand
times the cost, gained 0 to 2 % of recall@10 and NDCG@10 on the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
import torch
from scipy.special import expit
from torch import Tensor

from turret.core.context import ALL, Context, Impressions, Reads
from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import FloatArray, IntArray
from turret.data.columns import Tokens
from turret.data.prepared import TEST, TRAIN, VALID, Prepared
from turret.data.simulate.truth import PAGE, Truth
from turret.data.vocabulary import Vocabulary

NEGLIGIBLE = 1e-3
"""Chains of transitions inside one gap are followed until their weight falls below this."""


class Oracle:
    """The best ranking of items: a `Catalogue`.

    Args:
        truth: what the log came from.
        prepared: the log as it was split; its tokens are those that `simulate` wrote.
        part: the part that is to be predicted.

    Raises:
        InputError: `prepared` holds users or items that `truth` does not know.
    """

    reads = Reads(user=True, history=ALL)

    def __init__(self, truth: Truth, prepared: Prepared, part: str = TEST) -> None:
        self.truth, self.prepared = truth, prepared
        self._users = _numbers(prepared.users.vocabulary, prepared.n_users, truth.settings.users, "user")
        self._items = _numbers(prepared.items.vocabulary, prepared.n_items, truth.settings.items, "item")
        held = sum(len(prepared.interactions(name)) for name in (VALID, TEST) if name in prepared.parts)
        self._missing = max(held, 1) / (max(held, 1) + len(prepared.interactions(TRAIN)))
        asked = prepared.interactions(part)
        self._steps = max(1, round(len(asked) / max(len(np.unique(asked.user)), 1)))
        self._near = _chains(truth, self._missing)
        self._near_to = self._near.T.tocsr()

    def score_all(self, context: Context) -> Tensor:
        """float32 [B, n_items]: expected occurrences among the held-out rows.

        Raises:
            UnsupportedError: somebody whom training never saw; the truth about people is known by who they are.
        """
        users = self._users[_known_people(context)]
        assert context.users is not None
        assert context.history is not None
        mask = context.history.mask.numpy(force=True)
        histories = [self._items[row[real]] for row, real in zip(context.history.items.numpy(force=True), mask, strict=True)]
        scores = self._following(users, histories) if self.prepared.time_ordered else self._missed(users, histories)
        return torch.from_numpy(scores[:, self._items].astype(np.float32)).to(context.users.device)

    def _following(self, users: IntArray, histories: Sequence[IntArray]) -> FloatArray:
        """Expected visits in the steps after the histories, float64 [B, all items]."""
        transition = self.truth.settings.transition
        last = np.array([history[-1] if len(history) else -1 for history in histories])
        visits = step = self.truth.next(users, last)
        anew = (1 - transition) * self.truth.taste(users)
        for _ in range(self._steps - 1):
            step = anew + transition * (step @ self.truth.transitions)
            visits = visits + step
        return np.asarray(visits)

    def _missed(self, users: IntArray, histories: Sequence[IntArray]) -> FloatArray:
        """Expected visits in the gaps of the histories, float64 [B, all items]."""
        q, transition = self._missing, self.truth.settings.transition
        # q K(a, i) = near(a, i) + anew(i): chains of transitions from a, or any number of steps of which one goes anew from taste
        taste = self.truth.taste(users)
        anew = q * (1 - transition) / (1 - q) * (taste + taste @ self._near)
        rows = np.repeat(np.arange(len(users)), [max(len(history) - 1, 0) for history in histories])
        ends = self._at_the_ends(anew, histories)
        if not len(rows):
            return ends
        before = np.concatenate([history[:-1] for history in histories])
        after = np.concatenate([history[1:] for history in histories])
        likelihood = np.asarray(self._near[before, after]).ravel() + anew[rows, after]
        shape = (len(users), len(rows))
        weigh = sp.csr_matrix((1 / likelihood, (rows, np.arange(len(rows)))), shape=shape)
        ahead = sp.csr_matrix((anew[rows, after] / likelihood, (rows, np.arange(len(rows)))), shape=shape)
        from_before, to_after = self._near[before], self._near_to[after]
        both = (weigh @ from_before.multiply(to_after).tocsr()).toarray()
        visits = both + (ahead @ from_before).toarray() + anew * ((weigh @ to_after).toarray() + np.asarray(ahead.sum(axis=1)))
        return np.asarray(visits + ends)

    def _at_the_ends(self, anew: FloatArray, histories: Sequence[IntArray]) -> FloatArray:
        """Expected visits before the first known row and after the last one. Where nothing is known, all is one gap."""
        known = np.array([len(history) > 0 for history in histories], dtype=float)[:, None]
        first = np.array([history[0] if len(history) else 0 for history in histories])
        last = np.array([history[-1] if len(history) else 0 for history in histories])
        reached = anew[np.arange(len(first)), first][:, None]
        leading = anew * (known * self._near_to[first].toarray() / reached + 1)
        return np.asarray(leading + known * (self._near[last].toarray() + anew))


class ClickedOracle:
    """The best ranking of items by whether they are among the held-out clicks of a log of impressions: a `Catalogue`.

    An item was clicked if it was shown and then clicked on. Who is shown n different items, one after another by the law s_u, is shown
    item i with probability 1 - exp(-t s_u(i)), t such that these add up to n (Rosen 1972: exact as n grows), at any place on the page.

    Args:
        truth: what the log came from.
        prepared: the log as it was split; its tokens are those that `simulate_clicks` wrote.

    Raises:
        InputError: `prepared` holds users or items that `truth` does not know.
    """

    reads = Reads(user=True)

    def __init__(self, truth: Truth, prepared: Prepared) -> None:
        self.truth = truth
        self._users = _numbers(prepared.users.vocabulary, prepared.n_users, truth.settings.users, "user")
        self._items = _numbers(prepared.items.vocabulary, prepared.n_items, truth.settings.items, "item")

    def score_all(self, context: Context) -> Tensor:
        """float32 [B, n_items]: the probability that the user clicked the item.

        Raises:
            UnsupportedError: somebody whom training never saw.
        """
        users = self._users[_known_people(context)]
        law = self.truth.shown(users)
        pairs = np.repeat(users, law.shape[1]), np.tile(np.arange(law.shape[1]), len(users))
        clicked = np.mean([expit(self.truth.click_logit(*pairs, np.array(place))) for place in range(1, PAGE + 1)], axis=0)
        scores = _included(law, self.truth.lengths[users]) * clicked.reshape(law.shape)
        assert context.users is not None
        return torch.from_numpy(scores[:, self._items].astype(np.float32)).to(context.users.device)


class RankingOracle:
    """The true logits of impressions: a `Ranker`.

    A user or an item that training never saw reads as token 0, which does not say which one it is; the last of those that only later parts
    hold stands for all of them.

    Args:
        prepared: as for `Oracle`.
        tokens: the names of the categorical features of impressions, in order (`Schema.categorical`).
        logit: the truth, of users, items and positions: `Truth.click_logit`, or `Truth.like_logit` without the positions.
    """

    reads = Reads()
    tasks = ("label",)

    def __init__(self, truth: Truth, prepared: Prepared, tokens: Sequence[str], logit: Callable[..., FloatArray]) -> None:
        names = list(tokens)
        self._user, self._item = names.index("user"), names.index("item")
        self._users = _numbers(prepared.users.vocabulary, len(prepared.users.vocabulary), truth.settings.users, "user")
        self._items = _numbers(prepared.items.vocabulary, len(prepared.items.vocabulary), truth.settings.items, "item")
        self._logit = logit
        position = prepared.parts[TRAIN].features.get("position")
        self._position = names.index("position") if isinstance(position, Tokens) else None
        self._places = None
        if isinstance(position, Tokens) and isinstance(position.vocabulary, Vocabulary):
            self._places = _numbers(position.vocabulary, len(position.vocabulary), 2**31, "position")

    def __call__(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        tokens = impressions.tokens.numpy(force=True)
        known = [self._users[tokens[:, self._user] - 1], self._items[tokens[:, self._item] - 1]]
        if self._position is not None and self._places is not None:
            known.append(1 + self._places[tokens[:, self._position] - 1])
        return torch.from_numpy(self._logit(*known).astype(np.float32))[:, None].to(impressions.tokens.device)


def _chains(truth: Truth, missing: float) -> sp.csr_matrix:
    """The sum over m >= 1 of (missing * transition * T)^m, CSR [I, I], as far as it matters."""
    step = (missing * truth.settings.transition) * truth.transitions
    weight = missing * truth.settings.transition
    total = power = step.tocsr()
    while (weight := weight * missing * truth.settings.transition) > NEGLIGIBLE:
        power = (power @ step).tocsr()
        total = total + power
    return total.tocsr()


def _included(law: FloatArray, draws: IntArray) -> FloatArray:
    """The probability that each item is among `draws` [B] different ones drawn one after another by `law` [B, I], about; float64 [B, I]."""
    low, high = np.zeros(len(law)), np.full(len(law), 1 / law.min())
    for _ in range(60):
        middle = (low + high) / 2
        short = -np.expm1(-middle[:, None] * law).sum(axis=1) < draws
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray(-np.expm1(-high[:, None] * law))


def _known_people(context: Context) -> IntArray:
    """The users [B] of a context, all of whom training saw."""
    if context.users is None or bool((context.users < 0).any()):
        raise UnsupportedError("the oracle knows people by their ids, so it has nothing to say of users whom training never saw")
    return np.asarray(context.users.numpy(force=True))


def _numbers(vocabulary: Vocabulary, n: int, limit: int, what: str) -> IntArray:
    """The simulator's numbers, from 0, of the first n tokens, int64 [n]."""
    try:
        numbers = np.array([int(vocabulary.token(index)) for index in range(n)], dtype=np.int64) - 1
    except ValueError as error:
        raise InputError(f"the {what}s are not those of a simulated log: {error}") from None
    if n and (numbers.min() < 0 or numbers.max() >= limit):
        raise InputError(f"the log has {what}s that its simulation does not know")
    return numbers
