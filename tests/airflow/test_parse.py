"""What a DAG file costs when it is read, which Airflow does all the time."""

import json
import subprocess
import sys

import conftest

READ = """
import json, sys, time
from airflow.sdk import DAG, Asset, BaseHook, BaseOperator, Connection, task
from airflow.sdk.configuration import conf
import airflow.triggers.base
import pendulum
before = set(sys.modules)
began = time.perf_counter()
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
took = time.perf_counter() - began
print(json.dumps({"took": took, "modules": sorted({name.split(".")[0] for name in set(sys.modules) - before})}))
"""
ALL = """
from insightframe.airflow import (
    FlexInstancesHook, FlowXoHook, FlowXoMetricsOperator, InsightsDatasetOperator, InsightsExportOperator, InsightsHook,
    InsightsResultTrigger,
)
"""


def read(tmp_path) -> dict:
    file = tmp_path / "dag.py"
    file.write_text(ALL + (conftest.DAGS / "insights_daily.py").read_text())
    done = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_heavy_is_imported(tmp_path):
    heavy = {"polars", "pandas", "pyarrow", "numpy", "duckdb", "pyspark", "tqdm", "fsspec", "asyncpg"}
    assert heavy.isdisjoint(read(tmp_path)["modules"])


def test_all_operators_are_read_within_150_ms_beyond_airflow(tmp_path):
    fastest = read(tmp_path)["took"]
    for _ in range(7):
        # The best of some: a machine that is busy with something else proves nothing.
        fastest = min(fastest, read(tmp_path)["took"]) if fastest > 0.05 else fastest
    print(f"a DAG file with all operators: {fastest * 1000:.0f} ms")
    assert fastest <= 0.15
