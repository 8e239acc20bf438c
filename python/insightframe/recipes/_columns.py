"""Which column is meant, and what it holds; every error says what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._frames import _optional
from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from .._frames import ArrowStreamable
else:
    pl = _optional("polars", "recipes")


class Columns:
    """The columns of a table, by the recipe's words for them."""

    def __init__(self, recipe: str, table: ArrowStreamable) -> None:
        self.recipe = recipe
        self.frame = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table)
        if self.frame.is_empty():
            raise ConfigError(f"`{recipe}` has nothing to show: the table has no rows")

    def day(self, name: str) -> pl.Expr:
        """Days."""
        found = self._find("date", name, "days", lambda kind: kind in (pl.Date, pl.Datetime))
        return pl.col(found).dt.date()

    def number(self, argument: str, name: str) -> pl.Expr:
        """Numbers, as floats; what is no finite number is null."""
        number = pl.col(self._find(argument, name, "numbers", lambda kind: kind.is_numeric())).cast(pl.Float64)
        return pl.when(number.is_finite()).then(number)

    def text(self, argument: str, name: str) -> pl.Expr:
        """Texts, as they are."""
        return pl.col(self._find(argument, name, "text", lambda kind: not kind.is_nested())).cast(pl.String)

    def instant(self, argument: str, name: str) -> pl.Expr:
        """Instants of UTC."""
        is_instant: Callable[[pl.DataType], bool] = lambda kind: kind == pl.Datetime and kind.time_zone is not None  # type: ignore[attr-defined]  # noqa: E731
        return pl.col(self._find(argument, name, "instants with a time zone", is_instant))

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.frame.columns

    def _find(self, argument: str, name: str, holds: str, fits: Callable[[pl.DataType], bool]) -> str:
        named = [column for column in self.frame.columns if column == name]
        named = named or [column for column in self.frame.columns if _bare(column) == _bare(name)]
        if len(named) != 1:
            there = "no column" if not named else "more than one column"
            raise ConfigError(
                f"`{self.recipe}` found {there} `{name}` among {self._there()}\n"
                f"hint: `{argument}=` names the column that is meant"
            )
        kind = self.frame.schema[named[0]]
        if not fits(kind):
            raise ConfigError(
                f"`{self.recipe}` needs {holds} in column `{named[0]}`, which is {kind}\n"
                f"hint: `{argument}=` names another column, and `schema=` of the export gives it another type"
            )
        return named[0]

    def _there(self) -> str:
        return ", ".join(f"`{name}` ({kind})" for name, kind in self.frame.schema.items())


def _bare(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def mean(value: pl.Expr, weight: pl.Expr) -> pl.Expr:
    """The mean of all contacts, from means of rows and their numbers of contacts; null where nobody contacted."""
    counts = pl.when(value.is_not_null()).then(weight)
    total = counts.sum()
    return pl.when(total > 0).then((value * counts).sum() / total)
