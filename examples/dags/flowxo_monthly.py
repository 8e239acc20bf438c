"""The chatbots' counters of a month, day by day in the time of Zurich, as Parquet."""

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
        start="{{ data_interval_start | ds }}",
        end="{{ macros.ds_add(data_interval_end | ds, -1) }}",
        tz="Europe/Zurich",
        output_path=f"{FOLDER}/flowxo/{{{{ data_interval_start | ds }}}}.parquet",
    )
