"""Where things are looked for and made: by the names that somebody gives, with the permissions that somebody wants, through no links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import locate
from turret.data.catalogue.places import cache, workplace
from turret.data.simulate import Simulation, new_beside, simulate

from . import logs
from .conftest import Command

SMALL = Simulation(users=20, items=60, interactions=200, tastes=4, communities=2)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["../elsewhere", "a/../../elsewhere", "./../elsewhere", "sub/../../elsewhere", "..", "../"])
def test_a_name_does_not_leave_the_folders_of_datasets(tmp_path: Path, name: str) -> None:
    """A path means what it says from here, and nothing that lies beside the cache."""
    data = tmp_path / "data"
    (data / "a").mkdir(parents=True)
    logs.choices(tmp_path / "elsewhere").rename(tmp_path / "moved")
    (tmp_path / "elsewhere").rmdir()
    (tmp_path / "moved").rename(tmp_path / "elsewhere")
    found = None
    with suppress(InputError):
        found = locate(name, data).path.resolve()
    assert found != (tmp_path / "elsewhere").resolve()
    assert found is None or not found.is_relative_to(tmp_path)


def test_a_plain_name_is_found_there(tmp_path: Path) -> None:
    place = logs.choices(tmp_path / "data")
    assert locate("log", tmp_path / "data").path == place


@pytest.mark.parametrize(
    "dataset", ["../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/null", "a\0b", "~nobody/log", "-", "\n", "x" * 5000]
)
@pytest.mark.usefixtures("in_time")
def test_what_is_no_log_makes_nothing(tmp_path: Path, turret: Command, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert turret("train", "bpr", dataset).code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_named_by_the_last_part_of_a_path_alone(tmp_path: Path, turret: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.choices(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert turret("train", "popularity", "../log").code == 0
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["runs"]
    assert [path.name.startswith("popularity-log-") for path in (tmp_path / "here" / "runs").iterdir()] == [True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "log"]


@pytest.mark.parametrize("name", ["../secret.csv", "{here}/secret.csv", "../secret.c*", "link.csv"])
def test_a_description_beside_a_log_names_no_file_elsewhere(tmp_path: Path, turret: Command, name: str) -> None:
    """What the user says on the command line is the user's; what lies beside a log came with it."""
    log = logs.choices(tmp_path)
    (tmp_path / "secret.csv").write_text("item,title\n" + "".join(f"i{item},secret\n" for item in range(40)))
    (log / "link.csv").symlink_to(tmp_path / "secret.csv")
    (log / "log.item").unlink()
    (log / "dataset.yaml").write_text(f"files: {{inter: log.inter, item: {name.format(here=tmp_path)}}}\n")
    assert turret("train", "popularity", log).code == 2


@pytest.mark.usefixtures("umask")
def test_what_is_made_has_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    made = simulate(tmp_path / "deep" / "world", SMALL)
    assert mode(made) == mode(made.parent) == 0o750
    assert {mode(path) for path in made.iterdir()} == {0o640}


@pytest.mark.usefixtures("umask")
def test_the_cache_is_its_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert workplace(None) == cache()
    assert mode(cache()) == 0o700
    cache().chmod(0o750)  # who wants it otherwise
    workplace(None)
    assert mode(cache()) == 0o750


def test_the_cache_of_prepared_datasets_is_its_users_alone(tmp_path: Path, turret: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert turret("data", "prepare", logs.choices(tmp_path)).code == 0
    assert mode(tmp_path / "cache" / "turret") == 0o700


def test_a_folder_in_the_making_is_new_and_nobody_guesses_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for _ in range(20):
        with new_beside(tmp_path / "world") as draft:
            names.add(draft.name)
            assert list(draft.iterdir()) == []
    assert len(names) == 20
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (tmp_path / "victim").mkdir()
    (tmp_path / ".world.guessed").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        simulate(tmp_path / "world", SMALL)
    assert list((tmp_path / "victim").iterdir()) == []


def test_files_are_not_written_through_links_of_temporary_names(tmp_path: Path, trained: Path, turret: Command) -> None:
    """Temporary names hold the number of the process, which others can guess."""
    victim, out = tmp_path / "victim", tmp_path / "out.json"
    victim.write_text("mine")
    (tmp_path / f".{out.name}.{os.getpid()}").symlink_to(victim)
    assert turret("recommend", trained, "--user", "u1", "--json", out).code == 0
    assert victim.read_text() == "mine"
    assert out.is_file() and not out.is_symlink()
