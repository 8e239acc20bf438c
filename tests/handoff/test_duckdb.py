"""DuckDB: by the name of a variable, more than once in one query, and into a table of its own."""

import datetime

import duckdb
import pytest

from insightframe import Stream, Table


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def test_a_variable_is_a_table(connection, table: Table, rows: list[tuple[object, ...]]) -> None:
    report = table
    assert connection.sql("from report").fetchall() == rows
    assert report is table


def test_columns_and_rows_can_be_chosen(connection, table: Table, rows: list[tuple[object, ...]]) -> None:
    report = table
    query = """from report select "Queue", sum("Offered Contacts") where "Date" = '2023-12-02' group by 1 order by 1"""
    expected: dict[object, int] = {}
    for row in rows:
        if row[1] == datetime.date(2023, 12, 2):
            expected[row[0]] = expected.get(row[0], 0) + row[5]
    assert connection.sql(query).fetchall() == sorted(expected.items())
    assert report is table


def test_a_table_joins_itself(connection, table: Table, rows: list[tuple[object, ...]]) -> None:
    """It is read twice, at the same time; what can be read only once would have no rows the second time."""
    report = table
    query = 'select count(*) from report a join report b using ("Queue", "Date", "Interval 15 Minutes", "Channel", "Direction")'
    assert len({row[:5] for row in rows}) == 6000
    assert connection.sql(query).fetchall() == [(6000,)]
    assert report is table


def test_a_table_of_its_own(connection, table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    report, arriving = table, stream
    connection.execute("create table kept as from report")
    connection.execute("create table streamed as from arriving")
    for name in ("kept", "streamed"):
        assert connection.sql(f"from {name}").fetchall() == rows
        types = dict(connection.sql(f"select column_name, column_type from (describe {name})").fetchall())
        assert (types["Queue"], types["Date"], types["Offered Contacts"], types["Service Level"]) == (
            "VARCHAR",
            "DATE",
            "BIGINT",
            "DOUBLE",
        )
    assert report is table
    assert arriving is stream


def test_a_registered_table(connection, table: Table) -> None:
    connection.register("report", table)
    assert connection.sql("select count(*) from report").fetchall() == [(6000,)]
    assert connection.sql("select count(*) from report").fetchall() == [(6000,)]


def test_nulls_are_nulls(connection, nulls: Table) -> None:
    report = nulls
    assert connection.sql("from report").fetchall()[1] == (None,) * 5
    assert connection.sql('select max("Conversations") from report').fetchall() == [(9007199254740993,)]
    assert report is nulls


def test_a_stream_is_read_once(connection, stream: Stream) -> None:
    arriving = stream
    assert connection.sql("from arriving select count(*)").fetchall() == [(6000,)]
    with pytest.raises(Exception, match="the stream has been"):
        connection.sql("from arriving select count(*)").fetchall()
    assert arriving is stream
