"""The checks of what was shown and answered: each finds a flaw of a known size, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.checks import answers, telltale, twins, values
from turret.checks.impressions import auc, keys, rates
from turret.core.interactions import Interactions
from turret.data.columns import Numbers, NumberSets, Tokens, TokenSets
from turret.data.numbering import Hashing
from turret.data.prepared import TEST, TRAIN, Entities, Part, Prepared

from .conftest import names

Make = Callable[..., Any]


def tokens(ids: Any, size: int = 1000) -> Tokens:
    return Tokens(np.asarray(ids, dtype=np.int32), Hashing(size))


def numbers(of: Any) -> Numbers:
    return Numbers(np.asarray(of, dtype=np.float32))


def sets(of: Sequence[Sequence[int]], size: int = 1000) -> TokenSets:
    offsets = np.cumsum([0, *map(len, of)])
    return TokenSets(offsets, np.array([each for row in of for each in row], dtype=np.int32), Hashing(size))


def drawn(n: int, seed: int, rate: float = 0.5) -> dict[str, Any]:
    """Impressions whose features say nothing."""
    generator = np.random.default_rng(seed)
    return {
        "label": generator.random(n) < rate,
        "colour": tokens(generator.integers(1, 9, n)),
        "price": numbers(generator.normal(size=n)),
        "tags": sets([generator.integers(1, 30, generator.integers(0, 4)).tolist() for _ in range(n)]),
        "place": NumberSets(np.arange(0, 2 * n + 1, 2), generator.normal(size=2 * n).astype(np.float32)),
    }


def test_logs_without_labels_are_left_alone(dataset: Make, subject: Make) -> None:
    for check in (answers, twins, telltale, values):
        found = check.check(subject(dataset([(0, 0), (1, 1)], [(0, 1)])))
        assert (found.verdict, found.found) == ("not applicable", "the log has no labels")


def test_features_that_say_nothing_are_no_flaw(impressions: Make, subject: Make) -> None:
    of = subject(impressions(drawn(4000, 1), drawn(2000, 2)))
    for check in (answers, twins, telltale, values):
        found = check.check(of)
        assert found.verdict == "ok", found
    assert telltale.check(of).figures["features"] == 3
    assert max(value for name, value in telltale.check(of).figures.items() if name.startswith("auc")) < 0.6


# Answers


def test_a_rate_that_drifts_costs_what_it_costs(impressions: Make, subject: Make) -> None:
    found = answers.check(subject(impressions(drawn(4000, 1, 0.5), drawn(4000, 2, 0.25))))
    assert found.verdict == "warning"
    p, q = found.figures["label.rate.train"], found.figures["label.rate.test"]
    assert found.figures["label.calibration"] == pytest.approx(p / q)
    divergence = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    assert found.figures["label.logloss_lost"] == pytest.approx(divergence)


def test_a_rate_that_moves_by_chance_is_no_drift() -> None:
    assert not answers.drifts(np.repeat([0.0, 1.0], [90, 10]), np.repeat([0.0, 1.0], [85, 15]))
    assert answers.drifts(np.repeat([0.0, 1.0], [9000, 1000]), np.repeat([0.0, 1.0], [8500, 1500]))
    assert not answers.drifts(np.repeat([0.0, 1.0], [500_000, 500_000]), np.repeat([0.0, 1.0], [490_000, 510_000]))


def test_constant_labels_are_a_warning(impressions: Make, subject: Make) -> None:
    found = answers.check(subject(impressions(drawn(50, 1), drawn(50, 2, 0.0))))
    assert found.verdict == "warning" and "same throughout test" in found.effect


def test_numbers_are_told_from_answers(impressions: Make, subject: Make) -> None:
    rated = [drawn(50, seed) | {"label": np.arange(50) % 5} for seed in (1, 2)]
    of = subject(impressions(*rated))
    assert "label is a number" in answers.check(of).found
    assert twins.check(of).verdict == telltale.check(of).verdict == "not applicable"


# Identical impressions


def test_contradictions_bound_the_area_under_the_curve(impressions: Make, subject: Make) -> None:
    # Of ten kinds of rows, that is all there is; kind k is answered k times out of 10.
    kind = np.repeat(np.arange(1, 11), 10)
    label = np.tile(np.arange(10), 10) < kind
    found = twins.check(subject(impressions({"label": label, "kind": tokens(kind)}, {"label": label, "kind": tokens(kind)})))
    assert found.verdict == "warning"
    assert found.figures["test.contradicted"] == pytest.approx(0.9)  # kind 10 is always answered
    assert found.figures["test.in_training"] == 1
    assert found.figures["auc.ceiling"] == pytest.approx(by_pairs(kind, label))
    assert found.figures["auc.remembering"] == pytest.approx(found.figures["auc.ceiling"])


def test_what_is_shared_with_training_can_be_remembered(impressions: Make, subject: Make) -> None:
    generator = np.random.default_rng(0)
    train, test = drawn(500, 1), drawn(500, 2)
    train["row"] = tokens(np.arange(1, 501))
    half = np.arange(500) < 250
    copied = {
        "label": np.where(half, train["label"], test["label"]),
        "colour": tokens(np.where(half, train["colour"].ids, test["colour"].ids)),
        "row": tokens(np.where(half, train["row"].ids, 501 + np.arange(500))),
    }
    order = generator.permutation(500)
    copied = {name: (tokens(column.ids[order]) if isinstance(column, Tokens) else column[order]) for name, column in copied.items()}
    found = twins.check(subject(impressions({name: train[name] for name in copied}, copied)))
    assert found.figures["test.in_training"] == 0.5
    assert found.figures["test.contradicted"] == 0
    assert 0.7 < found.figures["auc.remembering"] < 0.95
    assert found.verdict in ("note", "warning")


Row = st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.5, float("nan")]), st.lists(st.integers(0, 2), max_size=2))


@settings(deadline=None)
@given(rows=st.lists(Row, min_size=1, max_size=30))
def test_keys_are_equal_for_equal_rows_alone(rows: list[Any]) -> None:
    columns = {"a": tokens([row[0] for row in rows]), "b": numbers([row[1] for row in rows]), "c": sets([row[2] for row in rows])}
    nobody = np.zeros(len(rows), dtype=np.int32)
    log = Interactions(nobody, nobody, 1, 1, label=np.ones(len(rows), dtype=np.float32))
    found = keys(Prepared("shown", 0, 0, Entities(names(1)), Entities(names(1)), {TRAIN: Part(log, columns)}), TRAIN)
    plain = [(row[0], str(row[1]), tuple(sorted(row[2]))) for row in rows]
    for one, mine in zip(plain, found, strict=True):
        assert [one == other for other in plain] == (found == mine).tolist()


def test_strangers_are_told_apart_by_their_features_alone() -> None:
    user = np.array([0, 3, 4, 5], dtype=np.int32)  # training saw users 0 to 2
    log = Interactions(user, np.zeros(4, dtype=np.int32), 6, 1, label=np.ones(4, dtype=np.float32))
    users = Entities(names(6), {"age": tokens([1, 1, 1, 2, 2, 1])})
    found = keys(Prepared("shown", 3, 1, users, Entities(names(1)), {TRAIN: Part(log), TEST: Part(log)}), TEST)
    assert found[1] == found[2]
    assert len(np.unique(found)) == 3


# Single features


def by_pairs(scores: Any, labels: Any) -> float:
    ones, zeros = np.asarray(scores)[np.asarray(labels, dtype=bool)], np.asarray(scores)[~np.asarray(labels, dtype=bool)]
    return float(np.mean((ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)))


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_the_area_agrees_with_comparing_all_pairs(rows: list[Any]) -> None:
    scores, labels = np.array([row[0] for row in rows]) / 7, np.array([row[1] for row in rows], dtype=np.float64)
    found = auc(scores, labels)
    assert np.isnan(found) if len(set(labels.tolist())) < 2 else found == pytest.approx(by_pairs(scores, labels))


@pytest.mark.parametrize("made", ["category", "number", "tags"])
def test_the_answer_in_disguise_is_found(impressions: Make, subject: Make, made: str) -> None:
    parts = []
    for seed in (1, 2):
        part = drawn(2000, seed)
        wrong = np.random.default_rng(seed + 10).random(2000) < 0.01
        told = part["label"] ^ wrong
        tagged = sets([[1, 2] if each else [3] for each in told.tolist()])
        # a number that is small or large, but not in between, where the answer is yes
        ends = np.where(told, np.where(np.arange(2000) % 2, 9.0, -9.0), 0.0) + np.random.default_rng(seed).normal(size=2000)
        part["paid"] = {"category": tokens(np.where(told, 5, 7)), "number": numbers(ends), "tags": tagged}[made]
        parts.append(part)
    found = telltale.check(subject(impressions(*parts)))
    assert found.verdict == "warning" and "paid" in found.effect and "colour" not in found.effect
    assert found.figures["auc.paid"] == pytest.approx(0.99, abs=0.01)


def test_rates_are_of_training_alone(impressions: Make, subject: Make) -> None:
    # A feature that names rows orders training perfectly, and says nothing of the test.
    train, test = drawn(1000, 1), drawn(1000, 2)
    train["row"], test["row"] = tokens(np.arange(1, 1001)), tokens(np.zeros(1000))
    found = telltale.check(subject(impressions(train, test)))
    assert found.figures["auc.row"] == 0.5


def test_rates_are_drawn_towards_the_mean() -> None:
    found = rates(np.array([1, 1, 2]), np.array([1.0, 1.0, 0.0]), 4)
    assert found.tolist() == pytest.approx([2 / 3, (2 + 2 / 3) / 3, (2 / 3) / 2, 2 / 3])


# Feature values


def test_what_only_the_test_holds_is_counted(impressions: Make, subject: Make) -> None:
    train, test = drawn(1000, 1), drawn(1000, 2)
    test["colour"] = tokens(np.where(np.arange(1000) < 300, 0, test["colour"].ids))
    found = values.check(subject(impressions(train, test)))
    assert found.verdict == "warning"
    assert (found.figures["unknown.colour.train"], found.figures["unknown.colour.test"]) == (0, 0.3)
    assert "min_count of colour" in found.advice


def test_users_and_items_are_features_too(subject: Make) -> None:
    user, item = np.repeat([0, 1, 2, 3], 30).astype(np.int32), np.tile([0, 1, 2], 40).astype(np.int32)
    label = (item == 1).astype(np.float32)
    log = Interactions(user, item, 4, 3, label=label)
    found = subject(Prepared("shown", 3, 2, Entities(names(4)), Entities(names(3)), {TRAIN: Part(log.take(user < 3)), TEST: Part(log)}))
    unknown = values.check(found).figures
    assert (unknown["unknown.user.train"], unknown["unknown.user.test"]) == (0, 0.25)
    assert unknown["unknown.item.test"] == pytest.approx(1 / 3)
    assert telltale.check(found).figures["auc.item"] == 1
    assert telltale.check(found).figures["auc.user"] == 0.5


@pytest.mark.parametrize("made", ["category", "number"])
def test_a_feature_that_names_rows_is_found(impressions: Make, subject: Make, made: str) -> None:
    train, test = drawn(1000, 1), drawn(1000, 2)
    make = tokens if made == "category" else numbers
    train["row"], test["row"] = make(np.arange(1, 1001)), make(np.arange(1001, 2001) if made == "number" else np.zeros(1000))
    found = values.check(subject(impressions(train, test)))
    assert found.verdict == "warning" and found.figures["different_everywhere"] == 1
    assert "Leave row out." in found.advice and "price" not in found.found


def test_a_feature_of_one_value_is_a_note(impressions: Make, subject: Make) -> None:
    parts = [drawn(1000, seed) | {"same": tokens(np.full(1000, 4))} for seed in (1, 2)]
    found = values.check(subject(impressions(*parts)))
    assert found.verdict == "note" and "same" in found.found
