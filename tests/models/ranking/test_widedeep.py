"""Wide & Deep against its equations."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from turret.core.context import Impressions
from turret.core.errors import InputError
from turret.core.features import Categorical, Schema
from turret.models.ranking import widedeep

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


CROSSES = ("user*item", "user*item*item.kind")


def test_has_as_many_parameters_as_its_equations(shown) -> None:
    model = widedeep.WideDeep(shown.schema, CROSSES, 50, 3, (7, 4), 0.5, 0.01)
    deep = (18 * 7 + 7) + (7 * 4 + 4) + (4 + 1)
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * (3 + 1) + 2 * 50 + deep


def test_is_its_equations(shown, scattered, affine, relu_layers) -> None:
    """Equation 3, where phi is 1 for one combination of known categories: rows 0, 2 and 4 have a missing user or item, row 1 no kind."""
    model = scattered(widedeep.WideDeep(shown.schema, CROSSES, 50, 3, (7, 4), 0.5, 0.01))
    first_order, pair, triple = model.wide
    buckets = [cross.buckets(shown.impressions.tokens).tolist() for cross in (pair, triple)]
    linear, vectors = first_order(shown.impressions).tolist(), model.vectors(shown.impressions).detach().flatten(1).numpy()
    for row, logit in enumerate(model(shown.impressions).tolist()):
        y = linear[row] + affine(model.out, relu_layers(model.mlp, vectors[row]))
        if row in (1, 3):
            y += pair.weights.weight[buckets[0][row]].item()
        if row == 3:
            y += triple.weights.weight[buckets[1][row]].item()
        assert logit == pytest.approx(y, abs=1e-10)


def test_combinations_are_spread_over_the_buckets() -> None:
    """10,000 combinations of ids that differ little: all apart in 2^31 buckets but for chance, and evenly over 10."""
    schema = Schema((Categorical("a", 101), Categorical("b", 101)))
    tokens = torch.cartesian_prod(torch.arange(1, 101), torch.arange(1, 101))
    cross = widedeep.Cross(schema, "a*b", 10, 0.01)
    counts = Counter(cross.buckets(tokens).tolist())
    assert set(counts) == set(range(10))
    assert all(900 < count < 1100 for count in counts.values())
    cross = widedeep.Cross(schema, "a*b", 10_000_000, 0.01)
    assert len(set(cross.buckets(tokens).tolist())) > 9_980


def test_the_order_of_names_is_part_of_a_cross() -> None:
    schema = Schema((Categorical("a", 9), Categorical("b", 9)))
    tokens = torch.tensor([[1, 2], [2, 1]])
    one, other = widedeep.Cross(schema, "a*b", 1000, 0.01).buckets(tokens).tolist()
    assert one != other
    assert widedeep.Cross(schema, "b*a", 1000, 0.01).buckets(tokens).tolist() == [other, one]


@pytest.mark.parametrize(("cross", "message"), [("user*nothing", "'nothing'"), ("user", "crosses nothing")])
def test_a_cross_that_cannot_be_is_an_error(shown, cross, message) -> None:
    with pytest.raises(InputError, match=message):
        widedeep.WideDeep(shown.schema, (cross,), 50, 3, (7, 4), 0.5, 0.01)


def test_only_the_weight_of_the_combination_is_learnt(shown) -> None:
    cross = widedeep.Cross(shown.schema, "user*item", 50, 0.01)
    impressions: Impressions = shown.impressions
    cross(impressions).sum().backward()
    assert cross.weights.weight.grad is not None
    assert set(cross.weights.weight.grad[:, 0].nonzero()[:, 0].tolist()) == set(cross.buckets(impressions.tokens)[[1, 3]].tolist())
