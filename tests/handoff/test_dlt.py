"""dlt: the source, into DuckDB, and a stream through a reader."""

import datetime
from pathlib import Path

import dlt
import duckdb
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from insightframe import InsightsClient, Retry, Stream
from insightframe.dlt import flex_insights
from insightframe.errors import ConfigError, ServerFault
from insightframe.sandbox import Sandbox

REPORT = "3035643"
BILLING = {"label.conversations.queue": ["Billing"]}


@pytest.fixture
def small() -> Sandbox:
    with Sandbox(rows_per_day=50, raw_202_count=0) as sandbox:
        yield sandbox


@pytest.fixture
def small_client(small: Sandbox) -> InsightsClient:
    with small.insights_client(retry=Retry(attempts=1)) as client:
        yield client


class Pipeline:
    """One of the test's own, and what it has loaded."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "loaded.duckdb"
        self.folder = folder / "pipelines"

    def __call__(self) -> dlt.Pipeline:
        return dlt.pipeline(
            "contact_centre",
            destination=dlt.destinations.duckdb(str(self.database)),
            dataset_name="insights",
            pipelines_dir=str(self.folder),
        )

    def run(self, source: object, **words: object) -> None:
        self().run(source, **words)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("use insights")
            return connection.sql(query).fetchall()


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    return Pipeline(tmp_path)


def days(pipeline: Pipeline) -> dict[str, int]:
    found = pipeline.rows("select window_start, count(*) from calls group by 1 order by 1")
    return {str(day): rows for day, rows in found}


def test_windows_are_loaded_once_and_the_newest_restated(
    pipeline: Pipeline, small: Sandbox, small_client: InsightsClient
) -> None:
    calls = {"calls": REPORT}
    pipeline.run(flex_insights(calls, start="2023-12-01", end="2023-12-03", client=small_client))
    assert days(pipeline) == {"2023-12-01": 50, "2023-12-02": 50, "2023-12-03": 50}
    assert small.executions == 3
    # The next morning: one new day, and the two before once more.
    pipeline.run(flex_insights(calls, start="2023-12-01", end="2023-12-04", restate=3, client=small_client))
    assert small.executions == 6
    assert days(pipeline) == dict.fromkeys(["2023-12-01", "2023-12-02", "2023-12-03", "2023-12-04"], 50)
    # And what has been there all along, is.
    pipeline.run(flex_insights(calls, start="2023-12-01", end="2023-12-04", client=small_client))
    assert small.executions == 6
    # Earlier days may come later.
    pipeline.run(flex_insights(calls, start="2023-11-29", end="2023-12-04", client=small_client))
    assert small.executions == 8
    assert len(days(pipeline)) == 6
    assert pipeline.rows("select count(*) from calls where date = window_start") == [(300,)]


def test_types_arrive(pipeline: Pipeline, small_client: InsightsClient) -> None:
    pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-01", client=small_client))
    types = dict(
        pipeline.rows("select column_name, data_type from information_schema.columns where table_name = 'calls'")
    )
    assert (types["queue"], types["date"], types["abandons"], types["service_level"], types["window_start"]) == (
        "VARCHAR",
        "DATE",
        "BIGINT",
        "DOUBLE",
        "DATE",
    )
    expected = small_client.export(REPORT, start="2023-12-01", end="2023-12-01").to_polars()
    found = pipeline.rows("select sum(offered_contacts), count(service_level), min(queue) from calls")
    assert found == [
        (
            expected["Offered Contacts"].sum(),
            len(expected) - expected["Service Level"].null_count(),
            expected["Queue"].min(),
        )
    ]


def test_a_restated_window_takes_the_place_of_the_one_before(
    pipeline: Pipeline, small: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service has corrected its data: that of another seed, of other rows, stands for it."""
    with small.insights_client() as before:
        pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-02", client=before))
    first = pipeline.rows("from calls where window_start = '2023-12-01' order by all")
    with Sandbox(rows_per_day=30, seed=2, raw_202_count=0) as other, other.insights_client() as after:
        pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-02", restate=1, client=after))
        expected = after.export(REPORT, start="2023-12-02", end="2023-12-02").to_polars()["Offered Contacts"].sum()
    assert days(pipeline) == {"2023-12-01": 50, "2023-12-02": 30}
    assert pipeline.rows("select sum(offered_contacts) from calls where window_start = '2023-12-02'") == [(expected,)]
    assert pipeline.rows("from calls where window_start = '2023-12-01' order by all") == first


def test_a_restated_window_may_have_lost_all_of_its_rows(pipeline: Pipeline, small_client: InsightsClient) -> None:
    pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-02", client=small_client))
    # There is no data in this one before 2024.
    with Sandbox(rows_per_day=50, data_start="2024-01-01", raw_202_count=0) as other, other.insights_client() as after:
        pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-02", restate=1, client=after))
    assert days(pipeline) == {"2023-12-01": 50}
    assert pipeline.rows("select count(*) from calls where window_is_empty") == [(0,)]


def test_a_window_that_grows_is_loaded_again(pipeline: Pipeline, small_client: InsightsClient) -> None:
    for end in ("2023-12-02", "2023-12-05"):
        source = flex_insights({"calls": REPORT}, start="2023-11-01", end=end, every="1mo", client=small_client)
        pipeline.run(source)
    assert days(pipeline) == {"2023-11-01": 1500, "2023-12-01": 250}


def test_a_run_that_fails_has_done_nothing(pipeline: Pipeline, small: Sandbox, small_client: InsightsClient) -> None:
    small.fault("status", path="*/execute/raw/*", method="GET", skip=2, times=None, status=500)
    source = lambda: flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-06", client=small_client)  # noqa: E731
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(source())
    causes = [caught.value]
    while causes[-1].__cause__ or causes[-1].__context__:
        causes.append(causes[-1].__cause__ or causes[-1].__context__)
    assert isinstance(causes[-1], ServerFault)
    small.clear_faults()
    pipeline.run(source())
    assert sum(days(pipeline).values()) == 300


def test_other_windows_are_refused_and_can_be_begun_anew(pipeline: Pipeline, small_client: InsightsClient) -> None:
    words = {"start": "2023-12-01", "end": "2023-12-08", "client": small_client}
    pipeline.run(flex_insights({"calls": REPORT}, **words))
    with pytest.raises(PipelineStepFailed, match="`calls` was loaded with `every` '1d', not '1w'"):
        pipeline.run(flex_insights({"calls": REPORT}, **words, every="1w"))
    with pytest.raises(PipelineStepFailed, match="`calls` was loaded with `where` "):
        pipeline.run(flex_insights({"calls": REPORT}, **words, where=BILLING))
    assert len(days(pipeline)) == 8
    pipeline.run(flex_insights({"calls": REPORT}, **words, every="1w"), refresh="drop_resources")
    assert days(pipeline) == {"2023-12-01": 150, "2023-12-04": 250}


def test_without_days_the_report_replaces_its_table(pipeline: Pipeline) -> None:
    for rows in (70, 40):
        with Sandbox(rows=rows, raw_202_count=0) as sandbox, sandbox.insights_client() as client:
            pipeline.run(flex_insights(REPORT, client=client))
        assert pipeline.rows("select count(*) from report_3035643") == [(rows,)]


def test_several_reports_are_several_tables(pipeline: Pipeline, small_client: InsightsClient) -> None:
    source = flex_insights(
        {"calls": REPORT, "agents": 3035663}, start="2023-12-01", end="2023-12-01", client=small_client
    )
    assert set(source.resources) == {"calls", "agents"}
    pipeline.run(source)
    assert pipeline.rows("select count(distinct agent) > 0 from agents") == [(True,)]
    assert days(pipeline) == {"2023-12-01": 50}


def test_credentials_come_from_where_dlt_keeps_them(
    pipeline: Pipeline, small: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("username", "password", "workspace"):
        monkeypatch.setenv(f"SOURCES__FLEX_INSIGHTS__{name.upper()}", getattr(small, name))
    monkeypatch.setenv("SOURCES__FLEX_INSIGHTS__BASE_URL", small.url)
    pipeline.run(flex_insights({"calls": REPORT}, start="2023-12-01", end="2023-12-01"))
    assert days(pipeline) == {"2023-12-01": 50}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if small.password.encode() in path.read_bytes()] == []


def test_until_yesterday_unless_told(small_client: InsightsClient, pipeline: Pipeline) -> None:
    yesterday = datetime.date.today() - datetime.timedelta(days=1)
    pipeline.run(flex_insights({"calls": REPORT}, start=yesterday - datetime.timedelta(days=1), client=small_client))
    state = pipeline().state["sources"]["flex_insights"]["resources"]["calls"]
    assert list(state["windows"]) == [str(yesterday - datetime.timedelta(days=1)), str(yesterday)]


@pytest.mark.parametrize("words", [{"end": "2023-12-01"}, {"restate": 1}])
def test_what_means_nothing_is_refused(small_client: InsightsClient, words: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="mean nothing without `start`"):
        list(flex_insights(REPORT, client=small_client, **words).resources)


def test_a_stream_through_a_reader(pipeline: Pipeline, stream: Stream) -> None:
    """dlt knows text of the older layouts only, which is what the reader has."""
    pipeline.run(stream.to_arrow(), table_name="arriving")
    assert pipeline.rows("select count(*), count(distinct date) from arriving") == [(6000, 3)]
