"""Small logs on the disk, of every kind that the commands read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

PARAMETERS = """\
from collections import OrderedDict
gru4rec_params = OrderedDict([('loss', 'cross-entropy'), ('layers', [8]), ('batch_size', 8), ('n_sample', 16), ('n_epochs', 1)])
"""


def choices(folder: Path, seed: int = 1) -> Path:
    """A folder `log` of atomic files: two circles of users, each with its own items, and titles."""
    generator = np.random.default_rng(seed)
    place = folder / "log"
    place.mkdir(parents=True)
    rows = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user in range(40):
        mine = generator.permutation(np.arange(user % 2, 40, 2))[:12]
        rows += [f"u{user}\ti{item}\t{time}" for time, item in enumerate(mine)]
    (place / "log.inter").write_text("\n".join(rows) + "\n")
    (place / "log.item").write_text("item_id:token\ttitle:token\n" + "".join(f"i{item}\tTitle {item}\n" for item in range(40)))
    return place


def clicks(folder: Path, seed: int = 1) -> Path:
    """`clicks.csv`, a log of impressions, and `ads.yaml`, which describes it."""
    generator = np.random.default_rng(seed)
    rows = ["click,user,item,hour,price"]
    rows += [f"{generator.integers(2)},u{row % 20},i{row % 15},h{row % 24},{row % 7}.5" for row in range(400)]
    (folder / "clicks.csv").write_text("\n".join(rows) + "\n")
    described = folder / "ads.yaml"
    columns = "{click: label, user: user, item: item, hour: token, price: float}"
    described.write_text(f"path: clicks.csv\nsource:\n  columns: {columns}\nsplit: {{split_mode: entry}}\n")
    return described


def sessions(folder: Path) -> Path:
    """`sessions.tsv`, and `parameters.py` as GRU4Rec's authors write them."""
    rows = ["SessionId\tItemId\tTime", *(f"{session}\t{(session + step) % 12}\t{step}" for session in range(60) for step in range(4))]
    (folder / "sessions.tsv").write_text("\n".join(rows) + "\n")
    (folder / "parameters.py").write_text(PARAMETERS)
    return folder / "sessions.tsv"
