"""Probabilities for the rows of a file, against those that the evaluation gives the same rows; and features in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from turret import api
from turret.api import Run
from turret.api.describing import values
from turret.batches.impressions import ImpressionBatches
from turret.cli.main import main
from turret.core.errors import InputError, UnsupportedError

N = 400
HEADER = "who,what,place,price,kinds,when,clicked,bought"
SETTINGS = """
path: log.csv
source: {columns: {who: user, what: item, place: token, price: float, kinds: token_seq, when: time, clicked: label, bought: label}}
split: {split_mode: time, split_ratio: [0.6, 0.2, 0.2]}
features: {place: {min_count: 3, width: 2}, price: {buckets: 4}, kinds: {pooling: attention, target: item, length: 2}}
"""


def lines(seed: int, n: int) -> list[str]:
    """Rows of 20 users and 12 items; even users click on even items, mostly, and buy half of what they click. Some values are missing."""
    generator = np.random.default_rng(seed)
    found = []
    for row in range(n):
        user, item, place = generator.integers(20), generator.integers(12), generator.integers(5)
        clicked = generator.random() < (0.8 if (user + item) % 2 == 0 else 0.2)
        price = "" if row % 7 == 0 else f"{generator.normal():.2f}"
        kinds = " ".join(f"k{kind}" for kind in generator.integers(4, size=row % 4))
        bought = int(clicked and generator.random() < 0.5)
        found.append(f"u{user},i{item},{f'p{place}' if row % 5 else ''},{price},{kinds},{1000 + row},{int(clicked)},{bought}")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inside = tmp_path_factory.mktemp("log")
    (inside / "log.csv").write_text("\n".join([HEADER, *lines(0, N)]) + "\n")
    (inside / "mine.yaml").write_text(SETTINGS)
    return inside


@pytest.fixture(scope="module", params=["deepfm", "din", "mmoe"])
def run(request: pytest.FixtureRequest, folder: Path) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        trained = api.train(request.param, folder / "mine.yaml", run_dir=folder / request.param, epochs=2, batch_size=64)
    return api.load(trained.path)  # as another process would find it


def predicted(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def test_predictions_are_those_of_the_evaluation_row_by_row(run: Run, folder: Path, tmp_path: Path) -> None:
    """The log itself: its rows of the test part, which come in another order there, have the probabilities that the evaluation gives."""
    found = api.predict(run, folder / "log.csv", tmp_path / "out.csv")
    assert found.rows == N
    assert found.columns == (("probability",) if len(run.model.tasks) == 1 else ("probability.clicked", "probability.bought"))
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == ",".join(found.columns)
    assert found.missing["price"] == len(range(0, N, 7))
    rows = predicted(tmp_path / "out.csv")
    by_time = dict(enumerate(rows, start=1000))
    times = run.prepared.interactions("test").time
    assert times is not None and len(times) == N // 5
    logits = [run.model(batch).detach().numpy() for batch in ImpressionBatches(run.prepared, 16, "test", run.model.reads).in_order()]
    expected = 1 / (1 + np.exp(-np.concatenate(logits).astype(np.float64)))
    np.testing.assert_allclose([by_time[int(time)] for time in times], expected, atol=1e-6)


def test_new_rows_may_hold_what_training_never_saw(run: Run, tmp_path: Path) -> None:
    rows = ["stranger,i3,p1,0.1,k1 k9,2000", "u1,new,nowhere,,,2001"]
    (tmp_path / "new.csv").write_text("\n".join([HEADER.removesuffix(",clicked,bought"), *rows]) + "\n")
    found = api.predict(run, tmp_path / "new.csv", tmp_path / "out.csv")
    assert found.rows == len(predicted(tmp_path / "out.csv")) == 2
    assert {name: count for name, count in found.unseen.items() if count} == {"user": 1, "item": 1, "place": 1, "kinds": 1}
    assert {name: count for name, count in found.missing.items() if count} == {"price": 1, "kinds": 1}


def test_what_is_wrong_is_said(run: Run, folder: Path, tmp_path: Path) -> None:
    def tried(text: str, out: str = "out.csv") -> None:
        (tmp_path / "bad.csv").write_text(text)
        api.predict(run, tmp_path / "bad.csv", tmp_path / out)

    with pytest.raises(InputError, match=r"no column place, .*did you mean places\?|no column place"):
        tried(HEADER.replace("place", "places") + "\nu1,i1,p1,0.1,k1,2000,1,0\n")
    with pytest.raises(InputError, match=r"line 3.*'cheap' is not a number"):
        tried(HEADER + "\nu1,i1,p1,0.1,k1,2000,1,0\nu1,i1,p1,cheap,k1,2000,1,0\n")
    with pytest.raises(InputError, match=r"written to \.csv"):
        tried(HEADER + "\nu1,i1,p1,0.1,k1,2000,1,0\n", "out.xlsx")
    assert not list(tmp_path.glob("*out*"))


def test_the_command_says_what_it_did(run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.tsv"
    assert main(["predict", str(run.path), str(folder / "log.csv"), "--out", str(out), "--json", str(tmp_path / "r.json")]) == 0
    assert f"{N:,} rows read, {N:,} written" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["rows"] == N
    assert main(["predict", str(run.path), str(tmp_path / "absent.csv"), "--out", str(out)]) == 2


def test_a_model_of_choice_gives_no_probabilities(folder: Path, tmp_path: Path) -> None:
    run = api.train("popularity", folder / "mine.yaml", run_dir=tmp_path / "run")
    with pytest.raises(UnsupportedError, match="gives no probabilities"):
        api.predict(run, folder / "log.csv", tmp_path / "out.csv")


def test_features_are_described(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {feature.name: feature for feature in api.features(run)}
    assert list(found) == ["user", "item", "place", "price", "kinds"]
    assert found["place"].made == "5 values, from 3 rows on"
    assert found["price"].made == "4 buckets"
    assert found["kinds"].vectors == "attention by item, the first 2"
    assert found["place"].unknown["train"] == pytest.approx(0.2, abs=0.01)
    assert found["place"].vectors == "width 2"
    assert values(run, "place") == [f"p{place}" for place in range(5)]
    assert values(run, "price")[0].startswith("below ")
    assert main(["features", "describe", str(folder / "mine.yaml")]) == 0
    assert "attention by item" in capsys.readouterr().out
    assert main(["features", "describe", str(folder / "mine.yaml"), "--feature", "where"]) == 2
    assert "They are: user, item, place, price, kinds" in capsys.readouterr().err
    with pytest.raises(InputError, match="cannot be set"):
        api.features(run, split_seed=3)


def test_rows_without_times_are_refused_by_a_model_of_behaviour_alone(run: Run, tmp_path: Path) -> None:
    """With no time, or an empty one, a row would see its own outcome among what its user chose before."""
    header = HEADER.removesuffix(",clicked,bought")
    texts = [f"{header.removesuffix(',when')}\nu1,i1,p1,0.1,k1\n", f"{header}\nu1,i1,p1,0.1,k1,2000\nu1,i1,p1,0.1,k1,\n"]
    for text in texts:
        (tmp_path / "rows.csv").write_text(text)
        if run.model.reads.history:
            with pytest.raises(InputError, match="1 rows have no time"):
                api.predict(run, tmp_path / "rows.csv", tmp_path / "out.csv")
        else:
            assert api.predict(run, tmp_path / "rows.csv", tmp_path / "out.csv").rows == text.count("u1")


def test_the_rows_that_are_read_are_not_overwritten(run: Run, tmp_path: Path) -> None:
    text = f"{HEADER}\nu1,i1,p1,0.1,k1,2000,1,0\n"
    (tmp_path / "rows.csv").write_text(text)
    (tmp_path / "again.csv").symlink_to(tmp_path / "rows.csv")
    for out in ("rows.csv", "again.csv"):
        with pytest.raises(InputError, match="would be overwritten"):
            api.predict(run, tmp_path / "rows.csv", tmp_path / out)
    assert (tmp_path / "rows.csv").read_text() == text


def test_rows_are_not_dropped_by_one_label_of_several(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="drops rows by the first label"):
        api.train("mmoe", folder / "mine.yaml", run_dir=tmp_path / "run", negative_share=0.5)
    assert not (tmp_path / "run").exists()
