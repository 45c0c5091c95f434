"""The truth tables of HER2 testing: what is in them follows from the clauses, and every clause is named."""

from __future__ import annotations

import csv
import importlib.util
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import herbtc
from herbtc import terms

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parent / "reference" / "her2"


def expansion() -> ModuleType:
    """Import the script that lies beside the tables."""
    spec = importlib.util.spec_from_file_location("her2_expand", FOLDER / "expand.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def table(name: str) -> list[list[str]]:
    """The rows of a table below its header."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def document(name: str) -> dict[str, Any]:
    with (FOLDER / name).open("rb") as file:
        return tomllib.load(file)


@pytest.mark.parametrize("name", ["score", "classify"])
def test_the_tables_are_what_the_clauses_expand_to(name: str) -> None:
    module = expansion()
    header, *rows = table(f"{name}.csv")
    assert tuple(header) == getattr(module, f"{name.upper()}_COLUMNS")
    assert [tuple(row) for row in rows] == getattr(module, f"{name}_rows")()


@pytest.mark.parametrize(("name", "findings"), [("score", 6), ("classify", 7)])
def test_no_findings_stand_twice(name: str, findings: int) -> None:
    rows = [tuple(row[:findings]) for row in table(f"{name}.csv")]
    assert len(rows) == len(set(rows))


def test_every_clause_is_stated_and_seen() -> None:
    stated = document("clauses.toml")
    keys = [clause["key"] for clause in stated["clauses"]]
    assert len(keys) == len(set(keys))
    used = {key for row in table("score.csv")[1:] for key in row[-1].split("|")}
    used |= {key for row in table("classify.csv")[1:] for key in row[-2:]} - {""}
    assert used <= set(keys)
    for clause in stated["clauses"]:
        if clause["seen_at"] != "none":
            assert {clause["source"], *clause.get("also", [])} <= set(stated["sources"]), clause["key"]
    assert all(source["seen"] for source in stated["sources"].values())


def test_the_expansion_does_not_know_the_code_under_test() -> None:
    assert "herbtc" not in {name for name in vars(expansion()) if not name.startswith("_")}
    assert "import herbtc" not in (FOLDER / "expand.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("findings", "score"),
    [
        (("gastric-2016", "resection", "9.9", "strong", "complete", ""), "0"),
        (("gastric-2016", "resection", "10", "strong", "complete", ""), "3+"),
        (("gastric-2016", "biopsy", "0.1", "strong", "lateral", "5"), "3+"),
        (("gastric-2016", "biopsy", "100", "strong", "lateral", "4"), "not-covered"),
        (("breast-2018", "resection", "10", "strong", "complete", ""), "2+"),
        (("breast-2018", "resection", "10.1", "strong", "complete", ""), "3+"),
        (("breast-2018", "biopsy", "10", "faint", "incomplete", ""), "0"),
        (("breast-2018", "biopsy", "11", "faint", "incomplete", ""), "1+"),
    ],
)
def test_boundaries_of_the_scores(findings: tuple[str, ...], score: str) -> None:
    rows = {tuple(row[:6]): row[6] for row in table("score.csv")}
    assert rows[findings] == score


@pytest.mark.parametrize(
    ("findings", "group", "status"),
    [
        (("breast-2018", "3+", "dual", "2.0", "3.99", "", ""), "G2", "positive"),
        (("breast-2018", "2+", "dual", "2.0", "4.0", "", ""), "G1", "positive"),
        (("breast-2018", "2+", "dual", "1.99", "6.0", "", "yes"), "G3", "positive"),
        (("breast-2018", "2+", "dual", "1.99", "5.99", "", "yes"), "G4", "negative"),
        (("breast-2018", "1+", "dual", "1.99", "6.0", "", ""), "G3", "negative"),
        (("breast-2018", "2+", "dual", "1.99", "3.99", "", ""), "G5", "negative"),
        (("gastric-2016", "2+", "dual", "2.0", "3.0", "", ""), "", "positive"),
        (("gastric-2016", "2+", "dual", "1.99", "6.01", "", ""), "", "positive"),
        (("gastric-2016", "2+", "none", "", "", "", ""), "", "equivocal"),
        (("gastric-2016", "0", "dual", "5.0", "8.0", "", ""), "", "negative"),
    ],
)
def test_boundaries_of_the_statuses(findings: tuple[str, ...], group: str, status: str) -> None:
    rows = {tuple(row[:7]): (row[8], row[9]) for row in table("classify.csv")}
    assert rows[findings] == (group, status)


# --- vignettes --------------------------------------------------------------------------------------------------------

MATCHES = {"yes", "no", "unknown"}
# What decides, and what a row has to name although it does not decide.
REASONS = {"her2", "line", "site", "date", "driver", "prior-therapy", "ecog", "lvef", "measurable", "discordance"}
PATIENT = {"her2", "site", "prior_lines", "prior_therapies", "ecog", "lvef", "measurable", "drivers"}
ASSAY = {
    "ihc",
    "ish_ratio",
    "ish_copies",
    "ngs_copies",
    "ngs_amplified",
    "variants",
    "nrg1_fusion",
    "plasma_amplified",
    "specimen",
    "date",
}


@pytest.fixture(scope="module")
def vignettes() -> list[dict[str, Any]]:
    stated: list[dict[str, Any]] = document("vignettes.toml")["vignettes"]
    return stated


@pytest.fixture(scope="module")
def options() -> set[str]:
    """Every option that the evidence knows, as the vignettes name them."""
    catalog = herbtc.load()
    return {
        *(f"approval:{act.key}" for act in catalog.approvals),
        *(f"guideline:{statement.key}" for statement in catalog.guidelines),
        *(f"arm:{trial.key}/{arm.key}" for trial in catalog.trials for arm in trial.arms),
    }


def test_vignettes_keep_to_their_vocabulary(vignettes: list[dict[str, Any]]) -> None:
    agents = {agent.key for agent in herbtc.load().agents}
    for vignette in vignettes:
        patient = vignette["patient"]
        assert set(patient) <= PATIENT, vignette["key"]
        assert patient["site"] in set(terms.Site), vignette["key"]
        assert set(patient["prior_therapies"]) <= agents, vignette["key"]
        assert (patient["prior_lines"] == 0) == (not patient["prior_therapies"]), vignette["key"]
        assert all(set(assay) <= ASSAY for assay in patient["her2"]), vignette["key"]
        for row in vignette["expected"]:
            accepted = set(row.get("accept", []))
            assert {row["match"], *accepted} <= MATCHES, vignette["key"]
            assert row["match"] not in accepted, vignette["key"]
            assert {row["by"], *row.get("mentions", [])} <= REASONS, vignette["key"]
            assert row["reason"], vignette["key"]


def test_vignettes_name_options_of_the_evidence(vignettes: list[dict[str, Any]], options: set[str]) -> None:
    missing = {row["option"] for v in vignettes for row in v["expected"] if not row.get("in_evidence", True)}
    for vignette in vignettes:
        named = [row["option"] for row in vignette["expected"]]
        absent = vignette.get("absent", [])
        assert {*named, *absent} <= options | missing, vignette["key"]
        assert len({*named, *absent}) == len(named) + len(absent), vignette["key"]


def test_approvals_that_a_vignette_expects_are_in_force_there_and_then(vignettes: list[dict[str, Any]]) -> None:
    acts = {f"approval:{act.key}": act for act in herbtc.load().approvals}
    for vignette in vignettes:
        for row in vignette["expected"]:
            act = acts.get(row["option"])
            if act is not None:
                assert act.act.authorises, row["option"]
                assert act.jurisdiction == vignette["jurisdiction"], vignette["key"]
                assert act.decided <= vignette["as_of"], vignette["key"]
        withdrawn = {key for act in vignette.get("invented_acts", []) for key in act["replaces"]}
        for option in set(vignette.get("absent", [])) & set(acts):
            act = acts[option]
            assert (
                act.jurisdiction != vignette["jurisdiction"]
                or act.decided > vignette["as_of"]
                or not act.act.authorises
                or act.key in withdrawn
            ), (vignette["key"], option)


def test_vignettes_stand_on_both_sides_of_every_date(vignettes: list[dict[str, Any]]) -> None:
    assert len(vignettes) >= 30
    assert len({vignette["key"] for vignette in vignettes}) == len(vignettes)
    assert len({vignette["jurisdiction"] for vignette in vignettes}) >= 4
    acts = {f"approval:{act.key}": act for act in herbtc.load().approvals}
    expected = {(row["option"], v["as_of"]) for v in vignettes for row in v["expected"] if row["match"] == "yes"}
    absent = {(option, v["as_of"]) for v in vignettes for option in v.get("absent", [])}
    for option in {option for option, _ in expected} & set(acts):
        decided = acts[option].decided
        assert (option, decided) in expected, option
        assert (option, decided - timedelta(days=1)) in absent, option
