"""Bilinear products against a loop over pairs."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from turret.core.errors import UnsupportedError
from turret.nn.bilinear import Bilinear, BilinearKind


@pytest.mark.parametrize(("kind", "matrices"), [("all", 1), ("each", 4), ("interaction", 10)])
def test_each_pair_has_the_matrix_of_its_kind(kind: BilinearKind, matrices: int) -> None:
    layer = Bilinear(fields=5, width=3, kind=kind).double()
    fields = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert layer.weight.shape == (matrices, 3, 3)
    out = layer(fields)
    assert out.shape == (4, layer.count, 3)
    for place, (i, j) in enumerate(combinations(range(5), 2)):
        matrix = layer.weight[{"all": 0, "each": i, "interaction": place}[kind]]
        expected = torch.stack([(matrix.T @ row[i]) * row[j] for row in fields])
        torch.testing.assert_close(out[:, place], expected)


def test_one_field_has_no_pair() -> None:
    with pytest.raises(UnsupportedError, match="pairs"):
        Bilinear(1, 3, "all")
