"""Downloads, from a server on this very machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import Checksum, Original
from turret.data.catalogue.download import download, verify

BODY = bytes(range(256)) * 4000


class Handler(BaseHTTPRequestHandler):
    """/whole gives all, /cut breaks off, /bare announces no length, /endless never stops; all else is missing."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/bare" and self.path != "/endless":
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        try:
            for _ in range(100 if self.path == "/endless" else 1):
                self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/cut" else BODY)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


MD5 = Checksum("md5", hashlib.md5(BODY).hexdigest(), "its publisher")


def original(url: str, checksum: Checksum | None = MD5) -> Original:
    return Original("log.zip", len(BODY), url, checksum)


@pytest.mark.parametrize("way", ["whole", "bare"])
@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_verified_file_arrives(server: str, tmp_path: Path, way: str, algorithm: str) -> None:
    said: list[str] = []
    checksum = Checksum(algorithm, hashlib.new(algorithm, BODY).hexdigest(), "its publisher")  # type: ignore[arg-type]
    path = download(original(f"{server}/{way}", checksum), tmp_path / "deep" / "log.zip", said.append)
    assert path.read_bytes() == BODY
    assert said == [f"downloading log.zip (1.0 MB) from {server}/{way}"]
    assert [file.name for file in path.parent.iterdir()] == ["log.zip"]


@pytest.mark.parametrize(
    ("way", "checksum", "complaint"),
    [
        ("missing", MD5, "answers 404"),
        ("cut", MD5, "incomplete"),
        ("endless", MD5, "far more than"),
        ("whole", Checksum("md5", "0" * 32, "its publisher"), r"its md5 is [0-9a-f]{32}, not 0{32} \(its publisher\)"),
    ],
)
def test_what_is_not_right_leaves_nothing_behind(server: str, tmp_path: Path, way: str, checksum: Checksum, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        download(original(f"{server}/{way}", checksum), tmp_path / "log.zip", lambda _: None)
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        # the port is closed: nothing listens on 1
        download(original("http://127.0.0.1:1/log.zip"), tmp_path / "log.zip", lambda _: None)
    assert "could not be downloaded" in caught.value.message
    assert caught.value.hint is not None
    assert str(tmp_path / "log.zip") in caught.value.hint


def test_the_first_download_is_trusted_and_later_ones_are_held_to_it(server: str, tmp_path: Path) -> None:
    said: list[str] = []
    unknown = original(f"{server}/whole", None)
    path = download(unknown, tmp_path / "log.zip", said.append)
    digest = hashlib.sha256(BODY).hexdigest()
    assert "no checksum of log.zip is published" in said[-1]
    assert digest in said[-1]
    assert (tmp_path / "log.zip.sha256").read_text() == f"{digest}  log.zip\n"

    said.clear()
    download(unknown, path, said.append)
    assert len(said) == 1
    path.write_bytes(b"another version")
    with pytest.raises(InputError, match="as recorded the first time"):
        verify(unknown, path, path, said.append)


def test_a_published_checksum_counts_more_than_a_recorded_one(server: str, tmp_path: Path) -> None:
    (tmp_path / "log.zip.sha256").write_text("0" * 64 + "  log.zip\n")
    known = replace(original(f"{server}/whole"), checksum=MD5)
    assert download(known, tmp_path / "log.zip", lambda _: None).read_bytes() == BODY
