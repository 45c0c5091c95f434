"""What registries and the literature have had of late that the catalog does not."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from herbtc.catalog import load
from herbtc.query._acts import on_day
from herbtc.query._columns import Column, day, frame, joined, text, word
from herbtc.registry import europepmc
from herbtc.registry._candidates import PROTOCOL, candidates
from herbtc.registry._compare import numbers_of
from herbtc.registry._ctgov import search
from herbtc.registry._eutilities import Asker, found, records
from herbtc.registry._pubmed_records import PMID
from herbtc.registry._terms import BILIARY, target_words
from herbtc.registry._transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from herbtc.catalog import Catalog
    from herbtc.models import Source
    from herbtc.registry._citation import Citation, Notice
    from herbtc.registry._study import Study
    from herbtc.registry._transport import Fetch

T = TypeVar("T")

_NUMBERS_A_QUERY = 40
_DOIS_A_QUERY = 20


class News(StrEnum):
    """What kind of news it is, the gravest first."""

    RETRACTION = "retraction"
    EXPRESSION_OF_CONCERN = "expression-of-concern"
    ERRATUM = "erratum"
    NO_RECORD = "no-record"
    RESULTS = "results"
    PAPER = "paper"
    NEW_STUDY = "new-study"
    CHANGED_STUDY = "changed-study"
    CANDIDATE_PAPER = "candidate-paper"


_CANDIDATES = frozenset({News.NEW_STUDY, News.CHANGED_STUDY, News.CANDIDATE_PAPER})


@frozen(kw_only=True)
class _Item:
    """One piece of news."""

    news: News
    day: date | None = None
    kind: str | None = None
    trial: str | None = None
    source: str | None = None
    cited_in: str | None = None
    nct_id: str | None = None
    pmid: str | None = None
    doi: str | None = None
    title: str | None = None
    detail: str | None = None
    link: str | None = None


_COLUMNS: tuple[Column, ...] = (
    word("news", "kind of news", News, lambda item: item.news, ordered=True),
    day("day", "day on which it was posted or came into PubMed", lambda item: item.day),
    text("kind", "of a study that is not in the catalog: biliary or basket", lambda item: item.kind),
    text("trial", "key of the study in the catalog", lambda item: item.trial),
    text("source", "key of the source that a notice is about", lambda item: item.source),
    text("cited_in", "data files that have this source", lambda item: item.cited_in),
    text("nct_id", "number of the study", lambda item: item.nct_id),
    text("pmid", "number in PubMed", lambda item: item.pmid),
    text("doi", "DOI", lambda item: item.doi),
    text("title", "title", lambda item: item.title),
    text("detail", "status of a study, link of a paper, place of a notice", lambda item: item.detail),
    text("link", "address", lambda item: item.link),
)


def news(
    catalog: Catalog | None = None,
    *,
    since: date | str,
    seen: Iterable[str] = (),
    fetch: Fetch | None = None,
    key: str | None = None,
    email: str | None = None,
) -> pd.DataFrame:
    """Return what is new since a day in ClinicalTrials.gov, PubMed and Europe PMC, beside a catalog.

    It reports and changes nothing: what a record or an abstract says is a reason to read the report, and no figure.

    Parameters
    ----------
    catalog : Catalog, optional
        The evidence; the shipped one by default.
    since : date or str
        The first day that counts, such as ``"2026-11-01"``.
    seen : iterable of str, optional
        Numbers of studies and of publications that were looked at and do not belong in the catalog: they are no
        candidates again.
    fetch : callable, optional
        As for `registry.fetch`; by default each is asked as slowly as it wishes.
    key, email : str, optional
        As for `pubmed.fetch`.

    Returns
    -------
    DataFrame
        One row per piece of news: ``news day kind trial source cited_in nct_id pmid doi title detail link``. `cited_in`
        names the data files that have the source of a notice. `news` is an ordered category:

        - ``retraction``, ``expression-of-concern``, ``erratum``: notices about sources of the catalog that have a
          PubMed number or a DOI. One whose own day is not known is reported each time.
        - ``no-record``: a source whose number PubMed does not have.
        - ``results``: results posted for the first time, of studies of the catalog and of candidates.
        - ``paper``: publications that PubMed links to a study of the catalog, or whose abstract names its number.
        - ``new-study``, ``changed-study``: candidates that are not in the catalog, registered since, or registered
          before and changed since, so that they may have become candidates only now. `kind` says whether they are of
          ``biliary`` tract cancer or a ``basket`` of solid tumours.
        - ``candidate-paper``: other publications on HER2 and biliary tract cancer.

    Raises
    ------
    herbtc.RegistryError
        If one of them does not answer; nothing is returned then.
    ValueError
        If `since` is no date.

    Notes
    -----
    A publication is new by the day on which it came into PubMed, not by the date of its issue.

    Examples
    --------
    >>> from herbtc import registry
    >>> def nothing(url: str) -> bytes:
    ...     if "esearch" in url:
    ...         return b"<eSearchResult><Count>0</Count><IdList/></eSearchResult>"
    ...     if "efetch" in url:
    ...         return b"<PubmedArticleSet/>"
    ...     return b'{"studies": [], "hitCount": 0, "resultList": {"result": []}}'
    >>> found = registry.news(since="2026-11-01", fetch=nothing)
    >>> found["news"].unique().tolist()
    ['no-record']
    """
    catalog = load() if catalog is None else catalog
    first = on_day(since)
    if isinstance(seen, str):
        raise TypeError("expected several numbers, such as ['NCT04466891'], got one text")
    passed = frozenset(seen)
    ask = Asker.of(fetch, key=key, email=email)
    items = [
        *_notices(catalog, first, ask, fetch),
        *_studies(catalog, first, fetch or Transport()),
        *_papers(catalog, first, ask),
    ]
    items = [item for item in items if item.news not in _CANDIDATES or not {item.nct_id, item.pmid} & passed]
    order = list(News)
    items.sort(key=lambda item: (order.index(item.news), item.day or date.max, item.nct_id or "", item.pmid or ""))
    return frame(_COLUMNS, items)


def _groups(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# --- studies ----------------------------------------------------------------------------------------------------------


def _studies(catalog: Catalog, since: date, fetch: Fetch) -> Iterator[_Item]:
    numbers = numbers_of(catalog)
    found = candidates(catalog, changed_since=since, fetch=fetch)
    posted = f"AREA[ResultsFirstPostDate]RANGE[{since},MAX]"
    known = search(ids=numbers, advanced=posted, fields=PROTOCOL, fetch=fetch) if numbers else ()
    for study in {study.nct_id: study for study in (*known, *(study for study, _ in found.values()))}.values():
        kind = found[study.nct_id][1] if study.nct_id in found else None
        trial = _trial(numbers, (study.nct_id, *study.aliases))
        if _is_since(study.results_first_posted, since):
            yield _of_study(News.RESULTS, study, study.results_first_posted, kind=kind, trial=trial)
        if trial is None:
            new = _is_since(study.first_posted, since)
            what, when = (News.NEW_STUDY, study.first_posted) if new else (News.CHANGED_STUDY, study.last_update_posted)
            yield _of_study(what, study, when, kind=kind)


def _of_study(what: News, study: Study, when: str | None, *, kind: str | None, trial: str | None = None) -> _Item:
    return _Item(
        news=what,
        day=_day(when),
        kind=None if trial else kind,
        trial=trial,
        nct_id=study.nct_id,
        title=study.brief_title,
        detail=study.overall_status,
        link=f"https://clinicaltrials.gov/study/{study.nct_id}",
    )


def _trial(numbers: dict[str, tuple[str, ...]], among: Iterable[str]) -> str | None:
    return joined(dict.fromkeys(key for number in among for key in numbers.get(number, ())))


def _day(text: str | None) -> date | None:
    # The first day of a month of which no day is printed.
    return date.fromisoformat(text + "-01-01"[len(text) - len("2024") :]) if text else None


def _is_since(text: str | None, since: date) -> bool:
    # A month counts if any day of it does.
    return text is not None and text >= since.isoformat()[: len(text)]


# --- papers -----------------------------------------------------------------------------------------------------------


def _papers(catalog: Catalog, since: date, ask: Asker) -> Iterator[_Item]:
    numbers = numbers_of(catalog)
    cited = _cited(catalog)
    pmids = {each.source.pmid for each in cited if each.source.pmid}
    dois = {each.source.doi.lower() for each in cited if each.source.doi}

    def ours(paper: Citation) -> bool:
        return paper.pmid in pmids or (paper.doi or "").lower() in dois

    told: set[str | None] = set()
    for some in _groups(list(numbers), _NUMBERS_A_QUERY):
        query = " OR ".join(f"{number}[{field}]" for number in some for field in ("si", "tiab"))
        for paper in found(query, ask, since=since):
            linked = _trial(numbers, paper.nct_ids)
            trial = linked or _trial(numbers, paper.mentioned_nct_ids)
            if trial and paper.pmid not in told and not ours(paper):
                told.add(paper.pmid)
                yield _of_paper(News.PAPER, paper, trial, "linked by PubMed" if linked else "named in the abstract")
    query = f"({_any_of(target_words(catalog))}) AND ({_any_of(BILIARY)})"
    for paper in found(query, ask, since=since):
        if paper.pmid not in told and not ours(paper):
            yield _of_paper(News.CANDIDATE_PAPER, paper, None, None)


def _any_of(words: Iterable[str]) -> str:
    return " OR ".join(f'"{word}"[tiab]' for word in words)


def _of_paper(what: News, paper: Citation, trial: str | None, detail: str | None) -> _Item:
    types = joined(paper.publication_types)
    return _Item(
        news=what,
        day=paper.entered,
        trial=trial,
        nct_id=joined(paper.nct_ids or paper.mentioned_nct_ids),
        pmid=paper.pmid,
        doi=paper.doi,
        title=paper.title,
        detail=joined(each for each in (detail, types) if each),
        link=paper.link,
    )


# --- notices ----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class _Cited:
    """A publication that the catalog cites, and where."""

    source: Source
    trials: tuple[str, ...]
    keys: tuple[str, ...]
    files: tuple[str, ...]


def _cited(catalog: Catalog) -> list[_Cited]:
    # Each publication with a number once, however many files have it.
    found: dict[str, _Cited] = {}
    for file, trial, source in _sources(catalog):
        number = source.pmid or (source.doi or "").lower()
        if number:
            other = found.get(number) or _Cited(source=source, trials=(), keys=(), files=())
            found[number] = _Cited(
                source=other.source,
                trials=(*other.trials, trial) if trial else other.trials,
                keys=(*other.keys, source.key),
                files=(*other.files, file),
            )
    return list(found.values())


def _sources(catalog: Catalog) -> Iterator[tuple[str, str | None, Source]]:
    for trial in catalog.trials:
        yield from ((f"trials/{trial.key}.toml", trial.key, source) for source in trial.sources)
    for file, sources in (
        ("agents.toml", catalog.agent_sources),
        ("definitions.toml", catalog.definition_sources),
        ("approvals.toml", catalog.approval_sources),
        ("guidelines.toml", catalog.guideline_sources),
        ("prevalence.toml", catalog.prevalence_sources),
    ):
        yield from ((file, None, source) for source in sources)


def _notices(catalog: Catalog, since: date, ask: Asker, fetch: Fetch | None) -> Iterator[_Item]:
    every = _cited(catalog)
    by_pmid = records([each.source.pmid for each in every if each.source.pmid], ask)
    by_doi = _by_doi([each.source.doi for each in every if each.source.doi and not each.source.pmid], fetch)
    told: list[tuple[_Cited, News, Notice]] = []
    for cited in every:
        pmid, doi = cited.source.pmid, cited.source.doi
        if pmid and pmid not in by_pmid:
            yield _of_source(News.NO_RECORD, cited, day=None, detail="PubMed has no record of this number")
        paper = by_pmid.get(pmid) if pmid else by_doi.get((doi or "").lower())
        if paper is not None:
            told += [(cited, what, notice) for what, notice in _about(paper)]
            if paper.retracted and not paper.retractions:
                yield _of_source(News.RETRACTION, cited, day=None, detail="marked as a retracted publication")
    pmids = [notice.pmid for *_, notice in told if notice.pmid and PMID.fullmatch(notice.pmid)]
    days = records(pmids, ask)
    for cited, what, notice in told:
        entered = days[notice.pmid].entered if notice.pmid in days else None
        if entered is None or entered >= since:
            place = (notice.reference, notice.note, f"PMID {notice.pmid}" if notice.pmid else None)
            yield _of_source(what, cited, day=entered, detail=joined(each for each in place if each))


def _about(paper: Citation) -> Iterator[tuple[News, Notice]]:
    for what, notices in (
        (News.RETRACTION, paper.retractions),
        (News.EXPRESSION_OF_CONCERN, paper.concerns),
        (News.ERRATUM, paper.errata),
    ):
        yield from ((what, notice) for notice in notices)


def _of_source(what: News, cited: _Cited, *, day: date | None, detail: str | None) -> _Item:
    return _Item(
        news=what,
        day=day,
        trial=joined(dict.fromkeys(cited.trials)),
        source=joined(dict.fromkeys(cited.keys)),
        cited_in=joined(dict.fromkeys(cited.files)),
        pmid=cited.source.pmid,
        doi=cited.source.doi,
        title=cited.source.title,
        detail=detail,
        link=cited.source.link,
    )


def _by_doi(dois: Iterable[str], fetch: Fetch | None) -> dict[str, Citation]:
    found: dict[str, Citation] = {}
    for some in _groups(sorted(doi.lower() for doi in dois), _DOIS_A_QUERY):
        query = " OR ".join('DOI:"{}"'.format(doi.replace('"', "")) for doi in some)
        found |= {paper.doi.lower(): paper for paper in europepmc.search(query, fetch=fetch) if paper.doi}
    return found
