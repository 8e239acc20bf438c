"""polars: `pl.DataFrame(t)` and `to_polars`, and that neither copies."""

import polars as pl
import pyarrow as pa

from insightframe import Stream, Table

TYPES = [pl.String, pl.Date, *[pl.String] * 3, pl.Int64, pl.Float64, pl.Int64, pl.Float64, pl.Float64, pl.Int64]


def test_a_table_is_a_frame(table: Table, rows: list[tuple[object, ...]]) -> None:
    for frame in (pl.DataFrame(table), table.to_polars()):
        assert frame.dtypes == TYPES
        assert frame.rows() == rows


def test_a_stream_is_a_frame(stream: Stream, rows: list[tuple[object, ...]]) -> None:
    assert pl.DataFrame(stream).rows() == rows


def test_nulls_are_nulls_in_every_type(nulls: Table) -> None:
    frame = nulls.to_polars()
    assert frame.dtypes == [pl.String, pl.String, pl.Date, pl.Int64, pl.Float64]
    assert frame.null_count().row(0) == (1, 1, 1, 1, 1)
    assert frame["Conversations"].to_list() == [7, None, 9007199254740993]


def addresses(array: pa.Array) -> set[int]:
    return {buffer.address for buffer in array.buffers() if buffer is not None and buffer.size}


def test_nothing_is_copied(table: Table) -> None:
    """Where the values of a column lie is where they lay, text included: polars works on views, too."""
    assert table.num_rows > 1000
    ours = pa.table(table)
    assert ours["Queue"].num_chunks == 1, "several pieces would be put together"
    frame = pl.DataFrame(table)
    for column in frame.columns:
        theirs = frame[column].to_arrow(compat_level=pl.CompatLevel.newest())
        # Of the buffers, polars leaves out a validity without nulls.
        assert addresses(theirs) <= addresses(ours[column].chunk(0)), column
        assert addresses(theirs), column


def test_a_series_of_structs_is_what_from_arrow_makes_of_it(table: Table) -> None:
    """Which is why the way in is `pl.DataFrame`."""
    assert pl.DataFrame(table).shape == (6000, 11)
    series = pl.from_arrow(table)
    assert isinstance(series, pl.Series)
    assert series.struct.unnest().equals(table.to_polars())


def test_it_joins_and_groups(table: Table) -> None:
    frame = table.to_polars()
    queues = frame.group_by("Queue").agg(pl.sum("Offered Contacts")).sort("Queue")
    joined = frame.join(queues, on="Queue", how="left", suffix=" of all")
    assert len(joined) == 6000
    assert joined["Offered Contacts of all"].null_count() == 0
