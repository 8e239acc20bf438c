"""Every morning: the day before into a file of its own, and a dataset in which the newest three days are restated."""

import os

import pendulum
from airflow.sdk import DAG, Asset

from insightframe.airflow import InsightsDatasetOperator, InsightsExportOperator

# A run is dated by its own day, so that the last whole day is the one before.
YESTERDAY = "{{ macros.ds_add(ds, -1) }}"
FOLDER = os.environ.get("INSIGHTS_FOLDER", "/data/insights")

with DAG(
    "insights_daily",
    schedule="0 6 * * *",
    start_date=pendulum.datetime(2023, 12, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # one run at a time writes to a dataset
    default_args={"retries": 3},
):
    # The worker is given up while the service computes.
    InsightsExportOperator(
        task_id="day",
        report="3035643",
        start=YESTERDAY,
        end=YESTERDAY,
        output_path=f"{FOLDER}/days/{YESTERDAY}.parquet",
        deferrable=True,
        outlets=[Asset("insights_day")],
    )
    InsightsDatasetOperator(
        task_id="dataset",
        report="3035643",
        start="{{ macros.ds_add(ds, -7) }}",
        end=YESTERDAY,
        root=f"{FOLDER}/calls",
        restate=3,
        outlets=[Asset("insights_calls")],
    )
