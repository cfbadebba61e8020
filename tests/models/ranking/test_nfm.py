"""NFM against its equations."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.fm import FM
from turret.models.ranking.nfm import NFM


def test_parameters(shown: Any) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    plain = 1 + rows + rows * 3 + (3 * 7 + 7) + (7 * 4 + 4) + 4
    for batch_norm, more in ((False, 0), (True, 2 * 3 + 7 + 4)):
        assert sum(each.numel() for each in NFM(shown.schema, 3, (7, 4), 0.5, batch_norm, 0.01).parameters()) == plain + more


@pytest.mark.parametrize("batch_norm", [False, True])
def test_is_its_equations(shown: Any, scattered: Any, batch_norm: bool) -> None:
    """At rest, batch normalisation is by the means and variances that training has met, which are set here."""
    model = scattered(NFM(shown.schema, 3, (7, 4), 0.5, batch_norm, 0.01))
    norms = [each for each in model.modules() if isinstance(each, torch.nn.BatchNorm1d)]
    for number, norm in enumerate(norms, 1):
        norm.running_mean.fill_(0.1 * number)
        norm.running_var.fill_(0.5 * number)
    layers = [each for each in model.mlp.layers if isinstance(each, torch.nn.Linear)]

    def normalised(z: np.ndarray, place: int) -> np.ndarray:
        if not batch_norm:
            return z
        norm = norms[place]
        scale, shift, mean, var = (each.detach().numpy() for each in (norm.weight, norm.bias, norm.running_mean, norm.running_var))
        return scale * (z - mean) / np.sqrt(var + norm.eps) + shift

    assert len(norms) == 3 * batch_norm
    vectors = model.vectors(shown.impressions).detach().numpy()
    linear = model.linear(shown.impressions).squeeze(1).tolist()
    for v, y, logit in zip(vectors, linear, model(shown.impressions).squeeze(1).tolist(), strict=True):
        z = normalised(sum((v[i] * v[j] for i, j in combinations(range(6), 2)), np.zeros(3)), 0)
        for place, layer in enumerate(layers, 1):
            bias = 0 if batch_norm else layer.bias.detach().numpy()
            z = np.maximum(normalised(layer.weight.detach().numpy() @ z + bias, place), 0)
        assert logit == pytest.approx(y + float(model.out.weight.detach().numpy()[0] @ z), abs=1e-10)


def test_without_layers_and_h_of_ones_it_is_a_factorisation_machine(shown: Any, scattered: Any) -> None:
    nfm, fm = scattered(NFM(shown.schema, 3, (), 0.5, False, 0.01)), scattered(FM(shown.schema, 3, 0.01))
    nfm.linear.load_state_dict(fm.linear.state_dict())
    nfm.vectors.load_state_dict(fm.vectors.state_dict())
    torch.nn.init.ones_(nfm.out.weight)
    torch.testing.assert_close(nfm(shown.impressions), fm(shown.impressions))
