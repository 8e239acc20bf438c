"""One contender, one task, one source, in a process of its own: `once.py TASK CONTENDER SHAPE SOURCE WARMUP`.

A source is a file, or for clients the service as JSON. The small one warms up what is loaded late: imports, thread pools.
Prints seconds, seconds to the first rows, rows, the peak of resident memory above what was there before, and the types of
the columns, as JSON.
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

Result = dict[str, Any]


def resident(what: str) -> int:
    """A line of the kernel's account of this process, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def measured(run: Callable[[], Any]) -> tuple[Any, Result]:
    """What it gives, and what that took."""
    gc.collect()
    # Forgets the peak so far.
    Path("/proc/self/clear_refs").write_text("5")
    before, start = resident("VmRSS"), time.perf_counter()
    result = run()
    end = time.perf_counter()
    peak = resident("VmHWM") - before
    first = result.first if isinstance(result, Streamed) else end
    return result, {"seconds": end - start, "first": first - start, "peak_kib": peak}


def delivered(result: Any) -> Result:
    """The rows and types of a frame, a table or a stream."""
    rows = result.rows if isinstance(result, Streamed) else len(result)
    return {"types": types(result)} if rows is None else {"types": types(result), "rows": rows}


def from_bytes(task: str, name: str, shape: str, file: str, warmup: str) -> Result:
    """Bytes in memory to a frame, a table or a stream."""
    run = TASKS[task][name]
    csv = Path(file).read_bytes()
    run(Path(warmup).read_bytes(), shape)
    result, took = measured(lambda: run(csv, shape))
    return took | delivered(result)


def from_file(task: str, name: str, shape: str, file: str, warmup: str) -> Result:
    """A file to a file."""
    run = TASKS[task][name]
    with tempfile.TemporaryDirectory(dir=Path(file).parent) as folder:
        run(Path(warmup), Path(folder) / "warmup.parquet", shape)
        target = Path(folder) / "result.parquet"
        _, took = measured(lambda: run(Path(file), target, shape))
        import pyarrow.parquet

        written = pyarrow.parquet.ParquetFile(target)
        kinds = {field.name: str(field.type) for field in written.schema_arrow}
        return took | {"types": kinds, "rows": written.metadata.num_rows}


def from_service(task: str, name: str, shape: str, service: str, warmup: str) -> Result:
    """A report of the service to a frame, a table or a stream."""
    contender = CLIENTS[task][name]
    small, large = (Service(**json.loads(source)) for source in (warmup, service))
    contender.run(contender.open(small), small)
    client = contender.open(large)
    result, took = measured(lambda: contender.run(client, large))
    return took | delivered(result)


if __name__ == "__main__":
    task, *rest = sys.argv[1:]
    ways = {"parquet": from_file} | dict.fromkeys(CLIENTS, from_service)
    print(json.dumps(ways.get(task, from_bytes)(task, *rest)))
