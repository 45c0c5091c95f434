"""Write the records of a catalog as a folder of TOML files, in the layout that `herbtc.read` reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from herbtc import Catalog
    from herbtc.models import Record

Document = dict[str, Any]


def write(catalog: Catalog, folder: Path) -> Path:
    """Write all records of a catalog as a folder of evidence, and return the folder."""
    (folder / "trials").mkdir(parents=True, exist_ok=True)
    documents = {
        "agents": {"sources": catalog.agent_sources, "mechanisms": catalog.mechanisms, "agents": catalog.agents},
        "definitions": {
            "sources": catalog.definition_sources,
            "definitions": catalog.definitions,
            "clauses": catalog.clauses,
        },
        "approvals": {"sources": catalog.approval_sources, "approvals": catalog.approvals},
        "guidelines": {"sources": catalog.guideline_sources, "guidelines": catalog.guidelines},
        "prevalence": {
            "sources": catalog.prevalence_sources,
            "prevalence": catalog.prevalence,
            "concordance": catalog.concordance,
            "prognosis": catalog.prognosis,
        },
        "variants": {
            "sources": catalog.variant_sources,
            "regions": catalog.protein_regions,
            "variants": catalog.variants,
        },
    }
    for name, sections in documents.items():
        document = {section: [plain(record) for record in records] for section, records in sections.items()}
        _save(folder / f"{name}.toml", text(document))
    for trial in catalog.trials:
        _save(folder / "trials" / f"{trial.key}.toml", text(plain(trial)))
    return folder


def _save(path: Path, content: str) -> None:
    path.write_bytes(content.encode("utf-8"))


def plain(record: Record) -> Document:
    """Return a record as the document that a file would hold: what equals its default is absent."""
    fields = attrs.fields(type(record))
    values = {field.name: (getattr(record, field.name), field.default) for field in fields}
    return {name: _plain(value) for name, (value, default) in values.items() if value != _made(default)}


def _made(default: Any) -> Any:
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, StrEnum):
        return str(value)
    return plain(value) if attrs.has(type(value)) else value


def text(document: Document) -> str:
    """Return a document as TOML: lists of tables as ``[[section]]``, figures one inline table a line."""
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    lists = {key: value for key, value in document.items() if _is_list_of_tables(value)}
    lines = [f"{key} = {_toml(value)}" for key, value in document.items() if key not in tables and key not in lists]
    for section, records in lists.items():
        for record in records:
            lines += ["", f"[[{section}]]", *(f"{key} = {_toml(value)}" for key, value in record.items())]
    for section, table in tables.items():
        lines += ["", f"[{section}]", *_one_a_line(table)]
    return "\n".join([*lines, ""])


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _one_a_line(table: Document) -> Iterator[str]:
    for key, records in table.items():
        yield from (f"{key} = [", *(f"  {_toml(record)}," for record in records), "]")


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case str():
            return f'"{"".join(map(_escaped, value))}"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}"
    raise TypeError(f"no TOML for {value!r}")


def _escaped(character: str) -> str:
    # TOML wants control characters escaped, DEL among them.
    if character in '"\\':
        return f"\\{character}"
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 or ord(character) == 0x7F else character
