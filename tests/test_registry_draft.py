"""Drafts of study files: everything that a record says, nothing that it does not, and readable once it is filled in."""

from __future__ import annotations

import csv
import json
import re
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import herbtc
from herbtc import RegistryError, registry
from herbtc.registry import Study
from herbtc.registry._results import Category as Row
from herbtc.registry._results import Count, Denominator, Group, MeasureClass, Measurement, Outcome
from herbtc.registry._study import Arm, Intervention, Location, SecondaryId, Sponsor
from herbtc.terms import Phase, Status

if TYPE_CHECKING:
    from herbtc.models import Trial

SAMPLES = Path(__file__).parent / "samples" / "ctgov"
MANIFEST = list(csv.DictReader((SAMPLES / "manifest.csv").read_text("utf-8").splitlines()))
RECORDS = [row["file"] for row in MANIFEST if row["kind"] in {"study_v2", "internal_history_api"}]
STUDY = Study(nct_id="NCT08000001", brief_title="A study")

# What a curator finds out: the values of all fields without which there is no study.
FOUND_OUT = {
    "design": '"single-arm"',
    "agents": '["zanidatamab"]',
    "her2_selected": "true",
    "btc_only": "true",
    "reviewed": "2026-11-26",
    "overlaps": "[]",
    "n": "12",
    "planned_n": "40",
    "line": '"second-or-later"',
    "sites": '["gallbladder"]',
    "definition": '"herizon-btc-01-cohort-1"',
    "phase": '"1"',
    "status": '"completed"',
}


def record(file: str) -> Study:
    return registry.study((SAMPLES / file).read_bytes())


def handled(text: str) -> str:
    """Return a draft with a value for each TODO that asks for one."""
    return re.sub(
        r"^# TODO (\w+) = \?(.*)$", lambda todo: f"{todo[1]} = {FOUND_OUT[todo[1]]} {todo[2]}", text, flags=re.MULTILINE
    )


def read(text: str, folder: Path) -> Trial:
    """Return the study that a finished draft is, as a folder beside the shipped evidence."""
    key = tomllib.loads(text)["key"]
    (folder / "trials").mkdir()
    (folder / "trials" / f"{key}.toml").write_text(text, "utf-8")
    return herbtc.load().extend(folder).trial(key)


@pytest.mark.parametrize("file", RECORDS)
def test_a_draft_is_toml_and_a_study_once_it_is_filled_in(file: str, tmp_path: Path) -> None:
    study = record(file)
    text = registry.draft(study)
    tomllib.loads(text)
    trial = read(handled(text), tmp_path)
    assert trial.registry_ids[0] == study.nct_id
    assert len(trial.arms) == len(study.arms)
    assert [arm.label for arm in trial.arms] == [" ".join(arm.label.split()) for arm in study.arms]
    assert trial.sponsor == (study.lead_sponsor.name if study.lead_sponsor else None)
    assert "?" not in re.sub("#.*", "", text).replace(study.brief_title or "", "")


@pytest.mark.parametrize("file", RECORDS)
def test_a_draft_says_nothing_that_its_record_does_not(file: str) -> None:
    study, document = record(file), json.loads((SAMPLES / file).read_bytes())
    printed = json.dumps(document, ensure_ascii=False)
    draft = tomllib.loads(registry.draft(study))
    for name, path in (
        ("start", "start_date"),
        ("primary_completion", "primary_completion_date"),
        ("completion", "completion_date"),
    ):
        assert draft.get(name) == getattr(study, path)
    assert draft["status"].replace("-", "_").upper() == study.overall_status
    assert draft.get("planned_n") == (study.enrollment if study.enrollment_type == "ESTIMATED" else None)
    for number in draft["registry_ids"]:
        assert number.rpartition(" ")[2] in printed
    assert ("phase" in draft) == (study.phases not in {(), ("NA",)})
    assert ("design" in draft) == (study.allocation == "RANDOMIZED")
    assert len(draft.get("countries", [])) <= len(study.countries)
    (source,) = draft["sources"]
    assert (source["kind"], source["url"]) == ("registry", f"https://clinicaltrials.gov/study/{study.nct_id}")
    assert source["published"].isoformat() == study.last_update_posted
    assert "figures" not in draft or draft["figures"] == {}
    for arm in draft.get("arms", []):
        assert arm.keys() <= {"key", "label", "agents"}
    assert draft.keys() <= {
        *("key", "name", "registry_ids", "phase", "design", "status", "planned_n", "start", "primary_completion"),
        *("completion", "countries", "sponsor", "sources", "arms", "figures"),
    }


def test_a_draft_of_a_known_record() -> None:
    text = registry.draft(record("NCT02513394.json"))
    draft = tomllib.loads(text)
    assert (draft["key"], draft["name"], draft["phase"], draft["design"]) == ("pallas", "PALLAS", "3", "randomised")
    assert draft["registry_ids"] == ["NCT02513394", "EudraCT 2014-005181-30"]
    assert draft["sources"][0]["published"] == date(2023, 6, 15)
    assert {"US", "AU", "GB", "TW"} <= set(draft["countries"])
    assert "# TODO countries: and the ISO 3166 codes of Korea, Republic of" in text
    assert "# TODO planned_n = ? # what was planned; the actual enrolment is 5796" in text
    assert "percent = 84.2, n = 2884, source = \"nct02513394\", locator = 'Results, outcome 1'" in text
    assert "Hazard Ratio (HR): 0.96 (95 % CI 0.81 to 1.14), p 0.65" in text


def test_a_todo_that_is_only_uncommented_is_no_toml() -> None:
    text = registry.draft(record("NCT06008288.json"))
    for line in text.splitlines():
        if re.match(r"# TODO \w+ = ", line):
            with pytest.raises(tomllib.TOMLDecodeError):
                tomllib.loads(line.removeprefix("# TODO "))


@pytest.mark.parametrize(
    ("phases", "phase"),
    [
        (("PHASE1",), "1"),
        (("PHASE1", "PHASE2"), "1/2"),
        (("PHASE2",), "2"),
        (("PHASE2", "PHASE3"), "2/3"),
        (("PHASE3",), "3"),
        (("PHASE4",), "4"),
        (("NA",), None),
        ((), None),
        (("EARLY_PHASE1",), None),
        (("PHASE1", "PHASE3"), None),
    ],
)
def test_phases(phases: tuple[str, ...], phase: str | None) -> None:
    text = registry.draft(evolve(STUDY, phases=phases))
    assert tomllib.loads(text).get("phase") == phase
    assert phase is None or phase in list(Phase)
    unclear = phase is None and phases not in {(), ("NA",)}
    assert ("# TODO phase = ?" in text) == unclear
    assert not unclear or f"the record says {' '.join(phases)}" in text


@pytest.mark.parametrize("status", Status)
def test_every_status_of_ours_is_one_of_theirs(status: Status) -> None:
    theirs = status.replace("-", "_").upper()
    assert tomllib.loads(registry.draft(evolve(STUDY, overall_status=theirs)))["status"] == status


def test_a_status_that_we_have_no_word_for_is_asked_about() -> None:
    text = registry.draft(evolve(STUDY, overall_status="NO_LONGER_AVAILABLE"))
    assert "status" not in tomllib.loads(text)
    assert "the record says NO_LONGER_AVAILABLE" in text
    assert "last known as recruiting" in registry.draft(
        evolve(STUDY, overall_status="UNKNOWN", last_known_status="RECRUITING")
    )


def test_agents_are_recognised_by_every_name_and_others_are_told() -> None:
    study = evolve(
        STUDY,
        interventions=(
            Intervention(name="ZW25", type="DRUG"),
            Intervention(name="Study drug", other_names=("zanidatamab-hrii", "another")),
            Intervention(name="Gemcitabine"),
            Intervention(name="Drug X"),
        ),
        arms=(
            Arm(label="Arm A", intervention_names=("Drug: ZW25", "Drug: Gemcitabine", "Drug: Drug X")),
            Arm(label="Arm B", intervention_names=("Drug: Study drug",)),
            Arm(label="Arm C", intervention_names=("Drug: Drug X",)),
            Arm(label="Arm D"),
        ),
    )
    text = registry.draft(study)
    arms = tomllib.loads(text)["arms"]
    assert [arm.get("agents") for arm in arms] == [["zanidatamab", "gemcitabine"], ["zanidatamab"], None, None]
    assert "# TODO agents: also Drug X?" in text
    assert "# TODO agents = ? # keys into agents.toml of Drug X" in text
    assert "# TODO agents = ? # keys into agents.toml of what was given" in text


def test_arms_have_keys_of_their_own() -> None:
    labels = [
        "Arm A",
        "ARM-A",
        "试验组",
        "x" * 60,
        "Dose: 5.4 mg/kg, every 3 weeks, in all patients of the second cohort",
    ]
    arms = tomllib.loads(registry.draft(evolve(STUDY, arms=tuple(Arm(label=label) for label in labels))))["arms"]
    keys = [arm["key"] for arm in arms]
    assert keys[:3] == ["arm-a", "arm-a-2", "arm-3"]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 50 for key in keys)


def test_numbers_in_registers_are_told_from_others() -> None:
    ids = (
        SecondaryId(id="2015-001894-41", type="EUDRACT_NUMBER"),
        SecondaryId(id="2023-507405-34-00", type="CTIS"),
        SecondaryId(id="ChiCTR2500112844", type="REGISTRY"),
        SecondaryId(id="P60", type="NIH"),
        SecondaryId(type="OTHER"),
    )
    text = registry.draft(evolve(STUDY, secondary_ids=ids))
    assert tomllib.loads(text)["registry_ids"] == [
        "NCT08000001",
        "EudraCT 2015-001894-41",
        "CTIS 2023-507405-34-00",
        "ChiCTR2500112844",
    ]
    assert "is one of these a number in a register? P60" in text


def outcome(unit: str, kind: str, *measured: Measurement, dispersion: str | None = None) -> Outcome:
    return Outcome(
        title="An outcome",
        type="PRIMARY",
        param_type=kind,
        unit=unit,
        dispersion_type=dispersion,
        groups=(Group(id="OG000", title="arm a"), Group(id="OG001", title="All")),
        denominators=(
            Denominator(units="Lesions", counts=(Count(group_id="OG000", text="200"),)),
            Denominator(units="Participants", counts=(Count(group_id="OG000", text="80"),)),
        ),
        classes=(MeasureClass(categories=(Row(measurements=measured),)),),
    )


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (
            outcome(
                "percentage of participants",
                "NUMBER",
                Measurement(group_id="OG000", text="41.3", lower_text="30.4", upper_text="52.8"),
                dispersion="95% Confidence Interval",
            ),
            'arm = "arm-a", endpoint = ?, percent = 41.3, low = 30.4, high = 52.8, level = 95, n = 80',
        ),
        (
            outcome("Participants", "COUNT_OF_PARTICIPANTS", Measurement(group_id="OG000", text="33")),
            'arm = "arm-a", endpoint = ?, events = 33, n = 80',
        ),
        (
            outcome("Participants", "COUNT_OF_PARTICIPANTS", Measurement(group_id="OG001", text="33")),
            "arm = ?, endpoint = ?, events = 33, source",
        ),
        (
            outcome(
                "Months",
                "MEDIAN",
                Measurement(group_id="OG000", text="12.9", lower_text="6.0", upper_text="NA", comment="Not estimable"),
                dispersion="95% Confidence Interval",
            ),
            "median = 12.9, low = 6.0, high = 'NA', level = 95, n = 80",
        ),
        (outcome("weeks", "MEDIAN", Measurement(group_id="OG000", text="NA")), 'median = "NA", unit = "weeks", n = 80'),
        (
            outcome(
                "Months",
                "MEDIAN",
                Measurement(group_id="OG000", text="12.9", lower_text="1", upper_text="2"),
                dispersion="Full Range",
            ),
            'arm = "arm-a", endpoint = ?, median = 12.9, n = 80',
        ),
        (outcome("Months", "MEAN", Measurement(group_id="OG000", text="12.9")), "arm a: 12.9"),
        (outcome("mg/L", "MEAN", Measurement(group_id="OG000", text="-5.5", spread_text="0.2")), "arm a: -5.5 ± 0.2"),
        (outcome("percentage of participants", "NUMBER", Measurement(group_id="OG000", text="<1")), "arm a: <1"),
        (outcome("percentage of participants", "NUMBER", Measurement(group_id="OG000")), "arm a: no value"),
    ],
)
def test_results_stand_as_lines_to_take_over(outcome: Outcome, line: str) -> None:
    study = evolve(STUDY, arms=(Arm(label="Arm A"),), outcomes=(outcome,), results_first_posted="2026-01-02")
    text = registry.draft(study)
    assert line in text
    assert tomllib.loads(text)["figures"] == {}


def test_lines_that_are_taken_over_are_figures(tmp_path: Path) -> None:
    measured = Measurement(group_id="OG000", text="41.3", lower_text="30.4", upper_text="52.8")
    posted = outcome("percentage of participants", "NUMBER", measured, dispersion="95% Confidence Interval")
    text = handled(registry.draft(evolve(STUDY, arms=(Arm(label="Arm A"),), outcomes=(posted,))))
    (line,) = (line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#   {"))
    taken = line.replace("endpoint = ?", 'endpoint = "orr"')
    trial = read(text.replace("[figures]", f"[figures]\nproportions = [\n{taken}\n]"), tmp_path)
    (figure,) = trial.figures.proportions
    assert (str(figure.percent), str(figure.low), str(figure.high), figure.n) == ("41.3", "30.4", "52.8", 80)
    assert (figure.source, figure.locator) == ("nct08000001", "Results, outcome 1")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_whatever_stands_in_a_record_its_draft_is_toml(title: str, label: str, sponsor: str, word: str) -> None:
    study = evolve(
        STUDY,
        official_title=title,
        acronym=word,
        overall_status=word,
        why_stopped=title,
        phases=(word,),
        secondary_ids=(SecondaryId(id=word, type="REGISTRY"), SecondaryId(id=title, type="OTHER")),
        lead_sponsor=Sponsor(name=sponsor),
        collaborators=(Sponsor(name=title),),
        locations=(Location(country=word), Location(country="Taiwan")),
        interventions=(Intervention(name=word),),
        arms=(Arm(label=label, description=title, intervention_names=(word, "Drug: ZW25")),),
        outcomes=(
            Outcome(
                title=title,
                unit=word,
                groups=(Group(id="a", title=label),),
                classes=(
                    MeasureClass(
                        title=word,
                        categories=(Row(measurements=(Measurement(group_id="a", text=word, comment=title),)),),
                    ),
                ),
            ),
        ),
    )
    draft = tomllib.loads(registry.draft(study))
    assert draft["arms"][0]["agents"] == ["zanidatamab"]
    assert draft["countries"][-1] == "TW"
    assert draft["figures"] == {}
    # What a line cannot hold is gone, and all else is as it was.
    assert draft.get("sponsor", "") == " ".join(
        re.sub("[\x00-\x08\x0e-\x1b\x7f]", "", " ".join(sponsor.split())).split()
    )
    assert all(draft["sources"][0].values())
    assert all(draft["arms"][0].values())
    assert draft["name"]


def test_a_draft_is_written_once(tmp_path: Path) -> None:
    study = record("NCT06008288.json")
    text = registry.draft(study, folder=tmp_path, key="jab")
    path = tmp_path / "trials" / "jab.toml"
    assert path.read_text("utf-8") == text
    path.write_text("mine", "utf-8")
    with pytest.raises(FileExistsError, match=r"jab.toml exists already, and is left as it is"):
        registry.draft(study, folder=tmp_path, key="jab")
    assert path.read_text("utf-8") == "mine"
    assert list(path.parent.iterdir()) == [path]


def test_a_number_is_fetched() -> None:
    def downloaded(url: str) -> bytes:
        return (SAMPLES / f"{url.rpartition('/')[2]}.json").read_bytes()

    assert registry.draft("NCT06008288", fetch=downloaded) == registry.draft(record("NCT06008288.json"))
    with pytest.raises(RegistryError, match="expected a number"):
        registry.draft("JAB-21822", fetch=downloaded)


def test_a_study_that_we_have_is_told() -> None:
    assert "# TODO the catalog has this number already: herizon-btc-01" in registry.draft(Study(nct_id="NCT04466891"))


def test_without_babel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "babel", None)
    with pytest.raises(ImportError, match=r"herbtc\[registry\]"):
        registry.draft(STUDY)


@pytest.mark.parametrize("key", ["", "HERIZON", "a b", "../x", "a/b"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="expected a key"):
        registry.draft(STUDY, key=key)


def test_the_smallest_record_has_a_draft() -> None:
    draft: dict[str, Any] = tomllib.loads(registry.draft(Study(nct_id="NCT08000001")))
    assert draft.keys() == {"key", "name", "registry_ids", "sources"}
    assert (draft["key"], draft["name"]) == ("nct08000001", "NCT08000001")
