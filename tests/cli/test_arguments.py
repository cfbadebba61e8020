"""The grammar of the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from turret.api.options import Section, flatten
from turret.cli.arguments import canonical, is_name, parse, value_of
from turret.core.errors import InputError


class Config(BaseModel):
    model: str = ""
    dataset: str = ""
    learning_rate: float = 0.1
    split_ratio: tuple[float, ...] = ()
    val_metrics: tuple[str, ...] = ()
    verbose: bool = False


OPTIONS = flatten([Section("all", Config)])
POSITIONAL = ("model", "dataset")


def values(line: str) -> dict[str, object]:
    return {route[0]: setting.value for route, setting in parse(line.split(), OPTIONS, POSITIONAL).items()}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("bpr demo", {"model": "bpr", "dataset": "demo"}),
        ("-m bpr -d demo", {"model": "bpr", "dataset": "demo"}),
        ("-d demo bpr", {"model": "bpr", "dataset": "demo"}),
        ("-m bpr demo", {"model": "bpr", "dataset": "demo"}),
        ("--learning-rate 0.5", {"learning_rate": "0.5"}),
        ("--learning_rate=0.5", {"learning_rate": "0.5"}),
        ("--learning_rate -0.5", {"learning_rate": "-0.5"}),
        ("--learning_rate .5 --learning_rate 2", {"learning_rate": "2"}),
        ("--split_ratio 0.8,0.1,0.1 bpr", {"split_ratio": ["0.8", "0.1", "0.1"], "model": "bpr"}),
        ("--split_ratio 0.8 0.1 0.1 bpr", {"split_ratio": ["0.8", "0.1", "0.1"], "model": "bpr"}),
        ("--val_metrics recall@10 ndcg@10 --verbose", {"val_metrics": ["recall@10", "ndcg@10"], "verbose": True}),
        ("--val_metrics recall@10,ndcg@10 bpr", {"val_metrics": ["recall@10", "ndcg@10"], "model": "bpr"}),
        ("--verbose bpr", {"verbose": True, "model": "bpr"}),
        ("--no-verbose bpr", {"verbose": False, "model": "bpr"}),
        ("--verbose false bpr", {"verbose": False, "model": "bpr"}),
    ],
)
def test_lines_are_understood(line: str, expected: dict[str, object]) -> None:
    assert values(line) == expected


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("--lerning_rate 1", ["--lerning_rate", "did you mean --learning_rate?"]),
        ("--zzz", ["--zzz", "--help"]),
        ("--learning_rate", ["--learning_rate needs a value", "a number"]),
        ("--learning_rate --verbose", ["--learning_rate needs a value"]),
        ("bpr demo extra", ["'extra'", "MODEL DATASET"]),
        ("-m bpr -d demo extra", ["'extra'"]),
        ("--no-learning_rate", ["--no-learning_rate"]),
        ("-x", ["-x"]),
    ],
)
def test_bad_lines_are_refused(line: str, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        values(line)
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)
    assert caught.value.exit_code == 2


@given(st.lists(st.text(max_size=12), max_size=8))
def test_no_line_ends_in_anything_but_settings_or_an_input_error(words: list[str]) -> None:
    try:
        found = parse(words, OPTIONS, POSITIONAL)
    except InputError:
        return
    assert set(found) <= {option.route for option in OPTIONS.values()}


def test_values_can_be_found_before_the_options_are_known() -> None:
    assert value_of("model", ["--x", "1", "-m", "bpr"]) == "bpr"
    assert value_of("model", ["--model=ease"]) == "ease"
    assert value_of("model", ["bpr"]) is None
    assert value_of("model", ["-m"]) is None


def test_names_are_told_from_values() -> None:
    assert is_name("-m") and is_name("--learning_rate")
    assert not is_name("-1") and not is_name("-.5") and not is_name("-") and not is_name("bpr")
    assert canonical("--learning-rate") == "learning_rate"
    assert canonical("-d") == "dataset"
