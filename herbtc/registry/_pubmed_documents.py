"""Documents of PubMed: records, summaries, and what a search found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.errors import DataError, Problem, shown
from herbtc.registry._pubmed_records import PMID, citations_in, of_summary
from herbtc.registry._xml import tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from herbtc.registry._citation import Citation

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


def _unexpected(root: Element, expected: str, hint: str) -> DataError:
    return DataError("the document", [Problem("", "", f"expected {expected}, got {shown(root.tag)}; {hint}")])
