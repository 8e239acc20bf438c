"""A stream that breaks off in the middle: every consumer says so with our word for it, and none keeps half of it."""

from collections.abc import Callable
from pathlib import Path

import adbc_driver_sqlite.dbapi
import arro3.core
import datafusion
import duckdb
import ibis
import nanoarrow
import narwhals as nw
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

from insightframe import Stream
from insightframe.errors import ResultIncomplete


def reader(stream: Stream) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_stream(stream)


def iceberg(stream: Stream, folder: Path) -> None:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("insights")
    reader = stream.to_arrow()
    lake = catalog.create_table("insights.report", schema=reader.schema)
    try:
        lake.append(reader)
    finally:
        assert lake.scan().to_arrow().num_rows == 0


def duckdb_table(stream: Stream, _folder: Path) -> None:
    with duckdb.connect() as connection:
        try:
            connection.execute("create table kept as from stream")
        finally:
            assert connection.sql("show tables").fetchall() == []


def sqlite(stream: Stream, _folder: Path) -> None:
    with adbc_driver_sqlite.dbapi.connect() as connection, connection.cursor() as cursor:
        try:
            cursor.adbc_ingest("report", stream, mode="create")
        finally:
            connection.rollback()
            cursor.execute("select name from sqlite_master")
            assert cursor.fetchall() == []


CONSUMERS: dict[str, Callable[[Stream, Path], object]] = {
    "polars": lambda stream, _: pl.DataFrame(stream),
    "pyarrow table": lambda stream, _: pa.table(stream),
    "pyarrow reader": lambda stream, _: reader(stream).read_all(),
    "pyarrow dataset": lambda stream, folder: ds.write_dataset(stream.to_arrow(), folder / "ds", format="parquet"),
    "pandas": lambda stream, _: stream.to_arrow().read_pandas(),
    "duckdb": duckdb_table,
    "narwhals": lambda stream, _: nw.from_arrow(stream, backend="pyarrow"),
    "ibis": lambda stream, _: ibis.memtable(stream).count().execute(),
    "datafusion": lambda stream, _: datafusion.SessionContext().from_arrow(stream).count(),
    "arro3": lambda stream, _: arro3.core.Table.from_arrow(stream),
    "nanoarrow": lambda stream, _: list(nanoarrow.ArrayStream(stream).iter_tuples()),
    "deltalake": lambda stream, folder: write_deltalake(folder / "lake", stream),
    "iceberg": iceberg,
    "adbc sqlite": sqlite,
}


@pytest.mark.parametrize("consume", CONSUMERS.values(), ids=CONSUMERS)
def test_it_reaches_the_consumer_by_name(breaking: Stream, tmp_path: Path, consume) -> None:
    with pytest.raises(Exception, match="ResultIncomplete: the result broke off after") as caught:
        consume(breaking, tmp_path)
    # Arrow's C interface has room for text alone: the class is the consumer's, ours stands on the stream.
    assert not isinstance(caught.value, ResultIncomplete)
    assert isinstance(breaking.error, ResultIncomplete)
    assert breaking.error.handle is not None
    assert breaking.receipt is None
    assert not (tmp_path / "lake" / "_delta_log" / "00000000000000000000.json").exists()
