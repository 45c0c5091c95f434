"""Documents of PubMed to citations: articles, chapters of books, and summaries."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from herbtc.errors import DataError, Problem, shown
from herbtc.registry._citation import Accession, Author, Citation, Notice, flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    Faults = list[tuple[str, str]]

PMID = re.compile(r"[1-9][0-9]{0,8}")
"""What numbers of PubMed look like."""


def citations_in(root: Element) -> tuple[Citation, ...]:
    """Return the citations of a ``PubmedArticleSet``."""
    return _each(root, {"PubmedArticle": _article, "PubmedBookArticle": _chapter})


def of_summary(root: Element) -> tuple[Citation, ...]:
    """Return the citations of an ``eSummaryResult``."""
    failed = root.findtext("ERROR")
    if failed is not None:
        raise DataError("the document", [Problem("", "ERROR", f"PubMed says: {shown(failed)}")])
    return _each(root, {"DocSum": _summary})


def _each(root: Element, makers: dict[str, Callable[[Element, Faults], Citation]]) -> tuple[Citation, ...]:
    found: list[Citation] = []
    # Beside records there is only what a server has to say instead of them.
    beside = " ".join(text.strip() for text in (root.text, *(each.tail for each in root)) if text and text.strip())
    problems = [Problem("", "", f"expected {' or '.join(makers)}, got {shown(beside)}")] if beside else []
    for place, element in enumerate(root):
        faults: Faults = []
        if element.tag in makers:
            found.append(makers[element.tag](element, faults))
        else:
            faults.append(("", f"expected {' or '.join(makers)}, got {shown(element.tag)}"))
        where = f"{element.tag}[{place}]"
        problems += [Problem("", f"{where}.{path}" if path else where, message) for path, message in faults]
    if problems:
        raise DataError("the document", problems)
    return tuple(found)


def _article(element: Element, faults: Faults) -> Citation:
    article = element.find("MedlineCitation/Article")
    if article is None:
        faults.append(("MedlineCitation.Article", "expected a value; there is none"))
        return Citation()
    issue = "Journal/JournalIssue"
    return Citation(
        pmid=_pmid(element, "MedlineCitation/PMID", faults),
        doi=_own_id(element, "PubmedData", "doi") or _doi(article),
        pmcid=_own_id(element, "PubmedData", "pmc"),
        title=_text(article, "ArticleTitle") or _text(article, "VernacularTitle"),
        abstract=_abstract(article),
        authors=_authors(article),
        journal=_text(article, "Journal/Title"),
        journal_abbreviation=_text(article, "Journal/ISOAbbreviation")
        or _text(element, "MedlineCitation/MedlineJournalInfo/MedlineTA"),
        volume=_text(article, f"{issue}/Volume"),
        issue=_text(article, f"{issue}/Issue"),
        pages=_text(article, "Pagination/MedlinePgn") or _first_to_last(article),
        pub_date=_printed(article, f"{issue}/PubDate"),
        medline_date=_text(article, f"{issue}/PubDate/MedlineDate"),
        article_date=_printed(article, "ArticleDate"),
        entered=_entered(element, "PubmedData", faults),
        revised=_day(element, "MedlineCitation/DateRevised", faults),
        publication_types=_texts(article, "PublicationTypeList/PublicationType"),
        accessions=tuple(
            Accession(bank=bank, number=number)
            for each in article.findall("DataBankList/DataBank")
            if (bank := _text(each, "DataBankName"))
            for number in _texts(each, "AccessionNumberList/AccessionNumber")
        ),
        notices=tuple(_notices(element, faults)),
    )


def _chapter(element: Element, faults: Faults) -> Citation:
    document = element.find("BookDocument")
    if document is None:
        faults.append(("BookDocument", "expected a value; there is none"))
        return Citation()
    return Citation(
        pmid=_pmid(document, "PMID", faults),
        doi=_own_id(document, "", "doi") or _own_id(element, "PubmedBookData", "doi"),
        title=_text(document, "ArticleTitle") or _text(document, "Book/BookTitle"),
        abstract=_abstract(document),
        authors=_authors(document) or _authors(document, "Book/AuthorList"),
        journal=_text(document, "Book/BookTitle"),
        volume=_text(document, "Book/Volume"),
        pages=_text(document, "Pagination/MedlinePgn"),
        pub_date=_printed(document, "Book/PubDate"),
        medline_date=_text(document, "Book/PubDate/MedlineDate"),
        entered=_entered(element, "PubmedBookData", faults),
        revised=_day(document, "DateRevised", faults),
        publication_types=_texts(document, "PublicationType"),
    )


def _summary(element: Element, faults: Faults) -> Citation:
    items = {each.get("Name"): each for each in element.findall("Item")}

    def item(name: str) -> str | None:
        return _flattened(items[name]) or None if name in items else None

    def listed(name: str) -> tuple[tuple[str, str], ...]:
        return tuple((each.get("Name") or "", _flattened(each)) for each in items.get(name, ()))

    ids = dict(listed("ArticleIds"))
    return Citation(
        pmid=_pmid(element, "Id", faults),
        doi=ids.get("doi") or item("DOI"),
        pmcid=ids.get("pmc"),
        title=item("Title"),
        authors=tuple(
            Author(last_name=name) if kind == "Author" else Author(collective_name=name)
            for kind, name in listed("AuthorList")
            if name
        ),
        journal=item("FullJournalName"),
        journal_abbreviation=item("Source"),
        volume=item("Volume"),
        issue=item("Issue"),
        pages=item("Pages"),
        pub_date=item("PubDate"),
        article_date=item("EPubDate"),
        publication_types=tuple(name for _, name in listed("PubTypeList") if name),
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _pieces(element: Element, outer: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    # Text with the names of the elements that it stands in; the depth of a document is bounded where it is read.
    names = (*outer, element.tag)
    yield element.text or "", names
    for inner in element:
        yield from _pieces(inner, names)
        yield inner.tail or "", names


def _flattened(element: Element) -> str:
    return flat(_pieces(element))


def _texts(element: Element, path: str) -> tuple[str, ...]:
    return tuple(text for each in element.findall(path) if (text := _flattened(each)))


def _text(element: Element, path: str) -> str | None:
    return next(iter(_texts(element, path)), None)


def _pmid(element: Element, path: str, faults: Faults) -> str | None:
    pmid = (element.findtext(path) or "").strip()
    if not PMID.fullmatch(pmid):
        faults.append((path.replace("/", "."), f"expected a number of PubMed, got {shown(pmid)}"))
    return pmid


def _own_id(element: Element, outer: str, kind: str) -> str | None:
    # Only its own numbers: the works that it cites have such lists too.
    path = f"{outer}/ArticleIdList/ArticleId" if outer else "ArticleIdList/ArticleId"
    return next((_flattened(each) or None for each in element.findall(path) if each.get("IdType") == kind), None)


def _doi(article: Element) -> str | None:
    found = (each for each in article.findall("ELocationID") if each.get("EIdType") == "doi")
    return next((_flattened(each) or None for each in found if each.get("ValidYN") != "N"), None)


def _abstract(element: Element) -> str | None:
    parts = ((each.get("Label"), _flattened(each)) for each in element.findall("Abstract/AbstractText"))
    return "\n".join(f"{label}: {text}" if label else text for label, text in parts if text) or None


def _authors(element: Element, path: str = "AuthorList") -> tuple[Author, ...]:
    # A chapter lists its editors as well.
    return tuple(
        Author(
            last_name=_text(each, "LastName"),
            fore_name=_text(each, "ForeName"),
            initials=_text(each, "Initials"),
            collective_name=_text(each, "CollectiveName"),
        )
        for listed in element.findall(path)
        if listed.get("Type") != "editors"
        for each in listed.findall("Author")
    )


def _first_to_last(article: Element) -> str | None:
    ends = (_text(article, "Pagination/StartPage"), _text(article, "Pagination/EndPage"))
    return "-".join(end for end in ends if end) or None


def _printed(element: Element, path: str) -> str | None:
    # The parts of a date as printed; one that is no single date stands in an element of its own.
    found = element.find(path)
    if found is None:
        return None
    return " ".join(_flattened(part) for part in found if part.tag != "MedlineDate") or None


def _entered(element: Element, outer: str, faults: Faults) -> date | None:
    for each in element.findall(f"{outer}/History/PubMedPubDate"):
        if each.get("PubStatus") == "entrez":
            return _as_day(each, f"{outer}.History.PubMedPubDate", faults)
    return None


def _day(element: Element, path: str, faults: Faults) -> date | None:
    found = element.find(path)
    return None if found is None else _as_day(found, path.replace("/", "."), faults)


def _as_day(element: Element, path: str, faults: Faults) -> date | None:
    parts = [(element.findtext(name) or "").strip() for name in ("Year", "Month", "Day")]
    try:
        if not all(part.isdecimal() and part.isascii() for part in parts):
            raise ValueError  # noqa: TRY301  (int would take more than digits)
        return date(*map(int, parts))
    except (ValueError, OverflowError):
        faults.append((path, f"expected year, month and day in digits, got {shown(' '.join(parts))}"))
        return None


def _notices(element: Element, faults: Faults) -> Iterator[Notice]:
    path = "MedlineCitation/CommentsCorrectionsList/CommentsCorrections"
    for place, each in enumerate(element.findall(path)):
        kind = each.get("RefType")
        if not kind:
            where = f"{path.replace('/', '.')}[{place}].RefType"
            faults.append((where, "expected what kind of notice it is; there is no word for it"))
            continue
        yield Notice(kind=kind, reference=_text(each, "RefSource"), pmid=_text(each, "PMID"), note=_text(each, "Note"))
