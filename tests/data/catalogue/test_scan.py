"""Columns of tables, in the order of their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data.catalogue import scan as module
from turret.data.catalogue.scan import Delimited, scan

FORM = Delimited({"id": "number", "when": "moment", "what": "text"})


def table(path: Path, *rows: str) -> Path:
    path.write_text("id,when,what,else\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_columns_of_several_files_follow_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    one = table(tmp_path / "one.csv", '7,1970-01-01 00:00:01 UTC,"a,b",x', "-3,1970-01-01T00:00:00.250Z,,x", "7,1970-01-02,b,x")
    other = table(tmp_path / "other.csv", "5,1970-01-01 00:00:02,b,x", "7,1970-01-01,c,x")
    with scan([one, other], FORM, tmp_path) as found:
        assert found.rows == {"one.csv": 3, "other.csv": 2}
        assert found.numbers("id").tolist() == [7, -3, 7, 5, 7]
        assert found.numbers("when").tolist() == [1000, 250, 86_400_000, 2000, 0]
        assert found.equal("what", "b").tolist() == [False, False, True, True, False]
        codes, values = found.codes("id", "value")
        assert (codes.tolist(), values.tolist()) == ([2, 0, 2, 1, 2], [-3, 5, 7])
        codes, values = found.codes("id", "first seen")
        assert (codes.tolist(), values.tolist()) == ([0, 1, 0, 2, 0], [7, -3, 5])
        codes, values = found.codes("what", "first seen")
        assert (codes.tolist(), values.tolist()) == ([0, 1, 2, 2, 3], ["a,b", "", "b", "c"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "other.csv"], "what it worked with is gone"


def test_the_order_of_rows_is_kept_in_large_files(tmp_path: Path) -> None:
    numbers = np.arange(400_000) * 7919 % 400_009
    path = tmp_path / "large.csv"
    path.write_text("id,padding\n" + "".join(f"{number},{'x' * 40}\n" for number in numbers.tolist()))
    with scan([path], Delimited({"id": "number"}), tmp_path) as found:
        assert np.array_equal(found.numbers("id"), numbers)
        assert np.array_equal(found.codes("id", "first seen")[0], np.arange(400_000))
        assert np.array_equal(found.codes("id", "value")[0], np.argsort(np.argsort(numbers)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\0', exclude_categories=["Cs"]), max_size=4), min_size=1))
def test_any_text_is_what_it_was(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "text.csv"
    path.write_text("what,more\n" + "".join(f'"{cell}",1\n' for cell in cells), encoding="utf-8", newline="")
    with scan([path], Delimited({"what": "text"}), tmp_path) as found:
        codes, values = found.codes("what", "first seen")
    assert [values[code] for code in codes] == cells
    assert list(values) == list(dict.fromkeys(cells))


def test_a_file_without_a_header_has_its_columns_named(tmp_path: Path) -> None:
    (tmp_path / "bare.dat").write_text("1;2\n3;4\n")
    with scan([tmp_path / "bare.dat"], Delimited({"second": "number"}, ";", ("first", "second")), tmp_path) as found:
        assert found.numbers("second").tolist() == [2, 4]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1.5,1970-01-01,a,x", "line 3, column id: '1.5' is no whole number"),
        (",1970-01-01,a,x", "line 3, column id: '' is no whole number"),
        ("1,soon,a,x", "line 3, column when: 'soon' is no time"),
        ("1,1970-01-01,a", "line 3: 3 columns where 4 are expected"),
    ],
)
def test_a_bad_cell_is_named_in_the_file_that_holds_it(tmp_path: Path, row: str, words: str) -> None:
    good = table(tmp_path / "good.csv", *["1,1970-01-01,a,x"] * 5)
    bad = table(tmp_path / "bad.csv", "1,1970-01-01,a,x", row)
    with pytest.raises(InputError) as caught, scan([good, bad], FORM, tmp_path):
        pass
    assert f"bad.csv, {words}" in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "one.csv", "1,1970-01-01,a,x")
    with (
        pytest.raises(InputError, match="line 1, column who: there is no such column among id, when, what, else"),
        scan([path], Delimited({"who": "number"}), tmp_path),
    ):
        pass
