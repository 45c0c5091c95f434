"""What registries and the literature say beside the catalog: played with recorded answers, never over a network."""

from __future__ import annotations

import itertools
import json
import os
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pandas as pd
import pytest
from attrs import define, evolve, field

import herbtc
from herbtc import DataError, RegistryError, registry
from herbtc.models import Source
from herbtc.registry import Study
from herbtc.registry._diff import KIND_OF, NOT_COMPARED, Change
from herbtc.registry._news import News
from herbtc.terms import SourceKind, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

CTGOV = Path(__file__).parent / "samples" / "ctgov"
CATALOG = herbtc.load()
KNOWN = "NCT04482309"  # DESTINY-PanTumor02
SINCE = date(2026, 11, 1)

COMPARED = {
    "trial": "string",
    "nct_id": "string",
    "registered": "boolean",
    "differs": "string",
    "lacks": "string",
    "status": "string",
    "status_registered": "string",
    "planned_n": "Int64",
    "enrollment": "Int64",
    "enrollment_type": "string",
    "start": "string",
    "start_registered": "string",
    "primary_completion": "string",
    "primary_completion_registered": "string",
    "completion": "string",
    "completion_registered": "string",
    "results_read": "boolean",
    "results_posted": "string",
    "reviewed": "datetime64[s]",
    "last_update_posted": "string",
}
NEWS = {
    "news": "category",
    "day": "datetime64[s]",
    "kind": "string",
    "trial": "string",
    "source": "string",
    "cited_in": "string",
    "nct_id": "string",
    "pmid": "string",
    "doi": "string",
    "title": "string",
    "detail": "string",
    "link": "string",
}
CHANGED = {
    "nct_id": "string",
    "trial": "string",
    "change": "category",
    "field": "string",
    "before": "string",
    "after": "string",
    "title": "string",
}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


def raw(number: str, **changes: Any) -> dict[str, Any]:
    """Return a record of a study as the registry prints it; changes are by path, with ``__`` for the dots."""
    document: dict[str, Any] = deepcopy(json.loads((CTGOV / "NCT05288205.json").read_bytes()))
    document["protocolSection"]["identificationModule"] |= {"nctId": number}
    document["protocolSection"]["statusModule"] |= {
        "studyFirstPostDateStruct": {"date": "2020-01-01"},
        "lastUpdatePostDateStruct": {"date": "2026-11-10"},
    }
    for path, value in changes.items():
        *outer, key = path.split("__")
        table = document["protocolSection"]
        for name in outer:
            table = table.setdefault(name, {})
        table[key] = value
    return document


TITLE = "identificationModule__briefTitle"
FIRST = "statusModule__studyFirstPostDateStruct__date"
RESULTS = "statusModule__resultsFirstPostDateStruct"


def paper(
    pmid: str, *, entered: str = "2026/11/15", title: str = "A paper", inside: str = "", beside: str = ""
) -> bytes:
    year, month, day = entered.split("/")
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Article><ArticleTitle>{title}</ArticleTitle>{inside}"
        f"</Article>{beside}</MedlineCitation><PubmedData><History><PubMedPubDate PubStatus='entrez'>"
        f"<Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></PubMedPubDate></History></PubmedData></PubmedArticle>"
    ).encode()


def linked(number: str) -> str:
    return (
        "<DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>"
        f"<AccessionNumber>{number}</AccessionNumber></AccessionNumberList></DataBank></DataBankList>"
    )


def notice(kind: str, pmid: str | None) -> str:
    number = f"<PMID>{pmid}</PMID>" if pmid else ""
    return (
        f"<CommentsCorrectionsList><CommentsCorrections RefType='{kind}'><RefSource>J. 2026;1:1</RefSource>{number}"
        "</CommentsCorrections></CommentsCorrectionsList>"
    )


@define(kw_only=True)
class World:
    """All registries at once, as they answer.

    `studies` are found by any search whose dates they meet; `papers` are PubMed's records by their numbers, and
    `by_query` says which of them a query finds, by a word in it; `europe` are Europe PMC's results.
    """

    studies: list[dict[str, Any]] = field(factory=list)
    papers: dict[str, bytes] = field(factory=dict)
    by_query: dict[str, list[str]] = field(factory=dict)
    europe: list[dict[str, Any]] = field(factory=list)
    versions: Iterator[str] | None = None
    asked: list[str] = field(factory=list)

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path.rpartition("/")[2]:
            case "version":
                day = next(self.versions) if self.versions else "2026-11-20"
                return json.dumps({"apiVersion": "2.0.5", "dataTimestamp": f"{day}T09:00:05"}).encode()
            case "studies":
                return json.dumps({"studies": [each for each in self.studies if self._meets(each, query)]}).encode()
            case "esearch.fcgi":
                pmids = [pmid for word, found in self.by_query.items() if word in query["term"] for pmid in found]
                listed = "".join(f"<Id>{pmid}</Id>" for pmid in pmids)
                return f"<eSearchResult><Count>{len(pmids)}</Count><IdList>{listed}</IdList></eSearchResult>".encode()
            case "efetch.fcgi":
                wanted = query["id"].split(",")
                return (
                    b"<PubmedArticleSet>"
                    + b"".join(self.papers.get(each, b"") for each in wanted)
                    + b"</PubmedArticleSet>"
                )
            case "search":
                found = [each for each in self.europe if each["doi"] in query["query"].lower()]
                return json.dumps({"hitCount": len(found), "resultList": {"result": found}}).encode()
        raise RegistryError(f"{url}: HTTP 404", status=404)

    @staticmethod
    def _meets(study: dict[str, Any], query: dict[str, str]) -> bool:
        protocol = study["protocolSection"]
        number, status = protocol["identificationModule"]["nctId"], protocol["statusModule"]
        if "filter.ids" in query and number not in query["filter.ids"].split("|"):
            return False
        area = query.get("filter.advanced", "")
        first = area.partition("RANGE[")[2].partition(",")[0]
        if "ResultsFirstPostDate" in area:
            return bool(status.get("resultsFirstPostDateStruct", {}).get("date", "") >= first)
        return bool(status["lastUpdatePostDateStruct"]["date"] >= first)


def known_papers() -> dict[str, bytes]:
    """Return a record of every source of the catalog that has a number, so that none is missing."""
    every = [source for trial in CATALOG.trials for source in trial.sources]
    for kind in ("agent", "definition", "approval", "guideline", "prevalence"):
        every += getattr(CATALOG, f"{kind}_sources")
    return {source.pmid: paper(source.pmid, entered="2020/01/01") for source in every if source.pmid}


def refusing(url: str) -> bytes:
    raise AssertionError(f"asked for {url}")


# --- compare ----------------------------------------------------------------------------------------------------------


def one(frame: pd.DataFrame, number: str = KNOWN) -> dict[str, Any]:
    (row,) = frame[frame["nct_id"] == number].to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_every_number_of_the_catalog_stands_beside_its_record() -> None:
    frame = registry.compare(studies=[], fetch=refusing)
    assert dtypes(frame) == COMPARED
    numbers = [number for trial in CATALOG.trials for number in trial.registry_ids if number.startswith("NCT")]
    assert sorted(frame["nct_id"]) == sorted(numbers)
    assert not frame["registered"].any()
    assert frame[["differs", "lacks", "status_registered"]].isna().all(axis=None)


def test_an_empty_catalog_has_the_same_columns_and_asks_nobody() -> None:
    frame = registry.compare(herbtc.Catalog(release="empty"), fetch=refusing)
    assert (dtypes(frame), len(frame)) == (COMPARED, 0)


def test_it_asks_for_the_numbers_it_has_and_for_no_results() -> None:
    world = World(studies=[raw(KNOWN)])
    assert one(registry.compare(fetch=world))["registered"] is True
    (query,) = [parse_qs(urlsplit(url).query) for url in world.asked]
    assert KNOWN in query["filter.ids"][0]
    assert query["fields"] == ["ProtocolSection|HasResults|VersionHolder"]


def ours(**fields: Any) -> herbtc.Catalog:
    """Return a catalog of one study with the number, and these fields."""
    trial = evolve(CATALOG.trial("destiny-pantumor02"), **fields)
    return herbtc.Catalog(release="unreleased", trials=(trial,))


def theirs(**fields: Any) -> Study:
    return Study(nct_id=KNOWN, **fields)


@pytest.mark.parametrize(
    ("mine", "record", "differs", "lacks"),
    [
        ({"status": Status.RECRUITING}, {"overall_status": "RECRUITING"}, None, None),
        ({"status": Status.ACTIVE_NOT_RECRUITING}, {"overall_status": "ACTIVE_NOT_RECRUITING"}, None, None),
        ({"status": Status.RECRUITING}, {"overall_status": "COMPLETED"}, "status", None),
        ({"status": None}, {"overall_status": "COMPLETED"}, None, "status"),
        ({"status": Status.RECRUITING}, {}, None, None),
        ({"status": Status.RECRUITING}, {"overall_status": "A_NEW_WORD"}, "status", None),
        ({"planned_n": 80}, {"enrollment": 80, "enrollment_type": "ESTIMATED"}, None, None),
        ({"planned_n": 80}, {"enrollment": 90, "enrollment_type": "ESTIMATED"}, "planned_n", None),
        ({"planned_n": 80}, {"enrollment": 87, "enrollment_type": "ACTUAL"}, None, None),
        ({"planned_n": None}, {"enrollment": 90, "enrollment_type": "ESTIMATED"}, None, "planned_n"),
        ({"start": "2020-07"}, {"start_date": "2020-07-15"}, None, None),
        ({"start": "2020-07-15"}, {"start_date": "2020-07"}, None, None),
        ({"start": "2020"}, {"start_date": "2020-07"}, None, None),
        ({"start": "2020-08"}, {"start_date": "2020-07-31"}, "start", None),
        (
            {"primary_completion": "2022-10", "completion": None},
            {"primary_completion_date": "2023-01", "completion_date": "2024-01-02"},
            "primary_completion",
            "completion",
        ),
        (
            {"status": Status.RECRUITING, "start": "2020"},
            {"overall_status": "COMPLETED", "start_date": "2021"},
            "status; start",
            None,
        ),
        ({}, {"has_results": True}, None, "results"),
        ({}, {"has_results": False}, None, None),
    ],
)
def test_what_differs_and_what_we_lack(
    mine: dict[str, Any], record: dict[str, Any], differs: str | None, lacks: str | None
) -> None:
    nothing = dict.fromkeys(("status", "planned_n", "start", "primary_completion", "completion"))
    row = one(registry.compare(ours(**nothing | mine), studies=[theirs(**record)]))
    told = [None if pd.isna(row[name]) else row[name] for name in ("differs", "lacks")]
    assert told == [differs, lacks]


def test_both_sides_stand_beside_one_another() -> None:
    record = theirs(
        overall_status="COMPLETED",
        enrollment=477,
        enrollment_type="ACTUAL",
        start_date="2020-10-07",
        results_first_posted="2024-05-01",
        last_update_posted="2026-11-01",
        has_results=True,
    )
    row = one(registry.compare(studies=[record]))
    assert (row["trial"], row["status"], row["status_registered"]) == (
        "destiny-pantumor02",
        "active-not-recruiting",
        "completed",
    )
    assert (row["start"], row["start_registered"], row["enrollment"]) == ("2020-08-18", "2020-10-07", 477)
    assert (row["results_read"], row["results_posted"], row["lacks"]) == (False, "2024-05-01", "results")
    assert row["differs"] == "status; start"
    assert row["reviewed"] == pd.Timestamp("2026-11-26")


def test_results_count_as_read_once_a_figure_was_read_in_the_record() -> None:
    trial = CATALOG.trial("destiny-pantumor02")
    address = f"https://clinicaltrials.gov/study/{KNOWN}"
    source = Source(key="record", kind=SourceKind.REGISTRY, title="The record", url=address)
    figure = evolve(trial.figures.proportions[0], source="record")
    read = ours(sources=(source,), figures=evolve(trial.figures, proportions=(figure,)))
    row = one(registry.compare(read, studies=[theirs(has_results=True)]))
    assert row["results_read"] is True
    assert pd.isna(row["lacks"]) or "results" not in row["lacks"]


def test_a_number_that_was_merged_into_another_is_found() -> None:
    merged = Study(nct_id="NCT09999999", aliases=(KNOWN,), overall_status="COMPLETED")
    row = one(registry.compare(studies=[merged]))
    assert (row["registered"], row["status_registered"]) == (True, "completed")


def test_comparing_changes_nothing() -> None:
    before = hash(CATALOG)
    registry.compare(studies=[theirs(overall_status="COMPLETED")])
    assert hash(herbtc.load()) == before


# --- snapshots --------------------------------------------------------------------------------------------------------

ELSEWHERE = "NCT08000001"  # numbers of no study
BASKET = "NCT08000002"
OTHER = "NCT08000003"


def candidates() -> list[dict[str, Any]]:
    return [
        raw(KNOWN),
        raw(ELSEWHERE, **{TITLE: "Zanidatamab in HER2-positive biliary tract cancer"}),
        raw(BASKET, **{TITLE: "ZW25 in HER2-expressing advanced solid tumors"}),
        raw(OTHER, **{TITLE: "Another drug in lung cancer"}),
    ]


def test_a_snapshot_holds_what_is_known_and_what_may_become_so() -> None:
    world = World(studies=candidates())
    begin = datetime.now(UTC).replace(microsecond=0)
    taken = registry.snapshot(fetch=world)
    assert [study.nct_id for study in taken.studies] == [KNOWN, ELSEWHERE, BASKET]
    assert (taken.version.api_version, taken.version.data_timestamp) == ("2.0.5", "2026-11-20T09:00:05")
    assert begin <= taken.taken <= datetime.now(UTC)
    assert taken.release == CATALOG.release
    document = json.loads(taken.data)
    assert (document["apiVersion"], document["dataTimestamp"]) == ("2.0.5", "2026-11-20T09:00:05")
    assert document["studies"] == candidates()[:3]


def test_a_snapshot_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    taken = registry.snapshot(fetch=World(studies=candidates()))
    path = taken.save(tmp_path / "kept")
    assert registry.snapshots(tmp_path / "kept") == (taken,)
    assert [each.name for each in path.parent.iterdir()] == [f"clinicaltrials-{taken.taken:%Y-%m-%dT%H%M%SZ}.json"]
    assert registry.page(path.read_bytes()).studies == taken.studies


def test_data_that_change_while_they_are_read_are_read_anew() -> None:
    world = World(studies=candidates(), versions=iter(["2026-11-20", "2026-11-21", "2026-11-21", "2026-11-21"]))
    assert registry.snapshot(fetch=world).version.data_timestamp == "2026-11-21T09:00:05"
    days = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
    with pytest.raises(RegistryError, match="changed while they were read, twice"):
        registry.snapshot(fetch=World(versions=iter(days)))


def test_snapshots_are_told_oldest_first(tmp_path: Path) -> None:
    taken = registry.snapshot(fetch=World(studies=candidates()))
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 1, 2)]
    for moment in moments:
        data = taken.data.replace(f"{taken.taken:%Y-%m-%dT%H:%M:%SZ}".encode(), f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode())
        evolve(taken, taken=moment, data=data).save(tmp_path)
    (tmp_path / "notes.json").write_text("[]")  # no snapshot by its name
    assert [each.taken for each in registry.snapshots(tmp_path)] == sorted(moments)


def test_a_snapshot_is_never_written_over(tmp_path: Path) -> None:
    taken = registry.snapshot(fetch=World(studies=candidates()))
    path = taken.save(tmp_path)
    path.write_bytes(b"a curator was here")
    with pytest.raises(FileExistsError, match="left as it is"):
        taken.save(tmp_path)
    assert path.read_bytes() == b"a curator was here"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "link"])
def test_what_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full(*_: Any) -> None:
        # Whatever is there when the disk is full goes by a name that nothing reads.
        assert not list(tmp_path.glob("*.json"))
        raise OSError(28, "No space left on device")

    taken = registry.snapshot(fetch=World(studies=candidates()))
    monkeypatch.setattr(os, broken, full)
    if broken == "link":  # then it is a file system without links
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        taken.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    taken = registry.snapshot(fetch=World(studies=candidates()))
    path = taken.save(tmp_path)
    assert registry.snapshots(tmp_path) == (taken,)
    with pytest.raises(FileExistsError, match="left as it is"):
        taken.save(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_search_that_breaks_off_leaves_no_snapshot() -> None:
    answers = iter([b'{"apiVersion": "2.0.5"}', b'{"studies": []}', b"<html>busy</html>"])
    with pytest.raises(RegistryError, match="expected JSON"):
        registry.snapshot(fetch=lambda _: next(answers))


def test_every_fault_of_every_file_is_told(tmp_path: Path) -> None:
    registry.snapshot(fetch=World(studies=candidates())).save(tmp_path)
    (tmp_path / "clinicaltrials-1.json").write_bytes(b'{"apiVersion": "2", "studies": [')
    (tmp_path / "clinicaltrials-2.json").write_bytes(b'{"apiVersion": 2, "taken": "yesterday", "studies": []}')
    (tmp_path / "clinicaltrials-3.json").mkdir()
    with pytest.raises(DataError) as caught:
        registry.snapshots(tmp_path)
    assert [(each.file, each.path) for each in caught.value.problems] == [
        ("clinicaltrials-1.json", ""),
        ("clinicaltrials-2.json", "apiVersion"),
        ("clinicaltrials-2.json", "taken"),
        ("clinicaltrials-3.json", ""),
    ]
    with pytest.raises(DataError, match="no such folder"):
        registry.snapshots(tmp_path / "none")


# --- diff -------------------------------------------------------------------------------------------------------------


def taken(*studies: dict[str, Any]) -> registry.Snapshot:
    return registry.snapshot(fetch=World(studies=list(studies)))


def test_every_field_of_a_study_is_compared_or_said_not_to_be() -> None:
    names = {each.name for each in attrs.fields(Study)}
    assert names == KIND_OF.keys() | NOT_COMPARED
    assert not KIND_OF.keys() & NOT_COMPARED
    assert {*KIND_OF.values()} == {*Change} - {Change.ADDED, Change.REMOVED}


def test_each_change_of_status_in_the_history_of_a_study_is_told_and_no_other() -> None:
    document = json.loads((CTGOV / "history" / "NCT05254002.history.json").read_bytes())
    statuses = [change["status"] for change in document["history"]["changes"]]
    changed = [(one, other) for one, other in itertools.pairwise(statuses) if one != other]
    assert len(changed) >= 2
    # The words that make it a candidate are not in the record, so the catalog gets a study of its number.
    catalog = ours(registry_ids=("NCT05254002",))

    def on_day(status: str) -> registry.Snapshot:
        study = deepcopy(document["study"])
        study["protocolSection"]["statusModule"]["overallStatus"] = status
        return registry.snapshot(catalog, fetch=World(studies=[study]))

    told: list[tuple[str, str]] = []
    for one, other in itertools.pairwise(map(on_day, statuses)):
        frame = registry.diff(one, other, catalog=catalog)
        assert set(frame["change"]) <= {"status"}
        told += zip(frame["before"], frame["after"], strict=True)
    assert told == changed
    assert statuses[-1] == document["study"]["protocolSection"]["statusModule"]["overallStatus"]


def test_nothing_changed() -> None:
    frame = registry.diff(taken(*candidates()), taken(*candidates()))
    assert (dtypes(frame), len(frame)) == (CHANGED, 0)


def test_changes_are_typed_by_kind() -> None:
    status = {"overallStatus": "COMPLETED", "lastUpdatePostDateStruct": {"date": "2026-11-20"}}
    after = raw(
        KNOWN,
        statusModule=raw(KNOWN)["protocolSection"]["statusModule"]
        | status
        | {"resultsFirstPostDateStruct": {"date": "2026-11-20"}},
        designModule__enrollmentInfo={"count": 88, "type": "ACTUAL"},
        eligibilityModule__minimumAge="20 Years",
        conditionsModule__conditions=["Biliary Tract Cancer"],
    )
    frame = registry.diff(taken(raw(KNOWN)), taken(after))
    told = [
        tuple(None if pd.isna(each) else each for each in row)
        for row in frame[["change", "field", "before", "after"]].to_numpy()
    ]
    conditions = "; ".join(raw(KNOWN)["protocolSection"]["conditionsModule"]["conditions"])
    assert told == [
        ("results", "results_first_posted", None, "2026-11-20"),
        ("status", "overall_status", "RECRUITING", "COMPLETED"),
        ("enrollment", "enrollment", "240", "88"),
        ("enrollment", "enrollment_type", "ESTIMATED", "ACTUAL"),
        ("patients", "conditions", conditions, "Biliary Tract Cancer"),
        ("patients", "minimum_age", "18 Years", "20 Years"),
    ]
    assert set(frame["trial"]) == {"destiny-pantumor02"}
    assert frame.loc[frame["change"] <= "enrollment", "field"].nunique() == 4


def test_of_a_list_only_what_left_and_what_came_is_told() -> None:
    before = raw(KNOWN, contactsLocationsModule__locations=[{"city": "A", "country": "X"}, {"city": "B"}])
    after = raw(KNOWN, contactsLocationsModule__locations=[{"city": "B"}, {"city": "C", "status": "RECRUITING"}])
    (row,) = registry.diff(taken(before), taken(after)).to_dict("records")
    assert (row["change"], row["before"], row["after"]) == ("places", "A, X", "C, RECRUITING")


def test_a_list_in_another_order_is_told_whole() -> None:
    before = raw(KNOWN, conditionsModule__keywords=["a", "b"])
    after = raw(KNOWN, conditionsModule__keywords=["b", "a"])
    (row,) = registry.diff(taken(before), taken(after)).to_dict("records")
    assert (row["before"], row["after"]) == ("a; b", "b; a")


def test_studies_come_and_go_and_are_merged() -> None:
    before = taken(raw(KNOWN), raw(ELSEWHERE, **{TITLE: "HER2 in cholangiocarcinoma"}))
    after = taken(
        raw(BASKET, **{TITLE: "HER2 in gallbladder cancer"}),
        raw(OTHER, **{TITLE: "HER2 in biliary tract cancer", "identificationModule__nctIdAliases": [KNOWN]}),
    )
    frame = registry.diff(before, after)
    rows = [(row["nct_id"], row["change"]) for row in frame.to_dict("records")]
    assert rows[:2] == [(BASKET, "added"), (ELSEWHERE, "removed")]
    assert {change for number, change in rows[2:] if number == OTHER} == {"names"}


# --- news -------------------------------------------------------------------------------------------------------------


def told(world: World, **arguments: Any) -> list[dict[str, Any]]:
    frame = registry.news(since=SINCE, fetch=world, **arguments)
    assert dtypes(frame) == NEWS
    assert list(frame["news"].cat.categories) == list(News)
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def test_no_news() -> None:
    assert told(World(papers=known_papers())) == []


def test_studies_that_are_new_that_changed_and_that_posted_results() -> None:
    world = World(
        papers=known_papers(),
        studies=[
            raw(KNOWN, **{RESULTS: {"date": "2026-11-05"}}),
            raw(ELSEWHERE, **{TITLE: "Zanidatamab in HER2-positive biliary tract cancer", FIRST: "2026-11-03"}),
            raw(BASKET, **{TITLE: "ZW25 in HER2-expressing advanced solid tumors", RESULTS: {"date": "2026-11-04"}}),
            raw(OTHER, **{TITLE: "Another drug in lung cancer", FIRST: "2026-11-03"}),
            raw("NCT03875235", **{RESULTS: {"date": "2023-01-01"}}),  # TOPAZ-1, long known
        ],
    )
    rows = told(world)
    assert [(row["news"], row["nct_id"], row["trial"], row["kind"], str(row["day"])[:10]) for row in rows] == [
        ("results", BASKET, None, "basket", "2026-11-04"),
        ("results", KNOWN, "destiny-pantumor02", None, "2026-11-05"),
        ("new-study", ELSEWHERE, None, "biliary", "2026-11-03"),
        ("changed-study", BASKET, None, "basket", "2026-11-10"),
    ]
    assert {row["detail"] for row in rows} == {"RECRUITING"}
    assert rows[1]["link"] == f"https://clinicaltrials.gov/study/{KNOWN}"


def test_what_was_looked_at_is_no_candidate_again() -> None:
    changes = {TITLE: "Zanidatamab in HER2-positive biliary tract cancer"}
    world = World(
        papers=known_papers() | {"90000003": paper("90000003", inside=linked(KNOWN)), "90000004": paper("90000004")},
        by_query={KNOWN: ["90000003"], "biliary": ["90000004"]},
        studies=[raw(ELSEWHERE, **changes), raw(BASKET, **changes, **{RESULTS: {"date": "2026-11-04"}})],
    )
    rows = told(world, seen=[ELSEWHERE, BASKET, "90000003", "90000004"])
    # Results, and papers on studies of the catalog, are told all the same.
    assert [(row["news"], row["nct_id"], row["pmid"]) for row in rows] == [
        ("results", BASKET, None),
        ("paper", KNOWN, "90000003"),
    ]
    with pytest.raises(TypeError, match="several numbers"):
        told(world, seen=ELSEWHERE)


def test_the_registry_is_asked_for_what_changed_since() -> None:
    world = World(papers=known_papers())
    told(world)
    areas = [
        parse_qs(urlsplit(url).query)["filter.advanced"][0]
        for url in world.asked
        if urlsplit(url).path.endswith("studies")
    ]
    changed = "AREA[LastUpdatePostDate]RANGE[2026-11-01,MAX]"
    assert areas == [changed, changed, "AREA[ResultsFirstPostDate]RANGE[2026-11-01,MAX]"]


def test_papers_linked_to_studies_and_others_on_the_matter() -> None:
    ours = CATALOG.trial("herizon-btc-01").source("harding-2023").pmid
    assert ours is not None
    papers = known_papers() | {
        "90000001": paper("90000001", title="Linked", inside=linked(KNOWN)),
        "90000002": paper("90000002", title=f"Named ({KNOWN})", entered="2026/11/12"),
        "90000003": paper("90000003", title="On the matter", inside=linked("NCT08888888")),
        "90000004": paper("90000004", title=f"{KNOWN}1 is another number"),
        ours: paper(ours, inside=linked("NCT04466891")),
    }
    world = World(
        papers=papers,
        by_query={KNOWN: ["90000001", "90000002", "90000004", ours], "biliary": ["90000001", "90000003", ours]},
    )
    rows = told(world, email="doe@example.org")
    assert [(row["news"], row["pmid"], row["trial"], row["nct_id"], row["detail"]) for row in rows] == [
        ("paper", "90000002", "destiny-pantumor02", KNOWN, "named in the abstract"),
        ("paper", "90000001", "destiny-pantumor02", KNOWN, "linked by PubMed"),
        ("candidate-paper", "90000003", None, "NCT08888888", None),
    ]
    queries = [parse_qs(urlsplit(url).query) for url in world.asked if "esearch" in url]
    assert all(query["mindate"] == ["2026/11/01"] for query in queries)
    assert all(query["email"] == ["doe@example.org"] for query in queries)
    asked_for = " ".join(query["term"][0] for query in queries)
    numbers = [number for trial in CATALOG.trials for number in trial.registry_ids if number.startswith("NCT")]
    assert all(f"{number}[si]" in asked_for for number in numbers)
    assert all(len(url) < 8000 for url in world.asked)


def test_retractions_concerns_and_errata_of_what_we_cite() -> None:
    ours = {key: CATALOG.trial(key).sources for key in ("herizon-btc-01", "sgntuc-019", "herb", "mypathway")}
    pmids = [next(source.pmid for source in sources if source.pmid) for sources in ours.values()]
    retracted, doubted, corrected, long_corrected = map(str, pmids)
    papers = known_papers() | {
        retracted: paper(retracted, beside=notice("RetractionIn", "91")),
        doubted: paper(doubted, beside=notice("ExpressionOfConcernIn", None)),
        corrected: paper(corrected, beside=notice("ErratumIn", "92")),
        long_corrected: paper(long_corrected, beside=notice("ErratumIn", "93")),
        "91": paper("91", entered="2026/11/10"),
        "92": paper("92", entered="2026/11/01"),
        "93": paper("93", entered="2026/10/31"),
    }
    rows = told(World(papers=papers))
    assert [(row["news"], row["pmid"], row["detail"]) for row in rows] == [
        ("retraction", retracted, "J. 2026;1:1; PMID 91"),
        ("expression-of-concern", doubted, "J. 2026;1:1"),
        ("erratum", corrected, "J. 2026;1:1; PMID 92"),
    ]
    assert [row["trial"] for row in rows] == ["herizon-btc-01", "sgntuc-019", "herb"]
    assert rows[0]["source"] == "harding-2023"
    assert rows[0]["cited_in"] == "trials/herizon-btc-01.toml; definitions.toml"
    assert str(rows[0]["day"])[:10] == "2026-11-10"
    assert rows[1]["day"] is None


def test_a_retracted_publication_without_a_notice_is_told_each_time() -> None:
    pmid = CATALOG.trial("herizon-btc-01").source("harding-2023").pmid
    assert pmid is not None
    types = "<PublicationTypeList><PublicationType>Retracted Publication</PublicationType></PublicationTypeList>"
    (row,) = told(World(papers=known_papers() | {pmid: paper(pmid, entered="2023/06/05", inside=types)}))
    assert (row["news"], row["source"]) == ("retraction", "harding-2023")


def test_sources_with_a_doi_only_are_looked_up_in_europe_pmc() -> None:
    trial, source = next(
        (trial, source) for trial in CATALOG.trials for source in trial.sources if source.doi and not source.pmid
    )
    assert source.doi is not None
    result = {
        "id": "PPR1",
        "source": "PPR",
        "doi": source.doi.lower(),
        "commentCorrectionList": {"commentCorrection": [{"id": "X", "source": "PPR", "type": "Retraction in"}]},
    }
    (row,) = told(World(papers=known_papers(), europe=[result]))
    assert (row["news"], row["trial"], row["source"]) == ("retraction", trial.key, source.key)


def test_a_number_that_pubmed_does_not_have_is_told() -> None:
    pmid = CATALOG.trial("herizon-btc-01").source("harding-2023").pmid
    (row,) = told(World(papers={number: each for number, each in known_papers().items() if number != pmid}))
    assert (row["news"], row["trial"], row["pmid"]) == ("no-record", "herizon-btc-01", pmid)


@pytest.mark.parametrize("part", ["esearch", "efetch", "studies", "europepmc"])
def test_one_that_does_not_answer_is_an_error_and_no_half_report(part: str) -> None:
    world = World(papers=known_papers())

    def failing(url: str) -> bytes:
        if part in url:
            raise RegistryError(f"{url}: HTTP 503", status=503)
        return world(url)

    with pytest.raises(RegistryError, match="503"):
        registry.news(since=SINCE, fetch=failing)


def test_a_day_is_a_day() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        registry.news(since="yesterday", fetch=refusing)
    world = World(papers=known_papers())
    assert registry.news(since="2026-11-01", fetch=world).empty
    assert registry.news(since=pd.Timestamp("2026-11-01 12:00"), fetch=world).empty
