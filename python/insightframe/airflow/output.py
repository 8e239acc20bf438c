"""Where an operator's result goes: a local path, the url of an object store, or an `ObjectStoragePath`.

However it is named, the target is absent or complete: what fails leaves the one that was there before.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from insightframe import Stream, Table
from insightframe.errors import ConfigError

__all__ = ["Format", "Output", "check_format", "uri_of", "write"]

Format = Literal["parquet", "csv", "ipc"]
_FORMATS = ("parquet", "csv", "ipc")


@runtime_checkable
class _ObjectStoragePath(Protocol):
    """What is used of Airflow's class, which takes too long to import in a DAG file that doesn't use it."""

    @property
    def protocol(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def fs(self) -> Any: ...


Output = str | os.PathLike[str] | _ObjectStoragePath


def check_format(format: str) -> None:  # noqa: A002 - the word of the operators
    """Raises `ConfigError` for what can't be written; when the DAG is parsed rather than when it has exported."""
    if format not in _FORMATS:
        raise ConfigError(f"`format` must be one of {', '.join(f'`{one}`' for one in _FORMATS)}, not `{format}`")


def uri_of(output: Output) -> str:
    """The target as one address, as assets name it."""
    text = str(output)
    return text if "://" in text else Path(text).absolute().as_uri()


def write(result: Stream | Table, output: Output, format: Format) -> int:  # noqa: A002
    """Writes a result; returns the size in bytes."""
    if not isinstance(output, _ObjectStoragePath):
        return _write(result, _local(os.fspath(output)), format)
    if output.protocol in ("file", "local"):
        return _write(result, _made(Path(output.path)), format)
    # An open file of fsspec is committed by whatever closes it, an error too; a finished file is put as one object.
    with tempfile.TemporaryDirectory(prefix="insightframe-") as folder:
        whole = Path(folder) / f"result.{format}"
        size = _write(result, whole, format)
        output.fs.put_file(str(whole), output.path)
    return size


def _local(output: str) -> str | Path:
    if output.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        return _made(Path(unquote(urlsplit(output).path)))
    return output if "://" in output else _made(Path(output))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write(result: Stream | Table, target: str | Path, format: Format) -> int:  # noqa: A002
    writers = {"parquet": result.write_parquet, "csv": result.write_csv, "ipc": result.write_ipc}
    return writers[format](target)
