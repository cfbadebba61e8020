"""What of the machine a run computes with: how many threads, and whether bits may depend on their number.

They may, in the products and sums of torch and of BLAS, which are cut into as many pieces as there are threads and added up piece by piece.
Our own kernels cut nothing within a row. So a deterministic run gives torch and BLAS one thread, and keeps the kernels on all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from turret.api.job import Running
from turret.core.errors import UnsupportedError
from turret.kernels.parallel import kernels_on, threads

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""By this variable of the environment cuBLAS is told to add up in one order."""


@contextmanager
def settled(running: Running) -> Iterator[None]:
    """Computes for a while as a run asks for; then the process's own settings come back.

    Raises:
        UnsupportedError: a deterministic run on a device comes to an operation for which torch has no such algorithm there.
    """
    before, count = torch.get_num_threads(), running.threads or threads()
    with ExitStack() as settings:
        if running.deterministic:
            settings.enter_context(kernels_on(count))
            settings.enter_context(_one_thread_of_blas())
            if torch.device(running.device).type != "cpu":
                settings.enter_context(_one_order_on_device())
        elif running.threads is not None:
            settings.callback(torch.set_num_threads, before)
            torch.set_num_threads(count)
        yield


@contextmanager
def _one_thread_of_blas() -> Iterator[None]:
    """Leaves the BLAS and LAPACK of NumPy and SciPy one thread each; torch's go by torch's own number."""
    import scipy.linalg  # noqa: F401 - what is loaded later would not be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


@contextmanager
def _one_order_on_device() -> Iterator[None]:
    """Lets torch use on devices only algorithms that add up in one order."""
    os.environ.setdefault(WORKSPACE, ":4096:8")  # read when cuBLAS first computes, which nothing has done yet
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        said = str(error).split(", but you set")[0]
        raise UnsupportedError(f"this run cannot be deterministic: {said}\n  Leave out --deterministic, or use the CPU.") from None
    finally:
        torch.use_deterministic_algorithms(before)
