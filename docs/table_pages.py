"""Parts of the page on tables: what its own examples make, so that none is shown that they do not."""

from __future__ import annotations

import doctest
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parent / "tables.md"


@cache
def _made() -> dict[str, Any]:
    """Return what the examples of the page leave behind, by name."""
    examples = doctest.DocTestParser().get_doctest(PAGE.read_text("utf-8"), {}, "tables", str(PAGE), 0)
    if failed := doctest.DocTestRunner().run(examples, clear_globs=False).failed:
        raise SystemExit(f"{failed} examples of {PAGE.name} fail")
    return examples.globs


def _part(name: str) -> Callable[[], Iterator[str]]:
    def embedded() -> Iterator[str]:
        yield "```{raw} html"
        yield f'<div class="paper">{_made()[name].with_id(f"table-{name}").as_raw_html()}</div>'
        yield "```"

    return embedded


PARTS_OF_TABLES = {f"table-{name}": _part(name) for name in ("evidence", "lights", "findings")}
