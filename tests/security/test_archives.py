"""Archives that mean harm: names that lead elsewhere, links, lying sizes, bombs. Nothing is ever unpacked; what is read is bounded."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import originals
from turret.data.catalogue.originals import Originals

MIB = 1 << 20
Tar = Callable[..., Path]


def read(path: Path, member: str | None = None) -> list[str]:
    return list(Originals({path.name: path}).lines(path.name, member))


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder in a folder, so that what leaves it is seen."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.txt").write_text("secret\n")
    return tmp_path / "inside"


@pytest.fixture
def tar(inside: Path) -> Tar:
    def make(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz", name: str = "made.tar.gz") -> Path:
        with tarfile.open(inside / name, mode) as archive:  # type: ignore[call-overload]
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
        return inside / name

    return make


def nothing_left(inside: Path) -> bool:
    return {path.name for path in inside.parent.iterdir()} == {"inside", "secret.txt"} and len(list(inside.iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["../train.txt", "../../train.txt", "/train.txt", "/etc/train.txt", "a/../../train.txt", "./train.txt", "..//train.txt"]
)
def test_a_name_is_what_a_member_is_found_by_and_no_path(inside: Path, tar: Tar, name: str) -> None:
    assert read(tar(member(name, b"a\n")), "train.txt") == ["a"]
    (inside / "made.tar.gz").unlink()
    with zipfile.ZipFile(inside / "made.zip", "w") as archive:
        archive.writestr(name, "a\n")
    assert read(inside / "made.zip", "train.txt") == ["a"]
    assert nothing_left(inside)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE])
@pytest.mark.parametrize("target", ["../secret.txt", "/etc/passwd", "train.txt"])
def test_links_and_devices_are_no_members(inside: Path, tar: Tar, kind: bytes, target: str) -> None:
    path = tar(member("train.txt", type=kind, linkname=target, devmajor=1, devminor=5))
    with pytest.raises(InputError, match=r"there is no train\.txt"):
        read(path, "train.txt")
    assert nothing_left(inside)


def test_of_several_members_of_a_name_the_first_is_read(inside: Path, tar: Tar) -> None:
    assert read(tar(member("a/train.txt", b"first\n"), member("b/train.txt", b"second\n")), "train.txt") == ["first"]
    with zipfile.ZipFile(inside / "made.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("u.data", "first\n")
        archive.writestr("u.data", "second\n")
    assert read(inside / "made.zip", "u.data") == ["first"]


def patched(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Puts bytes into each record of a zip archive that begins with a signature."""
    data = bytearray(path.read_bytes())
    at = data.find(signature)
    while at >= 0:
        data[at + offset : at + offset + len(value)] = value
        at = data.find(signature, at + 1)
    path.write_bytes(data)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


@pytest.fixture
def zipped(inside: Path) -> Path:
    with zipfile.ZipFile(inside / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("u.data", b"".join(b"%d\n" % (number * 7919 % 10_007) for number in range(5000)))
    return inside / "made.zip"


def test_an_encrypted_member_is_refused(zipped: Path) -> None:
    patched(zipped, LOCAL, 6, b"\x01\x00")
    patched(zipped, CENTRAL, 8, b"\x01\x00")
    with pytest.raises(InputError, match="encrypted"):
        read(zipped, "u.data")


@pytest.mark.parametrize("size", [0, 1, 4000])
@pytest.mark.parametrize("field", [20, 24])
def test_a_member_that_lies_about_its_size_is_damaged(zipped: Path, size: int, field: int) -> None:
    patched(zipped, CENTRAL, field, struct.pack("<I", size))
    with pytest.raises(InputError, match=r"damaged|cannot be read"):
        read(zipped, "u.data")


@pytest.mark.parametrize("field", [20, 24])
def test_a_member_that_claims_gigabytes_has_what_it_has(zipped: Path, field: int) -> None:
    patched(zipped, CENTRAL, field, struct.pack("<I", 0xFFFFFFF0))
    assert len(read(zipped, "u.data")) == 5000


@pytest.mark.parametrize("place", [0x7FFFFFFF, 0xFFFFFFF0])
def test_a_member_that_is_nowhere_is_damaged(zipped: Path, place: int) -> None:
    patched(zipped, CENTRAL, 42, struct.pack("<I", place))
    with pytest.raises(InputError, match=r"damaged|cannot be read"):
        read(zipped, "u.data")


def test_a_newer_kind_of_archive_is_refused(zipped: Path) -> None:
    patched(zipped, CENTRAL, 6, struct.pack("<H", 99))
    with pytest.raises(InputError, match="damaged"):
        read(zipped, "u.data")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_ways_of_packing_that_take_any_memory_are_refused(inside: Path, method: int) -> None:
    with zipfile.ZipFile(inside / "made.zip", "w", method) as archive:
        archive.writestr("u.data", "a\n")
    with pytest.raises(InputError, match="packed in a way"):
        read(inside / "made.zip", "u.data")


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_a_tar_is_plain_or_gzipped(inside: Path, tar: Tar, pack: Callable[[bytes], bytes]) -> None:
    plain = tar(member("train.txt", b"a\n"), mode="w:", name="made.tar")
    assert read(plain, "train.txt") == ["a"]
    packed = inside / "made.tar.xz"
    packed.write_bytes(pack(plain.read_bytes()))
    with pytest.raises(InputError, match="damaged"):
        read(packed, "train.txt")


def test_a_bomb_is_refused_before_its_member_comes(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is skipped counts too."""
    monkeypatch.setattr(originals, "ALWAYS_UNPACKED", MIB)
    with tarfile.open(inside / "bomb.tar.gz", "w:gz") as archive:
        for info, content in (member("zeros", bytes(4 * MIB)), member("train.txt", b"a\n")):
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(InputError, match="far more than"):
        read(inside / "bomb.tar.gz", "train.txt")


@pytest.mark.parametrize("packed", [True, False])
def test_a_table_of_its_own_asks_for_no_more_than_a_bit(inside: Path, packed: bool) -> None:
    """Long names and extended headers are read at once, and say themselves how long they are."""
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 40
        path = inside / ("made.tar.gz" if packed else "made.tar")
        head = info.tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(gzip.compress(head + bytes(MIB)) if packed else head + bytes(MIB))
        with pytest.raises(InputError, match="at once"):
            read(path, "train.txt")


def test_members_without_end_are_refused(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "MOST_MEMBERS", 50)
    with tarfile.open(inside / "many.tar.gz", "w:gz") as archive:
        for number in range(51):
            archive.addfile(tarfile.TarInfo(str(number)))
    with pytest.raises(InputError, match="more than 50 members"):
        read(inside / "many.tar.gz", "train.txt")


def test_a_member_before_the_first_byte_does_not_go_round_for_ever(inside: Path) -> None:
    info = tarfile.TarInfo("x")
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[124:136] = (-1024).to_bytes(12, "big", signed=True)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    (inside / "made.tar").write_bytes(head + bytes(4096))
    with pytest.raises(InputError):
        read(inside / "made.tar", "train.txt")


def test_a_sparse_member_that_claims_terabytes_is_refused(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "ALWAYS_UNPACKED", MIB)
    head = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "train.txt", "GNU.sparse.realsize": str(1 << 42)}
    with tarfile.open(inside / "made.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info, content = member("GNUSparseFile.0/train.txt", b"1\n0\n1\n".ljust(512, b"\0") + b"a" * 512, pax_headers=head)
        archive.addfile(info, io.BytesIO(content))
    with pytest.raises(InputError, match=r"far more than|damaged|a line of more|there is no"):
        read(inside / "made.tar.gz", "train.txt")


def test_a_line_has_an_end(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "LONGEST_LINE", MIB)
    path = inside / "long.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"0" * (MIB - 1) + b"\n" + b"0" * (MIB + 1)))
    lines = Originals({path.name: path}).lines(path.name)
    assert len(next(lines)) == 1
    assert len(next(lines)) == MIB - 1
    with pytest.raises(InputError, match=r"line 3: a line of more than 1,048,576 bytes"):
        next(lines)


def test_a_gzip_in_a_gzip_is_bytes(inside: Path) -> None:
    path = inside / "twice.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"a\n")))
    with pytest.raises(InputError, match="not utf-8 text"):
        read(path)


def test_a_quote_without_an_end_has_one(inside: Path, request: pytest.FixtureRequest) -> None:
    before = csv.field_size_limit(131_072)  # which reading a log has raised, for the process
    request.addfinalizer(lambda: csv.field_size_limit(before))
    path = inside / "log.csv"
    path.write_text('user,item\n"a,b\n' + "c,d\n" * 100_000)
    with pytest.raises(InputError, match="not delimited text: field larger than"):
        list(Originals({path.name: path}).table(path.name, None, ("user",)))


LITERALS = {
    "code": "{'asin': __import__('os').system('touch owned')}",
    "a call": "dict(asin=open('owned', 'w'))",
    "a key that cannot be one": "{[1]: 2}",
    "deep lists": "[" * 100_000 + "]" * 100_000,
    "many signs": "-" * 200_000 + "1",
    "many sums": "1" + "+1" * 200_000,
    "a number of millions of digits": "9" * 1_000_000,
    "too long a dict": "{" + "1: 1, " * 200_000 + "}",
}


@pytest.mark.parametrize("line", LITERALS.values(), ids=LITERALS.keys())
def test_a_python_literal_is_read_and_not_run(inside: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    path = inside / "meta.json.gz"
    path.write_bytes(gzip.compress(line.encode()))
    with pytest.raises(InputError, match="line 1: not an object"):
        list(Originals({path.name: path}).objects(path.name, python=True))
    with pytest.raises(InputError, match="line 1: not an object"):
        list(Originals({path.name: path}).objects(path.name))
    assert not (inside / "owned").exists()


def test_a_real_bomb_takes_no_memory(inside: Path) -> None:
    """Eighty megabytes in a fraction of one, as one line and as many, in a process of its own that counts what it took."""
    code = """
import resource, sys
from pathlib import Path
from turret.core.errors import InputError
from turret.data.catalogue.originals import Originals
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, member in (("line.gz", None), ("bomb.zip", "u.data")):
    try:
        for line in Originals({name: Path(name)}).lines(name, member):
            pass
    except InputError as error:
        print(error.message)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    with gzip.open(inside / "line.gz", "wb", compresslevel=1) as file:
        for _ in range(80):
            file.write(bytes(MIB))
    with zipfile.ZipFile(inside / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("u.data", "w") as unpacked:
        for _ in range(80):
            unpacked.write(b"0" * (MIB - 1) + b"\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=inside, capture_output=True, text=True, check=True)
    *said, grown = done.stdout.splitlines()
    assert "a line of more than" in said[0] and "far more than" in said[1]
    assert int(grown) * 1024 < 150 * MIB
