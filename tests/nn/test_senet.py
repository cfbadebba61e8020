"""Squeeze and excitation by hand."""

from __future__ import annotations

import torch

from turret.nn.senet import SENet


def test_weighs_each_field() -> None:
    """Means 2 and -1 give a middle unit relu(1 * 2 + 1 * -1) = 1, weights relu(3) = 3 and relu(-1) = 0."""
    net = SENet(fields=2, reduction=3)
    with torch.no_grad():
        net.excitation[0].weight.copy_(torch.tensor([[1.0, 1.0]]))
        net.excitation[2].weight.copy_(torch.tensor([[3.0], [-1.0]]))
        out = net(torch.tensor([[[1.0, 3.0], [0.0, -2.0]]]))
    torch.testing.assert_close(out, torch.tensor([[[3.0, 9.0], [0.0, 0.0]]]))


def test_has_a_unit_for_each_few_fields() -> None:
    assert SENet(fields=11, reduction=3).excitation[0].weight.shape == (3, 11)
