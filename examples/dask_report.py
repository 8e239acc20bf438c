"""A year, a month at a time, as a frame of Dask: each worker exports the months that it works on.

Reads the credentials of `InsightsClient` from the environment, also on the workers: what travels to them has no secret.
"""

import dask.dataframe as dd
import pandas as pd

from insightframe import ExportTask, InsightsClient

REPORT = "3035643"


def month(task: ExportTask) -> pd.DataFrame:
    """The rows of one window, where this runs."""
    with InsightsClient() as client:
        return task.run(client).to_pandas(dtype_backend="pyarrow")


def year(start: str, end: str) -> dd.DataFrame:
    """The report as a frame with a partition for each month; nothing is exported before it is computed."""
    with InsightsClient() as client:
        tasks = client.plan(REPORT, start=start, end=end, every="1mo")
        # A day without rows has the same columns and types, and costs next to nothing.
        columns = client.export(REPORT, start="1900-01-01", end="1900-01-01").to_pandas(dtype_backend="pyarrow")
    return dd.from_map(month, tasks, meta=columns)


if __name__ == "__main__":
    calls = year("2023-01-01", "2023-12-31")
    print(calls.groupby("Queue")["Offered Contacts"].sum().compute().sort_index())
