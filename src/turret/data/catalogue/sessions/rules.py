"""The two rules by which the authors of GRU4Rec make training and test sessions of clicks.

That of 2016 made RSC15. That of 2023 ("The effect of third party implementations on reproducibility") made the other datasets, a cleaner
Yoochoose of the same clicks among them: it drops clicks that repeat the one before, filters until nothing changes, and keeps what comes
after the moment of the split out of the training part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from turret.core.errors import InputError
from turret.data.catalogue.sessions.events import (
    Events,
    first_times,
    in_long_sessions,
    last_times,
    on_frequent_items,
    repeats,
    until_stable,
)
from turret.data.log import Mask

LENGTH, SUPPORT = 2, 5
"""The fewest events of a session and of an item."""

Say = Callable[[str], None]
Divide = Callable[[Events, float], tuple[Events, Events]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a dataset is divided into: `train_full` and `test` for the final figures, `train_tr` and `train_valid`, which `train_full` is
    divided into in the same way, to choose settings by."""

    train_full: Events
    test: Events
    train_tr: Events
    train_valid: Events

    def items(self) -> list[tuple[str, Events]]:
        """Each part with its name."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def rule_of_2016(clicks: Events, span: float, say: Say) -> Parts:
    """Drops sessions of one event, then rare items, then sessions of one event, once each; a session is in test if it ends within the last
    `span` of time, in whole.

    Args:
        clicks: the log.
        span: how much time the test part has, and as much again the validation part.
        say: is told what each step drops.

    Raises:
        InputError: a part would be empty.
    """
    events = _kept(clicks, in_long_sessions(clicks, LENGTH), "sessions of one event", say)
    events = _kept(events, on_frequent_items(events, SUPPORT), f"items of fewer than {SUPPORT} events", say)
    events = _kept(events, in_long_sessions(events, LENGTH), "sessions of one event, again", say)
    train_full, test = _divided(events, divide_by_end, _last(events) - span, "test", say)
    train_tr, train_valid = _divided(train_full, divide_by_end, _last(train_full) - span, "train_valid", say)
    return Parts(train_full, test, train_tr, train_valid)


def rule_of_2023(clicks: Events, span: int, say: Say, end: int | None = None) -> Parts:
    """Drops repeated clicks, then sessions of one event and rare items until none is left; a session is in test if it begins within the
    last `span` of time, and what comes after that moment in a session that began before it is in no part.

    Args:
        clicks: the log, in order of session, time and item.
        span: how much time the test part has, and as much again the validation part.
        say: is told what each step drops.
        end: when the log ends; None: with its last event.

    Raises:
        InputError: a part would be empty.
    """
    events = _kept(clicks, ~repeats(clicks), "clicks on the same item as the one before", say)
    stable = until_stable(events, LENGTH, SUPPORT)
    _tell(events, stable, f"sessions of one event and items of fewer than {SUPPORT}, until none is left", say)
    moment = (_last(stable) if end is None else end) - span
    train_full, test = _divided(stable, divide_by_start, moment, "test", say)
    train_tr, train_valid = _divided(train_full, divide_by_start, moment - span, "train_valid", say)
    return Parts(train_full, test, train_tr, train_valid)


def divide_by_end(events: Events, moment: float) -> tuple[Events, Events]:
    """Sessions that end before `moment`, and the others without the items that the first lack, as far as two events of them are left."""
    early = last_times(events) < moment
    train, test = events.take(early), events.take(~early)
    test = test.take(_known(test, train))
    return train, test.take(in_long_sessions(test, LENGTH))


def divide_by_start(events: Events, moment: float) -> tuple[Events, Events]:
    """What comes before `moment` of sessions of which that is two events or more, and the sessions that begin at it or later."""
    train = events.take(events.time < moment)
    return train.take(in_long_sessions(train, LENGTH)), events.take(first_times(events) >= moment)


def _known(events: Events, train: Events) -> Mask:
    """bool [n]: on items that `train` has."""
    n = max(int(events.item.max(initial=-1)), int(train.item.max(initial=-1))) + 1
    known: Mask = (np.bincount(train.item, minlength=n) > 0)[events.item]
    return known


def _kept(events: Events, rows: Mask, what: str, say: Say) -> Events:
    kept = events.take(rows)
    _tell(events, kept, what, say)
    return kept


def _tell(before: Events, after: Events, what: str, say: Say) -> None:
    say(f"{what}: {len(before) - len(after):,} events dropped, which leaves {after.counts}")


def _divided(events: Events, divide: Divide, moment: float, name: str, say: Say) -> tuple[Events, Events]:
    """The two parts, neither of them empty."""
    early, late = divide(events, moment)
    for part, place in ((early, "before"), (late, "after")):
        if not len(part):
            raise InputError(
                f"no session is left for the {name if part is late else 'training'} part {place} the moment of the split",
                hint=f"It was {events.counts}. Are the original files whole, and all of them there?",
            )
    say(f"split for {name}: {len(events) - len(early) - len(late):,} events are in neither part")
    return early, late


def _last(events: Events) -> float:
    if not len(events):
        raise InputError("nothing is left of the clicks after filtering", hint="Are the original files whole?")
    return events.time.max()  # type: ignore[no-any-return]
