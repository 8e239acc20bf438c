"""One report from one sandbox for all of the matrix, and what is in it by another way than ours."""

import csv
import datetime
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from insightframe import InsightsClient, Retry, Stream, Table, decode_csv
from insightframe.sandbox import Sandbox

REPORT = "3035643"
DAYS = {"start": "2023-12-01", "end": "2023-12-03"}

# A null in every type, text that fits into a view and text that doesn't, and what isn't ASCII.
NULLS = (
    '"Queue","Note","Date","Conversations","Talk Time"\r\n'
    '"Sales","short","2023-12-01","7","1.5"\r\n'
    '"","","","",""\r\n'
    '"Kündigungen","a note that is too long to be held within a view","2023-12-31","9007199254740993","-0.25"\r\n'
).encode()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("FLEX_", "FLOWXO_", "INSIGHTFRAME_", "TWILIO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows_per_day=2000, raw_202_count=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def client(sandbox: Sandbox) -> Iterator[InsightsClient]:
    with sandbox.insights_client() as client:
        yield client


@pytest.fixture(scope="session")
def table(client: InsightsClient) -> Table:
    """Three days of 2,000 rows."""
    return client.export(REPORT, **DAYS)


@pytest.fixture
def stream(client: InsightsClient) -> Stream:
    """The same rows while they arrive."""
    return client.stream(REPORT, **DAYS)


@pytest.fixture(scope="session")
def rows(client: InsightsClient, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """The same rows by Python's own reader, from the service's own bytes."""
    path = tmp_path_factory.mktemp("raw") / "report.csv"
    client.download(REPORT, path, **DAYS)
    _, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    day = lambda cell: datetime.datetime.strptime(cell, "%m/%d/%Y").date()  # noqa: E731
    kinds = (str, day, str, str, str, int, float, int, float, float, int)
    typed = [tuple(kind(cell) if cell else None for kind, cell in zip(kinds, row, strict=True)) for row in rows]
    assert len(typed) == 6000
    assert any(None in row for row in typed)
    return typed


@pytest.fixture(scope="session")
def nulls() -> Table:
    return decode_csv(NULLS, schema={"Date": "date[yyyy-mm-dd]", "Conversations": "int64", "Talk Time": "float64"})


@pytest.fixture(scope="session")
def breaking_sandbox() -> Iterator[Sandbox]:
    """Its results are larger than one batch, and break off in a later one."""
    with Sandbox(rows=140_000, raw_202_count=0) as sandbox:
        sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=10_000_000)
        yield sandbox


@pytest.fixture(scope="session")
def breaking_client(breaking_sandbox: Sandbox) -> Iterator[InsightsClient]:
    with breaking_sandbox.insights_client(retry=Retry(attempts=1)) as client:
        yield client


@pytest.fixture
def breaking(breaking_client: InsightsClient) -> Stream:
    """A stream that breaks off after its first rows."""
    return breaking_client.stream(REPORT)
