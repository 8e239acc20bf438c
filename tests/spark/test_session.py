"""One session for all windows of a worker."""

import pytest

from conftest import REPORT, sessions, until
from insightframe.errors import UnexpectedReply
from insightframe.spark import FlexInsights, session

DAYS = {"report": REPORT, "start": "2023-12-01", "end": "2023-12-03"}


@pytest.fixture
def reader(quiet, sandbox):
    source = FlexInsights(DAYS)
    reader = source.reader(source.schema())
    sandbox.clear_ledger()
    return reader


def logins(sandbox) -> int:
    return sum(entry.path.endswith("/account/login") for entry in sandbox.ledger)


def test_windows_share_a_session_that_ends_when_none_has_come_for_a_while(reader, sandbox, monkeypatch):
    monkeypatch.setenv("SPARK_REUSE_WORKER", "1")
    monkeypatch.setattr(session, "_IDLE", 0.3)
    for partition in reader.partitions():
        assert sum(batch.num_rows for batch in reader.read(partition)) == 20
    assert (logins(sandbox), sessions(sandbox)) == (1, 1)
    until(lambda: sessions(sandbox) == 0, "it has logged out")
    list(reader.read(reader.partitions()[0]))
    assert logins(sandbox) == 2
    until(lambda: sessions(sandbox) == 0, "it has logged out")


def test_a_worker_that_is_not_kept_logs_out_after_its_window(reader, sandbox, monkeypatch):
    monkeypatch.delenv("SPARK_REUSE_WORKER", raising=False)
    list(reader.read(reader.partitions()[0]))
    assert (logins(sandbox), sessions(sandbox)) == (1, 0)


def test_a_worker_that_fails_logs_out_at_once(reader, sandbox, monkeypatch):
    monkeypatch.setenv("SPARK_REUSE_WORKER", "1")
    sandbox.fault("html", path="*/execute/raw/*", method="GET", times=None)
    with pytest.raises(UnexpectedReply, match="expected `text/csv`"):
        list(reader.read(reader.partitions()[0]))
    assert (logins(sandbox), sessions(sandbox)) == (1, 0)


def test_a_reader_that_stops_in_the_middle_lets_the_session_go(reader, sandbox, monkeypatch):
    monkeypatch.setenv("SPARK_REUSE_WORKER", "1")
    monkeypatch.setattr(session, "_IDLE", 0.1)
    reading = reader.read(reader.partitions()[0])
    next(reading)
    reading.close()
    until(lambda: sessions(sandbox) == 0, "it has logged out")
