"""Files are whole or as they were, and damage is told by name."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from turret.core import files
from turret.core.errors import InputError, TurretError


def test_a_reader_finds_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")

    def write(place: Path) -> None:
        place.write_text("half")
        assert path.read_text() == "old"
        place.write_text("new")

    files.write_atomically(path, write)
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["figures.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(("number", "kind"), [(28, TurretError), (30, InputError), (13, InputError)])
def test_what_was_there_stays_where_writing_fails(tmp_path: Path, number: int, kind: type[TurretError]) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")

    def fail(place: Path) -> None:
        place.write_text("half")
        raise OSError(number, os.strerror(number))

    with pytest.raises(kind, match=r"figures\.json: cannot be written") as caught:
        files.write_atomically(path, fail)
    assert os.strerror(number) in str(caught.value)
    assert caught.value.exit_code == (1 if number == 28 else 2)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_written_where_a_link_of_the_temporary_name_leads(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    files.temporary_of(path).symlink_to(victim)
    files.write_atomically(path, lambda place: place.write_text("new"))
    assert (victim.read_text(), path.read_text()) == ("precious", "new")


def test_a_link_is_written_through_and_a_device_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    files.write_atomically(tmp_path / "link", lambda place: place.write_text("new"))
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no file"):
        files.write_atomically(tmp_path / "pipe", lambda place: place.write_text("new"))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "a\0b", None, 3, "link", "absent", "folder"])
def test_what_a_manifest_names_lies_beside_it(tmp_path: Path, name: Any) -> None:
    folder = tmp_path / "set"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "x").write_text("outside")
    (folder / "link").symlink_to(tmp_path / "x")
    (folder / "own").write_text("inside")
    assert files.beside(folder, "own", "") == folder / "own"
    with pytest.raises(InputError, match=r"no name of a file beside it|missing"):
        files.beside(folder, name, "")


def test_a_file_is_held_against_its_entry(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"0123456789")
    said = files.entry(path)
    files.check(path, said, "")
    for content, words in ((b"012345678", "has 9 bytes, not the 10"), (b"0123456789x", "has 11 bytes"), (b"0123456780", "was altered")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            files.check(path, said, "")


def test_an_altered_sealed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    content = {"format": 3, "names": ["ä", "b"], "nested": {"x": 1.5}}
    files.write_sealed(path, content)
    assert files.read_sealed(path, "") == content
    text = path.read_text()
    for place in range(0, len(text), 3):
        path.write_text(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :])
        if json_or_nothing(path) != json.loads(text):
            with pytest.raises(InputError):
                files.read_sealed(path, "")
    for broken in ("", "[]", "3", "{", "[" * 100_000, text[:-5]):
        path.write_text(broken)
        with pytest.raises(InputError):
            files.read_sealed(path, "")


def json_or_nothing(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None


def _hold(path: Path, held: Any, release: Any) -> None:
    with files.alone(path, lambda: None):
        held.set()
        release.wait()


def test_one_process_at_a_time_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / ".lock", held, release))
    other.start()
    assert held.wait(60)

    def refuse() -> None:
        raise InputError("another")

    with pytest.raises(InputError, match="another"), files.alone(tmp_path / ".lock", refuse):
        raise AssertionError("held twice")
    other.kill()
    other.join(60)
    with files.alone(tmp_path / ".lock", refuse):
        pass


def test_what_killed_processes_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    for name in (".last.safetensors.123", ".tmpOcD5lT", ".lock", "notes.1", ".hidden.txt", "last.safetensors"):
        (tmp_path / name).write_text("")
    files.clear_temporaries(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden.txt", ".lock", "last.safetensors", "notes.1"]
