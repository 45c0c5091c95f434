"""How a field of a record is read: where it stands, which form its text has, and which number it is."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from attrs import field, frozen

NUMBER_OF_STUDY = re.compile(r"NCT[0-9]{8}")
"""What numbers of ClinicalTrials.gov look like."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?")
_BOUNDED = re.compile(rf"\s*(<=|>=|[<>=≤≥])?\s*({_NUMBER.pattern})\s*")
_PARTIAL_DATE = re.compile(r"[12][0-9]{3}(?:-[0-9]{2}){0,2}")
_BOUNDS = {None: "=", "≤": "<=", "≥": ">="}


@frozen
class Form:
    """The form that a text must have."""

    fits: Callable[[str], object]
    expected: str


def _is_partial_date(text: str) -> bool:
    if not _PARTIAL_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - len("2024") :])
    except ValueError:  # such as 30 February
        return False
    return True


PartialDate = Annotated[str, Form(_is_partial_date, "a date such as 2024-05 or 2024-05-17")]
NctId = Annotated[str, Form(NUMBER_OF_STUDY.fullmatch, "a number of ClinicalTrials.gov, NCT and eight digits")]


def at(path: str, **kwargs: Any) -> Any:
    """Make a field that is read at a path of its own, not at the key that its name gives."""
    return field(metadata={"path": tuple(path.split("."))}, **kwargs)


def number(text: str | None) -> Decimal | None:
    """Return the number that a text is; None for "NA", for a text with anything else in it, and where there is none."""
    return Decimal(text) if text is not None and _NUMBER.fullmatch(text) else None


def bounded(text: str | None) -> tuple[str, Decimal] | None:
    """Return the relation and the number of a text such as "<0.001", "=0.247" or "0.65"; None if it is none."""
    found = _BOUNDED.fullmatch(text) if text is not None else None
    return (_BOUNDS.get(found[1], found[1]), Decimal(found[2])) if found else None
