"""The same report of every workspace that the user may see, by its identifier, with the plain client in a `@task`."""

import os

from airflow.sdk import DAG, task

from insightframe.airflow import InsightsHook

FOLDER = os.environ.get("INSIGHTS_FOLDER", "/data/insights")

with DAG("insights_workspaces", schedule=None):

    @task
    def workspaces() -> list[str]:
        """Their ids."""
        with InsightsHook().get_conn() as client:
            return [workspace["id"] for workspace in client.workspaces().to_dicts()]

    @task
    def export(workspace: str, ds: str | None = None) -> dict[str, object]:
        """One workspace's day, in bounded memory."""
        with InsightsHook(workspace=workspace).get_conn() as client:
            reports = {report["title"]: report["identifier"] for report in client.reports().to_dicts()}
            report = reports[os.environ.get("INSIGHTS_REPORT", "Queue performance by day")]
            path = f"{FOLDER}/{workspace}.parquet"
            os.makedirs(FOLDER, exist_ok=True)  # noqa: PTH103
            with client.stream(report, start="2023-12-01", end="2023-12-01") as stream:
                stream.write_parquet(path)
                return {"uri": path, "rows": stream.receipt.rows}

    export.expand(workspace=workspaces())
