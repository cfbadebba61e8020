"""DIN against its equations, written out row by row and choice by choice in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.batches.needs import needs_earlier_choices
from turret.core.context import Behaviours
from turret.core.errors import UnsupportedError
from turret.models.ranking.din import DIN
from turret.nn.dice import Dice


def model_of(shown: Any, scattered: Callable[[nn.Module], nn.Module], softmax: bool, activation: Any = "dice") -> Any:
    model = scattered(DIN(shown.schema, 3, 50, (5,), activation, softmax, (7, 4), activation, 0.0, 0.01))
    for place, module in enumerate(module for module in model.modules() if isinstance(module, Dice)):
        module.mean.fill_(0.3 - 0.2 * place)
        module.variance.fill_(1.5 + place)
    return model


def dense(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    bias = 0.0 if layer.bias is None else layer.bias.detach().numpy()
    return layer.weight.detach().numpy() @ x + bias


def dice(layer: Dice, s: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-(s - layer.mean.numpy()) / np.sqrt(layer.variance.numpy() + 1e-8)))
    return p * s + (1 - p) * layer.alpha.detach().numpy() * s


@pytest.mark.parametrize("softmax", [False, True])
def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module], softmax: bool) -> None:
    model = model_of(shown, scattered, softmax)
    impressions, behaviours = shown.impressions, shown.impressions.behaviours
    vectors = model.vectors(impressions).detach().numpy()
    table = model.vectors.table.weight.detach().numpy()
    unit, mlp = model.attention.unit.layers, model.mlp.layers
    for row, logit in enumerate(model(impressions)[:, 0].tolist()):
        shown_item = np.concatenate([vectors[row, 1], vectors[row, 2]])  # item and item.kind
        earlier, scores = [], []
        for item, kind in behaviours.tokens[row][behaviours.mask[row]].tolist():
            e = np.concatenate([table[4 + item], table[4 + 3 + kind]])
            hidden = dice(unit[1], dense(unit[0], np.concatenate([e, shown_item, e - shown_item, e * shown_item])))
            earlier.append(e)
            scores.append(dense(model.attention.out, hidden)[0])
        weights = np.exp(scores) / np.exp(scores).sum() if softmax else np.array(scores)
        interest = sum((weight * e for weight, e in zip(weights, earlier, strict=True)), np.zeros(6))
        a = np.concatenate([vectors[row].ravel(), interest])
        for place in (0, 3):
            a = dice(mlp[place + 1], dense(mlp[place], a))
        assert logit == pytest.approx(dense(model.out, a)[0], abs=1e-10)


@pytest.mark.parametrize(("activation", "each"), [("dice", lambda width: width), ("prelu", lambda width: width), ("relu", lambda width: 0)])
def test_number_of_parameters(shown: Any, activation: Any, each: Callable[[int], int]) -> None:
    model = DIN(shown.schema, 3, 50, (5,), activation, False, (7, 4), activation, 0.0, 0.01)
    unit = 4 * 6 * 5 + 5 + each(5) + 5 + 1
    network = (6 * 3 + 6) * 7 + 7 + each(7) + 7 * 4 + 4 + each(4) + 4 + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == 20 * 3 + unit + network


def test_who_chose_nothing_has_no_interest(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    """Also where nobody of the batch chose anything, in training too."""
    model = model_of(shown, scattered, softmax=False)
    tokens = shown.impressions.behaviours.tokens
    nobody = replace(shown.impressions, behaviours=Behaviours(torch.ones_like(tokens), torch.zeros(tokens.shape[:2], dtype=torch.bool)))
    torch.testing.assert_close(model(nobody)[1], model(shown.impressions)[1])
    assert model.train()(nobody).isfinite().all()


def test_padding_does_not_reach_the_statistics(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    behaviours = shown.impressions.behaviours
    wider = Behaviours(nn.functional.pad(behaviours.tokens, (0, 0, 0, 4)), nn.functional.pad(behaviours.mask, (0, 4)))
    one, other = (model_of(shown, scattered, softmax=True).train() for _ in range(2))
    torch.testing.assert_close(one(shown.impressions), other(replace(shown.impressions, behaviours=wider)))
    torch.testing.assert_close(one.attention.unit.layers[1].variance, other.attention.unit.layers[1].variance)


def test_a_dataset_without_times_is_refused(shown: Any) -> None:
    with pytest.raises(UnsupportedError, match="chose before"):
        needs_earlier_choices(replace(shown.schema, behaviour=()))
