"""Object stores: S3 by a server of moto's, over real HTTP on loopback."""

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Table, decode_csv
from insightframe.errors import ConfigError, ResultIncomplete
from insightframe.sandbox import Sandbox

KEY, SECRET = "AKIAIOSFODNN7CANARY1", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYCANARY"
pytestmark = pytest.mark.insights_sandbox(rows_per_day=20, data_end="2023-01-31", raw_202_count=0)


SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server in a process of its own, like a service: its address, and the file that it logs requests to."""
    log = tmp_path_factory.mktemp("moto") / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as server,
    ):
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}", log
        server.kill()


@dataclass
class Bucket:
    """A bucket, and how it is reached."""

    name: str
    options: dict[str, str]
    client: Any
    log: Path

    def requests(self) -> list[str]:
        """Method and path of everything that it was asked."""
        found = re.findall(rf"([A-Z]+) /{self.name}(\S*) HTTP", self.log.read_text())
        return [f"{method} {path}" for method, path in found]

    def keys(self) -> dict[str, int]:
        return {
            found["Key"]: found["Size"] for found in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        }

    def uploads(self) -> int:
        return len(self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []))

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}"


@pytest.fixture
def bucket(moto: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    address, log = moto
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    name = f"bucket-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    options = {
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
        "aws_region": "us-east-1",
        "aws_endpoint_url": address,
        "allow_http": "true",
    }
    return Bucket(name, options, client, log)


def noise(rows: int) -> Table:
    """Numbers that don't compress."""
    return decode_csv(b"n\n" + b"\n".join(b"%d" % (hash((n, "x")) % 10**17 + 10**17) for n in range(rows)) + b"\n")


@pytest.mark.parametrize("rows", [1000, 2_000_000])
def test_a_table_is_written_whole(bucket: Bucket, rows: int) -> None:
    table = noise(rows)
    for kind, write in {"parquet": table.write_parquet, "csv": table.write_csv, "arrow": table.write_ipc}.items():
        size = write(bucket.url(f"a dir/table.{kind}"), storage_options=bucket.options)
        assert bucket.keys()[f"a dir/table.{kind}"] == size
    body = bucket.client.get_object(Bucket=bucket.name, Key="a dir/table.csv")["Body"].read()
    assert decode_csv(body).to_polars().equals(table.to_polars())
    assert bucket.uploads() == 0


def test_credentials_come_from_the_environment(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bucket.options.items():
        monkeypatch.setenv(name.upper() if name.startswith("aws") else f"AWS_{name.upper()}", value)
    assert noise(3).write_csv(bucket.url("table.csv")) == bucket.keys()["table.csv"]


def test_a_stream_is_written_while_it_arrives(bucket: Bucket, insights_client: InsightsClient) -> None:
    stream = insights_client.stream("3035643", start="2023-01-01", end="2023-01-31")
    size = stream.write_parquet(bucket.url("calls.parquet"), storage_options=bucket.options)
    assert bucket.keys() == {"calls.parquet": size}


def test_a_dataset_lives_in_a_bucket(
    bucket: Bucket, insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    def export(**more: Any) -> Any:
        return insights_client.export_dataset(
            "3035643", bucket.url("calls"), start="2023-01-29", end="2023-02-01", storage_options=bucket.options, **more
        )

    receipt = export()
    assert (receipt.rows, len(receipt.windows)) == (60, 4)
    partitions = [f"calls/window_start=2023-{day}/part-0.parquet" for day in ("01-29", "01-30", "01-31", "02-01")]
    assert sorted(bucket.keys()) == ["calls/_insightframe/manifest.json", *partitions]
    insights_sandbox.clear_ledger()
    assert len(export().skipped) == 4
    assert insights_sandbox.ledger == []
    assert len(export(restate=1).windows) == 1
    bucket.client.delete_object(Bucket=bucket.name, Key=partitions[1])
    again = export()
    assert again.windows == [("2023-01-30", "2023-01-30")]
    assert "is gone" in again.warnings[0]
    read = {name: value for name, value in bucket.options.items() if name != "allow_http"} | {"aws_allow_http": "true"}
    found = pl.read_parquet(bucket.url("calls/**/*.parquet"), hive_partitioning=True, storage_options=read)
    truth = insights_client.export("3035643", start="2023-01-29", end="2023-02-01").to_polars()
    assert found.drop("window_start").equals(truth)
    assert (found["window_start"] == found["Date"]).all()


def test_a_second_writer_of_a_dataset_in_a_bucket_is_noticed(bucket: Bucket, insights_client: InsightsClient) -> None:
    def overwrite(_: object) -> None:
        if not state:
            # As soon as the first window is under way, somebody else writes to the manifest.
            state.append(
                bucket.client.put_object(Bucket=bucket.name, Key="calls/_insightframe/manifest.json", Body=b"{}")
            )

    state: list[object] = []
    with pytest.raises(BlockingIOError, match="another process has written to this dataset meanwhile"):
        insights_client.export_dataset(
            "3035643",
            bucket.url("calls"),
            start="2023-01-29",
            end="2023-02-01",
            storage_options=bucket.options,
            progress=overwrite,
        )
    assert set(bucket.keys()) == {"calls/_insightframe/manifest.json"}


@pytest.mark.insights_sandbox(rows_per_day=2000, data_start="2023-01-01", data_end="2023-01-31", raw_202_count=0)
def test_a_broken_upload_is_forgotten(
    bucket: Bucket, insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    insights_sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=24_000_000)
    bucket.client.put_object(Bucket=bucket.name, Key="calls.csv", Body=b"old")
    stream = insights_client.stream("3035653", schema="text")
    with pytest.raises(ResultIncomplete):
        stream.write_csv(bucket.url("calls.csv"), storage_options=bucket.options)
    # It was on its way, and is no more: that was waited for, since a script may end right here.
    sent = [re.sub("uploadId=.*", "uploadId=…", request) for request in bucket.requests() if "?" in request]
    parts = [f"PUT /calls.csv?partNumber={number}&uploadId=…" for number in range(1, len(sent) - 1)]
    assert parts
    assert [sent[0], *sorted(sent[1:-1]), sent[-1]] == [
        "POST /calls.csv?uploads=",
        *parts,
        "DELETE /calls.csv?uploadId=…",
    ]
    assert bucket.uploads() == 0
    assert bucket.keys() == {"calls.csv": 3}


def test_what_a_store_refuses_is_an_os_error_without_secrets(bucket: Bucket, tmp_path: Path) -> None:
    table = noise(3)
    with pytest.raises(FileNotFoundError) as missing:
        table.write_csv("s3://no-such-bucket/table.csv", storage_options=bucket.options)
    assert str(missing.value) == snapshot(
        "[Errno 2] the store answered 404 Not Found: NoSuchBucket: The specified bucket does not exist: 's3://no-such-bucket/table.csv'"
    )
    with pytest.raises(OSError, match="table") as plain:
        table.write_csv(bucket.url("table.csv"), storage_options=bucket.options | {"allow_http": "false"})
    assert str(plain.value).replace(bucket.name, "…") == snapshot("""\
`s3://…/table.csv`: URL scheme is not allowed
hint: plain http needs `storage_options={"allow_http": "true"}`\
""")
    closed = bucket.options | {"aws_endpoint_url": "http://127.0.0.1:9"}
    with pytest.raises(OSError, match="table") as refused:
        table.write_csv(bucket.url("table.csv"), storage_options=closed)
    assert re.sub(r" \(os error \d+\)", "", str(refused.value)).replace(bucket.name, "…") == snapshot(
        "`s3://…/table.csv`: Connection refused"
    )
    with pytest.raises(ConfigError) as unknown:
        table.write_csv(bucket.url("table.csv"), storage_options=bucket.options | {"aws_secret": SECRET})
    assert str(unknown.value) == snapshot("""\
`storage_options`: `aws_secret` means nothing to `s3://`
hint: the names are those of the `object_store` crate, as in polars and delta-rs\
""")
    with pytest.raises(TypeError) as wrong:
        table.write_csv(bucket.url("table.csv"), storage_options={"aws_secret_access_key": SECRET.encode()})  # type: ignore[dict-item]
    assert str(wrong.value) == snapshot(
        '`storage_options` must be a dict of strings, such as {"aws_region": "eu-west-1"}'
    )
    for error in (missing, plain, refused, unknown, wrong):
        assert SECRET not in repr(error.value)
        assert KEY not in repr(error.value)
