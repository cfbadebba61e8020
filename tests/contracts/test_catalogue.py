"""The catalogue, the tables of models and of references in the documentation, and the options of the command line agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from turret.api.job import sections
from turret.api.options import flatten
from turret.models import catalogue

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "turret"


def rows(text: str) -> list[str]:
    """The names in the first column of the Markdown tables in `text`, headings left out."""
    lines = re.findall(r"^\|(.*)\|\s*$", text, flags=re.MULTILINE)
    cells = [line.split("|")[0].strip() for line in lines]
    return [match[1] for cell in cells if (match := re.fullmatch(r"\[?`([a-z0-9]+)`(?:\]\(.*\))?", cell))]


def test_every_model_has_one_row_in_the_documentation() -> None:
    assert sorted(rows((ROOT / "docs" / "models.md").read_text())) == sorted(catalogue.MODELS)


def test_what_is_cited_is_what_is_listed() -> None:
    documents = (ROOT / "docs" / "models.md").read_text() + (ROOT / "docs" / "composition.md").read_text()
    cited = re.findall(r"`([a-z]+[12]\d{3}[a-z0-9]+)`", documents)
    listed = re.findall(r"^@[a-z]+\{(.*),$", (ROOT / "docs" / "references.bib").read_text(), flags=re.MULTILINE)
    assert len(set(listed)) == len(listed)
    assert set(cited) == set(listed)


def test_every_model_file_is_in_the_catalogue() -> None:
    files = {path for path in (PACKAGE / "models").rglob("*.py") if re.search(r"^def recipe\(", path.read_text(), flags=re.MULTILINE)}
    named = {(PACKAGE.parent / module.replace(".", "/")).with_suffix(".py") for module in catalogue.MODELS.values()}
    assert files == named


@pytest.mark.parametrize("name", list(catalogue.MODELS))
def test_options_of_all_configs_have_names_of_their_own(name: str) -> None:
    """`flatten` refuses two leaves of one flat name."""
    options = flatten(sections(name))
    assert {"model", "dataset", "seed"} < set(options)
    leaves = [option for section in sections(name) for option in section.options()]
    assert len(leaves) == len(options)
    assert all(isinstance(section.config, type) and issubclass(section.config, BaseModel) for section in sections(name))
