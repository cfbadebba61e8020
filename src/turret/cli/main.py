"""The `turret` command: finds the verb, and turns errors into one clear message and an exit code.

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from turret import __version__
from turret.cli.screen import printable
from turret.core.errors import InputError, TurretError

VERBS = {
    "train": "train a model on a dataset, test it, and recommend",
    "evaluate": "test a finished run again, with other settings if need be",
    "recommend": "recommend to a user, or to a history of items",
    "index": "build the index of a run, and say how good it is",
    "compare": "say whether two runs differ by more than chance",
    "data": "list, describe, prepare and simulate datasets",
    "features": "describe what rankers read of a dataset",
    "predict": "write a ranker's probabilities for the rows of a file",
    "models": "list the models, or describe one",
    "bricks": "list losses, samplers and scorers, and what goes with what",
    "gru4rec": "run or tune GRU4Rec with the options of its authors' command lines",
}
HELP = ("-h", "--help", "help")


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command line; `words` are those after `turret`, by default the process's own."""
    _heard.clear()
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, _interrupted)
    words = list(sys.argv[1:] if words is None else words)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _note
            _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output left, as `head` does: nothing more can be written, not even by the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if not _heard and isinstance(error, SystemExit):
            raise
        # The engine that reads logs makes an error of its own of what a signal raises.
        return _ended(_heard[-1]) if _heard else _failed(error)
    return 0


def _ended(number: int) -> int:
    """What to leave with after a signal; another one would only break off the last words."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    return _say("interrupted" if number == signal.SIGINT else "terminated", 128 + number)


def _failed(error: BaseException) -> int:
    """Says what went wrong, and what to leave with."""
    if isinstance(error, TurretError):
        return _say(str(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return _say("interrupted", 130)
    if isinstance(error, (OSError, MemoryError)):
        return _say(f"{type(error).__name__}: {error}", 1)
    if "can't allocate memory" in str(error) or type(error).__name__ == "OutOfMemoryError":
        return _say("memory does not suffice for one step: a smaller batch_size, eval_batch_size or negative_count takes less", 1)
    if os.environ.get("TURRET_DEBUG"):
        traceback.print_exc()
    where = "" if os.environ.get("TURRET_DEBUG") else "; TURRET_DEBUG=1 shows where"
    return _say(f"a fault of Turret's own, not of its input: {type(error).__name__}: {error}{where}", 1)


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in HELP:
        print(_overview())
    elif words[0] in ("-V", "--version"):
        print(f"turret {__version__}")
    elif words[0] in VERBS:
        importlib.import_module(f"turret.cli.{words[0]}").run(words[1:])
    else:
        near = difflib.get_close_matches(words[0], VERBS, n=1)
        raise InputError(
            f"there is no command {words[0]!r}", hint=f"did you mean {near[0]}?" if near else f"The commands are: {', '.join(VERBS)}."
        )


def _overview() -> str:
    lines = [f"  {verb:<11}{prose}" for verb, prose in VERBS.items()]
    return "\n".join(
        [
            "Turret: recommender systems, from a raw interaction log to recommendations.",
            "",
            "Usage: turret COMMAND ...",
            "",
            *lines,
            "",
            "turret COMMAND --help tells more; turret train bpr demo is a first try.",
        ]
    )


def _say(message: str, code: int) -> int:
    sys.stdout.flush()
    print(f"turret: {printable(message)}", file=sys.stderr)
    return code


def _note(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    """Shows a warning as a sentence: whoever reads it did not write the line that it comes from."""
    print(f"note: {printable(str(message))}", file=sys.stderr)


_heard: list[int] = []
"""Signals that asked the process to end."""


def _terminated(number: int, frame: FrameType | None) -> None:
    # As an exception, so that files half written are cleared away on the way out.
    _heard.append(number)
    raise SystemExit(128 + number)


def _interrupted(number: int, frame: FrameType | None) -> None:
    _heard.append(number)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
