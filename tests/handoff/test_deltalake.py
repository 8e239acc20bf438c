"""Delta Lake: a day is appended, and a restated one takes the place of the one before."""

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from insightframe import InsightsClient, Stream, Table

REPORT = "3035643"


def test_a_table_is_appended(table: Table, stream: Stream, rows: list[tuple[object, ...]], tmp_path: Path) -> None:
    write_deltalake(tmp_path, table)
    assert sorted(pl.read_delta(str(tmp_path)).rows(), key=str) == sorted(rows, key=str)
    write_deltalake(tmp_path, stream, mode="append")
    assert len(pl.read_delta(str(tmp_path))) == 12_000
    assert DeltaTable(tmp_path).version() == 1


@pytest.mark.parametrize("method", ["export", "stream"])
def test_a_window_is_replaced(client: InsightsClient, table: Table, tmp_path: Path, method: str) -> None:
    write_deltalake(tmp_path, table, partition_by=["Date"])
    day = "2023-12-02"
    # The service has corrected the day: half of the queues are left.
    restated = getattr(client, method)(
        REPORT, start=day, end=day, where={"label.conversations.queue": ["Billing", "Callback"]}
    )
    write_deltalake(tmp_path, restated, mode="overwrite", predicate=f"\"Date\" = '{day}'")
    found = pl.read_delta(str(tmp_path))
    before = table.to_polars()
    is_restated = pl.col("Date") == pl.lit(day).str.to_date()
    expected = before.filter(~is_restated | pl.col("Queue").is_in(["Billing", "Callback"]))
    order = ["Date", "Queue", "Interval 15 Minutes", "Channel", "Direction"]
    assert 4000 < len(expected) < 6000
    assert found.select(before.columns).sort(order).equals(expected.sort(order))


def test_rows_outside_the_window_are_refused(table: Table, tmp_path: Path) -> None:
    write_deltalake(tmp_path, table)
    with pytest.raises(Exception, match=r"(?i)invariant|predicate|check"):
        write_deltalake(tmp_path, table, mode="overwrite", predicate="\"Date\" = '2023-12-02'")
    assert DeltaTable(tmp_path).version() == 0
