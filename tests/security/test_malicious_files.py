"""Files that mean harm, under the names of files that the library reads: none runs code, none is waited for, none names another file.

Proof of execution would be a folder, `owned`, that the code in the files makes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import turret as library
from turret.batches import lmdb_rows
from turret.batches.lmdb_rows import LmdbRows, write_lmdb
from turret.core.errors import InputError
from turret.core.files import CHECKSUM, checksum, entry
from turret.data.simulate import Simulation, note_of, simulate
from turret.data.store import open_prepared
from turret.index.approximate import Approximate

from . import logs
from .conftest import Command, Outcome

pytestmark = pytest.mark.usefixtures("in_time")


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    return tmp_path / "owned"


def pickle(owned: Path) -> bytes:
    """A pickle that makes a folder when it is opened, written by hand."""
    return b"cos\nmkdir\n(S" + repr(str(owned)).encode() + b"\ntR."


def prepared_of(run: Path) -> Path:
    return Path(json.loads((run / "run.json").read_text())["dataset"]["path"])


def own_dataset(run: Path) -> Path:
    """Gives a run a copy of its dataset, to be spoilt."""
    mine = Path(shutil.copytree(prepared_of(run), run.parent / "prepared"))
    change(run / "run.json", lambda content: content["dataset"].update(path=str(mine)))
    return mine


def change(path: Path, alter: Callable[[dict[str, Any]], object]) -> None:
    """Alters JSON, and makes its checksum right again, as whoever means harm would."""
    content = json.loads(path.read_text())
    content.pop(CHECKSUM, None)
    alter(content)
    path.write_text(json.dumps({**content, CHECKSUM: checksum(content)}))


COMMANDS = (("recommend", "--user", "u1"), ("train", "--resume"), ("evaluate",))


def run_all(turret: Command, run: Path) -> set[int]:
    return {turret(words[0], *(("--resume", run) if "--resume" in words else (run, *words[1:]))).code for words in COMMANDS}


def files_of_a_run() -> list[str]:
    return [
        "run.json",
        "settings.json",
        "environment.json",
        "metrics.jsonl",
        "last.safetensors",
        "best.safetensors",
        "result.json",
        "test.safetensors",
    ]


@pytest.mark.parametrize("name", files_of_a_run())
def test_a_pickle_in_a_run_is_not_opened(run: Path, turret: Command, owned: Path, name: str) -> None:
    (run / name).write_bytes(pickle(owned))
    assert run_all(turret, run) <= {0, 2}
    assert not owned.exists()


def test_a_pickle_in_a_dataset_is_not_opened(run: Path, turret: Command, owned: Path) -> None:
    folder = own_dataset(run)
    for path in (folder / name for name in ("train.item.npy", "users.tokens.npy", "users.offsets.npy", "items.order.npy")):
        before = path.read_bytes()
        for content in (pickle(owned), object_array(owned)):
            path.write_bytes(content)
            change(folder / "manifest.json", lambda content, path=path: content["files"].update({path.name: entry(path)}))
            assert turret("recommend", run, "--user", "u1").code in (0, 2)
        path.write_bytes(before)
    assert not owned.exists()


def object_array(owned: Path) -> bytes:
    """A .npy file that holds a pickle, as NumPy writes arrays of objects."""

    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(owned),)

    stream = io.BytesIO()
    np.save(stream, np.array([Harm()], dtype=object), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["pickle", "objects", "npz"])
def test_pretrained_vectors_are_numbers(ranked: Path, tmp_path: Path, turret: Command, owned: Path, form: str) -> None:
    vectors = tmp_path / "vectors.npy"
    archive = io.BytesIO()
    np.savez(archive, hour=np.zeros(3))
    vectors.write_bytes({"pickle": pickle(owned), "objects": object_array(owned), "npz": archive.getvalue()}[form])
    described = logs.clicks(tmp_path)
    found = turret("train", "fm", described, "--epochs", "1", "--features", f"hour.pretrained={vectors}")
    assert (found.code, "cannot be read" in found.err) == (2, True)
    assert not owned.exists()


HEADERS = {
    "an enormous array": ("'<f4'", "(4611686018427387904,)"),
    "sides whose product overflows": ("'<f4'", "(4294967296, 4294967296)"),
    "a negative side": ("'<f4'", "(-4,)"),
    "a side that is true": ("'<f4'", "(True,)"),
    "a side of many digits": ("'<f4'", f"({10**30},)"),
    "objects": ("'|O'", "(4,)"),
    "records with objects": ("[('a', '|O')]", "(4,)"),
    "a type of gigabytes": ("'|V2000000000'", "(9,)"),
    "code": ("__import__('os').mkdir('owned')", "(4,)"),
}


@pytest.mark.parametrize(("kind", "shape"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_of_an_array_is_not_believed(
    tmp_path: Path, turret: Command, kind: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    described = logs.clicks(tmp_path)
    for name, version, length in (("a.npy", b"\1\0", struct.pack("<H", len(text))), ("b.npy", b"\2\0", struct.pack("<I", (1 << 32) - 1))):
        (tmp_path / name).write_bytes(b"\x93NUMPY" + version + length + text + bytes(64))
        found = turret("train", "fm", described, "--epochs", "1", "--features", f"hour.pretrained={tmp_path / name}")
        assert found.code == 2
    assert not (tmp_path / "owned").exists()


def tensors(header: bytes, length: int | None = None, body: bytes = bytes(64)) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


def described(**entries: object) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **entries}}).encode()


SAFETENSORS = {
    "nothing": b"",
    "a header of 2^62 bytes": tensors(b"{}", 1 << 62),
    "a header of 2^64 - 1 bytes": tensors(b"{}", (1 << 64) - 1),
    "no JSON": tensors(b"\x80\x02cos\n"),
    "deep JSON": tensors(b"[" * 10_000),
    "sides whose product overflows": tensors(described(shape=[1 << 40, 1 << 40])),
    "offsets behind the end": tensors(described(data_offsets=[0, 1 << 60])),
    "offsets that decrease": tensors(described(data_offsets=[16, 0])),
    "negative offsets": tensors(described(data_offsets=[-16, 0])),
    "negative sides": tensors(described(shape=[-4])),
    "the same name twice": tensors(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}', body=bytes(16)
    ),
    "a type that there is not": tensors(described(dtype="OBJECT")),
    "notes that are no text": tensors(json.dumps({"__metadata__": {"checksum": {"a": 1}}}).encode(), body=b""),
}


@pytest.mark.parametrize("content", SAFETENSORS.values(), ids=SAFETENSORS.keys())
def test_a_header_of_tensors_is_not_believed(run: Path, turret: Command, content: bytes) -> None:
    for name in ("best.safetensors", "last.safetensors", "previous.safetensors", "test.safetensors"):
        (run / name).write_bytes(content)
    found = turret("recommend", run, "--user", "u1")
    assert (found.code, ".safetensors" in found.err) == (2, True)
    assert turret("compare", run, run).code == 2
    saved = run / "model.safetensors"
    saved.write_bytes(content)
    assert turret("gru4rec", "run", saved, "-l", "-t", logs.sessions(run.parent)).code == 2


@pytest.mark.parametrize(
    "name", ["run.json", "settings.json", "metrics.jsonl", "last.safetensors", "best.safetensors", "result.json", "test.safetensors"]
)
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "loop"])
def test_what_is_no_file_is_not_waited_for(run: Path, turret: Command, pipe: Path, name: str, kind: str) -> None:
    place = run / name
    place.unlink()
    if kind == "pipe":
        pipe.rename(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("/dev/zero" if kind == "zeros" else place)
    assert run_all(turret, run) <= {0, 2}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind in ("pipe", "zeros", "folder")
        for name in ("manifest.json", "train.item.npy", "users.tokens.npy", "verified.json")
    ],
)
def test_what_is_no_file_of_a_dataset_is_not_waited_for(run: Path, turret: Command, pipe: Path, name: str, kind: str) -> None:
    place = own_dataset(run) / name
    place.unlink(missing_ok=True)
    if kind == "pipe":
        pipe.rename(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("/dev/zero")
    assert turret("recommend", run, "--user", "u1").code in (0, 2)


def test_vectors_in_a_pipe_are_not_waited_for(tmp_path: Path, turret: Command, pipe: Path) -> None:
    found = turret("train", "fm", logs.clicks(tmp_path), "--epochs", "1", "--features", f"hour.pretrained={pipe}")
    assert (found.code, "no such file" in found.err) == (2, True)


ELSEWHERE = ["../secret.npy", "/etc/passwd", "a/../../secret.npy", "..", ".", "", "a\0b", "link.npy", "..\\secret.npy", 5, None, ["x"]]


@pytest.mark.parametrize("name", ELSEWHERE, ids=map(repr, ELSEWHERE))
def test_a_manifest_names_no_file_elsewhere(run: Path, turret: Command, name: object) -> None:
    folder = own_dataset(run)
    secret = folder.parent / "secret.npy"
    shutil.copy(folder / "train.item.npy", secret)
    (folder / "link.npy").symlink_to(secret)

    def escape(content: dict[str, Any]) -> None:
        said = content["files"].pop("train.item.npy")
        content["parts"]["train"]["columns"]["item"] = name
        if isinstance(name, str):
            content["files"][name] = said

    change(folder / "manifest.json", escape)
    with pytest.raises(InputError):
        open_prepared(folder)
    found = turret("recommend", run, "--user", "u1")
    assert (found.code, "is prepared again" in found.err) == (0, True)


@pytest.mark.parametrize(
    "place",
    ["a\0b", "/dev/zero", "/etc/passwd", "../../../../etc", "", "\ud800", 5, None, []],
)
@pytest.mark.parametrize("key", ["path", "source"])
def test_a_run_may_name_any_dataset_and_gets_none_of_that(run: Path, turret: Command, key: str, place: object) -> None:
    change(run / "run.json", lambda content: content["dataset"].update({"path": "absent", key: place}))
    assert turret("recommend", run, "--user", "u1").code in (0, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"5",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"format": 1, "format": 2}',
        b'{"a": 1' + b"0" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("name", ["run.json", "settings.json", "result.json"])
def test_what_is_no_json_of_ours_is_refused(run: Path, turret: Command, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    assert turret("evaluate", run).code == 2 if name != "result.json" else turret("compare", run, run).code == 2


CODE = "!!python/object/apply:os.mkdir ['{owned}']"
YAML = [CODE, "seed: " + CODE, "? " + CODE + "\n: 1", "epochs: !!python/name:os.mkdir", "seed: !!python/object/new:os.mkdir ['{owned}']"]


@pytest.mark.parametrize("text", YAML)
def test_yaml_runs_nothing(tmp_path: Path, turret: Command, owned: Path, text: str) -> None:
    written = text.replace("{owned}", str(owned))
    log = logs.choices(tmp_path)
    (tmp_path / "settings.yaml").write_text(f"model: bpr\n{written}\n" if ":" in text.split()[0] else written)
    (tmp_path / "mine.yaml").write_text(f"path: {log}\n{written}\n")
    (log / "dataset.yaml").write_text(written)
    for words in (["bpr", log, "--config", tmp_path / "settings.yaml"], ["bpr", tmp_path / "mine.yaml"], ["bpr", log]):
        assert turret("train", *words, "--epochs", "1").code == 2
    assert turret("gru4rec", "run", logs.sessions(tmp_path), "-pf", tmp_path / "settings.yaml").code == 2
    assert not owned.exists()


HARM = "__import__('os').mkdir({owned!r})"
PYTHON = [
    HARM,
    "from collections import OrderedDict\n" + HARM + "\ngru4rec_params = OrderedDict([('loss', 'bpr-max')])",
    "gru4rec_params = OrderedDict([('loss', " + HARM + ")])",
    "gru4rec_params = OrderedDict([(" + HARM + ", 1)])",
    "gru4rec_params = OrderedDict(" + HARM + ")",
    "gru4rec_params = {{**" + HARM + "}}",
    "gru4rec_params = [" + HARM + " for _ in (1,)]",
    "gru4rec_params = (lambda: " + HARM + ")()",
    "gru4rec_params = OrderedDict(loss=f'{{" + HARM.replace("'", '"') + "}}')",
    "class gru4rec_params:\n    x = " + HARM,
    "import owned\ngru4rec_params = {{}}",
    "def OrderedDict(x):\n    " + HARM + "\ngru4rec_params = OrderedDict([])",
    "# coding: rot13\n" + HARM,
    "gru4rec_params = {{'loss': 'bpr-max'}}\n" + HARM,
]


@pytest.mark.parametrize("text", PYTHON)
def test_a_parameter_file_is_not_run(tmp_path: Path, turret: Command, owned: Path, text: str) -> None:
    log, file = logs.sessions(tmp_path), tmp_path / "harm.py"
    file.write_text(text.format(owned=str(owned)))
    assert turret("gru4rec", "run", log, "-pf", file).code == 2
    assert not owned.exists()


def test_a_saved_model_of_the_authors_is_not_opened(tmp_path: Path, turret: Command, owned: Path) -> None:
    saved = tmp_path / "model.pt"
    saved.write_bytes(pickle(owned))
    found = turret("gru4rec", "run", saved, "-l", "-t", logs.sessions(tmp_path))
    assert found.code == 2
    assert not owned.exists()


@pytest.fixture
def exported(ranked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("lmdb")
    monkeypatch.setattr(lmdb_rows, "ROOM", 1 << 24)
    return write_lmdb(library.load(ranked).prepared, tmp_path / "rows")


def put(path: Path, key: bytes, value: bytes | None) -> None:
    import lmdb

    with lmdb.open(str(path), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        transaction.delete(key) if value is None else transaction.put(key, value)


def get(path: Path, key: bytes) -> bytes:
    import lmdb

    with lmdb.open(str(path), readonly=True) as environment, environment.begin() as transaction:
        return bytes(transaction.get(key))


FIRST = bytes(8)


def test_blocks_are_held_against_the_dataset(exported: Path, ranked: Path, owned: Path) -> None:
    import safetensors.torch
    import torch

    prepared = library.load(ranked).prepared
    block = safetensors.torch.load(get(exported, FIRST))
    n = len(block["users"])
    far = torch.tensor(1 << 40)
    spoilt = [
        {**block, "users": torch.full_like(block["users"], 1 << 40)},
        {**block, "items": block["items"] - 1000},
        {**block, "tokens": block["tokens"] + 1000},
        {**block, "tokens": -block["tokens"] - 1},
        {**block, "tokens": block["tokens"].long()},
        {**block, "tokens": block["tokens"][:, :-1].contiguous()},
        {**block, "labels": block["labels"][: n - 1].contiguous()},
        {**block, "times": block["times"].float()},
        {name: value for name, value in block.items() if name != "floats"},
        {**block, "offsets/x": torch.arange(n + 1), "ids/x": far.repeat(n).int()},
    ]
    for content in [pickle(owned), b"", b"\xff" * 100, *map(safetensors.torch.save, spoilt)]:
        put(exported, FIRST, content)
        with pytest.raises(InputError, match="the environment is damaged: block 0"):
            LmdbRows(exported, prepared).read(0, n)
    put(exported, FIRST, None)
    with pytest.raises(InputError, match="block 0"):
        LmdbRows(exported, prepared).read(0, n)
    put(exported, FIRST, safetensors.torch.save(block))
    assert len(LmdbRows(exported, prepared).read(0, n)) == n
    assert not owned.exists()


def test_what_an_environment_says_of_itself_is_not_believed(exported: Path, ranked: Path, owned: Path) -> None:
    prepared = library.load(ranked).prepared
    about = json.loads(get(exported, b"about"))
    others = [{**about, "zeros": zeros} for zeros in (None, 5, [], ["1"], [1.5], [True], [1] * 9)]
    for content in (pickle(owned), b"[]", b"5", b"[" * 100_000, *(json.dumps(other).encode() for other in others)):
        put(exported, b"about", content)
        with pytest.raises(InputError, match="damaged"):
            LmdbRows(exported, prepared)
    assert not owned.exists()


def test_an_environment_that_is_cut_off_does_not_end_the_process(exported: Path, ranked: Path) -> None:
    prepared, file = library.load(ranked).prepared, exported / "data.mdb"
    whole = file.read_bytes()
    for size in (len(whole) - 4096, len(whole) // 2, 3 * 4096, 2 * 4096, 4096, 100, 0):
        file.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"damaged|no LMDB environment"):
            LmdbRows(exported, prepared).read(0, 10)


@pytest.mark.parametrize("kind", ["pipe", "zeros", "pickle", "folder"])
def test_what_is_no_environment_is_refused(ranked: Path, tmp_path: Path, pipe: Path, owned: Path, kind: str) -> None:
    pytest.importorskip("lmdb")
    folder = tmp_path / "rows"
    folder.mkdir()
    file = folder / "data.mdb"
    if kind == "pipe":
        pipe.rename(file)
    elif kind == "zeros":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(pickle(owned))
    with pytest.raises(InputError, match="no LMDB environment"):
        LmdbRows(folder, library.load(ranked).prepared)
    assert not owned.exists()


@pytest.fixture
def indexed(run: Path, turret: Command) -> Path:
    pytest.importorskip("faiss")
    assert turret("index", run).code == 0
    return run / "index"


def search(turret: Command, run: Path) -> Outcome:
    return turret("recommend", run, "--user", "u1", "--index", "approximate")


@pytest.mark.parametrize(
    ("part", "sealed"),
    [
        *((part, False) for part in ("ids.npy", "vectors.npy", "cells.faiss")),
        *((part, True) for part in ("ids.npy", "vectors.npy", "cells.faiss")),
    ],
)
def test_a_pickle_in_an_index_is_not_opened(indexed: Path, run: Path, turret: Command, owned: Path, part: str, sealed: bool) -> None:
    for content in (pickle(owned), object_array(owned)):
        path = indexed / json.loads((indexed / "index.json").read_text())["files"][part]["file"]
        path.write_bytes(content)
        if sealed:
            change(indexed / "index.json", lambda content, path=path: content["files"][part].update(entry(path)))
        with pytest.raises(InputError):
            Approximate.load(indexed)
        assert search(turret, run).code == 0  # with an index that was built again
    assert not owned.exists()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "a\0b", 5, None])
def test_an_index_names_no_file_elsewhere(indexed: Path, run: Path, turret: Command, name: object) -> None:
    change(indexed / "index.json", lambda content: next(iter(content["files"].values())).update(file=name))
    with pytest.raises(InputError):
        Approximate.load(indexed)
    assert search(turret, run).code == 0


def test_a_manifest_of_an_index_in_a_pipe_is_not_waited_for(indexed: Path, run: Path, turret: Command, pipe: Path) -> None:
    (indexed / "index.json").unlink()
    pipe.rename(indexed / "index.json")
    assert search(turret, run).code in (0, 2)


NOTES = [
    {"seed": -1},
    {"seed": 1.5},
    {"settings": {"users": 10**12, "items": 10**6, "interactions": 10**13}},
    {"settings": {"users": 100, "items": 10**9, "interactions": 900}},
    {"settings": {"users": 100, "items": 200, "interactions": 900, "communities": 10**9}},
    {"settings": {"users": 100, "items": 200, "interactions": 900, "friends": 1e12}},
    {"settings": {"users": 100, "items": 200, "interactions": 900, "popularity_spread": 1e300}},
    {"settings": {"users": 100, "items": 200, "interactions": 900, "days": 10**30}},
    {"ceiling": {"\x1b[2J": 1.0}},
    {"log": "__import__"},
    {"format": 99},
]


@pytest.mark.parametrize("changes", NOTES, ids=map(str, NOTES))
def test_a_note_of_a_simulation_is_not_believed(world: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """A truth is drawn in memory, and a note of a few bytes could ask for any amount of it."""
    folder = Path(shutil.copytree(world, tmp_path / "world"))
    note = json.loads((folder / "simulation.json").read_text())
    (folder / "simulation.json").write_text(json.dumps({**note, **changes}))
    with pytest.raises(InputError, match=r"simulation|cannot hold as many"):
        note_of(folder)


def test_a_long_note_is_refused(world: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(world, tmp_path / "world"))
    (folder / "simulation.json").write_text(" " * 10_000_000 + (folder / "simulation.json").read_text())
    with pytest.raises(InputError, match="not a simulation"):
        note_of(folder)


def test_a_note_that_is_right_is_read(tmp_path: Path) -> None:
    settings = Simulation(users=60, items=120, interactions=900, tastes=6, communities=3)
    note = note_of(simulate(tmp_path / "right", settings))
    assert note is not None and note.settings == settings
