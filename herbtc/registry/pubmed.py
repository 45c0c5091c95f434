"""PubMed: records on disk, records by their numbers, and searches, by the E-utilities of NCBI.

NCBI allows three requests a second, and ten with a key of your own, and asks for an address where whoever runs a
program can be reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from herbtc.registry._eutilities import TOOL, Asker, complete, found
from herbtc.registry._pubmed_documents import Hits, citations, hits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from herbtc.registry._citation import Citation
    from herbtc.registry._transport import Fetch

__all__ = ["Hits", "citations", "fetch", "hits", "search"]


def fetch(
    pmids: Iterable[str],
    *,
    fetch: Fetch | None = None,
    key: str | None = None,
    email: str | None = None,
    tool: str = TOOL,
) -> tuple[Citation, ...]:
    """Return publications by their numbers in PubMed, in the order of the numbers.

    Parameters
    ----------
    pmids : iterable of str
        Their numbers, such as ``["37276871"]``.
    fetch : callable, optional
        Takes an address and returns the bytes there, or raises RegistryError. By default a `registry.Transport` that
        asks three times a second, or ten with a key.
    key : str, optional
        Your own key of the E-utilities; it never appears in an error.
    email, tool : str, optional
        Where NCBI can reach you, and what asks.

    Raises
    ------
    herbtc.RegistryError
        If PubMed does not answer, or not with every one of them; those that are missing are named.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import pubmed
    >>> def recorded(url: str) -> bytes:
    ...     return Path("tests/samples/pubmed/pubmed-29768149.xml").read_bytes()
    >>> [paper.doi for paper in pubmed.fetch(["29768149"], fetch=recorded)]
    ['10.1056/NEJMoa1715274']
    """
    if isinstance(pmids, str):
        raise TypeError("expected several numbers, such as ['37276871'], got one text")
    return complete(pmids, Asker.of(fetch, key=key, email=email, tool=tool))


def search(
    query: str,
    *,
    since: date | None = None,
    fetch: Fetch | None = None,
    key: str | None = None,
    email: str | None = None,
    tool: str = TOOL,
) -> tuple[Citation, ...]:
    """Return the publications that PubMed finds, in the order in which it lists them.

    Parameters
    ----------
    query : str
        Words in PubMed's own syntax: ``'HER2[tiab] AND "biliary tract"[tiab]'``, ``"NCT04466891[si]"``.
    since : datetime.date, optional
        Only what came into PubMed on this day or later, whenever it was published.
    fetch, key, email, tool
        As for `pubmed.fetch`.

    Raises
    ------
    herbtc.RegistryError
        If PubMed does not answer, or not with records; if there are more than the 9,999 that it gives out; if the
        query names a field that PubMed does not have. That nothing is found is no error, and a phrase that PubMed
        does not know finds nothing: `Hits.not_found` of `pubmed.hits` names it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import pubmed
    >>> def recorded(url: str) -> bytes:
    ...     return Path("tests/samples/pubmed/esearch8_error.xml").read_bytes()
    >>> pubmed.search("abcXYZ", fetch=recorded)
    ()
    """
    return found(query, Asker.of(fetch, key=key, email=email, tool=tool), since=since)
