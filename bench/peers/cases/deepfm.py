"""DeepFM: a factorisation machine and a deep network on the same vectors."""

from __future__ import annotations

from bench.peers.case import Target
from bench.peers.impressions import case

CASE = case("deepfm", "DeepFM in training", ("", 0), (Target("1M", "fuxictr", 3.0),))
