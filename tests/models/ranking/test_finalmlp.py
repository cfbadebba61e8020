"""FinalMLP against its equations."""

from __future__ import annotations

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.core.features import Schema
from turret.models.ranking import finalmlp

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


def build(schema: Schema, first_context: tuple[str, ...] = ()) -> finalmlp.FinalMLP:
    return finalmlp.FinalMLP(schema, 3, ((7, 4), (6,)), (first_context, ("item.kind", "item")), (5,), 2, 0.5, False, 0.01)


@pytest.mark.parametrize(("context", "read"), [((), 3 + (3 * 5 + 5)), (("user",), 3 * 5 + 5)])
def test_has_as_many_parameters_as_its_equations(shown, context, read) -> None:
    """A learnt context is a vector of its own."""
    gates = read + (6 * 5 + 5) + 2 * (5 * 18 + 18)
    streams = (18 * 7 + 7) + (7 * 4 + 4) + (18 * 6 + 6)
    fusion = (4 + 6 + 1) + 2 * (2 * 3)
    assert sum(parameter.numel() for parameter in build(shown.schema, context).parameters()) == TABLE * 3 + gates + streams + fusion


@pytest.mark.parametrize("context", [(), ("user",)])
def test_is_its_equations(shown, scattered, context, affine, relu_layers) -> None:
    model = scattered(build(shown.schema, context))
    for fields, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).tolist(), strict=True):
        contexts = (fields[0] if context else model.first[0].learnt[0].detach().numpy().ravel(), np.concatenate([fields[2], fields[1]]))
        o = []
        for (selection, mlp), x in zip((model.first, model.second), contexts, strict=True):
            gate = affine(selection.out, relu_layers(selection.gate, x))
            o.append(relu_layers(mlp, 2 / (1 + np.exp(-gate)) * fields.ravel()))
        y = affine(model.fusion.linear, np.concatenate(o))
        for head, weight in enumerate(model.fusion.weight.detach().numpy()):
            for n in range(2):
                for m in range(3):
                    y += o[0][2 * head + n] * weight[n, m] * o[1][3 * head + m]
        assert logit == pytest.approx(y, rel=1e-10, abs=1e-10)


def test_a_context_that_is_not_there_is_an_error(shown) -> None:
    with pytest.raises(InputError, match=r"'user.age'.*\n.*user, item, item.kind"):
        build(shown.schema, ("user.age",))


def test_heads_divide_the_streams() -> None:
    with pytest.raises(ValueError, match="fusion_heads"):
        finalmlp.Config(mlp_layers=(8,), second_mlp_layers=(9,), fusion_heads=2)
