"""Apache Iceberg, through a reader: appended, and a window replaced by a filter."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo

from insightframe import InsightsClient, Stream, Table


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/warehouse")
    catalog.create_namespace("insights")
    return catalog


def test_a_table_is_appended_and_a_window_replaced(
    catalog: SqlCatalog, client: InsightsClient, table: Table, rows: list[tuple[object, ...]]
) -> None:
    arrow = table.to_arrow()
    lake = catalog.create_table("insights.report", schema=arrow.schema)
    lake.append(arrow)
    found = lake.scan().to_arrow()
    assert sorted(found["Offered Contacts"].to_pylist()) == sorted(row[5] for row in rows)
    assert pa.types.is_date32(found.schema.field("Date").type)
    day = "2023-12-02"
    restated = client.export(
        "3035643", start=day, end=day, where={"label.conversations.queue": ["Billing", "Callback"]}
    )
    lake.overwrite(restated.to_arrow(), overwrite_filter=EqualTo("Date", day))
    found = lake.scan().to_arrow()
    assert found.num_rows == 4000 + len(restated)


def test_a_reader_is_appended(catalog: SqlCatalog, table: Table, stream: Stream) -> None:
    reader = stream.to_arrow()
    lake = catalog.create_table("insights.report", schema=reader.schema)
    lake.append(reader)
    assert lake.scan().to_arrow().num_rows == table.num_rows
