"""What the engine finds, batch by batch, against what it gives row by row."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from turret.data.arrow import Texts, batches


@pytest.fixture
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"arrow_large_buffer_size": True, "threads": 2})


def test_columns_come_in_order_and_whole(engine: duckdb.DuckDBPyConnection) -> None:
    n = 300_000
    text = "CASE WHEN range % 5 > 0 THEN repeat('é', (range % 4)::INTEGER) || range END"
    question = f"SELECT range::INTEGER, range * 7, range / 3, {text} FROM range({n})"
    seen, several = 0, 0
    for a, b, c, d in batches(engine.sql(question)):
        assert isinstance(d, Texts) and not isinstance(a, Texts) and not isinstance(b, Texts) and not isinstance(c, Texts)
        rows = np.arange(seen, seen + len(a))
        assert a.dtype == np.int32 and np.array_equal(a, rows) and b.dtype == np.int64 and np.array_equal(b, rows * 7)
        assert c.dtype == np.float64 and np.array_equal(c, rows / 3)
        expected = ["é" * (row % 4) + str(row) if row % 5 else "" for row in rows.tolist()]
        assert len(d) == len(a) and np.array_equal(np.diff(d.offsets), [len(text.encode()) for text in expected])
        assert d.data[d.offsets[0] : d.offsets[-1]].tobytes().decode() == "".join(expected)
        seen, several = seen + len(a), several + 1
    assert seen == n and several > 1


def test_nothing_is_no_batch_and_empty_texts_have_no_bytes(engine: duckdb.DuckDBPyConnection) -> None:
    assert sum(len(a) for (a,) in batches(engine.sql("SELECT 'x' WHERE false"))) == 0
    for (column,) in batches(engine.sql("SELECT NULL::VARCHAR FROM range(3)")):
        assert isinstance(column, Texts) and column.offsets.tolist() == [0, 0, 0, 0] and len(column.data) == 0


def test_a_failure_on_the_way_is_raised(engine: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="no such luck"):
        for _ in batches(engine.sql("SELECT CASE WHEN range < 200_000 THEN 1 ELSE error('no such luck') END FROM range(1_000_000)")):
            pass


def test_a_reader_that_stops_leaves_the_engine_at_work(engine: duckdb.DuckDBPyConnection) -> None:
    rows = batches(engine.sql("SELECT range FROM range(1_000_000)"))
    next(iter(rows))
    rows.close()  # type: ignore[attr-defined]
    assert engine.execute("SELECT 1").fetchall() == [(1,)]
