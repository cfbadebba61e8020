"""Signals that ask a process to end, answered where training can be gone on from and not in the midst of a step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], Any] | int | None


class Interruption:
    """Holds back SIGTERM and SIGINT (Ctrl-C) while it is entered. The second of them is heeded at once.

    Outside the main thread, where Python hears no signals, it holds back nothing.

    Args:
        say: is told that a signal was heard.
    """

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        self._say = say
        self._before: dict[int, Handler] = {}
        self._heard: int | None = None
        self._at_once = False

    @property
    def due(self) -> bool:
        """Whether the process was asked to end."""
        return self._heard is not None

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(self, *failure: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.due and failure[0] is None:
            self.heed()

    def heed(self) -> None:
        """Does now what the signal that was heard would have done by itself: as a rule, raises."""
        number, self._heard = self._heard, None
        if number is None:
            return
        handler = self._before.get(number)
        if callable(handler):
            handler(number, None)
        elif handler != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Where signals are heeded as they come, since what is done here leaves nothing half done."""
        self._at_once = True
        try:
            if self.due:
                self.heed()
            yield
        finally:
            self._at_once = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self._heard = self.due, number
        if again or self._at_once:
            self.heed()
        else:
            self._say("stopping after this step, with a checkpoint; a second signal stops at once")
