"""The oracle, against sums over all walks and against other ways to rank."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import expit

from turret.batches.history import Histories, contexts_of
from turret.core.context import ALL, Context, History, Impressions, Reads
from turret.core.contracts import Catalogue
from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import Interactions
from turret.data.columns import Tokens
from turret.data.prepared import Entities, Part, Prepared
from turret.data.simulate import ClickedOracle, Oracle, RankingOracle, Simulation, Truth, log
from turret.data.simulate import oracle as module
from turret.data.simulate.draw import draw
from turret.data.vocabulary import Vocabulary

TINY_ITEMS = 7


def tiny(transition: float) -> Truth:
    """One user and seven items, small enough to sum over everything."""
    rng = np.random.default_rng(5)
    appeal = rng.random((3, TINY_ITEMS))
    return Truth(
        settings=Simulation.model_construct(users=1, items=TINY_ITEMS, tastes=2, transition=transition),
        seed=0,
        lengths=np.array([5]),
        community=np.zeros(1, dtype=np.int32),
        tastes=np.array([[0, 1, 2]], dtype=np.int32),
        shares=np.array([[0.6, 0.2, 0.2]]),
        generosity=np.zeros(1),
        item_tastes=np.zeros((TINY_ITEMS, 2), dtype=np.int32),
        strengths=np.ones((TINY_ITEMS, 2)),
        popularity=appeal[2] / appeal[2].sum(),
        quality=np.zeros(TINY_ITEMS),
        appeal=sp.csr_matrix(appeal / appeal.sum(axis=1, keepdims=True)),
        successors=np.stack([np.roll(np.arange(TINY_ITEMS), shift) for shift in (-1, 2)], axis=1).astype(np.int32),
        successor_shares=np.array([0.7, 0.3]),
    )


def prepared(n_users: int, n_items: int, parts: dict[str, tuple[np.ndarray, np.ndarray]], *, ordered: bool) -> Prepared:
    people, things = (Entities(Vocabulary.of(str(number + 1) for number in range(n))) for n in (n_users, n_items))
    tables = {name: Part(Interactions(user, item, n_users, n_items)) for name, (user, item) in parts.items()}
    return Prepared("log", n_users, n_items, people, things, tables, time_ordered=ordered)


def split(held: float, n_items: int = TINY_ITEMS) -> Prepared:
    """A single user's random split in which the share `held` of the rows is held out."""
    train, test = round(1000 * (1 - held)), round(1000 * held)
    parts = {
        name: (np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)) for name, n in (("train", train), ("valid", 0), ("test", test))
    }
    return prepared(1, n_items, parts, ordered=False)


def after(*items: int) -> Context:
    history = torch.tensor([items], dtype=torch.int64).reshape(1, -1)
    return Context(torch.tensor([0]), History(history, torch.ones_like(history, dtype=torch.bool)))


def test_expected_visits_are_the_sum_over_all_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the plain double sum over the length of a gap and the step in it, for a walk that may come back."""
    monkeypatch.setattr(module, "NEGLIGIBLE", 1e-15)
    truth, q = tiny(0.4), 0.25
    taste = truth.taste(np.array([0]))[0]
    step = 0.6 * taste + 0.4 * truth.transitions.toarray()
    powers = [np.linalg.matrix_power(step, s) for s in range(60)]

    def between(a: int, b: int) -> np.ndarray:
        weights = [q**m * powers[m + 1][a, b] for m in range(50)]
        visits = [q**m * powers[s][a] * powers[m + 1 - s][:, b] for m in range(50) for s in range(1, m + 1)]
        return np.sum(visits, axis=0) / np.sum(weights)

    def before(b: int) -> np.ndarray:
        weights = [q**m * (taste @ powers[m])[b] for m in range(50)]
        visits = [q**m * (taste @ powers[s]) * powers[m - s][:, b] for m in range(50) for s in range(m)]
        return np.sum(visits, axis=0) / np.sum(weights)

    def beyond(a: int) -> np.ndarray:
        return np.sum([q**s * powers[s][a] for s in range(1, 50)], axis=0)

    oracle = Oracle(truth, split(q))
    for history in ((3, 1, 4), (2, 2), (5,)):
        expected = before(history[0]) + beyond(history[-1]) + sum(between(a, b) for a, b in itertools.pairwise(history))
        assert np.allclose(oracle.score_all(after(*history)).numpy()[0], expected, rtol=1e-5)


def test_the_random_split_is_ranked_as_well_as_anyone_could() -> None:
    """Against the Bayes-optimal ranking, from all walks of four different items and all ways to hold rows out."""
    truth, q, length, k = tiny(0.4), 0.3, 4, 2
    taste = truth.taste(np.array([0]))[0]
    step = 0.6 * taste + 0.4 * truth.transitions.toarray()
    held_out: dict[tuple[int, ...], np.ndarray] = defaultdict(lambda: np.zeros(TINY_ITEMS))
    for walk in itertools.permutations(range(TINY_ITEMS), length):
        probability, left = 1.0, np.ones(TINY_ITEMS, dtype=bool)
        for place, item in enumerate(walk):
            law = (taste if place == 0 else step[walk[place - 1]]) * left
            probability *= law[item] / law.sum()
            left[item] = False
        for kept in itertools.product((True, False), repeat=length):
            known = tuple(item for item, keep in zip(walk, kept, strict=True) if keep)
            weight = probability * np.prod([1 - q if keep else q for keep in kept])
            held_out[known][[item for item, keep in zip(walk, kept, strict=True) if not keep]] += weight
    best = reached = by_taste = 0.0
    everything = contexts_of(list(held_out), Oracle.reads)
    all_scores = Oracle(truth, split(q)).score_all(replace(everything, users=torch.zeros(len(held_out), dtype=torch.int64))).numpy()
    for (known, gains), scores in zip(held_out.items(), all_scores, strict=True):
        scores[list(known)] = -np.inf
        unseen = taste.copy()
        unseen[list(known)] = -np.inf
        best += np.sort(gains)[::-1][:k].sum()
        reached += gains[np.argsort(-scores)[:k]].sum()
        by_taste += gains[np.argsort(-unseen)[:k]].sum()
    assert reached <= best * (1 + 1e-9)
    # four of seven items: a case where coming back, which the formula allows, matters more than in any log
    assert reached > 0.98 * best
    assert reached > 1.01 * by_taste


def test_the_next_item_is_ranked_by_its_law() -> None:
    truth = tiny(0.4)
    rows = np.zeros(5, dtype=np.int64)
    data = prepared(
        1, TINY_ITEMS, {"train": (rows, np.arange(5)), "valid": (rows[:0], rows[:0]), "test": (rows[:1], rows[:1])}, ordered=True
    )
    scores = Oracle(truth, data).score_all(after(3, 1))
    assert np.allclose(scores.numpy(), truth.next(np.array([0]), np.array([1])))
    nothing = Context(torch.tensor([0]), History(torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.bool)))
    assert np.allclose(Oracle(truth, data).score_all(nothing).numpy(), truth.taste(np.array([0])))


def test_several_steps_ahead_the_walk_is_followed() -> None:
    truth = tiny(0.4)
    rows = np.zeros(5, dtype=np.int64)
    data = prepared(
        1, TINY_ITEMS, {"train": (rows, np.arange(5)), "valid": (rows[:0], rows[:0]), "test": (rows[:3], rows[:3])}, ordered=True
    )
    step = 0.6 * truth.taste(np.array([0]))[0] + 0.4 * truth.transitions.toarray()
    expected = sum(np.linalg.matrix_power(step, s)[4] for s in (1, 2, 3))
    assert np.allclose(Oracle(truth, data).score_all(after(0, 4)).numpy()[0], expected)


SETTINGS = Simulation(users=500, items=400, interactions=25_000, tastes=12, communities=6)


@pytest.fixture(scope="module")
def world() -> tuple[Truth, np.ndarray, np.ndarray]:
    truth = draw(SETTINGS, seed=2)
    block = next(log.ratings(truth))
    return truth, block.users, block.items


def ndcg(scores: np.ndarray, known: np.ndarray, wanted: np.ndarray, k: int = 10) -> float:
    """Mean NDCG@k over the users who have something wanted; known, wanted: bool [U, I]."""
    top = np.argsort(-np.where(known, -np.inf, scores), axis=1, kind="stable")[:, :k]
    discount = 1 / np.log2(np.arange(k) + 2)
    gains = (np.take_along_axis(wanted, top, axis=1) * discount).sum(axis=1)
    ideal = np.array([discount[: min(k, n)].sum() for n in wanted.sum(axis=1)])
    return float((gains[ideal > 0] / ideal[ideal > 0]).mean())


def rivals(train: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of other ways to rank, from bool [U, I]."""
    x = train.astype(float)
    gram = x.T @ x
    norm = np.sqrt(np.maximum(np.diag(gram), 1))
    cosine = gram / np.outer(norm, norm)
    np.fill_diagonal(cosine, 0)
    inverse = np.linalg.inv(gram + 50 * np.eye(len(gram)))
    ease = -inverse / np.diag(inverse)
    np.fill_diagonal(ease, 0)
    random = np.random.default_rng(0).random(x.shape)
    return {"random": random, "popularity": np.tile(x.sum(axis=0), (len(x), 1)), "item-kNN": x @ cosine, "EASE": x @ ease}


def table(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    seen = np.zeros((500, 400), dtype=bool)
    seen[users, items] = True
    return seen


@pytest.mark.parametrize("ordered", [False, True])
def test_no_rival_comes_near_the_oracle_and_learning_pays(world: tuple[Truth, np.ndarray, np.ndarray], ordered: bool) -> None:
    truth, users, items = world
    if ordered:
        held = np.append(users[1:] != users[:-1], True)
    else:
        held = np.random.default_rng(1).random(len(users)) < 0.2
    parts = {"train": (users[~held], items[~held]), "valid": (users[:0], items[:0]), "test": (users[held], items[held])}
    data = prepared(500, 400, parts, ordered=ordered)
    oracle = Oracle(truth, data)
    assert isinstance(oracle, Catalogue)
    context = Histories(data.train, Reads(user=True, history=ALL), 500, 400).context(torch.arange(500))
    scores = oracle.score_all(context).numpy()
    known, wanted = table(*parts["train"]), table(*parts["test"])
    reached = {name: ndcg(rival, known, wanted) for name, rival in rivals(known).items()}
    best = ndcg(scores, known, wanted)
    reached["taste"] = ndcg(truth.taste(np.arange(500)), known, wanted)
    assert best > 1.1 * max(reached.values()), (best, reached)
    assert reached["EASE"] > 1.1 * reached["popularity"] > 3 * reached["random"], reached
    if not ordered:
        # the expected number of held-out rows is what it should be
        assert scores.sum() == pytest.approx(held.sum(), rel=0.1)


def test_clicks_are_ranked_by_what_is_shown_and_clicked(world: tuple[Truth, np.ndarray, np.ndarray]) -> None:
    truth, _, _ = world
    shown = next(log.impressions(truth))
    clicked = shown.outcomes == 1
    users, items = shown.users[clicked], shown.items[clicked]
    held = np.random.default_rng(1).random(len(users)) < 0.2
    oracle = ClickedOracle(
        truth, prepared(500, 400, {"train": (users[~held], items[~held]), "test": (users[held], items[held])}, ordered=False)
    )
    assert isinstance(oracle, Catalogue)
    scores = oracle.score_all(Context(users=torch.arange(500))).numpy()
    known, wanted = table(users[~held], items[~held]), table(users[held], items[held])
    # calibrated: each tenth of the pairs was clicked as often as foretold
    for tenth in np.array_split(np.argsort(scores.ravel()), 10)[5:]:
        assert (known | wanted).ravel()[tenth].sum() == pytest.approx(scores.ravel()[tenth].sum(), rel=0.1)
    reached = {name: ndcg(rival, known, wanted) for name, rival in rivals(known).items()}
    assert ndcg(scores, known, wanted) > 1.15 * max(reached.values()), reached


def test_people_and_logs_that_the_truth_does_not_know_are_refused(world: tuple[Truth, np.ndarray, np.ndarray]) -> None:
    truth = tiny(0.4)
    oracle = Oracle(truth, split(0.2))
    history = History(torch.tensor([[1]]), torch.tensor([[True]]))
    with pytest.raises(UnsupportedError, match="never saw"):
        oracle.score_all(Context(torch.tensor([-1]), history))
    with pytest.raises(UnsupportedError, match="never saw"):
        ClickedOracle(tiny(0.4), split(0.2)).score_all(Context(torch.tensor([-1])))
    with pytest.raises(InputError, match="does not know"):
        Oracle(truth, split(0.2, n_items=8))


def test_items_that_training_never_saw_have_no_column() -> None:
    data = split(0.2)
    fewer = Prepared("log", 1, 4, data.users, data.items, data.parts)
    assert Oracle(tiny(0.4), fewer).score_all(after(1)).shape == (1, 4)


def test_the_ranking_oracle_gives_the_true_logits(world: tuple[Truth, np.ndarray, np.ndarray]) -> None:
    truth, _, _ = world
    shown = next(log.impressions(truth))
    assert shown.positions is not None
    data = prepared(500, 400, {"train": (shown.users, shown.items)}, ordered=False)
    places = Vocabulary.of(str(place) for place in (3, 1, 2, *range(4, 11)))
    ids = np.array([places.id(str(place)) for place in shown.positions]) + 1  # type: ignore[operator]
    part = Part(data.train, {"position": Tokens(ids.astype(np.int32), places)})
    data = Prepared("log", 500, 400, data.users, data.items, {"train": part})
    tokens = torch.tensor(np.stack([shown.users + 1, shown.items + 1, np.zeros_like(ids), ids], axis=1))
    batch = Impressions(tokens, torch.zeros(len(ids), 0), {}, torch.tensor(shown.outcomes)[:, None].float())
    fields = ("user", "item", "user.gender", "position")
    logits = RankingOracle(truth, data, fields, truth.click_logit)(batch)
    assert logits.shape == (len(ids), 1)
    true = truth.click_logit(shown.users, shown.items, shown.positions)
    assert np.allclose(logits[:, 0].numpy(), true, atol=1e-5)
    # no constant, and no shuffled truth, predicts the clicks as well
    loss = log_loss(expit(true), shown.outcomes)
    assert loss < 0.93 * log_loss(np.full(len(ids), shown.outcomes.mean()), shown.outcomes)
    assert loss < log_loss(expit(0.8 * true), shown.outcomes)
    assert loss < log_loss(expit(1.25 * true), shown.outcomes)


def test_the_ranking_oracle_of_ratings_needs_no_positions(world: tuple[Truth, np.ndarray, np.ndarray]) -> None:
    truth, users, items = world
    data = prepared(500, 400, {"train": (users, items)}, ordered=False)
    batch = Impressions(torch.tensor(np.stack([users + 1, items + 1], axis=1)), torch.zeros(len(users), 0), {}, torch.zeros(len(users), 1))
    logits = RankingOracle(truth, data, ("user", "item"), truth.like_logit)(batch)
    assert np.allclose(logits[:, 0].numpy(), truth.like_logit(users, items), atol=1e-5)


def log_loss(probability: np.ndarray, label: np.ndarray) -> float:
    return float(-(label * np.log(probability) + (1 - label) * np.log1p(-probability)).mean())
