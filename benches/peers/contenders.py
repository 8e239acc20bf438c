"""Every reader of CSV that is compared, each set up as its own documentation says for quoted data with empty cells.

A contender takes CSV and gives back a frame or table of its own library; nothing is converted afterwards. `infer` finds
the types itself, `given` is told them, `stream` is told them and gives batches that are dropped, `parquet` goes from file
to file. Where a contender has no such thing the task isn't there.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

EIGHT_MEGABYTES = 8 << 20

REPORT = {
    "Date": "day",
    "Offered Contacts": "integer",
    "Average Handle Time": "float",
    "Abandons": "integer",
    "Service Level": "float",
    "Average Speed of Answer": "float",
    "Volume Handled": "integer",
}
CONVERSATIONS = {
    "Segment": "integer",
    "Date": "day",
    "Started At": "timestamp",
    "Ended At": "timestamp",
    "Talk Seconds": "integer",
    "Hold Seconds": "integer",
    "Wrap Up Seconds": "integer",
    "Queue Seconds": "integer",
    "Average Sentiment": "float",
}


def given(shape: str) -> dict[str, str]:
    """What a person who knows the report would say about its columns; the others are text."""
    return CONVERSATIONS if shape == "conversations" else REPORT


def header(csv: bytes) -> list[str]:
    """The titles."""
    return csv[: csv.index(b"\r\n")].decode().replace('"', "").split(",")


class Streamed(NamedTuple):
    """What is left of a stream when all of its batches were dropped."""

    rows: int | None
    schema: Any
    # When the first rows were there.
    first: float


def drained(stream: Any) -> Streamed:
    """Reads a stream of batches and drops them."""
    rows, first = 0, 0.0
    for batch in stream:
        first = first or time.perf_counter()
        rows += batch.num_rows
    return Streamed(rows, stream.schema, first)


# ours


def ours_infer(csv: bytes, shape: str) -> Any:
    from insightframe import decode_csv

    return decode_csv(csv).to_polars()


def ours_infer_pyarrow(csv: bytes, shape: str) -> Any:
    import pyarrow

    from insightframe import decode_csv

    return pyarrow.table(decode_csv(csv))


def _types(csv: bytes, shape: str) -> dict[str, str]:
    kinds = {"day": "date[mm/dd/yyyy]", "integer": "int64", "float": "float64", "timestamp": "timestamp"}
    return dict.fromkeys(header(csv), "text") | {name: kinds[kind] for name, kind in given(shape).items()}


def ours_given(csv: bytes, shape: str) -> Any:
    from insightframe import decode_csv

    return decode_csv(csv, schema=_types(csv, shape)).to_polars()


def ours_given_dictionaries(csv: bytes, shape: str) -> Any:
    from insightframe import decode_csv

    repeated = [
        "Queue",
        "Channel",
        "Direction",
        "Interval 15 Minutes",
        "Agent",
        "Agent Email",
        "Team",
        "Kind",
        "Abandoned",
    ]
    types = {name: "dictionary" if name in repeated else kind for name, kind in _types(csv, shape).items()}
    return decode_csv(csv, schema=types)


def ours_stream(csv: bytes, shape: str) -> Streamed:
    from insightframe import stream_csv

    return drained(stream_csv(csv, schema=_types(csv, shape), threads=1))


def ours_parquet(source: Path, target: Path, shape: str) -> None:
    from insightframe import stream_csv

    stream_csv(source).write_parquet(target)


# pyarrow


def _pyarrow_types(csv: bytes, shape: str) -> dict[str, Any]:
    import pyarrow

    kinds = {
        "day": pyarrow.timestamp("s"),  # its dates are ISO alone
        "integer": pyarrow.int64(),
        "float": pyarrow.float64(),
        "timestamp": pyarrow.timestamp("us"),
    }
    return dict.fromkeys(header(csv), pyarrow.string()) | {name: kinds[kind] for name, kind in given(shape).items()}


def pyarrow_options(types: dict[str, Any] | None = None, block: int | None = None) -> dict[str, Any]:
    from pyarrow import csv

    convert = csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        timestamp_parsers=["%m/%d/%Y", csv.ISO8601] if types else None,
    )
    return {
        "read_options": csv.ReadOptions(block_size=block),
        "parse_options": csv.ParseOptions(newlines_in_values=True),
        "convert_options": convert,
    }


def pyarrow_infer(csv: bytes, shape: str) -> Any:
    import pyarrow
    from pyarrow.csv import read_csv

    return read_csv(pyarrow.BufferReader(csv), **pyarrow_options(block=EIGHT_MEGABYTES))


def pyarrow_given(csv: bytes, shape: str) -> Any:
    import pyarrow
    from pyarrow.csv import read_csv

    return read_csv(pyarrow.BufferReader(csv), **pyarrow_options(_pyarrow_types(csv, shape), EIGHT_MEGABYTES))


def pyarrow_stream(csv: bytes, shape: str) -> Streamed:
    import pyarrow
    from pyarrow.csv import open_csv

    return drained(open_csv(pyarrow.BufferReader(csv), **pyarrow_options(_pyarrow_types(csv, shape))))


def pyarrow_parquet(source: Path, target: Path, shape: str) -> None:
    from pyarrow import parquet
    from pyarrow.csv import open_csv

    reader = open_csv(source, **pyarrow_options(block=EIGHT_MEGABYTES))
    with parquet.ParquetWriter(target, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


# polars


def _polars_schema(shape: str, names: list[str]) -> dict[str, Any]:
    import polars

    kinds = {
        # Days in the American order are text to its reader, whatever the schema says.
        "day": polars.String,
        "integer": polars.Int64,
        "float": polars.Float64,
        "timestamp": polars.Datetime("us"),
    }
    known = given(shape)
    return {name: kinds[known[name]] if name in known else polars.String for name in names}


def polars_infer(csv: bytes, shape: str) -> Any:
    import polars

    return polars.read_csv(csv)


def polars_infer_nulls(csv: bytes, shape: str) -> Any:
    import polars

    # Not `try_parse_dates`, which takes 01/13/2015 for a day whose month comes second, and ends with an error.
    return polars.read_csv(csv, null_values=[""])


def polars_given(csv: bytes, shape: str) -> Any:
    import polars

    return polars.read_csv(csv, schema=_polars_schema(shape, header(csv)), null_values=[""])


def polars_parquet(source: Path, target: Path, shape: str) -> None:
    import polars

    polars.scan_csv(source, null_values=[""]).sink_parquet(target, compression="snappy")


# DuckDB


def duckdb_infer(csv: bytes, shape: str) -> Any:
    import duckdb

    return duckdb.read_csv(io.BytesIO(csv), header=True).to_arrow_table()


def duckdb_given(csv: bytes, shape: str) -> Any:
    import duckdb

    kinds = {"day": "DATE", "integer": "BIGINT", "float": "DOUBLE", "timestamp": "TIMESTAMP"}
    known = given(shape)
    types = {name: kinds[known[name]] if name in known else "VARCHAR" for name in header(csv)}
    return duckdb.read_csv(
        io.BytesIO(csv), header=True, dtype=types, date_format="%m/%d/%Y", na_values=[""]
    ).to_arrow_table()


def duckdb_parquet(source: Path, target: Path, shape: str) -> None:
    import duckdb

    duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")


# pandas


def pandas_infer(csv: bytes, shape: str) -> Any:
    import pandas

    return pandas.read_csv(io.BytesIO(csv))


def pandas_given(csv: bytes, shape: str) -> Any:
    import pandas

    known = given(shape)
    kinds = {"integer": "Int64", "float": "float64"}
    types = {name: kinds.get(known.get(name, ""), "str") for name in header(csv)}
    days = [name for name, kind in known.items() if kind in {"day", "timestamp"}]
    for name in days:
        del types[name]
    formats = {name: "%m/%d/%Y" if known[name] == "day" else "ISO8601" for name in days}
    return pandas.read_csv(
        io.BytesIO(csv), dtype=types, parse_dates=days, date_format=formats, keep_default_na=False, na_values=[""]
    )


Contender = Callable[..., Any]

TASKS: dict[str, dict[str, Contender]] = {
    "infer": {
        "insightframe": ours_infer,
        "insightframe, to pyarrow": ours_infer_pyarrow,
        "pyarrow": pyarrow_infer,
        "polars": polars_infer,
        "polars, empty as null": polars_infer_nulls,
        "duckdb": duckdb_infer,
        "pandas": pandas_infer,
    },
    "given": {
        "insightframe": ours_given,
        "insightframe, dictionaries": ours_given_dictionaries,
        "pyarrow": pyarrow_given,
        "polars": polars_given,
        "duckdb": duckdb_given,
        "pandas": pandas_given,
    },
    "stream": {"insightframe, 1 thread": ours_stream, "pyarrow": pyarrow_stream},
    "parquet": {
        "insightframe": ours_parquet,
        "pyarrow": pyarrow_parquet,
        "polars": polars_parquet,
        "duckdb": duckdb_parquet,
    },
}


def types(result: Any) -> dict[str, str]:
    """The type of each column that a contender delivered."""
    if hasattr(result, "dtypes"):
        # pandas' by column, polars' beside the columns.
        pairs = (
            result.dtypes.items()
            if hasattr(result.dtypes, "items")
            else zip(result.columns, result.dtypes, strict=True)
        )
        return {str(name): str(kind) for name, kind in pairs}
    schema = result.schema
    if isinstance(schema, dict):
        return dict(schema)
    return {field.name: str(field.type) for field in schema}
