"""What is known when a recommendation is asked for, and what a model makes of it.

Letters: B requests, L the longest history among them, Q queries asked (one a request, or one a step of its history), T right items
(one a query, or several), C candidates, N negatives, D width, I items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from turret.core.contracts import Lookup

UNKNOWN = -1
"""The user id of a person whom training never saw."""

ALL = 2**62
"""As the length of a history: however long it is."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What a model reads of a request; from it follows whom it can serve.

    Attributes:
        user: it reads the user's id, so it cannot answer for a user whom training never saw.
        history: how many of the latest items of the history it reads; 0 reads none, `ALL` reads them all.
    """

    user: bool = False
    history: int = 0


NOTHING = Reads()
"""Of a request beside itself."""


@dataclass(frozen=True, slots=True)
class History:
    """What each request's user did before, oldest first, filled up on the right.

    Attributes:
        items: int64 [B, L]. Where `mask` is False the value is 0 and means nothing.
        mask: bool [B, L], True for real items.
        weights: float32 [B, L] how strongly each counts (a rating, a count), or None where all count alike.
    """

    items: Tensor
    mask: Tensor
    weights: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        """int64 [B]."""
        return self.mask.sum(dim=1)

    def take(self, rows: Tensor) -> History:
        """Those of some of the requests, or of some several times."""
        return History(self.items[rows], self.mask[rows], None if self.weights is None else self.weights[rows])

    def to(self, device: torch.device) -> History:
        """The same on another device."""
        weights = None if self.weights is None else self.weights.to(device)
        return History(self.items.to(device), self.mask.to(device), weights)


@dataclass(frozen=True, slots=True)
class Context:
    """B requests, and the Q points of them at which a query is asked.

    Attributes:
        users: int64 [B], `UNKNOWN` for a person training never saw; None where the model does not read users.
        history: what the users did before; None where the model does not read it.
        asked: int64 [Q] the positions in the flattened history, `row * L + step`, after which a query is asked. None asks one query a
            request, after the whole of its history (Q = B).
    """

    users: Tensor | None = None
    history: History | None = None
    asked: Tensor | None = None

    def __len__(self) -> int:
        if self.users is not None:
            return len(self.users)
        if self.history is not None:
            return len(self.history.items)
        raise ValueError("a context has users, a history, or both")

    @property
    def rows(self) -> Tensor | None:
        """int64 [Q] the request each query belongs to; None where query q belongs to request q."""
        if self.asked is None or self.history is None:
            return None
        return self.asked // self.history.items.shape[1]

    def askers(self) -> Tensor | None:
        """int64 [Q] the user behind each query; None where users are not known."""
        return self.users if self.users is None or self.rows is None else self.users[self.rows]

    def last(self) -> Tensor:
        """int64 [B] the position of the last real item of each history in the flattened history; an empty history gives its first."""
        assert self.history is not None
        width = self.history.items.shape[1]
        start = torch.arange(len(self.history.items), device=self.history.items.device) * width
        return start + (self.history.lengths - 1).clamp(min=0)

    def to(self, device: torch.device) -> Context:
        """The same on another device."""
        return Context(
            None if self.users is None else self.users.to(device),
            None if self.history is None else self.history.to(device),
            None if self.asked is None else self.asked.to(device),
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """Both sides' vectors at one moment. A value that is passed on, never a cache on the model: it cannot go stale.

    Attributes:
        items: the item side, [I, D].
        users: the user side, [U, D], for models that have one.
    """

    items: Lookup
    users: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What the query side makes of a context.

    Attributes:
        vector: float [Q, D].
        penalties: named scalars that training adds to the loss (a KL term, say), each weighted by the objective.
    """

    vector: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """Negatives that all T right items share.

    Attributes:
        items: int64 [N].
        log_q: float, broadcastable to [T, N]: the log of the probability with which each is drawn.
        mask: bool [T, N], False where one does not count for a right item, such as that item itself; None where all count.
        positive_log_q: float, broadcastable to [T]: the log of the probability with which each right item itself is drawn; None where it
            cannot be, or where nobody can tell.
    """

    items: Tensor
    log_q: Tensor
    mask: Tensor | None = None
    positive_log_q: Tensor | None = None


@dataclass(frozen=True, slots=True)
class PerRow:
    """Negatives that each of T right items has for itself.

    Attributes:
        items: int64 [T, N].
        log_q, mask, positive_log_q: as of `Shared`.
    """

    items: Tensor
    log_q: Tensor
    mask: Tensor | None = None
    positive_log_q: Tensor | None = None


Negatives = Shared | PerRow


@dataclass(frozen=True, slots=True)
class Positives:
    """A batch for a retriever: Q queries and the items that should answer them.

    Attributes:
        context: the requests.
        target: int64 [T] the right items.
        rows: int64 [T] the query each target belongs to; None where target t belongs to query t (T = Q).
        weight: float [T], or None where all count alike.
        places: int64 [T] the row of the training part that each target is.
    """

    context: Context
    target: Tensor
    rows: Tensor | None = None
    weight: Tensor | None = None
    places: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Streams:
    """A batch for a recurrent model: K items in a row of B histories that run side by side, going on from the batch before.

    Attributes:
        items: int64 [K, B] what is read, ...
        target: int64 [K, B] ... and what follows it.
        fresh: bool [K, B] whether the history begins with this item, so that no state is carried to it.
        kept: int64 [B] the row of the batch before that each row goes on from; None where row b goes on from row b.
        first: whether there is no batch before.
    """

    items: Tensor
    target: Tensor
    fresh: Tensor
    kept: Tensor | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Behaviours:
    """What the user of each impression chose before it, oldest first, filled up on the right.

    Attributes:
        tokens: int64 [B, L, K] the categorical features of the chosen items (`Schema.behaviour`), numbered as in `Impressions.tokens`.
        mask: bool [B, L], True for real items.
    """

    tokens: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Impressions:
    """A batch for a ranker: B rows that were shown, their features (in the order of `core.features.Schema`) and what came of them.

    Attributes:
        tokens: int64 [B, F] one id a categorical feature; 0 stands for a missing value and one that training never saw.
        floats: float32 [B, G] one number a dense feature.
        sets: for each multi-valued feature its ids int64 [B, S] and mask bool [B, S].
        labels: float32 [B, T], one column a task.
        behaviours: what the users did before; None where the model does not read it.
    """

    tokens: Tensor
    floats: Tensor
    sets: Mapping[str, tuple[Tensor, Tensor]]
    labels: Tensor
    behaviours: Behaviours | None = None

    def __len__(self) -> int:
        return len(self.tokens)
