"""The evidence on ERBB2 variants against the second reading of its sources: every difference is settled on record."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import herbtc
from herbtc import variants

CATALOG = herbtc.load()
READING = tomllib.loads((Path(__file__).parent / "reference" / "variants_second.toml").read_text("utf-8"))
SETTLED = READING["settled"]
WAS = {"omitted by the first reader", "omitted by the second reader", "disagreement"}
DECISIONS = {"added", "kept", "corrected", "left out"}
VALUES = ("events", "n", "percent")

Line = tuple[str, dict[str, Any]]


def counted(variant: str, dataset: str, population: str | None) -> str:
    return f"{variant}: {dataset}, {population or 'all'}"


def told(variant: str, effect: str, drugs: list[str], paper: str) -> str:
    return f"{variant}: {effect}{' ' if drugs else ''}{' + '.join(sorted(drugs))} | {paper}"


def shipped() -> list[Line]:
    papers = {source.key: source.pmid or source.key for source in CATALOG.variant_sources}
    lines: list[Line] = []
    for record in CATALOG.variants:
        for count in record.counts:
            values: dict[str, Any] = {each: getattr(count, each) for each in VALUES}
            lines.append((counted(record.key, count.dataset, count.population), values))
        for each in record.evidence:
            drugs = [drug.casefold() for drug in (*each.agents, *each.other_drugs)]
            values = {"events": each.events, "n": each.n, "studied_in": each.studied_in}
            lines.append((told(record.key, each.effect, drugs, each.report or papers[each.source]), values))
    return lines


def second() -> list[Line]:
    lines: list[Line] = [
        (counted(row["variant"], row["dataset"], row.get("population")), row) for row in READING["second"]["counts"]
    ]
    for row in READING["second"]["evidence"]:
        paper = row.get("pmid") or READING["reports"][row["report"]]["paper"]
        lines.append((told(row["variant"], row["effect"], row.get("drugs", []), paper), row))
    return lines


FIRST, SECOND = shipped(), second()


def agree(one: Line, other: Line) -> bool:
    """Whether two readers tell the same; what one of them left blank is no disagreement."""
    (name, values), (other_name, other_values) = one, other
    where, wheres = values.get("studied_in"), other_values.get("studied_in")
    return (
        name == other_name
        and all(
            values.get(each) == other_values.get(each)
            for each in VALUES
            if values.get(each) is not None and other_values.get(each) is not None
        )
        and (where is None or not wheres or where in wheres)
    )


def settled(**asked: str) -> list[str]:
    return [
        line
        for record in SETTLED
        for line in record["lines"]
        if all(record[key] == value for key, value in asked.items())
    ]


def test_every_shipped_row_was_read_twice_or_is_listed_as_read_once() -> None:
    agreed = {line[0] for line in FIRST if any(agree(line, other) for other in SECOND)}
    differs = {line[0] for line in FIRST if not any(agree(line, other) for other in SECOND)}
    once = set(settled(was="omitted by the second reader")) | set(settled(was="disagreement", decision="kept"))
    assert differs - set(settled()) == set(), "settle each at its source and record it in variants_second.toml"
    assert once - differs == set(), "these agree by now, or are not shipped"
    # What the second reader brought in agrees with the second reading, and was read by one reader all the same.
    assert set(settled(decision="added")) <= agreed


def test_every_row_of_the_second_reading_is_shipped_or_listed_with_a_reason() -> None:
    missing = {line[0] for line in SECOND if not any(agree(other, line) for other in FIRST)}
    assert missing - set(settled()) == set(), "settle each at its source and record it in variants_second.toml"
    assert set(settled(decision="left out")) <= missing, "these are shipped, or were not read"


def test_a_settlement_says_what_was_decided_and_why() -> None:
    for record in SETTLED:
        assert record["was"] in WAS
        assert record["decision"] in DECISIONS
        assert len(record["reason"]) > 20
    assert [line for line, times in Counter(settled()).items() if times > 1] == []
    known = {line for line, _ in (*FIRST, *SECOND)}
    assert set(settled()) <= known


def test_no_number_was_read_differently() -> None:
    numbers: dict[str, dict[str, Any]] = {}
    for name, values in FIRST:
        for each in VALUES:
            if values.get(each) is not None:
                numbers.setdefault(name, {})[each] = values[each]
    compared = 0
    for name, values in SECOND:
        if values.get("said_of") == "group":  # its numbers are of several variants
            continue
        for each in VALUES:
            if values.get(each) is not None and each in numbers.get(name, {}):
                assert numbers[name][each] == values[each], name
                compared += 1
    assert compared > 80


@pytest.mark.parametrize("row", READING["protein"]["regions"], ids=lambda row: row["label"])
def test_regions_are_those_of_the_second_reading(row: dict[str, Any]) -> None:
    held = {(region.start, region.end) for region in CATALOG.protein_regions}
    assert ((row["start"], row["end"]) in held) == (row["label"] not in READING["protein"]["not_shipped"])


def test_the_transmembrane_region_is_counted_from_the_lengths() -> None:
    signal, outside, within, inside = (row["residues"] for row in READING["protein"]["lengths"])
    [region] = [region for region in CATALOG.protein_regions if region.domain == "transmembrane"]
    assert (region.start, region.end) == (signal + outside + 1, signal + outside + within)
    assert signal + outside + within + inside == READING["protein"]["residues"]
    assert variants.name(f"V{READING['protein']['residues']}A").known
