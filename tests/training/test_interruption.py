"""Signals wait for the step, and the second one does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from turret.training.interruption import Interruption


@pytest.fixture(autouse=True)
def _as_the_command_has_it() -> Iterator[None]:
    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    yield
    assert signal.getsignal(signal.SIGTERM) is leave
    signal.signal(signal.SIGTERM, before)


ENDS = {signal.SIGTERM: SystemExit, signal.SIGINT: KeyboardInterrupt}


@pytest.mark.parametrize("number", list(ENDS))
def test_a_signal_waits_until_it_is_heeded(number: signal.Signals) -> None:
    said: list[str] = []
    with pytest.raises(ENDS[number]), Interruption(said.append) as interruption:
        interruption.heed()
        assert not interruption.due
        os.kill(os.getpid(), number)
        assert interruption.due and len(said) == 1
        interruption.heed()
        raise AssertionError("it was not heeded")


@pytest.mark.parametrize("number", list(ENDS))
def test_the_second_signal_does_not_wait(number: signal.Signals) -> None:
    with pytest.raises(ENDS[number]), Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.due
        os.kill(os.getpid(), number)
        raise AssertionError("it waited")


@pytest.mark.parametrize("before", [True, False])
def test_where_nothing_is_left_half_done_no_signal_waits(before: bool) -> None:
    with pytest.raises(SystemExit), Interruption() as interruption:
        if before:
            os.kill(os.getpid(), signal.SIGTERM)
        with interruption.at_once():
            if not before:
                os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("it waited")


def test_one_that_was_never_heeded_is_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), Interruption():
        os.kill(os.getpid(), signal.SIGINT)


def test_an_error_of_its_own_is_not_hidden_by_a_signal() -> None:
    with pytest.raises(ZeroDivisionError), Interruption():
        os.kill(os.getpid(), signal.SIGINT)
        _ = 1 / 0


def test_other_threads_hold_back_nothing() -> None:
    seen: list[bool] = []

    def elsewhere() -> None:
        with Interruption() as interruption:
            seen.append(interruption.due)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [False]
