"""Patients of a table: one row each in, as records out, with every fault of every row at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from attrs import fields_dict

from herbtc.errors import DataError, Problem
from herbtc.her2 import Assay
from herbtc.matching._patient import Patient

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASSAY = tuple(name for name in fields_dict(Assay) if name != "staining")
_PATIENT = tuple(name for name in fields_dict(Patient) if name != "her2")
_LISTS = ("variants", "prior_agents", "drivers")
_WHOLE = ("prior_lines", "ecog", "ish_cells")


def patients_of(frame: pd.DataFrame) -> list[Patient]:
    """Return a patient for each row; DataError with the label and the field of everything that cannot be."""
    strange = [str(name) for name in frame.columns if name not in _ASSAY + _PATIENT]
    problems = [
        Problem("", name, f"expected one of {' '.join(_ASSAY + _PATIENT)}; keep other columns apart, or as the index")
        for name in strange
    ]
    made = []
    for label, row in zip(frame.index, _rows(frame), strict=True):
        try:
            assay = Assay(**{name: row[name] for name in _ASSAY if name in row})
            made.append(Patient(her2=assay, **{name: row[name] for name in _PATIENT if name in row}))
        except DataError as error:
            problems += [Problem(f"row {label}", each.path, each.message) for each in error.problems]
    if problems:
        raise DataError("patients", problems)
    return made


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    for values in zip(*(frame[name].tolist() for name in names), strict=True):
        yield {
            name: value for name, each in zip(names, values, strict=True) if (value := _plain(name, each)) is not None
        }
    if not names:
        yield from ({} for _ in range(len(frame)))


def _plain(name: str, value: Any) -> Any:
    # A table has missing values where a record has None, and numbers of its own types where it has whole ones.
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if pd.isna(value):
        return None
    if name in _LISTS and isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    if name in _WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    if name == "day" and isinstance(value, pd.Timestamp):
        return value.date()
    return value
