"""Batch normalisation of a batch of one."""

from __future__ import annotations

import copy

import torch
from torch import nn

from turret.nn.batch_norm import BatchNorm
from turret.nn.mlp import MLP


def test_is_torchs_for_two_rows_and_more() -> None:
    torch.manual_seed(0)
    ours, theirs, x = BatchNorm(3), nn.BatchNorm1d(3), torch.randn(5, 3)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.running_var, theirs.running_var)


def test_one_row_in_training_goes_by_the_running_statistics() -> None:
    torch.manual_seed(0)
    norm = BatchNorm(3)
    norm(torch.randn(20, 3) * 2 + 1)
    before, row = copy.deepcopy(norm.state_dict()), torch.randn(1, 3)
    expected = (row - before["running_mean"]) / (before["running_var"] + norm.eps).sqrt()
    torch.testing.assert_close(norm(row), expected)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_a_network_trains_on_one_row_and_has_no_bias_that_the_normalisation_takes_away() -> None:
    network = MLP(4, (3, 2), batch_norm=True)
    network(torch.randn(1, 4)).sum().backward()
    assert sorted(name for name, _ in network.named_parameters()) == sorted(
        f"layers.{layer}.{name}" for layer, name in [(0, "weight"), (1, "weight"), (1, "bias"), (4, "weight"), (5, "weight"), (5, "bias")]
    )
