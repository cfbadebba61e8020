"""The contracts between the layers, as protocols: a class keeps one by having its methods, not by inheriting.

Letters: B requests, Q queries, C candidates, N negatives, I items, D width, T right items (of rankers: tasks); see `core.context`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from turret.core.context import Context, Encoded, Impressions, Negatives, Query, Reads
from turret.core.interactions import Interactions


class Lookup(Protocol):
    """A table of vectors, held (`nn.tables.Table`) or computed (`nn.tables.Computed`)."""

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> float [*S, D]. Ids outside 0..I-1 are an error: padding is masked before, never looked up as an item."""
        ...

    def dense(self) -> Tensor:
        """float [I, D]."""
        ...

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> float [*S, D']: the trained parameters behind `ids`, which an L2 term on embeddings is meant for."""
        ...


class Scorer(Protocol):
    """How well queries and items go together. Two methods, so that no shape is ever guessed."""

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        ...

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        ...


@runtime_checkable
class InnerProduct(Scorer, Protocol):
    """A scorer that is an inner product of other vectors: score(q, i) = <query_side(q), item_side(i)> + something of q alone.

    What is of q alone changes neither a softmax over items nor their order, so losses over whole catalogues, samplers that quantise
    vectors, and indices need this form and no other knowledge of the scorer.
    """

    def query_side(self, query: Tensor) -> Tensor:
        """[Q, D] -> [Q, D']."""
        ...

    def item_side(self, items: Tensor) -> Tensor:
        """[*S, D] -> [*S, D']."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """A query side and an item side that meet only in the scorer. Also a `torch.nn.Module`."""

    reads: Reads
    scorer: Scorer

    def encode(self) -> Encoded:
        """Both sides' vectors now: once a training step, once an evaluation."""
        ...

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The query vectors [Q, D] of the points that `context` asks about."""
        ...


State = tuple[Tensor, ...]
"""What a recurrent model remembers between two steps: float [B, H] for each layer."""


@runtime_checkable
class Recurrent(Retriever, Protocol):
    """A retriever that reads one item at a time and carries a state from one to the next."""

    def initial(self, rows: int) -> State:
        """The state of `rows` histories before their first item."""
        ...

    def step(self, items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        """int64 [B], the state before -> the query vectors [B, D] after them, the state after."""
        ...


@runtime_checkable
class Catalogue(Protocol):
    """All that evaluation and serving need: a score for every item."""

    reads: Reads

    def score_all(self, context: Context) -> Tensor:
        """float [B, I]; higher is better."""
        ...


@runtime_checkable
class Ranker(Protocol):
    """Reads user, item and surroundings together. Also a `torch.nn.Module`.

    Attributes:
        reads: how many of the user's latest choices it reads beside the impression itself.
        tasks: names of the T things that it predicts of an impression.
    """

    reads: Reads
    tasks: tuple[str, ...]

    def __call__(self, impressions: Impressions) -> Tensor:
        """Logits float [B, T]; the sigmoid belongs to serving."""
        ...


@runtime_checkable
class Guided(Ranker, Protocol):
    """A ranker that training gives more to do than to predict."""

    def guided(self, impressions: Impressions, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The logits [B, T], and scalars by name that training adds to the loss, each with a factor."""
        ...


@runtime_checkable
class Balanced(Ranker, Protocol):
    """A ranker of several tasks that says how their losses are weighed against each other.

    Attributes:
        balance: called with the losses [T] and `shared()`, gives the scalar to minimise; a module, since it may learn.
    """

    balance: Any

    def shared(self) -> Sequence[Tensor]:
        """The weights of the last layer that all tasks share."""
        ...


@dataclass(frozen=True, slots=True)
class Path:
    """A way through a knowledge graph, from an item that somebody chose to another one.

    Attributes:
        entities: those that it passes, the item that was chosen first, the other one last; none twice.
        relations: by which each leads to the next, one fewer; ids are those of the graph with inverses.
        weight: how much a model makes of it, above 0.
    """

    entities: tuple[int, ...]
    relations: tuple[int, ...]
    weight: float


@runtime_checkable
class Explaining(Protocol):
    """A model of a knowledge graph that can say why it recommends an item. Also a `torch.nn.Module`."""

    def why(self, users: Tensor, items: Tensor, count: int) -> Sequence[Sequence[Path]]:
        """For each user int64 [B] and item int64 [B], the paths from what the user chose to the item that have the largest weights.

        Args:
            users: that training saw.
            items: one each.
            count: paths of each, at most; the largest weight comes first. None where no path is within the model's reach.
        """
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """What a procedure has to tell after one round (an epoch, a sweep).

    Attributes:
        round: rounds finished, counted from 1.
        measures: named numbers, such as the mean training loss.
        seconds: what the round took.
    """

    round: int
    measures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@runtime_checkable
class Solver(Protocol):
    """A model that is solved for, not descended to. Also a `torch.nn.Module`; what it finds is in its buffers."""

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """A closed form yields once, an alternating solver once a sweep."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Where training stands, for what changes with time and for what is drawn.

    Attributes:
        number: optimizer steps taken before this one.
        generator: on the model's device; all sampling draws from it.
    """

    number: int
    generator: torch.Generator


@dataclass(frozen=True, slots=True)
class Targets:
    """Right items that negatives are to be drawn for. No gradient flows through it.

    Attributes:
        items: int64 [T].
        users: int64 [T] who chose them; None where that is not known.
        query: float [T, D] the query that each should answer.
        encoded: both sides' vectors now.
        scorer: scores queries against items.
        places: int64 [T] the row of the training part that each is; None where that is not known.
    """

    items: Tensor
    users: Tensor | None
    query: Tensor
    encoded: Encoded
    scorer: Scorer
    places: Tensor | None = None

    def __len__(self) -> int:
        return len(self.items)


class Sampler(Protocol):
    """Draws items to contrast with the right ones, and says with which probability."""

    def __call__(self, targets: Targets, step: Step) -> Negatives: ...


@runtime_checkable
class Remembering(Protocol):
    """A sampler, or an objective, that carries something from step to step; with it, an interrupted training goes on as if it were not."""

    def state(self) -> dict[str, Tensor]:
        """All that it carries; empty before its first step."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        ...


class Objective(Protocol):
    """What a step minimises."""

    def __call__(self, model: Any, batch: Any, step: Step) -> Tensor:
        """A scalar."""
        ...


class Batches(Protocol):
    """A whole epoch drawn at once as index tensors on the device; a step is a slice."""

    def epoch(self, generator: torch.Generator) -> Iterator[Any]:
        """The epoch's batches, on the generator's device."""
        ...

    def steps(self) -> int:
        """How many batches an epoch has."""
        ...


Between = Callable[[], object]
"""What is done between two steps of a training."""


def nothing() -> None:
    """Does nothing."""


@runtime_checkable
class Procedure(Protocol):
    """How a model comes to its parameters. The runner evaluates between the yields, and checkpoints there and between steps."""

    def fit(self, model: Any, seed: int, device: torch.device, between: Between = nothing) -> Iterator[Progress]:
        """Goes on from the restored state, or from the beginning.

        Args:
            model: what is fitted.
            seed: of all that is drawn.
            device: where it is fitted.
            between: is called where `state` and the model's parameters are together enough to go on from, amid a round too.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that `fit` needs to go on beside the model's own parameters."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        ...
