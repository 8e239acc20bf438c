"""What the figures are held to, and how each follows from what was measured.

A figure that compares is the median of the ratios within the rounds; any other one is the median itself.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# What a contender's process told, or `error`.
Result = dict[str, Any]
# By contender, round by round.
Found = dict[str, list[Result]]
Measure = Callable[[Found], float | None]

OURS = "insightframe"
MEBIBYTE = 1024


def succeeded(found: Found) -> Found:
    """The contenders that did it every time."""
    return {name: results for name, results in found.items() if not any("error" in result for result in results)}


def median(results: list[Result], of: str) -> float:
    """Of all rounds."""
    return float(statistics.median(result[of] for result in results))


def ratio(found: Found, one: str, other: str, of: str = "seconds") -> float | None:
    """How many times as much the other took, round by round."""
    good = succeeded(found)
    if one not in good or other not in good:
        return None
    return float(statistics.median(b[of] / a[of] for a, b in zip(good[one], good[other], strict=True)))


def beside(other: str, ours: str = OURS, of: str = "seconds") -> Measure:
    """How many times faster ours is."""
    return lambda found: ratio(found, ours, other, of)


def beside_the_fastest(ours: str = OURS) -> Measure:
    """How many times faster ours is than the fastest of the others."""

    def measure(found: Found) -> float | None:
        peers = [name for name in found if not name.startswith(OURS)]
        return min(filter(None, (ratio(found, ours, peer) for peer in peers)), default=None)

    return measure


def times_the_time(of: str, one: str) -> Measure:
    """How many times as long one way of ours takes as another."""
    return lambda found: ratio(found, one, of)


def peak(ours: str) -> Measure:
    """The peak of resident memory above the start, in MiB."""
    return lambda found: median(found[ours], "peak_kib") / MEBIBYTE if ours in succeeded(found) else None


def peak_of_the_csv(ours: str = OURS) -> Measure:
    """The same by the size of the CSV."""

    def measure(found: Found) -> float | None:
        if ours not in succeeded(found):
            return None
        return median([{"share": result["peak_kib"] * 1024 / result["bytes"]} for result in found[ours]], "share")

    return measure


@dataclass(frozen=True)
class Goal:
    """A figure and what it should be, by shape."""

    figure: str
    task: str
    measure: Measure
    bounds: dict[str, float]
    unit: str = "×"
    # Whether it should be so much at least, or at most.
    least: bool = True
    # Whether it is about 1 MB alone, or about everything larger.
    small: bool = False

    def bound(self, shape: str) -> str:
        """What it should be."""
        return f"{'≥' if self.least else '≤'} {self.bounds[shape]:g} {self.unit}"


@dataclass(frozen=True)
class Verdict:
    """What a figure is."""

    goal: Goal
    shape: str
    size: int
    value: float | None

    @property
    def reached(self) -> bool:
        """Whether it is what it should be; not when it couldn't be measured."""
        bound = self.goal.bounds[self.shape]
        return self.value is not None and (self.value >= bound if self.goal.least else self.value <= bound)

    @property
    def measured(self) -> str:
        """With its unit."""
        return "–" if self.value is None else f"{self.value:.2f} {self.goal.unit}"


def verdicts(task: str, shape: str, size: int, found: Found) -> list[Verdict]:
    """The figures that these results tell."""
    return [
        Verdict(goal, shape, size, goal.measure(found))
        for goal in GOALS
        if goal.task == task and shape in goal.bounds and goal.small == (size == 1)
    ]


ONE_THREAD, PORTABLE = "insightframe, 1 thread", "insightframe, 1 thread, portable"
DICTIONARIES = "insightframe, dictionaries"
INFERRED, GIVEN, DOUBLED = "insightframe, inferred", "insightframe, given", "insightframe, inferred, twice the input"

GOALS = [
    Goal(
        "table, types inferred: faster than pyarrow",
        "infer",
        beside("pyarrow"),
        {"report": 5, "conversations": 4.5, "hard": 4, "minimal": 5},
    ),
    Goal(
        "table, types given: faster than the fastest peer",
        "given",
        beside_the_fastest(),
        {"report": 4, "conversations": 3.5, "hard": 3.5, "minimal": 4},
    ),
    Goal(
        "table, types inferred: faster than the fastest peer",
        "infer",
        beside_the_fastest(),
        {"report": 3, "conversations": 2.5},
        small=True,
    ),
    Goal(
        "table, types given: faster than the fastest peer",
        "given",
        beside_the_fastest(),
        {"report": 3, "conversations": 2.5},
        small=True,
    ),
    Goal(
        "stream, 1 thread: faster than arrow-csv",
        "reader",
        beside_the_fastest(ONE_THREAD),
        {"report": 8, "conversations": 10, "hard": 5, "minimal": 6},
    ),
    Goal(
        "stream, 1 thread, portable: faster than arrow-csv",
        "reader",
        beside_the_fastest(PORTABLE),
        {"report": 3, "conversations": 3, "hard": 2, "minimal": 2.5},
    ),
    Goal(
        "socket to table: faster than urllib3 + pyarrow",
        "socket",
        beside("urllib3 + pyarrow"),
        {"report": 4, "conversations": 3, "hard": 3},
    ),
    Goal(
        "socket to table, gzip: faster than urllib3 + pyarrow",
        "socket, gzip",
        beside("urllib3 + pyarrow"),
        {"report": 4, "conversations": 2.5},
    ),
    Goal(
        "socket to first rows: sooner than urllib3 + pyarrow",
        "socket stream",
        beside("urllib3 + pyarrow", of="first"),
        {"report": 6, "conversations": 5},
    ),
    Goal(
        "socket to batches: peak memory above the start",
        "socket stream",
        peak(OURS),
        {"report": 16, "conversations": 24},
        "MiB",
        least=False,
    ),
    Goal(
        "CSV to Parquet: faster than polars",
        "parquet",
        beside("polars"),
        {"report": 2.5, "conversations": 2},
    ),
    Goal(
        "CSV to Parquet: peak memory above the start",
        "parquet",
        peak(OURS),
        {"report": 64, "conversations": 128},
        "MiB",
        least=False,
    ),
    Goal(
        "stream, 1 thread: peak memory above the start",
        "stream",
        peak(ONE_THREAD),
        {"report": 16, "conversations": 24, "hard": 16},
        "MiB",
        least=False,
    ),
    Goal(
        "table, types given: peak memory by the size of the CSV",
        "given",
        peak_of_the_csv(),
        {"report": 1.4, "conversations": 1.4},
        least=False,
    ),
    Goal(
        "table, types inferred: peak memory by the size of the CSV",
        "infer",
        peak_of_the_csv(),
        {"report": 1.4, "conversations": 1.4},
        least=False,
    ),
    Goal(
        "table, dictionaries: peak memory by the size of the CSV",
        "given",
        peak_of_the_csv(DICTIONARIES),
        {"report": 0.95},
        least=False,
    ),
    Goal(
        "table: time for twice the input",
        "ourselves",
        times_the_time(DOUBLED, INFERRED),
        {"report": 2.05},
        least=False,
    ),
    Goal(
        "table: time with types inferred by that with types given",
        "ourselves",
        times_the_time(INFERRED, GIVEN),
        {"report": 1.3},
        least=False,
    ),
]
