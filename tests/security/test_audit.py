"""What Python's own audit sees while files are read: no pickle is opened, no code is made, nothing is started, asked or written elsewhere.

Every command runs on one folder of files, which imports and compiles all code, and then on another: what is seen then is seen because of
files alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import logs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("audit")]  # of commands that are run once for all
TREES = ("numpy/lib/_format_impl.py", "numpy/lib/format.py", "turret/api/gru4rec/parameters.py")
"""Make a tree of a text and walk it, without making code of it: of the header of an array, and of a parameter file of GRU4Rec."""


@dataclass(frozen=True)
class Event:
    """What was seen.

    Attributes:
        first: whether on the first files.
        name: the event's.
        what: the file, the class or the command.
        frames: the files of the code that did it, innermost first.
    """

    first: bool
    name: str
    what: str
    frames: str


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audited").resolve()


@pytest.fixture(scope="module")
def seen(workshop: Path) -> list[Event]:
    for seed, name in enumerate(("first", "second")):
        logs.choices(workshop / name, seed)
        logs.clicks(workshop / name, seed)
        logs.sessions(workshop / name)
    (workshop / "tmp").mkdir()
    report = workshop / "report.json"
    places = {"XDG_CACHE_HOME": str(workshop / "cache"), "TMPDIR": str(workshop / "tmp"), "TURRET_DATA": str(workshop / "no")}
    words = [sys.executable, str(Path(__file__).with_name("audited.py")), str(workshop), str(report)]
    # Torch tells it to what a process starts, and `make test-ranges` to the tests.
    inherited = {name: value for name, value in os.environ.items() if name not in ("TORCHINDUCTOR_CACHE_DIR", "NUMBA_CACHE_DIR")}
    done = subprocess.run(words, cwd=workshop, env={**inherited, **places}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Event(phase == "first", name, what, frames) for phase, name, what, frames, _ in json.loads(report.read_text())]


def test_something_was_seen(seen: list[Event], workshop: Path) -> None:
    """The hook was there, and the commands did what they should."""
    assert {"open", "os.mkdir", "os.rename", "compile", "pickle.find_class"} <= {event.name for event in seen}
    for name in ("first", "second"):
        assert {"run", "ease", "ranker", "lr", "lmdb", "out.tsv", "gru.safetensors"} <= {path.name for path in (workshop / name).iterdir()}


def test_no_pickle_is_opened(seen: list[Event]) -> None:
    """But numba's own, of compiled loops, beside their source (or in the user's cache folder): as much code as the source is."""
    pickles = [event for event in seen if event.name.startswith("pickle.")]
    assert [event for event in pickles if not event.first] == []
    assert [event for event in pickles if not event.frames.split()[0].endswith(("numba/core/caching.py", "numba/core/serialize.py"))] == []


def test_no_code_is_made_of_what_is_read(seen: list[Event]) -> None:
    made = [event for event in seen if event.name in ("exec", "compile", "marshal.loads", "marshal.load")]
    assert [event for event in made if not event.first and not _walks_a_tree(event)] == []
    of_files = [event for event in made if event.what not in ("<string>", "<unknown>") and not _walks_a_tree(event)]
    assert [event for event in of_files if not _installed(event.what)] == []


def _walks_a_tree(event: Event) -> bool:
    innermost, *outer = event.frames.split()
    return event.name == "compile" and innermost.endswith("/ast.py") and outer[0].endswith(TREES)


def test_nothing_is_started_and_nobody_is_asked(seen: list[Event]) -> None:
    started = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.")
    asked = ("socket.", "urllib.", "ftplib.")
    found = [event for event in seen if event.name.startswith((*started, *asked))]
    # `platform` asks for the name of the processor, once.
    assert [event for event in found if not (event.first and event.what.startswith("('uname', ['uname', '-p']"))] == []
    libraries = [event.what.strip("(,')") for event in seen if event.name == "ctypes.dlopen"]
    assert [library for library in libraries if library != "None" and not _installed(library)] == []


def _installed(path: str) -> bool:
    """Whether a file belongs to Python, to a package or to the library."""
    places = [*(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")), str(Path(__file__).parents[2] / "src")]
    return path.startswith((*places, "<frozen"))


def test_nothing_is_written_elsewhere(seen: list[Event], workshop: Path) -> None:
    """All that is written lies in a run directory, in the cache folder, or in the folder for temporary files."""
    written = {
        event for event in seen if event.name in ("open", "os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.truncate")
    }
    elsewhere = {event for event in written if not _inside(event.what, workshop)}
    # numba keeps compiled loops beside their source, and `subprocess` throws away what `uname` complains of.
    kept = {event for event in elsewhere if "/kernels/__pycache__" in event.what and "numba/core/caching.py" in event.frames}
    assert {(event.what, event.frames) for event in elsewhere - kept if event.what != os.devnull} == set()
    assert not any("__pycache__" in event.what for event in written if not event.first and not _inside(event.what, workshop))


def _inside(path: str, workshop: Path) -> bool:
    return (workshop / os.path.expanduser(path)).resolve().is_relative_to(workshop)  # noqa: PTH111


def test_temporary_files_are_gone(seen: list[Event], workshop: Path) -> None:
    """But for the folder of torch's compiler, which torch makes along with an optimizer; nothing is ever put into it."""
    left = [path for path in (workshop / "tmp").rglob("*") if not path.is_dir()]
    assert left == []
    assert all(path.name.startswith("torchinductor_") for path in (workshop / "tmp").iterdir())
