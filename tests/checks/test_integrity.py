"""The files of a prepared dataset are held against their checksums, also where nothing looks changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from turret.checks import integrity
from turret.core.errors import InputError
from turret.data import open_prepared, prepare


def test_an_altered_byte_is_found_though_the_file_looks_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user,item\n" + "".join(f"u{number % 7},i{number % 5}\n" for number in range(40)))
    prepare(log, cache_dir=tmp_path / "cache")
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    found = integrity.check(folder)
    assert (found.verdict, found.figures["files"]) == ("ok", len(list(folder.glob("*.npy"))))

    monkeypatch.setattr("turret.data.fingerprint.SETTLED", -1.0)
    open_prepared(folder)
    path = folder / "train.item.npy"
    content, looks = bytearray(path.read_bytes()), path.stat()
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(looks.st_atime_ns, looks.st_mtime_ns))
    real = Path.stat
    # As on a disk that gave back another bit: nothing of the file's times has changed.
    monkeypatch.setattr(Path, "stat", lambda self, **said: looks if self == path else real(self, **said))
    open_prepared(folder)
    with pytest.raises(InputError, match=r"train\.item\.npy: the file was altered"):
        integrity.check(folder)
