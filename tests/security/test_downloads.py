"""Downloads from a server that means harm, on this very machine; every loop of it has an end."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from turret.core.errors import InputError, TurretError
from turret.data.catalogue import Checksum, Original, datasets, received
from turret.data.catalogue.download import download, verify

BODY = bytes(range(256)) * 400
MD5 = Checksum("md5", hashlib.md5(BODY).hexdigest(), "its publisher")
ENOUGH = 200
"""Pieces after which a server that sends for ever leaves off."""


class Handler(BaseHTTPRequestHandler):
    """Does what the path says."""

    def do_GET(self) -> None:
        with suppress(OSError):
            getattr(self, f"send_{self.path.strip('/').split('/')[0]}")()
        self.close_connection = True

    def head(self, code: int = 200, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send_whole(self) -> None:
        self.head(Content_Length=len(BODY))
        self.wfile.write(BODY)

    def send_huge(self) -> None:
        """Says how much it will send, and sends nothing of it."""
        self.head(Content_Length=1 << 50)

    def send_nonsense(self) -> None:
        self.head(Content_Length="-5; rm")
        self.wfile.write(BODY)

    def send_page(self) -> None:
        """What a portal says to whoever has not logged in."""
        self.head(Content_Length=9)
        self.wfile.write(b"<html>no\n")

    def send_chunks(self) -> None:
        self.head(Transfer_Encoding="chunked")
        self.wfile.write(b"10\r\n" + BODY[:16] + b"\r\nffffffffffff\r\nabc")

    def send_silence(self) -> None:
        time.sleep(2)

    def send_trickle(self) -> None:
        self.head(Content_Length=len(BODY))
        for at in range(ENOUGH):
            self.wfile.write(BODY[at : at + 1])
            time.sleep(0.02)

    def send_slowly(self) -> None:
        """Begins its headers, and goes on with them."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(ENOUGH):
            self.wfile.write(b"X-%d: y\r\n" % number)
            time.sleep(0.02)

    def send_continue(self) -> None:
        """Says to go on, again and again."""
        for _ in range(ENOUGH):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.02)

    def send_to(self) -> None:
        """Leads to what the rest of the path names."""
        self.head(302, Location=TARGETS[self.path.rsplit("/", 1)[1]].format(here=self.server.server_address[1]))

    def send_round(self) -> None:
        self.head(302, Location=self.path)

    def send_endless(self) -> None:
        """Leads to the file, and says so at length."""
        self.send_response(302)
        self.send_header("Location", "/whole")
        self.end_headers()
        for _ in range(ENOUGH):
            self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Quietly."""


TARGETS = {
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/file",
    "data": "data:text/plain,hello",
    "gopher": "gopher://127.0.0.1/",
    "http": "http://127.0.0.1:{here}/whole",
    "nowhere": "http://[::1",
    "relative": "/whole",
    "line": "/whole%0d%0aX: y",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TIMEOUT", 0.5), ("ANSWERED", 0.6), ("PATIENCE", 0.3)):
        monkeypatch.setattr(received, name, value)


def original(server: str, way: str, checksum: Checksum | None = MD5) -> Original:
    return Original("log.zip", len(BODY), f"http://{server}/{way}", checksum)


def get(wanted: Original, folder: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    return download(wanted, folder / "log.zip", say)


def test_all_originals_come_by_https() -> None:
    urls = [original.url for entry in datasets() for original in entry.originals if original.url]
    assert len(urls) > 5
    assert [url for url in urls if not url.startswith("https://")] == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("way", "complaint"),
    [
        ("huge", "far more than"),
        ("page", "far less than"),
        ("chunks", "could not be downloaded"),
        ("silence", "could not be downloaded"),
        ("trickle", "less than 1,000 bytes a second"),
        ("slowly", "did not answer in time"),
        ("continue", "did not answer in time"),
        ("to/file", "not followed"),
        ("to/ftp", "not followed"),
        ("to/data", "not followed"),
        ("to/gopher", "not followed"),
        ("to/nowhere", "could not be downloaded"),
        ("round", "without end"),
    ],
)
def test_what_a_server_does_is_refused_in_time(server: str, tmp_path: Path, way: str, complaint: str) -> None:
    begun = time.monotonic()
    with pytest.raises(InputError, match=complaint):
        get(original(server, way), tmp_path)
    assert time.monotonic() - begun < 10  # and not after the minutes that it would take to send all
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["to/http", "to/relative", "endless", "nonsense"])
def test_other_ways_lead_to_the_file(server: str, tmp_path: Path, way: str) -> None:
    assert get(original(server, way), tmp_path).read_bytes() == BODY


def test_from_https_nothing_leads_to_http(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsealed(http.client.HTTPConnection):
        """What answers under https here."""

        def __init__(self, *words: Any, context: object = None, check_hostname: object = None, **more: Any) -> None:
            super().__init__(*words, **more)

    monkeypatch.setattr(http.client, "HTTPSConnection", Unsealed)
    secure = Original("log.zip", len(BODY), f"https://{server}/to/http", MD5)
    with pytest.raises(InputError, match="it is not https"):
        get(secure, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert get(Original("log.zip", len(BODY), f"https://{server}/to/relative", MD5), tmp_path).read_bytes() == BODY


def test_a_server_without_a_certificate_is_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"could not be downloaded.*(SSL|TLS)"):
        get(Original("log.zip", len(BODY), f"https://{server}/whole", MD5), tmp_path)


def test_a_file_has_no_name_until_it_was_checked(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def watched(wanted: Original, path: Path, known_as: Path, say: Callable[[str], None]) -> None:
        seen.append(sorted(file.name for file in tmp_path.iterdir()))
        verify(wanted, path, known_as, say)

    monkeypatch.setattr("turret.data.catalogue.download.verify", watched)
    get(original(server, "whole"), tmp_path)
    assert len(seen) == 1 and len(seen[0]) == 1
    assert seen[0][0].startswith(".log.zip.") and seen[0][0].endswith(".part")


def test_what_was_left_half_done_is_never_used(server: str, tmp_path: Path) -> None:
    old, new = tmp_path / ".log.zip.0123456789abcdef.part", tmp_path / ".log.zip.fedcba9876543210.part"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert get(original(server, "whole"), tmp_path).read_bytes() == BODY
    assert not old.exists()
    assert new.read_bytes() == b"half"  # another process may be at it


def test_a_download_that_ends_elsewhere_meanwhile_is_no_failure(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process's draft is seen in the folder, and has its last name before its age is asked for."""
    gone = tmp_path / ".log.zip.0123456789abcdef.part"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([gone]))
    assert get(original(server, "whole"), tmp_path).read_bytes() == BODY


def test_several_processes_may_fetch_the_same_file(server: str, tmp_path: Path) -> None:
    """Threads stand for them: each has a file of its own all the same."""
    said: list[str] = []
    errors: list[BaseException] = []

    def fetch() -> None:
        try:
            get(original(server, "whole", None), tmp_path, said.append)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.zip", "log.zip.sha256"]
    assert (tmp_path / "log.zip").read_bytes() == BODY


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_no_more_is_named(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: object) -> Iterator[bytes]:
        yield BODY
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("turret.data.catalogue.download.received", full)
    with pytest.raises(TurretError) as caught:
        get(original(server, "whole"), tmp_path)
    assert os.strerror(number) in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_named(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TurretError, match="cannot be kept in"):
        get(original(server, "whole"), tmp_path / "file")


@pytest.mark.parametrize("content", ["", "abc", "0" * 63 + "  log.zip\n", "\x80\x02", "0" * 64])
def test_a_record_that_is_none_is_refused(server: str, tmp_path: Path, content: str) -> None:
    (tmp_path / "log.zip.sha256").write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match="no record of a digest"):
        get(original(server, "whole", None), tmp_path)
    assert not (tmp_path / "log.zip").exists()


def test_a_record_holds_another_download_to_the_first(server: str, tmp_path: Path) -> None:
    (tmp_path / "log.zip.sha256").write_text("0" * 64 + "  log.zip\n")
    with pytest.raises(InputError, match="as recorded the first time"):
        get(original(server, "whole", None), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["log.zip.sha256"]


def test_nothing_is_written_through_a_link(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who may write to the folder, and guesses the name of what is to come, puts a link there."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("mine")
    folder.mkdir()
    (folder / ".log.zip.guessed.part").symlink_to(victim)
    with pytest.raises(TurretError, match="cannot be kept"):
        get(original(server, "whole"), folder)
    assert victim.read_text() == "mine"


def test_links_of_known_names_are_replaced_and_not_followed(server: str, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("mine")
    folder.mkdir()
    for name in ("log.zip", "log.zip.sha256"):
        (folder / name).symlink_to(tmp_path / "absent" if name.endswith("256") else victim)
    get(original(server, "whole", None), folder)
    assert victim.read_text() == "mine"
    assert not (folder / "log.zip").is_symlink() and not (tmp_path / "absent").exists()


def test_permissions_follow_the_umask(server: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = get(original(server, "whole", None), tmp_path / "folder")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
