"""The clicks of the RecSys Challenge 2015, made into two datasets whose figures cannot be compared."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.scan import Delimited, scan
from turret.data.catalogue.sessions.events import Counts, Events, in_order
from turret.data.catalogue.sessions.making import DEFAULTS, Names, Published, check_rows, write
from turret.data.catalogue.sessions.rules import rule_of_2016, rule_of_2023
from turret.data.catalogue.tables import Tables

CLICKS, TEST = "yoochoose-clicks.dat", "yoochoose-test.dat"
FORM = Delimited({"session": "number", "time": "moment", "item": "number"}, header=("session", "time", "item", "category"))
DAY = 86_400
ROWS = {CLICKS: 33_003_944, TEST: 8_251_791}
OF_RSC15 = Published(
    ROWS,
    {
        "train_full": Counts(31_637_239, 7_966_257, 37_483),
        "test": Counts(71_222, 15_324, 6_751),
        "train_tr": Counts(31_579_006, 7_953_885, 37_483),
        "train_valid": Counts(58_233, 12_372, 6_359),
    },
)
OF_YOOCHOOSE = Published(ROWS, predictions=21_509_570)


def rsc15(originals: Originals, tables: Tables) -> None:
    """The clicks of the challenge's training file by the rule of 2016, in the order of that file."""
    clicks, names = _clicks(originals, tables, OF_RSC15, CLICKS)
    clicks = Events(clicks.session, clicks.item, clicks.time / 1000)
    write(rule_of_2016(clicks, DAY, tables.note), names, tables, OF_RSC15)


def yoochoose(originals: Originals, tables: Tables) -> None:
    """The clicks of both of the challenge's files by the rule of 2023, in whole seconds.

    The authors' script numbers the rows of each file from 0 and drops rows by number, so what it drops of one file takes unrelated rows of
    the other along. Their speeds of training show that their figures come from files without that fault, so it is not repeated here.
    """
    clicks, names = _clicks(originals, tables, OF_YOOCHOOSE, CLICKS, TEST)
    seconds = clicks.time // 1000
    clicks = Events(clicks.session, clicks.item, seconds).take(in_order(clicks.session, seconds, clicks.item))
    write(rule_of_2023(clicks, DAY, tables.note), names, tables, OF_YOOCHOOSE)


def _clicks(originals: Originals, tables: Tables, published: Published, *files: str) -> tuple[Events, Names]:
    """The clicks in the order of the files, with times in milliseconds."""
    with scan([originals.path(file) for file in files], FORM, tables.folder) as table:
        check_rows(table, published, tables)
        session, sessions = table.codes("session", "value")
        item, items = table.codes("item", "value")
        return Events(session, item, table.numbers("time")), Names(sessions, items)


PAGE = "https://2015.recsyschallenge.com"
LICENCE = "CC BY-NC-ND 4.0, as the challenge's data"
BY_HAND = "download yoochoose-data.7z, for instance from https://www.kaggle.com/datasets/chadgostopp/recsys-challenge-2015, and unpack it"
ENTRIES = (
    Entry(
        name="rsc15",
        title="RecSys Challenge 2015, by GRU4Rec's rule of 2016: repeated clicks are kept",
        page=PAGE,
        licence=LICENCE,
        size="train_full 31,637,239 clicks, 7,966,257 sessions, 37,483 items; test 71,222 clicks, 15,324 sessions",
        originals=(Original(CLICKS, 1_486_798_186),),
        recipe=rsc15,
        by_hand=BY_HAND,
        defaults=DEFAULTS,
    ),
    Entry(
        name="yoochoose",
        title="RecSys Challenge 2015, by GRU4Rec's rule of 2023: repeated clicks are dropped",
        page=PAGE,
        licence=LICENCE,
        size="made from 41,255,735 clicks, 11,562,161 sessions",
        originals=(Original(CLICKS, 1_486_798_186), Original(TEST, 372_000_000)),
        recipe=yoochoose,
        by_hand=BY_HAND,
        defaults=DEFAULTS,
    ),
)
