"""Every recipe for sessions on files made up in the layout of the original ones, against what the authors' own scripts make of them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from turret.api.datasets import prepare
from turret.core.errors import InputError
from turret.data.catalogue import Entry, describe, locate, present
from turret.data.catalogue.places import MADE
from turret.data.catalogue.sessions import ENTRIES
from turret.data.catalogue.sessions.events import Counts
from turret.data.catalogue.sessions.making import Published
from turret.data.catalogue.tables import NOTES
from turret.data.prepared import Prepared

PARTS = ("train_full", "test", "train_tr", "train_valid")
HOUR, DAY = 3_600_000, 86_400_000
GOLDEN = json.loads((Path(__file__).parent / "golden_sessions.json").read_text())
"""Rows, and a digest of them, of the parts that the scripts of GRU4Rec's authors make of the files that `MADE_UP` writes: that of
hidasib/GRU4Rec (examples/rsc15) in UTC, and those of hidasib/gru4rec_third_party_comparison, of which yoochoose_preproc.py was given
ignore_index=True where it joins its two files: without it, whatever row of one is dropped, the other loses the row of that number too."""


class Act(NamedTuple):
    """What somebody did: `time` in milliseconds."""

    who: int
    time: int
    item: int
    kind: str


def acts(seed: int, start: int, days: int, people: int) -> list[Act]:
    """A shop's log, person by person: bursts of clicks with pauses, some long, repeats, rare items, and several events of a moment."""
    draw = random.Random(seed)
    log: list[Act] = []
    for who in range(people):
        time = start + int(draw.random() * days * DAY)
        item = int(60 * draw.random() ** 3)
        for _ in range(1 + int(8 * draw.random() ** 2)):
            log.append(Act(who, time, item, "view" if draw.random() < 0.85 else "cart"))
            kind = draw.random()
            if kind > 0.15:
                time += int(draw.random() * HOUR * (0.2 if kind < 0.8 else 1.4 if kind < 0.96 else 24))
            if draw.random() > 0.25:
                item = int(60 * draw.random() ** 3)
    return log


def shuffled(log: list[Act], seed: int) -> list[Act]:
    draw = random.Random(seed)
    return [act for _, act in sorted((draw.random(), act) for act in log)]


def moment(time: int, form: str) -> str:
    return datetime.fromtimestamp(time // 1000, timezone.utc).strftime(form)


def lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def clicks(log: list[Act], first: int) -> str:
    def row(act: Act) -> str:
        time = f"{moment(act.time, '%Y-%m-%dT%H:%M:%S')}.{act.time % 1000:03}Z"
        return f"{first + act.who},{time},{214_530_000 + 7 * act.item},{act.item % 3 or 'S'}"

    return lines(map(row, log))


def rsc15() -> dict[str, str]:
    log = acts(1, 1_396_321_200_000, 6, 500)
    return {"yoochoose-clicks.dat": clicks(log[:300] + log[300:340][::-1] + log[340:], 1)}


def yoochoose() -> dict[str, str]:
    return rsc15() | {"yoochoose-test.dat": clicks(acts(2, 1_396_321_200_000, 6, 300), 9_000)}


def rees46() -> dict[str, str]:
    november = 1_572_566_400_000
    log = shuffled(acts(3, november - 20 * DAY, 50, 900), 3)
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"

    def row(act: Act) -> str:
        product, user = 100_000_000 - act.item, 500_000_000 + 7919 * act.who % 1000
        category = "electronics.audio" if act.item % 2 else ""
        return f"{moment(act.time, '%Y-%m-%d %H:%M:%S UTC')},{act.kind},{product},20530135,{category},,1.5,{user},0f-{act.who}"

    halves = [act for act in log if act.time < november], [act for act in log if november <= act.time < november + 30 * DAY]
    return {f"2019-{month}.csv": lines([header, *map(row, half)]) for month, half in zip(("Oct", "Nov"), halves, strict=True)}


def coveo() -> dict[str, str]:
    log = shuffled(acts(4, 1_545_000_000_000, 6, 500), 4)
    action = {"view": "detail", "cart": "add"}

    def row(number: int, act: Act) -> str:
        session, sku = (hashlib.md5(f"{key}".encode()).hexdigest() for key in (("s", act.who), ("i", act.item)))
        if number % 11 == 0:
            return f"{session},pageview,,,{act.time},u{number}"
        return f"{session},event,{action[act.kind]},{sku if number % 97 else ''},{act.time},u{number}"

    header = "session_id_hash,event_type,product_action,product_skus_hash,server_timestamp_epoch_ms,hashed_url"
    return {"release_10_23_2020.csv": lines([header, *(row(number, act) for number, act in enumerate(log, start=1))])}


def retailrocket() -> dict[str, str]:
    log = shuffled(acts(5, 1_442_545_200_000 - 40 * DAY, 39, 900), 5)
    action = {"view": "view", "cart": "addtocart"}
    rows = (f"{act.time},{7919 * act.who % 1000},{action[act.kind]},{1000 - act.item}," for act in log)
    return {"events.csv": lines(["timestamp,visitorid,event,itemid,transactionid", *rows])}


def diginetica() -> dict[str, str]:
    log = shuffled(acts(6, 1_462_752_000_000, 30, 900), 6)
    begin = {act.who: act.time for act in sorted(log, key=lambda act: -act.time)}
    rows = (f"{act.who};NA;{act.item};{act.time - begin[act.who]};{moment(act.time, '%Y-%m-%d')}" for act in log)
    return {"train-item-views.csv": lines(["sessionId;userId;itemId;timeframe;eventdate", *rows])}


MADE_UP: Mapping[str, Callable[[], dict[str, str]]] = {
    made_up.__name__: made_up for made_up in (rsc15, yoochoose, rees46, coveo, retailrocket, diginetica)
}


def put(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)


def digest(rows: Iterable[tuple[int, int, int]]) -> str:
    return hashlib.sha256(lines(f"{session} {item} {time}" for session, item, time in rows).encode()).hexdigest()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and nothing else to be found."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)
    return tmp_path / "data"


def quiet(_: str) -> None:
    """Says nothing."""


def made(name: str, place: Path, say: Callable[[str], None] = quiet) -> dict[str, list[tuple[int, str, float]]]:
    """The parts that `locate` makes of the original files in `place`: sessions, items and times."""
    folder = locate(name, place, say).path
    parts = {}
    for part in PARTS:
        header, *rows = (line.split("\t") for line in (folder / f"{part}.tsv").read_text().splitlines())
        assert header == ["SessionId", "ItemId", "Time"]
        parts[part] = [(int(session), item, float(time)) for session, item, time in rows]
    assert sorted(path.name for path in folder.iterdir()) == sorted([NOTES, *(f"{part}.tsv" for part in PARTS)])
    return parts


@pytest.mark.parametrize("name", list(MADE_UP))
def test_the_parts_are_those_that_the_authors_scripts_make(name: str, place: Path) -> None:
    files = MADE_UP[name]()
    put(place / name, files)
    number: dict[str, int] = {}
    if name == "coveo":  # where the script writes numbers, in the order of the file, in place of products
        for row in files["release_10_23_2020.csv"].splitlines()[1:]:
            number.setdefault(row.split(",")[3] or "missing", len(number))
    ticks = 1000 if name == "rsc15" else 1
    for part, rows in made(name, place).items():
        assert len(rows) == GOLDEN[name][part]["rows"], part
        plain = [(session, number[item] if number else int(item), round(time * ticks)) for session, item, time in rows]
        assert digest(plain) == GOLDEN[name][part]["digest"], part


def test_yoochoose_drops_repeated_clicks_and_rsc15_does_not(place: Path) -> None:
    put(place, yoochoose())
    repeated = {}
    for name in ("rsc15", "yoochoose"):
        rows = made(name, place)["train_full"]
        repeated[name] = sum(one[:2] == other[:2] for one, other in pairwise(rows))
    assert repeated["yoochoose"] == 0
    assert repeated["rsc15"] > 100


def test_what_became_of_the_rows_is_said_and_kept(place: Path) -> None:
    put(place, retailrocket())
    said: list[str] = []
    parts = made("retailrocket", place, said.append)
    notes = [line for line in said if not line.startswith(("no checksum", "making"))]
    assert (place / MADE / "retailrocket" / NOTES).read_text().splitlines() == notes
    rows = retailrocket()["events.csv"].splitlines()[1:]
    other = sum(",view," not in row for row in rows)
    assert notes[0].startswith(f"events.csv: {len(rows):,} rows - WARNING: 2,756,101 are published")
    assert notes[1] == f"events that are no views: {other:,} dropped"
    dropped = [int(note.split(": ")[1].split(" ")[0].replace(",", "")) for note in notes[2:5]]
    assert sum(dropped) == len(rows) - other - len(parts["train_full"]) - len(parts["test"])
    assert notes[-2].startswith(f"train_valid: {len(parts['train_valid']):,} events in 87 sessions on 57 items")
    assert "WARNING: about 554,580 are published" in notes[-1]


def test_what_is_as_published_is_said_to_be(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"train_full": Counts(1179, 264, 53), "test": Counts(207, 42, 42), "train_tr": Counts(957, 211, 53)}
    rows = {"yoochoose-clicks.dat": len(rsc15()["yoochoose-clicks.dat"].splitlines())}
    published = Published(rows, counts | {"train_valid": Counts(222, 53, 43)}, predictions=1179 - 264)
    monkeypatch.setattr("turret.data.catalogue.sessions.yoochoose.OF_RSC15", published)
    put(place, rsc15())
    said: list[str] = []
    made("rsc15", place, said.append)
    assert not any("WARNING" in note for note in said)
    assert sum("as published" in note for note in said) == 6


def test_settings_are_chosen_by_train_valid_and_train_full_is_for_the_final_run(place: Path) -> None:
    put(place / "rsc15", rsc15())
    parts = made("rsc15", place)
    held_out = len(parts["train_valid"]) + len(parts["test"])
    assert rows_of(prepare("rsc15", data_dir=place, say=quiet)) == (len(parts["train_tr"]), held_out)
    final = {"files": {"train": "train_full.tsv", "test": "test.tsv"}, "published_valid_ratio": 0}
    assert rows_of(prepare("rsc15", data_dir=place, say=quiet, **final)) == (len(parts["train_full"]), len(parts["test"]))


def rows_of(prepared: Prepared) -> tuple[int, int]:
    """Rows to train on, and all others."""
    train = len(prepared.parts["train"].interactions)
    return train, sum(len(part.interactions) for part in prepared.parts.values()) - train


def test_only_what_was_made_is_present(place: Path) -> None:
    put(place / "diginetica", diginetica())
    assert present("diginetica", place) is None
    located = locate("diginetica", place, quiet)
    assert present("diginetica", place) == located
    assert located.defaults.source.columns["SessionId"].role == "session"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_a_person_must_fetch_is_explained(entry: Entry, place: Path) -> None:
    with pytest.raises(InputError, match="by hand") as caught:
        locate(entry.name, place)
    assert entry.originals[0].file in str(caught.value)
    assert entry.page in str(caught.value)


def test_the_six_have_names() -> None:
    assert [entry.name for entry in ENTRIES] == list(MADE_UP)
    assert all(describe(entry.name) is entry for entry in ENTRIES)


def refused(name: str, place: Path, files: Mapping[str, str]) -> InputError:
    """What is said of these original files, the others being good ones."""
    put(place, MADE_UP[name]() | files)
    with pytest.raises(InputError) as caught:
        locate(name, place, quiet)
    assert not list((place / MADE).iterdir()), "nothing may be left of a dataset that could not be made"
    return caught.value


HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
ROW = "2019-11-01 00:00:00 UTC,view,1003461,205,,xiaomi,489.07,520088904,4d3b"


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        ([HEADER.replace("user_id", "customer"), ROW], 1, "user_id", "no such column among event_time"),
        ([HEADER, ROW, ROW.replace("2019-11-01", "yesterday")], 3, "event_time", "'yesterday 00:00:00 UTC' is no time"),
        ([HEADER, ROW, "", ROW.replace("2019-11-01 00:00:00 UTC", "")], 4, "event_time", "'' is no time"),
        ([HEADER, ROW, ROW, ROW.replace("520088904", "me")], 4, "user_id", "'me' is no whole number"),
        ([HEADER, ROW, ROW.replace("1003461", "1.5")], 3, "product_id", "'1.5' is no whole number"),
        ([HEADER, ROW, ROW.replace("1003461", "99999999999999999999")], 3, "product_id", "is no whole number"),
        ([HEADER, ROW, "2019-11-01 00:00:00 UTC,view,1"], 3, None, "3 columns where 9 are expected"),
        ([HEADER], None, None, "no rows"),
        ([], None, None, "the file is empty"),
    ],
)
def test_bad_rows_are_named_with_their_line(place: Path, content: list[str], line: int | None, column: str | None, words: str) -> None:
    error = refused("rees46", place, {"2019-Nov.csv": lines(content)})
    assert (Path(str(error.path)).name, error.line, error.column) == ("2019-Nov.csv", line, column)
    assert words in error.message


def test_bad_rows_of_files_without_a_header_are_named_with_their_line(place: Path) -> None:
    good = "1,2014-04-07T10:51:09.277Z,214536502,0"
    error = refused("yoochoose", place, {"yoochoose-test.dat": lines([good, good.replace("04-07", "04-31")])})
    assert str(error.path).endswith("yoochoose-test.dat")
    assert (error.line, error.column, error.message) == (2, "time", "'2014-04-31T10:51:09.277Z' is no time")


def test_a_file_that_is_no_text_is_named(place: Path) -> None:
    put(place, coveo())
    (place / "release_10_23_2020.csv").write_bytes(coveo()["release_10_23_2020.csv"].encode() + b"\xff\xfe,event,detail,x,1,u\n")
    with pytest.raises(InputError, match="not UTF-8"):
        locate("coveo", place, quiet)


def test_a_log_too_short_to_be_split_is_refused(place: Path) -> None:
    rows = [f"{session},2014-04-07T10:{minute:02}:00.000Z,{item},0" for session in range(1, 7) for minute, item in enumerate((7, 8))]
    error = refused("rsc15", place, {"yoochoose-clicks.dat": lines(rows)})
    assert "no session is left for the training part before the moment of the split" in error.message
    assert "12 events in 6 sessions on 2 items" in str(error.hint)


def test_a_log_that_ends_too_early_has_no_test_part(place: Path) -> None:
    early = [f"{1_420_000_000_000 + DAY * session + item},{session},view,{item}," for session in range(9) for item in (7, 8)]
    error = refused("retailrocket", place, {"events.csv": lines(["timestamp,visitorid,event,itemid,transactionid", *early])})
    assert "no session is left for the test part after the moment of the split" in error.message


def test_a_log_of_which_filtering_leaves_nothing_is_refused(place: Path) -> None:
    header = "sessionId;userId;itemId;timeframe;eventdate"
    rows = [f"{session};NA;{session};0;2016-05-09" for session in range(20)]
    error = refused("diginetica", place, {"train-item-views.csv": lines([header, *rows])})
    assert "nothing is left of the clicks" in error.message
