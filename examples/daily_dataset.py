"""A dataset that is brought up to date every morning: what a scheduled job runs, here twice in a row.

The first run fetches all days. The second one, a day later, fetches the new day, and the two before it once more
because the service still corrects them; the rest is skipped without a request.
"""

import tempfile

import polars as pl

from insightframe.sandbox import Sandbox

with tempfile.TemporaryDirectory() as root, Sandbox() as sandbox, sandbox.insights_client() as client:
    # `root` may be a url too, such as "s3://bucket/calls".
    for yesterday in ("2023-12-09", "2023-12-10"):
        receipt = client.export_dataset("3035643", root, start="2023-12-01", end=yesterday, restate=3)
        print(f"{yesterday}: {len(receipt.windows)} days fetched, {len(receipt.skipped)} skipped")

    calls = pl.scan_parquet(f"{root}/**/*.parquet", hive_partitioning=True)
    by_day = calls.group_by("window_start").agg(pl.len().alias("rows"), pl.sum("Offered Contacts"))
    print(by_day.sort("window_start").tail(3).collect())
