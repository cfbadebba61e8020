from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.data.vocabulary import Vocabulary

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), unique=True, max_size=40)


@given(TEXTS, st.text(st.characters(codec="utf-8"), max_size=3))
def test_tokens_and_ids_are_inverse(tokens: list[str], other: str) -> None:
    vocabulary = Vocabulary.of(tokens)
    assert list(vocabulary) == tokens and len(vocabulary) == len(tokens)
    assert [vocabulary.id(token) for token in tokens] == list(range(len(tokens)))
    assert vocabulary.id(other) == (tokens.index(other) if other in tokens else None)


@given(TEXTS, TEXTS, st.randoms())
def test_taking_and_matching(tokens: list[str], others: list[str], random: object) -> None:
    ids = list(range(len(tokens)))
    random.shuffle(ids)  # type: ignore[attr-defined]
    taken = Vocabulary.of(tokens).take(np.array(ids[: len(ids) // 2], dtype=np.int64))
    wanted = [tokens[index] for index in ids[: len(ids) // 2]]
    assert list(taken) == wanted and [taken.id(token) for token in wanted] == list(range(len(wanted)))
    assert taken.ids(Vocabulary.of(others)).tolist() == [wanted.index(token) if token in wanted else -1 for token in others]


@given(st.lists(TEXTS, max_size=3))
def test_a_union_holds_each_once_in_the_order_of_ids(several: list[list[str]]) -> None:
    union = Vocabulary.union(Vocabulary.of(tokens) for tokens in several)
    every = {token.encode() for tokens in several for token in tokens}
    assert [token.encode() for token in union] == sorted(every, key=lambda token: (len(token), token))
    for tokens in several:
        assert union.tokens(union.encode(Vocabulary.of(tokens)) - 1) == tokens


def test_numbers_lie_in_numeric_order() -> None:
    vocabulary = Vocabulary.of(["10", "9", "100", "1"])
    assert vocabulary.tokens(vocabulary.order) == ["1", "9", "10", "100"]


def test_an_id_outside_is_an_error() -> None:
    with pytest.raises(IndexError):
        Vocabulary.of(["a"]).token(-1)


def test_a_look_up_among_a_million_needs_no_table_of_them() -> None:
    digits = np.char.zfill(np.arange(1_000_000).astype("U6"), 6)
    data = np.frombuffer("".join(digits).encode(), dtype=np.uint8)
    vocabulary = Vocabulary(data, np.arange(0, 6_000_001, 6), np.arange(1_000_000, dtype=np.int32))
    begin = time.process_time()
    assert [vocabulary.id(f"{index:06}") for index in range(0, 1_000_000, 10_000)] == list(range(0, 1_000_000, 10_000))
    assert vocabulary.id("1000000") is None and vocabulary.id("00000x") is None
    assert time.process_time() - begin < 0.3
