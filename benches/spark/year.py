"""A year, day by day, on Spark: two workers beside one, where the service takes 200 ms for each day.

A cluster on this machine, an executor of one core for each worker. What starts the Python workers and warms the JVM up,
a month, isn't counted. Ends with 1 where two workers aren't 1.6 times as fast.
"""

import argparse
import os
import sys
import time

from pyspark.sql import SparkSession

from insightframe.sandbox import Sandbox
from insightframe.spark import register

YEAR = {"report": "3035643", "start": "2023-01-01", "end": "2023-12-31", "every": "1d"}
BOUND = 1.6


def cluster(workers: int) -> SparkSession:
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local-cluster[{workers},1,1024]").appName("year")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register(spark)
    return spark


def seconds(workers: int, sandbox: Sandbox, rows: int, warm_up: str) -> float:
    spark = cluster(workers)
    try:
        spark.read.format("flex_insights").options(**(YEAR | {"end": warm_up})).load().count()
        frame = spark.read.format("flex_insights").options(**YEAR).load()
        before, began = sandbox.executions, time.perf_counter()
        assert frame.count() == 365 * rows
        took = time.perf_counter() - began
        assert sandbox.executions == before + 365, "one execution a day"
    finally:
        spark.stop()
    print(
        f"{workers} worker{'s' if workers > 1 else ' '}: {took:.1f} s, {took / 365 * workers * 1000:.0f} ms for a day"
    )
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows of a day (default %(default)s)")
    parser.add_argument("--latency", type=int, default=200, help="milliseconds of an execution (default %(default)s)")
    parser.add_argument("--warm-up", default="2023-01-31", help="last day of what isn't counted (default %(default)s)")
    asked = parser.parse_args()
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    with Sandbox(rows_per_day=asked.rows, raw_202_count=0) as sandbox:
        os.environ |= {
            "FLEX_INSIGHTS_USERNAME": sandbox.username,
            "FLEX_INSIGHTS_PASSWORD": sandbox.password,
            "FLEX_INSIGHTS_WORKSPACE": sandbox.workspace,
            "FLEX_INSIGHTS_BASE_URL": sandbox.url,
        }
        sandbox.fault("latency", path="*/execute/raw", method="POST", ms=asked.latency, times=None)
        one = seconds(1, sandbox, asked.rows, asked.warm_up)
        two = seconds(2, sandbox, asked.rows, asked.warm_up)
    print(f"two workers are {one / two:.2f} x one; at least {BOUND}")
    return 0 if one / two >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
