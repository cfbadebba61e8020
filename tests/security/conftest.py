"""What the tests share: a command that runs in the test's process, and may take no longer than it should; runs and datasets to spoil."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from turret.cli.main import main
from turret.data.simulate import Simulation, simulate

from . import logs

LONGEST = 10.0
"""Seconds that reading a small file may take, however it is made. A pipe that nobody writes to takes for ever, ..."""
MOST = 4 << 30
"""... and /dev/zero takes all memory: bytes that this process may hold meanwhile."""


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache, data or working directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


def _held() -> int:
    """Bytes of data that the process has by now, after whatever tests came before."""
    found = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 0 if found is None else int(found[1]) << 10


@pytest.fixture
def in_time() -> Iterator[None]:
    """Ends a test that waits for ever, or reads for ever."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"nothing came of it in {LONGEST:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_held() + MOST, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    yield
    resource.setrlimit(resource.RLIMIT_DATA, limits)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def turret(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; whatever it is given, there is no traceback, and no fault of the library's own."""

    def run(*words: str | Path) -> Outcome:
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "a fault of Turret's own" not in captured.err, captured.err
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small log with every table that a dataset may have."""
    return simulate(tmp_path_factory.mktemp("worlds") / "world", Simulation(users=60, items=120, interactions=900, tastes=6, communities=3))


def _run(tmp_path_factory: pytest.TempPathFactory, model: str, dataset: Path) -> Path:
    run = tmp_path_factory.mktemp("runs") / model
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        words = ["train", model, dataset, "--epochs", "1", "--embed_dim", "8", "--run_dir", run, "--threads", "1"]
        assert main([str(word) for word in words]) == 0
    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of BPR, which nothing may change."""
    return _run(tmp_path_factory, "bpr", logs.choices(tmp_path_factory.mktemp("logs")))


@pytest.fixture(scope="session")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a ranker, which nothing may change."""
    return _run(tmp_path_factory, "fm", logs.clicks(tmp_path_factory.mktemp("logs")))


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A run to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"
