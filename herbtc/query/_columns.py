"""Columns of frames: each a name, a dtype, what it holds, and how it is read off a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import pandas as pd
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from decimal import Decimal
    from enum import StrEnum

# Built from codes and masks: conversion of object columns by `astype` would cost most of a query.


def _strings(values: Sequence[str | None]) -> Any:
    return pd.array(values, dtype="string")


def _wholes(values: Sequence[int | None]) -> Any:
    mask = np.fromiter((value is None for value in values), bool, len(values))
    return pd.arrays.IntegerArray(np.fromiter((value or 0 for value in values), np.int64, len(values)), mask)


def _numbers(values: Sequence[Decimal | float | None]) -> Any:
    return np.fromiter((np.nan if value is None else float(value) for value in values), np.float64, len(values))


def _truths(values: Sequence[bool | None]) -> Any:
    mask = np.fromiter((value is None for value in values), bool, len(values))
    return pd.arrays.BooleanArray(np.fromiter((bool(value) for value in values), bool, len(values)), mask)


def _days(values: Sequence[date | None]) -> Any:
    return np.array(values, dtype="datetime64[D]").astype("datetime64[s]")


_BUILDERS: dict[str, Callable[[Any], Any]] = {
    "string": _strings,
    "Int64": _wholes,
    "float64": _numbers,
    "boolean": _truths,
    "datetime64[s]": _days,
}


@frozen(kw_only=True)
class Column:
    """One column of a frame.

    Attributes
    ----------
    name : str
    dtype : str
        ``"string" "Int64" "float64" "boolean" "datetime64[s]"`` or ``"category"``.
    about : str
        What it holds, with its unit.
    value : callable
        Takes a row, returns the value; None where there is none.
    words : tuple of str
        The vocabulary of a category, in its order; empty for other dtypes.
    ordered : bool
        Whether the category is ordered.
    unit : str or None
        ``"patients" "percent" "months"``; None for what has no unit.
    least, most : float or None
        Between which values every number lies that a record accepts; None where there is no bound.
    required : bool
        Whether every row has a value.
    """

    name: str
    dtype: str
    about: str
    value: Callable[[Any], Any]
    words: tuple[str, ...] = ()
    ordered: bool = False
    unit: str | None = None
    least: float | None = None
    most: float | None = None
    required: bool = False

    def array(self, rows: Iterable[Any]) -> Any:
        """Return the values of all rows as an array of the column's dtype."""
        value = self.value
        values = [value(row) for row in rows]
        if self.dtype != "category":
            return _BUILDERS[self.dtype](values)
        code = {word: place for place, word in enumerate(self.words)}
        code[None] = -1  # type: ignore[index]
        codes = np.fromiter((code[each] for each in values), np.int64, len(values))
        dtype = pd.CategoricalDtype(list(self.words), ordered=self.ordered)
        return pd.Categorical.from_codes(codes, dtype=dtype)


class More(TypedDict, total=False):
    """What a column may say of its values beside what they are: see `Column`."""

    unit: str
    least: float
    most: float
    required: bool


def text(name: str, about: str, value: Callable[[Any], str | None], **more: Unpack[More]) -> Column:
    """Make a column of strings."""
    return Column(name=name, dtype="string", about=about, value=value, **more)


def whole(name: str, about: str, value: Callable[[Any], int | None], **more: Unpack[More]) -> Column:
    """Make a column of nullable integers."""
    return Column(name=name, dtype="Int64", about=about, value=value, **more)


def number(name: str, about: str, value: Callable[[Any], Decimal | float | None], **more: Unpack[More]) -> Column:
    """Make a column of floats, NaN where there is no value."""
    return Column(name=name, dtype="float64", about=about, value=value, **more)


def patients(name: str, about: str, value: Callable[[Any], int | None], *, required: bool = False) -> Column:
    """Make a column of numbers of patients."""
    return whole(name, about, value, unit="patients", least=0, required=required)


def percentage(
    name: str, about: str, value: Callable[[Any], Decimal | float | None], *, least: float = 0, required: bool = False
) -> Column:
    """Make a column of percentages."""
    return number(name, about, value, unit="percent", least=least, most=100, required=required)


def months(name: str, about: str, value: Callable[[Any], Decimal | float | None], *, required: bool = False) -> Column:
    """Make a column of times."""
    return number(name, about, value, unit="months", least=0, required=required)


def truth(name: str, about: str, value: Callable[[Any], bool | None], **more: Unpack[More]) -> Column:
    """Make a column of nullable booleans."""
    return Column(name=name, dtype="boolean", about=about, value=value, **more)


def day(name: str, about: str, value: Callable[[Any], date | None], **more: Unpack[More]) -> Column:
    """Make a column of dates."""
    return Column(name=name, dtype="datetime64[s]", about=about, value=value, **more)


def word(
    name: str,
    about: str,
    words: type[StrEnum],
    value: Callable[[Any], str | None],
    *,
    ordered: bool = False,
    **more: Unpack[More],
) -> Column:
    """Make a category of a closed vocabulary."""
    return Column(
        name=name, dtype="category", about=about, value=value, words=tuple(map(str, words)), ordered=ordered, **more
    )


def arrays(columns: Sequence[Column], rows: Sequence[Any]) -> dict[str, Any]:
    """Return the values of all columns, which nobody may write to: a frame takes copies of what it needs."""
    return {column.name: column.array(rows) for column in columns}


def frame(columns: Sequence[Column], rows: Sequence[Any]) -> pd.DataFrame:
    """Return the rows as a DataFrame with these columns; the same dtypes when there are no rows."""
    return pd.DataFrame(arrays(columns, rows), copy=False)


def joined(words: Iterable[object]) -> str | None:
    """Join words by semicolons; None for none."""
    return "; ".join(map(str, words)) or None
