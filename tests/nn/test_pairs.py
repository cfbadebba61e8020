"""Pairs of fields against loops."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from turret.core.errors import UnsupportedError
from turret.nn.pairs import FieldPairs


@pytest.mark.parametrize("fields", [2, 3, 7])
def test_pairs_are_in_the_order_of_combinations(fields: int) -> None:
    pairs, vectors = FieldPairs(fields), torch.randn(4, fields, 5, generator=torch.Generator().manual_seed(1))
    expected = list(combinations(range(fields), 2))
    assert pairs.count == len(expected) == fields * (fields - 1) // 2
    left, right = pairs.sides(vectors)
    for place, (i, j) in enumerate(expected):
        assert torch.equal(left[:, place], vectors[:, i])
        assert torch.equal(right[:, place], vectors[:, j])
        assert torch.equal(pairs(vectors)[:, place], vectors[:, i] * vectors[:, j])


def test_pairs_are_no_part_of_what_is_saved() -> None:
    assert dict(FieldPairs(3).state_dict()) == {}


@pytest.mark.parametrize("fields", [0, 1])
def test_one_field_has_nothing_to_meet(fields: int) -> None:
    with pytest.raises(UnsupportedError, match=f"have {fields} in all"):
        FieldPairs(fields)
