"""On the first of a month: the chatbots' counters of the month before, day by day in the time of Zurich, as Parquet."""

import os

import pendulum
from airflow.sdk import DAG

from insightframe.airflow import FlowXoMetricsOperator

FOLDER = os.environ.get("INSIGHTS_FOLDER", "/data/insights")

with DAG(
    "flowxo_monthly",
    schedule="0 5 1 * *",
    start_date=pendulum.datetime(2023, 1, 1, tz="UTC"),
    catchup=False,
    default_args={"retries": 3},
):
    FlowXoMetricsOperator(
        task_id="metrics",
        start="{{ logical_date.subtract(months=1).start_of('month') | ds }}",
        end="{{ logical_date.subtract(months=1).end_of('month') | ds }}",
        tz="Europe/Zurich",
        output_path=f"{FOLDER}/flowxo/{{{{ logical_date.subtract(months=1).strftime('%Y-%m') }}}}.parquet",
    )
