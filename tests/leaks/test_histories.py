"""Histories hold nothing that is not known yet: training's, no row of a later part; evaluation's, neither what is asked nor what follows.

What a user is known to have done is worked out anew here, in plain loops over the rows of the log.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor, nn

from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.core.context import ALL, Context, History, Impressions, Positives, Reads
from turret.core.errors import InputError
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID, Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.questions import ask
from turret.evaluation.ranking import RankerEvaluator
from turret.evaluation.sessions import SessionEvaluator

from .random_logs import CUTS, WAYS, RandomLog, Row, choices, marks, random_logs, tried
from .what_training_sees import OF_CHOICES, epoch


def of(rows: list[Row], user: str, way: str) -> list[Row]:
    """Those of one user."""
    return [row for row in rows if row[WAYS[way].who] == user]


def named(prepared: Prepared, history: History, row: int) -> list[str]:
    """The items of a history."""
    return prepared.items.vocabulary.tokens(history.items[row][history.mask[row]].numpy())


def known_to_training(prepared: Prepared, rows: list[Row]) -> list[str]:
    """The items of some rows, without those that no model can name."""
    known = set(list(prepared.items.vocabulary)[: prepared.n_items])
    return [row["item"] for row in rows if row["item"] in known]


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_histories_of_training_hold_rows_of_the_training_part_alone(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    rows = choices(log, prepared, TRAIN)
    for kind in OF_CHOICES:
        for batch in epoch(kind, prepared):
            assert isinstance(batch, Positives) and batch.context.users is not None
            if (history := batch.context.history) is None:
                continue
            for row, user in enumerate(prepared.users.vocabulary.tokens(batch.context.users.numpy())):
                own = [each["item"] for each in of(rows, user, way)]
                items = named(prepared, history, row)
                if kind == "pairs with history":
                    assert items == own[-3:]
                elif kind == "users":
                    assert items == list(dict.fromkeys(own))
                else:
                    assert any(items == own[start : start + len(items)] for start in range(len(own)))


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_windows_end_before_what_is_to_be_predicted(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    rows = choices(log, prepared, TRAIN)
    for batch in (batch for kind in ("windows, the latest", "windows, all") for batch in epoch(kind, prepared)):
        history, asked = batch.context.history, batch.context.asked
        width = history.items.shape[1]
        for place, at in zip(batch.places.tolist(), asked.tolist(), strict=True):
            row, step = divmod(at, width)
            read = prepared.items.vocabulary.tokens(history.items[row, : step + 1].numpy())
            before = of(rows[:place], rows[place][WAYS[way].who], way)
            assert read == [each["item"] for each in before[-len(read) :]]


class Watching(nn.Module):
    """Ranks a catalogue by nothing, and keeps what it was asked."""

    reads = Reads(user=False, history=ALL)

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.n_items, self.heard = n_items, list[History]()

    def score_all(self, context: Context) -> Tensor:
        assert context.history is not None
        self.heard.append(context.history)
        return torch.zeros(len(context), self.n_items)


@pytest.mark.parametrize("repeats", [False, True], ids=["once", "repeats"])
@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_who_is_asked_is_known_by_earlier_parts_alone(way: str, repeats: bool, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    for part in (VALID, TEST):
        evaluator, model = Evaluator(prepared, part, Evaluation(repeat_consumption=repeats)), Watching(prepared.n_items)
        evaluator.measures(model)
        # Validation is known of who is tested where it lies before the test.
        parts = (TRAIN, FOLD_IN, VALID) if part == TEST and prepared.time_ordered else (TRAIN, FOLD_IN)
        known = choices(log, prepared, *parts)
        heard = [named(prepared, history, row) for history in model.heard for row in range(len(history.items))]
        users = prepared.users.vocabulary.tokens(evaluator.questions.users)
        assert len(heard) == len(users)
        asked = choices(log, prepared, part)
        assert not repeats or set(users) == {row[WAYS[way].who] for row in asked}
        for user, items in zip(users, heard, strict=True):
            own = of(known, user, way)
            assert Counter(items) == Counter(known_to_training(prepared, own))
            assert not {row["mark"] for row in own} & {row["mark"] for row in asked}
            if WAYS[way].in_time and own:
                assert max(row["time"] for row in own) <= min(row["time"] for row in of(asked, user, way))
            if WAYS[way].split.split_time is not None:
                assert all(row["time"] < CUTS[0 if part == VALID else 1] for row in own)


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_what_may_not_be_recommended_was_taken_in_earlier_parts(way: str, log: RandomLog) -> None:
    """Were something of the test part left out of a list of validation, the list would tell of the test."""
    prepared = log.tried(WAYS[way])
    for part, parts in ((VALID, (TRAIN, FOLD_IN)), (TEST, (TRAIN, FOLD_IN, VALID))):
        questions, known, asked = ask(prepared, part), choices(log, prepared, *parts), choices(log, prepared, part)
        names, users = prepared.items.vocabulary.tokens, prepared.users.vocabulary.tokens(questions.users)
        had = {(row[WAYS[way].who], row["item"]) for row in known}
        assert set(users) == {user for user, item in ((row[WAYS[way].who], row["item"]) for row in asked) if (user, item) not in had}
        for row, user in enumerate(users):
            own = of(known, user, way)
            assert set(names(questions.taken[row])) == set(known_to_training(prepared, own))
            assert set(names(questions.truth[row])) == {each["item"] for each in of(asked, user, way)} - {each["item"] for each in own}


class Asking(nn.Module):
    """Predicts nothing, and keeps the impressions that it was shown."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.reads, self.tasks, self.shown = Reads(history=longest), ("click", "purchase"), list[Impressions]()

    def forward(self, impressions: Impressions) -> Tensor:
        self.shown.append(impressions)
        return torch.zeros(len(impressions), 2)


def chosen_before(prepared: Prepared, rows: list[Row], row: Row, way: str, longest: int) -> Counter[str]:
    """By the book: the user's choices earlier than the row, of which those of one moment may change places."""
    earlier = [each for each in of(rows, row[WAYS[way].who], way) if each["time"] < row["time"]]
    assert row["mark"] not in {each["mark"] for each in earlier}
    named = set(known_to_training(prepared, earlier))
    latest = sorted((each for each in earlier if each["item"] in named), key=lambda each: each["time"])
    return Counter(each["item"] for each in latest[-longest:])


MAY_PRECEDE = {TRAIN: (TRAIN,), VALID: (TRAIN, FOLD_IN, VALID), TEST: (TRAIN, FOLD_IN, VALID, TEST)}
LONG = 1000


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_behaviours_are_earlier_than_the_impression_and_of_no_later_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    schema = ImpressionBuilder(prepared).schema
    place, item = schema.numbers.index("mark"), schema.behaviour.index("item")
    for part, parts in MAY_PRECEDE.items():
        rows = choices(log, prepared, *parts)
        if part == TRAIN:
            batches = ImpressionBatches(prepared, 4, reads=Reads(history=LONG)).epoch(torch.Generator())
            shown = list(batches)
        else:
            model = Asking(LONG)
            RankerEvaluator(prepared, part, Evaluation(eval_batch_size=4), model.reads, model.tasks).measures(model)
            shown = model.shown
        assert sum(map(len, shown)) == len(marks(prepared, part))
        for batch in shown:
            assert batch.behaviours is not None
            for number, tokens, mask in zip(batch.floats[:, place].tolist(), batch.behaviours.tokens, batch.behaviours.mask, strict=True):
                items = Counter(prepared.items.vocabulary.tokens((tokens[mask][:, item] - 1).numpy()))
                assert items == chosen_before(prepared, rows, log.row(number), way, LONG)


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_sessions_that_are_read_on_hold_no_row_of_a_later_part(way: str, log: RandomLog) -> None:
    """Each event is predicted from those before it in the same part (and in fold_in), after what was known of the user."""
    prepared = log.tried(WAYS[way])
    for part in (VALID, TEST):
        try:
            evaluator = SessionEvaluator(prepared, part, Evaluation(protocol="next_item_known"))
        except InputError as error:
            assert "asks for nothing" in str(error)
            continue
        read = evaluator.log
        own = Counter(zip(prepared.users.vocabulary.tokens(read.user), prepared.items.vocabulary.tokens(read.item), strict=True))
        who = WAYS[way].who
        users = {row[who] for row in choices(log, prepared, part)}
        rows = [row for row in choices(log, prepared, FOLD_IN, part) if row[who] in users and known_to_training(prepared, [row])]
        assert own == Counter((row[who], row["item"]) for row in rows)
        assert read.time is not None and np.all(np.diff(read.time)[np.diff(read.user) == 0] >= 0)
        assert evaluator.known is not None
        known = Counter(prepared.items.vocabulary.tokens(evaluator.known.item))
        parts = (TRAIN, VALID) if part == TEST and prepared.time_ordered else (TRAIN,)
        assert known <= Counter(row["item"] for row in choices(log, prepared, *parts))
