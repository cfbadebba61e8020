"""The front door: a log goes in, a prepared dataset comes out, made once and found again."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from turret.core.errors import InputError
from turret.core.files import alone, checksum, sync, unwritable
from turret.data import fingerprint
from turret.data.assemble import assemble
from turret.data.config import DataConfig
from turret.data.divide import Say
from turret.data.features import kinds_of, settle
from turret.data.layout import PARTS, SIDE_TABLES, Layout, find
from turret.data.prepared import Prepared
from turret.data.readers import Engine, FileTable
from turret.data.report import Report
from turret.data.spool import Spool
from turret.data.store import FORMAT, MANIFEST, open_prepared, write
from turret.data.tables import Table

DEFAULT = DataConfig()


def default_prepared_dir() -> Path:
    """Where prepared datasets live unless one says otherwise: the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "turret" / "prepared"


def prepare(
    source: str | Path,
    config: DataConfig = DEFAULT,
    cache_dir: str | Path | None = None,
    progress: Say | None = None,
    *,
    memory: str = "800MB",
    threads: int | None = None,
) -> Prepared:
    """The prepared dataset of a log: that of the last time if neither the files nor the settings have changed, else a new one.

    Two processes may do this at once: one works, the other waits for it.

    Ids become codes while the files are read, columns lie on the disk, and one at a time is taken in memory. At the peak that is about 30
    bytes a row (measured: 306 MB at 10 million rows of users, items and times), 50 where there are no users and times order all rows at
    once, and what the tokens of users and items take up. The engine keeps the rows, out of core, only of logs with features.

    Args:
        source: a log, or a folder of tables; see `layout.find`.
        config: the settings.
        cache_dir: where prepared datasets live; None: `default_prepared_dir()`.
        progress: is called with a few words before each step.
        memory: what the engine may hold of logs with features in memory; beyond it, it uses the disk.
        threads: of the engine; None uses every core.

    Raises:
        InputError: the log is not what it should be, or nothing is left of it.
    """
    say = progress or (lambda _: None)
    layout = find(Path(source), config.source)
    config = config.model_copy(update={"source": layout.source})
    cache = Path(cache_dir) if cache_dir is not None else default_prepared_dir()
    try:
        if cache_dir is None:  # Logs say who did what.
            cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(cache, error) from None
    names = {f"{table}/{path.name}": path for table, paths in layout.tables.items() for path in paths}
    inputs = fingerprint.of_files(names, cache / "inputs.json")
    key = checksum({"name": layout.name, "inputs": inputs, "settings": config.key()})
    folder = cache / folder_name(layout.name, key)
    if (prepared := opened_or_nothing(folder)) is not None:
        return settled(prepared, config)
    with _alone(folder, say):
        if opened_or_nothing(folder, noted=False) is None:
            try:
                _make(layout, config, folder, key, inputs, say, memory, threads)
            except OSError as error:
                raise unwritable(cache, error) from None
    return settled(open_prepared(folder), config)


def folder_name(dataset: str, key: str) -> str:
    """Of a prepared dataset with this hash. It has the format, so that versions with different ones can share a cache."""
    return f"{dataset}-{FORMAT}-{key[:16]}"


def opened_or_nothing(folder: Path, noted: bool = True) -> Prepared | None:
    """A prepared dataset from where it lies; None where there is none, or a damaged one, which a note tells if it is to be `noted`."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        return open_prepared(folder)
    except InputError as error:
        if noted:
            warnings.warn(f"{error.path}: {error.message}; the dataset is prepared again", stacklevel=2)
        return None


def settled(prepared: Prepared, config: DataConfig) -> Prepared:
    """A dataset with the settings of its features, of which those of vectors are not stored with it."""
    return replace(prepared, features=settle(config.features, kinds_of(prepared)))


def _make(
    layout: Layout, config: DataConfig, folder: Path, key: str, inputs: dict[str, str], say: Say, memory: str, threads: int | None
) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        engine = Engine(Path(scratch), memory, threads)
        report = Report()
        tables = _tables(engine, layout, config, report, say)
        spool = Spool(Path(scratch) / "spool")
        prepared = assemble(layout.name, tables, config, report, say, spool.keep)
        say("writing")
        new = Path(scratch) / "new"
        write(replace(prepared, hash=key), new, config.key(), inputs, spool)
        _publish(new, folder)


def _tables(engine: Engine, layout: Layout, config: DataConfig, report: Report, say: Say) -> dict[str, Table]:
    files, mode = layout.tables, config.split.split_mode
    say(f"reading {layout.name}")
    parts: dict[str, Sequence[Path]] = {part: files[part] for part in PARTS if part in files}
    if parts and mode not in ("published", "auto"):
        report.add("published split", f"is not used, since split_mode is {mode}")
        parts = {"": files["inter"] if "inter" in files else [path for paths in parts.values() for path in paths]}
    tables = {"inter": FileTable(engine, "inter", parts or {"": files["inter"]}, config.source)}
    for table in SIDE_TABLES:
        if table in files:
            say(f"reading the {table} table")
            tables[table] = FileTable(engine, table, {"": files[table]}, config.source)
    names = set().union(*(table.names for table in tables.values()))
    for name in config.source.columns:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(sorted(names))}"
            raise InputError(f"the settings speak of a column '{name}' that no file has", hint=hint)
    return dict(tables)


def _publish(new: Path, folder: Path) -> None:
    """Puts a finished folder in its place in one step; where another process was faster, its folder holds the same and stays."""
    if folder.exists() and opened_or_nothing(folder, noted=False) is None:
        shutil.rmtree(folder)
    try:
        new.rename(folder)
    except OSError:
        if opened_or_nothing(folder, noted=False) is None:
            raise
    sync(folder.parent)


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Holds a lock between processes, so that the work of making `folder` is not done twice.

    Where the system has none the work may be done twice, and `_publish` keeps that harmless.
    """
    with alone(folder.parent / f".{folder.name}.lock", lambda: say("waiting for another process that prepares the same")):
        # What is here under the lock was left by a process that was killed.
        for left in folder.parent.glob(f".{folder.name}.*"):
            if left.is_dir():
                shutil.rmtree(left)
        yield
