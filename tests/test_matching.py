"""Options for a patient: 65 patients written from labels and eligibility criteria, and what must hold for all."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from attrs import evolve
from scipy.special import betainc

import herbtc
from herbtc import her2, matching
from herbtc.errors import DataError, UnknownKeyError
from herbtc.matching._benefit import preliminary_grade
from herbtc.matching._figures import GroupFigures
from herbtc.models import Approval
from herbtc.terms import Act, Agency, Design, Endpoint, Her2, Scope

_FILE = Path(__file__).parent / "reference/her2/vignettes.toml"
VIGNETTES = tomllib.loads(_FILE.read_text(encoding="utf-8"))["vignettes"]
NAMES = {"driver": ("driver", "HER2"), "her2": ("HER2",), "line": ("line", "earlier lines"), "site": ("site",)} | {
    "ecog": ("ECOG",),
    "lvef": ("LVEF",),
    "measurable": ("measurable disease",),
    "prior-therapy": ("earlier HER2-directed therapy", "earlier lines", "earlier therapy"),
}
"""The criteria that may decide where a vignette says which does."""


def patient_of(told: dict[str, Any]) -> matching.Patient:
    """Return the patient of a vignette."""
    assays = []
    for each in told["her2"]:
        fields = {"day" if name == "date" else name: value for name, value in each.items()}
        if "variants" in fields:
            fields["sequenced"] = True
        assays.append(her2.Assay(**fields))
    rest = {"prior_agents" if name == "prior_therapies" else name: value for name, value in told.items()}
    return matching.Patient(**(rest | {"her2": assays}))


@cache
def answers(key: str) -> pd.DataFrame:
    """Return the options of a vignette."""
    told = next(each for each in VIGNETTES if each["key"] == key)
    catalog = herbtc.load()
    invented = tuple(
        Approval(
            **(each | {"agents": tuple(each["agents"]), "replaces": tuple(each["replaces"])})
            | {"agency": Agency(each["agency"]), "act": Act(each["act"]), "scope": Scope(each["scope"])},
            population="made up for this test",
            source=catalog.approvals[0].source,
            locator="made up",
        )
        for each in told.get("invented_acts", ())
    )
    return matching.options(
        patient_of(told["patient"]),
        as_of=told["as_of"],
        jurisdiction=told["jurisdiction"],
        catalog=evolve(catalog, approvals=catalog.approvals + invented),
    )


KINDS = {"approval": ("approved",), "guideline": ("guideline",), "arm": ("studied", "recruiting")}


def rows_of(frame: pd.DataFrame, option: str) -> pd.DataFrame:
    """Return the rows of an option as a vignette names it: approval:KEY, guideline:KEY, arm:STUDY/ARM."""
    kind, key = option.split(":")
    return frame[(frame["option"] == key) & frame["kind"].isin(KINDS[kind])]


EXPECTED = [(told["key"], place) for told in VIGNETTES for place in range(len(told["expected"]))]


@pytest.mark.parametrize(("key", "place"), EXPECTED)
def test_a_vignette_gets_the_answer_that_labels_and_criteria_give(key: str, place: int) -> None:
    told = next(each for each in VIGNETTES if each["key"] == key)
    expected = told["expected"][place]
    found = rows_of(answers(key), expected["option"])
    if expected["by"] == "driver" and expected["match"] == "no" and found.empty:
        return  # a study of agents that act on a driver which the patient does not have is no option at all
    assert len(found), f"{expected['option']} is no option"
    row = found.iloc[0]
    assert row["match"] in {expected["match"], *expected.get("accept", ())}, f"{row['match']}: {row['reasons']}"
    if row["match"] == "no" == expected["match"] and expected["by"] in NAMES and "accept" not in expected:
        assert any(f"{name} no (" in row["reasons"] for name in NAMES[expected["by"]]), row["reasons"]


@pytest.mark.parametrize("key", [told["key"] for told in VIGNETTES if "absent" in told])
def test_what_is_not_in_force_there_and_then_is_no_option(key: str) -> None:
    told = next(each for each in VIGNETTES if each["key"] == key)
    offered = [option for option in told["absent"] if len(rows_of(answers(key), option))]
    assert not offered


# --- what holds for every frame ---------------------------------------------------------------------------------------

IHC_3 = matching.Patient(her2=her2.Assay(ihc="3+"), site="gallbladder", prior_lines=1)
DAY = "2026-11-26"


def test_columns_and_dtypes_are_what_they_were() -> None:
    frame = matching.options(IHC_3, as_of=DAY, jurisdiction="US")
    assert frame.columns.tolist() == [column.name for column in matching.COLUMNS]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: column.dtype for column in matching.COLUMNS
    }
    early = matching.options(IHC_3, as_of="1990-01-01", jurisdiction="US")
    assert early.dtypes.equals(frame.dtypes)
    assert not (early["kind"] == "approved").any()


@pytest.mark.parametrize("jurisdiction", ["US", "EU", "CN", "GB", "JP", "CH", "IN"])
def test_options_are_grouped_then_alphabetical_and_never_ranked(jurisdiction: str) -> None:
    frame = matching.options(IHC_3, as_of=DAY, jurisdiction=jurisdiction)
    order = [*zip(frame["kind"].cat.codes, frame["option"], strict=True)]
    assert order == sorted(order)
    assert not any("rank" in name or "best" in name or "score" in name for name in frame.columns)


def test_every_frame_says_what_it_is_not() -> None:
    frame = matching.options(IHC_3, as_of=DAY, jurisdiction="US")
    assert frame.attrs["not_advice"] == matching.NOT_ADVICE
    assert (frame["not_advice"] == matching.NOT_ADVICE).all()
    assert "not medical advice" in matching.NOT_ADVICE
    assert matching.NOT_ADVICE in frame.to_csv()


def test_every_row_has_its_reasons_and_every_no_names_what_is_not_met() -> None:
    for told in VIGNETTES:
        frame = answers(told["key"])
        assert frame["reasons"].notna().all()
        assert frame.loc[frame["match"] == "no", "reasons"].str.contains(" no \\(").all()
        assert not frame.loc[frame["match"] == "yes", "reasons"].str.contains(" (?:no|unknown) \\(").any()


def test_an_ihc_3_patient_gets_the_figures_of_ihc_3_patients() -> None:
    """Harding 2023 and the label: 32 of 62 with IHC 3+, 1 of 18 with IHC 2+; 33 of 80 in the cohort."""
    frame = matching.options(IHC_3, as_of=DAY, jurisdiction="US").set_index("option")
    row = frame.loc["fda-zanidatamab-2024"]
    assert (row["group"], row["events"], row["n"]) == ("ihc-3+", 32, 62)
    # Clopper-Pearson by its definition: at either end the tail beyond what was seen has 2.5 %.
    assert betainc(32, 31, row["orr_low"] / 100) == pytest.approx(0.025)
    assert 1 - betainc(33, 30, row["orr_high"] / 100) == pytest.approx(0.025)
    two = matching.Patient(her2=her2.Assay(ihc="2+", ish="positive"), prior_lines=1)
    row = matching.options(two, as_of=DAY, jurisdiction="US").set_index("option").loc["herizon-btc-01/cohort-1"]
    assert (row["group"], row["events"], row["n"]) == ("ihc-2+", 1, 18)


def test_no_figures_are_shown_of_a_group_that_the_patient_may_not_be_in() -> None:
    unknown = matching.Patient(her2=her2.Assay(), prior_lines=1)
    frame = matching.options(unknown, as_of=DAY, jurisdiction="US")
    selected = frame[frame["definition"].notna()]
    assert selected["group"].isna().all()
    assert selected["events"].isna().all()


def test_fewer_than_ten_patients_are_flagged() -> None:
    frame = matching.options(IHC_3, as_of=DAY, jurisdiction="US").dropna(subset=["n"])
    assert frame["small_n"].tolist() == (frame["n"] < 10).tolist()
    assert frame["small_n"].any()


def test_benefit_is_computed_only_for_whole_prospective_single_arm_studies() -> None:
    graded = set()
    for key in [told["key"] for told in VIGNETTES]:
        frame = answers(key)
        computed = frame[frame["mcbs_basis"] == "v1.1 form 3, preliminary"]
        graded |= set(computed["option"])
        assert (computed["kind"] == "studied").all()
    assert graded
    for option in graded:
        trial = herbtc.load().trial(option.split("/")[0])
        (arm,) = trial.arms
        assert trial.design is Design.SINGLE_ARM
        assert arm.hypothesis is not None
        assert arm.hypothesis.primary
        assert arm.hypothesis.endpoint in (Endpoint.ORR, Endpoint.PFS)


@pytest.mark.parametrize(
    ("figures", "endpoint", "grade"),
    [
        ({"orr_percent": 60.0}, "orr", "3"),
        ({"orr_percent": 59.9, "dor_median": 9.0}, "orr", "3"),
        ({"orr_percent": 59.9, "dor_median": 8.9}, "orr", "2"),
        ({"orr_percent": 39.9, "dor_median": 6.0}, "orr", "2"),
        ({"orr_percent": 39.9, "dor_median": 5.9}, "orr", "1"),
        ({"orr_percent": 19.9, "dor_median": 6.0}, "orr", "1"),
        ({"orr_percent": 19.9, "dor_median": 5.9}, "orr", None),
        ({"orr_percent": 9.9, "dor_median": 20.0}, "orr", None),
        ({"orr_percent": 59.9}, "orr", None),
        ({}, "orr", None),
        ({"pfs_median": 6.0}, "pfs", "3"),
        ({"pfs_median": 5.9}, "pfs", "2"),
        ({"pfs_median": 2.9}, "pfs", "1"),
        ({"pfs_median": 1.9}, "pfs", None),
    ],
)
def test_form_3_is_followed_line_by_line(figures: dict[str, float], endpoint: str, grade: str | None) -> None:
    """ESMO-MCBS v1.1, form 3, as printed in Neuro Oncol 2023;25:813, table 3."""
    trial = herbtc.load().trial("rc48-btc")
    (arm,) = trial.arms
    assert arm.hypothesis is not None
    arm = evolve(arm, hypothesis=evolve(arm.hypothesis, endpoint=Endpoint(endpoint)))
    group = GroupFigures(
        trial=trial.key, arm=arm.key, population="all", her2=Her2.IHC_2_3, of_arm=None, strata=(), figures=figures
    )
    assert preliminary_grade(trial, arm, [group]) == grade
    assert preliminary_grade(evolve(trial, design=Design.RETROSPECTIVE), arm, [group]) is None
    assert preliminary_grade(evolve(trial, design=Design.RANDOMISED), arm, [group]) is None
    assert preliminary_grade(trial, arm, [evolve(group, population="gallbladder")]) is None


def test_nothing_is_known_too_early() -> None:
    days = pd.date_range("2022-01-01", "2026-11-26", periods=12).strftime("%Y-%m-%d")
    before: set[str] = set()
    for day in days:
        frame = matching.options(IHC_3, as_of=day, jurisdiction="US")
        # A mixed arm gives way to one of biliary cancer alone, so what grows is the set of studies.
        studied = set(frame.loc[frame["kind"] == "studied", "option"].str.partition("/")[0])
        assert before <= studied
        before = studied
    early = matching.options(IHC_3, as_of="2022-06-01", jurisdiction="US").set_index("option")
    assert "fda-zanidatamab-2024" not in early.index
    assert early["events"].get("herb/her2-positive", pd.NA) is pd.NA


def test_another_driver_brings_the_studies_of_its_agents_and_leaves_them_open() -> None:
    fgfr2 = evolve(IHC_3, drivers=("FGFR2",))
    with_it = matching.options(fgfr2, as_of=DAY, jurisdiction="US").set_index("option")
    assert with_it.loc["foenix-cca2/btc", "match"] != "yes"
    without = matching.options(IHC_3, as_of=DAY, jurisdiction="US")
    assert not without["option"].str.startswith("foenix").any()


def test_contradictory_assays_are_told_in_the_reasons() -> None:
    tumour = [her2.Assay(ihc="3+", specimen="biopsy"), her2.Assay(ihc="0", specimen="resection")]
    frame = matching.options(matching.Patient(her2=tumour, prior_lines=1), as_of=DAY, jurisdiction="US")
    row = frame.set_index("option").loc["fda-zanidatamab-2024"]
    assert row["match"] == "unknown"
    assert "IHC 3+ (biopsy) against IHC 0 (resection)" in row["reasons"]


# --- many patients ----------------------------------------------------------------------------------------------------


def test_a_table_of_patients_gets_what_each_of_them_gets() -> None:
    cohort = pd.DataFrame(
        {
            "ihc": ["3+", "2+", None],
            "ish_ratio": [None, 2.4, 1.1],
            "variants": [None, "S310F; V777L", ("L755S",)],
            "sequenced": [None, True, True],
            "site": ["gallbladder", "intrahepatic", None],
            "prior_lines": [1, None, 2],
            "prior_agents": ["gemcitabine; cisplatin", None, ["trastuzumab"]],
        },
        index=["A", "B", "C"],
    )
    frame = matching.options_frame(cohort, as_of=DAY, jurisdiction="US")
    one = matching.Patient(
        her2=her2.Assay(ihc="2+", ish_ratio=2.4, variants=("S310F", "V777L"), sequenced=True), site="intrahepatic"
    )
    expected = matching.options(one, as_of=DAY, jurisdiction="US")
    of_b = frame[frame["patient"] == "B"].drop(columns="patient").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_b, expected)
    assert frame["patient"].unique().tolist() == ["A", "B", "C"]
    assert frame.attrs["not_advice"] == matching.NOT_ADVICE


def test_an_empty_table_gives_an_empty_frame_of_the_same_columns() -> None:
    frame = matching.options_frame(pd.DataFrame({"ihc": []}), as_of=DAY, jurisdiction="US")
    assert frame.empty
    assert frame.columns.tolist() == ["patient", *(column.name for column in matching.COLUMNS)]


def test_all_faults_of_a_table_are_told_with_their_rows() -> None:
    cohort = pd.DataFrame({"ihc": ["3+", "5+"], "ecog": [7, 1], "surname": ["a", "b"]}, index=["A", "B"])
    with pytest.raises(DataError) as caught:
        matching.options_frame(cohort, as_of=DAY, jurisdiction="US")
    assert [(problem.file, problem.path) for problem in caught.value.problems] == [
        ("", "surname"),
        ("row A", "ecog"),
        ("row B", "ihc"),
    ]


def test_progress_is_shown_when_asked_for_and_silent_where_there_is_no_terminal(capsys: Any) -> None:
    cohort = pd.DataFrame({"ihc": ["3+"] * 3})
    matching.options_frame(cohort, as_of=DAY, jurisdiction="US")
    assert capsys.readouterr().err == ""
    matching.options_frame(cohort, as_of=DAY, jurisdiction="US", progress=True)
    assert "3/3" in capsys.readouterr().err


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"site": "liver"}, "site"),
        ({"prior_lines": -1}, "prior_lines"),
        ({"prior_lines": 1.5}, "prior_lines"),
        ({"prior_lines": 0, "prior_agents": ("gemcitabine",)}, "prior_lines"),
        ({"prior_agents": "gemcitabine"}, "prior_agents"),
        ({"ecog": 5}, "ecog"),
        ({"lvef": 101}, "lvef"),
        ({"lvef": "60 %"}, "lvef"),
        ({"measurable": "yes"}, "measurable"),
        ({"drivers": ("",)}, "drivers"),
        ({"her2": "3+"}, "her2"),
    ],
)
def test_a_patient_that_cannot_be_is_refused_by_the_field(told: dict[str, Any], field: str) -> None:
    with pytest.raises(DataError) as caught:
        matching.Patient(**({"her2": her2.Assay()} | told))
    assert field in [problem.path for problem in caught.value.problems]


def test_places_agents_and_days_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownKeyError, match="US"):
        matching.options(IHC_3, as_of=DAY, jurisdiction="USA")
    with pytest.raises(UnknownKeyError, match="zanidatamab"):
        matching.options(evolve(IHC_3, prior_agents=("zanidatmab",)), as_of=DAY, jurisdiction="US")
    with pytest.raises(ValueError, match="tomorrow"):
        matching.options(IHC_3, as_of="tomorrow", jurisdiction="US")
