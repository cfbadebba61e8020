"""What a run computes with while it computes, and that the process has its own settings back after."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from turret.api.job import Running
from turret.api.machine import WORKSPACE, settled
from turret.core.errors import UnsupportedError
from turret.kernels import parallel

Settings = tuple[int, int, set[int], bool]


def now() -> Settings:
    """Threads of torch, of the kernels, and of each BLAS; whether torch refuses what adds up in any order."""
    blas = {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}
    return torch.get_num_threads(), parallel.threads(), blas, torch.are_deterministic_algorithms_enabled()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Two threads of each BLAS, which are loaded, and the same after."""
    np.linalg.inv(np.eye(2))
    import scipy.linalg  # noqa: F401

    with threadpool_limits(2, user_api="blas"):
        before = now()
        assert before[2] == {2}
        yield
        assert now() == before


def test_a_deterministic_run_leaves_threads_to_the_kernels_alone() -> None:
    with settled(Running(deterministic=True, threads=3)):
        assert now() == (1, 3, {1}, False)
        with settled(Running(deterministic=True)):
            assert now() == (1, 3, {1}, False), "what is asked inside goes on with what there is"
        with settled(Running(threads=2)):
            assert now()[0] == 2


def test_without_a_number_the_kernels_have_as_many_as_the_process() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    try:
        with settled(Running(deterministic=True)):
            assert now()[:2] == (1, 5)
    finally:
        torch.set_num_threads(before)


def test_another_run_has_its_threads_or_the_process_its_own() -> None:
    before = now()
    with settled(Running(threads=2)):
        assert now()[:2] == (2, 2)
    with settled(Running()):
        assert now() == before


def test_an_error_brings_everything_back() -> None:
    for running in (Running(deterministic=True, threads=2), Running(threads=2), on_a_device()):
        with pytest.raises(ZeroDivisionError), settled(running):
            raise ZeroDivisionError


def on_a_device() -> Running:
    return Running.model_construct(device="cuda", deterministic=True, threads=None)


def test_on_a_device_torch_refuses_what_adds_up_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    with settled(on_a_device()):
        assert torch.are_deterministic_algorithms_enabled() and os.environ[WORKSPACE] == ":4096:8"
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with pytest.raises(UnsupportedError, match=r"cannot be deterministic: .*put_.*\n  Leave out --deterministic"), settled(on_a_device()):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)
    assert os.environ[WORKSPACE] == ":16:8", "who has chosen a workspace keeps it"
    with pytest.raises(RuntimeError, match="shape"), settled(on_a_device()):
        torch.zeros(3) @ torch.zeros(4, 2)
