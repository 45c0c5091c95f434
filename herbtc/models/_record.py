"""What all records share: rules that hold between their fields, checked when a record is made."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, ClassVar, get_args, get_origin

from attrs import Attribute, field, fields, frozen

from herbtc._html import Shown
from herbtc.errors import DataError, Problem, shown
from herbtc.terms import Reach

KEY = re.compile(r"[a-z0-9]+(?:[-+./][a-z0-9]+|\+)*")
"""What keys of records look like: lower case, hyphens, and what HER2 scores need (``ihc-3+``)."""


ADDRESS = re.compile(r"https?://\S+\.\S+")
PARTIAL_DATE = re.compile(r"(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")


@frozen
class Rule:
    """Something that must hold between fields of one record.

    Attributes
    ----------
    fields : tuple of str
        The fields it looks at; the first is named where the rule is broken, and unless `always`, a record that does
        not report the first is not asked.
    holds : callable
        Takes the values of the fields, None where not reported.
    expected : str
        What must be, in words; ``{0}``, ``{1}`` … stand for the values.
    of_value, of_record : mapping
        What JSON Schema can say of the same, as keywords about the first field and about the record.
    """

    fields: tuple[str, ...]
    holds: Callable[..., bool]
    expected: str
    always: bool = False
    of_value: Mapping[str, Any] = field(factory=dict, kw_only=True, eq=False)
    of_record: Mapping[str, Any] = field(factory=dict, kw_only=True, eq=False)


def within(name: str, low: float, high: float) -> Rule:
    """Rule that a number, if there is one, lies from `low` to `high`."""
    return Rule(
        (name,),
        lambda value: isinstance(value, Reach) or low <= value <= high,
        f"expected a number from {low} to {high}, got {{0}}",
        of_value={"minimum": low, "maximum": high},
    )


def key_rule(name: str) -> Rule:
    """Rule that a field is a key in lower case with hyphens."""
    return matching(name, KEY, "expected a key in lower case with hyphens, got {0}")


def matching(name: str, pattern: re.Pattern[str], expected: str) -> Rule:
    """Rule that a text, if there is one, has a form."""
    return Rule(
        (name,),
        lambda value: pattern.fullmatch(value) is not None,
        expected,
        of_value={"pattern": f"^(?:{pattern.pattern})$"},
    )


def unique(name: str, expected: str) -> Rule:
    """Rule that nothing stands in a list twice."""
    return Rule((name,), lambda values: len(set(values)) == len(values), expected, of_value={"uniqueItems": True})


def filled(name: str, expected: str) -> Rule:
    """Rule that a list, if there is one, is not empty."""
    return Rule((name,), bool, expected, of_value={"minItems": 1})


def some(*names: str, expected: str) -> Rule:
    """Rule that at least one of several fields is reported."""
    return Rule(
        names,
        lambda *values: any(value is not None for value in values),
        expected,
        always=True,
        of_record={"anyOf": [{"required": [name]} for name in names]},
    )


def ordered(low: str, high: str) -> Rule:
    """Rule that two numbers, if there are both, stand in order."""

    # A misprint is kept as printed, so a suspect figure may break the order of its numbers.
    def holds(one: Any, other: Any, suspect: str | None) -> bool:
        return (
            other is None or isinstance(one, Reach) or isinstance(other, Reach) or one <= other or suspect is not None
        )

    return Rule((low, high, "suspect"), holds, f"expected {low} ≤ {high}, got {{0}} > {{1}}")


def together(name: str, *others: str) -> Rule:
    """Rule that a field is reported only beside one of the others."""
    return Rule(
        (name, *others),
        lambda _, *rest: any(other is not None for other in rest),
        f"expected {' or '.join(others)} beside {name}",
        # Editors that know older drafts only would pass over `dependentSchemas`.
        of_record={"anyOf": [{"not": {"required": [name]}}, *({"required": [other]} for other in others)]},
    )


# What people type is turned into what a record holds only where nothing is lost or guessed by it; anything else stays
# as it is, for the record to refuse by its field.


def as_number(value: Any) -> Any:
    """Return a whole number or a decimal as a float, anything else as it is."""
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value


def as_word(words: type[StrEnum], value: Any) -> Any:
    """Return a text as the member of a vocabulary that it names, anything else as it is."""
    return words(value) if isinstance(value, str) and value in set(words) else value


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, anything else as it is: above all a text, which is no list of its letters."""
    return tuple(value) if isinstance(value, list) else value


def broken(rules: tuple[Rule, ...], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield field and message of each rule that does not hold; rules over fields not in `values` are passed over."""
    for rule in rules:
        if rule.always or values.get(rule.fields[0]) is not None:
            try:
                seen = [values[name] for name in rule.fields]
            except KeyError:
                continue
            if not rule.holds(*seen):
                yield rule.fields[0], rule.expected.format(*map(shown, seen))


@frozen(kw_only=True, repr=False)
class Record(Shown):
    """What all records share: they check their rules when made."""

    RULES: ClassVar[tuple[Rule, ...]] = ()

    def __repr__(self) -> str:
        # What was not reported is left out, so that a figure can be read at a glance.
        reported = ((name, getattr(self, name)) for name in _types(type(self)))  # type: ignore[arg-type]
        values = ", ".join(f"{name}={_short(value)}" for name, value in reported if value is not None and value != ())
        return f"{type(self).__name__}({values})"

    def __attrs_post_init__(self) -> None:
        """Raise DataError if a field has a wrong type or a rule of the class is broken."""
        read, allowed, rules = _plan(type(self))  # type: ignore[arg-type]
        values = read(self)
        # Thousands of records are sound for each that is not, so this only says whether anything is wrong at all.
        if not (_has(values, allowed) and _obeys(values, rules)):
            self._refuse()

    def _refuse(self) -> None:
        types = _types(type(self))  # type: ignore[arg-type]
        values = {name: getattr(self, name) for name in types}
        wrong = {name: value for name, value in values.items() if type(value) not in types[name]}
        sound = {name: value for name, value in values.items() if name not in wrong}
        faults = [(name, f"expected {_either(types[name])}, got {shown(value)}") for name, value in wrong.items()]
        faults += broken(self.RULES, sound)
        raise DataError(type(self).__name__, [Problem("", name, message) for name, message in faults])


NOT_IN_FILES = {"in_files": False}
"""Metadata of a field that is worked out, and that no file may set."""


def fields_in_files(of: type[Record]) -> "dict[str, Attribute[Any]]":
    """Return the fields of a class that a file may set, by name."""
    return {each.name: each for each in fields(of) if each.metadata.get("in_files", True)}


_Values = tuple[Any, ...]
_Planned = tuple[bool, Callable[..., bool], int, tuple[int, ...]]


def _has(values: _Values, allowed: tuple[frozenset[type], ...]) -> bool:
    for value, types in zip(values, allowed, strict=True):  # noqa: SIM110
        if type(value) not in types:
            return False
    return True


def _obeys(values: _Values, rules: tuple[_Planned, ...]) -> bool:
    for always, holds, first, rest in rules:
        value = values[first]
        if (value is not None or always) and not holds(value, *[values[place] for place in rest]):
            return False
    return True


@cache
def _plan(
    of: "type[Record]",
) -> tuple[Callable[[Any], _Values], tuple[frozenset[type], ...], tuple[_Planned, ...]]:
    # How the fields of a class are read, which types each may hold, and its rules by the places of their fields.
    types = _types(of)  # type: ignore[arg-type]
    names = list(types)
    rules = tuple(
        (rule.always, rule.holds, names.index(rule.fields[0]), tuple(names.index(name) for name in rule.fields[1:]))
        for rule in of.RULES
    )
    read = attrgetter(*names) if len(names) > 1 else lambda record: tuple(getattr(record, name) for name in names)
    return read, tuple(types.values()), rules


@cache
def _types(of: "type[Record]") -> dict[str, frozenset[type]]:
    # The types that each field of a class may hold; what is inside a tuple checks itself.
    return {
        each.name: frozenset(
            get_origin(one) or one for one in (get_args(each.type) if _is_union(each.type) else (each.type,))
        )
        for each in fields(of)
    }


def _is_union(of: Any) -> bool:
    return get_origin(of) is UnionType


def _short(value: object) -> str:
    if isinstance(value, tuple):
        if value and isinstance(value[0], Record):
            return f"<{len(value)}>"
        return f"({', '.join(map(_short, value))}{',' * (len(value) == 1)})"
    if isinstance(value, (Decimal, date)):
        return str(value)
    return repr(str(value) if isinstance(value, StrEnum) else value)


def _either(types: frozenset[type]) -> str:
    return " or ".join(sorted(map(_named, types)))


def _named(each: type) -> str:
    if each is NoneType:
        return "nothing"
    return f"one of {' '.join(each)}" if issubclass(each, StrEnum) else each.__name__
