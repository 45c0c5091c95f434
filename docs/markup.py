"""Markdown: values that it leaves as they are, links, tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GAP = "–"


def plain(value: object) -> str:
    """Return a value as text that Markdown leaves as it is, a dash for none."""
    if value in ("", ()) if isinstance(value, (str, tuple)) else pd.isna(value):  # type: ignore[call-overload]
        return GAP
    return re.sub(r"([\\`*_{}\[\]<>#|~$^])", r"\\\1", str(value)).replace("\n", " ")


def code(value: object) -> str:
    """Return a value as code, a dash for none."""
    return GAP if value is None or value is pd.NA else f"`{value}`".replace("|", "\\|")


def link(text: str, address: str | None) -> str:
    """Return text that links to an address, where there is one."""
    return f"[{plain(text)}](<{address}>)" if address else plain(text)


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = (), long: int | None = None
) -> Iterator[str]:
    """Yield the lines of a table; `numbers` are the places of columns aligned to the right, `long` has long text."""
    right = set(numbers)
    yield ""
    if long is not None:
        # The style sheet gives the column room.
        yield from ("```{rst-class} " + f"long-{long + 1}", "```")
    yield f"| {' | '.join(header)} |"
    yield f"|{'|'.join('--:' if place in right else ':--' for place in range(len(header)))}|"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
    yield ""


def unbroken(day: object) -> str:
    """Return a day that is not broken at its hyphens."""
    return str(day).replace("-", "\N{NON-BREAKING HYPHEN}")


def count(number: int) -> object:
    """Return a number, a dash for none."""
    return number or GAP
