"""Steps that are recorded once and replayed: on a GPU a step of small operations is bound by the time it takes to launch each of them.

A recording holds addresses, not values. So what changes from step to step must stay in its place: the batch, which is copied into the place
of the one recorded, the parameters, what optimizer and objective remember (all updated in place), and the generator, which is seeded anew
and never replaced. Nothing in the step may depend on a number that only the device knows; shapes and learning rate are part of the
recording, and another one is made where they change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from turret.core.contracts import Step

Take = Callable[[Any, Step, float], Tensor]
"""One step: the batch, where training stands, the learning rate -> the loss."""

WARM_UP = 16
"""Steps of a kind that are taken before one is recorded: kinds as rare as those at an epoch's end are not worth it."""


class Recorder(Protocol):
    """Records work on a device."""

    def aside(self) -> AbstractContextManager[None]:
        """Where steps are taken that are not recorded."""
        ...

    def record(self, work: Callable[[], Tensor], generator: torch.Generator) -> Callable[[], Tensor]:
        """What does `work` again, drawing on from `generator`. Recording does not do it."""
        ...


class CudaRecorder:
    """Records CUDA graphs."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Another stream, which a recording may follow."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], Tensor], generator: torch.Generator) -> Callable[[], Tensor]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(generator)
        with torch.cuda.graph(graph):
            loss = work()

        def replay() -> Tensor:
            graph.replay()
            return loss

        return replay


class Replayed:
    """Takes steps as `take` does, by recordings where it can.

    Args:
        take: a step; its batches are flat dataclasses of tensors and flags.
        recorder: of the device.
        warm_up: steps of a kind (shapes, flags, learning rate) before one is recorded.
    """

    def __init__(self, take: Take, recorder: Recorder, warm_up: int = WARM_UP) -> None:
        self._take, self._recorder, self._warm_up = take, recorder, warm_up
        self._seen: Counter[Hashable] = Counter()
        self._recorded: dict[Hashable, tuple[Any, Callable[[], Tensor]]] = {}

    def __call__(self, batch: Any, step: Step, rate: float) -> Tensor:
        """See `Take`."""
        kind = (rate, *(tuple(value.shape) if isinstance(value, Tensor) else value for _, value in _parts(batch)))
        self._seen[kind] += 1
        if self._seen[kind] <= self._warm_up:
            with self._recorder.aside():
                return self._take(batch, step, rate)
        if kind not in self._recorded:
            place = replace(batch, **{name: value.clone() for name, value in _parts(batch) if isinstance(value, Tensor)})
            self._recorded[kind] = place, self._recorder.record(lambda: self._take(place, step, rate), step.generator)
        place, again = self._recorded[kind]
        for (_, there), (_, new) in zip(_parts(place), _parts(batch), strict=True):
            if isinstance(new, Tensor):
                there.copy_(new)
        return again()


def _parts(batch: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(batch, field.name)) for field in fields(batch)]
