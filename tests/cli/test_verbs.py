"""Training, evaluating, recommending and comparing through the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turret.core.files import read_sealed, write_sealed

Command = Callable[..., Any]
QUICK = ("--epochs", "2", "--embed_dim", "8", "--threads", "1")


def test_training_tests_and_recommends(turret: Command, log: Path) -> None:
    shown = turret("train", "bpr", log, *QUICK, "--json", "result.json", "--run_dir", "run")
    assert (shown.code, shown.err) == (0, "")
    assert "recall@10" in shown.out and "95 % interval" in shown.out and "recommended to user" in shown.out and "Title " in shown.out
    found = json.loads(Path("result.json").read_text())
    assert {"test.recall@10", "test.ndcg@10", "seconds.prepare", "seconds.train", "seconds.total", "best.epoch", "run"} <= set(found)
    assert found["run"] == "run"
    assert f"{found['test.recall@10']:.4f}" in shown.out


def test_names_with_dashes_short_names_and_lists(turret: Command, log: Path) -> None:
    words = ("--learning-rate", "0.1", "--split_ratio", "0.5", "0.25", "0.25", "--cutoff", "3,5", "--val-metrics=ndcg@5", *QUICK)
    shown = turret("train", "-m", "BPR", "-d", log, *words, "--run-dir", "run")
    assert shown.code == 0, shown.err
    settings = json.loads(Path("run/settings.json").read_text())
    assert settings["model"] == "bpr"
    assert settings["training"]["learning_rate"] == 0.1
    assert settings["data"]["split"]["split_ratio"] == [0.5, 0.25, 0.25]
    assert settings["evaluation"]["cutoff"] == [3, 5]
    assert "recall@3" in shown.out and "recall@10" not in shown.out


def test_yaml_says_what_the_command_line_does_not(turret: Command, log: Path) -> None:
    Path("a.yaml").write_text(f"model: bpr\ndataset: {log}\nembed_dim: 4\nthreads: 1\ntraining:\n  epochs: 2\n  learning_rate: 1e-2\n")
    shown = turret("train", "--config", "a.yaml", "--learning_rate", "0.5", "--run_dir", "run")
    assert shown.code == 0, shown.err
    settings = json.loads(Path("run/settings.json").read_text())
    assert (settings["embed_dim"], settings["training"]["epochs"], settings["training"]["learning_rate"]) == (4, 2, 0.5)


def test_the_settings_of_a_run_repeat_it(turret: Command, trained: Path) -> None:
    shown = turret("train", "--config", trained / "settings.json", "--run_dir", "again", "--json", "again.json")
    assert shown.code == 0, shown.err
    first, again = json.loads((trained / "result.json").read_text()), json.loads(Path("again.json").read_text())
    assert {k: v for k, v in first.items() if k.startswith("test.")} == {k: v for k, v in again.items() if k.startswith("test.")}


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("modle: bpr\n", None, ["no model is named"]),
        ("model: bpr\nembed_dims: 3\n", 2, ["embed_dims", "did you mean embed_dim?"]),
        ("model: bpr\nlearning_rate: 3\n", 2, ["learning_rate belongs under training:"]),
        ("model: bpr\ntraining:\n  learning_rate: -3\n", 3, ["learning_rate: must be a number above 0, not '-3'"]),
        ("model: bpr\ndata:\n  split:\n    split_ratio: [0.5, 0.5]\n", 4, ["split_ratio", "3 values"]),
        ("model: bpr\n  x: 3\n", 2, ["not YAML"]),
    ],
)
def test_bad_yaml_is_refused_with_file_and_line(turret: Command, text: str, line: int | None, parts: list[str]) -> None:
    Path("a.yaml").write_text(text)
    shown = turret("train", "--config", "a.yaml", "--dataset", "demo")
    assert shown.code == 2
    assert "a.yaml" in shown.err
    assert line is None or f"line {line}:" in shown.err
    assert [part for part in parts if part not in shown.err] == [], shown.err


def test_an_option_of_other_models_is_refused_plainly(turret: Command, log: Path) -> None:
    shown = turret("train", "ease", log, "--learning_rate", "0.1")
    assert shown.code == 2
    assert "ease has no option learning_rate" in shown.err
    assert "bpr" in shown.err


def test_detail_shows_what_light_leaves_out(turret: Command, log: Path) -> None:
    light = turret("train", "bpr", log, *QUICK, "--run_dir", "light").out
    detail = turret("train", "bpr", log, *QUICK, "--run_dir", "detail", "--mode", "detail").out
    for part in ("read: 480 rows", "training.learner: ", "epoch   1", "epoch   2", "user activity", "item popularity"):
        assert part in detail
        assert part not in light
    assert len(light.splitlines()) < 25


def test_json_alone_goes_to_the_standard_output(turret: Command, log: Path, trained: Path) -> None:
    assert "test.recall@10" in json.loads(turret("train", "bpr", log, *QUICK, "--json", "-").out)
    assert "test.recall@3" in json.loads(turret("evaluate", trained, "--cutoff", "3", "--json", "-").out)
    assert len(json.loads(turret("recommend", trained, "--user", "u1", "-k", "3", "--json", "-").out)["items"]) == 3
    assert json.loads(turret("compare", trained, trained, "--json", "-").out)["recall@10.difference"] == 0


def test_a_run_directory_in_use_is_refused(turret: Command, log: Path, trained: Path) -> None:
    shown = turret("train", "bpr", log, *QUICK, "--run_dir", trained)
    assert shown.code == 2
    assert "not empty" in shown.err and "--resume" in shown.err


def test_a_json_file_that_cannot_be_written_is_said(turret: Command, trained: Path) -> None:
    shown = turret("evaluate", trained, "--json", "no/such/folder/x.json")
    assert shown.code == 2
    assert "no/such/folder" in shown.err


def test_evaluating_again_gives_the_same_figures(turret: Command, trained: Path) -> None:
    shown = turret("evaluate", trained, "--json", "again.json")
    assert shown.code == 0, shown.err
    first, again = json.loads((trained / "result.json").read_text()), json.loads(Path("again.json").read_text())
    assert {k: v for k, v in first.items() if k.startswith("test.")} == {k: v for k, v in again.items() if k.startswith("test.")}


def test_evaluation_takes_other_settings(turret: Command, trained: Path) -> None:
    shown = turret("evaluate", trained, "--part", "valid", "--cutoff", "5", "--val_metrics", "hit", "--protocol", "uniform")
    assert shown.code == 0, shown.err
    assert "valid" in shown.out and "hit@5" in shown.out and "biased" in shown.err
    assert turret("evaluate", trained, "--split_ratio", "0.8,0.1,0.1").code == 2


def test_recommendations_are_new_to_the_user(turret: Command, log: Path, trained: Path) -> None:
    seen = {row.split("\t")[1] for row in (log / "circles.inter").read_text().splitlines() if row.startswith("u3\t")}
    new = json.loads(turret("recommend", trained, "--user", "u3", "-k", "40", "--json", "-").out)["items"]
    everything = json.loads(turret("recommend", trained, "--user", "u3", "-k", "40", "--include_seen", "--json", "-").out)["items"]
    assert {row["item"] for row in new} == {row["item"] for row in everything} - seen
    assert [row["title"] for row in new] == [f"Title {row['item'][1:]}" for row in new]
    assert [row["score"] for row in new] == sorted((row["score"] for row in new), reverse=True)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("", ["for a user or for a history", "--user ID"]),
        ("--user u1 --history i1", ["for a user or for a history"]),
        ("--user nobody", ["no user 'nobody'", "Models that read histories"]),
        ("--history i1,i2", ["bpr knows people by their ids", "Models that read histories"]),
        ("--user u1 -k 0", ["k", "at least 1"]),
        ("--user u1 -k many", ["-k", "'many'"]),
    ],
)
def test_what_cannot_be_recommended_is_said(turret: Command, trained: Path, words: str, parts: list[str]) -> None:
    shown = turret("recommend", trained, *words.split())
    assert shown.code == 2
    assert [part for part in parts if part not in shown.err] == [], shown.err


def test_a_history_is_answered_by_models_that_read_it(turret: Command, log: Path) -> None:
    assert turret("train", "ease", log, "--run_dir", "ease").code == 0
    shown = turret("recommend", "ease", "--history", "i1,i3,nothing,i5", "-k", "5", "--json", "items.json")
    assert shown.code == 0, shown.err
    assert "left out: nothing" in shown.err
    items = [row["item"] for row in json.loads(Path("items.json").read_text())["items"]]
    assert len(items) == 5
    assert not {"i1", "i3", "i5"} & set(items)
    assert all(int(item[1:]) % 2 == 1 for item in items), "the circle of odd items"
    nobody = turret("recommend", "ease", "--history", "x,y")
    assert nobody.code == 2
    assert "none of the items x, y" in nobody.err


def test_a_run_outlives_its_prepared_dataset_but_not_a_change_of_its_log(turret: Command, log: Path, tmp_path: Path) -> None:
    own = tmp_path / "circles"
    own.mkdir()
    for file in log.iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    assert turret("train", "bpr", own, *QUICK, "--run_dir", "run").code == 0
    manifest = read_sealed(Path("run/run.json"), "")
    write_sealed(Path("run/run.json"), {**manifest, "dataset": {**manifest["dataset"], "path": str(tmp_path / "gone")}})
    assert turret("recommend", "run", "--user", "u1").code == 0
    with (own / "circles.inter").open("a") as file:
        file.write("u1\ti39\t99\n")
    shown = turret("recommend", "run", "--user", "u1")
    assert shown.code == 2
    assert "no longer the one" in shown.err


def test_runs_on_different_splits_are_not_compared(turret: Command, log: Path, trained: Path) -> None:
    assert turret("train", "bpr", log, *QUICK, "--split_seed", "5", "--run_dir", "other").code == 0
    shown = turret("compare", trained, "other")
    assert shown.code == 2
    assert "different data" in shown.err


def test_comparison_shows_both_means_and_chances(turret: Command, log: Path, trained: Path) -> None:
    assert turret("train", "bpr", log, *QUICK, "--seed", "5", "--run_dir", "other").code == 0
    shown = turret("compare", trained, "other", "--samples", "100")
    assert shown.code == 0
    assert "p (t-test)" in shown.out and "recall@10" in shown.out


def test_unfinished_runs_say_how_to_go_on(turret: Command, trained: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.mkdir()
    for name in ("settings.json", "environment.json"):
        (half / name).write_bytes((trained / name).read_bytes())
    manifest = read_sealed(trained / "run.json", "")
    files = {name: said for name, said in manifest["files"].items() if name in ("settings.json", "environment.json")}
    write_sealed(half / "run.json", {**manifest, "files": files})
    shown = turret("compare", half, trained)
    assert shown.code == 2
    assert f"turret train --resume {half}" in shown.err
    assert turret("train", "--resume", half).code == 0
    first, resumed = json.loads((trained / "result.json").read_text()), json.loads((half / "result.json").read_text())
    assert {k: v for k, v in first.items() if k.startswith("test.")} == {k: v for k, v in resumed.items() if k.startswith("test.")}


def test_a_damaged_run_is_said_to_be_damaged(turret: Command, trained: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in trained.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    whole = turret("recommend", broken, "--user", "u1").out
    (broken / "best.safetensors").write_bytes(b"not tensors")
    shown = turret("recommend", broken, "--user", "u1")
    assert (shown.code, shown.out) == (0, whole)
    assert "best.safetensors is damaged" in shown.err and "the copy in last.safetensors is used" in shown.err
    (broken / "last.safetensors").write_bytes(b"not tensors either")
    shown = turret("recommend", broken, "--user", "u1")
    assert (shown.code == 0 and "previous" in shown.err) or (shown.code == 2 and "best.safetensors" in shown.err)
    (broken / "previous.safetensors").unlink(missing_ok=True)
    shown = turret("recommend", broken, "--user", "u1")
    assert shown.code == 2
    assert "best.safetensors" in shown.err
    (broken / "settings.json").write_text("{")
    shown = turret("recommend", broken, "--user", "u1")
    assert shown.code == 2
    assert "settings.json" in shown.err


def test_models_are_listed_and_described(turret: Command) -> None:
    shown = turret("models", "bpr")
    assert "Rendle" in shown.out and "--learning_rate" in shown.out


def test_data_is_described_prepared_and_simulated(turret: Command, log: Path) -> None:
    assert "grouplens" in turret("data", "describe", "ml-100k").out
    assert "ml-100k" in turret("data", "list").out
    shown = turret("data", "prepare", log, "--min_user_count", "5", "--json", "prepared.json")
    assert shown.code == 0, shown.err
    found = json.loads(Path("prepared.json").read_text())
    assert (found["users"], found["rows.train"] + found["rows.valid"] + found["rows.test"]) == (40, 480)
    made = turret("data", "simulate", "small", "--interactions", "2000", "--users", "100", "--items", "150", "--seed", "3")
    assert made.code == 0, made.err
    assert turret("data", "prepare", "small").code == 0
    assert turret("data", "simulate", "small", "--interactions", "3000").code == 2


def test_a_log_in_criteos_shape_is_simulated_with_its_best_result(turret: Command) -> None:
    made = turret("data", "simulate", "ads", "--log", "criteo", "--rows", "300", "--click_rate", "0.4")
    assert made.code == 0, made.err
    assert "auc 0." in made.out and "logloss 0." in made.out
    assert len(Path("ads/ads.inter.tsv").read_text().splitlines()) == 300
    assert turret("data", "simulate", "more", "--log", "criteo", "--interactions", "300").code == 2


def test_simulated_data_is_shown_beside_oracle_and_popularity(turret: Command) -> None:
    assert turret("data", "simulate", "small", "--interactions", "2000", "--users", "100", "--items", "150").code == 0
    shown = turret("train", "bpr", "small", *QUICK, "--json", "result.json")
    assert shown.code == 0, shown.err
    assert "popularity" in shown.out and "oracle" in shown.out
    found = json.loads(Path("result.json").read_text())
    assert found["oracle.ndcg@10"] > found["popularity.ndcg@10"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("--loss softmax --negative_count 9", ["--negative_count does nothing here", "softmax draws nothing"]),
        ("--temperature 0.2", ["--temperature does nothing here", "of cosine, and the scorer is dot"]),
        ("--loss gbce --sampler popularity --epochs 3", ["--loss, --sampler: gbce", "must be uniform"]),
        ("--scorer_layers 0 --scorer mlp", ["--scorer_layers: must be"]),
        ("--loss hinge --margin nan", ["--margin: must be a number"]),
    ],
)
def test_a_composition_that_makes_no_sense_is_refused_before_anything_is_made(
    turret: Command, log: Path, words: str, parts: list[str]
) -> None:
    shown = turret("train", "bpr", log, *words.split(), "--run_dir", "none")
    assert shown.code == 2
    assert [part for part in parts if part not in shown.err] == [], shown.err
    assert not Path("none").exists()


def test_the_bricks_are_listed(turret: Command) -> None:
    shown = turret("bricks")
    assert shown.code == 0
    assert all(name in shown.out for name in ("sampled_softmax", "midx_uni", "minkowski"))
    assert "| `bpr` |" in turret("bricks", "--markdown").out
