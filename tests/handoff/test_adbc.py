"""Databases by ADBC: SQLite, and a PostgreSQL server that the test starts."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pytest

from insightframe import Stream, Table
from insightframe.errors import ResultIncomplete

TOTAL = 'select count(*), sum("Offered Contacts"), count("Service Level"), min("Queue") from report'


def total(rows: list[tuple[object, ...]]) -> tuple[object, ...]:
    return len(rows), sum(row[5] for row in rows), sum(row[8] is not None for row in rows), min(row[0] for row in rows)


def test_sqlite(table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    with adbc_driver_sqlite.dbapi.connect() as connection, connection.cursor() as cursor:
        assert cursor.adbc_ingest("report", table, mode="create") == 6000
        cursor.execute(TOTAL)
        assert cursor.fetchone() == total(rows)
        cursor.execute('select distinct typeof("Queue"), typeof("Date"), typeof("Abandons"), max("Date") from report')
        assert cursor.fetchall() == [("text", "text", "integer", "2023-12-03")]
        assert cursor.adbc_ingest("report", stream, mode="append") == 6000
        cursor.execute("select count(*) from report")
        assert cursor.fetchone() == (12_000,)


def programs() -> Path | None:
    """Where the newest PostgreSQL server is, as Debian has it, or else on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server of the test's own, reached by a socket in a folder of its own; it is no one's who is root."""
    bin_folder = programs()
    if bin_folder is None:
        told = "there is no PostgreSQL server: apt-get install postgresql"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    # A socket's path may have 107 bytes only, which pytest's own folders exceed.
    folder = Path(tempfile.mkdtemp(prefix="insightframe-pg-"))
    user = {}
    if os.geteuid() == 0:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *words: str) -> None:
        subprocess.run([bin_folder / program, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)

    data = str(folder / "data")
    run("initdb", "--pgdata", data, "--username", "insights", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "--pgdata", data, "--options", options, "--log", str(folder / "log"), "--wait", "start")
    try:
        yield f"postgresql:///postgres?host={folder}&user=insights"
    finally:
        run("pg_ctl", "--pgdata", data, "--mode", "immediate", "--wait", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql(postgres: str, table: Table, stream: Stream, rows: list[tuple[object, ...]]) -> None:
    with adbc_driver_postgresql.dbapi.connect(postgres) as connection, connection.cursor() as cursor:
        assert cursor.adbc_ingest("report", table, mode="create") == 6000
        cursor.execute(TOTAL)
        count, offered, measured, queue = cursor.fetchone()
        assert (count, int(offered), measured, queue) == total(rows)
        cursor.execute(
            "select column_name, data_type from information_schema.columns where table_name = 'report' order by ordinal_position"
        )
        types = dict(cursor.fetchall())
        assert (types["Queue"], types["Date"], types["Abandons"], types["Service Level"]) == (
            "text",
            "date",
            "bigint",
            "double precision",
        )
        assert cursor.adbc_ingest("report", stream, mode="append") == 6000
        cursor.execute("select count(*) from report where \"Date\" = '2023-12-02'")
        assert cursor.fetchone() == (4000,)
        connection.commit()


def test_postgresql_has_nulls_and_large_numbers(postgres: str, nulls: Table) -> None:
    with adbc_driver_postgresql.dbapi.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("nulls", nulls, mode="replace")
        cursor.execute('select * from nulls order by "Queue" nulls last')
        assert cursor.fetchall()[2] == (None,) * 5
        cursor.execute('select max("Conversations"), max(length("Note")) from nulls')
        assert cursor.fetchone() == (9007199254740993, 48)


def test_postgresql_keeps_nothing_of_what_breaks_off(postgres: str, breaking: Stream) -> None:
    with adbc_driver_postgresql.dbapi.connect(postgres) as connection, connection.cursor() as cursor:
        with pytest.raises(adbc_driver_postgresql.dbapi.Error, match="ResultIncomplete: the result broke off after"):
            cursor.adbc_ingest("broken", breaking, mode="create")
        assert isinstance(breaking.error, ResultIncomplete)
        connection.rollback()
        cursor.execute("select count(*) from information_schema.tables where table_name = 'broken'")
        assert cursor.fetchone() == (0,)
