"""Run as a script, in a process of its own: trains, evaluates, recommends, predicts and indexes, and writes down what Python's audit saw.

    python audited.py WORKSHOP REPORT

WORKSHOP holds two folders, `first` and `second`, of the same files with other contents. All commands run on the first, then again on the
second: what happens then happens because of files, since all code is imported and compiled.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

WATCHED = ("exec", "compile", "pickle.", "marshal.", "socket.", "subprocess.", "ctypes.dlopen", "urllib.", "ftplib.", "pty.")
OF_OS = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.chmod", "os.chown")
PLACES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "shutil.rmtree", "shutil.move")
DEEPEST = 60

seen: Counter[tuple[str, str, str, bool]] = Counter()
phase = "first"


def hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        _, _, flags = arguments
        if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        what = str(arguments[0])
    elif event in PLACES:
        if event in ("os.remove", "os.rmdir") and arguments[-1] != -1:
            return  # of a folder whose removal was seen as a whole
        what = str(arguments[1] if event == "os.rename" else arguments[0])
    elif event.startswith((*WATCHED, *OF_OS)):
        what = ".".join(str(part) for part in arguments) if event == "pickle.find_class" else str(arguments)[:80]
        if event in ("exec", "compile"):
            what = str(getattr(arguments[0], "co_filename", arguments[-1]))
    else:
        return
    frames, importing, frame = [], False, sys._getframe(1)
    while frame is not None and len(frames) < DEEPEST:
        frames.append(frame.f_code.co_filename)
        importing |= frame.f_code.co_filename == "<frozen importlib._bootstrap>"
        frame = frame.f_back  # type: ignore[assignment]
    if importing and event in ("exec", "compile", "marshal.loads", "marshal.load"):
        return  # of installed code: nothing that is imported has a name that data gives, see test_import_graph.py
    seen[phase, event, what, " ".join(dict.fromkeys(frames[:8]))] += 1  # type: ignore[index]


def commands(folder: Path) -> list[list[str]]:
    run, ranker, out = folder / "run", folder / "ranker", folder / "out.tsv"
    quick = ["--epochs", "1", "--threads", "1"]
    return [
        ["train", "bpr", str(folder / "log"), *quick, "--embed_dim", "8", "--run_dir", str(run)],
        ["train", "ease", str(folder / "log"), "--threads", "1", "--run_dir", str(folder / "ease")],
        ["evaluate", str(run)],
        ["recommend", str(run), "--user", "u1"],
        ["index", str(run)],
        ["recommend", str(run), "--user", "u1", "--index", "approximate"],
        ["compare", str(run), str(folder / "ease")],
        ["train", "deepfm", str(folder / "ads.yaml"), *quick, "--run_dir", str(ranker)],
        ["predict", str(ranker), str(folder / "clicks.csv"), "--out", str(out)],
        ["data", "export", str(folder / "ads.yaml"), "--lmdb", str(folder / "lmdb")],
        ["train", "lr", str(folder / "ads.yaml"), *quick, "--run_dir", str(folder / "lr"), "--lmdb", str(folder / "lmdb")],
        ["gru4rec", "run", str(folder / "sessions.tsv"), "-pf", str(folder / "parameters.py"), "-s", str(folder / "gru.safetensors")],
    ]


def main(workshop: Path, report: Path) -> None:
    global phase
    sys.addaudithook(hook)
    from turret.cli.main import main as turret

    for phase in ("first", "second"):
        for words in commands(workshop / phase):
            assert turret(words) == 0, words
    rows = [[*key, count] for key, count in seen.items()]
    report.write_text(json.dumps(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
