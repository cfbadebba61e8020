"""A small log with titles, and the command run inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from turret.cli.main import main


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


@pytest.fixture
def turret(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str | Path) -> Outcome:
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two circles of users, each with its own items, as a folder of atomic files."""
    folder = tmp_path_factory.mktemp("logs") / "circles"
    folder.mkdir()
    generator = np.random.default_rng(1)
    rows = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user in range(40):
        mine = generator.permutation(np.arange(user % 2, 40, 2))[:12]
        rows += [f"u{user}\ti{item}\t{time}" for time, item in enumerate(mine)]
    (folder / "circles.inter").write_text("\n".join(rows) + "\n")
    items = ["item_id:token\ttitle:token", *(f"i{item}\tTitle {item}" for item in range(40))]
    (folder / "circles.item").write_text("\n".join(items) + "\n")
    return folder


@pytest.fixture(scope="session")
def trained(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of BPR on the small log."""
    run = tmp_path_factory.mktemp("runs") / "bpr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        words = ["train", "bpr", log, "--epochs", "3", "--learning_rate", "0.05", "--embed_dim", "8", "--run_dir", run, "--threads", "1"]
        assert main([str(word) for word in words]) == 0
    return run
