"""`make bench`: the decoder beside every peer, in fresh processes, interleaved.

Every round runs each contender once, in an order of its own, so that a machine that changes its pace changes it for all
of them. Shown are the medians and, because only they mean something, the medians of the ratios within the rounds.

    python benches/peers/run.py [--sizes 1 100 1000] [--rounds 7] [--write docs/benchmarks.md] DATA DECODE

`DATA` is a folder with the files that `DECODE write` makes; `DECODE` is the program of `benches/decode.rs`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from contenders import TASKS

SHAPES = ["report", "conversations", "minimal", "hard"]
HERE = Path(__file__).parent

# What the figures are compared with: `best` is the fastest peer of the task.
GOALS: dict[tuple[str, str], dict[str, float]] = {
    ("infer", "pyarrow"): {"report": 5, "conversations": 4.5, "hard": 4, "minimal": 5},
    ("given", "best"): {"report": 4, "conversations": 3.5, "hard": 3.5, "minimal": 4},
    ("reader", "arrow-csv"): {"report": 8, "conversations": 10, "hard": 5, "minimal": 6},
    ("portable", "arrow-csv"): {"report": 3, "conversations": 3, "hard": 2, "minimal": 2.5},
    ("small", "best"): {"report": 3, "conversations": 2.5},
    ("parquet", "polars"): {"report": 2.5, "conversations": 2},
}

# The Rust side by itself: contender, and what its environment says.
READERS: dict[str, tuple[str, dict[str, str]]] = {
    "insightframe, 1 thread": ("stream", {}),
    "insightframe, 1 thread, portable": ("stream", {"INSIGHTFRAME_SIMD": "off"}),
    "arrow-csv": ("arrow-csv", {"BENCH_ALLOCATOR": "system"}),
    "arrow-csv, our allocator": ("arrow-csv", {}),
}

Result = dict[str, Any]


def run(command: list[str], **environment: str) -> Result:
    """One process; an error is a result, too."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:160] if done.stderr else f"exit {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def interleave(contenders: dict[str, Any], rounds: int, order: random.Random) -> dict[str, list[Result]]:
    """Every contender once a round."""
    results: dict[str, list[Result]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in order.sample(list(contenders), len(contenders)):
            if not (results[name] and "error" in results[name][0]):
                results[name].append(contenders[name]())
    return results


def table(task: str, shape: str, size: int, results: dict[str, list[Result]]) -> list[str]:
    """A table of one task on one file, fastest first."""
    ours = next(iter(results))
    bytes_ = size << 20
    lines = ["| | MB/s | ours is faster by | peak, of the CSV | types |", "|---|---:|---:|---:|---|"]
    rows = {result["rows"] for found in results.values() for result in found if "rows" in result}
    if len(rows) > 1:
        lines.insert(0, f"Not every contender found as many rows: {sorted(rows)}\n")
    good = {name: found for name, found in results.items() if found and "seconds" in found[0]}
    for name in sorted(good, key=lambda name: statistics.median(result["seconds"] for result in good[name])):
        found = good[name]
        seconds = statistics.median(result["seconds"] for result in found)
        peak = statistics.median(result["peak_kib_above"] for result in found) * 1024 / bytes_
        factor = "" if name == ours else f"{ratio(good[ours], found):.1f} ×"
        lines.append(f"| {name} | {bytes_ / 1e6 / seconds:,.0f} | {factor} | {peak:.2f} | {summary(found[0])} |")
    lines += [
        f"| {name} | – | | | {found[0]['error']} |" for name, found in results.items() if found and "error" in found[0]
    ]
    return lines


def ratio(ours: list[Result], theirs: list[Result]) -> float:
    """How many times longer they took, round by round."""
    return statistics.median(b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=False))


def summary(result: Result) -> str:
    """How many columns of each type."""
    counts: dict[str, int] = {}
    for kind in result.get("types", {}).values():
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda item: -item[1]))


def verdict(task: str, shape: str, results: dict[str, list[Result]]) -> list[str]:
    """The goals that this table speaks to."""
    found = []
    ours, *peers = results
    for (of, against), goals in GOALS.items():
        if of != task or shape not in goals:
            continue
        named = {name: results[name] for name in peers if against in {name, "best"}}
        factors = [
            ratio(results[ours], theirs)
            for name, theirs in named.items()
            if theirs and "seconds" in theirs[0] and not name.startswith("insightframe")
        ]
        if factors and "seconds" in results[ours][0]:
            factor = min(factors)
            reached = "reached" if factor >= goals[shape] else "not reached"
            what = "the fastest peer" if against == "best" else against
            found.append(f"Goal against {what}: {goals[shape]:g} ×; measured {factor:.1f} ×: {reached}.")
    return found


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
    names = ["insightframe", "polars", "pyarrow", "duckdb", "pandas", "numpy"]
    return ", ".join(f"{name} {metadata.version(name)}" for name in names) + f", CPython {platform.python_version()}"


def main() -> None:
    """Runs the benchmarks and writes the page."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("decode", type=Path)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1, 100])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--shapes", nargs="+", default=SHAPES)
    arguments.add_argument("--write", type=Path)
    asked = arguments.parse_args()
    order = random.Random(0)
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`; not edited by hand. Every contender runs in a process of its own, the rounds are interleaved, "
        "and shown are medians; a factor is the median of the ratios within the rounds. A factor above 1 means that we are "
        "faster. The memory is the peak above what was resident before, the CSV itself not counted where it was in memory "
        "already. The types stand beside the times because leaving work out is the easiest way to be fast.",
        "",
        f"- {time.strftime('%Y-%m-%d')}, {machine()}",
        f"- {versions()}; arrow-csv as in `Cargo.lock`",
        f"- {asked.rounds} rounds",
        "",
        "What the shapes are stands in `benches/shapes`, how each contender is set up in `benches/peers/contenders.py`.",
    ]

    def say(*more: str) -> None:
        print(*more, sep="\n", flush=True)
        lines.extend(more)

    for size in {1, *asked.sizes}:
        subprocess.run([asked.decode, "write", asked.data, str(size)], check=True)
    for size in asked.sizes:
        for task in [task for task in TASKS if size > 1 or task in {"infer", "given"}]:
            title = {
                "infer": "Bytes in memory to a table, types inferred",
                "given": "Bytes in memory to a table, types given",
                "stream": "Bytes in memory to batches that are dropped, in Python",
                "parquet": "A file of CSV to a file of Parquet",
            }[task]
            say("", f"## {title}, {size} MB")
            for shape in asked.shapes:
                file, warmup = (asked.data / f"{shape}-{megabytes}.csv" for megabytes in (size, 1))
                command = [sys.executable, str(HERE / "once.py"), task]
                contenders = {
                    name: lambda name=name: run([*command, name, shape, str(file), str(warmup)]) for name in TASKS[task]
                }
                results = interleave(contenders, asked.rounds, order)
                say("", f"### {shape}", "", *table(task, shape, size, results))
                for line in verdict("small" if size == 1 else task, shape, results):
                    say("", line)
        if size > 1:
            say("", f"## The reader alone, in Rust, batches dropped, {size} MB")
            for shape in asked.shapes:
                file = asked.data / f"{shape}-{size}.csv"
                contenders = {
                    name: lambda what=what, env=env: run([str(asked.decode), "once", what, str(file)], **env)
                    for name, (what, env) in READERS.items()
                }
                results = interleave(contenders, asked.rounds, order)
                say("", f"### {shape}", "", *table("reader", shape, size, results))
                fast, portable, *peers = READERS
                for task, ours in (("reader", fast), ("portable", portable)):
                    compared = {ours: results[ours]} | {name: results[name] for name in peers}
                    for line in verdict(task, shape, compared):
                        say("", line.replace("Goal", f"{ours}: goal"))
    if asked.write:
        asked.write.parent.mkdir(exist_ok=True)
        asked.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
