"""ClinicalTrials.gov, version 2 of its interface: records on disk, one record fetched, many searched for.

Every answer is read as a record on disk would be; what is wrong with it is a `DataError` there and a `RegistryError`
here, since then the registry, or something between it and us, has not answered as it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from herbtc.errors import DataError, Problem, RegistryError, shown
from herbtc.registry._answers import answer
from herbtc.registry._fields import NUMBER_OF_STUDY
from herbtc.registry._progress import bar
from herbtc.registry._reading import made, parsed
from herbtc.registry._study import Page, Study, Version
from herbtc.registry._transport import BAD_REQUEST, NOT_FOUND, Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from herbtc.registry._transport import Fetch

T = TypeVar("T")

ADDRESS = "https://clinicaltrials.gov/api/v2"
_PAGE_SIZE = 100  # records with results have up to some megabytes each


def study(data: bytes) -> Study:
    """Return the study in a record as ClinicalTrials.gov gives it out (JSON, version 2 of its interface).

    Parameters
    ----------
    data : bytes
        The content of a downloaded file, or an answer of ``/api/v2/studies/{nct id}``. Where the record stands beside
        its history, as on the registry's own pages, the record is read.

    Raises
    ------
    herbtc.DataError
        If it is no such record, with every fault and its path. What the parser does not use may be anything.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> pallas = registry.study(Path("tests/samples/ctgov/NCT02513394.json").read_bytes())
    >>> pallas.overall_status, pallas.enrollment, pallas.has_results
    ('ACTIVE_NOT_RECRUITING', 5796, True)
    >>> outcome = pallas.outcomes[0]
    >>> [(each.text, each.value) for each in outcome.measurements]
    [('84.2', Decimal('84.2')), ('84.5', Decimal('84.5'))]
    >>> hazard_ratio = outcome.analyses[0]
    >>> hazard_ratio.estimate_text, hazard_ratio.lower_text, hazard_ratio.upper_text
    ('0.96', '0.81', '1.14')
    """
    return _study(parsed(data, "the record"))


def page(data: bytes) -> Page:
    """Return the studies on a page of search answers, as ``/api/v2/studies`` gives it out; a list of records also does.

    Raises
    ------
    herbtc.DataError
        If it is no such page, with every fault of every study and its path.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> found = registry.page(Path("tests/samples/ctgov/pages/search_phelan_limit5_20260811.json").read_bytes())
    >>> found.total_count, len(found.studies), found.studies[0].nct_id
    (21, 5, 'NCT02710084')
    """
    return _page(parsed(data, "the page"))


def fetch(nct: str, *, fetch: Fetch | None = None) -> Study:
    """Return a study as ClinicalTrials.gov has it now.

    Parameters
    ----------
    nct : str
        Its number, such as ``"NCT04466891"``.
    fetch : callable, optional
        Takes an address and returns the bytes there, or raises RegistryError; `Transport` by default.

    Raises
    ------
    herbtc.RegistryError
        If there is no such study, the registry does not answer, or what it answers is not this study.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> def downloaded(url: str) -> bytes:
    ...     return Path("tests/samples/ctgov", url.rpartition("/")[2] + ".json").read_bytes()
    >>> registry.fetch("NCT00973089", fetch=downloaded).overall_status
    'WITHDRAWN'
    """
    number = nct.strip().upper()
    if not NUMBER_OF_STUDY.fullmatch(number):
        raise RegistryError(f"expected a number of ClinicalTrials.gov, NCT and eight digits, got {shown(nct)}")
    url = f"{ADDRESS}/studies/{number}"
    found = _answer(url, Study, fetch)
    # An old number that was merged into another is answered with the study under its new one.
    if number != found.nct_id and number not in found.aliases:
        raise RegistryError(f"{url}: answered with another study, {found.nct_id}; try again, or look at its page")
    return found


def search(
    term: str | None = None,
    *,
    condition: str | None = None,
    intervention: str | None = None,
    status: Iterable[str] = (),
    ids: Iterable[str] = (),
    advanced: str | None = None,
    fields: Iterable[str] = (),
    fetch: Fetch | None = None,
) -> tuple[Study, ...]:
    """Return the studies that ClinicalTrials.gov finds, from all pages.

    Parameters
    ----------
    term, condition, intervention : str, optional
        Words in the registry's own syntax: ``"HER2 OR ERBB2"``. At least one filter must be given.
    status : iterable of str, optional
        Any of these statuses: ``["RECRUITING", "NOT_YET_RECRUITING"]``.
    ids : iterable of str, optional
        Any of these numbers.
    advanced : str, optional
        Areas: ``"AREA[Phase]PHASE3 AND AREA[LastUpdatePostDate]RANGE[2026-01-01,MAX]"``. There are no filters of their
        own for phase or type of study.
    fields : iterable of str, optional
        Only these parts of each record (``["NCTId", "OverallStatus"]``); all by default.
    fetch : callable, optional
        As for `registry.fetch`.

    Raises
    ------
    herbtc.RegistryError
        If the registry does not answer, or not with pages of studies. The registry's data change once a day, and the
        pages of a search end there: then it starts again from the first page, once.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> pages = Path("tests/samples/ctgov/pages")
    >>> def recorded(url: str) -> bytes:
    ...     return (pages / "search_phelan_limit50_20260811.json").read_bytes()
    >>> [study.nct_id for study in registry.search(condition="Phelan-McDermid syndrome", fetch=recorded)]
    ['NCT02710084', ...]
    """
    query = {
        "query.term": term,
        "query.cond": condition,
        "query.intr": intervention,
        "filter.overallStatus": "|".join(status),
        "filter.ids": "|".join(ids),
        "filter.advanced": advanced,
    }
    query = {name: value for name, value in query.items() if value}
    if not query:
        raise RegistryError("expected words to search for; without any, all studies of the registry would be fetched")
    query |= {"fields": wanted} if (wanted := "|".join(fields)) else {}
    fetch = fetch or Transport()
    try:
        return _all_pages(query, fetch)
    except _ExpiredError:
        pass
    try:
        return _all_pages(query, fetch)
    except _ExpiredError as error:
        raise RegistryError(
            f"{error}; the search was begun anew once and broke off again, so try later", status=error.status
        ) from error


def version(*, fetch: Fetch | None = None) -> Version:
    """Return which version of its interface and of its data ClinicalTrials.gov answers from now.

    Raises
    ------
    herbtc.RegistryError
        If it does not answer, or not with its version.
    """
    return _answer(f"{ADDRESS}/version", Version, fetch)


class _ExpiredError(RegistryError):
    """The pages of a search have ended, as the data that they were made from are no more."""


def _all_pages(query: dict[str, str | None], fetch: Fetch) -> tuple[Study, ...]:
    # A study that moved to a later page meanwhile stands on two: the later record is kept.
    found: dict[str, Study] = {}
    token, tokens = None, set()
    first = {"countTotal": "true"}
    with bar(unit=" studies") as progress:
        while True:
            position = {"pageToken": token} if token else first
            url = f"{ADDRESS}/studies?{urlencode(query | {'pageSize': str(_PAGE_SIZE)} | position)}"
            try:
                part = _answer(url, Page, fetch)
            except RegistryError as error:
                if token and error.status in {BAD_REQUEST, NOT_FOUND}:
                    raise _ExpiredError(str(error), status=error.status) from error
                raise
            found |= {each.nct_id: each for each in part.studies}
            progress(len(part.studies), part.total_count)
            token = part.next_page_token
            if not token:
                return tuple(found.values())
            if token in tokens:
                raise RegistryError(f"{url}: the next page is one that was there before; try again later")
            tokens.add(token)


def _answer(url: str, of: type[T], fetch: Fetch | None) -> T:
    return answer(url, lambda data: made(parsed(data, "the answer"), of, "the answer"), fetch or Transport())


# --- documents --------------------------------------------------------------------------------------------------------


def _study(document: object) -> Study:
    if isinstance(document, dict):
        if "studies" in document:
            raise DataError("the record", [Problem("", "studies", "a page of studies: read it with `registry.page`")])
        # The registry's own pages hold a record beside its history.
        if "protocolSection" not in document and "study" in document:
            document = document["study"]
    return made(document, Study, "the record")


def _page(document: object) -> Page:
    # The download on the registry's own pages is a list without more.
    return made({"studies": document} if isinstance(document, list) else document, Page, "the page")
