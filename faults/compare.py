"""What two run directories differ by, bit by bit; only seconds, and places on the disk, may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TENSORS = ("best.safetensors", "last.safetensors", "test.safetensors")
RECORDS = ("run.json", "settings.json", "environment.json", "result.json")
MEASURES = "metrics.jsonl"
ELSEWHERE = ("path", "source", "run")
"""Names of what tells a place on the disk."""
CHECKSUMS = ("checksum", "bytes", "sha256")
"""Names of what follows from a content that tells seconds or places; whether they are right is seen when `turret` reads the file."""


def differences(run: Path, reference: Path, but: str = "") -> list[str]:
    """In words, one for each file that differs, `but` for one; empty where the runs are the same."""
    found = []
    for name, read in {**dict.fromkeys(TENSORS, tensors), **dict.fromkeys(RECORDS, record), MEASURES: measures}.items():
        if name == but:
            continue
        expected, path = read(reference / name), run / name
        if not path.is_file():
            found.append(f"{name} is missing")
            continue
        try:
            got = read(path)
        except (ValueError, KeyError, OSError) as error:
            found.append(f"{name} cannot be read: {error}")
            continue
        if got != expected:
            found.append(f"{name} differs: {first(got, expected)}")
    return found


def litter(run: Path, reference: Path) -> tuple[str, ...]:
    """Files of a run that one that nothing befell does not have; `previous.safetensors` is there when a second checkpoint was written."""
    return tuple(sorted({path.name for path in run.iterdir()} - {path.name for path in reference.iterdir()} - {"previous.safetensors"}))


def tensors(path: Path) -> dict[str, Any]:
    """Type, shape and bytes of each tensor of a safetensors file by its name, and its metadata under the empty name."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    metadata = {name: _parsed(value) for name, value in header.pop("__metadata__", {}).items()}
    read = {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}
    if any(
        len(entry[2]) != end - begin
        for entry, (begin, end) in zip(read.values(), (e["data_offsets"] for e in header.values()), strict=True)
    ):
        raise ValueError("it is shorter than its header says")
    return {**read, "": timeless(metadata)}


def record(path: Path) -> Any:
    """A JSON file, without what may differ."""
    return timeless(json.loads(path.read_text()))


def measures(path: Path) -> list[Any]:
    """A file of JSON lines, without what may differ."""
    return [timeless(json.loads(line)) for line in path.read_text().splitlines()]


def timeless(value: Any) -> Any:
    """A value without what tells seconds and places, at any depth."""
    if isinstance(value, Mapping):
        told = {*ELSEWHERE, *CHECKSUMS}
        return {name: timeless(each) for name, each in value.items() if not ("second" in str(name) or name in told)}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def first(got: Any, expected: Any, at: str = "") -> str:
    """The first place at which two values differ."""
    if isinstance(got, dict) and isinstance(expected, dict):
        for name in sorted({*got, *expected}):
            if name not in got or name not in expected:
                return f"{at}{name} is only in {'it' if name in got else 'the other'}"
            if got[name] != expected[name]:
                return first(got[name], expected[name], f"{at}{name}." if name else at)
    if isinstance(got, list) and isinstance(expected, list) and len(got) != len(expected):
        return f"{at or 'it '}has {len(got)} entries, not {len(expected)}"
    if isinstance(got, list) and isinstance(expected, list):
        number = next(index for index, pair in enumerate(zip(got, expected, strict=True)) if pair[0] != pair[1])
        return first(got[number], expected[number], f"{at}{number + 1}.")
    return f"{at.rstrip('.') or 'it'} is {_short(got)}, not {_short(expected)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."
