"""What a recurrent layer drops. The layer as a whole is held to `nn.gru` by `tests/training/test_streamed.py`."""

from __future__ import annotations

import numpy as np
import pytest

from turret.kernels.layer import drop


def test_dropped_numbers() -> None:
    x, mask = np.ones((400, 500), np.float32), np.empty((400, 500), np.float32)
    drop(x, 400, 500, np.uint64(7), np.float32(0.3), mask)
    assert np.array_equal(x, mask)
    assert np.unique(x).tolist() == pytest.approx([0, 1 / 0.7])
    assert (x == 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / x.size))
    again, other = np.ones_like(x), np.ones_like(x)
    drop(again, 400, 500, np.uint64(7), np.float32(0.3), mask)
    drop(other, 400, 500, np.uint64(8), np.float32(0.3), mask)
    assert np.array_equal(x, again) and ((x == 0) & (other == 0)).mean() == pytest.approx(0.09, abs=0.004)
