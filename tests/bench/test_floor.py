"""The floor under a case: the least seconds that its work can take."""

from __future__ import annotations

import pytest
import torch
from bench.peers.case import Work
from bench.peers.floor import Machine, floor_seconds, machine

MACHINES = [Machine(1e9, 4e9), Machine(2e9, 2e9), Machine(4e9, 1e9)]


@pytest.mark.parametrize(("operations", "moved", "seconds"), [(4e9, 2e9, 2.0), (4e9, 8e9, 4.0), (0.0, 1e9, 0.5)])
def test_it_is_the_longer_of_computing_and_moving_at_the_median_speed(operations: float, moved: float, seconds: float) -> None:
    assert floor_seconds(Work(operations, moved, ""), MACHINES) == pytest.approx(seconds)


def test_the_machine_is_measured_with_so_many_threads_and_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.peers.floor.ORDER", 64)
    monkeypatch.setattr("bench.peers.floor.COPIED", 1 << 16)
    before = torch.get_num_threads()
    found = machine(1)
    assert torch.get_num_threads() == before
    assert found.operations > 0
    assert found.moved > 0
