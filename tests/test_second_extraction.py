"""The shipped figures against the second, independent extraction: every difference is settled on record."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from extraction import FIRST, SECOND, SETTLED, figures, name, settled, unsettled

if TYPE_CHECKING:
    from pathlib import Path

# What is registered without results has nothing to be extracted twice.
STUDIES = sorted(path.stem for path in FIRST.glob("*.toml") if figures(path))
# Not extracted a second time; the pages would show their figures as open.
ONCE: set[str] = set()
# Extracted twice, with figures since added by one reader.
GROWN: set[str] = set()
# One page rounds what another prints with its digit.
OTHERWISE = {
    "landmarks: btc os 12 | percent=56.4 | source=subbiah-2020",
    "landmarks: btc os 24 | percent=35.8 | source=subbiah-2020",
    "landmarks: btc os 1 | percent=56 unit=years | source=subbiah-2020",
    "landmarks: btc os 2 | percent=35 unit=years | source=subbiah-2020",
}
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
def test_a_settlement_says_what_was_decided_and_why(path: Path) -> None:
    records = tomllib.loads(path.read_text("utf-8"))["settled"]
    for record in records:
        assert record["was"] in WAS
        assert record["decision"] in DECISIONS
        assert record["reason"].strip()
    lines = [record["figure"] for record in records]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("path", sorted(SETTLED.glob("*.toml")), ids=lambda path: path.stem)
def test_readers_disagreed_on_words_and_not_on_numbers(path: Path) -> None:
    records = tomllib.loads(path.read_text("utf-8"))["settled"]
    printed = Counter(numbers(name(*figure)) for reader in (FIRST, SECOND) for figure in figures(reader / path.name))
    for record in records:
        if record["was"] == "disagreement":
            sides = record["figure"].split(" <> ")
            both = numbers(sides[0]) == numbers(sides[1]) if len(sides) > 1 else printed[numbers(sides[0])] > 1
            assert both or record["figure"] in OTHERWISE, record["figure"]


def numbers(line: str) -> str:
    """Return what a line prints that was counted or measured, without level, n and sides, which one may leave out."""
    said = line.split(" | ")[1].split()
    return " ".join(each for each in said if each.split("=")[0] in {"events", "percent", "median", "estimate"})
