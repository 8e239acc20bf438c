"""Tables as frames of other libraries, each imported only here and only when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .errors import ConfigError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

DtypeBackend = Literal["numpy", "numpy_nullable", "pyarrow"]


class ArrowStreamable(Protocol):
    """Whatever gives an Arrow stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def _optional(name: str, extra: str | None = None) -> Any:
    """A library that may be missing; the error then says which extra of ours brings it, by default one of its name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A library that is there but lacks one of its own is another matter.
        if error.name != name:
            raise
        message = f"`{name}` is not installed\nhint: pip install 'insightframe[{extra or name}]'"
        raise ModuleNotFoundError(message, name=name) from None


def to_polars(table: ArrowStreamable) -> polars.DataFrame:
    """The table as a polars frame, without a copy of its text."""
    frame: polars.DataFrame = _optional("polars").DataFrame(table)
    return frame


def to_reader(streamable: ArrowStreamable) -> pyarrow.RecordBatchReader:
    """The batches as pyarrow's reader, their text as ``large_string``: pyarrow can't sort, match or join views."""
    pa = _optional("pyarrow")
    reader: pyarrow.RecordBatchReader = pa.RecordBatchReader.from_stream(streamable)
    own = reader.schema
    fields = [field.with_type(pa.large_string()) if pa.types.is_string_view(field.type) else field for field in own]
    return reader.cast(pa.schema(fields, metadata=own.metadata))


def to_arrow(table: ArrowStreamable) -> pyarrow.Table:
    """The table as a pyarrow table, its text as `to_reader` has it."""
    return to_reader(table).read_all()


def to_pandas(table: ArrowStreamable, dtype_backend: DtypeBackend = "numpy") -> pandas.DataFrame:
    """The table as a pandas frame.

    Dates become timestamps at midnight, not objects, but for ``"pyarrow"``; dictionaries become categories. With
    ``"numpy"`` a column of integers with nulls becomes ``float64``, as pandas does it; the other two keep integers.
    """
    if dtype_backend not in ("numpy", "numpy_nullable", "pyarrow"):
        raise ConfigError(f"`dtype_backend` must be `numpy`, `numpy_nullable` or `pyarrow`, not `{dtype_backend}`")
    pd = _optional("pandas")
    pa = _optional("pyarrow")
    nullable = {
        pa.bool_(): pd.BooleanDtype,
        pa.int64(): pd.Int64Dtype,
        pa.float64(): pd.Float64Dtype,
        pa.large_string(): pd.StringDtype,
        pa.string(): pd.StringDtype,
    }

    def dtype(kind: pyarrow.DataType) -> Any:
        # pandas can't compare or group dictionaries of Arrow's; its own, categories, it can.
        if dtype_backend == "numpy" or pa.types.is_dictionary(kind):
            return None
        return pd.ArrowDtype(kind) if dtype_backend == "pyarrow" else nullable.get(kind, lambda: None)()

    frame: pandas.DataFrame = to_arrow(table).to_pandas(types_mapper=dtype, date_as_object=False)
    return frame
