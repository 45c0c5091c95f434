"""What travels with a frame into a file: its attrs, the data release, the licence, what its columns mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from herbtc import query
from herbtc.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Hashable

    from herbtc.query._columns import Column

LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0 International",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}


def refuse(what: str, problem: str) -> DataError:
    """Return the error about a column, or about anything else of a frame."""
    return DataError("the frame", [Problem("", what, problem)])


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame, or raise DataError if a file of rows and named columns could not hold all of it."""
    if any(name is not None for name in frame.index.names):
        raise refuse("index", "expected an index without a name, which files leave out; reset_index() makes columns")
    names: list[Hashable] = list(frame.columns)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise refuse("columns", f"expected names of columns that are text and differ, got {names}")
    for name in names:
        if frame[name].dtype == object and (kind := _kind(frame[name])) not in _CELLS:
            raise refuse(str(name), f"expected cells of one kind, text, numbers, truths or days; got {kind}")
    attributes(frame)
    return frame


# What pandas calls the contents of a column of objects that a cell of a file can hold.
_CELLS = {"string", "empty", "boolean", "integer", "floating", "mixed-integer-float", "decimal", "date"}


def _kind(column: pd.Series[Any]) -> str:
    return str(pd.api.types.infer_dtype(column, skipna=True))


def attributes(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the attrs of a frame as JSON holds them; DataError if it cannot."""
    try:
        read: dict[str, Any] = json.loads(json.dumps(frame.attrs, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise refuse("attrs", f"expected what JSON can hold: {error}") from None
    return read


def release(frame: pd.DataFrame) -> str | None:
    """Return the data release that a frame came from; None for a frame of other origin."""
    provenance = frame.attrs.get("herbtc")
    found = provenance.get("release") if isinstance(provenance, dict) else None
    return found if isinstance(found, str) else None


def licensed(data_release: str | None) -> bool:
    """Whether all of a release is the shipped evidence, which has a licence; what users added is theirs."""
    return data_release is not None and re.fullmatch(r"\d+\.\d+\.\d+", data_release) is not None


def described(frame: pd.DataFrame) -> dict[str, Column]:
    """Return what the columns of a frame of `herbtc.query` are, as far as it is sure.

    A frame may have lost columns and won others, so its kind is not certain: a column is described where all kinds of
    frames that it resembles most say the same of it.
    """
    if release(frame) is None:
        return {}
    names = set(frame.columns)
    kinds = [{column.name: column for column in columns} for columns in query.COLUMNS.values()]
    most = max(len(names & kind.keys()) for kind in kinds)
    nearest = [kind for kind in kinds if len(names & kind.keys()) == most]
    found: dict[str, Column] = {}
    for name in frame.columns:
        said = [kind[name] for kind in nearest if name in kind]
        if said and len({(each.about, each.unit, each.dtype, each.words) for each in said}) == 1:
            found |= {name: said[0]} if str(frame[name].dtype) == said[0].dtype else {}
    return found
