"""From a raw log to a prepared dataset.

`prepare(path, config)` does it for files, `from_arrays` and `from_parts` for arrays; `open_prepared(folder)` opens what was prepared.
"""

from turret.data.arrays import from_arrays, from_parts
from turret.data.config import Cleaning, Column, DataConfig, Source, Split
from turret.data.prepare import default_prepared_dir, prepare
from turret.data.prepared import Prepared
from turret.data.store import open_prepared, read_manifest

__all__ = [
    "Cleaning",
    "Column",
    "DataConfig",
    "Prepared",
    "Source",
    "Split",
    "default_prepared_dir",
    "from_arrays",
    "from_parts",
    "open_prepared",
    "prepare",
    "read_manifest",
]
