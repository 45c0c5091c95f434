"""Europe PMC: publications of PubMed, and preprints and other works that are not there, as JSON."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from herbtc.errors import RegistryError
from herbtc.registry._answers import answer
from herbtc.registry._citation import Author, Citation, Notice, flat
from herbtc.registry._europepmc_results import Result, Results, Writer
from herbtc.registry._progress import bar
from herbtc.registry._reading import made, parsed
from herbtc.registry._transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from herbtc.registry._transport import Fetch

__all__ = ["citations", "search"]

ADDRESS = "https://www.ebi.ac.uk/europepmc/webservices/rest/search"
_PAGE_SIZE = 100
_TAG = re.compile(r"<(/?)(i|b|em|strong|sub|sup|u|sc|p|br|span|h[1-6])(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)


def citations(data: bytes) -> tuple[Citation, ...]:
    """Return the publications on a page of answers of Europe PMC (JSON; `core` results, or the shorter `lite` ones).

    Europe PMC does not print the numbers of studies that PubMed links a publication to: `Citation.nct_ids` is empty,
    and `Citation.mentioned_nct_ids` has those that the abstract names.

    Raises
    ------
    herbtc.DataError
        If it is no such page, with every fault and its path.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import europepmc
    >>> page = Path("tests/samples/pubmed/europepmc_search_pmid_22663011.json")
    >>> (paper,) = europepmc.citations(page.read_bytes())
    >>> paper.pmid, paper.year, paper.authors[0].name
    ('22663011', 2012, 'Flaherty KT')
    """
    return tuple(map(_citation, _page(data).results))


def search(query: str, *, since: date | None = None, fetch: Fetch | None = None) -> tuple[Citation, ...]:
    """Return the publications that Europe PMC finds, from all pages.

    Parameters
    ----------
    query : str
        Words in its own syntax: ``'HER2 AND "biliary tract"'``, ``'DOI:"10.1016/s1470-2045(23)00242-5"'``.
    since : datetime.date, optional
        Only what it indexed on this day or later, whenever it was published.
    fetch : callable, optional
        Takes an address and returns the bytes there, or raises RegistryError; `registry.Transport` by default.

    Raises
    ------
    herbtc.RegistryError
        If it does not answer, or not with as many publications as it says that there are.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import europepmc
    >>> def recorded(url: str) -> bytes:
    ...     return Path("tests/samples/pubmed/europepmc_search_pmid_22663011.json").read_bytes()
    >>> [paper.doi for paper in europepmc.search("EXT_ID:22663011 AND SRC:MED", fetch=recorded)]
    ['10.1056/nejmoa1203421']
    """
    if not query.strip():
        raise RegistryError("expected words to search for")
    fetch = fetch or Transport()
    if since is not None:
        query = f"({query}) AND FIRST_IDATE:[{since.isoformat()} TO 3000-12-31]"
    asked = {"query": query, "format": "json", "resultType": "core", "pageSize": str(_PAGE_SIZE)}
    found: dict[tuple[str, str], Result] = {}
    cursor, cursors = "*", {"*"}
    with bar(unit=" records") as progress:
        while True:
            url = f"{ADDRESS}?{urlencode(asked | {'cursorMark': cursor})}"
            page = answer(url, _page, fetch)
            found |= {(each.source, each.id): each for each in page.results}
            progress(len(page.results), page.hit_count)
            # The last page names itself as the next one, or none.
            if not page.results or page.next_cursor in {None, cursor} or len(found) >= page.hit_count:
                break
            cursor = page.next_cursor or cursor
            if cursor in cursors:
                raise RegistryError(f"{url}: the next page is one that was there before; try again later")
            cursors.add(cursor)
    if len(found) < page.hit_count:
        raise RegistryError(f"Europe PMC found {page.hit_count} publications and gave {len(found)}; try again")
    return tuple(map(_citation, found.values()))


def _page(data: bytes) -> Results:
    return made(parsed(data, "the page"), Results, "the page")


def _citation(result: Result) -> Citation:
    writers = tuple(map(_author, result.writers))
    if not writers and result.writers_as_text:
        names = result.writers_as_text.removesuffix(".").split(", ")
        writers = tuple(Author(last_name=name) for name in names if name)
    return Citation(
        pmid=result.pmid,
        pmcid=result.pmcid,
        doi=result.doi,
        title=_flat(result.title),
        abstract=_abstract(result.abstract),
        authors=writers,
        journal=_flat(result.journal or result.journal_lite or result.book),
        journal_abbreviation=result.journal_abbreviation,
        volume=result.volume or result.volume_lite,
        issue=result.issue or result.issue_lite,
        pages=result.pages,
        pub_date=result.pub_date or result.pub_year,
        article_date=result.article_date,
        entered=_day(result.entered),
        revised=_day(result.revised),
        publication_types=result.types or tuple(filter(None, (result.types_as_text or "").split("; "))),
        notices=tuple(
            Notice(
                kind=each.type,
                reference=_flat(each.reference),
                pmid=each.id if each.source == "MED" else None,
                note=_flat(each.note),
            )
            for each in result.corrections
            if each.type
        ),
    )


def _author(writer: Writer) -> Author:
    return Author(
        last_name=writer.last_name or (None if writer.collective_name else writer.full_name),
        fore_name=writer.first_name,
        initials=writer.initials,
        collective_name=writer.collective_name,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and len(text) == len("2024-05-17") else None


def _abstract(text: str | None) -> str | None:
    # Labels of an abstract's parts are headings.
    parts = re.split(r"<h[1-6]>([^<>]{0,200})</h[1-6]>", text or "", flags=re.IGNORECASE)
    lines = [_flat(parts[0])]
    for label, part in zip(parts[1::2], parts[2::2], strict=True):
        lines.append(f"{_flat(label)}: {_flat(part) or ''}")
    return "\n".join(line for line in lines if line) or None


def _flat(text: str | None) -> str | None:
    return flat(_pieces(text)) or None if text else None


def _pieces(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    # Only the tags of inline markup: "p<0.05" has none.
    names: list[str] = []
    end = 0
    for tag in _TAG.finditer(text):
        yield unescape(text[end : tag.start()]), tuple(names)
        end = tag.end()
        name = tag[2].lower()
        if name in {"br", "p"}:
            yield " ", ()
        elif not tag[1]:
            names.append(name)
        elif name in names:
            while names.pop() != name:
                pass
    yield unescape(text[end:]), tuple(names)
