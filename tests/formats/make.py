"""Makes the files of the present formats, as small as they can be, and notes what they answer.

    python tests/formats/make.py v2

A folder holds three tiny seeded logs, what was prepared of them, and what was trained on it, all by paths inside the folder: whoever works
in it can open them, wherever it lies. `expected.json` has the numbers of the formats and the answers to QUESTIONS, which later versions
must give from the same files (`test_formats.py`). A new format gets a new folder; the older ones stay for as long as they can be read.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import turret
from turret.api import gru4rec
from turret.api.fitting import Unwatched
from turret.api.gru4rec import model_file
from turret.batches.impressions import ImpressionBuilder
from turret.batches.lmdb_rows import LmdbRows
from turret.batches.rows import MappedRows
from turret.core.contracts import Progress
from turret.core.files import read_sealed, write_sealed
from turret.data import store
from turret.data.columns import Column, arrays_of
from turret.data.prepared import TRAIN
from turret.index import files as index_files
from turret.index.approximate import Approximate
from turret.training import run_directory

HERE = Path(__file__).parent
CACHE = "cache"
"""Where prepared datasets lie, inside the folder."""
SOURCES = ("choices", "clicks.csv", "clicked.yaml", "sessions.csv")
"""What they were prepared from: nothing that was made of it needs it."""
QUICK = {"seed": 7, "threads": 1, "early_stop_patience": 0}
EPOCHS = 4
CLICKS = """\
path: clicks.csv
source: {columns: {who: user, what: item, place: token, price: float, size: float, kinds: token_seq, when: time, clicked: label}}
split: {split_mode: time, split_ratio: [0.6, 0.2, 0.2]}
features: {place: {hash_size: 8}, price: {buckets: 4}, kinds: {pooling: sum}, "*": {width: 2}}
"""


def make(folder: Path) -> None:
    """Makes a folder of the present formats."""
    folder.mkdir()
    with inside(folder):
        _write_logs(np.random.default_rng(5))
        _train()
        _clear()
    with tempfile.TemporaryDirectory() as place, inside(copied(folder, Path(place))):
        answers = {name: ask() for name, ask in QUESTIONS.items()}
    expected = {"turret": turret.__version__, "formats": formats(), "answers": answers}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def formats() -> dict[str, Any]:
    """The present number of each format."""
    numbers = {"prepared dataset": store.FORMAT, "run": run_directory.FORMAT, "index": index_files.FORMAT}
    return {**numbers, "GRU4Rec model": model_file.FORMAT}


def copied(folder: Path, place: Path) -> Path:
    """A copy to ask, without the sources, so that nothing can be prepared again."""
    return Path(shutil.copytree(folder, place / folder.name, ignore=lambda path, names: SOURCES if Path(path) == folder else ()))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Works in a folder, with the cache that is there."""
    before, cache = Path.cwd(), os.environ.get("XDG_CACHE_HOME")
    os.chdir(folder)
    os.environ["XDG_CACHE_HOME"] = CACHE
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.pop("XDG_CACHE_HOME") if cache is None else os.environ.update(XDG_CACHE_HOME=cache)


class Stops(Unwatched):
    """Presses Ctrl-C once half of the epochs are done: the next one is interrupted after a step, with a checkpoint."""

    def round(self, progress: Progress, measures: Mapping[str, float]) -> None:
        """Asks this process to end."""
        if progress.round == EPOCHS // 2:
            signal.raise_signal(signal.SIGINT)


def _train() -> None:
    """Makes a run of each kind that leaves other files behind, and what else is made of runs and logs."""
    short = {"embed_dim": 4, "epochs": EPOCHS, "batch_size": 32, "cutoff": [3], **QUICK}
    bpr = turret.train("bpr", "choices", run_dir="bpr", **short)
    turret.build_index(bpr, cells=2, probes=2)
    with suppress(KeyboardInterrupt):
        turret.train("bpr", "choices", run_dir="interrupted", watch=Stops(), **short)
    turret.train("ease", "choices", run_dir="ease", cutoff=[3], seed=7, threads=1)
    turret.train("deepfm", "clicked.yaml", run_dir="deepfm", epochs=2, mlp_layers=[4], **QUICK)
    turret.export("clicked.yaml", lmdb="lmdb")
    network = {"layers": [4], "n_sample": 4, "batch_size": 4}
    asked = {"protocol": "next_item", "cutoff": [3], "split_mode": "time", "split_ratio": [0.6, 0.2, 0.2]}
    turret.train("gru4rec", "sessions.csv", run_dir="gru4rec", epochs=2, **asked, **network, **QUICK)
    parameters = "layers=4,n_sample=4,batch_size=4,n_epochs=2"
    gru4rec.run("sessions.tsv", parameter_string=parameters, save_model="gru4rec.safetensors", device="cpu", seed=7, say=_silent)


def _clear() -> None:
    """Removes what is of this machine alone: locks, the times of files, and the absolute path of the folder."""
    for pattern in ("*.lock", "lock.mdb", "inputs.json", store.VERIFIED):
        for path in Path().rglob(pattern):
            path.unlink()
    for manifest in Path().glob(f"*/{run_directory.MANIFEST}"):
        content = read_sealed(manifest, "")
        source = Path(content["dataset"]["source"]).name
        write_sealed(manifest, {**content, "dataset": {**content["dataset"], "source": source}})


def _write_logs(generator: np.random.Generator) -> None:
    """Choices with every side table, clicks with every kind of feature, and sessions."""
    users, items = range(24), range(14)
    chosen = [(user, item) for user in users for item in generator.permutation(len(items))[:7]]
    kinds = [" ".join(f"k{kind}" for kind in generator.integers(3, size=item % 3)) for item in items]
    tables: dict[str, tuple[str, Iterable[Iterable[Any]]]] = {
        "inter": ("user_id:token\titem_id:token\ttimestamp:float", ((f"u{u}", f"i{i}", time) for time, (u, i) in enumerate(chosen))),
        "user": ("user_id:token\tage:float\tcity:token", ((f"u{u}", 20 + u, f"c{u % 3}") for u in users)),
        "item": (
            "item_id:token\ttitle:token\tkinds:token_seq\tplace:float_seq",
            ((f"i{i}", f"Title {i}", kinds[i], f"{i} {i / 2}") for i in items),
        ),
        "kg": ("head_id:token\trelation_id:token\ttail_id:token", ((f"e{i}", f"r{i % 2}", f"e{i + 1}") for i in items)),
        "link": ("item_id:token\tentity_id:token", ((f"i{i}", f"e{i}") for i in items)),
        "net": ("source_id:token\ttarget_id:token", ((f"u{u}", f"u{(u + 1) % len(users)}") for u in users)),
    }
    Path("choices").mkdir()
    for suffix, (header, rows) in tables.items():
        _write_table(f"choices/choices.{suffix}", header, rows)
    _write_clicks(generator, kinds)
    visits = [(session, step, (session + step * step) % 9) for session in range(30) for step in range(2 + session % 4)]
    events = [(f"s{session}", f"i{item}", 100 * session + step) for session, step, item in visits]
    _write_table("sessions.csv", "session_id,item_id,timestamp", events, ",")
    _write_table("sessions.tsv", "SessionId\tItemId\tTime", events)


def _write_clicks(generator: np.random.Generator, kinds: list[str]) -> None:
    rows = []
    for row in range(300):
        user, item, place = generator.integers(20), generator.integers(12), generator.integers(20)
        price = f"{generator.normal():.2f}" if row % 7 else ""
        clicked = int(generator.random() < (0.8 if (user + item) % 2 == 0 else 0.2))
        rows.append((f"u{user}", f"i{item}", f"p{place}", price, f"{generator.normal():.1f}", kinds[item], 1000 + row, clicked))
    header = "who,what,place,price,size,kinds,when"
    _write_table("clicks.csv", f"{header},clicked", rows, ",")
    _write_table("new.csv", header, (row[:-1] for row in rows[:5]), ",")
    Path("clicked.yaml").write_text(CLICKS)


def _write_table(path: str, header: str, rows: Iterable[Iterable[Any]], separator: str = "\t") -> None:
    Path(path).write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n")


def _measured(run: str) -> dict[str, Any]:
    """The figures of the test: as the run's result has them, as its file of the test has them, and measured again."""
    stored = turret.load(run)
    tested = {name: value for name, value in stored.result.items() if name.startswith("test.")}
    return {"result": tested, "tested": dict(stored.tested.metrics), "again": dict(turret.evaluate(run).metrics)}


def _recommended(run: str, **asked: Any) -> list[Any]:
    return [[each.item, each.title, each.score] for each in turret.recommend(run, k=4, **asked)]


def _learnt(run: str | turret.Run) -> dict[str, Any]:
    """What training came to, round by round, and in the end."""
    run = turret.load(run) if isinstance(run, str) else run
    tested = {name: value for name, value in run.result.items() if name.startswith("test.")}
    return {"losses": [record["loss"] for record in run.directory.rounds()], **tested}


def _predicted() -> list[str]:
    turret.predict("deepfm", "new.csv", "out.csv")
    header, *rows = Path("out.csv").read_text().splitlines()
    return [header, *map(float, rows)]


def _prepared(run: str) -> dict[str, Any]:
    """What a prepared dataset holds, every array as a few numbers."""
    prepared = turret.load(run).prepared
    sides = {"users": prepared.users, "items": prepared.items}
    parts = prepared.parts.items()
    tables = {name: (part.interactions, ("user", "item", "time", "rating", "weight")) for name, part in parts}
    tables["triples"] = (prepared.triples, ("head", "relation", "tail"))
    tables["social"] = (prepared.social, ("source", "target", "weight"))
    return {
        "sizes": [prepared.n_users, prepared.n_items],
        "statistics": dict(prepared.statistics),
        "entities": [] if prepared.triples is None else [list(prepared.triples.others), list(prepared.triples.relations)],
        "report": prepared.report.to_json(),
        "tokens": {name: list(side.vocabulary) for name, side in sides.items()},
        "texts": {name: {label: list(texts) for label, texts in side.raw.items()} for name, side in sides.items()},
        "features": {name: _columns(each.features) for name, each in (*sides.items(), *parts)},
        "labels": {name: {label: _numbers(values) for label, values in part.labels.items()} for name, part in parts},
        "tables": {
            name: {column: _numbers(getattr(table, column, None)) for column in columns} for name, (table, columns) in tables.items()
        },
    }


def _columns(columns: Mapping[str, Column]) -> dict[str, Any]:
    return {name: [_numbers(values) for values in arrays_of(column)] for name, column in columns.items()}


def _numbers(values: npt.NDArray[Any] | None) -> list[Any] | None:
    """Shape, sum, and a sum in which each value has another weight; missing values count as nothing."""
    if values is None:
        return None
    flat = np.nan_to_num(np.asarray(values, dtype=np.float64)).ravel()
    return [list(values.shape), float(flat.sum()), float(flat @ np.arange(1, len(flat) + 1))]


def _found() -> dict[str, Any]:
    index = Approximate.load("bpr/index")
    found = index.search(index.exact.vectors[:3], 4)
    return {"metric": index.metric, "probes": index.probes, "items": found.items.tolist(), "scores": found.scores.tolist()}


def _session_model() -> dict[str, Any]:
    run = gru4rec.run("gru4rec.safetensors", load_model=True, test="sessions.tsv", measure=[3], device="cpu", say=_silent)
    measured = run.measured[Path("sessions.tsv")]
    return {"items": list(run.fitted.items), "recall": measured.recall[3], "mrr": measured.mrr[3]}


def _exported() -> list[Any]:
    """The rows of the environment, which are those of the prepared dataset."""
    prepared = turret.load("deepfm").prepared
    rows = LmdbRows("lmdb", prepared)
    mapped = MappedRows(prepared.parts[TRAIN], ImpressionBuilder(prepared).surroundings)
    found, same = rows.read(0, len(rows)), mapped.read(0, len(mapped))
    pairs = zip((*found.columns, found.surroundings.tokens), (*same.columns, same.surroundings.tokens), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    return [rows.zeros(0, len(rows)), *(_numbers(column.numpy()) for column in found.columns)]


def _silent(text: str) -> None:
    """Nobody listens."""


QUESTIONS: dict[str, Callable[[], Any]] = {
    "choices": lambda: _prepared("bpr"),
    "clicks": lambda: _prepared("deepfm"),
    "sessions": lambda: _prepared("gru4rec"),
    "retriever": lambda: _measured("bpr"),
    "retriever recommends": lambda: _recommended("bpr", user="u3"),
    "closed form": lambda: _measured("ease"),
    "closed form recommends": lambda: _recommended("ease", history=["i2", "i5"]),
    "ranker": lambda: _measured("deepfm"),
    "ranker predicts": _predicted,
    "session model": lambda: _measured("gru4rec"),
    "session model recommends": lambda: _recommended("gru4rec", history=["i1", "i2"]),
    "uninterrupted": lambda: _learnt("bpr"),
    "interrupted": lambda: _learnt(turret.resume("interrupted")),
    "index": _found,
    "index recommends": lambda: _recommended("bpr", user="u3", index="approximate"),
    "GRU4Rec model": _session_model,
    "LMDB": _exported,
}
"""What is asked in a copy of a folder, by the name of what is asked."""


if __name__ == "__main__":
    make(HERE / sys.argv[1])
