"""Datasets, as their readers find them."""

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset
import pytest
from inline_snapshot import snapshot

from conftest import Child
from insightframe import InsightsClient, Receipt
from insightframe.errors import ConfigError, InsightframeError, SchemaMismatch
from insightframe.sandbox import Sandbox
from ledger import looks

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows_per_day=20, data_end="2023-01-31", raw_202_count=0)


def export(client: InsightsClient, root: Path, first: str = "2023-01-29", last: str = "2023-02-01") -> Receipt:
    return client.export_dataset(REPORT, root, start=first, end=last)


@pytest.fixture
def root(insights_client: InsightsClient, tmp_path: Path) -> Path:
    """Four days, of which the last one has no rows."""
    root = tmp_path / "calls"
    receipt = export(insights_client, root)
    assert (receipt.rows, len(receipt.windows), receipt.skipped) == (60, 4, [])
    return root


def truth(client: InsightsClient) -> pl.DataFrame:
    return client.export(REPORT, start="2023-01-29", end="2023-02-01").to_polars()


def test_polars_reads_it(insights_client: InsightsClient, root: Path) -> None:
    expected = truth(insights_client)
    found = pl.scan_parquet(f"{root}/**/*.parquet", hive_partitioning=True).collect()
    assert found.schema["window_start"] == pl.Date
    assert found.drop("window_start").equals(expected)
    assert (found["window_start"] == found["Date"]).all()
    one = pl.scan_parquet(f"{root}/**/*.parquet", hive_partitioning=True).filter(window_start=pl.date(2023, 1, 30))
    assert one.collect().height == 20
    # A directory is read with all that is in it; polars says what to do.
    with pytest.raises(pl.exceptions.InvalidOperationError, match="glob"):
        pl.scan_parquet(root).collect()


def test_pyarrow_reads_it(insights_client: InsightsClient, root: Path) -> None:
    dataset = pyarrow.dataset.dataset(root, partitioning="hive")
    assert len(dataset.files) == 4
    found = dataset.to_table()
    assert str(found.schema.field("Queue").type) == "string"
    assert found.schema.field("window_start").type == pyarrow.string()
    assert pl.DataFrame(found.drop_columns("window_start")).equals(truth(insights_client))


def test_duckdb_reads_it(insights_client: InsightsClient, root: Path) -> None:
    sql = f"from read_parquet('{root}/**/*.parquet', hive_partitioning = true) order by filename, file_row_number"
    found = duckdb.sql(sql.replace("true)", "true, filename = true, file_row_number = true)")).pl()
    assert found.schema["window_start"] == pl.Date
    assert found.drop("window_start", "filename", "file_row_number").equals(truth(insights_client))


@pytest.mark.parametrize("kind", ["ipc", "csv"])
def test_other_kinds_of_files_are_read_too(insights_client: InsightsClient, tmp_path: Path, kind: str) -> None:
    insights_client.export_dataset(REPORT, tmp_path, start="2023-01-29", end="2023-02-01", format=kind)  # type: ignore[arg-type]
    expected = truth(insights_client)
    if kind == "ipc":
        found = pl.scan_ipc(f"{tmp_path}/**/*.arrow", hive_partitioning=True).collect()
        assert found.schema["window_start"] == pl.Date
    else:
        # The files have no types: they are those of the report.
        found = pl.scan_csv(f"{tmp_path}/**/*.csv", schema=expected.schema).collect()
    assert found.select(expected.columns).equals(expected)


def test_the_manifest_says_what_is_there(root: Path, insights_sandbox: Sandbox) -> None:
    manifest = json.loads((root / "_insightframe" / "manifest.json").read_text())
    assert manifest["report"] == f"/gdc/md/{insights_sandbox.workspace}/obj/{REPORT}"
    assert (manifest["version"], manifest["where"], manifest["format"]) == (1, None, "parquet")
    assert [column["name"] for column in manifest["columns"]][:2] == ["Queue", "Date"]
    assert [window["rows"] for window in manifest["windows"]] == [20, 20, 20, 0]
    for window in manifest["windows"]:
        content = (root / window["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (window["bytes"], window["sha256"])
    assert manifest["unsettled"] == []


def test_it_goes_on_where_it_ended(insights_client: InsightsClient, insights_sandbox: Sandbox, root: Path) -> None:
    before = {path: path.stat().st_ino for path in root.glob("*/part-0.parquet")}
    insights_sandbox.clear_ledger()
    again = export(insights_client, root)
    assert (again.windows, len(again.skipped), again.rows) == ([], 4, 0)
    assert insights_sandbox.ledger == []
    later = export(insights_client, root, "2023-01-28")
    assert later.windows == [("2023-01-28", "2023-01-28")]
    restated = insights_client.export_dataset(REPORT, root, start="2023-01-28", end="2023-02-01", restate=2)
    assert [start for start, _ in restated.windows] == ["2023-01-31", "2023-02-01"]
    assert len(looks(insights_sandbox)) == 3
    # The ones that were restated are other files now, the rest is untouched.
    same = {path.parent.name for path, inode in before.items() if path.stat().st_ino == inode}
    assert same == {"window_start=2023-01-29", "window_start=2023-01-30"}
    assert "skipped   3, 2023-01-28 to 2023-01-30, done before" in str(restated)
    assert restated.to_dict()["skipped"][0] == ("2023-01-28", "2023-01-28")


def test_filters_are_part_of_what_a_dataset_is(insights_client: InsightsClient, tmp_path: Path) -> None:
    label = "label.conversations.queue"
    days = {"start": "2023-01-30", "end": "2023-01-31"}
    insights_client.export_dataset(REPORT, tmp_path, **days, where={label: ["Billing", "Callback"]})  # type: ignore[arg-type]
    rows = pl.read_parquet(f"{tmp_path}/**/*.parquet")
    assert set(rows["Queue"]) == {"Billing", "Callback"}
    # Titles are a set.
    again = insights_client.export_dataset(REPORT, tmp_path, **days, where={label: ["Callback", "Billing"]})  # type: ignore[arg-type]
    assert len(again.skipped) == 2
    with pytest.raises(ConfigError, match="its filter is"):
        insights_client.export_dataset(REPORT, tmp_path, **days)  # type: ignore[arg-type]


@pytest.mark.insights_sandbox(rows_per_day=20, data_end="2023-01-31", raw_202_count=0, oversize_export=400)
def test_a_window_that_is_too_large_is_fetched_in_halves(
    insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path
) -> None:
    days = {"start": "2023-01-01", "end": "2023-01-31"}
    months = insights_client.export_dataset(REPORT, tmp_path / "months", **days, every="1mo")  # type: ignore[arg-type]
    assert months.windows == [("2023-01-01", "2023-01-31")]
    assert "halved" in months.warnings[0]
    assert [path.parent.name for path in (tmp_path / "months").glob("*/part-0.parquet")] == ["window_start=2023-01-01"]
    insights_client.export_dataset(REPORT, tmp_path / "days", **days)  # type: ignore[arg-type]
    by_month, by_day = (pl.read_parquet(f"{tmp_path}/{name}/**/*.parquet") for name in ("months", "days"))
    assert by_month.height == 620
    assert by_month.equals(by_day)


def test_a_window_that_fails_is_named_and_the_next_call_goes_on(
    insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path
) -> None:
    days = {"start": "2023-01-01", "end": "2023-01-08"}
    insights_sandbox.fault("status", status=403, path="*/execute/raw/*", method="GET", skip=3, times=1)
    with pytest.raises(InsightframeError, match=r"in the window 2023-01-\d\d\.\.2023-01-\d\d: "):
        insights_client.export_dataset(REPORT, tmp_path, **days)  # type: ignore[arg-type]
    done = len(list(tmp_path.glob("*/part-0.parquet")))
    assert 3 <= done < 8
    receipt = insights_client.export_dataset(REPORT, tmp_path, **days)  # type: ignore[arg-type]
    assert (len(receipt.skipped), len(receipt.windows)) == (done, 8 - done)


def test_one_export_at_a_time_writes_to_a_dataset(insights_client: InsightsClient, child: Child, root: Path) -> None:
    holder = child(
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); "
        "sys.stdin.read(); import time; time.sleep(60)",
        str(root / "_insightframe" / "lock"),
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BlockingIOError, match="another export is writing to this dataset"):
        export(insights_client, root)
    holder.kill()
    holder.wait()
    assert len(export(insights_client, root).skipped) == 4


def test_drift_names_the_column_and_widening_bears_it(
    insights_client: InsightsClient, root: Path, tmp_path: Path
) -> None:
    # What a changed report would be: a column that is of another type than it was.
    schema = {"Offered Contacts": "float64"}
    with pytest.raises(SchemaMismatch) as drift:
        insights_client.export_dataset(REPORT, root, start="2023-01-27", end="2023-01-28", schema=schema)
    assert drift.value.column == "Offered Contacts"
    assert str(drift.value) == snapshot("""\
in the window 2023-01-27..2023-01-27: column `Offered Contacts`: expected int64, as in the windows before, found float64
hint: name its type in `schema`, from the beginning of a dataset on\
""")
    assert export(insights_client, root).skipped


def test_what_can_not_be_is_said_before_anything_is_sent(
    insights_client: InsightsClient, insights_sandbox: Sandbox, root: Path, tmp_path: Path
) -> None:
    insights_sandbox.clear_ledger()

    def refused(place: str | Path = tmp_path / "new", report: str = REPORT, **other: object) -> str:
        days = {"start": "2023-01-29", "end": "2023-02-01"}
        with pytest.raises(ConfigError) as error:
            insights_client.export_dataset(report, place, **(days | other))  # type: ignore[arg-type]
        return str(error.value).replace(str(tmp_path), "…").replace(insights_sandbox.workspace, "w")

    assert refused(root, report="3035653") == snapshot("""\
`…/calls` holds another dataset: its report is `/gdc/md/w/obj/3035643`, not `/gdc/md/w/obj/3035653`
hint: a dataset is one report under one filter; give the other one a place of its own\
""")
    assert refused(root, every="1mo", start="2023-01-01") == snapshot("""\
the window 2023-01-01..2023-01-31 cuts through 2023-01-29..2023-01-29, which `…/calls` has: some days would be there twice
hint: go on with the `every` that the dataset was begun with, or give the other one a place of its own\
""")
    assert refused(root, date="closed.date.yyyymmdd") == snapshot("""\
`…/calls` holds another dataset: its date label is `date.date.mmddyyyy`, not `closed.date.yyyymmdd`
hint: a dataset is one report under one filter; give the other one a place of its own\
""")
    assert refused(root, format="csv") == snapshot("""\
`…/calls` holds another dataset: its format is `parquet`, not `csv`
hint: a dataset is one report under one filter; give the other one a place of its own\
""")
    assert refused(format="xlsx") == snapshot("""\
`format` is `xlsx`, which is no kind of file
hint: it is "parquet", "ipc" or "csv"\
""")
    assert refused(every="2d") == snapshot("""\
`every` is `2d`, which is no length of a window
hint: `1d` is a day each, `1w` weeks from Monday, `1mo` calendar months\
""")
    assert refused(restate=-1) == snapshot("""\
`restate` is -1, which is no number of windows
hint: it says how many of the newest windows are fetched although they are done\
""")
    assert refused(start="2023-03-01") == snapshot("""\
`start` 2023-03-01 is after `end` 2023-02-01
hint: both days are included\
""")
    assert refused("ftp://host/calls") == snapshot("""\
`ftp://` can't be written to
hint: a path of this machine can, and urls that begin with s3://, gs://, az://, abfss:// or file://\
""")
    assert refused(Path("s3://bucket/calls")) == snapshot("""\
`s3:/bucket/calls` was a url before it became a path
hint: give it as a string: a `pathlib.Path` merges its slashes\
""")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.txt").touch()
    assert refused(tmp_path / "theirs") == snapshot("""\
`…/theirs` is no dataset of ours, and it is not empty: it has `notes.txt`
hint: give a dataset a place of its own\
""")
    with pytest.raises(TypeError, match="start"):
        insights_client.export_dataset(REPORT, root, end="2023-02-01")  # type: ignore[call-arg]
    with pytest.raises(NotADirectoryError):
        export(insights_client, tmp_path / "theirs" / "notes.txt")
    assert insights_sandbox.ledger == []
    assert not (tmp_path / "new").exists()


def test_there_is_a_coroutine_of_it(insights_client: InsightsClient, tmp_path: Path) -> None:
    receipt = asyncio.run(insights_client.export_dataset_async(REPORT, tmp_path, start="2023-01-31", end="2023-02-01"))
    assert receipt.rows == 20


def test_the_example_does_what_it_says() -> None:
    example = Path(__file__).parents[2] / "examples" / "daily_dataset.py"
    result = subprocess.run([sys.executable, example], check=True, capture_output=True, encoding="utf-8")
    assert result.stdout == snapshot("""\
2023-12-09: 9 days fetched, 0 skipped
2023-12-10: 3 days fetched, 7 skipped
shape: (3, 3)
┌──────────────┬──────┬──────────────────┐
│ window_start ┆ rows ┆ Offered Contacts │
│ ---          ┆ ---  ┆ ---              │
│ date         ┆ u32  ┆ i64              │
╞══════════════╪══════╪══════════════════╡
│ 2023-12-08   ┆ 3360 ┆ 18040            │
│ 2023-12-09   ┆ 3360 ┆ 18436            │
│ 2023-12-10   ┆ 3360 ┆ 18110            │
└──────────────┴──────┴──────────────────┘
""")
