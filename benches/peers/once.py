"""One contender, one task, in a process of its own: `once.py TASK CONTENDER SHAPE FEW SMALL SOURCE`.

A source is a file, or for clients the service as JSON. A few rows load what is loaded late: imports, thread pools; from
then on memory counts. The small source warms up the rest, then the clock starts. Prints seconds, seconds to the first
rows, the peak of resident memory, rows, and the types of the columns, as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients import CLIENTS, Service
from contenders import TASKS, Streamed, types


def resident(what: str) -> int:
    """A line of the kernel's account of this process, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def ready(task: str, name: str, shape: str, source: str, folder: Path) -> Callable[[], Any]:
    """What the clock is for; what goes before is done."""
    if task in CLIENTS:
        contender, service = CLIENTS[task][name], Service(**json.loads(source))
        client = contender.open(service)
        return lambda: contender.run(client, service)
    run = TASKS[task][name]
    if task == "parquet":
        target = folder / "result.parquet"
        return lambda: run(Path(source), target, shape) or target
    csv = Path(source).read_bytes()
    return lambda: run(csv, shape)


def delivered(result: Any) -> dict[str, Any]:
    """The rows and types of a frame, a table, a stream, or a file of Parquet."""
    if isinstance(result, Path):
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(result)
        return {"rows": file.metadata.num_rows, "types": {field.name: str(field.type) for field in file.schema_arrow}}
    return {"rows": result.rows if isinstance(result, Streamed) else len(result), "types": types(result)}


def main(task: str, name: str, shape: str, few: str, small: str, source: str) -> dict[str, Any]:
    """Runs it."""
    # Files are written where they are read: a folder in memory would be another contest.
    with tempfile.TemporaryDirectory(dir=Path(source).parent if task == "parquet" else None) as made:
        folder = Path(made)
        ready(task, name, shape, few, folder)()
        run = ready(task, name, shape, source, folder)
        gc.collect()
        before = resident("VmRSS")
        ready(task, name, shape, small, folder)()
        gc.collect()
        # Forgets the peak so far.
        Path("/proc/self/clear_refs").write_text("5")
        start = time.perf_counter()
        result = run()
        end = time.perf_counter()
        peak = resident("VmHWM") - before
        first = result.first if isinstance(result, Streamed) else end
        return {"seconds": end - start, "first": first - start, "peak_kib": peak} | delivered(result)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
