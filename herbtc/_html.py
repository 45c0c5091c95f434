"""What a notebook shows: paragraphs, and objects as small tables of their fields.

Text is escaped. No colour is named, so that both the light and the dark look of a notebook hold.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from html import escape
from typing import TYPE_CHECKING, Any

from attrs import fields

if TYPE_CHECKING:
    from collections.abc import Iterable

_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_MOST = 12
_LONGEST = 300
_CELL = 'style="text-align:left;vertical-align:top"'


class Shown:
    """An attrs object that a notebook shows as a table of two columns: its fields, as far as they say anything."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        values = ((each.name, getattr(self, each.name)) for each in fields(type(self)))  # type: ignore[arg-type]
        told = ((name, _told(value)) for name, value in values if not name.startswith("_") and _says(value))
        return facts(type(self).__name__, told)


class Described(ABC):
    """A result that is told in words, in a notebook as well."""

    __slots__ = ()

    @abstractmethod
    def describe(self) -> str:
        """Return a paragraph for a methods and results section, or for a protocol."""

    def _repr_html_(self) -> str:
        return paragraphs(self.describe())


def paragraphs(text: str) -> str:
    """Return each line as a paragraph."""
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())


def facts(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return names and values as a table of two columns; a web address becomes a link."""
    shown = "".join(
        f'<tr><th scope="row" {_CELL}>{escape(name)}</th><td {_CELL}>{_linked(str(value))}</td></tr>'
        for name, value in rows
    )
    return f'<table><caption style="text-align:left"><strong>{escape(title)}</strong></caption>{shown}</table>'


def _linked(value: str) -> str:
    text = escape(value)
    return f'<a href="{text}" rel="noopener">{text}</a>' if _ADDRESS.fullmatch(value) else text


def _says(value: Any) -> bool:
    return value is not None and value != ()


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return _several(value)
    if isinstance(value, Shown):
        return _cut(repr(value))
    return str(value)


def _several(values: tuple[Any, ...]) -> str:
    # Records go by their keys where they have some, so that the next thing to write can be read off.
    if all(hasattr(value, "key") for value in values):
        names = [str(value.key) for value in values]
    elif any(isinstance(value, Shown) for value in values) and len(repr(values)) > _LONGEST:
        return str(len(values))
    else:
        names = [repr(value) if isinstance(value, Shown) else str(value) for value in values]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
