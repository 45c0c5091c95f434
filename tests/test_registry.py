"""Records of ClinicalTrials.gov: every sample is read as its manifest says, every number as the registry printed it."""

from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from herbtc import registry
from herbtc.errors import DataError
from herbtc.registry._fields import bounded, number
from herbtc.registry._reading import _planned
from herbtc.registry._study import Study, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent / "samples" / "ctgov"
MANIFEST = list(csv.DictReader((SAMPLES / "manifest.csv").read_text("utf-8").splitlines()))
RECORDS = [row["file"] for row in MANIFEST if row["kind"] in {"study_v2", "internal_history_api"}]
EDITED = [row["file"] for row in MANIFEST if row["kind"] == "study_v2_EDITED"]
PAGES = sorted(path.relative_to(SAMPLES).as_posix() for path in (SAMPLES / "pages").glob("search_*.json"))
PALLAS = "NCT02513394.json"


def raw(file: str) -> Any:
    document = json.loads((SAMPLES / file).read_bytes())
    return document.get("study", document)


def record(file: str) -> Study:
    return registry.study((SAMPLES / file).read_bytes())


def edited(document: Any) -> Study:
    return registry.study(json.dumps(document).encode())


def problems(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(DataError) as caught:
        registry.study(data)
    return [(each.path, each.message) for each in caught.value.problems]


# --- samples ----------------------------------------------------------------------------------------------------------


def test_the_manifest_lists_every_sample() -> None:
    files = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    assert files == {"manifest.csv", *(row["file"] for row in MANIFEST)}
    assert len(RECORDS) == 12
    assert len(EDITED) == 2
    assert len(PAGES) == 3


@pytest.mark.parametrize("file", RECORDS)
def test_records_are_read(file: str) -> None:
    study, document = record(file), raw(file)
    assert study.nct_id == document["protocolSection"]["identificationModule"]["nctId"]
    assert study.nct_id in file
    assert study.overall_status == document["protocolSection"]["statusModule"]["overallStatus"]
    assert study.has_results is document["hasResults"]
    assert study.has_results == bool(study.outcomes)
    assert study.enrollment == document["protocolSection"]["designModule"]["enrollmentInfo"]["count"]
    assert study.version == document["derivedSection"]["miscInfoModule"]["versionHolder"]


@pytest.mark.parametrize("file", EDITED)
def test_edited_records_are_refused(file: str) -> None:
    ((path, message),) = problems((SAMPLES / file).read_bytes())
    where = {
        "synthetic/aact_study_data_phases.json": "protocolSection.identificationModule.nctId",
        "synthetic/aact_design_outcome_empty.json": "protocolSection.outcomesModule",
    }
    assert path == where[file]
    assert "NCT000001" in message or "edited" in message


def test_a_record_of_some_fields_is_read() -> None:
    study = record("pages/get_nct06382129_20260811.json")
    assert (study.nct_id, study.overall_status, study.phases) == ("NCT06382129", "ACTIVE_NOT_RECRUITING", ("PHASE3",))
    assert (study.has_results, study.enrollment_type, study.locations) == (None, None, ())
    assert "izalontamab brengitecan" in study.interventions[0].other_names


def test_pages_are_read() -> None:
    pages = [registry.page((SAMPLES / file).read_bytes()) for file in PAGES]
    assert [(len(page.studies), page.total_count, page.next_page_token is None) for page in pages] == [
        (3, 3, True),
        (5, 21, False),
        (5, None, False),
    ]
    for file, page in zip(PAGES, pages, strict=True):
        numbers = [study["protocolSection"]["identificationModule"]["nctId"] for study in raw(file)["studies"]]
        assert [study.nct_id for study in page.studies] == numbers


def test_a_list_of_records_is_a_page() -> None:
    files = [file for file in RECORDS if file.startswith("NCT")]
    page = registry.page(json.dumps([raw(file) for file in files]).encode())
    assert page.studies == tuple(record(file) for file in files)
    assert page.next_page_token is None


def test_rows_flattened_by_others_are_refused() -> None:
    for line in (SAMPLES / "flat_her2_btc_2026-08.jsonl").read_bytes().splitlines():
        ((path, _),) = problems(line)
        assert path == "protocolSection.identificationModule.nctId"


def test_a_page_is_no_study_and_says_what_reads_it() -> None:
    ((path, message),) = problems((SAMPLES / PAGES[0]).read_bytes())
    assert path == "studies"
    assert "registry.page" in message


def test_a_study_is_no_page() -> None:
    with pytest.raises(DataError, match="studies: expected a value; there is none"):
        registry.page((SAMPLES / PALLAS).read_bytes())


# --- numbers ----------------------------------------------------------------------------------------------------------

# Keys of the registry that hold numbers, in the results.
NUMBERS = {
    *("value", "spread", "lowerLimit", "upperLimit"),
    *("pValue", "paramValue", "dispersionValue", "ciPctValue", "ciLowerLimit", "ciUpperLimit"),
    *("numSubjects", "numUnits"),
    *("numAffected", "numAtRisk", "numEvents"),
    *(f"{kind}Num{what}" for kind in ("deaths", "serious", "other") for what in ("Affected", "AtRisk")),
}


def printed(document: Any, key: str = "") -> Iterator[str]:
    """Yield every number in the results of a raw document, as text."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from printed(value, name)
    elif isinstance(document, list):
        for value in document:
            yield from printed(value, key)
    elif key in NUMBERS:
        yield str(document)


def kept(part: Any, name: str = "") -> Iterator[str]:
    """Yield every number in the results of a study, as text."""
    if attrs.has(type(part)):
        for each in attrs.fields(type(part)):
            yield from kept(getattr(part, each.name), each.name)
    elif isinstance(part, tuple):
        for each in part:
            yield from kept(each, name)
    elif part is not None and (name == "text" or name.endswith("_text") or "num_" in name):
        yield str(part)


@pytest.mark.parametrize("file", [file for file in RECORDS if raw(file)["hasResults"]])
def test_every_number_of_the_results_is_kept_as_printed(file: str) -> None:
    study = record(file)
    parts = (study.participant_flow, study.baseline, study.outcomes, study.adverse_events)
    ours, theirs = Counter(kept(parts)), Counter(printed(raw(file)["resultsSection"]))
    assert ours == theirs
    assert sum(ours.values()) > 30


@pytest.mark.parametrize("file", [file for file in RECORDS if raw(file)["hasResults"]])
def test_numbers_are_those_of_their_texts(file: str) -> None:
    for outcome in record(file).outcomes:
        measured = {group.id for group in outcome.groups}
        for each in outcome.measurements:
            assert each.group_id in measured
            assert each.value is not None or each.text in {None, "NA"}
            for value, text in [
                (each.value, each.text),
                (each.spread, each.spread_text),
                (each.lower, each.lower_text),
                (each.upper, each.upper_text),
            ]:
                assert (value is None) == (text in {None, "NA"})
                assert value is None or str(value) == text


def test_the_results_of_pallas() -> None:
    # The primary analysis in the record: three-year invasive disease-free survival.
    study = record(PALLAS)
    outcome = study.outcomes[0]
    assert outcome.type == "PRIMARY"
    assert outcome.title == "Invasive Disease Free Survival (iDFS)"
    assert [group.title for group in outcome.groups] == [
        "Palbociclib Plus Endocrine Therapy (Arm A)",
        "Endocrine Therapy Alone (Arm B)",
    ]
    assert [each.text for each in outcome.measurements] == ["84.2", "84.5"]
    assert [count.value for count in outcome.denominators[0].counts] == [2884, 2877]
    (analysis,) = outcome.analyses
    assert (analysis.estimate, analysis.lower, analysis.upper) == (Decimal("0.96"), Decimal("0.81"), Decimal("1.14"))
    assert (analysis.p, analysis.p_bound, analysis.sides) == (Decimal("0.65"), "=", "TWO_SIDED")
    assert analysis.level_text == "95"
    assert study.participant_flow is not None
    started = study.participant_flow.periods[0].milestones[0]
    assert started.type == "STARTED"
    assert [count.text for count in started.counts] == ["2896", "2900"]
    assert study.adverse_events is not None
    assert (len(study.adverse_events.serious), len(study.adverse_events.other)) == (341, 1688)
    assert study.countries[:3] == ("United States", "Australia", "Austria")


def test_participants_and_units_flow_side_by_side() -> None:
    study = record("NCT02299791.json")
    assert study.participant_flow is not None
    assert study.participant_flow.type_units_analyzed == "Clinics"
    counts = [count for period in study.participant_flow.periods for each in period.milestones for count in each.counts]
    assert any(count.units is not None and count.units_text == str(count.units) for count in counts)


def test_what_was_not_reached_is_kept_with_its_comment() -> None:
    document = raw(PALLAS)
    (measurement, _) = document["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["classes"][0][
        "categories"
    ][0]["measurements"]
    measurement |= {"value": "NA", "comment": "Median not reached", "upperLimit": "NA"}
    (first, _) = edited(document).outcomes[0].measurements
    assert (first.text, first.value, first.upper, first.comment) == ("NA", None, None, "Median not reached")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("84.20", "84.20"),
        ("-10.2", "-10.2"),
        ("+3", "3"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.3E-5", "0.000013"),
        ("0", "0"),
        *(
            (text, None)
            for text in ["NA", "", "-", "<0.001", "1,234", "12 months", " 3", "3\n", "nan", "Infinity", "\u0663"]
        ),
        *((text, None) for text in ["1e999", "9" * 31, "0x10", "1_000", "--1", "1e"]),
    ],
)
def test_only_plain_numbers_are_numbers(text: str, value: str | None) -> None:
    found = number(text)
    assert found == (None if value is None else Decimal(value))
    if value is not None and text[0] in "-0123456789" and "E" not in text and text[-1] != ".":
        assert str(found) == text


@pytest.mark.parametrize(
    ("text", "bound", "value"),
    [
        ("<0.001", "<", "0.001"),
        ("=0.247", "=", "0.247"),
        ("0.65", "=", "0.65"),
        (" < 0.0001 ", "<", "0.0001"),
        ("≤0.05", "<=", "0.05"),
        (">=0.05", ">=", "0.05"),
        (">0.9999", ">", "0.9999"),
    ],
)
def test_p_values_are_numbers_or_bounds(text: str, bound: str, value: str) -> None:
    assert bounded(text) == (bound, Decimal(value))


@pytest.mark.parametrize("text", [None, "", "NS", "<", "0.05 (one-sided)", "p<0.05"])
def test_other_p_values_are_texts_only(text: str | None) -> None:
    assert bounded(text) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_numbers_are_read_without_loss(value: Decimal) -> None:
    assert number(f"{value:f}") == value


# --- tolerance and strictness -----------------------------------------------------------------------------------------


def test_unknown_keys_and_unknown_words_are_no_fault() -> None:
    document = raw(PALLAS)
    document["protocolSection"]["statusModule"] |= {"overallStatus": "PAUSED_FOR_NOW", "newDate": [1, {"a": None}]}
    document["newSection"] = {"deep": [[[]]]}
    study = edited(document)
    assert study.overall_status == "PAUSED_FOR_NOW"
    assert attrs.evolve(study, overall_status="ACTIVE_NOT_RECRUITING") == record(PALLAS)


def test_every_fault_is_named_with_its_path() -> None:
    document = raw(PALLAS)
    protocol = document["protocolSection"]
    protocol["identificationModule"]["briefTitle"] = 7
    protocol["statusModule"]["startDateStruct"] = "2015-08"
    protocol["statusModule"]["lastUpdatePostDateStruct"]["date"] = "2025-02-30"
    protocol["designModule"]["enrollmentInfo"]["count"] = "5796"
    protocol["conditionsModule"]["conditions"] = ["Breast", None, {}]
    measured = document["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][3]
    measured["classes"][0]["categories"][0]["measurements"][1] = {"value": 84.5}
    assert problems(json.dumps(document).encode()) == [
        ("protocolSection.identificationModule.briefTitle", "expected text, got 7"),
        ("protocolSection.statusModule.startDateStruct", "expected a table, got '2015-08'"),
        (
            "protocolSection.statusModule.lastUpdatePostDateStruct.date",
            "expected a date such as 2024-05 or 2024-05-17, got '2025-02-30'",
        ),
        ("protocolSection.conditionsModule.conditions[1]", "expected text, got None"),
        ("protocolSection.conditionsModule.conditions[2]", "expected text, got {}"),
        ("protocolSection.designModule.enrollmentInfo.count", "expected a whole number, got '5796'"),
        (
            "resultsSection.outcomeMeasuresModule.outcomeMeasures[3].classes[0].categories[0].measurements[1].value",
            "expected text, got 84.5",
        ),
    ]


def test_a_missing_number_is_named() -> None:
    measured: dict[str, Any] = {"title": "ORR", "classes": [{"categories": [{"measurements": [{"value": "1"}]}]}]}
    document = {
        "protocolSection": {"identificationModule": {"nctId": "NCT00000001"}},
        "resultsSection": {"outcomeMeasuresModule": {"outcomeMeasures": [measured]}},
    }
    ((path, message),) = problems(json.dumps(document).encode())
    assert path.endswith("outcomeMeasures[0].classes[0].categories[0].measurements[0].groupId")
    assert message == "expected a value; there is none"


@pytest.mark.parametrize("count", [True, 3.0, -1, 10**9, 10**400, "3", [3], 1e300])
def test_counts_are_plausible_whole_numbers(count: Any) -> None:
    document = raw("NCT00973089.json")
    document["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = count
    ((path, _),) = problems(json.dumps(document).encode())
    assert path == "protocolSection.designModule.enrollmentInfo.count"


@pytest.mark.parametrize("day", ["2024", "2024-05", "2024-05-17", "2024-02-29", "2100-12"])
def test_dates_stay_as_printed(day: str) -> None:
    document = raw("NCT00973089.json")
    document["protocolSection"]["statusModule"]["completionDateStruct"] = {"date": day}
    assert edited(document).completion_date == day


@pytest.mark.parametrize(
    "day", ["", "May 2024", "2024-5", "2024-13", "2023-02-29", "2024-05-17T10:00", "0024", "2024-"]
)
def test_what_is_no_date_is_refused(day: str) -> None:
    document = raw("NCT00973089.json")
    document["protocolSection"]["statusModule"]["completionDateStruct"] = {"date": day}
    ((path, _),) = problems(json.dumps(document).encode())
    assert path == "protocolSection.statusModule.completionDateStruct.date"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected JSON, got ''"),
        (b"<!DOCTYPE html><html></html>", "expected JSON, got '<!DOCTYPE html>"),
        (b'{"protocolSection": ', "expected JSON: Expecting value"),
        (b"\xff\xfe{}", "expected UTF-8 text; byte 0 is not"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not readable as JSON"),
        (b"[" * 200_000, "not readable as JSON"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "not readable as JSON"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b"null", "expected a table, got None"),
        (b"3", "expected a table, got 3"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_json_or_no_table_is_refused(data: bytes, message: str) -> None:
    ((_, said),) = problems(data)
    assert message in said


def test_characters_beyond_the_first_plane_are_read() -> None:
    document = raw("NCT00973089.json")
    document["protocolSection"]["identificationModule"]["briefTitle"] = "𝛼 and 😀"
    assert "\\ud" in json.dumps(document)
    assert edited(document).brief_title == "𝛼 and 😀"


def test_text_instead_of_bytes_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="read_bytes"):
        registry.study((SAMPLES / PALLAS).read_text("utf-8"))  # type: ignore[arg-type]


# --- the interface's own description ----------------------------------------------------------------------------------

SCHEMAS = yaml.safe_load((SAMPLES / "schema" / "ctg-oas-v2.yaml").read_text("utf-8"))["components"]["schemas"]
KINDS = {"string": "str", "integer": "int", "number": "int", "boolean": "bool", "array": "tuple", "object": "record"}


def described(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = SCHEMAS[node["$ref"].rpartition("/")[2]]
    return node


def differences(of: Any, node: dict[str, Any], seen: str) -> Iterator[str]:
    """Yield what a record reads that the interface does not describe, or as something else."""
    for attribute in attrs.fields(of):
        _, outer, key, _, _ = _planned(attribute)
        place = node
        for step in (*outer, key):
            place = described(place.get("properties", {}).get(step, {}))
        path = f"{seen}.{'.'.join((*outer, key))}"
        kind = KINDS.get(place.get("type", ""), "nothing")
        inner = [each for each in (attribute.type, *getattr(attribute.type, "__args__", ())) if attrs.has(each)]
        ours = "tuple" if "tuple[" in str(attribute.type) else "record" if inner else None
        ours = ours or next(each for each in ("bool", "int", "str") if each in str(attribute.type))
        if kind != ours:
            yield f"{path}: {kind}, read as {ours}"
        elif ours == "tuple":
            (item,) = [each for each in attribute.type.__args__ if each is not Ellipsis]
            if attrs.has(item):
                yield from differences(item, described(place["items"]), f"{path}[]")
        elif ours == "record":
            yield from differences(inner[0], place, path)


def test_everything_that_is_read_is_in_the_registrys_own_description() -> None:
    assert list(differences(Study, SCHEMAS["Study"], "")) == []
    assert list(differences(registry.Page, SCHEMAS["PagedStudies"], "")) == []
    assert list(differences(Version, SCHEMAS["Version"], "")) == []


# --- hostile input ----------------------------------------------------------------------------------------------------

HOSTILE: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, 1e308, "", "NA", "NCT", "\x00", "=cmd|' /C calc'!A0", "9" * 400, [], {}, [[]], [{}],
    {"a": {}}, [None], "2024-99-99", "\u202e", ["x"] * 50,
]  # fmt: skip


def nested(depth: int) -> Any:
    document: Any = "x"
    for _ in range(depth):
        document = {"classes": [document]} if depth % 2 else [document]
    return document


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return every container of a document with each of its keys or indices."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        container = waiting.pop()
        for key in container if isinstance(container, dict) else range(len(container)):
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                waiting.append(container[key])
    return found


def mutated(document: Any, chance: random.Random) -> bytes:
    """Return a document with some of its values replaced, removed or doubled, and perhaps its bytes broken."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 6)):
        container, key = chance.choice(places(document))
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1:
                container[key] = nested(chance.choice([3, 50, 400]))
            case 2 if isinstance(container, list):
                container.extend(container[:50])
            case _:
                container[key] = deepcopy(chance.choice(HOSTILE))
        if not document:
            break
    data = bytearray(json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass"))
    if chance.random() < 0.3:
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)) :]
    return bytes(data)


def sound(study: Study) -> None:
    """Check that a study holds only what its fields say, all the way down."""
    waiting: list[Any] = [study]
    while waiting:
        part = waiting.pop()
        for attribute in attrs.fields(type(part)):
            value = getattr(part, attribute.name)
            items = value if isinstance(value, tuple) else (value,)
            for each in items:
                assert each is None or attrs.has(type(each)) or type(each) in {str, int, bool}
                if attrs.has(type(each)):
                    waiting.append(each)
                if type(each) is str:
                    each.encode()


def test_two_thousand_mutated_records_are_read_or_refused_in_bounded_time() -> None:
    chance = random.Random(20261126)  # noqa: S311
    originals = [raw(file) for file in RECORDS if (SAMPLES / file).stat().st_size < 100_000]
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(2_000):
        data = mutated(chance.choice(originals), chance)
        start = time.perf_counter()
        try:
            study = registry.study(data)
        except DataError:
            outcomes["refused"] += 1
        else:
            sound(study)
            outcomes["read"] += 1
        slowest = max(slowest, time.perf_counter() - start)
    assert min(outcomes["refused"], outcomes["read"]) > 300
    assert slowest < 2


def test_a_fault_in_each_of_very_many_places_costs_no_more_than_its_place() -> None:
    measured = {"title": "ORR", "classes": [{"categories": [{"measurements": [{"groupId": 3}] * 50_000}]}]}
    document = {
        "protocolSection": {"identificationModule": {"nctId": "NCT00000001"}},
        "resultsSection": {"outcomeMeasuresModule": {"outcomeMeasures": [measured]}},
    }
    start = time.perf_counter()
    assert len(problems(json.dumps(document).encode())) == 50_000
    assert time.perf_counter() - start < 5


# --- frames -----------------------------------------------------------------------------------------------------------

MEASURED = {
    "nct_id": "string",
    "outcome": "Int64",
    "type": "string",
    "title": "string",
    "time_frame": "string",
    "class": "string",
    "category": "string",
    "group_id": "string",
    "group": "string",
    "n": "Int64",
    "param_type": "string",
    "unit": "string",
    "text": "string",
    "value": "float64",
    "dispersion_type": "string",
    "spread": "float64",
    "lower_text": "string",
    "lower": "float64",
    "upper_text": "string",
    "upper": "float64",
    "comment": "string",
}
ANALYSED = {
    "nct_id": "string",
    "outcome": "Int64",
    "type": "string",
    "title": "string",
    "time_frame": "string",
    "groups": "string",
    "method": "string",
    "parameter": "string",
    "estimate_text": "string",
    "estimate": "float64",
    "level": "float64",
    "sides": "string",
    "lower": "float64",
    "upper": "float64",
    "p_text": "string",
    "p": "float64",
    "p_bound": "string",
}
COUNTED = {
    "nct_id": "string",
    "serious": "boolean",
    "term": "string",
    "organ_system": "string",
    "vocabulary": "string",
    "group_id": "string",
    "group": "string",
    "affected": "Int64",
    "at_risk": "Int64",
    "events": "Int64",
}
FRAMES = [(registry.outcomes, MEASURED), (registry.analyses, ANALYSED), (registry.adverse_events, COUNTED)]


@pytest.mark.parametrize(("function", "columns"), FRAMES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(
    "files", [(), ("NCT00973089.json",), (PALLAS, "NCT02552212.json")], ids=["none", "bare", "two"]
)
def test_frames_have_the_same_columns_always(function: Any, columns: dict[str, str], files: tuple[str, ...]) -> None:
    frame = function(*(record(file) for file in files))
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == columns
    assert frame.empty == (len(files) < 2)
    assert list(frame["nct_id"].unique()) == ([] if frame.empty else [file.removesuffix(".json") for file in files])


@pytest.mark.parametrize("file", [file for file in RECORDS if raw(file)["hasResults"]])
def test_frames_hold_every_number(file: str) -> None:
    results = raw(file)["resultsSection"]
    measured = results["outcomeMeasuresModule"]["outcomeMeasures"]
    frame = registry.outcomes(record(file))
    values = [
        (place, each["groupId"], each.get("value"))
        for place, outcome in enumerate(measured, 1)
        for block in outcome.get("classes", ())
        for line in block["categories"]
        for each in line["measurements"]
    ]
    assert list(zip(frame["outcome"], frame["group_id"], frame["text"], strict=True)) == values
    assert frame["group"].notna().all()
    analysed = [each for outcome in measured for each in outcome.get("analyses", ())]
    frame = registry.analyses(record(file))
    assert frame["p_text"].tolist() == [each.get("pValue", pd.NA) for each in analysed]
    counted = [
        (kind == "seriousEvents", event["term"], each["groupId"], each["numAffected"], each["numAtRisk"])
        for kind in ("seriousEvents", "otherEvents")
        for event in results["adverseEventsModule"].get(kind, ())
        for each in event["stats"]
    ]
    frame = registry.adverse_events(record(file))
    columns = ["serious", "term", "group_id", "affected", "at_risk"]
    assert list(zip(*(frame[name] for name in columns), strict=True)) == counted


def test_the_number_analysed_is_that_of_the_block_where_it_says_so() -> None:
    # In this record the blocks of the outcome have denominators of their own.
    study = record("NCT00763412.json")
    frame = registry.outcomes(study)
    rows = zip(*(frame[name].tolist() for name in ("outcome", "class", "group_id", "n")), strict=True)
    for place, title, group, n in rows:
        outcome = study.outcomes[place - 1]
        (block,) = [each for each in outcome.classes if each.title == (None if pd.isna(title) else title)]
        denominators = block.denominators or outcome.denominators
        (count,) = [each for each in denominators[0].counts if each.group_id == group]
        assert n == count.value


def test_a_number_analysed_is_of_the_unit_that_was_counted() -> None:
    document = raw("NCT00763412.json")
    outcome = document["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    (group, *_) = [each["id"] for each in outcome["groups"]]
    for block in outcome["classes"]:
        block.pop("denoms", None)
    outcome["denoms"] = [
        {"units": "Participants", "counts": [{"groupId": group, "value": "4"}]},
        {"units": "Eyes", "counts": [{"groupId": group, "value": "7"}]},
    ]
    assert registry.outcomes(edited(document))["n"][0] == 4
    outcome["denomUnitsSelected"] = "Eyes"
    assert registry.outcomes(edited(document))["n"][0] == 7
    outcome["denoms"] = []
    assert registry.outcomes(edited(document))["n"].isna()[0]
