"""pyarrow: tables, readers, datasets, and the types that are asked for."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from insightframe import InsightsClient, Stream, Table, decode_csv
from insightframe.errors import ConfigError, SchemaMismatch

REPORT = "3035643"


def with_type(schema: pa.Schema, column: str, kind: pa.DataType) -> pa.Schema:
    index = schema.get_field_index(column)
    return schema.set(index, schema.field(index).with_type(kind))


def as_tuples(table: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_a_table_is_a_table(table: Table, rows: list[tuple[object, ...]]) -> None:
    plain = pa.table(table)
    assert plain.schema.field("Queue").type == pa.string_view()
    assert as_tuples(plain) == rows
    large = table.to_arrow()
    assert large.schema.field("Queue").type == pa.large_string()
    assert as_tuples(large) == rows


def test_a_table_is_read_as_often_as_it_is_wanted_without_a_copy(table: Table) -> None:
    buffers = [pa.table(table)["Service Level"].chunk(0).buffers()[1].address for _ in range(3)]
    assert len(set(buffers)) == 1


def test_a_stream_is_a_reader(stream: Stream, rows: list[tuple[object, ...]]) -> None:
    with pa.RecordBatchReader.from_stream(stream) as reader:
        assert as_tuples(reader.read_all()) == rows
    assert stream.receipt is not None


def test_a_stream_is_a_reader_of_text_that_pyarrow_works_with(stream: Stream, rows: list[tuple[object, ...]]) -> None:
    reader = stream.to_arrow()
    assert reader.schema.field("Queue").type == pa.large_string()
    assert as_tuples(reader.read_all().sort_by("Queue")) == sorted(rows, key=lambda row: row[0])
    with pytest.raises(ConfigError, match="the stream has been read to its end"):
        stream.to_arrow()


def test_a_reader_becomes_a_dataset(stream: Stream, rows: list[tuple[object, ...]], tmp_path: Path) -> None:
    ds.write_dataset(stream.to_arrow(), tmp_path, format="parquet", partitioning=["Date"], partitioning_flavor="hive")
    assert len(list(tmp_path.iterdir())) == 3
    written = ds.dataset(tmp_path, partitioning="hive").to_table()
    assert sorted(written["Offered Contacts"].to_pylist()) == sorted(row[5] for row in rows)


LAYOUTS = {
    "large": pa.large_string(),
    "small": pa.string(),
    "view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
}


@pytest.mark.parametrize("kind", LAYOUTS.values(), ids=LAYOUTS)
def test_text_comes_in_the_layout_that_is_asked_for(table: Table, client: InsightsClient, kind: pa.DataType) -> None:
    schema = with_type(pa.schema(table), "Queue", kind)
    stream = client.stream(REPORT, start="2023-12-01", end="2023-12-03")
    for given in (pa.table(table, schema=schema), pa.RecordBatchReader.from_stream(stream, schema=schema).read_all()):
        given.validate(full=True)
        assert given.schema == schema
        assert given["Queue"].to_pylist() == table.to_arrow()["Queue"].to_pylist()


NARROWER = {
    "int32": ("Conversations", pa.int32()),
    "float32": ("Talk Time", pa.float32()),
    "timestamp": ("Date", pa.timestamp("ms")),
    "decimal": ("Conversations", pa.decimal128(20)),
}


@pytest.mark.parametrize(("column", "kind"), NARROWER.values(), ids=NARROWER)
def test_what_can_be_held_comes_as_it_is_asked_for(column: str, kind: pa.DataType) -> None:
    table = decode_csv(b"Date,Conversations,Talk Time\n2023-12-01,7,1.5\n,,\n", schema={"Date": "date[yyyy-mm-dd]"})
    given = pa.table(table, schema=with_type(pa.schema(table), column, kind))[column]
    assert given.type == kind
    assert given.null_count == 1
    assert given.equals(table.to_arrow()[column].cast(kind))


def test_what_cannot_be_held_is_an_error_and_never_a_null(nulls: Table) -> None:
    schema = with_type(pa.schema(nulls), "Conversations", pa.int32())
    with pytest.raises(pa.ArrowException, match="SchemaMismatch: column `Conversations`, record 3: `9007199254740993`"):
        pa.table(nulls, schema=schema)


def test_what_cannot_be_held_stands_on_the_stream(client: InsightsClient) -> None:
    stream = client.stream(REPORT, start="2023-12-01", end="2023-12-01")
    schema = with_type(pa.schema(stream), "Service Level", pa.int64())
    with pytest.raises(pa.ArrowException, match="SchemaMismatch: column `Service Level`"):
        pa.RecordBatchReader.from_stream(stream, schema=schema).read_all()
    assert isinstance(stream.error, SchemaMismatch)
    assert stream.error.column == "Service Level"


def test_other_columns_cannot_be_asked_for(table: Table, stream: Stream) -> None:
    fewer = pa.schema(list(pa.schema(table))[:2])
    for source in (table, stream):
        with pytest.raises(ConfigError, match="2 columns were asked for, there are 11"):
            pa.RecordBatchReader.from_stream(source, schema=fewer)
    # Who asked in vain may ask again.
    assert pa.table(stream).num_rows == 6000
