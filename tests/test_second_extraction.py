"""The shipped figures against the second, independent extraction: every difference is settled on record."""

from __future__ import annotations

import tomllib

import pytest
from extraction import FIRST, SECOND, SETTLED, figures, settled, unsettled

# What is registered without results has nothing to be extracted twice.
STUDIES = sorted(path.stem for path in FIRST.glob("*.toml") if figures(path))
# Not extracted a second time so far; the pages show their figures as open, and this list may only shrink.
ONCE = {
    "abc-02-bt22",
    "choi-2021",
    "claridhy",
    "fight-202",
    "foenix-cca2",
    "keynote-966",
    "nal-iri-pooled",
    "naliricc",
    "picca",
    "roar",
    "swog-s1815",
    "vecti-bil",
}
# Extracted twice, with figures since added by one reader.
GROWN = {"abc-06", "destiny-pantumor02", "herizon-btc-01"}
WAS = {"omitted by the first reader", "omitted by the second reader", "disagreement"}
DECISIONS = {"added", "kept", "corrected", "left out", "removed"}


@pytest.mark.parametrize("study", sorted(set(STUDIES) - ONCE))
def test_a_study_was_extracted_twice(study: str) -> None:
    assert figures(SECOND / f"{study}.toml"), "extract the study a second time, without sight of the first"


def open_figures(study: str) -> list[str]:
    return [line for lines in unsettled(study).values() for line in lines if line not in settled(study)]


def test_what_was_read_once_is_listed_and_nothing_else() -> None:
    assert {study for study in STUDIES if not (SECOND / f"{study}.toml").exists()} == ONCE
    assert {study for study in set(STUDIES) - ONCE if open_figures(study)} == GROWN


@pytest.mark.parametrize("study", sorted(set(STUDIES) - ONCE - GROWN))
def test_every_difference_is_settled_at_the_source(study: str) -> None:
    assert open_figures(study) == [], "settle each at its source and record it in second_extraction/settled"


@pytest.mark.parametrize("path", sorted(SETTLED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_settlement_says_what_was_decided_and_why(path: object) -> None:
    records = tomllib.loads((SETTLED / f"{path.stem}.toml").read_text("utf-8"))["settled"]  # type: ignore[attr-defined]
    for record in records:
        assert record["was"] in WAS
        assert record["decision"] in DECISIONS
        assert record["reason"].strip()
    lines = [record["figure"] for record in records]
    assert len(lines) == len(set(lines))
