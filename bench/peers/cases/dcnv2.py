"""DCN-V2: two layers of crosses with square matrices beside a deep network."""

from __future__ import annotations

from bench.peers.case import Target
from bench.peers.impressions import case

CASE = case("dcnv2", "DCN-V2 in training", (" and of two cross layers", 2), (Target("1M", "fuxictr", 3.0),))
