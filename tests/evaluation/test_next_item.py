"""Evaluation along sessions against recorded runs, and against one prefix at a time, ranked by counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import State
from turret.core.errors import TurretError, UnsupportedError
from turret.core.interactions import Interactions
from turret.evaluation.next_item import NextItem, next_item, ranks
from turret.models import catalogue
from turret.nn.tables import Table
from turret.scorers.dot import Dot

Arrays = dict[str, np.ndarray]
CUTOFFS = (1, 5, 10, 20)
TIES = ("standard", "conservative", "median")
N_ITEMS = 9


class Counting(nn.Module):
    """Remembers how often each item was read, and scores items by small whole numbers made of that, so that ties abound."""

    def __init__(self, n_items: int = N_ITEMS) -> None:
        super().__init__()
        self.reads, self.scorer = Reads(history=10**6), Dot()
        self.items = Table(n_items, n_items)
        self.modes = list[bool]()
        with torch.no_grad():
            self.items.weight.copy_(torch.from_numpy(np.random.default_rng(0).integers(-2, 3, (n_items, n_items)).astype(np.float32)))

    def encode(self) -> Encoded:
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        raise NotImplementedError

    def initial(self, rows: int) -> State:
        return (torch.zeros(rows, len(self.items.weight)),)

    def step(self, items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        self.modes.append(self.training)
        seen = (state[0] + nn.functional.one_hot(items, len(self.items.weight))) % 5
        return seen, (seen,)


def random_log(seed: int = 0, sessions: int = 23, n_items: int = N_ITEMS) -> Interactions:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 8, sessions)
    session = np.repeat(np.arange(sessions), lengths)
    time = draw.integers(0, 1000, sessions)[session] * 100.0 + np.arange(len(session))
    return Interactions(session, draw.integers(0, n_items, len(session)), sessions, n_items, time=time)


def by_prefixes(model: Counting, sessions: list[list[int]], ties: str, known: list[list[int]] | None = None) -> list[list[float]]:
    """For each session the ranks of its events that have something before them."""
    table, found = model.items.weight.detach().numpy(), []
    for number, session in enumerate(sessions):
        before = known[number] if known is not None else []
        mine = []
        for place, target in enumerate(session):
            prefix = [*before, *session[:place]]
            if prefix:
                scores = (np.bincount(prefix, minlength=len(table)) % 5) @ table.T
                above, level = int((scores > scores[target]).sum()), int((scores == scores[target]).sum())
                lower = int((scores[:target] == scores[target]).sum())
                mine.append(
                    {
                        "standard": above + 1.0,
                        "conservative": above + level,
                        "median": above + (level + 1) / 2,
                        "listed": above + lower + 1,
                    }[ties]
                )
        found.append(mine)
    return found


def by_session(found: NextItem, log: Interactions) -> list[list[float]]:
    """The ranks in the order of the log."""
    order = np.argsort(found.row)
    return [found.rank[order][log.user[found.row[order]] == user].tolist() for user in range(log.n_users)]


def sessions_of(log: Interactions) -> list[list[int]]:
    return [log.by_user[user].tolist() for user in range(log.n_users)]


# --- recorded


@pytest.mark.real_data
@pytest.mark.parametrize("ties", TIES)
def test_equals_the_recorded_ranks(golden: Callable[..., Arrays], ties: Any) -> None:
    recorded = golden("eval", "tie")
    found = ranks(torch.from_numpy(recorded["scores"]), torch.from_numpy(recorded["targets"]), ties)
    assert np.array_equal(found, recorded[f"{ties}/ranks"]) and found.dtype == np.float64
    measured = NextItem(found, np.arange(len(found)), CUTOFFS)
    assert [measured.recall[n] for n in CUTOFFS] == pytest.approx(recorded[f"{ties}/recall"].tolist(), abs=1e-12)
    assert [measured.mrr[n] for n in CUTOFFS] == pytest.approx(
        recorded[f"{ties}/mrr"].tolist(), abs=2e-7
    )  # theirs sums in single precision


@pytest.mark.real_data
@pytest.mark.parametrize("ties", ["standard", "conservative"])
@pytest.mark.parametrize("batch_size", [2, 3])
@pytest.mark.parametrize("kind", ["ns4", "ns0"])
def test_equals_the_recorded_evaluation(
    golden: Callable[..., Arrays], session_log: Callable[..., Interactions], kind: str, batch_size: int, ties: Any
) -> None:
    """Unknown items are left out; without samples in training the recorded code ends when one session is left."""
    recorded, names = golden("eval", "toy"), golden("iterator")["item_ids_in_index_order"].tolist()
    assert set(recorded["file_item"].tolist()) - set(names), "some items are unknown"
    log = session_log(recorded["file_session"], recorded["file_item"], recorded["file_time"], names)
    model = catalogue.load("gru4rec").GRU4Rec(len(names), (6,))
    weights = {name.removeprefix(f"{kind}/weights/"): torch.from_numpy(value) for name, value in recorded.items() if "/weights/" in name}
    weights = {name: torch.from_numpy(recorded[f"{kind}/weights/{name}"]) for name in weights if f"{kind}/weights/{name}" in recorded}
    theirs = {"items.weight": "Wy.weight", "biases.weight": "By.weight"}
    model.load_state_dict({name: weights[theirs.get(name, name.replace("layers.", "G."))] for name in model.state_dict()})
    theirs_scores = recorded[f"{kind}/bs{batch_size}/scores"]
    found = next_item(model, log, CUTOFFS, ties, batch_size, least=2 if kind == "ns0" else 1)
    assert found.events == len(theirs_scores) == (6 if kind == "ns0" else 9)
    part = f"{kind}/bs{batch_size}/{ties}"
    assert [found.recall[n] for n in CUTOFFS] == pytest.approx(recorded[f"{part}/recall"].tolist(), abs=1e-12)
    assert [found.mrr[n] for n in CUTOFFS] == pytest.approx(recorded[f"{part}/mrr"].tolist(), abs=2e-7)
    expected = ranks(torch.from_numpy(theirs_scores), torch.from_numpy(log.item[found.row].astype(np.int64)), ties)
    assert np.array_equal(found.rank, expected)
    read = recorded[f"{kind}/bs{batch_size}/in_items"]
    assert log.item[found.row - 1].tolist() == read[read >= 0].tolist()


# --- by counting


@pytest.mark.parametrize("ties", [*TIES, "listed"])
def test_ranks_by_counting(ties: Any) -> None:
    scores = torch.from_numpy(np.random.default_rng(1).integers(0, 4, (60, 13)).astype(np.float32))
    scores[0], target = 2.0, torch.from_numpy(np.random.default_rng(2).integers(0, 13, 60))
    for row, right, found in zip(scores.tolist(), target.tolist(), ranks(scores, target, ties), strict=True):
        above, level = sum(s > row[right] for s in row), sum(s == row[right] for s in row)
        listed = sorted(range(13), key=lambda item, row=row: (-row[item], item)).index(right) + 1
        assert found == {"standard": above + 1, "conservative": above + level, "median": above + (level + 1) / 2, "listed": listed}[ties]


@pytest.mark.parametrize("ties", [*TIES, "listed"])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 512])
def test_every_event_but_the_first_of_each_session(ties: Any, batch_size: int) -> None:
    """The result does not depend on how many sessions go side by side, and no state reaches the next session."""
    model, log = Counting(), random_log()
    found = next_item(model, log, CUTOFFS, ties, batch_size)
    expected = by_prefixes(model, sessions_of(log), ties)
    assert by_session(found, log) == expected
    assert found.events == len(log) - log.n_users and len(set(found.row.tolist())) == found.events
    pooled = np.concatenate([np.array(mine) for mine in expected])
    assert found.recall == {n: pytest.approx(np.mean(pooled <= n)) for n in CUTOFFS}
    assert found.mrr == {n: pytest.approx(np.mean(np.where(pooled <= n, 1 / pooled, 0))) for n in CUTOFFS}


def test_means_are_over_events_not_over_batches_or_sessions() -> None:
    found = NextItem(np.array([1.0, 2.0, 20.0, 2.5]), np.arange(4), (1, 2, 20))
    assert found.recall == {1: 0.25, 2: 0.5, 20: 1.0}
    assert found.mrr == pytest.approx({1: 0.25, 2: 0.375, 20: (1 + 0.5 + 0.05 + 0.4) / 4})


def test_ending_early_leaves_out_the_last_sessions_events() -> None:
    model = Counting()
    log = Interactions(np.array([0, 0, 1, 1, 1, 1, 1]), np.array([1, 2, 3, 4, 5, 6, 7]), 2, N_ITEMS)
    assert next_item(model, log, CUTOFFS).events == 5 and next_item(model, log, CUTOFFS, least=2).events == 2


@pytest.mark.parametrize("ties", [*TIES, "listed"])
def test_going_on_from_what_is_known(ties: Any) -> None:
    """First events are asked for too, of those of whom something is known: nothing, one item, or more."""
    model, log = Counting(), random_log()
    earlier = [np.random.default_rng(user).integers(0, N_ITEMS, user % 4).tolist() for user in range(log.n_users)]
    user = np.repeat(np.arange(log.n_users), [len(of) for of in earlier])
    known = Interactions(user, np.concatenate([np.array(of, dtype=np.int64) for of in earlier]), log.n_users, N_ITEMS)
    expected = by_prefixes(model, sessions_of(log), ties, earlier)
    for batch_size in (1, 3, 512):
        assert by_session(next_item(model, log, CUTOFFS, ties, batch_size, known=known), log) == expected


def test_what_is_known_of_others_changes_nothing() -> None:
    model, log = Counting(), random_log(sessions=6)
    later = Interactions(log.user + 3, log.item, 9, N_ITEMS, time=log.time)
    known = Interactions(np.array([0, 0, 1]), np.array([3, 4, 5]), 9, N_ITEMS)
    assert np.array_equal(next_item(model, later, CUTOFFS, known=known).rank, next_item(model, later, CUTOFFS).rank)


# --- the edges


def test_nothing_to_predict() -> None:
    empty = Interactions(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), 0, N_ITEMS)
    single = Interactions(np.array([0, 1, 2]), np.array([3, 3, 3]), 3, N_ITEMS)
    for log in (empty, single):
        found = next_item(Counting(), log, CUTOFFS)
        assert found.events == 0 and found.recall == {} and found.mrr == {}


@pytest.mark.parametrize("place", ["own", "other"])
@pytest.mark.parametrize("ties", [*TIES, "listed"])
def test_a_score_that_is_no_number_is_an_error(place: str, ties: Any) -> None:
    """No score is greater than NaN, so a model that has diverged would seem perfect."""
    scores, target = torch.zeros(3, 5), torch.tensor([1, 2, 3])
    scores[1, 2 if place == "own" else 0] = torch.nan
    with pytest.raises(TurretError, match="not all numbers"):
        ranks(scores, target, ties)
    model = Counting()
    with torch.no_grad():
        model.items.weight[4, 4] = torch.nan
    with pytest.raises(TurretError, match="not all numbers"):
        next_item(model, random_log(), CUTOFFS, ties)


def test_the_model_is_at_rest_and_left_as_it_was() -> None:
    model = Counting().train()
    next_item(model, random_log(), CUTOFFS)
    assert model.training and not any(model.modes)
    result = next_item(model.eval(), random_log(), CUTOFFS)
    assert not model.training and isinstance(result.rank, np.ndarray)


def test_models_without_a_state_are_an_error() -> None:
    with pytest.raises(UnsupportedError, match="item by item"):
        next_item(nn.Linear(2, 2), random_log(), CUTOFFS)
