"""A report of the last month as a frame: the example of the README, from the local sandbox instead of the service."""

import polars as pl

from insightframe.sandbox import Sandbox

with Sandbox() as sandbox, sandbox.insights_client() as client:
    table = client.export("3035643", start="2023-12-01", end="2023-12-30")

frame = table.to_polars()
print(frame.group_by("Queue").agg(pl.sum("Offered Contacts", "Abandons"), pl.mean("Service Level")).sort("Queue"))
