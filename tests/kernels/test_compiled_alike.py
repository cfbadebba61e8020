"""A process that compiles a kernel computes the same bits as one that finds it compiled."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import turret.kernels

MODULES = [importlib.import_module(f"turret.kernels.{each.name}") for each in pkgutil.iter_modules(turret.kernels.__path__)]
KERNELS = {id(value): value for module in MODULES for value in vars(module).values() if isinstance(value, Dispatcher)}.values()


def callees(kernel: Dispatcher) -> list[Dispatcher]:
    """The compiled functions that it calls, but for those that are written out before they are compiled."""
    known = kernel.py_func.__globals__
    called = (known.get(name) for name in kernel.py_func.__code__.co_names)
    return [each for each in called if isinstance(each, Dispatcher) and each.targetoptions.get("inline") != "always"]


def loose(kernel: Dispatcher) -> bool:
    """Whether the compiler may choose the order of its sums, or of those of what it calls."""
    return bool(kernel.targetoptions.get("fastmath")) or any(loose(each) for each in callees(kernel))


def test_what_may_be_reordered_is_written_out_in_its_callers() -> None:
    """See `kernels.apart`."""
    assert sum(map(loose, KERNELS)) > 10
    calls = [(kernel, each) for kernel in KERNELS for each in callees(kernel) if loose(each)]
    assert len(calls) > 10
    assert [f"{a.py_func.__name__} calls {b.py_func.__name__}" for a, b in calls if not b.targetoptions.get("forceinline")] == []


TRAINS = """
import hashlib
import numpy as np, torch
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue
from turret.training.config import Training

draw = np.random.default_rng(3)
lengths = draw.integers(1, 9, 200)
user = np.repeat(np.arange(200), lengths)
log = Interactions(user, draw.integers(0, 90, len(user)), 200, 90, time=np.arange(len(user)) * 1.0)
names = (Entities(Vocabulary.of(map(str, range(n)))) for n in (200, 90))
prepared = Prepared("walks", 200, 90, *names, {"train": Part(log)})
gru4rec = catalogue.load("gru4rec")
training = Training(learner="adagrad_momentum", learning_rate=0.1, momentum=0.3, batch_size=16, epochs=4)
config = gru4rec.Config(training=training, layers=(32,), n_sample=64)
torch.manual_seed(0)
model = gru4rec.build(config, prepared)
for _ in gru4rec.recipe(config, prepared).fit(model, 1, torch.device("cpu")):
    pass
print(hashlib.sha256(b"".join(value.detach().numpy().tobytes() for value in model.parameters())).hexdigest())
"""


@pytest.mark.slow
def test_the_first_run_on_a_machine_is_as_all_later_ones(tmp_path: Path) -> None:
    """GRU4Rec's loop, which is made of the most pieces."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert runs[0] == runs[1]
