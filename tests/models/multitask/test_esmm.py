"""ESMM against its equations in float64, and its logit of a product where probabilities vanish."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.models.multitask.esmm import ESMM, logit_of_product


def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    model: Any = scattered(ESMM(shown.schema, 3, (7, 5), 0.3, 0.01, "sum", 1.5))
    towers = model.towers
    for x, found in zip(model.vectors(shown.impressions).flatten(1).detach().numpy(), model(shown.impressions).tolist(), strict=True):
        rates = []
        for task in range(2):
            a = x
            for layer in (towers.networks.layers[0], towers.networks.layers[3]):
                a = np.maximum(a @ layer.weight[task].detach().numpy() + layer.bias[task].detach().numpy(), 0)
            logit = a @ towers.out.weight[task].detach().numpy()[:, 0] + float(towers.out.bias[task].detach())
            rates.append(1 / (1 + np.exp(-logit)))
        both = rates[0] * rates[1]
        assert found == pytest.approx([np.log(rates[0] / (1 - rates[0])), np.log(both / (1 - both))], abs=1e-10)


def test_number_of_parameters(shown: Any) -> None:
    model = ESMM(shown.schema, 3, (7, 5), 0.3, 0.01, "sum", 1.5)
    assert sum(parameter.numel() for parameter in model.parameters()) == 20 * 3 + 2 * (18 * 7 + 7 + 7 * 5 + 5 + 5 + 1)


@pytest.mark.parametrize("a", [-700, -90, -2, 0, 3, 40, 700])
@pytest.mark.parametrize("b", [-700, -30, 0, 5, 90, 700])
def test_the_logit_of_a_product_is_exact_for_any_logits(a: float, b: float) -> None:
    """In rational numbers, from e^-a and e^-b as they are in floating point."""
    x, y = Fraction(math.exp(-a)), Fraction(math.exp(-b))
    odds = 1 / ((1 + x) * (1 + y) - 1)
    exact = math.log(odds.numerator) - math.log(odds.denominator)
    logits = torch.tensor([a, b], dtype=torch.float64, requires_grad=True)
    found = logit_of_product(*logits)
    assert float(found.detach()) == pytest.approx(exact, rel=1e-12, abs=1e-12)
    (slopes,) = torch.autograd.grad(found, logits)
    assert slopes.isfinite().all() and slopes.sum() >= 1 - 1e-12  # the odds fall at least as fast as those of the smaller factor


def test_a_conversion_is_never_likelier_than_its_click(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    logits = scattered(ESMM(shown.schema, 3, (7,), 0.0, 0.01, "sum", 1.5))(shown.impressions)
    assert (logits[:, 1] < logits[:, 0]).all()
