"""Criteo's display advertising challenge: clicks on advertisements, with features that nobody has named."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import Column, DataConfig, Feature, Source, Split

FILE, LOG = "dac.tar.gz", "train.txt"
NUMBERS = tuple(f"I{number}" for number in range(1, 14))
TOKENS = tuple(f"C{number}" for number in range(1, 27))
COLUMNS = {
    "label": Column(type="float", role="label"),
    **dict.fromkeys(NUMBERS, Column(type="float")),
    **dict.fromkeys(TOKENS, Column(type="token")),
}


def shaped(min_count: int) -> DataConfig:
    """The settings of logs in this shape, as the BARS benchmark has them (Zhu et al. 2022): numbers become categories by the rule of the
    challenge's winners, what fewer than `min_count` training rows hold counts as unknown, and the rows are divided at random."""
    return DataConfig(
        source=Source(format="tsv", header=False, columns=COLUMNS),
        split=Split(split_mode="entry", split_ratio=(0.8, 0.1, 0.1)),
        features={"*": Feature(min_count=min_count), **dict.fromkeys(NUMBERS, Feature(buckets="log_square"))},
    )


DEFAULTS = shaped(min_count=10)


def criteo(originals: Originals, tables: Tables) -> None:
    """The labelled rows, as they are: that each has its cells is checked, line by line, and nothing is kept in memory."""
    with (tables.folder / LOG).open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        file.writelines("\t".join(row) + "\n" for row in originals.rows(FILE, LOG, "\t", len(COLUMNS)))


ENTRIES = (
    Entry(
        name="criteo",
        title="Criteo display advertising challenge",
        page="https://www.kaggle.com/c/criteo-display-ad-challenge",
        licence="Criteo's terms for the challenge data, which have to be accepted",
        size="45,840,617 impressions of seven days, 13 numbers and 26 categories each",
        originals=(Original(FILE, 4_600_000_000),),
        recipe=criteo,
        by_hand="accept Criteo's terms, download the archive that holds train.txt and name it dac.tar.gz "
        "(or put train.txt itself, unpacked, into a folder named criteo)",
        defaults=DEFAULTS.model_copy(update={"source": DEFAULTS.source.model_copy(update={"files": {"inter": LOG}})}),
    ),
)
