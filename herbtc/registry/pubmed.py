"""PubMed: records on disk, records by their numbers, and searches, by the E-utilities of NCBI.

NCBI allows three requests a second, and ten with a key of your own, and asks for an address where whoever runs a
program can be reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from attrs import frozen

from herbtc.errors import DataError, Problem, RegistryError, shown
from herbtc.registry._answers import answer
from herbtc.registry._progress import bar
from herbtc.registry._pubmed_records import PMID, citations_in, of_summary
from herbtc.registry._transport import Transport
from herbtc.registry._xml import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from xml.etree.ElementTree import Element

    from herbtc.registry._citation import Citation
    from herbtc.registry._transport import Fetch

__all__ = ["Hits", "citations", "fetch", "hits", "search"]

T = TypeVar("T")

ADDRESS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
_MOST_HITS = 9999  # PubMed gives out no more of one search, by whichever way
_TOOL = "herbtc"
_RECORDS = 200  # records asked for at once
_PAUSE, _PAUSE_WITH_KEY = 0.34, 0.1  # seconds: three requests a second, ten with a key
_READ = {"PubmedArticleSet": citations_in, "eSummaryResult": of_summary}


@frozen(kw_only=True)
class Hits:
    """What a search found: the first numbers, and how many there are.

    Attributes
    ----------
    count : int
        How many publications there are.
    pmids : tuple of str
        The numbers of those that the answer lists.
    not_found : tuple of str
        Phrases of the query that PubMed does not have, so that nothing was searched for them.
    unknown_fields : tuple of str
        Field tags of the query that PubMed does not have.
    translation : str or None
        What PubMed made of the query.
    """

    count: int
    pmids: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    translation: str | None = None


def citations(data: bytes) -> tuple[Citation, ...]:
    """Return the publications in a document of PubMed: its records (efetch) or its summaries (esummary), as XML.

    Chapters of books stand beside articles; what PubMed deleted is in no answer to a question for records.

    Raises
    ------
    herbtc.DataError
        If it is no such document, with every fault and its path; entities and anything else that a document declares
        for itself are refused.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import pubmed
    >>> (paper,) = pubmed.citations(Path("tests/samples/pubmed/pubmed-29768149.xml").read_bytes())
    >>> paper.title
    'Inhaled Combined Budesonide-Formoterol as Needed in Mild Asthma.'
    >>> paper.authors[0].name, paper.pub_date, paper.nct_ids
    ("O'Byrne PM", '2018 05 17', ('NCT02149199',))
    """
    root = tree(data, "the document")
    if root.tag not in _READ:
        raise _unexpected(root, "PubmedArticleSet or eSummaryResult", "pubmed.hits reads eSearchResult")
    return _READ[root.tag](root)


def hits(data: bytes) -> Hits:
    """Return what a search of PubMed found, as esearch gives it out (XML); none is an answer like any other.

    Raises
    ------
    herbtc.DataError
        If it is no such document, or one that says that the search failed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import pubmed
    >>> found = pubmed.hits(Path("tests/samples/pubmed/esearch8_error.xml").read_bytes())
    >>> found.count, found.pmids, found.not_found
    (0, (), ('abcXYZ',))
    """
    root = tree(data, "the document")
    if root.tag != "eSearchResult":
        raise _unexpected(root, "eSearchResult", "pubmed.citations reads records")
    failed = root.findtext("ERROR")
    if failed is not None:
        raise DataError("the document", [Problem("", "ERROR", f"PubMed says: {shown(failed)}")])
    count = (root.findtext("Count") or "").strip()
    pmids = tuple((each.text or "").strip() for each in root.findall("IdList/Id"))
    problems = [
        Problem("", f"IdList.Id[{place}]", f"expected a number of PubMed, got {shown(pmid)}")
        for place, pmid in enumerate(pmids)
        if not PMID.fullmatch(pmid)
    ]
    if not PMID.fullmatch(count) and count != "0":
        problems.append(Problem("", "Count", f"expected a whole number, got {shown(count)}"))
    elif not problems and len(pmids) > int(count):
        problems.append(Problem("", "IdList", f"expected at most {count} numbers, got {len(pmids)}"))
    if problems:
        raise DataError("the document", problems)
    return Hits(
        count=int(count),
        pmids=pmids,
        not_found=tuple(each.text or "" for each in root.findall("ErrorList/PhraseNotFound")),
        unknown_fields=tuple(each.text or "" for each in root.findall("ErrorList/FieldNotFound")),
        translation=root.findtext("QueryTranslation"),
    )


def fetch(
    pmids: Iterable[str],
    *,
    fetch: Fetch | None = None,
    key: str | None = None,
    email: str | None = None,
    tool: str = _TOOL,
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
    return _complete(pmids, Asker.of(fetch, key=key, email=email, tool=tool))


def search(
    query: str,
    *,
    since: date | None = None,
    fetch: Fetch | None = None,
    key: str | None = None,
    email: str | None = None,
    tool: str = _TOOL,
) -> tuple[Citation, ...]:
    """Return the publications that PubMed finds, newest first.

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
        query names a field that PubMed does not have. That nothing is found is no error.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc.registry import pubmed
    >>> def recorded(url: str) -> bytes:
    ...     return Path("tests/samples/pubmed/esearch8_error.xml").read_bytes()
    >>> pubmed.search("abcXYZ", fetch=recorded)
    ()
    """
    if not query.strip():
        raise RegistryError("expected words to search for")
    return found(query, Asker.of(fetch, key=key, email=email, tool=tool), since=since)


@frozen(kw_only=True)
class Asker:
    """Asks the E-utilities, as someone."""

    fetch: Fetch
    key: str | None
    who: dict[str, str]

    @classmethod
    def of(cls, fetch: Fetch | None, *, key: str | None, email: str | None, tool: str = _TOOL) -> Asker:
        fetch = fetch or Transport(pause=_PAUSE_WITH_KEY if key else _PAUSE)
        who = {"tool": tool, "email": email, "api_key": key}
        return cls(fetch=fetch, key=key, who={name: value for name, value in who.items() if value})

    def __call__(self, utility: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        url = f"{ADDRESS}/{utility}.fcgi?{urlencode({'db': 'pubmed', 'retmode': 'xml'} | query | self.who)}"
        try:
            return answer(url, read, self.fetch)
        except RegistryError as error:
            if not self.key:
                raise
            # The address of the request holds the key, and errors end up in logs.
            said = str(error).replace(urlencode({"api_key": self.key}), "api_key=…").replace(self.key, "…")
            status = error.status
        raise RegistryError(said, status=status)


def found(query: str, ask: Asker, *, since: date | None = None) -> tuple[Citation, ...]:
    """Return the publications that PubMed finds, as `search` does."""
    if not query.strip():
        raise RegistryError("expected words to search for")
    period = {"datetype": "edat", "mindate": f"{since:%Y/%m/%d}", "maxdate": "3000/12/31"} if since else {}
    listed = ask("esearch", {"term": query, "retmax": str(_MOST_HITS)} | period, hits)
    if listed.unknown_fields:
        raise RegistryError(f"PubMed has no field {', '.join(listed.unknown_fields)}; check the tags of the query")
    if listed.count > _MOST_HITS:
        raise RegistryError(f"{listed.count} publications, and PubMed gives out {_MOST_HITS}; ask for less at a time")
    if len(listed.pmids) < listed.count:
        raise RegistryError(f"PubMed found {listed.count} publications and listed {len(listed.pmids)}; try again")
    return _complete(listed.pmids, ask)


def records(pmids: Iterable[str], ask: Asker) -> dict[str, Citation]:
    """Return the publications of these numbers that PubMed has, by number."""
    wanted = list(dict.fromkeys(pmids))
    for pmid in wanted:
        if not PMID.fullmatch(pmid):
            raise RegistryError(f"expected a number of PubMed, got {shown(pmid)}")
    papers: dict[str | None, Citation] = {}
    with bar(unit=" records", total=len(wanted)) as progress:
        for start in range(0, len(wanted), _RECORDS):
            some = wanted[start : start + _RECORDS]
            papers |= {each.pmid: each for each in ask("efetch", {"id": ",".join(some)}, citations)}
            progress(len(some))
    return {pmid: papers[pmid] for pmid in wanted if pmid in papers}


def _complete(pmids: Iterable[str], ask: Asker) -> tuple[Citation, ...]:
    wanted = tuple(dict.fromkeys(pmids))
    papers = records(wanted, ask)
    if missing := [pmid for pmid in wanted if pmid not in papers]:
        raise RegistryError(f"PubMed gave no record of {', '.join(missing)}; check the numbers, and try again")
    return tuple(papers.values())


def _unexpected(root: Element, expected: str, hint: str) -> DataError:
    return DataError("the document", [Problem("", "", f"expected {expected}, got {shown(root.tag)}; {hint}")])
