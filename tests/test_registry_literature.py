"""Publications of PubMed and Europe PMC: every sample is read as its manifest says, and nothing else is."""

from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Answer, playing
from loopback import Played as LoopbackPlayed

from herbtc.errors import DataError, RegistryError
from herbtc.registry import Transport, europepmc, pubmed
from herbtc.registry._citation import flat
from herbtc.registry._eutilities import Asker

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.registry import Citation

SAMPLES = Path(__file__).parent / "samples" / "pubmed"
MANIFEST = list(csv.DictReader((SAMPLES / "manifest.csv").read_text("utf-8").splitlines()))
READERS: dict[str, Callable[[bytes], Any]] = {
    "PubmedArticleSet XML": pubmed.citations,
    "eSummaryResult XML": pubmed.citations,
    "eSearchResult XML": pubmed.hits,
    "Europe PMC search JSON": europepmc.citations,
}


def sample(file: str) -> bytes:
    return (SAMPLES / file).read_bytes()


def article(inside: str = "", *, beside: str = "", outside: str = "", pmid: str = "123") -> bytes:
    """Return a document of one article, with XML inside its Article, beside it, and in its PubmedData."""
    return (
        "<PubmedArticleSet><PubmedArticle><MedlineCitation>"
        f"<PMID>{pmid}</PMID><Article>{inside}</Article>{beside}</MedlineCitation>"
        f"<PubmedData>{outside}</PubmedData></PubmedArticle></PubmedArticleSet>"
    ).encode()


def problems(read: Callable[[bytes], Any], data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(DataError) as caught:
        read(data)
    return [(each.path, each.message) for each in caught.value.problems]


# --- samples ----------------------------------------------------------------------------------------------------------


def test_the_manifest_lists_every_sample() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {"manifest.csv", *(row["file"] for row in MANIFEST)}
    assert {row["kind"] for row in MANIFEST} == READERS.keys()


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_samples_are_read_as_what_they_are_and_as_nothing_else(row: dict[str, str]) -> None:
    assert READERS[row["kind"]](sample(row["file"]))
    for read in {*READERS.values()} - {READERS[row["kind"]]}:
        with pytest.raises(DataError, match="expected"):
            read(sample(row["file"]))


def test_an_article_with_a_structured_abstract_and_its_study() -> None:
    (paper,) = pubmed.citations(sample("pubmed-29768149.xml"))
    assert (paper.pmid, paper.doi) == ("29768149", "10.1056/NEJMoa1715274")
    assert paper.title == "Inhaled Combined Budesonide-Formoterol as Needed in Mild Asthma."
    assert (paper.journal, paper.journal_abbreviation) == ("The New England journal of medicine", "N Engl J Med")
    assert (paper.volume, paper.issue, paper.pages) == ("378", "20", "1865-1876")
    assert (paper.pub_date, paper.medline_date, paper.article_date) == ("2018 05 17", None, None)
    assert (paper.year, paper.revised) == (2018, date(2022, 4, 10))
    assert [author.name for author in paper.authors][:3] == ["O'Byrne PM", "FitzGerald JM", "Bateman ED"]
    assert paper.accessions[0].bank == "ClinicalTrials.gov"
    assert paper.nct_ids == paper.mentioned_nct_ids == ("NCT02149199",)
    assert "Randomized Controlled Trial" in paper.publication_types
    assert paper.abstract is not None
    assert [line.partition(":")[0] for line in paper.abstract.splitlines()] == [
        "BACKGROUND",
        "METHODS",
        "RESULTS",
        "CONCLUSIONS",
    ]
    assert [(each.kind, each.pmid) for each in paper.notices] == [("CommentIn", "29768146"), ("CommentIn", "30242404")]
    assert (paper.errata, paper.retractions, paper.concerns, paper.retracted) == ((), (), (), False)


def test_an_article_with_markup_and_an_electronic_date_before_its_issue() -> None:
    (paper,) = pubmed.citations(sample("efetch_pubmed4.xml"))
    title = "Leucocyte telomere length, genetic variants at the TERT gene region and risk of pancreatic cancer."
    assert paper.title == title
    assert (paper.pub_date, paper.article_date, paper.year) == ("2017 06", "2016 10 21", 2017)
    assert paper.entered == date(2016, 11, 1)
    assert paper.doi == "10.1136/gutjnl-2016-312510"
    assert Counter(each.kind for each in paper.notices) == {"Cites": 48, "CommentIn": 1}
    assert paper.abstract is not None
    assert "²" in paper.abstract
    assert "<" not in paper.abstract.replace("<0.25", "")


def test_articles_with_a_season_and_without_an_abstract() -> None:
    first, second = pubmed.citations(sample("efetch_pubmed1.xml"))
    assert (first.pub_date, first.year, first.abstract, first.doi) == ("1990 Spring", 1990, None, None)
    assert (second.pub_date, second.pages, second.doi) == ("1976 Sep 28", "179-91", "10.1016/0005-2795(76)90109-4")


def test_summaries_are_shorter_citations() -> None:
    first, second = pubmed.citations(sample("esummary1.xml"))
    assert (first.pmid, first.title) == ("11850928", "Zirconium granuloma following treatment of rhus dermatitis.")
    assert [author.name for author in first.authors] == ["LoPresti PJ", "Hambrick GW Jr"]
    assert (first.pub_date, first.article_date, first.journal) == ("1965 Aug", None, "Archives of dermatology")
    assert second.publication_types == ("Journal Article", "Review")


def test_hits_and_none() -> None:
    found = pubmed.hits(sample("esearch1.xml"))
    assert (found.count, len(found.pmids), found.pmids[0]) == (63, 20, "41282813")
    nothing = pubmed.hits(sample("esearch8_error.xml"))
    assert (nothing.count, nothing.pmids, nothing.not_found) == (0, (), ("abcXYZ",))


def test_a_lite_answer_of_europe_pmc() -> None:
    (paper,) = europepmc.citations(sample("europepmc_search_pmid_22663011.json"))
    assert (paper.pmid, paper.doi, paper.year) == ("22663011", "10.1056/nejmoa1203421", 2012)
    assert (paper.journal, paper.volume, paper.issue, paper.pages) == ("N Engl J Med", "367", "2", "107-114")
    assert (paper.authors[0].name, paper.authors[-1].name) == ("Flaherty KT", "METRIC Study Group")
    assert "randomized controlled trial" in paper.publication_types
    assert paper.entered == date(2012, 6, 8)


# --- parts of a record ------------------------------------------------------------------------------------------------


def test_the_three_dates_are_kept_apart() -> None:
    (paper,) = pubmed.citations(
        article(
            "<Journal><JournalIssue><PubDate><MedlineDate>1998 Dec-1999 Jan</MedlineDate></PubDate></JournalIssue>"
            "</Journal><ArticleDate DateType='Electronic'><Year>1998</Year><Month>11</Month><Day>02</Day></ArticleDate>"
        )
    )
    assert (paper.pub_date, paper.medline_date, paper.article_date) == (None, "1998 Dec-1999 Jan", "1998 11 02")
    assert paper.year == 1998


def test_notices_by_kind() -> None:
    kinds = [
        *("ErratumIn", "RetractionIn", "ExpressionOfConcernIn", "CorrectedandRepublishedIn", "ErratumFor", "Cites"),
        *("RetractedandRepublishedIn", "RetractionOf", "ExpressionOfConcernFor"),
    ]
    listed = "".join(
        f"<CommentsCorrections RefType='{kind}'><RefSource>J. {place}</RefSource><PMID>{place}</PMID>"
        "<Note>as printed</Note></CommentsCorrections>"
        for place, kind in enumerate(kinds, 1)
    )
    (paper,) = pubmed.citations(article(beside=f"<CommentsCorrectionsList>{listed}</CommentsCorrectionsList>"))
    assert [each.kind for each in paper.notices] == kinds
    assert [each.pmid for each in paper.errata] == ["1", "4"]
    assert [(each.pmid, each.reference, each.note) for each in paper.retractions] == [
        ("2", "J. 2", "as printed"),
        ("7", "J. 7", "as printed"),
    ]
    assert [each.pmid for each in paper.concerns] == ["3"]
    assert paper.retracted


@pytest.mark.parametrize(("word", "retracted"), [("Retracted Publication", True), ("Retraction of Publication", False)])
def test_what_is_retracted_and_what_retracts(word: str, retracted: bool) -> None:  # noqa: FBT001
    inside = f"<PublicationTypeList><PublicationType>{word}</PublicationType></PublicationTypeList>"
    (paper,) = pubmed.citations(article(inside))
    assert paper.retracted is retracted


def test_a_publication_has_no_number_of_what_it_cites() -> None:
    cited = (
        "<ReferenceList><Reference><ArticleIdList><ArticleId IdType='doi'>10.1/cited</ArticleId></ArticleIdList>"
        "</Reference></ReferenceList>"
    )
    (paper,) = pubmed.citations(article(outside=cited))
    assert paper.doi is None


def test_a_doi_that_pubmed_calls_invalid_is_none() -> None:
    (paper,) = pubmed.citations(article("<ELocationID EIdType='doi' ValidYN='N'>10.1/wrong</ELocationID>"))
    assert paper.doi is None


def test_groups_are_authors_too() -> None:
    names = "<Author><CollectiveName>METRIC <i>Study</i> Group</CollectiveName></Author>"
    (paper,) = pubmed.citations(article(f"<AuthorList>{names}</AuthorList>"))
    assert [author.name for author in paper.authors] == ["METRIC Study Group"]


def test_only_numbers_of_clinicaltrials_gov_link_to_it() -> None:
    banks = "".join(
        f"<DataBank><DataBankName>{bank}</DataBankName><AccessionNumberList><AccessionNumber>{number}</AccessionNumber>"
        "</AccessionNumberList></DataBank>"
        for bank, number in [("ClinicalTrials.gov", "NCT04466891"), ("GENBANK", "AF001892"), ("ISRCTN", "ISRCTN1")]
    )
    (paper,) = pubmed.citations(article(f"<DataBankList>{banks}</DataBankList>"))
    assert len(paper.accessions) == 3
    assert paper.nct_ids == ("NCT04466891",)


def test_chapters_of_books_stand_beside_articles() -> None:
    chapter = (
        b"<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>20301623</PMID><ArticleIdList>"
        b"<ArticleId IdType='bookaccession'>NBK1</ArticleId><ArticleId IdType='doi'>10.1/c</ArticleId></ArticleIdList>"
        b"<Book><BookTitle>A Book</BookTitle><PubDate><Year>2001</Year></PubDate><AuthorList Type='editors'><Author>"
        b"<LastName>Editor</LastName></Author></AuthorList></Book><ArticleTitle>A Chapter</ArticleTitle>"
        b"<AuthorList Type='authors'><Author><LastName>Writer</LastName><Initials>W</Initials></Author></AuthorList>"
        b"<PublicationType>Review</PublicationType><Abstract><AbstractText>Short.</AbstractText></Abstract>"
        b"</BookDocument></PubmedBookArticle></PubmedArticleSet>"
    )
    (paper,) = pubmed.citations(chapter)
    assert (paper.pmid, paper.doi, paper.title, paper.journal) == ("20301623", "10.1/c", "A Chapter", "A Book")
    assert ([author.name for author in paper.authors], paper.year) == (["Writer W"], 2001)
    (without,) = pubmed.citations(chapter.replace(b"<AuthorList Type='authors'>", b"<AuthorList Type='editors'>"))
    assert without.authors == ()
    assert (paper.abstract, paper.publication_types) == ("Short.", ("Review",))


def test_markup_is_flattened_without_running_numbers_together() -> None:
    (paper,) = pubmed.citations(
        article(
            "<ArticleTitle>10<sup><i>6</i></sup> cells,\n  CD4<sup>+</sup>, <b>p<sub>trend</sub></b> &lt; 0.05"
            "</ArticleTitle>"
        )
    )
    assert paper.title == "10⁶ cells, CD4⁺, ptrend < 0.05"


@given(st.lists(st.tuples(st.sampled_from(["i", "b", "em", ""]), st.text("ab <>&é0 \n\t"))))
def test_text_is_the_same_through_xml_and_through_html(pieces: list[tuple[str, str]]) -> None:
    marked = "".join(f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text) for tag, text in pieces)
    expected = " ".join("".join(text for _, text in pieces).split()) or None
    (paper,) = pubmed.citations(article(f"<ArticleTitle>{marked}</ArticleTitle>"))
    assert paper.title == expected
    page = {"hitCount": 1, "resultList": {"result": [{"id": "1", "source": "MED", "title": marked}]}}
    (same,) = europepmc.citations(json.dumps(page).encode())
    assert same.title == expected


@given(st.text())
def test_flat_text_is_one_line_of_what_was_there(text: str) -> None:
    assert flat([(text, ("i",))]) == " ".join(text.split())


def test_a_core_answer_of_europe_pmc() -> None:
    core = {
        "id": "123",
        "source": "MED",
        "pmid": "123",
        "title": "A <i>title</i> with p<0.05 and H<sub><i>2</i></sub>O<br/>&amp; more.",
        "authorList": {
            "author": [
                {"fullName": "Curie M", "firstName": "Marie", "lastName": "Curie", "initials": "M"},
                {"collectiveName": "A Group"},
            ]
        },
        "journalInfo": {
            "issue": "1",
            "volume": "2",
            "dateOfPublication": "2024 Jan",
            "journal": {"title": "Journal of Things", "isoabbreviation": "J Things"},
        },
        "abstractText": "<h4>Background</h4>NCT04466891 was <b>run</b>.<h4>Results</h4>None.",
        "pubTypeList": {"pubType": ["Journal Article"]},
        "commentCorrectionList": {
            "commentCorrection": [
                {"id": "9", "source": "MED", "reference": "J. 1", "type": "Retraction in"},
                {"id": "PPR1", "source": "PPR", "type": "Preprint in"},
            ]
        },
        "electronicPublicationDate": "2023-12-01",
        "firstIndexDate": "2023-12-02",
        "hasSomethingNew": {"of": ["any", "kind"]},
    }
    (paper,) = europepmc.citations(json.dumps({"hitCount": 1, "resultList": {"result": [core]}}).encode())
    assert paper.title == "A title with p<0.05 and H₂O & more."
    assert [author.name for author in paper.authors] == ["Curie M", "A Group"]
    assert (paper.journal, paper.pub_date, paper.article_date) == ("Journal of Things", "2024 Jan", "2023-12-01")
    assert paper.abstract == "Background: NCT04466891 was run.\nResults: None."
    assert (paper.nct_ids, paper.mentioned_nct_ids) == ((), ("NCT04466891",))
    assert [(each.kind, each.pmid) for each in paper.retractions] == [("Retraction in", "9")]
    assert paper.retracted


# --- what is refused --------------------------------------------------------------------------------------------------


def test_every_fault_of_every_article_is_told_with_its_place() -> None:
    document = (
        b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>0</PMID><DateRevised><Year>2020</Year>"
        b"<Month>13</Month><Day>1</Day></DateRevised><Article/></MedlineCitation></PubmedArticle>"
        b"<PubmedArticle><MedlineCitation><PMID>1</PMID></MedlineCitation></PubmedArticle><DeleteCitation/>"
        b"</PubmedArticleSet>"
    )
    assert [path for path, _ in problems(pubmed.citations, document)] == [
        "PubmedArticle[0].MedlineCitation.PMID",
        "PubmedArticle[0].MedlineCitation.DateRevised",
        "PubmedArticle[1].MedlineCitation.Article",
        "DeleteCitation[2]",
    ]


BILLION_LAUGHS = (
    b'<!DOCTYPE PubmedArticleSet [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(20))
    + b"]><PubmedArticleSet>&u;</PubmedArticleSet>"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BILLION_LAUGHS, "declarations inside the document"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declarations inside the document"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://localhost/x">%x;]><a/>', "declarations inside the document"),
        (b'<!DOCTYPE a [<!ATTLIST b c CDATA "default">]><a><b/></a>', "declarations inside the document"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a>&x;</a>', "the entity 'x' is not declared"),
        (b"<a>&x;</a>", "undefined entity"),
        (b"<a>" * 201, "nested deeper than 200"),
        (b"<a>" * 1_000_000, "nested deeper than 200"),
        (b"<PubmedArticleSet><PubmedArticle>", "no element found"),
        (b"", "no element found"),
        (b"\xff\xfe", "expected XML"),
        (b"<a>\xc3\x28</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "expected XML|not readable as XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "expected XML|not readable as XML"),
        (b'{"esearchresult": {}}', "expected XML"),
        (b"<html><body>502 Bad Gateway</body></html>", "expected PubmedArticleSet"),
        (b"<PubmedArticleSet>Cannot process ID list</PubmedArticleSet>", "got 'Cannot process ID list'"),
        (b"<PubmedArticleSet><ERROR>busy</ERROR></PubmedArticleSet>", "got 'ERROR'"),
        (b"<eSummaryResult><ERROR>Invalid uid</ERROR></eSummaryResult>", "PubMed says: 'Invalid uid'"),
    ],
)
def test_hostile_xml_is_refused_at_once(data: bytes, message: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(DataError, match=message):
        pubmed.citations(data)
    assert time.perf_counter() - begin < 1


def test_more_elements_than_any_document_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("herbtc.registry._xml._MOST", 1000)
    assert pubmed.citations(b"<PubmedArticleSet/>") == ()
    with pytest.raises(DataError, match="more than 1000 elements"):
        pubmed.citations(b"<a>" + b"<b/>" * 1000 + b"</a>")


def test_text_is_no_document() -> None:
    with pytest.raises(TypeError, match="expected bytes"):
        pubmed.citations("<PubmedArticleSet/>")  # type: ignore[arg-type]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _changed_bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _text_replaced(data: bytes, chance: random.Random) -> bytes:
    # What stands between two tags becomes something else.
    ends = [place for place in range(len(data) - 1) if data[place : place + 1] == b">"]
    begin = chance.choice(ends) + 1
    end = data.find(b"<", begin)
    values = [b"", b"-1", b"9" * 5000, b"&amp;" * 50, "é\u202e".encode(), b"&#0;", b"&#xD800;", b"&lol;", b"1e999"]
    return data[:begin] + chance.choice(values) + data[end:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    begin = chance.randrange(len(data))
    end = min(len(data), begin + chance.randrange(1, 400))
    return data[:begin] + data[begin:end] * chance.randrange(2, 40) + data[end:]


def _removed(data: bytes, chance: random.Random) -> bytes:
    begin = chance.randrange(len(data))
    return data[:begin] + data[begin + chance.randrange(1, 200) :]


def _nested(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([5, 150, 300, 50_000])
    begin = data.find(b">", chance.randrange(len(data) - 20)) + 1
    return data[:begin] + b"<i>" * depth + b"</i>" * depth + data[begin:]


def _declaring(data: bytes, chance: random.Random) -> bytes:
    declared = BILLION_LAUGHS[BILLION_LAUGHS.index(b"[") : BILLION_LAUGHS.index(b"]") + 1]
    name, _, rest = data.partition(b"<!DOCTYPE ")
    kind, _, rest = rest.partition(b">")
    begin = rest.find(b">", chance.randrange(len(rest) // 2)) + 1
    return name + b"<!DOCTYPE " + kind + declared + b">" + rest[:begin] + b"&u;" + rest[begin:]


def _recoded(data: bytes, chance: random.Random) -> bytes:
    text = data.decode()
    return text.encode(chance.choice(["utf-16", "utf-16-le", "utf-32", "cp037", "utf-8-sig"]))


MUTATIONS = [_cut, _changed_bytes, _text_replaced, _repeated, _removed, _nested, _declaring, _recoded]
XML_SAMPLES = [row["file"] for row in MANIFEST if row["file"].endswith(".xml")]


@pytest.mark.parametrize("seed", range(8))
def test_mutated_documents_are_read_or_refused_in_bounded_time(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    outcomes: Counter[str] = Counter()
    for turn in range(200):
        mutate = MUTATIONS[turn % len(MUTATIONS)]
        original = sample(chance.choice(XML_SAMPLES))
        data = mutate(original, chance)
        for read in (pubmed.citations, pubmed.hits):
            begin = time.perf_counter()
            found = _read(read, data)
            assert time.perf_counter() - begin < 2
            outcomes["refused" if isinstance(found, DataError) else "read"] += 1
            _is_sound(found)
            if read is pubmed.citations and not isinstance(found, DataError):
                assert [(paper.pmid, paper.title, len(paper.authors)) for paper in found] == _as_others_read(data)
        if mutate is _declaring:
            with pytest.raises(DataError, match="declarations inside the document"):
                pubmed.citations(data)
    assert outcomes["read"] >= 5
    assert outcomes["refused"] >= 200


def _as_others_read(data: bytes) -> list[tuple[str, str | None, int]]:
    # Number, title and number of authors as the standard library's own tree has them; it is safe for what was read, in
    # which nothing is declared.
    root = fromstring(data)  # noqa: S314
    if root.tag == "eSummaryResult":
        lists = [{item.get("Name"): item for item in each.findall("Item")} for each in root]
        return [
            (
                (each.findtext("Id") or "").strip(),
                " ".join("".join(items["Title"].itertext()).split()) or None if "Title" in items else None,
                sum(bool("".join(author.itertext()).strip()) for author in items.get("AuthorList", ())),
            )
            for each, items in zip(root, lists, strict=True)
        ]
    return [
        (
            (each.findtext("MedlineCitation/PMID") or "").strip(),
            next(
                (
                    text
                    for title in each.iterfind("MedlineCitation/Article/ArticleTitle")
                    if (text := " ".join("".join(title.itertext()).split()))
                ),
                None,
            ),
            len(each.findall("MedlineCitation/Article/AuthorList/Author")),
        )
        for each in root
    ]


def _read(read: Callable[[bytes], Any], data: bytes) -> Any:
    # What is read, or the error that refuses it; any other error is one of ours.
    try:
        return read(data)
    except DataError as error:
        return error


def _is_sound(found: DataError | tuple[Citation, ...] | pubmed.Hits) -> None:
    if isinstance(found, DataError):
        assert found.problems
        assert len(str(found)) < 20_000
        return
    if isinstance(found, pubmed.Hits):
        assert 0 <= len(found.pmids) <= found.count
        assert all(pmid.isdecimal() for pmid in found.pmids)
        return
    for paper in found:
        assert paper.pmid is None or paper.pmid.strip()
        for text in (paper.title, paper.journal, paper.pub_date, paper.doi):
            assert text is None or text == " ".join(text.split()) != ""
        json.dumps([paper.title, paper.abstract], ensure_ascii=False).encode()


# --- asking -----------------------------------------------------------------------------------------------------------


class Played:
    """E-utilities on this machine: what is found, and which records there are."""

    def __init__(self, pmids: list[str], *, lost: frozenset[str] = frozenset()) -> None:
        self.pmids = pmids
        self.lost = lost
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str) -> bytes:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        utility = parts.path.rpartition("/")[2]
        self.asked.append((utility, query))
        if utility == "esearch.fcgi":
            listed = "".join(f"<Id>{pmid}</Id>" for pmid in self.pmids)
            return f"<eSearchResult><Count>{len(self.pmids)}</Count><IdList>{listed}</IdList></eSearchResult>".encode()
        records = [article(pmid=pmid) for pmid in query["id"].split(",") if pmid not in self.lost]
        inside = b"".join(
            each.removeprefix(b"<PubmedArticleSet>").removesuffix(b"</PubmedArticleSet>") for each in records
        )
        return b"<PubmedArticleSet>" + inside + b"</PubmedArticleSet>"


def test_a_search_fetches_what_it_found_in_portions_and_in_order() -> None:
    played = Played([str(number) for number in range(1000, 1450)])
    found = pubmed.search("HER2", since=date(2026, 11, 1), fetch=played, email="doe@example.org", tool="review")
    assert [paper.pmid for paper in found] == played.pmids
    assert [utility for utility, _ in played.asked] == ["esearch.fcgi", *["efetch.fcgi"] * 3]
    search = played.asked[0][1]
    assert (search["term"], search["datetype"], search["mindate"]) == ("HER2", "edat", "2026/11/01")
    assert all((query["tool"], query["email"]) == ("review", "doe@example.org") for _, query in played.asked)
    assert all("api_key" not in query for _, query in played.asked)
    assert [len(query["id"].split(",")) for _, query in played.asked[1:]] == [200, 200, 50]


def test_no_hit_asks_for_no_record() -> None:
    played = Played([])
    assert pubmed.search("abcXYZ", fetch=played) == ()
    assert len(played.asked) == 1


def test_the_pace_is_that_of_ncbi() -> None:
    assert Asker.of(None, key=None, email=None).fetch == Transport(pause=0.34, limit=1 << 26)
    assert Asker.of(None, key="mine", email=None).fetch == Transport(pause=0.1, limit=1 << 26)


def test_records_that_are_missing_are_named() -> None:
    with pytest.raises(RegistryError, match="no record of 12, 14;"):
        pubmed.fetch(["11", "12", "13", "14"], fetch=Played([], lost=frozenset({"12", "14"})))


def test_a_key_is_sent_and_never_told() -> None:
    def refusing(url: str) -> bytes:
        assert parse_qs(urlsplit(url).query)["api_key"] == ["se cret/1"]
        raise RegistryError(f"{url}: HTTP 429", status=429)

    with pytest.raises(RegistryError) as caught:
        pubmed.search("HER2", key="se cret/1", fetch=refusing)
    assert caught.value.status == 429
    assert "HER2" in str(caught.value)
    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>", "Search Backend failed"),
        (
            b"<eSearchResult><Count>2</Count><IdList><Id>1</Id></IdList></eSearchResult>",
            "found 2 publications and listed 1",
        ),
        (b"<eSearchResult><Count>1</Count><IdList><Id>1</Id><Id>2</Id></IdList></eSearchResult>", "at most 1 numbers"),
        (b"<eSearchResult><Count>20000</Count><IdList/></eSearchResult>", "gives out 9999"),
        (b"<eSearchResult><Count>x</Count></eSearchResult>", "expected a whole number"),
        (
            b"<eSearchResult><Count>0</Count><ErrorList><FieldNotFound>tib</FieldNotFound></ErrorList></eSearchResult>",
            "no field tib",
        ),
        (b"<html>busy</html>", "expected eSearchResult"),
        (b'{"error":"API rate limit exceeded"}', "expected XML"),
    ],
)
def test_answers_that_are_no_hits_end_in_an_error_that_says_so(answer: bytes, message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        pubmed.search("HER2", fetch=lambda _: answer)


@pytest.mark.parametrize("pmid", ["", "0", "PMC1", "1 OR 2", "1234567890", "１２"])
def test_what_is_no_number_is_not_asked_for(pmid: str) -> None:
    with pytest.raises(RegistryError, match="expected a number of PubMed"):
        pubmed.fetch([pmid], fetch=Played([]))


def test_one_text_is_not_several_numbers() -> None:
    with pytest.raises(TypeError, match="several numbers"):
        pubmed.fetch("37276871", fetch=Played([]))


@pytest.mark.parametrize("search", [pubmed.search, europepmc.search])
def test_nothing_is_not_searched_for(search: Callable[..., Any]) -> None:
    with pytest.raises(RegistryError, match="expected words"):
        search("  ", fetch=Played([]))


def _page(ids: list[int], count: int, cursor: str | None) -> bytes:
    results = [{"id": str(each), "source": "MED", "pmid": str(each)} for each in ids]
    page: dict[str, Any] = {"hitCount": count, "resultList": {"result": results}}
    return json.dumps(page | ({"nextCursorMark": cursor} if cursor else {})).encode()


def test_europe_pmc_is_read_to_its_last_page() -> None:
    pages = {"*": _page([1, 2], 5, "b"), "b": _page([3, 4], 5, "c"), "c": _page([5], 5, "c")}
    asked: list[dict[str, str]] = []

    def fetch(url: str) -> bytes:
        asked.append({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
        return pages[asked[-1]["cursorMark"]]

    found = europepmc.search("HER2", since=date(2026, 11, 1), fetch=fetch)
    assert [paper.pmid for paper in found] == ["1", "2", "3", "4", "5"]
    assert [query["cursorMark"] for query in asked] == ["*", "b", "c"]
    assert {query["resultType"] for query in asked} == {"core"}
    assert asked[0]["query"] == "(HER2) AND FIRST_IDATE:[2026-11-01 TO 3000-12-31]"


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({"*": _page([1], 3, "b"), "b": _page([2], 3, "*")}, "was there before"),
        ({"*": _page([1], 3, "b"), "b": _page([], 3, "c")}, "found 3 publications and gave 1"),
        ({"*": _page([1], 3, None)}, "found 3 publications and gave 1"),
        ({"*": b'{"errCode": 404, "errMsg": "no"}'}, "expected a value; there is none"),
        ({"*": b"<html>busy</html>"}, "expected JSON"),
        ({"*": b'{"hitCount": 1, "resultList": {"result": [{"id": 1, "source": "MED"}]}}'}, r"result\[0\].id"),
    ],
)
def test_europe_pmc_that_breaks_off_ends_in_an_error(pages: dict[str, bytes], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        europepmc.search("HER2", fetch=lambda url: pages[parse_qs(urlsplit(url).query)["cursorMark"][0]])


def test_mutated_json_of_europe_pmc_is_read_or_refused() -> None:
    chance = random.Random(7)  # noqa: S311
    original = sample("europepmc_search_pmid_22663011.json")
    refused = 0
    for turn in range(200):
        mutate = (_cut, _changed_bytes, _repeated, _removed)[turn % 4]
        found = _read(europepmc.citations, mutate(original, chance))
        _is_sound(found)
        refused += isinstance(found, DataError)
    assert 50 <= refused < 200


# --- over a network of one machine ------------------------------------------------------------------------------------


def served(played: LoopbackPlayed, path: str) -> Answer:
    """Answer as PubMed and Europe PMC do to one that asks at most a few times."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    if "cursorMark" in query:
        return Answer(body=_page([1, 2], 2, None))
    return Answer(kind="text/xml", body=Played(["11", "12"])(f"{played.address}{path}"))


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Transport:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return Transport(timeout=1.0, limit=100_000, sleep=lambda _: None)


SEARCHES: dict[str, tuple[Callable[..., Any], int]] = {
    "_eutilities": (pubmed.search, 2),
    "europepmc": (europepmc.search, 1),
}


@pytest.mark.parametrize("service", SEARCHES)
def test_a_search_over_http(service: str, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    search, requests = SEARCHES[service]

    def script(played: LoopbackPlayed, path: str) -> Answer:
        return Answer(status=429) if len(played.asked) == 1 else served(played, path)

    with playing(script) as played:
        monkeypatch.setattr(f"herbtc.registry.{service}.ADDRESS", f"{played.address}/api")
        assert len(search("HER2", fetch=transport)) == 2
    assert len(played.asked) == requests + 1


@pytest.mark.parametrize("service", SEARCHES)
@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (Answer(status=429), ("HTTP 429.*asked 4 times", 4)),
        (Answer(status=500), ("HTTP 500.*asked 4 times", 4)),
        (Answer(status=400, kind="text/plain", body=b"API key invalid"), ("API key invalid", 1)),
        (Answer(status=404, kind="text/plain", body=b"gone"), ("HTTP 404", 1)),
        (Answer(body=b"<eSearchResult><Count>1</Count>", length=5000), ("broke off", 1)),
        (Answer(body=b" " * 100_001), ("more than 100000 bytes", 1)),
        (Answer(body=b"<html>Log in to the network of this hotel</html>", kind="text/html"), ("expected", 1)),
        (Answer(body=b"{}", wait=3.0), ("within 1 s", 1)),
        (Answer(status=302, headers=(("Location", "https://example.org/"),)), ("sends elsewhere", 1)),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else None,
)
def test_whatever_a_server_does_there_is_an_error_that_says_so(
    service: str, say: Answer, expected: tuple[str, int], transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, _ = SEARCHES[service]
    begin = time.perf_counter()
    with playing(lambda _, __: say) as played:
        monkeypatch.setattr(f"herbtc.registry.{service}.ADDRESS", f"{played.address}/api")
        with pytest.raises(RegistryError, match=expected[0]):
            search("HER2", fetch=transport)
    assert len(played.asked) == expected[1]
    assert time.perf_counter() - begin < 3
