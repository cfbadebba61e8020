"""The audit of what is installed: pip-audit against a service of advisories on this machine, and against made-up ends of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "audit.py"


def audited(*options: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The script, as make runs it; with a folder of modules that are found before the installed ones."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", **({} if path is None else {"PYTHONPATH": str(path)})}
    return subprocess.run([sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=False, env=environment)


@contextmanager
def service(vulnerable: str | None = None, status: int = 200) -> Iterator[tuple[str, dict[str, str]]]:
    """A service that speaks as osv.dev does: its address, and the releases that it is asked about, by package."""
    asked: dict[str, str] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = query["package"]["name"]
            asked[name] = query["version"]
            affected = [{"package": query["package"], "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "99.0"}]}]}]
            advisory = {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "bad", "affected": affected}
            content = json.dumps({"vulns": [advisory]} if name == vulnerable else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


@pytest.fixture
def pip_audit() -> None:
    pytest.importorskip("pip_audit")


@pytest.mark.usefixtures("pip_audit")
def test_nothing_is_known() -> None:
    with service() as (url, asked):
        done = audited("-s", "osv", "--osv-url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"audit: {len(asked)} packages audited; no vulnerability is known" in done.stdout
    assert asked["numpy"] == version("numpy")
    assert asked["torch"] == version("torch").partition("+")[0]  # a local build by its release, which is what advisories name
    assert "turret" not in asked


@pytest.mark.usefixtures("pip_audit")
def test_a_vulnerability_fails_the_check_unless_it_is_ignored_by_name() -> None:
    with service(vulnerable="torch") as (url, _):
        done = audited("-s", "osv", "--osv-url", url)
        ignored = audited("-s", "osv", "--osv-url", url, "--ignore-vuln", "PYSEC-1")
    assert done.returncode == 1
    assert f"torch {version('torch').partition('+')[0]}: PYSEC-1, CVE-1; mended in 99.0" in done.stdout
    assert (ignored.returncode, "no vulnerability is known" in ignored.stdout) == (0, True)


@pytest.mark.usefixtures("pip_audit")
@pytest.mark.parametrize("status", [None, 503])
def test_a_service_that_does_not_answer_is_said_and_fails_nothing(status: int | None) -> None:
    if status is None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            done = audited("-s", "osv", "--osv-url", f"http://127.0.0.1:{unused.getsockname()[1]}/")
    else:
        with service(status=status) as (url, _):
            done = audited("-s", "osv", "--osv-url", url)
    assert done.returncode == 0
    assert "SKIPPED, nothing was audited: the advisories could not be reached" in done.stdout
    assert "vulnerability is known" not in done.stdout


@pytest.mark.usefixtures("pip_audit")
def test_a_failure_of_pip_audit_itself_is_one() -> None:
    done = audited("--no-such-option")
    assert done.returncode == 1
    assert "pip-audit failed" in done.stdout
    assert "--no-such-option" in done.stdout


def stub(folder: Path, dependencies: list[dict[str, Any]], code: int = 0, errors: str = "") -> Path:
    """A module that stands in for pip-audit."""
    output = json.dumps({"dependencies": dependencies, "fixes": []}) if dependencies else ""
    text = f"import sys\nprint({output!r})\nprint({errors!r}, file=sys.stderr)\nsys.exit({code})\n"
    (folder / "pip_audit.py").write_text(text)
    return folder


def test_an_index_without_advisories_has_not_said_that_all_is_well(tmp_path: Path) -> None:
    """For one that answers 404 to every question pip-audit ends with 0 and the words "No known vulnerabilities found"."""
    strange = [{"name": name, "skip_reason": "Dependency not found on PyPI"} for name in ("numpy", "torch")]
    done = audited(path=stub(tmp_path, strange, errors="No known vulnerabilities found"))
    assert done.returncode == 0
    assert "SKIPPED, nothing was audited" in done.stdout
    assert "of 2 packages, none was found there" in done.stdout


def test_packages_that_the_service_does_not_know_are_named(tmp_path: Path) -> None:
    packages = [{"name": "numpy", "version": "1", "vulns": []}, {"name": "mine", "skip_reason": "not found"}]
    done = audited(path=stub(tmp_path, packages))
    assert done.returncode == 0
    assert "1 packages audited; not found there, so not audited: mine; no vulnerability is known" in done.stdout


@pytest.mark.parametrize(
    ("errors", "code"), [("ERROR:pip_audit._cli:Tip: your network may be blocking this service.", 0), ("KeyError: 'x'", 1)]
)
def test_what_it_says_tells_a_silent_service_from_a_failure(tmp_path: Path, errors: str, code: int) -> None:
    assert audited(path=stub(tmp_path, [], 1, errors)).returncode == code
