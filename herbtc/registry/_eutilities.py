"""The E-utilities of NCBI: who asks, how fast, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from attrs import frozen

from herbtc.errors import RegistryError, shown
from herbtc.registry._answers import answer
from herbtc.registry._progress import bar
from herbtc.registry._pubmed_documents import citations, hits
from herbtc.registry._pubmed_records import PMID
from herbtc.registry._transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from herbtc.registry._citation import Citation
    from herbtc.registry._transport import Fetch

T = TypeVar("T")

ADDRESS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
TOOL = "herbtc"
_MOST_HITS = 9999  # PubMed gives out no more of one search
_RECORDS = 200  # records asked for at once
_PAUSE, _PAUSE_WITH_KEY = 0.34, 0.1  # seconds: three requests a second, ten with a key
_LIMIT = 1 << 26  # bytes of an answer; two hundred records have some megabytes


@frozen(kw_only=True)
class Asker:
    """Asks the E-utilities, as someone."""

    fetch: Fetch
    key: str | None
    who: dict[str, str]

    @classmethod
    def of(cls, fetch: Fetch | None, *, key: str | None, email: str | None, tool: str = TOOL) -> Asker:
        """Return one who asks with a key and an address, or with a name alone."""
        fetch = fetch or Transport(pause=_PAUSE_WITH_KEY if key else _PAUSE, limit=_LIMIT)
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
    return complete(listed.pmids, ask)


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


def complete(pmids: Iterable[str], ask: Asker) -> tuple[Citation, ...]:
    """Return the publications of these numbers, in their order; RegistryError names those that PubMed does not have."""
    wanted = tuple(dict.fromkeys(pmids))
    papers = records(wanted, ask)
    if missing := [pmid for pmid in wanted if pmid not in papers]:
        raise RegistryError(f"PubMed gave no record of {', '.join(missing)}; check the numbers, and try again")
    return tuple(papers.values())
