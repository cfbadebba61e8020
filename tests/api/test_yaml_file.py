"""YAML files: values with their lines, and every unknown key refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from turret.api import yaml_file
from turret.api.options import Section, flatten
from turret.core.errors import InputError


class Training(BaseModel):
    learning_rate: float = 0.1


class Model(BaseModel):
    embed_dim: int = 8
    training: Training = Training()


class Data(BaseModel):
    split_ratio: tuple[float, ...] = (0.8, 0.2)


SECTIONS = [Section("model", Model), Section("data", Data, ("data",))]


def settings(tmp_path: Path, text: str) -> dict[tuple[str, ...], object]:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    found = yaml_file.settings(yaml_file.read(path), path, flatten(SECTIONS).values())
    return {route: (setting.value, setting.line) for route, setting in found.items()}


def test_values_come_with_their_lines(tmp_path: Path) -> None:
    text = "embed_dim: 16\n# a remark\ntraining:\n  learning-rate: 0.5\ndata: {split_ratio: [0.5, 0.5]}\n"
    assert settings(tmp_path, text) == {
        ("embed_dim",): (16, 1),
        ("training", "learning_rate"): (0.5, 4),
        ("data", "split_ratio"): ([0.5, 0.5], 5),
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "training:\n"])
def test_nothing_sets_nothing(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("embed_dims: 16\n", 1, ["embed_dims", "did you mean embed_dim?"]),
        ("\ntraining:\n  learning_rat: 1\n", 3, ["learning_rat", "did you mean learning_rate?"]),
        ("learning_rate: 1\n", 1, ["learning_rate belongs under training:"]),
        ("data:\n  embed_dim: 1\n", 2, ["embed_dim belongs to the top level"]),
        ("zzz: 1\n", 1, ["zzz is not known here"]),
        ("embed_dim: 1\nembed_dim: 2\n", 2, ["given twice"]),
        ("training: 3\n", 1, ["training must hold"]),
        ("training: [1\n", 2, ["not YAML"]),
        ("- 1\n", 1, ["top level"]),
        ("embed_dim: !!python/object:os.system {}\n", 1, ["not YAML"]),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str, line: int, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        settings(tmp_path, text)
    assert caught.value.line == line
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        yaml_file.read(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        yaml_file.read(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    with pytest.raises(InputError, match="cannot be read"):
        yaml_file.read(tmp_path / "latin.yaml")


def test_one_key_can_be_looked_at_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: bpr\ndata: {}\n")
    node = yaml_file.read(tmp_path / "a.yaml")
    assert yaml_file.scalar(node, "model") == "bpr"
    assert yaml_file.scalar(node, "data") is None
    assert yaml_file.scalar(None, "model") is None
