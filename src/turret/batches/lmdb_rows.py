"""Impressions in an LMDB environment, for those who keep their data so: a sink that a prepared dataset is written to, and a source that
training reads from (`docs/decisions/0021-lmdb.md`).

A key is the number of a block of `BLOCK` rows (8 bytes, big-endian), its value the rows' arrays in the safetensors format, which runs no
code when it is read. The key `about` holds what the environment was made of, in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from turret.batches.features import Features, Sets
from turret.batches.impressions import BLOCK, ImpressionBuilder
from turret.batches.rows import MappedRows, Rows
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import TRAIN, Prepared

ABOUT = b"about"
COLUMNS = ("users", "items", "times", "labels")
ROOM = 1 << 40
"""Address space for an environment that is written; the file takes what it needs."""


def write_lmdb(prepared: Prepared, path: str | Path, part: str = TRAIN, say: Callable[[int], None] = lambda rows: None) -> Path:
    """Writes the impressions of a part into a new LMDB environment.

    Args:
        prepared: the dataset, with labels.
        path: the folder to make.
        part: of the split.
        say: is told the rows written so far, block by block.

    Raises:
        InputError: there is something at `path`, or it cannot be written.
        UnsupportedError: the package lmdb is not installed.
    """
    lmdb, path = _lmdb(), Path(path)
    if path.exists():
        raise InputError("there is something already", path=path, hint="Name a folder that does not exist yet.")
    source = MappedRows(prepared.parts[part], ImpressionBuilder(prepared).surroundings)
    starts = range(0, len(source), BLOCK)
    about = {**_about(prepared, part), "zeros": [source.zeros(start, start + BLOCK) for start in starts]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lmdb.open(str(path), map_size=ROOM) as environment:
            for number, start in enumerate(starts):
                rows = source.read(start, min(start + BLOCK, len(source)))
                with environment.begin(write=True) as transaction:
                    transaction.put(_key(number), safetensors.torch.save(_packed(rows)))
                say(start + len(rows))
            with environment.begin(write=True) as transaction:  # the last, so that an environment that has it is whole
                transaction.put(ABOUT, json.dumps(about).encode())
            environment.sync(True)
    except (lmdb.Error, OSError) as error:
        raise InputError(f"cannot be written: {error}", path=path) from None
    return path


class LmdbRows:
    """Reads the impressions of a part from the environment that `write_lmdb` made of it; a `RowSource`.

    Args:
        path: the environment.
        prepared: the dataset that it was made of.
        part: of the split.

    Raises:
        InputError: there is none, or it was made of something else.
        UnsupportedError: the package lmdb is not installed.
    """

    def __init__(self, path: str | Path, prepared: Prepared, part: str = TRAIN) -> None:
        lmdb = _lmdb()
        try:
            self._environment = lmdb.open(str(path), readonly=True, create=False, lock=False, readahead=False)
        except lmdb.Error as error:
            hint = "`turret data export DATASET --lmdb PATH` makes one."
            raise InputError(f"no LMDB environment: {error}", path=path, hint=hint) from None
        with self._environment.begin() as transaction:
            found = transaction.get(ABOUT)
        about: dict[str, Any] = json.loads(found) if found else {}
        expected = _about(prepared, part)
        different = [f"{name} is {about.get(name)}, not {value}" for name, value in expected.items() if about.get(name) != value]
        if different:
            raise InputError(f"was made of something else: {', '.join(different)}", path=path, hint="Export the dataset as it is now.")
        self._rows, self._zeros = len(prepared.interactions(part)), list(about["zeros"])

    def __len__(self) -> int:
        return self._rows

    def zeros(self, start: int, stop: int) -> int:
        """See `RowSource`; known of whole blocks."""
        return sum(self._zeros[start // BLOCK : -(-stop // BLOCK)])

    def read(self, start: int, stop: int) -> Rows:
        """See `RowSource`."""
        first, last = start // BLOCK, -(-stop // BLOCK)
        with self._environment.begin(buffers=True) as transaction:
            blocks = [_unpacked(safetensors.torch.load(bytes(transaction.get(_key(number))))) for number in range(first, last)]
        rows = Rows.joined(blocks)
        whole = start == first * BLOCK and len(rows) == stop - start
        return rows if whole else rows.take(torch.arange(start, stop) - first * BLOCK)


def _about(prepared: Prepared, part: str) -> dict[str, Any]:
    """What an environment must have been made of."""
    return {"format": 1, "dataset": prepared.hash, "part": part, "rows": len(prepared.interactions(part)), "block": BLOCK}


def _key(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _packed(rows: Rows) -> dict[str, torch.Tensor]:
    """A block's arrays, by names that `_unpacked` knows."""
    around = rows.surroundings
    sets = {f"{kind}/{name}": getattr(column, kind) for name, column in around.sets.items() for kind in ("offsets", "ids")}
    own = dict(zip(COLUMNS, rows.columns, strict=True))
    return {name: value.contiguous() for name, value in {**own, "tokens": around.tokens, "floats": around.floats, **sets}.items()}


def _unpacked(arrays: dict[str, torch.Tensor]) -> Rows:
    names = [name.removeprefix("ids/") for name in arrays if name.startswith("ids/")]
    sets = {name: Sets(arrays[f"offsets/{name}"], arrays[f"ids/{name}"]) for name in names}
    return Rows(Features(arrays["tokens"], arrays["floats"], sets), *(arrays[name] for name in COLUMNS))


def _lmdb() -> Any:
    try:
        import lmdb
    except ImportError:
        raise UnsupportedError("reading and writing LMDB takes the package lmdb: pip install 'turret[lmdb]'") from None
    return lmdb
