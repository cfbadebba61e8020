"""Evaluations survive their file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator


def test_what_is_saved_is_read_back(world: Callable[..., Prepared], given_scores: Callable[..., object], tmp_path: Path) -> None:
    prepared = world({"train": [(0, 0), (1, 1)], "test": [(0, 1), (1, 2)]}, 2, 4)
    config = Evaluation(cutoff=(1, 2), test_metrics=("recall", "coverage", "auc"))
    found = Evaluator(prepared, "test", config)(given_scores([[0, 1, 2, 3], [3, 2, 1, 0]]))
    found.save(tmp_path / "test.safetensors")
    read = Evaluated.load(tmp_path / "test.safetensors")
    assert read.summary() == found.summary() and json.dumps(found.summary())
    assert read.lists is None and read.weights is None and np.array_equal(read.users, found.users)
    assert list(read.per_user) and all(
        np.array_equal(read.per_user[name], values, equal_nan=True) for name, values in found.per_user.items()
    )


def test_other_files_are_refused(tmp_path: Path) -> None:
    for content in (None, b"", b"not safetensors at all"):
        if content is not None:
            (tmp_path / "file").write_bytes(content)
        with pytest.raises(InputError, match=r"missing|none of ours"):
            Evaluated.load(tmp_path / "file")
