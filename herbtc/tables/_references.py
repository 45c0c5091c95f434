"""Sources of a table as numbered notes, each with the place of every figure in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from herbtc.tables._layout import needed, note, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd


@frozen
class References:
    """The sources met so far, in the order in which they were met.

    Attributes
    ----------
    sources : DataFrame or None
        Titles and venues, as `herbtc.query.sources` has them.
    """

    sources: pd.DataFrame | None
    _rows: dict[tuple[str, str], Mapping[Any, Any]] = field(factory=dict, init=False)
    _places: dict[tuple[str, str], dict[str, None]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        if self.sources is not None:
            needed(self.sources, ("trial", "source", "title"), "query.sources()")

    def cite(self, row: Mapping[Any, Any], what: str) -> int | None:
        """Return the number of the source of a figure; None where the row names none."""
        key = told(row, "trial"), told(row, "source")
        if not key[1]:
            return None
        self._rows.setdefault(key, row)
        place = told(row, "locator")
        self._places.setdefault(key, {})[f"{what}: {place}" if place else what] = None
        return [*self._rows].index(key) + 1

    def notes(self) -> Iterator[str]:
        """Yield each source as a note, by number."""
        full = {} if self.sources is None else self._by_key(self.sources)
        for number, (key, row) in enumerate(self._rows.items(), 1):
            record = full.get(key)
            name = f"{key[0]}: " if key[0] else ""
            about = _full(record) if record else _short(row)
            yield note(f"[{number}] {name}{about}. {'; '.join(self._places[key])}.", _link(record or row))

    @staticmethod
    def _by_key(sources: pd.DataFrame) -> dict[tuple[str, str], Mapping[Any, Any]]:
        return {(told(row, "trial"), told(row, "source")): row for row in sources.to_dict("records")}


def _short(row: Mapping[Any, Any]) -> str:
    kind = told(row, "source_kind").replace("-", " ")
    return ", ".join(filter(None, (told(row, "source"), kind, told(row, "year"))))


def _full(record: Mapping[Any, Any]) -> str:
    year, venue = told(record, "year"), told(record, "venue")
    when = venue if year in venue else f"{venue} {year}".strip()
    parts = (told(record, "first_author"), told(record, "title").rstrip("."), when)
    return ". ".join(filter(None, parts))


def _link(row: Mapping[Any, Any]) -> str | None:
    if doi := told(row, "doi"):
        return f"https://doi.org/{doi}"
    if pmid := told(row, "pmid"):
        return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"
    # Anything else than a web address is no link, whatever stands in a frame of your own.
    link = told(row, "link")
    return link if link.startswith(("https://", "http://")) else None
