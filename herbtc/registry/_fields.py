"""How a field of a record is read: where it stands, and which number its text is."""

import re
from decimal import Decimal
from typing import Any

from attrs import field

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?")
_BOUNDED = re.compile(rf"\s*(<=|>=|[<>=≤≥])?\s*({_NUMBER.pattern})\s*")
_BOUNDS = {None: "=", "≤": "<=", "≥": ">="}


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
