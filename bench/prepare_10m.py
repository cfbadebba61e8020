"""From a log of ten million rows of strings to a prepared dataset: seconds and peak memory, beside a bare read of the same file.

    python bench/prepare_10m.py [--rows 10000000] [--threads 2]

The work: read, drop duplicates, 5-core, number users and items, sort, leave one out, write, all of it on the disk at the end. Each
measurement is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from turret.data import Cleaning, DataConfig, Split, prepare

CONFIG = DataConfig(cleaning=Cleaning(duplicates="first", min_user_count=5, min_item_count=5), split=Split(split_mode="leave_one_out"))


def make(path: Path, rows: int) -> None:
    """A log of long-tailed users and items whose ids are strings, in no order."""
    rng = np.random.default_rng(0)
    user = (rows // 33 * rng.random(rows) ** 1.7).astype(np.int64)
    item = (rows // 100 * rng.random(rows) ** 2.2).astype(np.int64)
    moment = rng.integers(1_300_000_000, 1_500_000_000, rows)
    log = {"user": user, "item": item, "moment": moment}
    with duckdb.connect() as connection:
        connection.register("log", log)
        connection.execute(
            'COPY (SELECT \'A\' || upper(substr(md5("user"::VARCHAR), 1, 12)) AS "user_id:token", '
            '\'B\' || upper(substr(md5(item::VARCHAR), 1, 9)) AS "item_id:token", moment AS "timestamp:float" FROM log) '
            f"TO '{path}' (HEADER, DELIMITER '\t', QUOTE '')"
        )


def bare(path: Path, threads: int) -> str:
    """Reads every value and keeps none."""
    columns = "{'user': 'VARCHAR', 'item': 'VARCHAR', 'moment': 'DOUBLE'}"
    scan = f"read_csv('{path}', columns = {columns}, auto_detect = false, header = true, delim = '\t', quote = '', escape = '')"
    with duckdb.connect(config={"threads": threads}) as connection:
        return str(connection.execute(f"SELECT count(*), max(user), max(item), sum(moment) FROM {scan}").fetchone())


def whole(path: Path, threads: int) -> str:
    """Prepares the dataset."""
    last = [time.perf_counter(), time.process_time()]

    def say(step: str) -> None:
        now = [time.perf_counter(), time.process_time()]
        print(f"  {now[0] - last[0]:6.2f} s, {now[1] - last[1]:6.2f} s of processor time, until: {step}", file=sys.stderr)
        last[:] = now

    with tempfile.TemporaryDirectory(dir=path.parent) as cache:
        prepared = prepare(path, CONFIG, cache, say, threads=threads)
        say("the end")
        return str(prepared.report)


def measured(work: str, path: Path, threads: int) -> dict[str, float]:
    """Runs one of the two in a process of its own."""
    command = [sys.executable, __file__, "--work", work, "--path", str(path), "--threads", str(threads)]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--work", choices=["bare", "whole"])
    options = parser.parse_args()
    if options.work:
        begin, processor = time.perf_counter(), time.process_time()
        print({"bare": bare, "whole": whole}[options.work](options.path, options.threads), file=sys.stderr)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            json.dumps(
                {"seconds": round(seconds, 2), "processor_seconds": round(time.process_time() - processor, 2), "peak_gb": round(peak, 2)}
            )
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.path or Path(folder) / "log.inter"
        if not path.exists():
            make(path, options.rows)
        results = {work: measured(work, path, options.threads) for work in ("bare", "whole")}
    results["ratio"] = {"seconds": round(results["whole"]["seconds"] / results["bare"]["seconds"], 2)}
    results["ratio"]["processor_seconds"] = round(results["whole"]["processor_seconds"] / results["bare"]["processor_seconds"], 2)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
