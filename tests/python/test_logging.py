"""What is logged goes to Python's logger `insightframe`, at the levels that Python was told."""

import logging

import pytest

from insightframe import decode_csv
from insightframe.sandbox import Sandbox

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=20, raw_202_count=0)


def test_records_have_our_names(insights_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    with insights_sandbox.insights_client() as client:
        client.export(REPORT)
    names = {record.name for record in caplog.records if record.name != "asyncio"}
    assert names
    assert all(name == "insightframe" or name.startswith("insightframe.") for name in names)
    assert {"INFO", "DEBUG"} <= {record.levelname for record in caplog.records}
    assert "logged out" in caplog.text


def test_a_level_is_heard_also_when_it_comes_late(insights_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("insightframe")
    with insights_sandbox.insights_client() as client:
        for level, heard in ((logging.WARNING, False), (logging.DEBUG, True), (logging.WARNING, False)):
            caplog.clear()
            caplog.set_level(level, logger.name)
            client.export(REPORT)
            assert bool(caplog.records) is heard


def test_warnings_are_heard_without_being_asked_for(
    insights_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    insights_sandbox.fault("reset", path="*/execute/raw/*", method="GET", after=1000)
    with insights_sandbox.insights_client() as client:
        receipt = client.export(REPORT).receipt
    assert receipt is not None
    assert receipt.warnings == ["the download broke after 1000 bytes and was begun anew"]
    assert receipt.warnings[0] in caplog.text
    assert receipt.retries == 1


def test_the_decoder_warns_too(insights_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    assert insights_sandbox.ledger == []
    table = decode_csv(b"a,a\n1,2\n")
    assert table.column_names == ["a", "a_2"]
    assert "is called `a_2`" in caplog.text
