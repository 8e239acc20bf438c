"""pandas 2 and 3, each in an environment of its own; both run this file."""

import datetime

import pandas as pd
import pytest

from insightframe import InsightsClient, Stream, Table

IS_3 = int(pd.__version__.split(".", 1)[0]) >= 3
DAY = datetime.date(2023, 12, 1)

# Text, date, whole number and decimal of each backend.
TYPES = {
    "numpy": ("str" if IS_3 else "object", "datetime64[ms]", "int64", "float64"),
    "numpy_nullable": ("string", "datetime64[ms]", "Int64", "Float64"),
    "pyarrow": ("large_string[pyarrow]", "date32[day][pyarrow]", "int64[pyarrow]", "double[pyarrow]"),
}
COLUMNS = ["Queue", "Date", "Offered Contacts", "Service Level"]


@pytest.mark.parametrize("backend", TYPES)
def test_a_table_is_a_frame(table: Table, rows: list[tuple[object, ...]], backend: str) -> None:
    frame = table.to_pandas(dtype_backend=backend)
    assert tuple(str(frame[column].dtype) for column in COLUMNS) == TYPES[backend]
    assert len(frame) == len(rows)
    # As Python objects, with one kind of null and days as days.
    cells = frame.astype({"Date": "datetime64[s]"}).astype(object).itertuples(index=False, name=None)
    plain = [tuple(None if pd.isna(cell) else cell for cell in row) for row in cells]
    assert [(row[0], row[1].date(), *row[2:]) for row in plain] == rows


@pytest.mark.parametrize("backend", TYPES)
def test_whole_numbers_stay_whole(nulls: Table, backend: str) -> None:
    numbers = nulls.to_pandas(dtype_backend=backend)["Conversations"]
    assert numbers.isna().tolist() == [False, True, False]
    if backend == "numpy":
        # numpy has no null but NaN, as the documentation says; float64 has no place for 2**53 + 1.
        assert numbers.dtype == "float64"
    else:
        assert str(numbers.dtype) == TYPES[backend][2]
        assert numbers[2] == 9007199254740993


@pytest.mark.parametrize("backend", TYPES)
def test_days_stay_days(nulls: Table, backend: str) -> None:
    days = nulls.to_pandas(dtype_backend=backend)["Date"]
    assert str(days.dtype) == TYPES[backend][1]
    assert days.isna().tolist() == [False, True, False]
    assert pd.Timestamp(days[0]) == pd.Timestamp(DAY)
    assert days.max() == (datetime.date(2023, 12, 31) if backend == "pyarrow" else pd.Timestamp(2023, 12, 31))


@pytest.mark.parametrize("backend", TYPES)
def test_text_can_be_worked_with(table: Table, nulls: Table, backend: str) -> None:
    """Each of these fails on the views that `pyarrow.table` gives."""
    frame = table.to_pandas(dtype_backend=backend)
    assert (frame["Queue"] == "Billing").sum() > 0
    assert frame.sort_values("Queue")["Queue"].iloc[0] == "Billing"
    assert frame["Queue"].isin(["Billing", "Callback"]).any()
    assert frame["Queue"].str.upper().iloc[0] == frame["Queue"].iloc[0].upper()
    sums = frame.groupby("Queue")["Offered Contacts"].sum()
    assert len(frame.merge(sums.reset_index(name="sum"), on="Queue")) == 6000
    assert nulls.to_pandas(dtype_backend=backend)["Note"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("backend", TYPES)
def test_dictionaries_are_categories(client: InsightsClient, backend: str) -> None:
    table = client.export("3035643", start="2023-12-01", end="2023-12-03", schema={"Queue": "dictionary"})
    frame = table.to_pandas(dtype_backend=backend)
    assert frame["Queue"].dtype == "category"
    assert (frame["Queue"] == "Billing").sum() > 0
    sums = frame.groupby("Queue", observed=True)["Offered Contacts"].sum()
    plain = table.to_polars().select("Queue", "Offered Contacts").group_by("Queue").sum()
    assert sums.to_dict() == dict(plain.iter_rows())


def test_a_frame_comes_from_a_stream_through_pyarrow(stream: Stream) -> None:
    import pyarrow as pa

    assert len(pa.RecordBatchReader.from_stream(stream).read_pandas()) == 6000


@pytest.mark.skipif(not IS_3, reason="pandas 2 takes no Arrow streams by itself")
def test_pandas_takes_a_table_by_itself(table: Table) -> None:
    """With days as objects and without the text's layout that it works with; `to_pandas` knows better."""
    assert len(pd.DataFrame.from_arrow(table)) == 6000
