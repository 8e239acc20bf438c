"""How the figures are shown: tables of the contenders, verdicts below them, and a summary of all goals."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from goals import MEBIBYTE, Found, Verdict, median, ratio, succeeded

SHAPES = ["report", "conversations", "minimal", "hard"]
# From here on there are fewer contests and rounds.
LARGE = 1000

Cell = Callable[[Found, str, str], str]


def rate(found: Found, ours: str, name: str) -> str:
    """MB of CSV a second."""
    return f"{statistics.median(result['bytes'] / 1e6 / result['seconds'] for result in found[name]):,.0f}"


def factor(of: str) -> Cell:
    """How many times as much it took as ours."""
    return lambda found, ours, name: "" if name == ours else f"{ratio(found, ours, name, of):.1f} ×"


def kinds(found: Found, ours: str, name: str) -> str:
    """How many columns of each type."""
    counts = Counter(found[name][0].get("types", {}).values())
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())


COLUMNS: dict[str, Cell] = {
    "first rows, ms": lambda found, ours, name: f"{median(found[name], 'first') * 1e3:,.1f}",
    "we are sooner by": factor("first"),
    "seconds": lambda found, ours, name: f"{median(found[name], 'seconds'):.3f}",
    "MB/s": rate,
    "we are faster by": factor("seconds"),
    "peak, MiB": lambda found, ours, name: f"{median(found[name], 'peak_kib') / MEBIBYTE:,.0f}",
    "peak, of the CSV": lambda found, ours, name: (
        f"{statistics.median(result['peak_kib'] * 1024 / result['bytes'] for result in found[name]):.2f}"
    ),
    "types": kinds,
}
TABLE = ["MB/s", "we are faster by", "peak, of the CSV", "types"]
STREAM = ["MB/s", "we are faster by", "peak, MiB", "types"]


@dataclass(frozen=True)
class Section:
    """A contest, and how it is shown."""

    task: str
    title: str
    columns: list[str]
    shapes: list[str]
    # In megabytes; the contest isn't held at other sizes.
    sizes: range

    def table(self, found: Found) -> list[str]:
        """The contenders, fastest first, then those that couldn't."""
        good, ours = succeeded(found), next(iter(found))
        lines = [
            "| | " + " | ".join(self.columns) + " |",
            "|---|" + "---:|" * (len(self.columns) - 1) + "---|",
        ]
        rows = {(result["bytes"], result["rows"]) for results in good.values() for result in results if result["rows"]}
        if len(rows) > len(dict(rows)):
            lines[:0] = [f"Not every contender found as many rows: {sorted(count for _, count in rows)}", ""]
        by = "first" if "first rows, ms" in self.columns else "seconds"
        for name in sorted(good, key=lambda name: median(good[name], by)):
            cells = (
                "" if ours not in good and title.startswith("we are") else COLUMNS[title](good, ours, name)
                for title in self.columns
            )
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        for name in found.keys() - good.keys():
            error = next(result["error"] for result in found[name] if "error" in result)
            lines.append(f"| {name} | – |" + " |" * (len(self.columns) - 2) + f" {error} |")
        return lines


SMALL_ON, LARGER, NOT_LARGE = range(1, 1 << 30), range(2, 1 << 30), range(2, LARGE)

SECTIONS = [
    Section("infer", "Bytes in memory to a table, types inferred", TABLE, SHAPES, SMALL_ON),
    Section("given", "Bytes in memory to a table, types given", TABLE, SHAPES, range(1, LARGE)),
    Section(
        "ourselves",
        "Ours beside itself, bytes in memory to a table",
        ["seconds", "MB/s", "peak, of the CSV", "types"],
        SHAPES,
        NOT_LARGE,
    ),
    Section("stream", "Bytes in memory to batches that are dropped, in Python", STREAM, SHAPES, LARGER),
    Section("reader", "The reader alone, in Rust, batches dropped", STREAM, SHAPES, LARGER),
    Section("socket", "From the socket to a table", TABLE, ["report", "conversations", "hard"], NOT_LARGE),
    Section("socket, gzip", "From the socket to a table, compressed", TABLE, ["report", "conversations"], NOT_LARGE),
    Section(
        "socket stream",
        "From the socket to batches that are dropped",
        ["first rows, ms", "we are sooner by", *STREAM],
        ["report", "conversations"],
        NOT_LARGE,
    ),
    Section("parquet", "A file of CSV to a file of Parquet", STREAM, SHAPES, LARGER),
]


def said(verdict: Verdict) -> str:
    """A verdict in a line."""
    reached = "reached" if verdict.reached else "not reached"
    return f"{verdict.goal.figure}: {verdict.measured}, goal {verdict.goal.bound(verdict.shape)}: {reached}."


def summary(verdicts: list[Verdict]) -> list[str]:
    """All goals in one table: the figure, and beside it what it should be."""
    cells: dict[tuple[str, int], dict[str, str]] = {}
    for verdict in verdicts:
        mark = "✓" if verdict.reached else "✗"
        row = cells.setdefault((verdict.goal.figure, verdict.size), {})
        row[verdict.shape] = f"{mark} {verdict.measured} ({verdict.goal.bound(verdict.shape)})"
    reached = sum(verdict.reached for verdict in verdicts)
    return [
        "## Goals",
        "",
        f"Measured, and in brackets the goal; ✓ is reached, ✗ is not: {reached} of {len(verdicts)} are.",
        "",
        "| | MB | " + " | ".join(SHAPES) + " |",
        "|---|---:|" + "---|" * len(SHAPES),
        *(
            f"| {figure} | {size:,} | " + " | ".join(row.get(shape, "") for shape in SHAPES) + " |"
            for (figure, size), row in cells.items()
        ),
    ]


def opening(rounds: dict[int, int]) -> list[str]:
    """What the figures are, what they were measured on, and what was compared."""
    each = ", ".join(f"{number} of {size:,} MB" for size, number in rounds.items())
    return [
        "# Benchmarks",
        "",
        "Made by `make bench`; not edited by hand. Every contender runs in a process of its own, the rounds are interleaved, "
        "and shown are medians; a factor is the median of the ratios within the rounds. A factor above 1 means that we are "
        "faster. The memory is the peak above what was resident when a few rows had been read, the CSV itself not counted "
        "where it was in memory already. The types stand beside the times because leaving work out is the easiest way to be fast.",
        "",
        f"- {time.strftime('%Y-%m-%d')}, {machine()}",
        f"- {versions()}; arrow-csv as in `Cargo.lock`",
        f"- rounds: {each}",
        "",
        "What the shapes are stands in `benches/shapes`, how each contender is set up in `benches/peers/contenders.py`, and "
        "for those that ask a service in `benches/peers/clients.py`. The service is a process on the same machine; what "
        'it can send at most stands in the rows "only drained", where nothing is decoded or inflated. '
        f"From {LARGE:,} MB on only the contests are held that have memory as their point: no peer is left out of "
        "those.",
    ]


def machine() -> str:
    """What it ran on."""
    cpu = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ": ?"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    load = os.getloadavg()[1]
    return (
        f"{cpu.split(':')[1].strip()}, {os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.release()}; "
        f"load of the five minutes before: {load:.1f}"
    )


def versions() -> str:
    """What was compared."""
    names = ["insightframe", "polars", "pyarrow", "duckdb", "pandas", "numpy", "urllib3", "requests", "httpx"]
    return ", ".join(f"{name} {metadata.version(name)}" for name in names) + f", CPython {platform.python_version()}"
