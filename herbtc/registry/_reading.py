"""JSON to record: tolerant of keys that it does not know, strict about those that it does.

A registry adds keys without notice, so that what is not read is passed over. What is read has its type and its form, or
the record is refused with every fault and its path.
"""

from __future__ import annotations

import json
import re
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

import attrs

from herbtc.errors import DataError, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.registry._fields import Form

T = TypeVar("T")

_MOST = 10**9  # participants of a study, or events in it
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Faulty(Exception):  # noqa: N818  (never leaves this module)
    """All faults inside one value, each with its path from there."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = faults


def parsed(data: bytes, where: str) -> Any:
    """Return the JSON document in some bytes.

    Raises
    ------
    herbtc.DataError
        If they are no JSON, or JSON that cannot be held.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, such as Path.read_bytes() returns, got {type(data).__name__}")
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
        if _LONE_SURROGATE.search(data):
            # Half a character in a text could be written to no file later.
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        message = f"expected UTF-8 text; byte {error.start} is not"
    except UnicodeEncodeError:
        message = "expected text; half of a surrogate pair stands alone"
    except json.JSONDecodeError as error:
        begin = data[:40].decode("utf-8", "replace")
        message = f"expected JSON: {error}" if begin[:1] in ("{", "[") else f"expected JSON, got {shown(begin)}"
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits, and tables nested without end, are JSON that Python refuses to hold.
        message = f"not readable as JSON: {error}"
    else:
        return document
    raise DataError(where, [Problem("", "", message)])


def made(document: Any, of: type[T], where: str) -> T:
    """Return the record that a document describes.

    Raises
    ------
    herbtc.DataError
        With every fault and its path.
    """
    try:
        record: T = _maker(of)(document)  # type: ignore[arg-type]
    except _Faulty as error:
        raise DataError(where, [Problem("", path, message) for path, message in error.faults]) from None
    return record


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _refuse(expected: str, got: object) -> _Faulty:
    return _Faulty([("", f"expected {expected}, got {shown(got)}")])


def _inside(place: str, error: _Faulty) -> list[tuple[str, str]]:
    return [
        (f"{place}.{path}" if path and not path.startswith("[") else place + path, message)
        for path, message in error.faults
    ]


# --- makers, one for each kind of field -------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _refuse("text", value)
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise _refuse("a whole number", value)
    if not 0 <= value < _MOST:
        raise _refuse("a whole number of a plausible size", value)
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise _refuse("true or false", value)
    return value


def _formed(form: Form) -> Callable[[Any], str]:
    def make(value: Any) -> str:
        if not form.fits(_text(value)):
            raise _refuse(form.expected, value)
        return str(value)

    return make


def _list_of(of: Any) -> Callable[[Any], tuple[Any, ...]]:
    item = _maker(of)

    def make(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _refuse("a list", value)
        records = []
        faults: list[tuple[str, str]] = []
        for place, each in enumerate(value):
            try:
                records.append(item(each))
            except _Faulty as error:
                faults += _inside(f"[{place}]", error)
        if faults:
            raise _Faulty(faults)
        return tuple(records)

    return make


def _record_of(of: Any) -> Callable[[Any], Any]:
    plan = [_planned(each) for each in attrs.fields(of)]
    required = [
        (name, ".".join((*outer, key)))
        for (name, outer, key, *_), each in zip(plan, attrs.fields(of), strict=True)
        if each.default is attrs.NOTHING
    ]

    def make(table: Any) -> Any:
        if type(table) is not dict:
            raise _refuse("a table", table)
        values: dict[str, Any] = {}
        faults: dict[tuple[str, str], None] | None = None
        for name, outer, key, plain, maker in plan:
            try:
                value = (_within(table, outer) if outer else table).get(key)
                if type(value) is plain:
                    values[name] = value
                elif value is not None:
                    values[name] = maker(value)
            except _Faulty as error:
                # In a dictionary, as a broken table is on the way to many fields, and is one fault.
                faults = (faults or {}) | dict.fromkeys(_placed(outer, key, error))
        if faults is None:
            try:
                return of(**values)
            except TypeError:  # to ask for what is missing here, and not of each record before, is a tenth of the cost
                faults = {
                    (path, "expected a value; there is none"): None for name, path in required if name not in values
                }
        raise _Faulty(list(faults))

    return make


_Planned = tuple[str, tuple[str, ...], str, "type | None", "Callable[[Any], Any]"]


def _planned(attribute: attrs.Attribute[Any]) -> _Planned:
    # The name of a field, the tables it is in, its key there, its type if that is all there is to check, its maker.
    *outer, key = attribute.metadata.get("path", (_camel(attribute.name),))
    kind = _reported(attribute.type)
    return attribute.name, tuple(outer), key, kind if kind is str else None, _maker(kind)


def _uncontradicted(
    make: Callable[[Any], Any], contradictions: Callable[[Any], list[tuple[str, str]]]
) -> Callable[[Any], Any]:
    def checked(table: Any) -> Any:
        record = make(table)
        if found := contradictions(table):
            raise _Faulty(found)
        return record

    return checked


class _OnTheWay(_Faulty):
    """A fault at a table that a field is in, with its path from the record."""


def _placed(outer: tuple[str, ...], key: str, error: _Faulty) -> list[tuple[str, str]]:
    return error.faults if isinstance(error, _OnTheWay) else _inside(".".join((*outer, key)), error)


_NOTHING: dict[str, Any] = {}


def _within(table: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    # The table at a path; an empty one where there is none.
    for depth, key in enumerate(path, 1):
        inner = table.get(key)
        if inner is None:
            return _NOTHING
        if type(inner) is not dict:
            raise _OnTheWay([(".".join(path[:depth]), f"expected a table, got {shown(inner)}")])
        table = inner
    return table


_PLAIN: dict[type, Callable[[Any], Any]] = {str: _text, int: _whole, bool: _truth}


@cache
def _maker(of: Any) -> Callable[[Any], Any]:
    if get_origin(of) is tuple:
        return _list_of(get_args(of)[0])
    if get_origin(of) is Annotated:
        return _formed(of.__metadata__[0])
    if not attrs.has(of):
        return _PLAIN[of]
    make = _record_of(of)
    return _uncontradicted(make, of.contradictions) if hasattr(of, "contradictions") else make


def _reported(of: Any) -> Any:
    # What a field holds where the registry prints it: X of `X | None`.
    kinds = [each for each in get_args(of) if each is not NoneType]
    return kinds[0] if NoneType in get_args(of) else of


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
