"""A main objective, and what is minimised beside it on the same vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from turret.core.context import Context, Encoded, Positives, Query
from turret.core.contracts import Objective, Retriever, Step
from turret.core.remembering import hand_back, state_of, under, within


class Auxiliary(Protocol):
    """What is minimised beside the comparison of right items with others."""

    def __call__(self, model: Any, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        """A scalar.

        Args:
            model: what is trained.
            batch: that of the main objective.
            encoded: the vectors that it compares.
            step: where training stands.
        """
        ...


@dataclass(frozen=True)
class Beside:
    """main + the sum of weight * auxiliary. The model encodes once for all of them; what has weight 0 is not computed.

    Attributes:
        main: compares right items with others.
        auxiliaries: each with its weight.
    """

    main: Objective
    auxiliaries: Sequence[tuple[float, Auxiliary]]

    def __call__(self, model: Retriever, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.encode()
        total = self.main(_Encoded(model, encoded), batch, step)
        for weight, auxiliary in self.auxiliaries:
            if weight:
                total = total + weight * auxiliary(model, batch, encoded, step)
        return total

    def state(self) -> dict[str, Tensor]:
        """What its parts carry from step to step, as `main.name` and `number.name`."""
        state = under("main", state_of(self.main))
        for number, (_, auxiliary) in enumerate(self.auxiliaries):
            state |= under(number, state_of(auxiliary))
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to them."""
        hand_back(self.main, within("main", state))
        for number, (_, auxiliary) in enumerate(self.auxiliaries):
            hand_back(auxiliary, within(number, state))


class _Encoded:
    """A retriever whose vectors are there already."""

    def __init__(self, model: Retriever, encoded: Encoded) -> None:
        self.reads, self.scorer = model.reads, model.scorer
        self._model, self._encoded = model, encoded

    def encode(self) -> Encoded:
        return self._encoded

    def query(self, context: Context, encoded: Encoded) -> Query:
        return self._model.query(context, encoded)
