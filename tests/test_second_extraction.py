"""The shipped figures against the second, independent extraction: every difference is settled on record."""

from __future__ import annotations

import tomllib

import pytest
from extraction import FIRST, SECOND, SETTLED, figures, settled, unsettled

STUDIES = sorted(path.stem for path in FIRST.glob("*.toml"))
WAS = {"omitted by the first reader", "omitted by the second reader", "disagreement"}
DECISIONS = {"added", "kept", "corrected", "left out", "removed"}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_was_extracted_twice(study: str) -> None:
    assert figures(SECOND / f"{study}.toml"), "extract the study a second time, without sight of the first"


@pytest.mark.parametrize("study", STUDIES)
def test_every_difference_is_settled_at_the_source(study: str) -> None:
    open_lines = [line for lines in unsettled(study).values() for line in lines if line not in settled(study)]
    assert open_lines == [], "settle each at its source and record it in second_extraction/settled"


@pytest.mark.parametrize("path", sorted(SETTLED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_settlement_says_what_was_decided_and_why(path: object) -> None:
    records = tomllib.loads((SETTLED / f"{path.stem}.toml").read_text("utf-8"))["settled"]  # type: ignore[attr-defined]
    for record in records:
        assert record["was"] in WAS
        assert record["decision"] in DECISIONS
        assert record["reason"].strip()
    lines = [record["figure"] for record in records]
    assert len(lines) == len(set(lines))
