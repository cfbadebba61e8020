"""GRU4Rec beside its authors' PyTorch code: speed, memory and quality of the same runs, taken in turn on one machine.

    python bench/gru4rec.py --official CHECKOUT --python PYTHON [--data_dir DIR] [--setting rsc15 retailrocket] [--seeds 1 2 3] [--epochs 5]

CHECKOUT is a checkout of the authors' repository, GRU4Rec_PyTorch_Official; PYTHON the interpreter of an environment that it runs in, which
needs numpy < 2, pandas < 3, joblib and torch. Data is rsc15-100k: `train_full.tsv` and `test.tsv` in DIR/rsc15-100k, or in that of
TURRET_DATA. Both sides run their command line with the same parameters, one thread each, in processes of their own, and their printed
lines are read. Without CHECKOUT only Turret runs.

`mb/s` is mini-batches a second, the median over epochs and seeds; `training` what "Total training time" says, sampling included; `memory`
the largest resident size of the process; `model` the size of the saved file. Start-up is the wall time of a whole process that trains on a
hundred sessions: once with an empty cache of compiled kernels, once with a full one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

SETTINGS = {
    "rsc15": "layers=100,batch_size=32,dropout_p_embed=0.1,dropout_p_hidden=0.0,learning_rate=0.1,momentum=0.0,n_sample=2048,"
    "sample_alpha=0.75,bpreg=0.0,logq=1.0,loss=cross-entropy,constrained_embedding=True,embedding=0,elu_param=0.0",
    "retailrocket": "layers=224,batch_size=80,dropout_p_embed=0.5,dropout_p_hidden=0.05,learning_rate=0.05,momentum=0.4,n_sample=2048,"
    "sample_alpha=0.4,bpreg=1.95,logq=0.0,loss=bpr-max,constrained_embedding=True,embedding=0,elu_param=0.5",
}
SEEDED = """
import runpy, sys, torch
torch.manual_seed(int(sys.argv[1]))
del sys.argv[:2]
sys.path.insert(0, ".")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script with a seed, for which the authors' has no option."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        rates: mini-batches a second, by epoch.
        training: seconds.
        recall, mrr: at 20.
        memory: MiB.
        model: bytes of the saved file.
    """

    rates: list[float]
    training: float
    recall: float
    mrr: float
    memory: float
    model: int


def outcome(command: Sequence[str], saved: Path, **where: object) -> Outcome:
    """Runs a command line and reads what it prints."""
    output, memory, _ = started(command, **where)
    rates = [float(rate) for rate in re.findall(r"\[([\d.]+) mb/s", output)]
    training = float(re.findall(r"Total training time: ([\d.]+)s", output)[0])
    recall, mrr = re.findall(r"Recall@20: ([\d.]+) MRR@20: ([\d.]+)", output)[0]
    return Outcome(rates, training, float(recall), float(mrr), memory, saved.stat().st_size)


def started(command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> tuple[str, float, float]:
    """What a process printed, its largest resident size in MiB, and its seconds."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            command, stdout=printed, stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, **ONE_THREAD, **(environment or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        printed.seek(0)
        output = printed.read()
    if status:
        raise SystemExit(f"{' '.join(command)}\n{output}")
    return output, usage.ru_maxrss / 1024, seconds


def ours(*words: str) -> list[str]:
    """Turret's command line."""
    return [sys.executable, "-m", "turret.cli.main", "gru4rec", "run", *words, "-d", "cpu"]


def start_up(parameters: str, log: Path, place: Path) -> tuple[float, float]:
    """Seconds of a process that trains on a hundred sessions, with an empty and with a full cache."""
    lines = log.read_text().splitlines(keepends=True)
    few = place / "few.tsv"
    few.write_text("".join(lines[:400]))
    cache = {"NUMBA_CACHE_DIR": tempfile.mkdtemp(dir=place)}
    words = ours(str(few), "-ps", f"{parameters},n_epochs=1", "-t", str(few))
    return started(words, environment=cache)[2], started(words, environment=cache)[2]


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.4f} ± {stdev(values) if len(values) > 1 else 0:.4f}"


def report(setting: str, runs: Mapping[str, list[Outcome]]) -> None:
    """Prints a table."""
    print(f"\n{setting}, {len(next(iter(runs.values())))} seeds")
    print(f"{'':22}{'mb/s':>8}{'training, s':>13}{'memory, MiB':>13}{'model, kB':>11}{'Recall@20':>18}{'MRR@20':>18}")
    for name, found in runs.items():
        rate, training = median([rate for run in found for rate in run.rates]), median([run.training for run in found])
        sizes = f"{max(run.memory for run in found):13.0f}{found[0].model / 1000:11.0f}"
        quality = f"{spread([run.recall for run in found]):>18}{spread([run.mrr for run in found]):>18}"
        print(f"{name:22}{rate:8.1f}{training:13.1f}{sizes}{quality}")
    if "official" in runs:
        for name in [name for name in runs if name != "official"]:
            rates = [median(run.rates) / median(theirs.rates) for run, theirs in zip(runs[name], runs["official"], strict=True)]
            whole = [theirs.training / run.training for run, theirs in zip(runs[name], runs["official"], strict=True)]
            memory = max(run.memory for run in runs[name]) / max(run.memory for run in runs["official"])
            print(f"{name} against official: {median(rates):.1f} x a mini-batch, {median(whole):.1f} x in all, {memory:.2f} of the memory")


def main() -> None:
    """All settings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--official", type=Path)
    parser.add_argument("--python", default="python")
    parser.add_argument("--data_dir", type=Path, default=Path(os.environ.get("TURRET_DATA", ".")))
    parser.add_argument("--setting", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    train, test = (str(arguments.data_dir.resolve() / "rsc15-100k" / f"{name}.tsv") for name in ("train_full", "test"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for setting in arguments.setting:
            parameters = f"{SETTINGS[setting]},n_epochs={arguments.epochs}"
            runs: dict[str, list[Outcome]] = {
                name: [] for name in (["official"] if arguments.official else []) + ["turret", "turret, quirks"]
            }
            for seed in arguments.seeds:
                saved = place / "model"
                words = [train, "-ps", parameters, "-t", test, "-m", "20", "-s", str(saved), "-e", "conservative"]
                if arguments.official:
                    theirs = [arguments.python, "-c", SEEDED, str(seed), "run.py", *words, "-d", "cpu"]
                    runs["official"].append(outcome(theirs, saved, cwd=arguments.official))
                runs["turret"].append(outcome(ours(*words, "--seed", str(seed)), saved))
                runs["turret, quirks"].append(outcome(ours(*words, "--seed", str(seed), "--official_quirks"), saved))
                print(
                    f"{setting}, seed {seed}: " + "; ".join(f"{name} {found[-1].training:.1f} s" for name, found in runs.items()),
                    flush=True,
                )
            report(setting, runs)
            empty, full = start_up(SETTINGS[setting], Path(train), place)
            print(f"a run on a hundred sessions, start to end: {empty:.1f} s with nothing compiled, {full:.1f} s with all in the cache")


if __name__ == "__main__":
    main()
