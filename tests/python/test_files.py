"""Files: what is written reads back equal, and what fails leaves nothing."""

import errno
import json
import urllib.request
from pathlib import Path

import polars as pl
import pyarrow.parquet
import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Stream, Table, decode_csv
from insightframe.errors import ConfigError, ResultIncomplete
from insightframe.sandbox import Sandbox
from ledger import looks

REPORT = "3035653"
KINDS = ["parquet", "csv", "ipc"]
pytestmark = pytest.mark.insights_sandbox(rows=300, raw_202_count=0)


def write(source: Table | Stream, kind: str, path: Path) -> int:
    return {"parquet": source.write_parquet, "csv": source.write_csv, "ipc": source.write_ipc}[kind](path)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_reads_back_equal(
    insights_client: InsightsClient, tmp_path: Path, kind: str, streamed: bool
) -> None:
    table = insights_client.export(REPORT)
    path = tmp_path / f"report.{kind}"
    size = write(insights_client.stream(REPORT) if streamed else table, kind, path)
    assert size == path.stat().st_size > 0
    match kind:
        case "parquet":
            found = pl.read_parquet(path)
            assert pyarrow.parquet.read_table(path).num_rows == 300
        case "ipc":
            found = pl.read_ipc(path)
        case _:
            # The file has no types: they are those of the table.
            given = {name: "date[yyyy-mm-dd]" if kind == "date32" else kind for name, kind in table.schema.items()}
            found = decode_csv(path, schema=given).to_polars()
    assert found.equals(table.to_polars())
    assert list(tmp_path.iterdir()) == [path]


def fetch(request: urllib.request.Request) -> tuple[bytes, str | None]:
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers["X-GDC-AuthTT"]


def test_a_download_is_the_service_s_file_byte_for_byte(
    insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "report.csv"
    receipt = insights_client.download(REPORT, path)
    (look,) = looks(insights_sandbox)
    # The same result once more, with nothing of ours in between.
    user = {"login": insights_sandbox.username, "password": insights_sandbox.password, "verify_level": 2}
    body, json_type = json.dumps({"postUserLogin": user}).encode(), {"Content-Type": "application/json"}
    login = urllib.request.Request(f"{insights_sandbox.url}/gdc/account/login", body, json_type)
    token = fetch(login)[1]
    address = f"{insights_sandbox.url}{look.path}?{look.query}"
    original = fetch(urllib.request.Request(address, headers={"X-GDC-AuthTT": str(token)}))[0]
    assert path.read_bytes() == original
    assert (receipt.bytes, receipt.rows) == (len(original), 0)
    assert decode_csv(path).num_rows == 300


def test_a_file_that_is_there_is_replaced(insights_client: InsightsClient, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    insights_client.download(REPORT, path)
    assert decode_csv(path).num_rows == 300


def test_a_download_that_fails_leaves_what_was_there(
    insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path
) -> None:
    insights_sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=10_000)
    (tmp_path / "old.csv").write_text("old")
    for name in ("old.csv", "new.csv"):
        with pytest.raises(ResultIncomplete):
            insights_client.download(REPORT, tmp_path / name)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.csv", "old")]


def test_a_place_that_can_not_be_written_to_is_refused_before_anything_is_sent(
    insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        insights_client.download(REPORT, tmp_path / "nowhere" / "report.csv")
    assert missing.value.errno == errno.ENOENT
    assert str(tmp_path) in str(missing.value.filename)
    with pytest.raises(OSError, match="directory"):
        insights_client.download(REPORT, tmp_path)
    with pytest.raises(ConfigError) as url:
        insights_client.download(REPORT, "s3://bucket/report.csv")
    assert str(url.value) == snapshot("""\
`s3://` can't be written to: only local files can
hint: write to a local file and copy it\
""")
    assert insights_sandbox.ledger == []


def test_a_stream_survives_a_path_that_can_not_be_written_to(insights_client: InsightsClient, tmp_path: Path) -> None:
    stream = insights_client.stream(REPORT)
    with pytest.raises(FileNotFoundError):
        stream.write_parquet(tmp_path / "nowhere" / "report.parquet")
    assert stream.write_parquet(tmp_path / "report.parquet") > 0
