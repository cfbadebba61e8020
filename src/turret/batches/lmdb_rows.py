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
from safetensors import SafetensorError

from turret.batches.features import Encoder, Features, Sets
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

    Every block is held against the dataset: it has the arrays that the dataset's own rows have, and no id that the dataset lacks. LMDB's
    own structures are LMDB's to read; of these it is only checked that the file has all the pages that it speaks of.

    Args:
        path: the environment.
        prepared: the dataset that it was made of.
        part: of the split.

    Raises:
        InputError: there is none, it was made of something else, or it is damaged.
        UnsupportedError: the package lmdb is not installed.
    """

    def __init__(self, path: str | Path, prepared: Prepared, part: str = TRAIN) -> None:
        self._lmdb, self._path = _lmdb(), Path(path)
        self._environment = self._opened()
        about = self._about()
        expected = _about(prepared, part)
        different = [f"{name} is {about.get(name)}, not {value}" for name, value in expected.items() if about.get(name) != value]
        if different:
            raise InputError(f"was made of something else: {', '.join(different)}", path=path, hint="Export the dataset as it is now.")
        self._rows, self._form = len(prepared.interactions(part)), _Form(prepared, part)
        zeros = about.get("zeros")
        if not isinstance(zeros, list) or [type(count) for count in zeros] != [int] * -(-self._rows // BLOCK):
            raise self._damaged("it does not say how many labels of each block are 0")
        self._zeros: list[int] = zeros

    def __len__(self) -> int:
        return self._rows

    def zeros(self, start: int, stop: int) -> int:
        """See `RowSource`; known of whole blocks."""
        return sum(self._zeros[start // BLOCK : -(-stop // BLOCK)])

    def read(self, start: int, stop: int) -> Rows:
        """See `RowSource`.

        Raises:
            InputError: a block is missing, or not what was written.
        """
        first, last = start // BLOCK, -(-stop // BLOCK)
        rows = Rows.joined([self._block(number) for number in range(first, last)])
        whole = start == first * BLOCK and len(rows) == stop - start
        return rows if whole else rows.take(torch.arange(start, stop) - first * BLOCK)

    def _opened(self) -> Any:
        hint = "`turret data export DATASET --lmdb PATH` makes one."
        file = self._path / "data.mdb"
        if not file.is_file():
            raise InputError("no LMDB environment", path=self._path, hint=hint)
        try:
            environment = self._lmdb.open(str(self._path), readonly=True, create=False, lock=False, readahead=False)
        except self._lmdb.Error as error:
            raise InputError(f"no LMDB environment: {error}", path=self._path, hint=hint) from None
        if (environment.info()["last_pgno"] + 1) * environment.stat()["psize"] > file.stat().st_size:
            raise self._damaged("it is cut off")  # reading a mapped page that the file lacks would end the process
        return environment

    def _about(self) -> dict[str, Any]:
        try:
            about = json.loads(self._value(ABOUT) or b"{}")
        except (ValueError, RecursionError):
            about = None
        if not isinstance(about, dict):
            raise self._damaged("what it was made of is not told")
        return about

    def _block(self, number: int) -> Rows:
        try:
            rows = _unpacked(safetensors.torch.load(self._value(_key(number))))
        except (SafetensorError, KeyError) as error:
            raise self._damaged(f"block {number} cannot be read: {error}") from None
        if not self._form.fits(rows, min(BLOCK, self._rows - number * BLOCK)):
            raise self._damaged(f"block {number} does not hold rows of this dataset")
        return rows

    def _value(self, key: bytes) -> bytes:
        """What stands under a key; empty where nothing does."""
        try:
            with self._environment.begin(buffers=True) as transaction:
                return bytes(transaction.get(key, default=b""))
        except self._lmdb.Error as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, why: str) -> InputError:
        return InputError(f"the environment is damaged: {why}", path=self._path, hint="Export the dataset again.")


class _Form:
    """What a block must be: rows of the kinds and widths of the dataset's own, with ids that it has."""

    def __init__(self, prepared: Prepared, part: str) -> None:
        known = Encoder.of(prepared.parts[TRAIN].features)
        self._like = MappedRows(prepared.parts[part], known).read(0, 0)
        self._users, self._items = (torch.tensor(len(side.vocabulary)) for side in (prepared.users, prepared.items))
        self._tokens, self._tags = torch.tensor(list(known.tokens.values())), known.sets

    def fits(self, rows: Rows, n: int) -> bool:
        """Whether these are n such rows."""
        around, like = rows.surroundings, self._like.surroundings
        pairs = [(around.tokens, like.tokens), (around.floats, like.floats), *zip(rows.columns, self._like.columns, strict=True)]
        return (
            all(found.dtype == expected.dtype and found.shape == (n, *expected.shape[1:]) for found, expected in pairs)
            and _below(rows.users, self._users)
            and _below(rows.items, self._items)
            and _below(around.tokens, self._tokens)
            and around.sets.keys() == like.sets.keys()
            and all(_divides(tags, n) and _below(tags.ids, torch.tensor(self._tags[name])) for name, tags in around.sets.items())
        )


def _below(ids: torch.Tensor, n: torch.Tensor) -> bool:
    return not bool(((ids < 0) | (ids >= n)).any())


def _divides(tags: Sets, n: int) -> bool:
    offsets, ids = tags.offsets, tags.ids
    if (offsets.dtype, offsets.shape, ids.dtype, ids.dim()) != (torch.int64, (n + 1,), torch.int32, 1):
        return False
    return int(offsets[0]) == 0 and int(offsets[-1]) == len(ids) and bool((offsets.diff() >= 0).all())


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
