"""The second-order term against the double sum that defines it."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from turret.nn.fm import bi_interaction, second_order


@given(fields=st.integers(1, 9), width=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_second_order_is_the_sum_over_pairs(fields: int, width: int, seed: int) -> None:
    vectors = torch.randn(4, fields, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    pairs = [(vectors[:, i] * vectors[:, j]).sum(dim=1) for i in range(fields) for j in range(i + 1, fields)]
    expected = torch.stack(pairs).sum(dim=0) if pairs else torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close(second_order(vectors), expected)


@given(fields=st.integers(1, 9), width=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_bi_interaction_is_the_sum_of_products(fields: int, width: int, seed: int) -> None:
    vectors = torch.randn(4, fields, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = torch.zeros(4, width, dtype=torch.float64)
    for i in range(fields):
        for j in range(i + 1, fields):
            expected += vectors[:, i] * vectors[:, j]
    torch.testing.assert_close(bi_interaction(vectors), expected)
