"""The whole catalog as JSON, and back."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from json import dumps, loads
from typing import Any

from attrs import fields, fields_dict, frozen
from cattrs import Converter

from herbtc import _references, _structure
from herbtc._files import FILES
from herbtc.catalog import Catalog, load
from herbtc.errors import DataError, Problem
from herbtc.export._frames import LICENCE, licensed


@frozen(kw_only=True)
class Document:
    """What the JSON holds."""

    catalog: Catalog
    licence: str | None = None


def json(catalog: Catalog | None = None) -> str:
    """Return all records of a catalog as JSON, one document that `from_json` reads back equal.

    The keys are the names of the fields in `herbtc.models`; what was not reported, and what equals its default, is
    absent. Numbers keep the digits of their source (0.90), days are text (``"2023-06-02"``).

    Parameters
    ----------
    catalog : Catalog, optional
        The evidence to write; the shipped one by default.

    Examples
    --------
    >>> import herbtc
    >>> from herbtc import export
    >>> export.from_json(export.json()) == herbtc.load()
    True
    """
    catalog = load() if catalog is None else catalog
    document = Document(catalog=catalog, licence=LICENCE["name"] if licensed(catalog.release) else None)
    return "".join(_written(_converter().unstructure(document))) + "\n"


def from_json(text: str | bytes) -> Catalog:
    """Return the catalog that `json` wrote.

    Everything is checked as in files of evidence: types, vocabularies, rules of records, references between them.

    Parameters
    ----------
    text : str or bytes

    Raises
    ------
    herbtc.DataError
        With every fault, each with its place.

    Examples
    --------
    >>> from herbtc import export
    >>> export.from_json('{"catalog": {"release": "mine", "agents": [{"key": "x", "nam": "X"}]}}')
    Traceback (most recent call last):
    ...
    herbtc.errors.DataError: 3 faults in JSON
      catalog.agents[0].nam: unknown key; expected one of key, name, ...
      catalog.agents[0].name: expected a value; the key is missing
      catalog.agents[0].mechanism: expected a value; the key is missing
    """
    try:
        document = loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_table)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise DataError("JSON", [Problem("", "", f"expected JSON: {error}")]) from None
    made, problems = _structure.structure(document, Document, "", days_as_text=True)
    if made is None:
        raise DataError("JSON", problems)
    if broken := list(_broken(document["catalog"])):
        raise DataError("JSON", broken)
    return made.catalog


def _written(value: Any) -> Iterator[str]:
    # The encoder of the standard library has no way to write a number with the digits that a Decimal holds.
    match value:
        case dict():
            for place, (name, each) in enumerate(value.items()):
                yield f"{', ' if place else '{'}{dumps(name)}: "
                yield from _written(each)
            yield "}" if value else "{}"
        case list() | tuple():
            for place, each in enumerate(value):
                yield ", " if place else "["
                yield from _written(each)
            yield "]" if value else "[]"
        case Decimal():
            yield str(value)
        case date():
            yield f'"{value.isoformat()}"'
        case _:
            yield dumps(value, ensure_ascii=False)


@cache
def _converter() -> Converter:
    return Converter(omit_if_default=True)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError(f"expected each key of a table once, got {[name for name, _ in pairs]}")
    return table


def _broken(catalog: dict[str, Any]) -> Iterator[Problem]:
    # References are checked on the files of a folder, so the document is laid out as one.
    files: dict[str, dict[str, Any] | None] = {}
    for file, of in FILES.items():
        stem = file.removesuffix(".toml").removesuffix("s")
        sections = {each.name: f"{stem}_sources" if each.name == "sources" else each.name for each in fields(of)}
        files[file] = {name: catalog.get(section, []) for name, section in sections.items()}
    for place, trial in enumerate(catalog.get("trials", [])):
        file = f"trials/{trial['key']}.toml"
        if file in files:
            yield Problem("", f"catalog.trials[{place}].key", f"expected each key once, got {trial['key']!r} again")
        files[file] = trial
    taken = dict.fromkeys((*(section for of in FILES.values() for section in fields_dict(of)), "trials"), ())
    yield from _references.broken(files, taken, {})
