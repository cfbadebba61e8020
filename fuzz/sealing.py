"""Checksums made anew, so that what is wrong gets past them, as somebody's forgery would."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from turret.core.files import CHECKSUM, checksum, entry


def sealed(content: Any) -> bytes:
    """Plain values in JSON; where they are an object, with its checksum."""
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name != CHECKSUM}
        content[CHECKSUM] = checksum(content)
    return json.dumps(content).encode()


def replace_file(manifest: Path, name: str, content: bytes) -> None:
    """Gives a file that a manifest knows another content, and the manifest what it says of it."""
    path = manifest.with_name(name)
    path.write_bytes(content)
    said = json.loads(manifest.read_bytes())
    for key, known in said["files"].items():
        if name in (key, known.get("file")):
            known.update(entry(path))
    manifest.write_bytes(sealed(said))


def rewrite(manifest: Path, data: bytes) -> None:
    """Gives a manifest another text: as it is after an r, and with a checksum of its own after an s, if it is JSON."""
    content = data[1:]
    if data[:1] == b"s":
        with suppress(ValueError, RecursionError):
            content = sealed(json.loads(content))
    manifest.write_bytes(content)
