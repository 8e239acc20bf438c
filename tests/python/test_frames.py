import datetime
import importlib
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from insightframe import _frames
from insightframe.errors import ConfigError

DAY = datetime.date(2023, 12, 1)


@pytest.fixture
def table() -> pa.Table:
    """What the decoder makes, from another library that gives Arrow streams."""
    return pa.table(
        {
            "Queue": pa.array(["Sales", None], pa.string_view()),
            "Agent": pa.array(["007", "007"]).dictionary_encode(),
            "Date": pa.array([DAY, None]),
            "Talk Time": pa.array([11.0, None]),
            "Conversations": pa.array([1060, None]),
        }
    )


def test_polars(table: pa.Table) -> None:
    frame = _frames.to_polars(table)
    assert frame.dtypes == [pl.String, pl.Categorical, pl.Date, pl.Float64, pl.Int64]
    assert frame.row(0) == ("Sales", "007", DAY, 11.0, 1060)
    assert frame.row(1) == (None, "007", None, None, None)


def test_arrow_text_can_be_worked_with(table: pa.Table) -> None:
    arrow = _frames.to_arrow(table)
    assert arrow.schema.field("Queue").type == pa.large_string()
    assert arrow.schema.field("Date").type == pa.date32()
    assert arrow.sort_by("Queue").to_pylist()[0]["Queue"] == "Sales"
    assert arrow.num_rows == 2


@pytest.mark.parametrize(
    ("backend", "conversations", "date"),
    [
        ("numpy", "float64", "datetime64[ms]"),
        ("numpy_nullable", "Int64", "datetime64[ms]"),
        ("pyarrow", "int64[pyarrow]", "date32[day][pyarrow]"),
    ],
)
def test_pandas(table: pa.Table, backend: _frames.DtypeBackend, conversations: str, date: str) -> None:
    frame = _frames.to_pandas(table, backend)
    assert str(frame["Conversations"].dtype) == conversations
    assert str(frame["Date"].dtype) == date
    assert frame["Conversations"].iloc[0] == 1060
    assert frame["Queue"].iloc[0] == "Sales"
    assert frame["Queue"].isna().tolist() == [False, True]
    assert pd.Timestamp(frame["Date"].iloc[0]) == pd.Timestamp(DAY)


def test_an_unknown_backend_is_refused(table: pa.Table) -> None:
    with pytest.raises(ConfigError, match="must be `numpy`, `numpy_nullable` or `pyarrow`, not `numpi`"):
        _frames.to_pandas(table, "numpi")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["polars", "pandas", "pyarrow"])
def test_a_library_that_is_missing_is_named(name: str, table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> object:
        if module == name:
            raise ModuleNotFoundError(f"No module named '{module}'", name=module)
        return sys.modules[module]

    monkeypatch.setattr(importlib, "import_module", missing)
    convert = {"polars": _frames.to_polars, "pandas": _frames.to_pandas, "pyarrow": _frames.to_arrow}[name]
    with pytest.raises(ModuleNotFoundError) as caught:
        convert(table)
    assert str(caught.value) == f"`{name}` is not installed\nhint: pip install 'insightframe[{name}]'"
