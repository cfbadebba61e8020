"""Containers made by hand, so that what is inside of them can be anything."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_BLOCK = 1 << 17


def gz(data: bytes) -> bytes:
    """A gzip file."""
    return gzip.compress(data, 1, mtime=0)


def zst(data: bytes) -> bytes:
    """A zstandard file of blocks that are stored as they are (RFC 8878, 3.1.1)."""
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)] or [b""]
    return _frame(_block(block, len(block), kind=0, last=block is blocks[-1]) for block in blocks)


def zst_of_one(byte: bytes, times: int) -> bytes:
    """A zstandard file of one byte, many times: four bytes of it come to 131,072."""
    full, rest = divmod(times, _BLOCK)
    return _frame((*(_block(byte, _BLOCK, kind=1, last=False) for _ in range(full)), _block(byte, rest, kind=1, last=True)))


def _frame(blocks: Iterator[bytes] | tuple[bytes, ...]) -> bytes:
    return b"\x28\xb5\x2f\xfd\x00\x38" + b"".join(blocks)  # no checksum, a window of 128 KiB


def _block(content: bytes, size: int, *, kind: int, last: bool) -> bytes:
    return struct.pack("<I", last | kind << 1 | size << 3)[:3] + content


def safetensors(header: Mapping[str, Any] | bytes, payload: bytes = b"") -> bytes:
    """A safetensors file: the length of its header, the header in JSON, the tensors."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload
