"""A process dies exactly where it should, and a power cut takes what was not synced and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from faults import child

WORK = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from faults.child import Clock

last, torn = int(sys.argv[2]), None if sys.argv[3] == "kill" else int(sys.argv[3])
clock = Clock(Path.cwd(), last, torn)
clock.start()
Path("elsewhere").parent.mkdir(exist_ok=True)               # 1: mkdir
file = open("synced", "wb")                                  # 2: open
file.write(b"a" * 1000); file.flush()
os.fsync(file.fileno())                                      # 3: fsync
open("unsynced", "wb").write(b"b" * 1000)                    # 4: open
os.replace("unsynced", "renamed")                            # 5: rename
log = open("log", "ab"); log.write(b"c" * 500); log.flush()  # 6: open
os.fsync(log.fileno())                                       # 7: fsync
with open("log", "ab") as again:                             # 8: open
    again.write(b"d" * 1000)
open("log").read(); os.listdir(".")                          # reading is no tick
Path("/dev/null").open("w").close()                          # nor is what lies elsewhere
os.link("synced", "second")                                  # 9: link
os.replace("second", "third")                                # 10: rename
os.remove("synced")                                          # 11: remove
print(clock.ticks)
"""


def _work(folder: Path, last: int, torn: str = "kill") -> subprocess.CompletedProcess[str]:
    root = str(Path(child.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", WORK, root, str(last), torn], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_operation_on_a_file_is_a_tick(tmp_path: Path) -> None:
    done = _work(tmp_path, 0)
    assert (done.returncode, done.stdout.strip()) == (0, "11"), done.stderr


def test_it_dies_before_the_tick(tmp_path: Path) -> None:
    done = _work(tmp_path, 5)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == f"killed before os.rename {'.'}/unsynced\n"
    assert {path.name for path in tmp_path.iterdir()} == {"synced", "unsynced"}
    assert (tmp_path / "unsynced").stat().st_size == 1000


def test_a_power_cut_takes_what_was_not_synced(tmp_path: Path) -> None:
    lengths = set()
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert _work(folder, 11, str(seed)).returncode == -signal.SIGKILL
        assert (folder / "synced").stat().st_size == 1000
        assert (folder / "third").stat().st_size == 1000, "a second name of what was synced"
        assert (folder / "renamed").stat().st_size < 1000, "a name in place is not yet content in place"
        assert 500 <= (folder / "log").stat().st_size < 1500, "what was synced before more was written stays"
        lengths.add((folder / "renamed").stat().st_size)
    assert len(lengths) > 1
