"""The truth tables of HER2 testing: what is in them follows from the clauses, and every clause is named."""

from __future__ import annotations

import csv
import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
