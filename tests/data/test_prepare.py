"""The front door: reuse, rebuilding, two processes at once, and real data."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from turret.core.errors import InputError
from turret.core.files import digest, write_sealed
from turret.data import Cleaning, Column, DataConfig, Prepared, Source, Split, default_prepared_dir, open_prepared, prepare, read_manifest
from turret.data.columns import Numbers, NumberSets, Tokens, TokenSets
from turret.data.numbering import Hashing
from turret.data.store import MANIFEST, verified, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small dataset of every table and every type of column."""
    place = tmp_path / "tiny"
    place.mkdir()
    rng = np.random.default_rng(0)
    rows = [
        f"u{rng.integers(8)}\ti{rng.integers(9)}\t{rng.integers(1, 6)}\t{index}\t{rng.integers(3)}\t{rng.random():.3f}"
        for index in range(120)
    ]
    files = {
        "inter": ["user_id:token\titem_id:token\trating:float\ttimestamp:float\tplace:token\tprice:float", *rows],
        "item": [
            "item_id:token\tmovie_title:token_seq\tgenre:token_seq\tvector:float_seq",
            *(f"i{k}\tThe {k}\ta g{k % 3}\t{k}.5 1" for k in range(9)),
        ],
        "user": ["user_id:token\tage:float", *(f"u{k}\t{20 + k}" for k in range(7))],
        "kg": ["head_id:token\trelation_id:token\ttail_id:token", "e1\tr\te2", "e2\ts\te3"],
        "link": ["item_id:token\tentity_id:token", "i1\te1", "i2\te9"],
        "net": ["source_id:token\ttarget_id:token", "u1\tu2", "u2\tstranger"],
    }
    for suffix, lines in files.items():
        (place / f"tiny.{suffix}").write_text("\n".join(lines) + "\n")
    return place


def made(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def plain(value: Any) -> Any:
    """A prepared dataset as plain values."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, (Tokens, TokenSets, Numbers, NumberSets)):
        return [type(value).__name__, *(plain(getattr(value, name)) for name in value.__slots__)]
    if hasattr(value, "keys"):
        return {name: plain(value[name]) for name in value}
    if hasattr(value, "tokens"):
        return list(value)
    if hasattr(value, "to_json"):
        return value.to_json()
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def test_what_is_opened_is_what_was_written(folder: Path, tmp_path: Path) -> None:
    first = prepare(folder, cache_dir=tmp_path / "cache")
    assert first.triples is not None and list(first.triples.others) == ["e2", "e3"] and first.triples.told_of.sum() == 1
    assert first.social is not None and len(first.social.source) == 1
    assert set(first.parts["train"].features) == {"place", "price"} and set(first.items.raw) == {"movie_title"}
    write(first, tmp_path / "copy")
    # How the ids of features become vectors is no part of the data.
    assert repr(plain(open_prepared(tmp_path / "copy"))) == repr(plain(replace(first, features={})))
    again = open_prepared(tmp_path / "copy")
    assert again.triples is not None and again.social is not None
    for array in (first.train.user, again.triples.head, again.triples.relation, again.triples.tail, again.social.source):
        assert isinstance(array.base, np.memmap)


def test_every_way_of_numbering_is_kept(folder: Path, tmp_path: Path) -> None:
    features = "place.hash_size=7,price.buckets=4,user.age.scale=log,item.genre.min_count=2,item.vector.scale=min_max"
    first = prepare(folder, DataConfig(features=features), tmp_path / "cache")
    train, vector = first.parts["train"].features, first.items.features["vector"]
    assert train["place"].vocabulary == Hashing(7) and len(train["price"].vocabulary) == 4  # type: ignore[union-attr]
    assert first.users.features["age"].scale.kind == "log" and len(vector.scales) == 2  # type: ignore[union-attr]
    write(first, tmp_path / "copy")
    assert repr(plain(open_prepared(tmp_path / "copy"))) == repr(plain(replace(first, features={})))


def test_settings_of_vectors_are_taken_up_without_preparing_again(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = prepare(folder, DataConfig(features="place.min_count=2"), cache)
    again = prepare(folder, DataConfig(features="place.min_count=2,place.width=5,*.width=3"), cache)
    assert again.hash == first.hash and len(made(cache)) == 1
    assert (again.features["place"].width, again.features["item"].width) == (5, 3)
    with pytest.raises(InputError, match="'plaice' that there is not"):
        prepare(folder, DataConfig(features="place.min_count=2,plaice.width=5"), cache)


def test_nothing_stored_can_run_code(folder: Path, tmp_path: Path) -> None:
    prepare(folder, cache_dir=tmp_path / "cache")
    stored = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert {path.suffix for path in stored} == {".npy", ".json"}
    for path in stored:
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)
        with pytest.raises((pickle.UnpicklingError, KeyError, ValueError, EOFError, IndexError, AttributeError)):
            pickle.loads(path.read_bytes())


def test_reused_until_something_changes(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = prepare(folder, cache_dir=cache)
    stamp = (cache / made(cache)[0] / MANIFEST).stat().st_mtime_ns
    assert prepare(folder, cache_dir=cache).hash == first.hash
    assert (cache / made(cache)[0] / MANIFEST).stat().st_mtime_ns == stamp
    others = [
        prepare(folder, DataConfig(split=Split(split_seed=1)), cache).hash,
        prepare(folder, DataConfig(cleaning=Cleaning(min_rating=2)), cache).hash,
    ]
    item_table = folder / "tiny.item"
    item_table.write_text(item_table.read_text().replace("The 3", "Any 3"))
    others.append(prepare(folder, cache_dir=cache).hash)
    assert len({first.hash, *others}) == 4 == len(made(cache))


def test_a_change_of_the_same_size_and_time_is_seen(folder: Path, tmp_path: Path) -> None:
    log = folder / "tiny.inter"
    long_ago = time.time() - 1000
    os.utime(log, (long_ago, long_ago))
    first = prepare(folder, cache_dir=tmp_path / "cache")
    log.write_text(log.read_text().replace("u1\t", "u2\t"))
    os.utime(log, (long_ago, long_ago))
    assert prepare(folder, cache_dir=tmp_path / "cache").hash != first.hash


def test_the_same_files_elsewhere_are_the_same_dataset(folder: Path, tmp_path: Path) -> None:
    first = prepare(folder, cache_dir=tmp_path / "cache")
    shutil.copytree(folder, tmp_path / "elsewhere" / "tiny")
    assert prepare(tmp_path / "elsewhere" / "tiny", cache_dir=tmp_path / "cache").hash == first.hash
    assert len(made(tmp_path / "cache")) == 1


def test_nothing_is_left_behind_by_a_failure(folder: Path, tmp_path: Path) -> None:
    with (folder / "tiny.user").open("a") as file:
        file.write("u1\t30\n")
    with pytest.raises(InputError, match="the user 'u1' is there twice") as caught:
        prepare(folder, cache_dir=tmp_path / "cache")
    assert (Path(str(caught.value.path)).name, caught.value.line) == ("tiny.user", 9)
    assert made(tmp_path / "cache") == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "linked"])
@pytest.mark.parametrize("name", ["train.user.npy", "items.tokens.npy", MANIFEST])
def test_damage_is_told_and_mended_where_the_log_is_there(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    cache = tmp_path / "cache"
    whole = prepare(folder, cache_dir=cache)
    place = cache / made(cache)[0]
    content = bytearray((place / name).read_bytes())
    (place / name).unlink()
    if damage == "cut":
        (place / name).write_bytes(content[:-9])
    elif damage == "flipped":
        content[-2] ^= 1
        (place / name).write_bytes(content)
    elif damage == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        (place / name).symlink_to(tmp_path / "elsewhere")
    if (name, damage) == (MANIFEST, "linked"):
        open_prepared(place)
        return
    with pytest.raises(InputError) as caught:
        open_prepared(place)
    if (name, damage) != (MANIFEST, "gone"):
        assert Path(str(caught.value.path)).name == name
        with pytest.warns(UserWarning, match="prepared again"):
            again = prepare(folder, cache_dir=cache)
    else:
        again = prepare(folder, cache_dir=cache)
    assert repr(plain(again)) == repr(plain(whole))


def test_a_file_is_read_through_again_only_where_it_looks_changed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turret.data.fingerprint.SETTLED", -1.0)
    prepare(folder, cache_dir=tmp_path / "cache")
    place = tmp_path / "cache" / made(tmp_path / "cache")[0]
    read: list[Path] = []
    monkeypatch.setattr("turret.data.fingerprint.digest", lambda path: read.append(path) or digest(path))
    open_prepared(place)
    assert not read
    (place / "train.user.npy").touch()
    open_prepared(place)
    assert [path.name for path in read] == ["train.user.npy"]
    read.clear()
    assert len(verified(place, read_manifest(place), anew=True)) == len(read) > 10


def test_other_formats_are_told(folder: Path, tmp_path: Path) -> None:
    prepare(folder, cache_dir=tmp_path / "cache")
    place = tmp_path / "cache" / made(tmp_path / "cache")[0]
    content = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(InputError, match="has format 99"):
        open_prepared(place)
    with pytest.raises(InputError, match="no manifest"):
        open_prepared(tmp_path)


@pytest.mark.parametrize("name", ["../train.user.npy", "/etc/hosts", "sub/x.npy"])
def test_no_manifest_leads_out_of_its_folder(folder: Path, tmp_path: Path, name: str) -> None:
    prepare(folder, cache_dir=tmp_path / "cache")
    place = tmp_path / "cache" / made(tmp_path / "cache")[0]
    manifest = read_manifest(place)
    files = {name if known == "train.user.npy" else known: said for known, said in manifest["files"].items()}
    text = json.dumps({**manifest, "files": files}).replace('"user": "train.user.npy"', f'"user": "{name}"')
    write_sealed(place / MANIFEST, json.loads(text))
    with pytest.raises(InputError, match="no name of a file beside it"):
        open_prepared(place)


def test_a_half_made_folder_is_made_anew(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = prepare(folder, cache_dir=cache)
    (cache / made(cache)[0] / MANIFEST).unlink()
    assert prepare(folder, cache_dir=cache).hash == first.hash


def test_the_manifest_tells_how_it_came_about(folder: Path, tmp_path: Path) -> None:
    config = DataConfig(cleaning=Cleaning(min_rating=2), split=Split(split_mode="leave_one_out"))
    prepared = prepare(folder, config, tmp_path / "cache")
    manifest = read_manifest(tmp_path / "cache" / made(tmp_path / "cache")[0])
    assert manifest["settings"]["cleaning"]["min_rating"] == 2 and manifest["hash"] == prepared.hash
    assert set(manifest["inputs"]) == {f"{table}/tiny.{table}" for table in ("inter", "item", "user", "kg", "link", "net")}
    assert [entry["step"] for entry in manifest["report"]][:3] == ["read", "rating range", "split"]
    assert prepared.statistics["rows"] == sum(len(part.interactions) for part in prepared.parts.values()) < 120


def _prepare_and_tell(folder: Path, cache: Path, start: Any, answers: Any) -> None:
    start.wait()
    prepared = prepare(folder, cache_dir=cache)
    answers.put((prepared.hash, int(prepared.train.item.sum()), os.getpid()))


def test_two_processes_at_once_make_one(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Event(), context.Queue()
    workers = [context.Process(target=_prepare_and_tell, args=(folder, tmp_path / "cache", start, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    start.set()
    got = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert got[0][:2] == got[1][:2] and got[0][2] != got[1][2]
    assert len(made(tmp_path / "cache")) == 1


def test_two_at_once_without_locks_are_harmless(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on a system without locks: while this process works, another finishes the same folder first.
    cache = tmp_path / "cache"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("turret.core.files.sync", lambda path: None)
    monkeypatch.setattr("turret.data.store.sync", lambda path: None)
    inner: list[Prepared] = []

    def say(step: str) -> None:
        if step == "writing" and not inner:
            inner.append(prepare(folder, cache_dir=cache))

    assert prepare(folder, cache_dir=cache, progress=say).hash == inner[0].hash
    assert len(made(cache)) == 1


def test_the_default_place_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_prepared_dir() == Path("/somewhere/turret/prepared")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_prepared_dir() == Path.home() / ".cache" / "turret" / "prepared"


@pytest.mark.parametrize(
    ("row", "line", "column", "words"),
    [
        ("\ti1\t3\t5\t1\t2", 122, "user_id", "the user id is missing"),
        ("NaN\ti1\t3\t5\t1\t2", 122, "user_id", "the user id is NaN"),
        ("u1\t\t3\t5\t1\t2", 122, "item_id", "the item id is missing"),
        ("u1\ti1\t3\t-5\t1\t2", 122, "timestamp", "the time -5 is negative"),
        ("u1\ti1\t\t5\t1\t2", 122, "rating", "the rating is missing"),
        ("u1\ti1\tnan\t5\t1\t2", 122, "rating", "the rating is missing"),
        ("u1\ti1\t3\tinf\t1\t2", 122, "timestamp", "the time is infinite"),
        ("u1\ti1\t3\t5\t1\tinf", 122, "price", "the number is infinite"),
    ],
)
def test_bad_values_are_named_by_line_and_column(folder: Path, tmp_path: Path, row: str, line: int, column: str, words: str) -> None:
    with (folder / "tiny.inter").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(InputError, match=words) as caught:
        prepare(folder, cache_dir=tmp_path / "cache")
    assert (Path(str(caught.value.path)).name, caught.value.line, caught.value.column) == ("tiny.inter", line, column)


def test_an_empty_result_says_which_steps_emptied_it(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is left of the log") as caught:
        prepare(folder, DataConfig(cleaning=Cleaning(min_user_count=1000)), tmp_path / "cache")
    assert "dropped 120 rows" in str(caught.value)


def test_sessions_stand_for_users_and_new_ones_are_partly_known(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("SessionId,ItemId,Time\n" + "".join(f"{s},{i},{s + i}\n" for s in range(20) for i in range(5)))
    (tmp_path / "test.csv").write_text("SessionId,ItemId,Time\n" + "".join(f"{s},{i},{s + i}\n" for s in range(50, 53) for i in range(5)))
    source = Source(files="train=train.csv,test=test.csv")
    prepared = prepare(tmp_path, DataConfig(source=source, split=Split(published_valid_ratio=0.1)), tmp_path / "cache")
    assert {part: len(prepared.interactions(part)) for part in prepared.parts} == {"train": 90, "fold_in": 20, "valid": 2, "test": 3}
    assert prepared.n_users == 18 and prepared.interactions("test").item.tolist() == [4, 4, 4]


def test_a_published_split_can_be_overruled(folder: Path, tmp_path: Path) -> None:
    (folder / "tiny.inter").rename(folder / "tiny.train.inter")
    (folder / "tiny.test.inter").write_text((folder / "tiny.train.inter").read_text().splitlines()[0] + "\nu1\ti1\t5\t999\t1\t0.5\n")
    assert len(prepare(folder, cache_dir=tmp_path / "cache").interactions("test")) == 1
    anew = prepare(folder, DataConfig(split=Split(split_mode="entry")), tmp_path / "cache")
    assert len(anew.interactions("test")) == 12 and sum(len(part.interactions) for part in anew.parts.values()) == 121


@pytest.fixture(scope="module")
def data() -> Path:
    place = os.environ.get("TURRET_DATA")
    if not place or not Path(place).is_dir():
        pytest.skip("TURRET_DATA names no folder of datasets")
    return Path(place)


def real(data: Path, name: str) -> Path:
    if not (data / name).is_dir():
        pytest.skip(f"TURRET_DATA holds no {name}")
    return data / name


def known_to(prepared: Prepared) -> list[str]:
    """The tokens of the items that training saw."""
    return prepared.items.vocabulary.tokens(range(prepared.n_items))


@pytest.mark.real_data
def test_movielens(data: Path, tmp_path: Path) -> None:
    prepared = prepare(real(data, "ml-100k"), cache_dir=tmp_path)
    assert [prepared.statistics[name] for name in ("users", "items", "rows")] == [943, 1682, 100_000]
    # The shares by the rule, added up over the file's users by hand: every user has 20 rows or more, so valid and test get a tenth each.
    users = [line.split("\t")[0] for line in (data / "ml-100k" / "ml-100k.inter").read_text().splitlines()[1:]]
    tenth = sum(users.count(user) // 10 for user in set(users))
    assert {part: len(prepared.interactions(part)) for part in prepared.parts} == {
        "train": 100_000 - 2 * tenth,
        "fold_in": 0,
        "valid": tenth,
        "test": tenth,
    }
    titles = prepared.items.raw["movie_title"]
    assert {prepared.items.vocabulary.token(item): titles.token(item) for item in range(prepared.n_items)}["1"] == "Toy Story"
    assert set(prepared.users.features) == {"age", "gender", "occupation", "zip_code"} and set(prepared.items.features) == {
        "release_year",
        "class",
    }
    assert prepared.triples is not None and len(prepared.triples) == 91_631
    files = {suffix: (data / "ml-100k" / f"ml-100k.{suffix}").read_text().splitlines()[1:] for suffix in ("kg", "link")}
    entity_of = dict(line.split("\t") for line in files["link"])
    entities = [entity_of.get(token, token) for token in known_to(prepared)] + list(prepared.triples.others)
    relations = list(prepared.triples.relations)
    rows = zip(prepared.triples.head, prepared.triples.relation, prepared.triples.tail, strict=True)
    assert {f"{entities[h]}\t{relations[r]}\t{entities[t]}" for h, r, t in rows} == set(files["kg"])
    assert len(entity_of) == 1598 and prepared.triples.told_of.sum() == sum(token in entity_of for token in known_to(prepared))


@pytest.mark.real_data
def test_beauty_leaves_the_last_item_out(data: Path, tmp_path: Path) -> None:
    prepared = prepare(real(data, "amazon-beauty"), DataConfig(split=Split(split_mode="leave_one_out")), tmp_path)
    assert prepared.time_ordered and len(prepared.interactions("test")) == len(prepared.interactions("valid")) == 22_363
    last: dict[str, tuple[str, str]] = {}
    for line in (data / "amazon-beauty" / "amazon-beauty.inter").read_text().splitlines()[1:]:
        user, item, _ = line.split("\t")
        last[user] = (last.get(user, ("", ""))[1], item)
    users, items = prepared.users.vocabulary, prepared.items.vocabulary
    for part, place in (("valid", 0), ("test", 1)):
        table = prepared.interactions(part)
        assert {users.token(int(user)): items.token(int(item)) for user, item in zip(table.user, table.item, strict=True)} == {
            user: pair[place] for user, pair in last.items()
        }


@pytest.mark.real_data
def test_published_parts(data: Path, tmp_path: Path) -> None:
    whole = DataConfig(split=Split(published_valid_ratio=0))
    gowalla = prepare(real(data, "gowalla"), whole, tmp_path)
    assert (len(gowalla.interactions("train")), len(gowalla.interactions("test")), gowalla.n_users) == (810_128, 217_242, 29_858)
    frappe = prepare(real(data, "frappe"), whole, tmp_path)
    assert (len(frappe.interactions("train")), len(frappe.interactions("test"))) == (57_722, 28_860)
    label = frappe.interactions("train").label
    assert label is not None and set(np.unique(label)) == {0, 1} and len(frappe.parts["test"].features) == 8
    social = prepare(real(data, "lastfm-social"), whole, tmp_path)
    assert social.social is not None and len(social.train) == 42_135 and social.train.weight is not None
    graph = prepare(real(data, "lastfm-kg"), cache_dir=tmp_path)
    # 49 of the 15,518 triples are of an entity with itself.
    assert graph.triples is not None and len(graph.triples) == 15_469


@pytest.mark.real_data
def test_sessions_of_clicks(data: Path, tmp_path: Path) -> None:
    source = Source(files={"train": "train_full.tsv", "test": "test.tsv"}, columns={"SessionId": Column(role="session")})
    prepared = prepare(real(data, "rsc15-100k"), DataConfig(source=source, split=Split(published_valid_ratio=0)), tmp_path)
    assert len(prepared.train) == 70_278 and len(prepared.interactions("test")) + len(prepared.interactions("fold_in")) == 13_568
    assert prepared.time_ordered


def test_a_column_that_no_file_has_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'ratng' that no file has") as caught:
        prepare(folder, DataConfig(source=Source(columns={"ratng": Column(role="weight")})), tmp_path / "cache")
    assert caught.value.hint == "did you mean rating?"


def test_what_a_killed_process_left_is_cleared(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    prepare(folder, cache_dir=cache)
    name = made(cache)[0]
    shutil.rmtree(cache / name)
    (cache / f".{name}.abc").mkdir()
    prepare(folder, cache_dir=cache)
    assert made(cache) == [name]


def test_a_cache_that_cannot_be_made_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        prepare(folder, cache_dir=tmp_path / "file" / "cache")


MEASURE = """
import sys
from pathlib import Path
from turret.data import Cleaning, DataConfig, Source, Split, prepare

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))

source = Source(header=False, columns={"user": "token:user", "item": "token:item", "time": "float:time"})
cleaning, split = Cleaning(duplicates="first", min_user_count=5, min_item_count=5), Split(split_mode="leave_one_out")
config = DataConfig(source=source, cleaning=cleaning, split=split)
prepare(sys.argv[1], config, sys.argv[3], threads=2)  # what is loaded once, and the engine
Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
before = status("VmRSS")
prepared = prepare(sys.argv[2], config, sys.argv[3], threads=2)
print(sum(len(part.interactions) for part in prepared.parts.values()), status("VmHWM") - before)
"""


@pytest.mark.slow
def test_memory_is_a_few_bytes_a_row(tmp_path: Path) -> None:
    """In a process of its own, which has prepared a small log before."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("reads what Linux says of the process")
    sizes = {"small": 200_000, "large": 2_000_000}
    for name, rows in sizes.items():
        with duckdb.connect() as connection:
            user = f"'user' || floor({rows // 33} * pow(random(), 2))::INTEGER"
            item = f"'item' || floor({rows // 100} * pow(random(), 2))::INTEGER"
            drawn = f"SELECT {user}, {item}, floor(2e8 * random())::INTEGER FROM range({rows})"
            connection.execute("SELECT setseed(0.5)")
            connection.execute(f"COPY ({drawn}) TO '{tmp_path / name}.csv' (HEADER false)")
    paths = [str(tmp_path / f"{name}.csv") for name in sizes]
    command = [sys.executable, "-c", MEASURE, *paths, str(tmp_path / "cache")]
    rows, added = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert rows > 1_500_000 and added < 55 * sizes["large"]
