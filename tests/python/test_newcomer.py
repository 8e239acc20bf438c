"""A report as frames of every library, against the service's own CSV as Python's `csv` reads it."""

import csv
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from insightframe import InsightsClient
from insightframe.sandbox import Sandbox

QUEUES, CONVERSATIONS, AGENTS = "3035643", "3035653", "3035663"
ROWS = {"rows": 500, "raw_202_count": 0}

Row = dict[str, Any]


def day(form: str) -> Callable[[str], datetime.date]:
    return lambda cell: datetime.datetime.strptime(cell, form).date()


@pytest.fixture
def truth(insights_client: InsightsClient, tmp_path: Path) -> Callable[..., list[Row]]:
    """The rows of a report, each cell read by the reader of its column, or as text; empty cells are `None`."""

    def read(report: str, **readers: Callable[[str], object]) -> list[Row]:
        path = tmp_path / f"{report}.csv"
        insights_client.download(report, path)
        by_title = {name.replace("_", " "): reader for name, reader in readers.items()}
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        assert set(by_title) <= set(rows[0])
        return [
            {title: by_title.get(title, str)(cell) if cell else None for title, cell in row.items()} for row in rows
        ]

    return read


@pytest.fixture
def queues(truth: Callable[..., list[Row]]) -> list[Row]:
    return truth(
        QUEUES,
        Date=day("%m/%d/%Y"),
        Offered_Contacts=int,
        Average_Handle_Time=float,
        Abandons=int,
        Service_Level=float,
        Average_Speed_of_Answer=float,
        Volume_Handled=int,
    )


def test_five_lines_give_a_frame() -> None:
    with Sandbox() as sandbox, sandbox.insights_client() as client:
        frame = client.export("3035643", start="2023-12-01", end="2023-12-01").to_polars()
    assert frame.shape == (3360, 11)
    assert frame["Date"].unique().to_list() == [datetime.date(2023, 12, 1)]


@pytest.mark.insights_sandbox(**ROWS)
def test_polars(insights_client: InsightsClient, queues: list[Row]) -> None:
    frame = insights_client.export(QUEUES).to_polars()
    assert frame.to_dicts() == queues
    text, whole, decimal = pl.String, pl.Int64, pl.Float64
    columns = [text, pl.Date, text, text, text, whole, decimal, whole, decimal, decimal, whole]
    assert [text if dtype == pl.Categorical else dtype for dtype in frame.dtypes] == columns
    # Nothing is proved about empty cells where there are none.
    assert frame.null_count().sum_horizontal().item() > 0


@pytest.mark.insights_sandbox(**ROWS)
@pytest.mark.parametrize(
    ("backend", "whole", "decimal"),
    [
        ("numpy", "int64", "float64"),
        ("numpy_nullable", "Int64", "Float64"),
        ("pyarrow", "int64[pyarrow]", "double[pyarrow]"),
    ],
)
def test_pandas(insights_client: InsightsClient, queues: list[Row], backend: Any, whole: str, decimal: str) -> None:
    frame = insights_client.export(QUEUES).to_pandas(backend)
    assert list(frame.columns) == list(queues[0])
    assert str(frame["Offered Contacts"].dtype) == whole
    assert str(frame["Service Level"].dtype) == decimal
    for title in frame.columns:
        column = frame[title]
        if title == "Date":
            column = pd.to_datetime(column).dt.date
        found = [None if pd.isna(value) else value for value in column]
        assert found == [row[title] for row in queues], title


@pytest.mark.insights_sandbox(**ROWS)
def test_pyarrow(insights_client: InsightsClient, queues: list[Row]) -> None:
    table = insights_client.export(QUEUES)
    arrow = table.to_arrow()
    arrow.validate(full=True)
    assert arrow.to_pylist() == queues
    assert arrow.schema.field("Date").type == pa.date32()
    assert arrow.schema.field("Queue").type in (pa.large_string(), pa.dictionary(pa.int32(), pa.large_string()))


@pytest.mark.insights_sandbox(**ROWS)
def test_a_table_is_read_as_often_as_it_is_wanted(insights_client: InsightsClient, queues: list[Row]) -> None:
    table = insights_client.export(QUEUES)
    for _ in range(2):
        assert pl.DataFrame(table).to_dicts() == queues
        assert pa.table(table).to_pylist() == queues
        assert pa.RecordBatchReader.from_stream(table).read_all().to_pylist() == queues
        assert table.to_dicts() == queues
    assert len(table) == table.num_rows == 500
    assert table.column_names == list(queues[0]) == list(table.schema)
    assert pa.schema(table).names == table.column_names


@pytest.mark.insights_sandbox(**ROWS)
def test_difficult_text_arrives_as_it_is(insights_client: InsightsClient, truth: Callable[..., list[Row]]) -> None:
    rows = truth(CONVERSATIONS)
    text = "".join(str(cell) for row in rows for cell in row.values())
    # The report is made to hold what damages text on its way.
    for difficult in ('"', ",", "\n", "ü", "+44", "007"):
        assert difficult in text
    assert insights_client.export(CONVERSATIONS, schema="text").to_dicts() == rows


@pytest.mark.insights_sandbox(**ROWS)
def test_a_day_is_read_as_its_label_writes_it(insights_client: InsightsClient, truth: Callable[..., list[Row]]) -> None:
    table = insights_client.export(AGENTS)
    (title,) = [name for name, kind in table.schema.items() if kind == "date32"]
    days = [row[title] for row in truth(AGENTS, **{title.replace(" ", "_"): day("%d/%m/%Y")})]
    assert [row[title] for row in table.to_dicts()] == days
    assert any(found and found.day <= 12 for found in days)


@pytest.mark.insights_sandbox(**ROWS)
def test_an_empty_window_has_the_columns_of_a_full_one(insights_client: InsightsClient) -> None:
    full, empty = (
        insights_client.export(QUEUES, start=day, end=day) for day in (datetime.date(2023, 12, 1), "2030-01-01")
    )
    assert (len(full) > 0, len(empty)) == (True, 0)
    assert empty.schema == full.schema
    assert empty.to_polars().columns == full.to_polars().columns
    assert empty.to_dicts() == []


@pytest.mark.insights_sandbox(**ROWS)
@pytest.mark.parametrize("kind", [pl.Date, pa.date32(), datetime.date, "date"])
def test_a_date_needn_t_say_how_the_report_writes_it(kind: object, insights_client: InsightsClient) -> None:
    described = insights_client.export(QUEUES)
    assert insights_client.export(QUEUES, schema={"Date": kind}).to_dicts() == described.to_dicts()


@pytest.mark.insights_sandbox(**ROWS)
def test_types_can_be_given_in_the_words_of_any_library(insights_client: InsightsClient) -> None:
    for whole in ("int64", int, pl.Int64, pl.Int64(), pa.int64()):
        table = insights_client.export(QUEUES, schema={"Offered Contacts": "text", "Abandons": whole})
        assert table.schema["Offered Contacts"] == "utf8"
        assert table.schema["Abandons"] == "int64"
        assert table.schema["Volume Handled"] == "int64"


@pytest.mark.insights_sandbox(**ROWS)
def test_a_receipt_accounts_for_the_export(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    table = insights_client.export(QUEUES, start="2023-12-01", end="2023-12-30")
    receipt = table.receipt
    assert receipt is not None
    assert (receipt.report, receipt.workspace) == (QUEUES, insights_sandbox.workspace)
    assert receipt.windows == [("2023-12-01", "2023-12-30")]
    assert receipt.rows == len(table) > 1
    assert (receipt.polls, receipt.retries, receipt.token_refreshes) == (0, 0, 1)
    assert {"resolving", "executing", "downloading"} <= set(receipt.seconds)
    assert receipt.warnings == []
    assert receipt.to_dict()["schema_fingerprint"] == receipt.schema_fingerprint
    assert f"{receipt.rows} rows" in repr(receipt)
