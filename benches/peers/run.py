"""`make bench`: the decoder beside every peer, in fresh processes, interleaved.

Every round runs each contender once, in an order of its own, so that a machine that changes its pace changes it for all
of them. Shown are the medians and, because only they mean something, the medians of the ratios within the rounds.

    python benches/peers/run.py DATA DECODE [--sizes 1 100 1000] [--rounds 7] [--write docs/benchmarks.md]
                                [--tasks infer socket …] [--shapes report …]

`DATA` is a folder with the files that `DECODE write` makes; `DECODE` is the program of `benches/decode.rs`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import goals
import page
from clients import CLIENTS
from contenders import TASKS
from goals import Found, Result, Verdict

HERE = Path(__file__).parent
# So many rounds of large files at most: each of them takes minutes.
LARGE_ROUNDS = 3

# The Rust side by itself: contender, and what its environment says.
READERS: dict[str, tuple[str, dict[str, str]]] = {
    goals.ONE_THREAD: ("stream", {}),
    goals.PORTABLE: ("stream", {"INSIGHTFRAME_SIMD": "off"}),
    "arrow-csv": ("arrow-csv", {"BENCH_ALLOCATOR": "system"}),
    "arrow-csv, our allocator": ("arrow-csv", {}),
}

Contenders = dict[str, Callable[[], Result]]


def run(command: list[str], size: int, **environment: str) -> Result:
    """One process that reads so many bytes of CSV; an error is a result, too."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:160] if done.stderr else f"exit {done.returncode}"}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result | {"bytes": size}


@contextmanager
def serving(*arguments: str) -> Iterator[list[str]]:
    """A service in a process of its own; gives how it is reached for each file."""
    command = [sys.executable, str(HERE / "service.py"), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        # Its output stays open as long as it runs, and the end of its input ends it.
        assert process.stdout
        yield [json.dumps(service) for service in json.loads(process.stdout.readline())]
        process.communicate()


@dataclass(frozen=True)
class Contest:
    """What is read in a task, and by whom."""

    data: Path
    decode: Path
    shape: str
    size: int

    def file(self, size: int) -> Path:
        """The CSV of so many megabytes."""
        return self.data / f"{self.shape}-{size}.csv"

    def contender(self, task: str, name: str, size: int, *sources: str) -> Callable[[], Result]:
        """One that is run by `once.py`."""
        command = [sys.executable, str(HERE / "once.py"), task, name, self.shape, *sources]
        return partial(run, command, self.file(size).stat().st_size)

    @contextmanager
    def contenders(self, task: str) -> Iterator[Contenders]:
        """All contenders of a task."""
        few, small, file = (str(self.file(size)) for size in (0, 1, self.size))
        if task.startswith("socket"):
            task, *compressed = task.split(", ")
            with serving(few, small, file, *(f"--{how}" for how in compressed)) as services:
                yield {name: self.contender(task, name, self.size, *services) for name in CLIENTS[task]}
        elif task == "reader":
            size = self.file(self.size).stat().st_size
            yield {
                name: partial(run, [str(self.decode), "once", what, file], size, **environment)
                for name, (what, environment) in READERS.items()
            }
        elif task == "ourselves":
            ways = {goals.INFERRED: ("infer", 1), goals.GIVEN: ("given", 1), goals.DOUBLED: ("infer", 2)}
            yield {
                name: self.contender(way, goals.OURS, times * self.size, few, small, str(self.file(times * self.size)))
                for name, (way, times) in ways.items()
            }
        else:
            yield {name: self.contender(task, name, self.size, few, small, file) for name in TASKS[task]}


def interleave(contenders: Contenders, rounds: int, order: random.Random) -> Found:
    """Every contender once a round; who can't isn't asked again."""
    found: Found = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in order.sample(list(contenders), len(contenders)):
            if not any("error" in result for result in found[name]):
                found[name].append(contenders[name]())
    return found


def main() -> None:
    """Runs the benchmarks and writes the page."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("decode", type=Path)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1, 100])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--shapes", nargs="+", default=page.SHAPES)
    arguments.add_argument("--tasks", nargs="+", default=[section.task for section in page.SECTIONS])
    arguments.add_argument("--write", type=Path)
    asked = arguments.parse_args()
    rounds = {size: asked.rounds if size < page.LARGE else min(asked.rounds, LARGE_ROUNDS) for size in asked.sizes}
    opening = page.opening(rounds)
    print(*opening, sep="\n", flush=True)

    doubled = {2 * size for size in asked.sizes if 1 < size < page.LARGE}
    for size in sorted({0, 1, *asked.sizes, *doubled}):
        subprocess.run([asked.decode, "write", asked.data, str(size)], check=True)

    order, verdicts, sections = random.Random(0), list[Verdict](), list[str]()

    def say(*lines: str) -> None:
        print(*lines, sep="\n", flush=True)
        sections.extend(lines)

    for size in asked.sizes:
        for section in page.SECTIONS:
            if section.task not in asked.tasks or size not in section.sizes:
                continue
            say("", f"## {section.title}, {size:,} MB")
            for shape in section.shapes:
                if shape not in asked.shapes:
                    continue
                with Contest(asked.data, asked.decode, shape, size).contenders(section.task) as contenders:
                    found = interleave(contenders, rounds[size], order)
                say("", f"### {shape}", "", *section.table(found))
                for verdict in goals.verdicts(section.task, shape, size, found):
                    verdicts.append(verdict)
                    say("", page.said(verdict))
    summary = page.summary(verdicts)
    print("", *summary, sep="\n")
    if asked.write:
        asked.write.parent.mkdir(exist_ok=True)
        asked.write.write_text("\n".join([*opening, "", *summary, *sections]) + "\n")


if __name__ == "__main__":
    main()
