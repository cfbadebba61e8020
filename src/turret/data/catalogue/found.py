"""Datasets that other projects prepared: used where they are found in atomic form, and not made here."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry
from turret.data.config import DataConfig, Source

RSC15 = Source(
    files={"train": "train_tr.tsv", "valid": "train_valid.tsv", "test": "test.tsv"},
    columns={"SessionId": "session", "ItemId": "item", "Time": "time"},  # type: ignore[dict-item]
)

ENTRIES = (
    Entry(
        name="lastfm-social",
        title="Last.fm, HetRec 2011, the split of the LightGCN repository, with friends",
        page="https://grouplens.org/datasets/hetrec-2011/",
        licence="non-commercial use, with acknowledgement of Last.fm and HetRec 2011",
        size="1,892 users, 4,489 artists, 42,135 + 10,533 listening counts, 25,434 directed friendships",
    ),
    Entry(
        name="lastfm-kg",
        title="Last.fm, HetRec 2011, with a knowledge graph",
        page="https://grouplens.org/datasets/hetrec-2011/",
        licence="non-commercial use, with acknowledgement of Last.fm and HetRec 2011",
        size="1,892 users, 17,632 artists, 92,834 listening counts, 15,518 triples",
    ),
    Entry(
        name="frappe",
        title="Frappe, use of apps in context, with a label",
        page="https://www.baltrunas.info/context-aware",
        licence="research use, with citation of Baltrunas et al. 2015",
        size="57,722 + 28,860 rows in ten categorical fields",
    ),
    Entry(
        name="rsc15-100k",
        title="RecSys Challenge 2015, clicks of sessions, a sample",
        page="https://recsys.acm.org/recsys15/challenge/",
        licence="CC BY-NC-ND 4.0, as the challenge's data",
        size="about 100,000 clicks",
        defaults=DataConfig(source=RSC15),
    ),
)
