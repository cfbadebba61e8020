"""Indices through the command and through Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import turret as library
from turret.core.errors import InputError, UnsupportedError

pytest.importorskip("faiss")
Command = Callable[..., Any]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A run of one's own, without an index."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_the_index_of_a_run_is_built_and_judged(turret: Command, run: Path) -> None:
    shown = turret("index", run, "--recall_target", "0.9", "--cells", "4", "--json", "index.json")
    assert shown.code == 0, shown.err
    assert "building the index of 40 items" in shown.out and "approximate index: recall@20" in shown.out
    found = json.loads(Path("index.json").read_text())
    assert found["index.recall"] >= 0.9 and found["index.k"] == 20 and found["index.bytes"] > 0
    assert json.loads((run / "index" / "index.json").read_text())["items"] == 40


def test_evaluation_takes_its_lists_from_an_index(turret: Command, run: Path) -> None:
    exact = turret("evaluate", run, "--index", "exact", "--json", "exact.json")
    assert exact.code == 0, exact.err
    assert "exact index: recall@10 1.0000" in exact.out
    first, again = json.loads((run / "result.json").read_text()), json.loads(Path("exact.json").read_text())
    assert {k: v for k, v in first.items() if k.startswith("test.")} == {k: v for k, v in again.items() if k.startswith("test.")}
    shown = turret("evaluate", run, "--index", "approximate", "--json", "-")
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    assert (found["index.index"], found["index.k"]) == ("approximate", 10) and 0 < found["index.recall"] <= 1
    assert "building the index" in shown.err
    assert "building" not in turret("evaluate", run, "--index", "approximate").out


def test_recommending_through_an_index(turret: Command, run: Path) -> None:
    plain = json.loads(turret("recommend", run, "--user", "u1", "-k", "5", "--json", "-").out)["items"]
    exact = json.loads(turret("recommend", run, "--user", "u1", "-k", "5", "--index", "exact", "--json", "-").out)["items"]
    assert [each["item"] for each in plain] == [each["item"] for each in exact]
    assert [each["score"] for each in plain] == pytest.approx([each["score"] for each in exact], abs=1e-5)
    assert turret("index", run, "--cells", "4", "--probes", "4").code == 0
    approximate = json.loads(turret("recommend", run, "--user", "u1", "-k", "40", "--index", "approximate", "--json", "-").out)["items"]
    everything = json.loads(turret("recommend", run, "--user", "u1", "-k", "40", "--json", "-").out)["items"]
    assert [each["item"] for each in approximate] == [each["item"] for each in everything]


def test_an_index_of_other_vectors_or_a_damaged_one_is_built_again(turret: Command, run: Path) -> None:
    assert turret("index", run).code == 0
    model = library.load(run)
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.mul_(2).add_(0.1)
    told: list[str] = []
    from turret.api.indexing import index_of

    items = index_of(model, "approximate", told.append).exact.search(np.zeros((1, 8)), 1).items
    assert items.shape == (1, 1) and "other vectors" in told[0]
    told.clear()
    index_of(model, "approximate", told.append)
    assert told == [f"index: {run / 'index'}"]
    part = next((run / "index").glob("vectors-*"))
    part.write_bytes(part.read_bytes()[:-1])
    told.clear()
    index_of(model, "approximate", told.append)
    assert part.name in told[0] and "built again" in told[0]


def test_a_run_that_cannot_be_written_to_is_indexed_all_the_same(turret: Command, run: Path) -> None:
    (run / "index").write_text("in the way")
    shown = turret("evaluate", run, "--index", "approximate")
    assert shown.code == 0, shown.err
    assert "used and not kept" in shown.out and "approximate index: recall" in shown.out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--index", "approximate", "--test_metrics", "auc"), ["auc compares", "without --index"]),
        (("--index", "exact", "--ties", "median"), ["ties median"]),
        (("--index", "exakt"), ["--index", "exact, approximate"]),
    ],
)
def test_what_an_index_does_not_tell_is_refused(turret: Command, trained: Path, words: tuple[str, ...], parts: list[str]) -> None:
    shown = turret("evaluate", trained, *words)
    assert shown.code == 2
    assert [part for part in parts if part not in shown.err] == [], shown.err


def test_a_model_without_vectors_is_refused(turret: Command, log: Path) -> None:
    assert turret("train", "popularity", log, "--run_dir", "popular", "--threads", "1").code == 0
    for words in (
        ("index", "popular"),
        ("evaluate", "popular", "--index", "exact"),
        ("recommend", "popular", "--user", "u1", "--index", "exact"),
    ):
        shown = turret(*words)
        assert shown.code == 2 and "is no retriever" in shown.err, shown.err


def test_the_same_through_python(run: Path) -> None:
    report = library.build_index(run, recall_target=1.0)
    assert report.recall == 1.0 and report.index == "approximate"
    found = library.evaluate(run, index="approximate")
    assert found.index is not None and found.index.k == 10
    assert len(library.recommend(run, user="u1", k=3, index="approximate", include_seen=True)) == 3
    with pytest.raises(InputError, match="recall_target"):
        library.build_index(run, recall_target=2.0)
    with pytest.raises(InputError, match="recal_target"):
        library.build_index(run, recal_target=0.9)


def test_without_faiss_exact_search_goes_on_and_approximate_search_says_what_is_missing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert library.evaluate(run, index="exact").index is not None
    with pytest.raises(UnsupportedError, match=r"turret\[index\]"):
        library.evaluate(run, index="approximate")


def test_faiss_loads_only_where_it_is_asked_for(trained: Path) -> None:
    code = f"import sys, turret; turret.evaluate({str(trained)!r}, index='exact'); print('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.endswith("False\n")


@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_where_nobody_is_tested_nothing_is_asked_of_an_index(turret: Command, log: Path, kind: str) -> None:
    assert turret("train", "bpr", log, "--epochs", "1", "--split_ratio", "1,0,0", "--run_dir", "all").code == 0
    shown = turret("evaluate", "all", "--index", kind)
    assert shown.code == 0, shown.err
    assert f"{kind} index: nothing was asked of it" in shown.out
    assert "the test part has nothing that bpr could be measured by" in shown.out
