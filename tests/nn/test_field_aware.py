"""Field-aware products against a table that also has vectors for a field's own field."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from turret.nn.field_aware import FieldAwareProducts


@pytest.mark.parametrize("fields", [2, 3, 6])
def test_each_field_meets_another_with_the_vector_for_it(fields: int) -> None:
    towards = torch.randn(4, fields, fields, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    others = torch.stack([towards[:, i, [j for j in range(fields) if j != i]] for i in range(fields)], dim=1)
    products = FieldAwareProducts(fields)
    expected = [(towards[:, i, j] * towards[:, j, i]).sum(dim=1) for i, j in combinations(range(fields), 2)]
    assert products.count == len(expected)
    torch.testing.assert_close(products(others), torch.stack(expected, dim=1))
