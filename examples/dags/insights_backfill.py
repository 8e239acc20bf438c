"""A month that is missing, a task a week: a plan says which, and Airflow maps over it."""

import os

from airflow.sdk import DAG, task

from insightframe.airflow import InsightsExportOperator, InsightsHook

FOLDER = os.environ.get("INSIGHTS_FOLDER", "/data/insights")

with DAG("insights_backfill", schedule=None, params={"start": "2023-11-01", "end": "2023-11-30"}):

    @task
    def plan(params: dict[str, str]) -> list[dict[str, object]]:
        """The weeks, from Monday. Nothing is asked of the service for it."""
        with InsightsHook().get_conn() as client:
            tasks = client.plan("3035643", start=params["start"], end=params["end"], every="1w")
        return [window.to_dict() for window in tasks]

    InsightsExportOperator.partial(
        task_id="week",
        output_path=f"{FOLDER}/weeks/{{start}}.parquet",
        deferrable=True,
        retries=3,
        max_active_tis_per_dag=4,  # no more at once than the service bears
    ).expand(window=plan())
