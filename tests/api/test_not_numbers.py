"""What a run whose model has diverged says, and what no file of a run ever holds: NaN or infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret import api
from turret.api import Run
from turret.cli.main import main
from turret.core.context import Context, Reads
from turret.core.errors import TurretError

HEADER = "user,item,timestamp,label"


def rows(users: int, items: int, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    pairs = [(user, item) for user in range(users) for item in generator.permutation(items)[: items // 2]]
    return [f"u{user},i{item},{time},{int(generator.random() < 0.4)}" for time, (user, item) in enumerate(pairs)]


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inside = tmp_path_factory.mktemp("logs")
    (inside / "log.csv").write_text("\n".join([HEADER, *rows(20, 12)]) + "\n")
    return inside


def trained(model: str, log: Path, where: Path, **options: Any) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(where.parent / "cache"))
        return api.train(model, log, run_dir=where, threads=1, epochs=1, embed_dim=4, **options)


@pytest.fixture(scope="module")
def ranked(folder: Path) -> Run:
    return trained("bpr", folder / "log.csv", folder / "bpr")


@pytest.fixture(scope="module")
def clicked(folder: Path) -> Run:
    return trained("fm", folder / "log.csv", folder / "fm")


class Given:
    """The same scores for everybody."""

    reads = Reads(user=True)

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score_all(self, context: Context) -> Tensor:
        return self.scores[None]


def answering(run: Run, scores: Tensor) -> Run:
    """The run with a catalogue that gives these scores."""
    opened = api.load(run.path)
    opened.catalogue = Given(scores)
    return opened


def test_items_without_a_number_are_left_out_and_the_others_move_up(ranked: Run) -> None:
    items = ranked.prepared.items.vocabulary
    scores = torch.arange(ranked.prepared.n_items).flip(0).float()
    scores[[0, 2, 5]] = math.nan
    scores[[3]] = -math.inf
    with pytest.warns(UserWarning, match="3 items are left out, since the model's scores of them are not numbers"):
        found = api.recommend(answering(ranked, scores), user="u0", k=4, include_seen=True)
    assert [each.item for each in found] == [items.token(item) for item in (1, 4, 6, 7)]
    assert all(math.isfinite(each.score) for each in found)


def test_nothing_is_said_of_items_that_would_not_be_named_anyway(ranked: Run, recwarn: pytest.WarningsRecorder) -> None:
    seen = [ranked.prepared.items.vocabulary.id(line.split(",")[1]) for line in rows(20, 12) if line.startswith("u0,")]
    scores = torch.zeros(ranked.prepared.n_items)
    scores[[item for item in seen if item is not None and item < len(scores)]] = math.nan
    found = api.recommend(answering(ranked, scores), user="u0", k=50)
    assert found and not recwarn.list


def test_an_infinite_score_is_refused(ranked: Run) -> None:
    scores = torch.zeros(ranked.prepared.n_items)
    scores[3] = math.inf
    token = ranked.prepared.items.vocabulary.token(3)
    with pytest.raises(TurretError, match=f"bpr cannot answer: its score of item '{token}' is no finite number"):
        api.recommend(answering(ranked, scores), user="u0", include_seen=True)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_whose_parameters_are_no_numbers_answers_nothing(
    ranked: Run, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from turret.training.run_directory import RunDirectory

    def damaged(directory: RunDirectory, model: torch.nn.Module, say: Callable[[str], None]) -> None:
        with torch.no_grad():
            next(model.parameters())[2, 1] = value

    monkeypatch.setattr(RunDirectory, "load_best", damaged)
    verbs: list[Callable[[Run], object]] = [api.evaluate, api.build_index, lambda run: api.recommend(run, user="u0")]
    for verb in verbs:
        with pytest.raises(TurretError, match=r"cannot answer: .* row 2"):
            verb(api.load(ranked.path))
    for words in (["evaluate"], ["recommend", "--user", "u0"], ["index"]):
        assert main([words[0], str(ranked.path), *words[1:]]) == 1
        assert "cannot answer" in capsys.readouterr().err


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_file_of_predictions_is_written_that_are_no_numbers(clicked: Run, folder: Path, value: float, tmp_path: Path) -> None:
    def spoilt(model: object, inputs: object, logits: Tensor) -> Tensor:
        return logits.index_fill(0, torch.tensor([row for row in (6, 40) if row < len(logits)]), value)

    out = tmp_path / "out.csv"
    out.write_text("as before\n")
    handle = clicked.model.register_forward_hook(spoilt)
    try:
        with pytest.raises(TurretError, match=r"in 2 of rows 1 to 120 of .*log.csv: 7, 41\n"):
            api.predict(clicked, folder / "log.csv", out)
        with pytest.raises(TurretError, match="of the test part: 7"):
            api.evaluate(clicked)
    finally:
        handle.remove()
    assert out.read_text() == "as before\n" and [*tmp_path.iterdir()] == [out]


def strictly(text: str) -> Any:
    """What JSON holds; NaN and Infinity are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


AWKWARD: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "one label alone": ("fm", [f"u{row % 9},i{row % 7},{row},0" for row in range(90)], {"val_metrics": "logloss"}),
    "one user": ("popularity", [f"u0,i{row},{row},1" for row in range(30)], {}),
    "nobody to test": ("popularity", rows(9, 8), {"split_ratio": (1, 0, 0)}),
    "one user to test": (
        "ease",
        [*(f"u{row % 8},i{row % 11},{row},1" for row in range(80)), "u0,i10,100,1"],
        {"split_mode": "leave_one_out"},
    ),
    "lists longer than the catalogue": ("itemknn", rows(9, 8), {"cutoff": (1, 500)}),
    "ratings": ("fm", [f"{line[:-1]}{row % 5}.5" for row, line in enumerate(rows(9, 8))], {"loss": "square"}),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_files_of_runs_hold_numbers_or_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, lines, options = AWKWARD[name]
    (tmp_path / "log.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    metrics = {} if model == "fm" else {"test_metrics": ("recall", "ndcg", "auc", "gini", "coverage", "novelty", "diversity")}
    run = api.train(model, tmp_path / "log.csv", run_dir=tmp_path / "run", threads=1, **metrics, **options)
    for file in (*run.path.glob("*.json"), *run.path.glob("*.jsonl")):
        for line in file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]:
            strictly(line)
    for words in (["evaluate", run.path], ["recommend", run.path, "--user", "u0"], ["compare", run.path, run.path]):
        capsys.readouterr()
        code = main([*map(str, words), "--json", "-"])
        shown = capsys.readouterr()
        assert "nan" not in shown.err.lower() and code in (0, 1, 2)
        if code == 0:
            strictly(shown.out)
        else:
            assert shown.err.startswith("turret: ")
