"""Archives that mean harm, or that are broken."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import originals
from turret.data.catalogue.originals import Originals


def read(path: Path, member: str | None = None) -> list[str]:
    return list(Originals({path.name: path}).lines(path.name, member))


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "ALWAYS_UNPACKED", 1 << 20)
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"0\n" * (5 << 19)))
    with pytest.raises(InputError, match="far more than"):
        read(bomb)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("u.data", b"0" * (5 << 20))
    with pytest.raises(InputError, match="far more than"):
        read(tmp_path / "bomb.zip", "u.data")
    # what text really grows by goes through
    fair = tmp_path / "fair.gz"
    fair.write_bytes(gzip.compress(b"\n".join(b"%d" % (number * 7919 % 1_000_003) for number in range(400_000))))
    assert len(read(fair)) == 400_000


def test_names_in_archives_lead_nowhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "evil.zip", "w") as archive:
        archive.writestr("../../evil/u.data", "a\n")
        archive.writestr("/absolute.txt", "b\n")
    with tarfile.open(inside / "evil.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("../train.txt")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"c\n"))
        link = tarfile.TarInfo("secret.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert read(inside / "evil.zip", "u.data") == ["a"]
    assert read(inside / "evil.tar.gz", "train.txt") == ["c"]
    with pytest.raises(InputError, match=r"no secret\.txt"):
        read(inside / "evil.tar.gz", "secret.txt")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.tar.gz", "evil.zip", "inside"]


@pytest.mark.parametrize("cut", [10, 200])
def test_truncated_archives_are_damaged(tmp_path: Path, cut: int) -> None:
    text = b"".join(b"%d\t%d\n" % (number, number * 7919 % 10_007) for number in range(5000))
    whole = tmp_path / "whole.gz"
    whole.write_bytes(gzip.compress(text))
    (tmp_path / "cut.gz").write_bytes(whole.read_bytes()[:-cut])
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "cut.gz")
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("u.data", text)
    (tmp_path / "cut.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:-cut])
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "cut.zip", "u.data")
    (tmp_path / "cut.tar.gz").write_bytes(b"not a tar at all")
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "cut.tar.gz", "train.txt")


def test_flipped_bytes_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "flipped.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("u.data", b"".join(b"%d\n" % (number * 7919 % 10_007) for number in range(5000)))
    data = bytearray(path.read_bytes())
    data[2000] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read(path, "u.data")


def test_line_ends_of_windows_are_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_bytes(b"a\tb\r\nc\td\n")
    assert read(path) == ["a\tb", "c\td"]
    with pytest.raises(InputError, match="line 1: 2 cells where 3 are expected"):
        list(Originals({"plain.txt": path}).rows("plain.txt", None, "\t", 3))
