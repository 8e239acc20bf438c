"""Dask: windows of `plan` as the partitions of a frame, in processes of their own."""

import collections
import importlib.util
from pathlib import Path

import cloudpickle
import dask
import pytest

from insightframe.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "dask_report.py"


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("dask_report", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch):
    with Sandbox(rows_per_day=20, raw_202_count=0) as sandbox:
        for name in ("username", "password", "workspace"):
            monkeypatch.setenv(f"FLEX_INSIGHTS_{name.upper()}", getattr(sandbox, name))
        monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", sandbox.url)
        yield sandbox


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_year_is_a_frame_of_months(example, credentials: Sandbox, scheduler: str) -> None:
    calls = example.year("2023-01-01", "2023-12-31")
    assert calls.npartitions == 12
    assert credentials.executions == 1, "only that of the columns"
    assert str(calls.dtypes["Date"]) == "date32[day][pyarrow]"
    with dask.config.set(scheduler=scheduler, num_workers=2):
        found = calls.groupby("Queue")["Offered Contacts"].sum().compute()
    assert credentials.executions == 13
    expected = collections.Counter()
    with credentials.insights_client() as client:
        for row in client.export(example.REPORT, start="2023-01-01", end="2023-12-31").to_dicts():
            expected[row["Queue"]] += row["Offered Contacts"]
    assert found.to_dict() == expected


def test_what_travels_to_the_workers_has_no_secret(example, credentials: Sandbox) -> None:
    graph = cloudpickle.dumps(dict(example.year("2023-01-01", "2023-03-31").__dask_graph__()))
    assert b"3035643" in graph
    assert credentials.password.encode() not in graph
