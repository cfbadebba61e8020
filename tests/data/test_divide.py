"""Logs of impressions: of nobody in particular, and with several labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.data import Cleaning, DataConfig, Source, Split, from_arrays, prepare


def config(columns: str, **split: Any) -> DataConfig:
    return DataConfig(source=Source(format="tsv", header=False, columns=columns), split=Split(**split))


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "log.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


NAMES = "y=label,I1=float:feature,C1=token:feature"


def test_impressions_of_nobody_keep_the_order_of_the_log(tmp_path: Path) -> None:
    path = written(tmp_path, [f"{row % 2}\t{row if row % 3 else ''}\t{row % 7:x}" for row in range(100)])
    prepared = prepare(path, config(NAMES), tmp_path / "cache")
    assert (prepared.n_users, prepared.n_items) == (0, 0)
    assert list(prepared.users.vocabulary) == list(prepared.items.vocabulary) == [""]
    assert prepared.statistics["users"] == prepared.statistics["items"] == 0 and prepared.statistics["rows.train"] == 80
    rows = []
    for name, part in prepared.parts.items():
        log = part.interactions
        assert (log.n_users, log.n_items) == (1, 1) and not np.any(log.user) and not np.any(log.item), name
        number = part.features["I1"].values  # type: ignore[union-attr]
        known = number[~np.isnan(number)]
        assert np.all(np.diff(known) > 0), name
        rows += known.astype(int).tolist()
        assert log.label is not None and list(part.labels) == ["y"]
        assert np.array_equal(log.label[~np.isnan(number)], known % 2)
        assert part.features["C1"].ids[~np.isnan(number)].tolist() == (known % 7 + 1).tolist()  # type: ignore[union-attr]
    assert sorted(rows) == [row for row in range(100) if row % 3]
    notes = [entry.note for entry in prepared.report]
    assert any("no column is the user" in note for note in notes) and any(note.startswith("entry, random order") for note in notes)


def test_times_of_nobody_order_the_rows_and_may_split_them(tmp_path: Path) -> None:
    path = written(tmp_path, [f"0\t{row}\ta\t{100 - row}" for row in range(100)])
    prepared = prepare(path, config(f"{NAMES},t=time", split_mode="time"), tmp_path / "cache")
    times = [part.interactions.time for part in prepared.parts.values() if len(part.interactions)]
    assert np.concatenate(times).tolist() == list(range(1, 101)) and prepared.time_ordered


def test_items_without_users_and_their_table_still_count() -> None:
    prepared = from_arrays(item=["x", "y"] * 5, label=[0, 1] * 5, items={"item": ["x", "y"], "kind": ["k", "l"]})
    assert (prepared.n_users, prepared.n_items) == (0, 2) and set(prepared.items.features) == {"kind"}
    assert {entry.step for entry in prepared.report}.isdisjoint({"later users"})


@pytest.mark.parametrize("mode", ["user_entry", "leave_one_out", "user"])
def test_what_needs_users_says_so(mode: str) -> None:
    with pytest.raises(InputError, match="the log has no user column"):
        from_arrays(item=[1, 2], label=[0, 1], config=DataConfig(split=Split(split_mode=mode)))
    for cleaning in ({"min_user_count": 2}, {"duplicates": "first"}, {"max_user_count": 5}):
        with pytest.raises(InputError, match="the log has no user column"):
            from_arrays(item=[1, 2], label=[0, 1], config=DataConfig(cleaning=Cleaning(**cleaning)))


def test_a_log_without_labels_needs_both(tmp_path: Path) -> None:
    path = written(tmp_path, ["1\ta"])
    with pytest.raises(InputError, match="no user column"):
        prepare(path, config("x=float:feature,C1=item"), tmp_path / "cache")


def test_several_labels_are_tasks_in_the_order_of_the_settings(tmp_path: Path) -> None:
    path = written(tmp_path, [f"u{row % 5}\ti{row % 4}\t{row % 2}\t{row % 3 == 0:d}\t{row}" for row in range(60)])
    path.write_text("user_id\titem_id\tclick\tbuy\tlabel\n" + path.read_text())
    source = Source(columns="buy=label,click=label,label=label")
    prepared = prepare(path, DataConfig(source=source), tmp_path / "cache")
    for part in prepared.parts.values():
        assert list(part.labels) == ["buy", "click", "label"]
        row = part.labels["label"]
        assert np.array_equal(part.labels["click"], row % 2) and np.array_equal(part.labels["buy"], row % 3 == 0)
        assert part.interactions.label is not None and np.array_equal(part.interactions.label, part.labels["buy"])
    assert any("label is a number to be predicted" in entry.note for entry in prepared.report)


def test_minus_one_says_no_where_it_and_one_are_all_there_is() -> None:
    def labels(*values: float) -> list[float]:
        label = from_arrays([1] * len(values), [1] * len(values), label=values, config=DataConfig(split=Split(split_ratio=(1, 0, 0))))
        return label.parts["train"].labels["label"].tolist()

    assert labels(-1, 1, 1) == [0, 1, 1]
    assert labels(-1, 0, 1) == [-1, 0, 1] and labels(-1, -1) == [-1, -1] and labels(0, 1, 5.5) == [0, 1, 5.5]


def test_labels_of_ratings_replace_others() -> None:
    threshold = DataConfig(cleaning=Cleaning(label_threshold=3))
    prepared = from_arrays([1, 2], [1, 2], rating=[2, 4], label={"a": [1, 0], "b": [1, 1]}, config=threshold)
    assert prepared.parts["train"].labels.keys() == {"label"}


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [("\t1\ta", "y", "the label is missing"), ("1\tx\ta", "I1", "'x' is not a number"), ("inf\t1\ta", "y", "the label is infinite")],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, column: str, words: str) -> None:
    path = written(tmp_path, ["1\t2\tb", row])
    with pytest.raises(InputError, match=words) as caught:
        prepare(path, config(NAMES), tmp_path / "cache")
    assert (caught.value.line, caught.value.column) == (2, column)
