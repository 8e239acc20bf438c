"""datafusion, arro3 and nanoarrow."""

import arro3.core
import datafusion
import nanoarrow
import pyarrow as pa

from insightframe import InsightsClient, Stream, Table


def as_tuples(table: object) -> list[tuple[object, ...]]:
    return list(zip(*(column.to_pylist() for column in pa.table(table).columns), strict=True))


def test_datafusion(table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    context = datafusion.SessionContext()
    context.from_arrow(table, "report")
    assert as_tuples(context.sql("select * from report")) == rows
    joined = 'select count(*) as n from report a join report b using ("Queue", "Date", "Interval 15 Minutes", "Channel", "Direction")'
    assert context.sql(joined).to_pydict() == {"n": [6000]}
    assert context.from_arrow(stream, "arriving").count() == 6000


def test_arro3(table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    assert as_tuples(arro3.core.Table.from_arrow(table)) == rows
    assert as_tuples(arro3.core.RecordBatchReader.from_arrow(stream)) == rows


def test_nanoarrow_reads_as_it_comes(table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    assert list(nanoarrow.ArrayStream(table).iter_tuples()) == rows
    assert list(nanoarrow.ArrayStream(stream).iter_tuples()) == rows


def test_nanoarrow_asks_for_types(table: Table, client: InsightsClient, rows: list[tuple[object, ...]]) -> None:
    """It takes views, but its arrays crash when it hands them on (0.9.0, also with views of pyarrow's own making).

    An array that is to be kept is asked for with text of the older layout.
    """
    schema = table.to_arrow().schema
    schema = schema.set(5, schema.field(5).with_type(pa.int16()))
    stream = client.stream("3035643", start="2023-12-01", end="2023-12-03")
    for source in (table, stream):
        array = nanoarrow.ArrayStream(source, schema).read_all()
        assert array.schema.field(5).type == nanoarrow.Type.INT16
        assert list(array.iter_tuples()) == rows


def test_arro3_asks_for_types(nulls: Table) -> None:
    schema = pa.schema(nulls)
    schema = schema.set(0, schema.field(0).with_type(pa.large_string()))
    reader = pa.RecordBatchReader.from_stream(nulls, schema=schema)
    assert arro3.core.Table.from_arrow(reader).schema.field(0).type == arro3.core.DataType.large_utf8()


def test_nulls_are_nulls(nulls: Table) -> None:
    assert as_tuples(arro3.core.Table.from_arrow(nulls))[1] == (None,) * 5
    assert list(nanoarrow.ArrayStream(nulls).iter_tuples())[1] == (None,) * 5
