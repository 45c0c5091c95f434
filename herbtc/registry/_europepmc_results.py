"""What Europe PMC answers, as it prints it."""

from attrs import frozen

from herbtc.registry._fields import PartialDate, at


@frozen(kw_only=True)
class Writer:
    """An author as Europe PMC prints one."""

    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    initials: str | None = None
    collective_name: str | None = None


@frozen(kw_only=True)
class Correction:
    """A link to another publication."""

    type: str | None = None
    id: str | None = None
    source: str | None = None
    reference: str | None = None
    note: str | None = None


@frozen(kw_only=True)
class Result:
    """One publication as Europe PMC prints it; a lite answer has some fields in other places."""

    id: str
    source: str
    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    title: str | None = None
    abstract: str | None = at("abstractText", default=None)
    writers: tuple[Writer, ...] = at("authorList.author", default=())
    writers_as_text: str | None = at("authorString", default=None)
    journal: str | None = at("journalInfo.journal.title", default=None)
    journal_abbreviation: str | None = at("journalInfo.journal.isoabbreviation", default=None)
    journal_lite: str | None = at("journalTitle", default=None)
    volume: str | None = at("journalInfo.volume", default=None)
    volume_lite: str | None = at("journalVolume", default=None)
    issue: str | None = at("journalInfo.issue", default=None)
    issue_lite: str | None = at("issue", default=None)
    book: str | None = at("bookOrReportDetails.comprisingTitle", default=None)
    pages: str | None = at("pageInfo", default=None)
    pub_date: str | None = at("journalInfo.dateOfPublication", default=None)
    pub_year: str | None = None
    article_date: str | None = at("electronicPublicationDate", default=None)
    entered: PartialDate | None = at("firstIndexDate", default=None)
    revised: PartialDate | None = at("dateOfRevision", default=None)
    types: tuple[str, ...] = at("pubTypeList.pubType", default=())
    types_as_text: str | None = at("pubType", default=None)
    corrections: tuple[Correction, ...] = at("commentCorrectionList.commentCorrection", default=())


@frozen(kw_only=True)
class Results:
    """A page of answers."""

    hit_count: int
    results: tuple[Result, ...] = at("resultList.result")
    next_cursor: str | None = at("nextCursorMark", default=None)
