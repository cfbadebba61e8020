"""Small logs of sessions in which one item mostly leads to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def sessions(path: Path, seed: int, n: int, items: int = 12) -> Path:
    generator = np.random.default_rng(seed)
    rows = ["SessionId\tItemId\tTime"]
    for session in generator.permutation(n):
        item = int(generator.integers(items))
        for step in range(int(generator.integers(2, 6))):
            rows.append(f"{session}\ti{item}\t{session * 10 + step}.5")
            item = (item + 1) % items if generator.random() < 0.7 else int(generator.integers(items))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sessions(tmp_path_factory.mktemp("logs") / "train.tsv", seed=1, n=80)


@pytest.fixture(scope="session")
def test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sessions(tmp_path_factory.mktemp("logs") / "test.tsv", seed=2, n=20)
