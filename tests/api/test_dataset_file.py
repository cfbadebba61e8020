"""Datasets that a YAML file describes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import turret
from turret.api.dataset_file import located
from turret.core.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    inside = tmp_path / "mine"
    inside.mkdir()
    rows = [f"u{row % 5};i{row % 7};{row % 2};{row % 3}" for row in range(60)]
    (inside / "log.csv").write_text("who;what;clicked;place\n" + "\n".join(rows) + "\n")
    return inside


def described(folder: Path, text: str) -> Path:
    file = folder / "shown.yaml"
    file.write_text(text)
    return file


GOOD = """
path: log.csv
source:
  delimiter: ";"
  columns: {who: user, what: item, clicked: label, place: token}
split:
  split_mode: entry
"""


def test_a_file_says_where_the_log_is_and_how_to_read_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = described(folder, GOOD)
    monkeypatch.chdir(folder.parent)
    found = located(Path("mine/shown.yaml"))
    assert (found.name, found.defaults.split.split_mode) == ("shown", "entry")
    prepared = turret.prepare(file, split_ratio=(0.5, 0.25, 0.25))
    assert {name: len(part.interactions) for name, part in prepared.parts.items() if len(part.interactions)} == {
        "train": 30,
        "valid": 15,
        "test": 15,
    }
    assert set(prepared.parts["train"].features) == {"place"}


def test_a_name_may_stand_for_a_path(tmp_path: Path) -> None:
    file = tmp_path / "less.yaml"
    file.write_text("path: demo-clicks\ncleaning: {min_user_count: 5}\n")
    assert located(file).defaults.cleaning.min_user_count == 5


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("source: {delimiter: ';'}\n", "path must be given", None),
        ("path: absent.csv\n", "no such file", None),
        (GOOD + "  splitmode: entry\n", "splitmode is not known here", 8),
        (GOOD.replace("split_mode: entry", "split_mode: halves"), "split_mode: must be one of", 7),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder: Path, text: str, message: str, line: int | None) -> None:
    with pytest.raises(InputError, match=message) as caught:
        located(described(folder, text))
    assert line is None or f"shown.yaml, line {line}:" in str(caught.value)


def test_pretrained_vectors_are_looked_for_beside_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(folder / "places.npy", np.ones((3, 4), dtype=np.float32))
    file = described(folder, GOOD + "features: {place: {pretrained: places.npy}}\n")
    monkeypatch.chdir(folder.parent)
    assert located(Path("mine/shown.yaml")).defaults.features["place"].pretrained == str((folder / "places.npy").resolve())
    assert located(file).defaults.features["place"].pretrained == str((folder / "places.npy").resolve())


def test_a_setting_that_no_feature_has_is_named(folder: Path) -> None:
    file = described(folder, GOOD + "features: {place: {widht: 4}}\n")
    with pytest.raises(InputError, match=r"features: there is no setting place\.widht(.|\n)*did you mean width\?"):
        located(file)


def test_a_value_that_no_setting_of_a_feature_may_have_is_named(folder: Path) -> None:
    file = described(folder, GOOD + "features: {place: {min_count: none}}\n")
    with pytest.raises(InputError, match=r"features: place\.min_count: .*'none'"):
        located(file)


def test_a_feature_that_is_described_twice_is_refused_with_its_line(folder: Path) -> None:
    file = described(folder, GOOD + "features:\n  place: {width: 2}\n  place: {width: 3}\n")
    with pytest.raises(InputError, match="place is given twice") as caught:
        located(file)
    assert caught.value.line == len(GOOD.splitlines()) + 3
