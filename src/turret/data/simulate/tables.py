"""What is known beside the log: features of users and items, a knowledge graph and friendships. All of them carry signal about taste.

A community is seen through its members' occupations and ages, a taste through its items' genres and through the people who made them, what
follows an item through the knowledge graph too, and a user's own tastes through friends. Each of them is blurred by some noise, so that a
model which reads them can learn something, and none of them tells everything.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from turret.core.interactions import IntArray
from turret.core.seeds import numpy_generator
from turret.data.simulate.truth import Truth
from turret.data.simulate.words import GENRES, OCCUPATIONS, title

FAITHFUL = 0.85
"""How often a feature, a maker or a friend follows from taste; the other times it is anybody's guess."""
LAST_YEAR, YEARS_BACK = 2024, 14.0
MAKERS = {"directed_by": ("director", 1), "written_by": ("writer", 1), "starring": ("actor", 3)}
"""For each relation, what its tail is called and how many of them an item has."""
ITEMS_A_MAKER = 6
"""How many items a maker has per place, about."""
FOLLOWED_BY, FOLLOWERS = "followed_by", 3
"""The relation from an item to what comes after it, and to how many of its successors, the most likely ones."""
ACQUAINTANCES = 12
"""Members of the community among whom a friend is the one of the most similar tastes."""


def users(truth: Truth) -> Iterator[str]:
    """The lines of the .user file."""
    rng = numpy_generator(truth.seed, "user features")
    groups, n = truth.settings.communities, truth.settings.users
    usual = rng.integers(0, len(OCCUPATIONS), (groups, 3))
    age, men = rng.uniform(18, 60, groups), rng.beta(2.0, 2.0, groups)
    community = truth.community
    follows = rng.random(n) < FAITHFUL
    occupation = np.where(follows, usual[community, rng.integers(0, 3, n)], rng.integers(0, len(OCCUPATIONS), n))
    ages = np.clip(np.rint(age[community] + 7 * rng.standard_normal(n)), 10, 90).astype(int)
    male = rng.random(n) < men[community]
    yield "user_id:token\tage:float\tgender:token\toccupation:token"
    for user in range(n):
        yield f"{user + 1}\t{ages[user]}\t{'M' if male[user] else 'F'}\t{OCCUPATIONS[occupation[user]]}"


def items(truth: Truth) -> Iterator[str]:
    """The lines of the .item file."""
    rng = numpy_generator(truth.seed, "item features")
    n = truth.settings.items
    years = LAST_YEAR - np.minimum(rng.exponential(YEARS_BACK, n), 100).astype(int)
    numbers = rng.permutation(n)
    genres = truth.item_tastes % len(GENRES)
    guess = np.where(rng.random(n) < FAITHFUL, genres[:, 0], rng.integers(0, len(GENRES), n))
    yield "item_id:token\ttitle:token_seq\trelease_year:token\tgenres:token_seq"
    for item in range(n):
        names = " ".join(GENRES[genre] for genre in sorted({*genres[item], guess[item]}))
        yield f"{item + 1}\t{title(int(numbers[item]))}\t{years[item]}\t{names}"


def links(truth: Truth) -> Iterator[str]:
    """The lines of the .link file: every item is an entity of the knowledge graph."""
    yield "item_id:token\tentity_id:token"
    for item in range(truth.settings.items):
        yield f"{item + 1}\twork.{item + 1}"


def triples(truth: Truth) -> Iterator[str]:
    """The lines of the .kg file: who made what, and what follows what. Most makers stay with one taste."""
    rng = numpy_generator(truth.seed, "knowledge")
    n, tastes = truth.settings.items, truth.settings.tastes
    yield "head_id:token\trelation_id:token\ttail_id:token"
    for relation, (maker, places) in MAKERS.items():
        a_taste = max(2, round(n / tastes / ITEMS_A_MAKER * places))
        taste = np.where(rng.random((n, places)) < FAITHFUL, truth.item_tastes[:, :1], rng.integers(0, tastes, (n, places)))
        who = taste * a_taste + rng.integers(0, a_taste, (n, places))
        for item in range(n):
            for person in sorted(set(who[item].tolist())):
                yield f"work.{item + 1}\t{relation}\t{maker}.{person + 1}"
    follows = rng.random((n, FOLLOWERS)) < FAITHFUL
    after = np.where(follows, truth.successors[:, :FOLLOWERS], rng.integers(0, n, (n, FOLLOWERS)))
    for item in range(n):
        for other in sorted(set(after[item].tolist()) - {item}):
            yield f"work.{item + 1}\t{FOLLOWED_BY}\twork.{other + 1}"


def friendships(truth: Truth) -> IntArray:
    """Who befriends whom, int64 [n, 2] of user numbers from 1, each friendship in both directions: the rows of the .net file.

    Of some members of the same community a user befriends the one whose tastes are the most like its own.
    """
    rng = numpy_generator(truth.seed, "friends")
    n = truth.settings.users
    proposer = np.repeat(np.arange(n), rng.poisson(truth.settings.friends, n))
    members = np.argsort(truth.community, kind="stable")
    sizes = np.bincount(truth.community, minlength=truth.settings.communities)
    first = np.cumsum(sizes) - sizes
    group = truth.community[proposer]
    places = first[group] + (rng.random((ACQUAINTANCES, len(proposer))) * sizes[group]).astype(np.int64)
    near = _most_alike(truth, proposer, members[places])
    other = np.where(rng.random(len(proposer)) < FAITHFUL, near, rng.integers(0, n, len(proposer)))
    pairs = np.stack([np.minimum(proposer, other), np.maximum(proposer, other)], axis=1)[proposer != other]
    codes = np.unique(pairs[:, 0] * n + pairs[:, 1])
    both = np.sort(np.concatenate([codes, codes % n * n + codes // n]))
    return np.stack([both // n + 1, both % n + 1], axis=1)


def _most_alike(truth: Truth, users: IntArray, others: IntArray) -> IntArray:
    """Of `others` [A, n] the one whose tastes are the most like those of each of `users` [n]: int64 [n].

    Tastes are alike by the inner product of their shares; popularity, which is everybody's, is none.
    """
    alike = np.zeros(others.shape)
    for mine in range(truth.tastes.shape[1] - 1):
        for theirs in range(truth.tastes.shape[1] - 1):
            same = truth.tastes[users, mine] == truth.tastes[others, theirs]
            alike += same * truth.shares[users, mine] * truth.shares[others, theirs]
    alike[others == users] = -1.0
    return np.asarray(others[alike.argmax(axis=0), np.arange(len(users))])
