"""Environments of peers: built once, and one that cannot be built is not tried twice. None is made here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.peers.environments import environment

NO_WHEEL = """\
  × Failed to build `peer==1.0`
  error: command 'gcc' failed | in C

  hint: install a compiler
"""


class Installer:
    """What stands in for uv; `failing` is what it says in vain."""

    def __init__(self, failing: str = "") -> None:
        self.failing, self.calls = failing, 0

    def __call__(self, place: Path, requirements: Path) -> None:
        self.calls += 1
        if self.failing:
            raise subprocess.CalledProcessError(1, "uv", stderr=self.failing)
        place.mkdir(parents=True)


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with those of `peer`; what is installed is always the same."""
    monkeypatch.setattr("bench.peers.environments.REQUIREMENTS", tmp_path)
    monkeypatch.setattr("bench.peers.environments._uv", lambda *words: "numpy==2\npeer==1.0\n")
    (tmp_path / "peer.txt").write_text("peer==1.0\n")
    return tmp_path


def test_turret_is_this_interpreter(tmp_path: Path) -> None:
    found = environment("turret", tmp_path)
    assert (found.python, found.error) == (Path(sys.executable), "")


def test_one_is_built_once_and_again_for_other_requirements(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer()
    monkeypatch.setattr("bench.peers.environments._build", installer)
    folder = requirements / "environments"
    for _ in range(2):
        found = environment("peer", folder)
        assert (found.versions, found.error) == ("numpy==2\npeer==1.0", "")
    assert installer.calls == 1
    (requirements / "peer.txt").write_text("peer==1.1\n")
    environment("peer", folder)
    assert installer.calls == 2


def test_one_that_cannot_be_built_is_remembered_with_the_line_that_says_why(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer(NO_WHEEL)
    monkeypatch.setattr("bench.peers.environments._build", installer)
    for _ in range(2):
        assert environment("peer", requirements / "environments").error == "error: command 'gcc' failed | in C"
    assert installer.calls == 1


def test_a_refusal_is_a_reason_like_any_other(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: Path, wanted: Path) -> None:
        sys.exit("that is a CUDA build")

    monkeypatch.setattr("bench.peers.environments._build", refuse)
    assert environment("peer", requirements / "environments").error == "that is a CUDA build"
