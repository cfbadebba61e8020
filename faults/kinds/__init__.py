"""The kinds of fault, a file for each family."""

from __future__ import annotations

from faults.kinds import company, damage, disk, kill, stop, ticks
from faults.kinds.kind import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*kill.KINDS, *ticks.KINDS, *stop.KINDS, *disk.KINDS, *damage.KINDS, *company.KINDS)}
