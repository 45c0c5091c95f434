"""TOML text to record, strictly: one cattrs converter that never coerces and reports every fault with its place."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn

from herbtc.errors import DataError, Problem
from herbtc.models import broken
from herbtc.terms import Reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cattrs import BaseConverter

T = TypeVar("T")

_LARGEST = Decimal(10) ** 9


def parse(data: bytes, file: str) -> tuple[dict[str, Any] | None, tuple[Problem, ...]]:
    """Read TOML; return the document and no problems, or None and what is wrong."""
    try:
        return tomllib.loads(data.decode("utf-8"), parse_float=Decimal), ()
    except UnicodeDecodeError as error:
        message = f"expected UTF-8 text; byte {error.start} is not"
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Numbers of thousands of digits and tables nested without end are TOML that Python refuses to hold.
        message = f"not readable as TOML: {error}"
    return None, (Problem(file, "", message),)


def structure(document: Any, of: type[T], file: str) -> tuple[T | None, tuple[Problem, ...]]:
    """Make a record of a document; return it and no problems, or None and every problem with its path."""
    try:
        return _CONVERTER.structure(document, of), ()
    except Exception as error:  # noqa: BLE001  (every kind of fault becomes a problem with its place)
        return None, tuple(Problem(file, path.removeprefix("."), message) for path, message in _faults(error, ""))


def _faults(error: BaseException, path: str) -> Iterator[tuple[str, str]]:
    match error:
        case ClassValidationError():
            noted, others = error.group_exceptions()
            for inner, note in noted:
                yield from _faults(inner, f"{path}.{note.name}")
            for inner in others:
                yield from _faults(inner, path)
        case IterableValidationError():
            for inner, note in error.group_exceptions()[0]:
                yield from _faults(inner, f"{path}[{note.index}]")
        case ForbiddenExtraKeysError():
            known = ", ".join(name for name in attrs.fields_dict(error.cl))
            for key in sorted(error.extra_fields):
                yield f"{path}.{key}", f"unknown key; expected one of {known}"
        case DataError():
            for problem in error.problems:
                yield f"{path}.{problem.path}", problem.message
        case KeyError():
            yield path, "expected a value; the key is missing"
        case _:
            yield path, str(error)


# --- the converter ----------------------------------------------------------------------------------------------------


def _refuse(expected: str, got: object) -> ValueError:
    shown = repr(str(got) if isinstance(got, (Decimal, date)) else got)
    return ValueError(f"expected {expected}, got {shown if len(shown) <= 60 else shown[:57] + '...'}")  # noqa: PLR2004


def _text(value: Any, of: type) -> str:
    # cattrs sends members of StrEnum here too, because singledispatch finds their base class first.
    if issubclass(of, StrEnum):
        return _word(value, of)
    if type(value) is not str:
        raise _refuse("text", value)
    if not value.strip() or value != value.strip():
        raise _refuse("text that neither is empty nor begins or ends with space", value)
    return value


def _word(value: Any, of: type[StrEnum]) -> StrEnum:
    if type(value) is str:
        try:
            return of(value)
        except ValueError:
            pass
    raise _refuse(f"one of {' '.join(of)}", value)


def _whole(value: Any, _: type) -> int:
    if type(value) is not int:
        raise _refuse("a whole number", value)
    if abs(value) > _LARGEST:
        raise _refuse("a whole number of a plausible size", value)
    return value


def _truth(value: Any, _: type) -> bool:
    if type(value) is not bool:
        raise _refuse("true or false", value)
    return value


def _number(value: Any, _: Any) -> Decimal:
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal:
        raise _refuse("a number", value)
    if not value.is_finite():
        raise _refuse("a finite number", value)
    if abs(value) > _LARGEST or value.adjusted() < -_LARGEST.adjusted() and value != 0:
        raise _refuse("a number of a plausible size", value)
    return value


def _day(value: Any, _: type) -> date:
    # A date with a time is a datetime, which Python counts among dates.
    if type(value) is not date:
        raise _refuse("a date such as 2023-06-02, without quotes", value)
    return value


def _number_or_reach(value: Any, _: Any) -> Decimal | Reach:
    if type(value) is str:
        if value in set(Reach):
            return Reach(value)
        raise _refuse(f"a number or one of {' '.join(Reach)}", value)
    return _number(value, _)


def _number_or_text(value: Any, _: Any) -> Decimal | str:
    return _text(value, str) if type(value) is str else _number(value, _)


def _list_of(of: Any, converter: BaseConverter) -> Callable[[Any, Any], tuple[Any, ...]]:
    item = get_args(of)[0]
    inner = converter.get_structure_hook(item)

    def hook(value: Any, _: Any) -> tuple[Any, ...]:
        # A string is iterable too: without this, "abc" would become ("a", "b", "c").
        if type(value) is not list:
            raise _refuse("a list", value)
        records, errors = [], []
        for index, element in enumerate(value):
            try:
                records.append(inner(element, item))
            except Exception as error:  # noqa: BLE001
                error.__notes__ = [IterableValidationNote("", index, item)]
                errors.append(error)
        if errors:
            raise IterableValidationError("", errors, of)
        return tuple(records)

    return hook


def _table_of(of: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    make = make_dict_structure_fn(
        of, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
    )

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise _refuse("a table", value)
        try:
            return make(value, of)
        except ClassValidationError as error:
            rest = _rules_broken_besides(error, value, of, converter)
            raise ClassValidationError("", [*error.exceptions, *rest], of) from None

    return hook


def _rules_broken_besides(
    error: ClassValidationError, value: dict[str, Any], of: Any, converter: BaseConverter
) -> Iterator[DataError]:
    # A record checks its rules when it is made; one with a broken field never is, so its sound fields are checked here.
    noted, others = error.group_exceptions()
    if any(isinstance(inner, DataError) for inner in others):
        return
    bad = {note.name for _, note in noted}
    sound = {
        name: converter.structure(value[name], attribute.type) if name in value else attribute.default  # type: ignore[arg-type]
        for name, attribute in attrs.fields_dict(of).items()
        if name not in bad
    }
    problems = [Problem("", name, message) for name, message in broken(of.RULES, sound)]
    if problems:
        yield DataError("", problems)


def _strict_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for of, hook in {
        str: _text,
        int: _whole,
        bool: _truth,
        Decimal: _number,
        date: _day,
        Decimal | Reach: _number_or_reach,
        Decimal | Reach | None: _number_or_reach,
        Decimal | str | None: _number_or_text,
    }.items():
        converter.register_structure_hook(of, hook)
    converter.register_structure_hook_factory(lambda of: get_origin(of) is tuple, _list_of)
    converter.register_structure_hook_factory(attrs.has, _table_of)
    return converter


_CONVERTER = _strict_converter()
