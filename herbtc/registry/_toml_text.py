"""Words of a registry as TOML: values, and comments that end with their line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


def one_line(text: str) -> str:
    """Return a text as one line: every run of space is one, and characters that no line may hold are gone."""
    return " ".join(_CONTROL.sub("", " ".join(text.split())).split())


def quoted(text: str) -> str:
    """Return a text as a TOML string, in single quotes where it has no apostrophe."""
    line = one_line(text)
    if "'" not in line:
        return f"'{line}'"
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def words(of: Iterable[str]) -> str:
    """Return keys and words of vocabularies as a TOML list."""
    return "[" + ", ".join(f'"{one_line(word)}"' for word in of) + "]"
