"""Features and graphs carry signal, and not all of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from turret.data.simulate import Simulation, Truth, tables
from turret.data.simulate.draw import draw
from turret.data.simulate.words import GENRES, OCCUPATIONS


@pytest.fixture(scope="module")
def truth() -> Truth:
    return draw(Simulation(users=1200, items=1500, interactions=40_000), seed=1)


def rows(lines: object) -> list[list[str]]:
    return [line.split("\t") for line in lines][1:]  # type: ignore[attr-defined]


def contingency(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    return table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]


def test_friends_share_taste(truth: Truth) -> None:
    pairs = tables.friendships(truth) - 1
    assert np.array_equal(np.unique(pairs, axis=0), pairs)
    assert {tuple(pair) for pair in pairs.tolist()} == {(b, a) for a, b in pairs.tolist()}
    assert (pairs[:, 0] != pairs[:, 1]).all()
    taste = truth.taste(np.arange(1200)) / np.sqrt(truth.popularity)
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    likeness = taste @ taste.T
    together = truth.community[:, None] == truth.community
    others = ~np.eye(1200, dtype=bool)
    friends, members = likeness[pairs[:, 0], pairs[:, 1]].mean(), likeness[together & others].mean()
    assert friends > 1.2 * members > 1.2 * likeness[others].mean()
    assert friends > 1.5 * likeness[others].mean()


def test_makers_stay_with_a_taste(truth: Truth) -> None:
    triples = rows(tables.triples(truth))
    assert {relation for _, relation, _ in triples} == {"directed_by", "written_by", "starring", "followed_by"}
    triples = [triple for triple in triples if triple[1] != "followed_by"]
    films: dict[str, list[int]] = {}
    for head, _, tail in triples:
        films.setdefault(tail, []).append(int(head.removeprefix("work.")) - 1)
    same = total = 0
    for items in films.values():
        main = truth.item_tastes[items, 0]
        same += sum(int((main == taste).sum()) - 1 for taste in main)
        total += len(items) * (len(items) - 1)
    # any two items share their first taste once in 24 times; two faithful works of one maker always
    assert 0.5 < same / total < 0.95
    assert {line.split("\t")[1] for line in tables.links(truth)} - {"entity_id:token"} >= {head for head, _, _ in triples}


def test_what_follows_an_item_is_mostly_one_of_its_likeliest_successors(truth: Truth) -> None:
    pairs = [(head, tail) for head, relation, tail in rows(tables.triples(truth)) if relation == "followed_by"]
    assert len(set(pairs)) == len(pairs)
    items, others = (np.array([int(end.removeprefix("work.")) - 1 for end in ends]) for ends in zip(*pairs, strict=True))
    assert (items != others).all()
    right = (truth.successors[items, :3] == others[:, None]).any(axis=1)
    assert 0.75 < right.mean() < 0.95


def test_genres_tell_of_tastes_with_some_noise(truth: Truth) -> None:
    items = rows(tables.items(truth))
    true = [{GENRES[taste % len(GENRES)] for taste in tastes} for tastes in truth.item_tastes]
    written = [set(row[3].split(" ")) for row in items]
    assert all(right <= said <= set(GENRES) for right, said in zip(true, written, strict=True))
    more = np.mean([said > right for right, said in zip(true, written, strict=True)])
    assert 0.05 < more < 0.25
    assert all(1900 < int(row[2]) <= 2024 for row in items)


def test_occupations_and_ages_tell_of_communities(truth: Truth) -> None:
    users = rows(tables.users(truth))
    occupation = np.array([OCCUPATIONS.index(row[3]) for row in users])
    test = chi2_contingency(contingency(truth.community, occupation))
    assert test.pvalue < 1e-12
    age = np.array([float(row[1]) for row in users])
    within = np.mean([age[truth.community == group].var() for group in range(12)])
    assert within < 0.6 * age.var()
    assert {row[2] for row in users} == {"F", "M"}
