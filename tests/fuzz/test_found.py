"""What was found: each of these ended in an error of Python's or of a library's, in a wrong answer, or never."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz.sealing import replace_file, sealed
from fuzz.targets import index as index_target
from fuzz.targets import model_file as model_file_target
from fuzz.targets import prepared as prepared_target

from turret.api import yaml_file
from turret.api.dataset_file import located
from turret.api.datasets import data_section
from turret.api.gru4rec import model_file, parameters, space
from turret.api.gru4rec.parameters import Parameters
from turret.api.job import RUNNING, SUBJECT, compose, gather
from turret.api.options import flatten
from turret.cli.arguments import parse
from turret.core import tensor_file
from turret.core.errors import InputError
from turret.data import bounded_yaml, text
from turret.data.config import Source
from turret.data.layout import find
from turret.data.prepare import prepare
from turret.data.readers import Engine, FileTable, look_at
from turret.data.store import MANIFEST, open_prepared
from turret.index import files


def table(path: Path, content: bytes | str, **source: object) -> FileTable:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return FileTable(Engine(path.parent, threads=1), "inter", {"": [path]}, Source(**source))


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        (BOMB, "more than 100,000 values, each alias written out", 6),
        ("a: &a {b: *a}\n", r"\*a holds itself", 1),
        ("a: &a [[*a]]\n", r"\*a holds itself", 1),
        ("a: " + "[" * 5000, "more than 30 deep", 1),
        ("a: " + "{b: " * 5000, "more than 30 deep", 1),
        ("- " * 5000, "more than 30 deep", 1),
        ("? [a, b]\n: 1\n", "a name must be plain text", 1),
        ("? {a: b}\n: 1\n", "a name must be plain text", 1),
        ("a: 1\nb: 2020-13-45\n", r"is none \(month must be in 1\.\.12\)", 2),
        ("a: 2020-01-01T00:00:00+99:99\n", "looks like a number or a date and is none", 1),
        ("a: 0b_\n", "looks like a number or a date and is none", 1),
        ("a: 0x_\n", "looks like a number or a date and is none", 1),
        ("a: " + "9" * 5000 + "\n", "more than 40 digits", 1),
        ("a: 0x" + "f" * 5000 + "\n", "more than 40 digits", 1),
        ("a: !!int ''\n", "tags such as", 1),
        ("a: !!bool x\n", "tags such as", 1),
        ("a: !!timestamp x\n", "tags such as", 1),
        ("a: !!float ''\n", "tags such as", 1),
        ("a: !!python/object/apply:os.system ['true']\n", "tags such as", 1),
        ("a: \x19\n", "not YAML", None),
        ('a: [b, "\\ud800"]\n', "half a character", 1),
        ('"\\ud800": 1\n', "half a character", 1),
        ("a: {b: 1, b: 2}\n", "b is given twice", 1),
        ("a: =\n", "not YAML", 1),
        ("a: {<<: 1}\n", "not YAML", 1),
        ("# " + "x" * 1_000_000, "longer than 1,000,000 bytes", None),
    ],
)
def test_yaml_values(tmp_path: Path, content: str, words: str, line: int | None) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        node = bounded_yaml.compose(path)
        assert node is not None
        bounded_yaml.value(node, path)
    assert (caught.value.path, caught.value.line) == (path, line)


def test_yaml_that_repeats_a_little_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1, y: [2, 3]}\nb: {<<: *a, x: 5}\nc: [*a, *a]\n")
    node = bounded_yaml.compose(path)
    assert node is not None
    same = {"x": 1, "y": [2, 3]}
    assert bounded_yaml.value(node, path) == {"a": same, "b": {"x": 5, "y": [2, 3]}, "c": [same, same]}


@pytest.mark.parametrize("content", [BOMB, "source: &a {b: *a}\n", "? [a]\n: 1\n", "split: !!int ''\n", "columns: {a: 2020-99-99}\n"])
def test_every_reader_of_yaml(tmp_path: Path, content: str) -> None:
    (tmp_path / "log.csv").write_text("user,item\n1,2\n")
    beside, described, settings = tmp_path / "dataset.yaml", tmp_path / "mine.yaml", tmp_path / "settings.yaml"
    beside.write_text(content)
    described.write_text("path: log.csv\n" + content)
    settings.write_text("model: bpr\ndataset: demo\n" + content)
    for reads in (
        lambda: find(tmp_path, Source()),
        lambda: located(described),
        lambda: gather("bpr", {}, settings),
        lambda: parameters.of_file(settings),
    ):
        with pytest.raises(InputError):
            reads()


@pytest.mark.parametrize("content", ["seed: 0x" + "f" * 3000, "training: {epochs: 0x" + "f" * 3000 + "}"])
def test_a_number_that_python_will_not_write(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"model: bpr\ndataset: demo\n{content}\n")
    with pytest.raises(InputError, match="40 digits"):
        compose(gather("bpr", {}, path))


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"user\titem\n" + b"1\t2\n" * 5000))
    content[20] ^= 0xFF
    with pytest.raises(InputError, match="cannot be read"):
        table(tmp_path / "log.tsv.gz", bytes(content))
    with pytest.raises(InputError, match="cannot be read"):
        list(text.lines(tmp_path / "log.tsv.gz"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"user": 1, "item": ' + "1" * 5000 + "}", "4300 digits"),
        ('{"user": 1, "item": 2, "\\ud800": 3}', "surrogates not allowed"),
        ('{"user": 1, "item": 2, "user": 3}', "'user' is in an object twice"),
        ('{"user": 1, "item": 2}\n{"user": 1, "item": 2, "item": 3}', "'item' is in an object twice"),
        ('{"user": 1, "item": 2}\n' * 1500 + '{"user": 1, "item": 2, "item": 3}', "'item' is in an object twice"),
        ('{"user": 1, "item": 2}\n7\n', "each line should be an object"),
        ('{"user": 1, "item": 2}\n' * 1500 + "[1, 2]\n", "each line should be an object"),
    ],
)
def test_json_lines(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        table(tmp_path / "log.jsonl", content)
    assert caught.value.line == content.rstrip().count("\n") + ("\n7\n" not in content) + ("\n7\n" in content)


def test_columns_that_differ_in_their_case(tmp_path: Path) -> None:
    read = table(tmp_path / "log.csv", "user,item,x,X\n1,2,3,4\n", columns={"x": "token", "X": "token"})
    assert [read.tokens(name).vocabulary.token(0) for name in ("x", "X")] == ["3", "4"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("user,item," + "a" * 200_000 + "\n1,2,3\n", None),
        ("user,it\rem\n1,2\n", "cannot be divided into cells"),
        ('user,item\n1,"' + "a" * 300_000 + '"\n', None),
    ],
)
def test_cells_that_pythons_csv_refuses(tmp_path: Path, content: str, words: str | None) -> None:
    if words is None:
        assert len(table(tmp_path / "log.csv", content)) == 1
    else:
        with pytest.raises(InputError, match=words):
            table(tmp_path / "log.csv", content)


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r", "\0"])
def test_delimiters_that_divide_nothing(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(InputError, match="cannot stand between columns"):
        table(tmp_path / "log.csv", "user,item\n1,2\n", delimiter=delimiter)


@pytest.mark.parametrize("role", ["rating", "label", "weight"])
def test_a_number_that_32_bits_cannot_hold(tmp_path: Path, role: str) -> None:
    """It became infinite, with a warning."""
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,{role}\n" + "1,2,3\n" * 5 + "1,2,1e39\n")
    with pytest.raises(InputError, match=rf"the {role} 1e\+39 is too large") as caught:
        prepare(path, cache_dir=tmp_path / "cache", threads=1)
    assert (caught.value.line, caught.value.column) == (7, role)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"name": "bpreg", "dtype": "float", "values": [0, 1e999]}', "1e999 is too large a number"),
        ('{"name": "layers", "dtype": "int", "values": [1, 1e999]}', "1e999 is too large a number"),
        ('{"name": ' + "[" * 100_000, "nested too deeply"),
        ('{"name": "loss", "dtype": "categorical", "values": ["\\ud800"]}', "is not UTF-8"),
        ('{"name": "layers", "dtype": "categorical", "values": [' + ", ".join(["1"] * 1001) + "]}", "at most 1000 items"),
    ],
)
def test_spaces(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "space.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        space.read(path, Parameters())
    assert caught.value.line == 1


def test_a_space_may_have_any_character_in_its_texts(tmp_path: Path) -> None:
    """Python's splitlines takes U+2028 for the end of a line; JSON does not."""
    path = tmp_path / "space.json"
    path.write_text('{"name": "lo\u2028ss", "dtype": "categorical", "values": ["a"]}')
    with pytest.raises(InputError, match="there is no parameter"):
        space.read(path, Parameters())


def test_a_number_of_thousands_of_digits_in_a_file_of_parameters(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("gru4rec_params = {'layers': 0x" + "f" * 5000 + "}")
    with pytest.raises(InputError, match="no plain value"):
        parameters.of_file(path)


def test_settings_that_make_a_model_larger_than_its_file(tmp_path: Path) -> None:
    """They made it allocate what they said."""
    path = tmp_path / "model.safetensors"
    tensors, notes = model_file_target.parts()
    tensor_file.save(path, tensors, notes)
    model_file.load(path, torch.device("cpu"))
    for settings in ('{"layers": [99999]}', '{"layers": [4], "constrained_embedding": false, "embedding": 9999999}'):
        tensor_file.save(path, tensors, {**notes, "settings": settings})
        with pytest.raises(InputError, match="a model that is larger than the one in it"):
            model_file.load(path, torch.device("cpu"))


def test_settings_that_hold_a_text_of_a_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("model: bpr\ndataset: demo\nseed: " + "x" * 500_000)
    with pytest.raises(InputError) as caught:
        compose(gather("bpr", {}, path))
    assert len(str(caught.value)) < 1000
    path.write_text("x" * 400_000 + ": 1\n")
    with pytest.raises(InputError) as caught:
        yaml_file.settings(yaml_file.read(path), path, [])
    assert len(str(caught.value)) < 1000


def test_a_parquet_file_in_a_gzip_file(tmp_path: Path) -> None:
    (tmp_path / "log.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(InputError, match="compressed inside"):
        look_at(tmp_path / "log.parquet.gz", Source())


@pytest.mark.parametrize("name", ["log.csv", "log.tsv.gz", "log.inter"])
def test_blank_lines_before_the_header(tmp_path: Path, name: str) -> None:
    """The engine took the first of them for the header, and the header for a row."""
    content = "\n\nuser:token,item:token\n1,2\n".replace(",", "," if name == "log.csv" else "\t").encode()
    with pytest.raises(InputError, match="the first line is blank") as caught:
        table(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    assert caught.value.line == 1


def test_blank_lines_where_there_is_no_header(tmp_path: Path) -> None:
    read = table(tmp_path / "log.csv", "\n\n1,2\n\n3,4\n", header=False, columns={"who": "user", "what": "item"})
    assert read.tokens("who").vocabulary.tokens([0, 1]) == ["1", "3"] and len(read) == 2


def test_lines_of_csv_that_end_in_two_ways(tmp_path: Path) -> None:
    """The engine said that its state machine had reached an invalid state."""
    with pytest.raises(InputError, match="the line ends in LF, those before in CR LF") as caught:
        table(tmp_path / "log.csv", 'user,item\r\n1,"a\nb"\r\n3,4\n')
    assert caught.value.line == 4


@pytest.mark.parametrize("missing", ["kind", "metric", "width", "file", "sha256"])
def test_an_index_whose_manifest_lacks_something(tmp_path: Path, missing: str) -> None:
    files.write(tmp_path, index_target.ABOUT, {"vectors.npy": files.array(np.ones((3, 2), dtype=np.float32))})
    manifest = json.loads((tmp_path / files.MANIFEST).read_text())
    for place in (manifest, manifest["files"]["vectors.npy"]):
        place.pop(missing, None)
    (tmp_path / files.MANIFEST).write_bytes(sealed(manifest))
    with pytest.raises(InputError):
        files.read(tmp_path, "exact")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00\x03\x00(\n("], ids=["empty", "header"])
def test_a_prepared_dataset_with_an_array_that_is_none(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "prepared"
    shutil.copytree(prepared_target.made(), place)
    name = next(path.name for path in sorted(place.glob("*.npy")))
    replace_file(place / MANIFEST, name, content)
    with pytest.raises(InputError):
        open_prepared(place)


@pytest.mark.parametrize(("words", "named"), [(["caf\udce9"], "DATASET"), (["d", "--run_dir", "caf\udce9"], "--run_dir")])
def test_words_that_are_not_utf_8(words: list[str], named: str) -> None:
    """The system hands each such byte over as half a character, which pydantic does not always take, and no file of settings."""
    options = flatten((SUBJECT, RUNNING))
    settings = parse(["bpr", *words], options, ("model", "dataset"))
    with pytest.raises(InputError, match=rf"{named}: 'caf\\udce9' is not UTF-8"):
        (SUBJECT.build(settings), RUNNING.build(settings))


def test_a_mapping_that_is_not_utf_8() -> None:
    section = data_section(None)
    settings = parse(["--features=*.idth\udc8c"], flatten((section,)))
    with pytest.raises(InputError, match=r"--features: '.*' is not UTF-8"):
        section.build(settings)
