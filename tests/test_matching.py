"""Options for a patient: 65 patients written from labels and eligibility criteria, and what must hold for all."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

import herbtc
from herbtc import her2, matching
from herbtc.models import Approval
from herbtc.terms import Act, Agency, Scope

if TYPE_CHECKING:
    import pandas as pd

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
