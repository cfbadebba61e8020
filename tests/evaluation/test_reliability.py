"""Predictions beside what came true, and the picture of it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from turret.core.errors import InputError, UnsupportedError
from turret.evaluation import plots
from turret.evaluation.answers import Gathering, Levels
from turret.evaluation.reliability import WIDE, Reliability, wilson


def levels_of(p: np.ndarray, y: np.ndarray, bins: int | None = None) -> Levels:
    gathering = Gathering(len(p), 1, {"units": 1}, bins)
    gathering.add(np.log(p / (1 - p)).astype(np.float32)[:, None], y[:, None], {"units": np.zeros(len(p), dtype=np.int64)})
    levels = gathering.answers("units")[0].levels
    assert levels is not None
    return levels


def world(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = generator.beta(1.2, 8, n).clip(1e-4, 1 - 1e-4)
    return p, (generator.random(n) < p).astype(float)


def test_bins_of_equally_many_impressions() -> None:
    p, y = world(1000)
    found = Reliability.of(levels_of(p, y), 10)
    order = np.argsort(p)
    for one, rows in zip(found.bins, np.split(order, 10), strict=True):
        assert one.rows == 100
        assert (one.predicted, one.observed) == pytest.approx((p[rows].mean(), y[rows].mean()), abs=1e-6)
        assert 0 <= one.low < one.observed < one.high <= 1
    counts, _ = np.histogram(p, 50, (0, found.limit))
    assert np.abs(np.array(found.histogram) - counts).sum() <= 2, "but for a prediction on an edge"
    assert sum(found.histogram) + found.beyond == 1000 and found.beyond == (p > found.limit).sum()


def test_bins_of_logits_give_nearly_the_same() -> None:
    p, y = world(20_000)
    exact, counted = Reliability.of(levels_of(p, y), 10), Reliability.of(levels_of(p, y, 10_000), 10)
    assert np.array(counted.bins)[:, 1:] == pytest.approx(np.array(exact.bins)[:, 1:], abs=2e-3)


def test_intervals_of_true_probabilities_hold_them_as_often_as_they_say() -> None:
    held = [one.low <= one.predicted <= one.high for seed in range(40) for one in Reliability.of(levels_of(*world(2000, seed)), 10).bins]
    assert 0.92 < np.mean(held) < 0.98


def test_wilson_is_where_the_score_test_just_fails() -> None:
    for share, n in ((0.0, 20), (0.05, 40), (0.5, 10), (1.0, 3)):
        low, high = wilson(np.array(share), np.array(n))

        def score(p: float, share: float = share, n: int = n) -> float:
            return (share - p) ** 2 - WIDE**2 * p * (1 - p) / n

        assert low == pytest.approx(optimize.brentq(score, 0, share - 1e-6) if share else 0, abs=1e-9)
        assert high == pytest.approx(optimize.brentq(score, share + 1e-6, 1) if share < 1 else 1, abs=1e-9)


def test_a_picture_of_each_task(tmp_path: Path) -> None:
    one, other = (Reliability.of(levels_of(*world(3000, seed)), 15) for seed in (1, 2))
    for name, found in (("one", {"label": one}), ("two", {"click": one, "buy": other})):
        plots.reliability(found, tmp_path / f"{name}.png", "deepfm on demo")
    sizes = [np.frombuffer((tmp_path / f"{name}.png").read_bytes()[16:24], dtype=">u4").tolist() for name in ("one", "two")]
    assert (tmp_path / "one.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sizes[1][0] == 2 * sizes[0][0] and sizes[0][1] == sizes[1][1]
    assert Reliability.of(levels_of(np.array([0.999999]), np.array([1.0])), 3).limit == 1


def test_drawing_leaves_no_trace_in_matplotlib(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.reliability({"label": Reliability.of(levels_of(*world(100)), 5)}, tmp_path / "it.png")
    assert dict(matplotlib.rcParams) == before


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"ends in \.png"):
        plots.can_draw(tmp_path / "it.jpg")
    with pytest.raises(InputError, match="no such folder"):
        plots.can_draw(tmp_path / "nowhere" / "it.png")
    with pytest.raises(UnsupportedError, match="no reliability"):
        plots.reliability({}, tmp_path / "it.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        plots.reliability({"label": Reliability.of(levels_of(*world(100)), 5)}, tmp_path / "taken.png")
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedError, match=r"turret\[plots\]"):
        plots.can_draw(tmp_path / "it.png")
