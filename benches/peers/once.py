"""One contender, one task, one file, in a process of its own: `once.py TASK CONTENDER SHAPE FILE WARMUP`.

The small file warms up what is loaded late: imports, thread pools. Prints seconds, rows, the peak of resident memory
above what was there before, and the types of the columns, as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from contenders import TASKS, types


def resident(what: str) -> int:
    """A line of the kernel's account of this process, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def main(task: str, name: str, shape: str, file: Path, warmup: Path) -> dict[str, Any]:
    """Runs it."""
    run = TASKS[task][name]
    if task == "parquet":
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            run(warmup, Path(folder) / "warmup.parquet", shape)
            target = Path(folder) / "result.parquet"
            before = settle()
            start = time.perf_counter()
            run(file, target, shape)
            seconds = time.perf_counter() - start
            peak = resident("VmHWM") - before
            import pyarrow.parquet

            written = pyarrow.parquet.ParquetFile(target)
            kinds = {field.name: str(field.type) for field in written.schema_arrow}
            return {"seconds": seconds, "rows": written.metadata.num_rows, "peak_kib_above": peak, "types": kinds}
    csv = file.read_bytes()
    run(warmup.read_bytes(), shape)
    before = settle()
    start = time.perf_counter()
    result = run(csv, shape)
    seconds = time.perf_counter() - start
    peak = resident("VmHWM") - before
    rows, kinds = (result, {}) if isinstance(result, int) else (len(result), types(result))
    return {"seconds": seconds, "rows": rows, "peak_kib_above": peak, "types": kinds}


def settle() -> int:
    """Forgets the peak so far; resident memory now, in KiB."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


if __name__ == "__main__":
    task, name, shape, file, warmup = sys.argv[1:]
    print(json.dumps(main(task, name, shape, Path(file), Path(warmup))))
