"""JSON Schema of the data files, for editors that check and complete TOML while it is written.

Everything is read off the records: their fields and types, the words of their vocabularies, those of their rules that
JSON Schema can say, and the meaning of a field where a column of `herbtc.query` of the same name tells it.
What a schema cannot say, references between files above all, `python -m herbtc check` says.
"""

from __future__ import annotations

import inspect
import json
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin

import attrs

from herbtc import query
from herbtc._files import FILES
from herbtc._structure import DIGITS
from herbtc._version import __version__
from herbtc.errors import look_up
from herbtc.models import Record, Rule, Trial, fields_in_files

if TYPE_CHECKING:
    from os import PathLike

KINDS: dict[str, type[Record]] = {"study": Trial} | {
    file.removesuffix(".toml"): record for file, record in FILES.items()
}
"""The kinds of data file, and what each holds."""

Schema = dict[str, Any]

_SIZE = 10**DIGITS
_NUMBER: Schema = {"type": "number", "exclusiveMinimum": -_SIZE, "exclusiveMaximum": _SIZE}
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string", "pattern": r"^\S([\s\S]*\S)?$"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "exclusiveMinimum": -_SIZE, "exclusiveMaximum": _SIZE},
    Decimal: _NUMBER,
    # An editor shows a checker the dates of TOML as text.
    date: {"type": "string", "format": "date"},
}
_BOUNDS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}


def of(kind: str) -> Schema:
    """Return the JSON Schema (2020-12) of a kind of data file.

    Parameters
    ----------
    kind : str
        ``study``, or the name of a file beside ``trials/`` without its ending: ``agents definitions approvals
        guidelines prevalence corrections``.

    Raises
    ------
    herbtc.UnknownKeyError
        For any other word.

    Examples
    --------
    >>> from herbtc import schema
    >>> study = schema.of("study")
    >>> study["required"]
    ['key', 'name', 'design']
    >>> study["properties"]["phase"]["enum"][:3]
    ['1', '1b', '1/2']
    """
    record = look_up("kind of data file", kind, KINDS)
    definitions: dict[str, Schema] = {}
    table = _table(record, "trials" if record is Trial else "", definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Generated from the records of herbtc {__version__}.",
        "title": f"herbtc: {kind}",
        **table,
        "$defs": dict(sorted(definitions.items())),
    }


def write(folder: str | PathLike[str]) -> list[Path]:
    """Write the schemas of all kinds into a folder, which is made if need be; return their paths.

    Examples
    --------
    >>> import tempfile
    >>> from herbtc import schema
    >>> [path.name for path in schema.write(tempfile.mkdtemp())][:2]
    ['study.schema.json', 'agents.schema.json']
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for kind in KINDS:
        path = Path(folder) / f"{kind}.schema.json"
        path.write_text(text(kind), "utf-8")
        paths.append(path)
    return paths


def text(kind: str) -> str:
    """Return the JSON Schema of a kind of data file as text, as `write` writes it."""
    return json.dumps(of(kind), indent=2, ensure_ascii=False) + "\n"


# --- records to schemas -----------------------------------------------------------------------------------------------


def _table(record: type[Any], section: str, definitions: dict[str, Schema]) -> Schema:
    fields = fields_in_files(record)
    about = {column.name: column.about for column in query.COLUMNS.get(section, ())}
    properties = {}
    for name, field in fields.items():
        rules = [rule for rule in record.RULES if rule.fields[0] == name]
        made = _value(field.type, name, rules, definitions)
        # A column holds a list as one text, and says how.
        if name in about and "items" not in made and "$ref" not in made:
            made = {"description": about[name]} | made
        if isinstance(field.default, StrEnum | bool):
            made["default"] = field.default if isinstance(field.default, bool) else str(field.default)
        properties[name] = made
    between = [dict(rule.of_record) for rule in record.RULES if rule.of_record]
    return {
        "description": _summary(record),
        "type": "object",
        "properties": properties,
        "required": [name for name, field in fields.items() if field.default is attrs.NOTHING],
        "additionalProperties": False,
        **({"allOf": between} if between else {}),
    }


def _value(of_field: Any, name: str, rules: list[Rule], definitions: dict[str, Schema]) -> Schema:
    kinds = [each for each in get_args(of_field) if each is not NoneType] if _is_union(of_field) else [of_field]
    made = [_one(kind, name, rules, definitions) for kind in kinds]
    return made[0] if len(made) == 1 else {"anyOf": made}


def _is_union(of_field: Any) -> bool:
    return get_origin(of_field) is UnionType


def _one(kind: Any, name: str, rules: list[Rule], definitions: dict[str, Schema]) -> Schema:
    said: Schema = {}
    for rule in rules:
        said |= rule.of_value
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        items = _reference(item, name, definitions) if attrs.has(item) else _value(item, name, [], definitions)
        return {"type": "array", "items": items, **said}
    if attrs.has(kind):
        return _reference(kind, name, definitions)
    if issubclass(kind, StrEnum):
        alone = [rule.holds for rule in rules if rule.fields == (name,)]
        return {
            "description": _summary(kind),
            "enum": [str(word) for word in kind if all(holds(word) for holds in alone)],
        }
    if kind in (int, Decimal):
        # What a rule bounds needs no bound of plausibility.
        plain = {key: bound for key, bound in _PLAIN[kind].items() if not {key, *_inclusive(key)} & said.keys()}
        return plain | said
    return _PLAIN[kind] | said


def _inclusive(bound: str) -> list[str]:
    return [inclusive for inclusive, exclusive in _BOUNDS.items() if exclusive == bound]


def _reference(record: type[Any], section: str, definitions: dict[str, Schema]) -> Schema:
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}  # so that a record inside itself ends
        definitions[name] = _table(record, section, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _summary(of_what: type) -> str:
    return " ".join((inspect.getdoc(of_what) or "").partition("\n\n")[0].split())
