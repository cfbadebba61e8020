"""Environments for tests and benchmarks: which torch is taken, and what is refused. No environment is made."""

from __future__ import annotations

import pytest
from tools.environment import chosen, refuse_cuda, seen_by_uv

CPU = """\
numpy==1.26.0
    # via
    #   turret (pyproject.toml)
    #   scipy
sympy==1.14.0
    # via torch
torch==2.13.0+cpu
    # via turret (pyproject.toml)
"""
CUDA = CPU.replace("+cpu", "").replace("sympy==", "nvidia-cublas==13.0\n    # via torch\nsympy==")


def test_torch_comes_from_its_own_index_of_cpu_builds() -> None:
    torch = chosen(None, True, "2.13.0+cpu")
    assert torch.options == ("--torch-backend", "cpu")
    assert torch.constraint == ""


def test_without_the_index_the_cpu_build_that_is_here_is_taken_and_that_is_said() -> None:
    torch = chosen(None, False, "2.13.0+cpu")
    assert torch.options == ()
    assert torch.constraint == "torch==2.13.0+cpu"
    assert "cannot be reached" in torch.reason


@pytest.mark.parametrize("present", [None, "2.13.0", "2.13.0+cu130"])
def test_without_any_cpu_build_there_is_no_environment(present: str | None) -> None:
    with pytest.raises(SystemExit, match="no CPU build of torch is installed here"):
        chosen(None, False, present)


def test_what_is_asked_for_comes_first() -> None:
    assert chosen("2.6.0+cpu", True, "2.13.0+cpu").constraint == "torch==2.6.0+cpu"


def test_a_cuda_build_is_refused_before_it_is_installed() -> None:
    torch = chosen("2.6.0", False, None)
    refuse_cuda(CPU, torch)
    with pytest.raises(SystemExit, match=r"torch 2\.6\.0 as asked: that is a CUDA build, which brings nvidia-cublas;"):
        refuse_cuda(CUDA, torch)


def test_uv_looks_where_pip_does() -> None:
    assert seen_by_uv({"PIP_FIND_LINKS": "/a  /b"})["UV_FIND_LINKS"] == "/a,/b"
    assert seen_by_uv({"PIP_FIND_LINKS": "/a", "UV_FIND_LINKS": "/c"})["UV_FIND_LINKS"] == "/c"
    assert seen_by_uv({"HOME": "/h"}) == {"HOME": "/h"}
