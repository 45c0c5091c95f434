"""HER2: scores and statuses against tables written from the guidelines, definitions, and what may never happen."""

from __future__ import annotations

import csv
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, fields_dict
from hypothesis import given
from hypothesis import strategies as st

import herbtc
from herbtc import her2, query, terms
from herbtc.errors import DataError, UnknownKeyError
from herbtc.models import Clause, Definition
from herbtc.terms import Answer, Her2, IhcScore, IshResult

TABLES = Path(__file__).parent / "reference/her2"


def table(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def allowed(row: dict[str, str], name: str, also: str = "accept") -> set[str]:
    return {row[name], *row[also].split("|")} - {""}


# --- scores -----------------------------------------------------------------------------------------------------------


def staining(row: dict[str, str]) -> her2.Staining:
    told: dict[str, Any] = {}
    if row["percent"]:
        told["percent"] = float(row["percent"])
    if row["intensity"]:
        told["intensity"] = row["intensity"]
    if row["pattern"]:
        told["membrane"] = "none" if row["pattern"] == "cytoplasmic-only" else row["pattern"]
    if row["cluster"]:
        told["cluster"] = int(row["cluster"])
    return her2.Staining(**told)


@pytest.mark.parametrize("criteria", ["gastric-2016", "breast-2018", "breast-2023"])
def test_scores_are_those_of_the_guidelines_tables(criteria: str) -> None:
    """Bartley 2016 and Wolff 2018: every combination of what is stained, by clause (`reference/her2/clauses.toml`)."""
    rows = [row for row in table("score.csv") if row["criteria"] == criteria]
    assert len(rows) > 700
    for row in rows:
        made = her2.score(staining(row), criteria, specimen=row["specimen"])
        assert str(made).replace(" ", "-") in allowed(row, "score"), row
        if str(made) == row["score"] and "|" not in row["clause"]:
            assert made.clause == row["clause"], row


def test_the_boundary_of_ten_percent_differs() -> None:
    strong = her2.Staining(percent=10, intensity="strong", membrane="complete")
    assert her2.score(strong, "gastric-2016", specimen="resection").score == "3+"
    assert her2.score(strong, "breast-2018", specimen="resection").score == "2+"
    assert her2.score(evolve(strong, percent=9.9), "gastric-2016", specimen="resection").score == "0"
    assert her2.score(evolve(strong, percent=10.1), "breast-2018", specimen="resection").score == "3+"


@pytest.mark.parametrize("intensity", ["faint", "weak", "moderate", "strong"])
def test_a_cluster_below_five_cells_is_not_covered_and_never_zero(intensity: str) -> None:
    for membrane, cells in product(("lateral", "basolateral", "complete"), range(1, 5)):
        few = her2.Staining(cluster=cells, intensity=intensity, membrane=membrane)
        made = her2.score(few, specimen="biopsy")
        assert (made.score, made.covered, str(made)) == (None, False, "not covered")
        assert her2.score(evolve(few, cluster=5), specimen="biopsy").score in {"1+", "2+", "3+"}


def test_a_score_without_its_specimen_is_given_only_where_all_agree() -> None:
    nothing = her2.Staining(intensity="none")
    assert her2.score(nothing).score == "0"
    seen = her2.Staining(percent=5, cluster=6, intensity="strong", membrane="complete")
    made = her2.score(seen)
    assert (made.score, made.missing) == (None, ("specimen",))


def test_what_is_missing_is_named() -> None:
    made = her2.score(her2.Staining(intensity="strong", membrane="complete"), specimen="resection")
    assert (made.score, made.covered, made.missing) == (None, True, ("percent",))


# --- status -----------------------------------------------------------------------------------------------------------


def assay(row: dict[str, str]) -> her2.Assay:
    told: dict[str, Any] = {"ihc": row["ihc"]} if row["ihc"] else {}
    for name, field in (("ratio", "ish_ratio"), ("copies", "ish_copies"), ("cep17", "cep17_copies")):
        if row[name]:
            told[field] = float(row[name])
    if row["recount"]:
        told["recounted"] = row["recount"] == "yes"
    return her2.Assay(**told)


@pytest.mark.parametrize("criteria", ["gastric-2016", "breast-2018", "breast-2023"])
def test_statuses_are_those_of_the_guidelines(criteria: str) -> None:
    """Every IHC score and ISH group, and every boundary of ratio and copies, with clause, group and next test."""
    rows = [row for row in table("classify.csv") if row["criteria"] == criteria]
    assert len(rows) > 400
    for row in rows:
        made = her2.classify(assay(row), criteria)
        assert made.status in allowed(row, "status"), row
        assert bool(made.discordances) is (row["discordant"] == "yes"), row
        if row["group"]:
            assert f"G{made.group}" == row["group"], row
        if made.status == row["status"]:
            assert (made.next_test or "none") in allowed(row, "next_test", "accept_next"), row
            assert made.clause == row["clause"], row
            assert made.status.settled is (made.next_test is None), row


def test_low_is_a_status_of_destiny_breast04_alone() -> None:
    for row in table("classify.csv"):
        status = her2.classify(assay(row), row["criteria"]).status
        assert status != "low"
        if row["db04_low"]:
            low = her2.classify(assay(row), "destiny-breast04").status
            assert (low == "low") is (row["db04_low"] == "yes"), row


def test_every_clause_that_decides_is_on_record() -> None:
    known = {clause.key: clause.criteria for clause in herbtc.load().clauses}
    for row in table("classify.csv"):
        made = her2.classify(assay(row), row["criteria"])
        assert row["criteria"] in known[made.clause]
    for row in table("score.csv"):
        clause = her2.score(staining(row), row["criteria"], specimen=row["specimen"]).clause
        assert row["criteria"] in known[clause], clause


@pytest.mark.parametrize("criteria", her2.CRITERIA)
def test_a_two_plus_without_ish_is_equivocal_and_never_negative(criteria: str) -> None:
    made = her2.classify(her2.Assay(ihc="2+"), criteria)
    assert (made.status, made.next_test, made.missing) == ("equivocal", "reflex-ish", ("ish",))


def test_sequencing_settles_no_status() -> None:
    made = her2.classify(her2.Assay(ngs_amplified=True, plasma_amplified=True, variants=("S310F",), sequenced=True))
    assert (made.status, made.next_test) == ("unknown", "ihc")


def test_assays_that_disagree_are_named_and_not_averaged() -> None:
    tumour = [her2.Assay(ihc="3+", specimen="biopsy"), her2.Assay(ihc="0", specimen="resection", laboratory="central")]
    made = her2.classify(tumour)
    assert made.status == "unknown"
    assert made.discordances == ("IHC 3+ (biopsy) against IHC 0 (resection, central)",)


def test_ihc_of_one_assay_and_ish_of_another_are_read_together() -> None:
    tumour = her2.Profile(her2.Assay(ihc="2+", specimen="biopsy"), her2.Assay(ish_ratio=2.0, specimen="resection"))
    assert her2.classify(tumour).status == "positive"


SCORES = st.none() | st.sampled_from(list(IhcScore))
ASSAYS = st.builds(
    her2.Assay,
    ihc=SCORES,
    ish=st.none() | st.sampled_from(list(IshResult)),
    ish_ratio=st.none() | st.sampled_from([1.0, 1.99, 2.0, 2.2, 5.0]),
    ish_copies=st.none() | st.sampled_from([3.0, 3.99, 4.0, 5.99, 6.0, 6.01, 8.0]),
    ngs_amplified=st.none() | st.booleans(),
    ngs_copies=st.none() | st.sampled_from([2.0, 5.9, 6.0, 7.0, 7.1]),
    plasma_amplified=st.none() | st.booleans(),
    variants=st.just(()),
    sequenced=st.none() | st.booleans(),
    nrg1_fusion=st.none() | st.booleans(),
    recounted=st.none() | st.booleans(),
)
TUMOURS = st.lists(ASSAYS, min_size=1, max_size=3)
OPPOSITES = {"positive": {"negative", "low"}, "negative": {"positive"}, "low": {"positive"}}


@given(TUMOURS, ASSAYS, st.sampled_from(sorted(her2.CRITERIA)))
def test_another_assay_turns_no_settled_status_over_without_naming_the_discordance(
    tumour: list[her2.Assay], more: her2.Assay, criteria: str
) -> None:
    before, after = her2.classify(tumour, criteria), her2.classify([*tumour, more], criteria)
    if after.status in OPPOSITES.get(before.status, set()):
        assert after.discordances, (before, after)
    if before.status.settled and after.status == "unknown":
        assert after.discordances


@given(TUMOURS, st.sampled_from(sorted(her2.CRITERIA)))
def test_unknown_never_becomes_negative_by_default(tumour: list[her2.Assay], criteria: str) -> None:
    made = her2.classify(tumour, criteria)
    tested = any(each.ihc is not None or each.ish is not None or each.ratio or each.ish_copies for each in tumour)
    if made.status in {"negative", "low"}:
        assert tested
    if not tested:
        assert made.status == "unknown"


@given(TUMOURS, st.randoms())
def test_the_order_of_assays_does_not_matter(tumour: list[her2.Assay], random: Any) -> None:
    other = random.sample(tumour, len(tumour))
    for criteria in her2.CRITERIA:
        assert her2.classify(tumour, criteria).status is her2.classify(other, criteria).status
    for key in ("herb-positive", "sgntuc-019", "nci-match-q"):
        assert her2.meets(tumour, key).answer is her2.meets(other, key).answer


# --- definitions ------------------------------------------------------------------------------------------------------

# Ten tumours and what each definition must answer, written from the words of the definitions.
TUMOUR = {
    "3+": her2.Assay(ihc="3+"),
    "3+/ish+": her2.Assay(ihc="3+", ish="positive"),
    "2+": her2.Assay(ihc="2+"),
    "2+/ish+": her2.Assay(ihc="2+", ish="positive"),
    "2+/ish-": her2.Assay(ihc="2+", ish="negative"),
    "1+": her2.Assay(ihc="1+"),
    "0/ish+": her2.Assay(ihc="0", ish="positive"),
    "0/ish-": her2.Assay(ihc="0", ish="negative"),
    "ish+": her2.Assay(ish="positive"),
    "plasma": her2.Assay(plasma_amplified=True),
}
MUST = {
    "herizon-btc-01-cohort-1": "unknown yes unknown yes no no no no unknown unknown",
    "herizon-btc-01-cohort-2": "no no no no no unknown yes no unknown unknown",
    "herizon-btc-01": "unknown yes unknown yes no unknown yes no yes unknown",
    "ziihera-label": "yes yes no no no no no no unknown unknown",
    "enhertu-solid-tumour-label": "yes yes no no no no no no unknown unknown",
    "destiny-pantumor02": "yes yes yes yes yes no no no unknown unknown",
    "destiny-btc01": "yes yes yes yes yes no no no unknown unknown",
    "herb-positive": "yes yes unknown yes no no no no unknown unknown",
    "herb-low": "no no unknown no yes yes yes no unknown unknown",
    "herb": "yes yes yes yes yes yes yes no yes unknown",
    "tab": "yes yes unknown yes no no no no unknown unknown",
    "herald": "unknown unknown unknown unknown unknown unknown unknown unknown unknown yes",
    "mypathway": "yes yes unknown yes unknown unknown yes unknown yes unknown",
}


@pytest.mark.parametrize("key", MUST)
def test_definitions_answer_as_their_words_say(key: str) -> None:
    answers = [str(her2.meets(tumour, key).answer) for tumour in TUMOUR.values()]
    assert dict(zip(TUMOUR, answers, strict=True)) == dict(zip(TUMOUR, MUST[key].split(), strict=True))


@pytest.mark.parametrize(
    ("copies", "answers"),
    [(5.99, "no no no"), (6.0, "yes no no"), (7.0, "yes yes no"), (7.01, "yes yes yes")],
)
def test_copies_by_sequencing_meet_thresholds_as_printed(copies: float, answers: str) -> None:
    """KCSG-HB19-14 asks for six or more, NCI-MATCH J for seven or more, NCI-MATCH Q for more than seven."""
    tumour = her2.Assay(ihc="0", ngs_copies=copies)
    keys = ("kcsg-hb19-14", "nci-match-j", "nci-match-q")
    assert " ".join(her2.meets(tumour, key).answer for key in keys) == answers


def test_the_same_tumour_is_low_in_one_trial_and_positive_in_another() -> None:
    tumour = her2.Assay(ihc="0", ish="positive")
    answers = {key: her2.meets(tumour, key).answer for key in ("herb-low", "herizon-btc-01-cohort-2", "sgntuc-019")}
    assert set(answers.values()) == {"yes"}
    assert her2.meets(tumour, "ziihera-label").answer == "no"
    assert her2.classify(tumour).status == "negative"
    assert her2.classify(tumour).discordances


def test_a_part_that_was_not_seen_leaves_doubt_and_not_a_no() -> None:
    made = her2.meets(her2.Assay(ihc="2+", ish="negative"), "herizon-btc-302")
    assert made.answer == "unknown"
    assert made.cautions == ("not seen of this definition: the IHC threshold",)
    assert her2.meets(her2.Assay(ihc="0", ish="negative", ngs_amplified=False), "herizon-btc-302").answer == "no"


def test_a_test_whose_every_result_leads_to_one_answer_is_not_missing() -> None:
    made = her2.meets(her2.Assay(ish="positive"), "herb")
    assert (made.answer, made.missing) == ("yes", ())
    assert made.reasons[-1] == "whatever IHC would be"


def test_a_central_test_that_was_done_locally_is_a_caution() -> None:
    local = her2.meets(her2.Assay(ihc="3+", laboratory="local"), "herb-positive")
    assert local.answer == "yes"
    assert local.cautions == ("the definition asks for central testing, and this was tested locally",)
    assert her2.meets(her2.Assay(ihc="3+", laboratory="central"), "herb-positive").cautions == ()


def test_contradictory_results_are_reported_and_not_resolved() -> None:
    tumour = her2.Assay(ihc="2+", ish="positive", ish_ratio=1.2, ish_copies=2.5)
    made = her2.meets(tumour, "herb-positive")
    assert made.answer == "unknown"
    assert made.discordances == ("ISH positive against HER2/CEP17 1.2, HER2 copies 2.5",)
    assert her2.classify(tumour).discordances


@given(TUMOURS, ASSAYS, st.sampled_from([each.key for each in herbtc.load().definitions]))
def test_another_assay_turns_no_answer_over_without_naming_the_discordance(
    tumour: list[her2.Assay], more: her2.Assay, key: str
) -> None:
    before, after = her2.meets(tumour, key), her2.meets([*tumour, more], key)
    if Answer.UNKNOWN not in (before.answer, after.answer):
        assert before.answer is after.answer
    if before.answer is not Answer.UNKNOWN and after.answer is Answer.UNKNOWN:
        assert after.discordances


@given(TUMOURS, st.sampled_from([each.key for each in herbtc.load().definitions]))
def test_an_answer_has_its_reasons(tumour: list[her2.Assay], key: str) -> None:
    made = her2.meets(tumour, key)
    assert made.reasons
    if made.answer is not Answer.UNKNOWN:
        assert made.missing == ()


def _agree(one: Definition, other: Definition) -> bool:
    return all(her2.meets(tumour, one).answer is her2.meets(tumour, other).answer for tumour in TUMOUR.values())


def test_groups_of_definitions_are_the_groups_that_queries_return() -> None:
    """A definition whose group is a word of its own (IHC 3+, IHC 2+/3+) selects just that group."""
    plain = (Her2.IHC_3, Her2.IHC_2_3)
    for definition in herbtc.load().definitions:
        if definition.group in plain and definition.open is None:
            assert _agree(definition, her2.STRATA[definition.group]), definition.key
        elif definition.open is None and definition.group in her2.STRATA:
            inside = [tumour for tumour in TUMOUR.values() if her2.meets(tumour, definition).answer == "yes"]
            # Groups by amplification and by IHC 0/1+ may ask for more besides, and never for less.
            if definition.group is Her2.IHC_0_1:
                assert all(her2.meets(each, her2.STRATA[definition.group]).answer == "yes" for each in inside)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"ihc": "4+"}, "ihc"),
        ({"ihc": 3}, "ihc"),
        ({"ihc": "positive"}, "ihc"),
        ({"ish": True}, "ish"),
        ({"ish_ratio": -0.1}, "ish_ratio"),
        ({"ish_ratio": float("nan")}, "ish_ratio"),
        ({"ish_ratio": "2.0"}, "ish_ratio"),
        ({"ish_ratio": True}, "ish_ratio"),
        ({"ish_copies": float("inf")}, "ish_copies"),
        ({"ish_ratio": 4.0, "ish_copies": 4.0, "cep17_copies": 4.0}, "ish_ratio"),
        ({"ish_cells": 0}, "ish_cells"),
        ({"ngs_copies": -1}, "ngs_copies"),
        ({"ngs_amplified": "yes"}, "ngs_amplified"),
        ({"plasma_amplified": 1}, "plasma_amplified"),
        ({"variants": "S310F"}, "variants"),
        ({"variants": ("",)}, "variants"),
        ({"variants": ("S310F",), "sequenced": False}, "sequenced"),
        ({"specimen": "blood"}, "specimen"),
        ({"specimen": "plasma", "ihc": "3+"}, "specimen"),
        ({"laboratory": "abroad"}, "laboratory"),
        ({"day": "2024-01-01"}, "day"),
    ],
)
def test_values_that_cannot_be_fail_with_their_field(told: dict[str, Any], field: str) -> None:
    with pytest.raises(DataError) as caught:
        her2.Assay(**told)
    assert field in [problem.path for problem in caught.value.problems]


def test_all_faults_of_an_assay_are_told_at_once() -> None:
    with pytest.raises(DataError) as caught:
        her2.Assay(ihc="5", ish_ratio=-1, plasma_amplified="no", specimen="bone")  # type: ignore[arg-type]
    assert [problem.path for problem in caught.value.problems] == ["ihc", "plasma_amplified", "specimen", "ish_ratio"]


@pytest.mark.parametrize("told", [{"percent": 101}, {"percent": -1}, {"intensity": "red"}, {"cluster": 1.5}])
def test_staining_that_cannot_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        her2.Staining(**told)


def test_what_is_no_assay_is_refused() -> None:
    with pytest.raises(DataError, match=r"assays\[1\]"):
        her2.Profile(her2.Assay(), "3+")  # type: ignore[arg-type]


def test_unknown_words_name_what_exists() -> None:
    with pytest.raises(UnknownKeyError, match="gastric-2016"):
        her2.classify(her2.Assay(ihc="3+"), "gastric-2015")
    with pytest.raises(UnknownKeyError, match="ziihera-label"):
        her2.meets(her2.Assay(ihc="3+"), "ziihera")
    with pytest.raises(UnknownKeyError, match="resection"):
        her2.score(her2.Staining(intensity="none"), specimen="resektion")


def test_everything_of_an_assay_is_optional() -> None:
    nothing = her2.Assay()
    assert all(getattr(nothing, name) in (None, ()) for name in fields_dict(her2.Assay))
    assert her2.classify(nothing).status == "unknown"
    assert her2.classify(her2.Profile()).status == "unknown"


def test_a_definition_of_ones_own_is_met_as_any_other() -> None:
    own = Definition(
        key="own",
        name="Own",
        words="Ratio of at least 2.2",
        group=Her2.AMPLIFIED,
        any_of=(Clause(ish_ratio_min=Decimal("2.2")),),
        source="own",
        locator="protocol",
    )
    answers = [her2.meets(her2.Assay(ish_ratio=ratio), own).answer for ratio in (2.19, 2.2)]
    assert answers == ["no", "yes"]


@pytest.mark.parametrize("group", her2.STRATA)
def test_a_query_by_group_returns_nobody_outside_it(group: Her2) -> None:
    """Figures of IHC 3+ are of groups in which every kind of tumour is IHC 3+, never of ones that merely include it."""
    catalog = herbtc.load()
    for ask in (query.proportions, query.durations):
        frame = ask(her2=group, reports="all", suspect="include")
        assert set(frame["her2"].astype(str)) <= {str(group)}
        for row in frame.to_dict("records"):
            words = {str(each) for each in Her2}
            strata = [Her2(word) for word in terms.strata(row["population"]) if str(word) in words]
            definition = catalog.trial(row["trial"]).arm(row["arm"]).definition
            selects = her2.STRATA[strata[0]] if strata else catalog.definition(str(definition))
            for tumour in her2.TUMOURS.values():
                if her2.meets(tumour, selects).answer == "yes" and group not in (Her2.AMPLIFIED, Her2.MUTATED):
                    assert her2.meets(tumour, her2.STRATA[group]).answer == "yes", (row["trial"], row["arm"])


def test_the_matrix_shows_what_meets_answers() -> None:
    frame = query.definition_matrix().set_index("definition")
    assert frame.columns.tolist() == list(her2.TUMOURS)
    for name, tumour in her2.TUMOURS.items():
        assert frame[name].tolist() == [her2.meets(tumour, key).answer for key in frame.index]
    assert frame.loc["herizon-btc-01", "IHC 0/ISH+"] == "yes"
    assert frame.loc["herb-low", "IHC 0/ISH+"] == "yes"
    assert frame.loc["ziihera-label", "IHC 0/ISH+"] == "no"
    assert frame.loc["enrgy", "NRG1 fusion"] == "yes"
    assert frame.loc["herald", "ctDNA amplified only"] == "yes"
    assert [answer == "unknown" for answer in frame.loc["herb-positive"]] == [
        name in ("IHC 2+, no ISH", "NGS amplified only", "ctDNA amplified only") for name in her2.TUMOURS
    ]
