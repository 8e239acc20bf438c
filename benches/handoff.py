"""`make bench-handoff`: what it costs to hand a table over to each library, in one process, interleaved.

    python benches/handoff.py [--rows 10000000] [--rounds 7] [--write docs/hand-off-figures.md]

Every round hands the table to each library once, in an order of its own, so that a machine that changes its pace changes
it for all of them. Besides the medians there are the medians of the ratios within the rounds.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

from insightframe import Table, decode_csv

TO_PANDAS = 't.to_pandas("pyarrow")'
REPEATS = 3
BLOCK = 100_000
QUEUES = ["Support EN", "Support DE", "Billing", "Sales, New Business", "Kündigungen", "Technical Tier 2", "Callback"]
COLUMNS = [
    "Queue",
    "Date",
    "Interval 15 Minutes",
    "Channel",
    "Direction",
    "Offered Contacts",
    "Average Handle Time",
    "Abandons",
    "Service Level",
    "Average Speed of Answer",
    "Volume Handled",
]


def csv(rows: int) -> bytes:
    """A report of queues by interval, every cell quoted, a tenth of the averages empty."""
    chance = random.Random(1)

    def average(top: float, places: int) -> object:
        return "" if chance.random() < 0.1 else round(chance.random() * top, places)

    def row() -> tuple[object, ...]:
        return (
            chance.choice(QUEUES),
            f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/2023",
            f"{chance.randint(0, 23):02}:{chance.choice([0, 15, 30, 45]):02}",
            chance.choice(["Call", "SMS", "Chat"]),
            chance.choice(["Inbound", "Outbound"]),
            chance.randint(0, 40),
            average(600, 2),
            chance.randint(0, 5),
            average(1, 4),
            average(90, 2),
            chance.randint(0, 30),
        )

    def line(cells: Any) -> str:
        return ",".join(f'"{cell}"' for cell in cells) + "\r\n"

    block = "".join(line(row()) for _ in range(BLOCK))
    return (line(COLUMNS) + block * (rows // BLOCK)).encode()


def decoded(source: bytes, text: str) -> Table:
    """As the report's own definition would have it, its text as `text`."""
    whole = dict.fromkeys(["Offered Contacts", "Abandons", "Volume Handled"], "int64")
    repeated = dict.fromkeys(["Queue", "Interval 15 Minutes", "Channel", "Direction"], text)
    return decode_csv(source, schema={"Date": "date[mm/dd/yyyy]"} | whole | repeated)


def consumers(report: Table, encoded: Table) -> dict[str, Callable[[], object]]:
    """Ours, and what the same libraries take for the same data from pyarrow."""
    views, large = pa.table(report), report.to_arrow()
    connection = duckdb.connect()
    total = 'select "Queue", sum("Offered Contacts") from {} group by 1'
    connection.register("ours", report)
    connection.register("theirs", views)
    return {
        "pa.table(t)": lambda: pa.table(report),
        "t.to_arrow()": lambda: report.to_arrow(),
        "views to large_string by pyarrow": lambda: views.cast(large.schema),
        "pl.DataFrame(t)": lambda: pl.DataFrame(report),
        "pl.from_arrow, of pyarrow's string_view": lambda: pl.from_arrow(views),
        "pl.from_arrow, of pyarrow's large_string": lambda: pl.from_arrow(large),
        TO_PANDAS: lambda: report.to_pandas("pyarrow"),
        't.to_pandas("pyarrow"), its text as dictionaries': lambda: encoded.to_pandas("pyarrow"),
        't.to_pandas("numpy_nullable")': lambda: report.to_pandas("numpy_nullable"),
        't.to_pandas("numpy")': lambda: report.to_pandas("numpy"),
        "pandas, of pyarrow's large_string": lambda: large.to_pandas(types_mapper=pd.ArrowDtype),
        "DuckDB, a sum by queue": lambda: connection.execute(total.format("ours")).fetchall(),
        "DuckDB, the same of pyarrow's": lambda: connection.execute(total.format("theirs")).fetchall(),
    }


def timed(work: Callable[[], object]) -> float:
    """Milliseconds, without those for throwing the result away."""
    gc.collect()
    begin = time.perf_counter()
    result = work()
    elapsed = (time.perf_counter() - begin) * 1e3
    del result
    return elapsed


def measured(todo: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds by consumer, the fastest of three in each round; the first round warms up and isn't among them."""
    order = random.Random(2)
    taken: dict[str, list[float]] = {name: [] for name in todo}
    for number in range(rounds + 1):
        for name in order.sample(sorted(todo), len(todo)):
            elapsed = min(timed(todo[name]) for _ in range(REPEATS))
            if number:
                taken[name].append(elapsed)
    return taken


def report(taken: dict[str, list[float]], rows: int, seconds: float) -> str:
    median = {name: statistics.median(times) for name, times in taken.items()}

    def ratio(ours: str, theirs: str) -> float:
        return statistics.median(a / b for a, b in zip(taken[ours], taken[theirs], strict=True))

    polars = ratio("pl.DataFrame(t)", "pl.from_arrow, of pyarrow's string_view")
    against_large = ratio("pl.DataFrame(t)", "pl.from_arrow, of pyarrow's large_string")
    pandas = ratio(TO_PANDAS, "views to large_string by pyarrow")
    duck = ratio("DuckDB, a sum by queue", "DuckDB, the same of pyarrow's")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("polars", "pyarrow", "pandas", "duckdb"))
    lines = [
        "# What handing over costs",
        "",
        f"{rows:,} rows × {len(COLUMNS)} columns, four of them text, {len(next(iter(taken.values())))} rounds, the fastest of {REPEATS} "
        f"in each, in one process on {platform.machine()} with {versions}. Decoding it took {seconds:.1f} s. "
        "Written by `make bench-handoff`.",
        "",
        "| | median, ms | fastest, ms |",
        "|---|---:|---:|",
        *[f"| `{name}` | {median[name]:,.1f} | {min(times):,.1f} |" for name, times in taken.items()],
        "",
        "| figure | wanted | found |",
        "|---|---|---|",
        f"| `pa.table(t)` | ≤ 5 ms | {median['pa.table(t)']:.1f} ms |",
        f"| `pl.DataFrame(t)` : the same views from pyarrow | ≤ 1.1 | {polars:.2f} |",
        f"| `pl.DataFrame(t)` : the same data from pyarrow as large_string | ≤ 1.1 | {against_large:.3f} |",
        f'| `t.to_pandas("pyarrow")` | ≤ 50 ms | {median[TO_PANDAS]:,.0f} ms |',
        f'| `t.to_pandas("pyarrow")` : pyarrow\'s own cast of the views | | {pandas:.2f} |',
        f"| DuckDB over `t` : over the same pyarrow table | | {duck:.2f} |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rows", type=int, default=10_000_000)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--write", type=Path)
    given = words.parse_args()
    source = csv(given.rows)
    begin = time.perf_counter()
    made = decoded(source, "text")
    seconds = time.perf_counter() - begin
    encoded = decoded(source, "dictionary")
    del source
    text = report(measured(consumers(made, encoded), given.rounds), made.num_rows, seconds)
    print(text)
    if given.write:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
