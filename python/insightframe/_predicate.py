"""What a predicate of polars says that every one of its rows must have: days and texts, by column.

Expressions are taken apart by documented means alone: ``meta.pop`` gives the inputs of one, and whether it is, say,
``left >= right`` is found out by building that and comparing. What isn't recognised says nothing.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ._columns import NO_DAY, Bounds, Days
from ._frames import _optional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl
else:
    pl = _optional("polars")


def bounds(predicate: pl.Expr, schema: pl.Schema) -> Bounds:
    """What holds for every row of `schema` for which `predicate` is true."""
    try:
        return _bounds(predicate, schema)
    except RecursionError:
        return {}


def _bounds(expression: pl.Expr, schema: pl.Schema) -> Bounds:
    match expression.meta.pop()[::-1]:
        case [left, right] if expression.meta.eq(left & right):
            return _both(_bounds(left, schema), _bounds(right, schema))
        case [left, right] if expression.meta.eq(left | right):
            return _either(_bounds(left, schema), _bounds(right, schema))
        case [left, right]:
            return _comparison(expression, left, right, schema)
        case [column, low, high] if column.meta.is_column():
            return _between(expression, column, low, high, schema)
    return {}


def _both(left: Bounds, right: Bounds) -> Bounds:
    both = {**left, **right}
    for column in left.keys() & right.keys():
        both[column] = left[column] & right[column]  # type: ignore[operator]
    return both


def _either(left: Bounds, right: Bounds) -> Bounds:
    # A side that nothing can pass says nothing about the rows that there will be.
    if not all(left.values()):
        return right
    if not all(right.values()):
        return left
    return {column: left[column] | right[column] for column in left.keys() & right.keys()}  # type: ignore[operator]


def _comparison(expression: pl.Expr, left: pl.Expr, right: pl.Expr, schema: pl.Schema) -> Bounds:
    if left.meta.is_literal() and right.meta.is_column():
        column, literal = right, left
        ways = [(name, build) for name, build in _FLIPPED if expression.meta.eq(build(left, right))]
    elif left.meta.is_column() and right.meta.is_literal():
        column, literal = left, right
        ways = [(name, build) for name, build in _STRAIGHT if expression.meta.eq(build(left, right))]
    else:
        return {}
    name = column.meta.output_name()
    if not ways or name not in schema:
        return {}
    return _compared(name, schema[name], ways[0][0], _values(literal))


def _between(expression: pl.Expr, column: pl.Expr, low: pl.Expr, high: pl.Expr, schema: pl.Schema) -> Bounds:
    if not (low.meta.is_literal() and high.meta.is_literal()):
        return {}
    name = column.meta.output_name()
    for closed, above, below in _CLOSED:
        if expression.meta.eq(column.is_between(low, high, closed=closed)) and name in schema:  # type: ignore[arg-type]
            lower = _compared(name, schema[name], above, _values(low))
            return _both(lower, _compared(name, schema[name], below, _values(high)))
    return {}


_STRAIGHT: Sequence[tuple[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = (
    ("==", lambda left, right: left == right),
    ("==", lambda left, right: left.eq_missing(right)),
    (">=", lambda left, right: left >= right),
    ("<=", lambda left, right: left <= right),
    (">", lambda left, right: left > right),
    ("<", lambda left, right: left < right),
    ("in", lambda left, right: left.is_in(right)),
)
_FLIPPED: Sequence[tuple[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = (
    ("==", lambda left, right: left == right),
    ("==", lambda left, right: left.eq_missing(right)),
    ("<=", lambda left, right: left >= right),
    (">=", lambda left, right: left <= right),
    ("<", lambda left, right: left > right),
    (">", lambda left, right: left < right),
)
_CLOSED = (("both", ">=", "<="), ("left", ">=", "<"), ("right", ">", "<="), ("none", ">", "<"))


def _values(literal: pl.Expr) -> list[object]:
    """The value of a literal, or the values of a list."""
    series = pl.select(literal).to_series()
    if series.dtype.is_nested():
        return [value for values in series.to_list() if isinstance(values, list) for value in values]
    return series.to_list()


def _compared(column: str, dtype: pl.DataType, way: str, values: list[object]) -> Bounds:
    if way == "in":
        # A null in the list matches nothing: nulls are the column's own.
        values = [value for value in values if value is not None]
    elif len(values) != 1:
        return {}
    if dtype == pl.Date and all(type(value) is datetime.date for value in values):
        days = [Days.that_are(way, value) for value in values if isinstance(value, datetime.date)]
        of_all = NO_DAY
        for some in days:
            of_all |= some
        return {column: of_all}
    if dtype in (pl.String, pl.Categorical) and way in ("==", "in") and all(isinstance(value, str) for value in values):
        return {column: frozenset(value for value in values if isinstance(value, str))}
    return {}
