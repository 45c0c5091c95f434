"""Approvals, guidelines, prevalence and appraisals: what the files may say, and what the queries answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import herbtc
from herbtc import query
from herbtc.errors import DataError, UnknownKeyError
from herbtc.terms import Act, AppraisalTool

if TYPE_CHECKING:
    from pathlib import Path

    from herbtc.catalog import Catalog

SOURCE = '[[sources]]\nkey = "own-2024"\nkind = "regulatory-review"\ntitle = "T"\nyear = 2024\nurl = "https://example.org/a"\n'
REST = 'source = "own-2024"\nlocator = "Text"\n'
APPROVAL = (
    '[[approvals]]\nkey = "{key}"\nagents = ["{agent}"]\nagency = "{agency}"\njurisdiction = "{place}"\nact = "{act}"\n'
    'decided = {day}\nscope = "biliary"\npopulation = "IHC 3+"\n{more}\n' + REST
)
GUIDELINE = (
    '[[guidelines]]\nkey = "{key}"\nbody = "esmo"\ndocument = "D"\nyear = {year}\ntopic = "{topic}"\n'
    'scope = "biliary"\npopulation = "IHC 3+"\n{more}\n' + REST
)
PREVALENCE = (
    '[[prevalence]]\ncohort = "{cohort}"\nher2 = "{her2}"\nmethod = "ihc"\ndefinition = "D"\n'
    'quantity = "{quantity}"\n{more}\n' + REST
)


def approval(**changes: str) -> str:
    of = {
        "key": "own-a",
        "agent": "pertuzumab",
        "agency": "tga",
        "place": "XA",
        "act": "approval",
        "day": "2030-05-01",
        "more": "",
    }
    return APPROVAL.format(**(of | changes))


def guideline(**changes: str) -> str:
    of = {"key": "own-g", "year": "2030", "topic": "therapy", "more": 'agents = ["pertuzumab"]'}
    return GUIDELINE.format(**(of | changes))


def prevalence(**changes: str) -> str:
    of = {"cohort": "own", "her2": "ihc-3+", "quantity": "prevalence", "more": "events = 1\nn = 10"}
    return PREVALENCE.format(**(of | changes))


def own(folder: Path, file: str, *records: str) -> Catalog:
    """Return the shipped catalog with a folder that has one file of these records."""
    folder.mkdir(exist_ok=True)
    (folder / file).write_text("\n".join([SOURCE, *records]), "utf-8")
    return herbtc.load().extend(folder)


def mine(frame: pd.DataFrame, column: str) -> list[str]:
    return [key for key in frame[column] if key.startswith("own")]


# --- columns ----------------------------------------------------------------------------------------------------------

ACT_KINDS = ["approvals", "guidelines", "appraisal", "prevalence", "concordance", "prognosis"]


@pytest.mark.parametrize("kind", ACT_KINDS)
def test_frames_have_the_columns_they_declare_also_when_empty(kind: str) -> None:
    full, empty = getattr(query, kind)(), getattr(query, kind)(catalog=herbtc.Catalog(release="empty"))
    assert list(full.columns) == [column.name for column in query.COLUMNS[kind]]
    assert [str(dtype) for dtype in full.dtypes] == [column.dtype for column in query.COLUMNS[kind]]
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    assert empty.empty


# --- as of a day ------------------------------------------------------------------------------------------------------


def replaced(folder: Path) -> Catalog:
    """An accelerated approval, converted two years later, and withdrawn the year after."""
    return own(
        folder,
        "approvals.toml",
        approval(key="own-c", act="withdrawal", day="2033-05-01", more='replaces = ["own-b"]'),
        approval(key="own-b", act="approval", day="2032-05-01", more='replaces = ["own-a"]'),
        approval(key="own-a", act="accelerated-approval", day="2030-05-01"),
    )


@pytest.mark.parametrize(
    ("as_of", "known", "in_force"),
    [
        ("2030-04-30", [], []),
        ("2030-05-01", ["own-a"], ["own-a"]),
        (date(2032, 4, 30), ["own-a"], ["own-a"]),
        (datetime(2032, 5, 1, 12), ["own-a", "own-b"], ["own-b"]),  # noqa: DTZ001
        (pd.Timestamp("2033-04-30"), ["own-a", "own-b"], ["own-b"]),
        (None, ["own-a", "own-b", "own-c"], ["own-c"]),
    ],
)
def test_approvals_as_of_a_day(tmp_path: Path, as_of: Any, known: list[str], in_force: list[str]) -> None:
    found = query.approvals(jurisdiction="XA", as_of=as_of, catalog=replaced(tmp_path))
    assert found["approval"].tolist() == known
    assert found.loc[found["in_force"], "approval"].tolist() == in_force
    marketed = found["in_force"] & found["authorises"]
    assert found.loc[marketed, "approval"].tolist() == [key for key in in_force if key != "own-c"]


def test_what_is_no_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        query.approvals(as_of="last June", catalog=replaced(tmp_path))


def test_a_guideline_of_which_only_the_year_is_known_counts_from_its_end(tmp_path: Path) -> None:
    catalog = own(
        tmp_path,
        "guidelines.toml",
        guideline(),
        guideline(key="own-h", more='agents = ["pertuzumab"]\npublished = 2030-03-01'),
    )
    assert mine(query.guidelines(as_of="2030-02-28", catalog=catalog), "guideline") == []
    assert mine(query.guidelines(as_of="2030-12-30", catalog=catalog), "guideline") == ["own-h"]
    assert mine(query.guidelines(as_of="2030-12-31", catalog=catalog), "guideline") == ["own-h", "own-g"]


def test_only_three_acts_let_a_drug_be_marketed() -> None:
    assert [str(act) for act in Act if act.authorises] == ["approval", "accelerated-approval", "conditional-approval"]


# --- filters ----------------------------------------------------------------------------------------------------------


def test_approvals_are_asked_by_agent_mechanism_agency_place_and_act(tmp_path: Path) -> None:
    catalog = own(
        tmp_path, "approvals.toml", approval(), approval(key="own-z", agent="tucatinib", act="refusal", place="XB")
    )
    assert mine(query.approvals(agent="pertuzumab", catalog=catalog), "approval") == ["own-a"]
    assert mine(query.approvals(mechanism="tyrosine-kinase-inhibitor", catalog=catalog), "approval") == ["own-z"]
    assert mine(query.approvals(jurisdiction=["XA", "XB"], catalog=catalog), "approval") == ["own-a", "own-z"]
    assert mine(query.approvals(act="refusal", catalog=catalog), "approval") == ["own-z"]
    assert mine(query.approvals(authorises=True, catalog=catalog), "approval") == ["own-a"]
    assert mine(query.approvals(agency="fda", catalog=catalog), "approval") == []


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (query.approvals, {"agent": "pertuzumap"}),
        (query.approvals, {"agency": "fdaa"}),
        (query.approvals, {"jurisdiction": "QQ"}),
        (query.approvals, {"act": "approved"}),
        (query.guidelines, {"body": "esmoo"}),
        (query.guidelines, {"topic": "therapies"}),
        (query.appraisal, {"tool": "rob2"}),
        (query.appraisal, {"trial": "herizon"}),
        (query.prevalence, {"site": "gall"}),
        (query.prevalence, {"quantity": "share"}),
        (query.prevalence, {"suspect": "no"}),
        (query.concordance, {"measure": "kapa"}),
        (query.prognosis, {"endpoint": "oss"}),
    ],
)
def test_an_unknown_word_is_refused_with_those_that_exist(ask: Any, words: dict[str, str]) -> None:
    with pytest.raises(UnknownKeyError, match=r"There are|did you mean"):
        ask(**words)


def test_prevalence_and_share_of_positives_are_never_mixed_unasked(tmp_path: Path) -> None:
    catalog = own(
        tmp_path,
        "prevalence.toml",
        prevalence(more='sites = ["gallbladder"]\nevents = 1\nn = 10'),
        prevalence(cohort="own-share", quantity="share-of-positives", more='sites = ["gallbladder"]\npercent = 60'),
        prevalence(cohort="own-all", more="events = 2\nn = 10\npooled = true"),
        prevalence(cohort="own-misprint", more="events = 2\nn = 10\nsuspect = 'misprint'"),
    )
    assert mine(query.prevalence(catalog=catalog), "cohort") == ["own-all", "own"]
    assert mine(query.prevalence(quantity="share-of-positives", catalog=catalog), "cohort") == ["own-share"]
    assert mine(query.prevalence(site="gallbladder", quantity=None, catalog=catalog), "cohort") == ["own", "own-share"]
    assert mine(query.prevalence(site="all", catalog=catalog), "cohort") == ["own-all"]
    assert mine(query.prevalence(pooled=True, catalog=catalog), "cohort") == ["own-all"]
    assert mine(query.prevalence(suspect="only", catalog=catalog), "cohort") == ["own-misprint"]
    assert mine(query.prevalence(method="ish", catalog=catalog), "cohort") == []


# --- what files may not say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "record", "path", "message"),
    [
        ("approvals.toml", approval(agent="nodrug"), "approvals[0].agents[0]", "expected the key of an agent"),
        ("approvals.toml", approval(place="Europe"), "approvals[0].jurisdiction", "expected an ISO 3166"),
        ("approvals.toml", approval(act="approved"), "approvals[0].act", "expected one of approval"),
        ("approvals.toml", approval(day='"2030-05-01"'), "approvals[0].decided", "without quotes"),
        ("approvals.toml", approval(more='trial = "herizon"'), "approvals[0].trial", "expected the key of a study"),
        ("approvals.toml", approval(more='definition = "ihc"'), "approvals[0].definition", "a HER2 definition"),
        ("approvals.toml", approval(more='replaces = ["own-a"]'), "approvals[0].replaces[0]", "another of these"),
        ("guidelines.toml", guideline(more=""), "guidelines[0].topic", "expected at least one agent"),
        (
            "guidelines.toml",
            guideline(more='agents = ["pertuzumab"]\npublished = 2029-01-01'),
            "guidelines[0].published",
            "expected a day in the year",
        ),
        ("prevalence.toml", prevalence(more="n = 10"), "prevalence[0].events", "expected events or percent"),
        ("prevalence.toml", prevalence(her2="positive"), "prevalence[0].her2", "expected one of ihc-3+"),
        (
            "prevalence.toml",
            '[[concordance]]\ncohort = "own"\ntest = "a"\nreference = "b"\nmeasure = "kappa"\npercent = 80\n' + REST,
            "concordance[0].estimate",
            "expected an estimate of kappa",
        ),
        (
            "prevalence.toml",
            '[[prognosis]]\ncohort = "own"\nher2 = "her2-positive"\nreference = "r"\nmethod = "ihc"\nendpoint = "os"\n'
            'kind = "hr"\nestimate = 0\n' + REST,
            "prognosis[0].estimate",
            "expected a ratio above 0",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, file: str, record: str, path: str, message: str) -> None:
    with pytest.raises(DataError) as refused:
        own(tmp_path, file, record)
    found = [(problem.file, problem.path, problem.message) for problem in refused.value.problems]
    assert [(name, where) for name, where, _ in found] == [(file, path)]
    assert message in found[0][2]


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected each key once"):
        own(tmp_path, "approvals.toml", approval(), approval())


# --- appraisals -------------------------------------------------------------------------------------------------------

STUDY = """
key = "own"
name = 'Own'
design = "single-arm"
[[sources]]
key = "own-2024"
kind = "unpublished"
title = 'T'
[[arms]]
key = "btc"
label = 'L'
agents = ["zanidatamab"]
her2_selected = false
btc_only = true
"""


def appraised(folder: Path, tool: str, answers: dict[str, str], more: str = "") -> Catalog:
    items = ", ".join(
        f'{{ item = "{item}", answer = "{answer}", reason = \'because\' }}' for item, answer in answers.items()
    )
    (folder / "trials").mkdir()
    text = f'{STUDY}\n[[appraisals]]\ntool = "{tool}"\nsource = "own-2024"\n{more}\nitems = [{items}]\n'
    (folder / "trials" / "own.toml").write_text(text, "utf-8")
    return herbtc.load().extend(folder)


def test_an_appraisal_answers_every_item(tmp_path: Path) -> None:
    answers = dict.fromkeys(AppraisalTool.JBI_CASE_SERIES.items, "unclear") | {"sites-reported": "no"}
    found = query.appraisal(trial="own", catalog=appraised(tmp_path, "jbi-case-series", answers))
    assert found["item"].tolist() == list(answers)
    assert found["answer"].tolist() == list(answers.values())
    assert set(found["tool"]) == {"jbi-case-series"}
    assert found["outcome"].isna().all()


@pytest.mark.parametrize(
    ("tool", "change", "more", "message"),
    [
        ("jbi-case-series", {"sites-reported": None}, "", "expected every item of 'jbi-case-series' once"),
        ("jbi-case-series", {"sites-reported": "low"}, "", "expected the answers that 'jbi-case-series' allows"),
        ("jbi-case-series", {}, 'outcome = "os"', "expected an outcome with rob-2"),
        ("rob-2", {}, "", "expected an outcome with rob-2"),
        ("robins-i", {"overall": "some-concerns"}, 'outcome = "os"', "expected the answers that 'robins-i' allows"),
    ],
)
def test_an_appraisal_that_leaves_its_checklist_is_refused(
    tmp_path: Path, tool: str, change: dict[str, str | None], more: str, message: str
) -> None:
    of = AppraisalTool(tool)
    answers = {item: answer for item, answer in (dict.fromkeys(of.items, of.answers[0]) | change).items() if answer}
    with pytest.raises(DataError, match=message):
        appraised(tmp_path, tool, answers, more)


def test_patients_answers_are_shares_or_scores(tmp_path: Path) -> None:
    figures = [
        '[[figures.patient_reported]]\narm = "btc"\nsource = "own-2024"\nlocator = "T"\ninstrument = "eq-5d-5l"\n'
        'scale = "index"\n' + rest
        for rest in (
            'measure = "improved"\nevents = 3\nn = 10\nat = 12\nunit = "weeks"\n',
            'measure = "mean-change"\nestimate = -1.5\nlow = -3.0\nhigh = 0.1\nlevel = 95\n',
            'measure = "time-to-deterioration"\nestimate = 26\nunit = "weeks"\n',
        )
    ]
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "own.toml").write_text(STUDY + "\n".join(figures), "utf-8")
    found = query.patient_reported(trial="own", catalog=herbtc.load().extend(tmp_path))
    by = found.set_index(found["measure"].astype(str))
    assert by.loc["improved", "at_months"] == pytest.approx(12 * 7 * 12 / 365.25)
    assert by.loc["mean-change", "estimate"] == -1.5
    assert by.loc["time-to-deterioration", "estimate"] == pytest.approx(26 * 7 * 12 / 365.25)
