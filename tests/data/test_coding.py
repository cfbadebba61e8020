"""Codes for tokens that come piece by piece, against sorting and a dictionary."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.data.arrow import Texts
from turret.data.coding import Coding, frequent
from turret.data.tables import Coded
from turret.data.vocabulary import Vocabulary


def texts(tokens: list[bytes]) -> Texts:
    """As the engine gives them: the bytes may begin amid others."""
    offsets = np.array(list(accumulate(map(len, tokens), initial=3)), dtype=np.int64)
    return Texts(np.frombuffer(b"abc" + b"".join(tokens), dtype=np.uint8), offsets)


def coded(pieces: list[list[bytes]]) -> Coded:
    coding = Coding()
    return coding.finished(np.concatenate([np.empty(0, dtype=np.int32), *(coding.numbers(texts(piece)) for piece in pieces)]))


def check(pieces: list[list[bytes]]) -> None:
    every = [token for piece in pieces for token in piece]
    expected = sorted(set(every) - {b""}, key=lambda token: (len(token), token))
    place = {token: index for index, token in enumerate(expected)} | {b"": -1}
    found = coded(pieces)
    assert [token.encode() for token in found.vocabulary] == expected
    assert found.codes.dtype == np.int32 and found.codes.tolist() == [place[token] for token in every]
    assert np.array_equal(found.vocabulary.order, np.arange(len(expected)))


TOKENS = st.one_of(
    st.text("ab", max_size=3), st.text("01\0é", min_size=6, max_size=10), st.text("x", max_size=40), st.integers(0, 10**18).map(str)
).map(str.encode)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(TOKENS, max_size=40), max_size=5))
def test_codes_are_those_of_sorted_tokens(pieces: list[list[bytes]]) -> None:
    check(pieces)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 16, 17, 1000])
def test_tables_grow_and_all_lengths_fit(length: int) -> None:
    generator = np.random.default_rng(length)
    letters = generator.integers(97, 123, size=(3_000, length), dtype=np.uint8)
    distinct = [row.tobytes() for row in letters]
    check([[distinct[place] for place in generator.integers(0, 100 * (piece + 1), 500)] for piece in range(30)])


def test_tokens_whose_hashes_are_alike_stay_apart() -> None:
    """One byte differs, each in turn; among so few slots most of them meet."""
    base = bytearray(b"a" * 24)
    alike = [bytes(base[:place] + bytes([value]) + base[place + 1 :]) for place in range(24) for value in range(1, 128)]
    check([alike, alike[::-1], alike[::7]])


def test_rare_tokens_count_as_missing() -> None:
    column = coded([[b"b", b"a", b"", b"a"], [b"ccc", b"b", b"a"]])
    assert frequent(column, 1) is column
    left = frequent(column, 2)
    assert list(left.vocabulary) == ["a", "b"] and left.codes.tolist() == [1, 0, -1, 0, -1, 1, 0]
    assert len(frequent(Coded(np.empty(0, dtype=np.int32), Vocabulary.of([])), 2).codes) == 0
