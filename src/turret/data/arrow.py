"""What the engine finds, batch by batch, in the memory where it lies: the C stream interface of Apache Arrow.

Source: https://arrow.apache.org/docs/format/CStreamInterface.html and CDataInterface.html. Understood are columns of the formats i (int32),
l (int64), g (float64) and U (UTF-8 with 64-bit offsets); a missing text is an empty one, and of a missing number the value means nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts end to end: text r is `data[offsets[r]:offsets[r + 1]]`.

    Attributes:
        data: uint8.
        offsets: int64 [n + 1].
    """

    data: IntArray
    offsets: IntArray

    def __len__(self) -> int:
        return len(self.offsets) - 1


Values = npt.NDArray[Any] | Texts


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
_NUMBERS: dict[str, np.dtype[Any]] = {"i": np.dtype(np.int32), "l": np.dtype(np.int64), "g": np.dtype(np.float64)}
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def batches(relation: duckdb.DuckDBPyRelation) -> Iterator[Sequence[Values]]:
    """The columns of some rows after others; they are there until the next batch is asked for.

    Raises:
        duckdb.Error: the engine fails on the way.
    """
    capsule = relation.__arrow_c_stream__()  # when it goes, it releases the stream
    stream = ctypes.cast(_pointer(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    formats = _formats(stream)
    while True:
        batch = _Array()
        _check(stream, stream.contents.get_next(stream, ctypes.byref(batch)))
        if not batch.release:
            return
        try:
            yield [_values(batch.children[place].contents, kind) for place, kind in enumerate(formats)]
        finally:
            batch.release(ctypes.byref(batch))


def _formats(stream: Any) -> list[str]:
    schema = _Schema()
    _check(stream, stream.contents.get_schema(stream, ctypes.byref(schema)))
    formats = [schema.children[place].contents.format.decode() for place in range(schema.n_children)]
    schema.release(ctypes.byref(schema))
    return formats


def _check(stream: Any, code: int) -> None:
    if code:
        message = (stream.contents.get_last_error(stream) or b"").decode("utf-8", "replace")
        kind = duckdb.OutOfMemoryException if message.startswith("Out of Memory") else duckdb.Error
        raise kind(message)


def _values(column: Any, kind: str) -> Values:
    begin, end = column.offset, column.offset + column.length
    if kind == "U":
        offsets = _buffer(column, 1, np.dtype(np.int64), end + 1)[begin:]
        return Texts(_buffer(column, 2, np.dtype(np.uint8), int(offsets[-1])), offsets)
    return _buffer(column, 1, _NUMBERS[kind], end)[begin:]


def _buffer(column: Any, place: int, dtype: np.dtype[Any], n: int) -> npt.NDArray[Any]:
    if not n:
        return np.empty(0, dtype=dtype)
    bytes_there: Any = (ctypes.c_char * (n * dtype.itemsize)).from_address(column.buffers[place])
    return np.frombuffer(bytes_there, dtype=dtype)
