"""Options: leaves of typed configs, what words become, and how refusals read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from turret.api.options import Option, Section, Setting, flatten
from turret.core.errors import InputError


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rate: float = Field(default=0.1, gt=0, le=1)
    """How fast."""
    rounds: int = 10
    """How long."""


class Outer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    width: int = Field(default=8, ge=1)
    kind: Literal["round", "square"] = "round"
    bare: bool = False
    limit: float | None = None
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    cutoffs: tuple[int, ...] = (10,)
    names: dict[str, str] = Field(default_factory=dict)
    inner: Inner = Inner(rounds=99)

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: tuple[float, float, float]) -> tuple[float, float, float]:
        if abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"the shares make {sum(shares):g}, not 1")
        return shares

    @model_validator(mode="after")
    def _fits(self) -> Outer:
        if self.bare and self.width > 100:
            raise ValueError("a bare one is at most 100 wide")
        return self


SECTION = Section("Outer", Outer, ("outer",))
OPTIONS = flatten([SECTION])


def build(**given: object) -> Outer:
    return SECTION.build({OPTIONS[name].route: Setting(value, f"--{name}") for name, value in given.items()})


def refusal(**given: object) -> str:
    with pytest.raises(InputError) as caught:
        build(**given)
    return str(caught.value)


def test_leaves_have_flat_names_and_routes() -> None:
    assert OPTIONS["rate"].route == ("outer", "inner", "rate")
    assert OPTIONS["rate"].prose == "How fast."
    assert set(OPTIONS) == {"width", "kind", "bare", "limit", "shares", "cutoffs", "names", "rate", "rounds"}


def test_the_default_of_a_nested_config_stands_before_its_fields_defaults() -> None:
    assert OPTIONS["rounds"].default == "99"
    assert build(rate="0.5").inner == Inner(rate=0.5, rounds=99)
    assert build(rounds="3").inner == Inner(rate=0.1, rounds=3)


def test_nothing_given_is_the_default() -> None:
    assert build() == Outer()


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("width", ["16"], 16),
        ("bare", [], True),
        ("bare", ["false"], False),
        ("limit", ["none"], None),
        ("limit", ["1e-3"], 0.001),
        ("shares", ["0.5,0.25,0.25"], (0.5, 0.25, 0.25)),
        ("shares", ["0.5", "0.25", "0.25"], (0.5, 0.25, 0.25)),
        ("cutoffs", ["5"], (5,)),
        ("cutoffs", ["5,", "10"], (5, 10)),
        ("names", ["user=userId,item=movieId"], {"user": "userId", "item": "movieId"}),
    ],
)
def test_words_become_values(name: str, words: list[str], value: object) -> None:
    assert getattr(build(**{name: OPTIONS[name].read(words)}), name) == value


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_every_default_reads_back_from_how_it_is_written(option: Option) -> None:
    built = SECTION.build({option.route: Setting(option.read([option.default]), option.name)})
    assert built == Outer()


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"width": "0"}, ["--width", "a whole number at least 1", "'0'"]),
        ({"width": "wide"}, ["--width", "a whole number", "'wide'"]),
        ({"rate": "2"}, ["--rate", "a number above 0 and at most 1", "'2'"]),
        ({"kind": "rond"}, ["--kind", "one of round, square", "'rond'", "did you mean round?"]),
        ({"shares": ["0.5", "0.1", "0.1"]}, ["--shares", "the shares make 0.7, not 1"]),
        ({"shares": ["0.5"]}, ["--shares", "3 values"]),
        ({"cutoffs": ["5", "x"]}, ["--cutoffs", "a list", "'x'"]),
        ({"bare": True, "width": 200}, ["--width", "--bare", "a bare one is at most 100 wide"]),
    ],
)
def test_refusals_name_the_option_and_what_is_allowed(given: dict[str, object], parts: list[str]) -> None:
    message = refusal(**given)
    assert [part for part in parts if part not in message] == [], message
    assert "pydantic" not in message


def test_a_refusal_points_at_the_file() -> None:
    with pytest.raises(InputError) as caught:
        SECTION.build({("outer", "width"): Setting("x", "width", Path("a.yaml"), 7)})
    assert (caught.value.path, caught.value.line) == (Path("a.yaml"), 7)


def test_two_options_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        flatten([Section("a", Inner, ("a",)), Section("b", Inner, ("b",))])


def test_a_missing_required_value_is_named() -> None:
    class Needy(BaseModel):
        path: str

    with pytest.raises(InputError, match="path must be given"):
        Section("Needy", Needy).build({})
