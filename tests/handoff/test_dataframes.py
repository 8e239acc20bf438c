"""Libraries over other libraries: narwhals and ibis."""

import ibis
import narwhals as nw
import pytest

from insightframe import Stream, Table


@pytest.mark.parametrize("backend", ["polars", "pyarrow", "pandas"])
def test_narwhals(table: Table, rows: list[tuple[object, ...]], backend: str) -> None:
    frame = nw.from_arrow(table, backend=backend)
    assert frame.shape == (6000, 11)
    assert frame.schema["Queue"] == nw.String
    assert frame.schema["Offered Contacts"] == nw.Int64
    assert frame["Offered Contacts"].to_list() == [row[5] for row in rows]


def test_narwhals_takes_a_stream(stream: Stream, rows: list[tuple[object, ...]]) -> None:
    assert nw.from_arrow(stream, backend="polars").rows() == rows


def test_ibis(table: Table, rows: list[tuple[object, ...]]) -> None:
    report = ibis.memtable(table)
    assert report.schema()["Date"] == ibis.dtype("date")
    assert report.schema()["Queue"] == ibis.dtype("string")
    offered = report.group_by("Queue").agg(offered=report["Offered Contacts"].sum()).order_by("Queue")
    expected: dict[object, int] = {}
    for row in rows:
        expected[row[0]] = expected.get(row[0], 0) + row[5]
    assert dict(zip(*offered.to_pyarrow().to_pydict().values(), strict=True)) == expected
    assert report.count().execute() == 6000


def test_ibis_takes_a_stream(stream: Stream) -> None:
    assert ibis.memtable(stream).count().execute() == 6000
