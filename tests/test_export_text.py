"""The catalog as JSON and sources as bibliographies: read back equal, whatever stands in them."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import catalogs, sources
from test_roundtrip import digits

import herbtc
from herbtc import Catalog, DataError, UnknownKeyError, export, query
from herbtc.export._tables import SOURCES_OF_FACTS
from herbtc.models import Trial
from herbtc.terms import Design, SourceKind

if TYPE_CHECKING:
    from herbtc.models import Source

# --- JSON -------------------------------------------------------------------------------------------------------------


@given(catalogs())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_catalog_written_as_json_is_read_back_equal(catalog: Catalog) -> None:
    again = export.from_json(export.json(catalog))
    assert again == catalog
    assert digits(again) == digits(catalog)
    assert hash(again) == hash(catalog)


def test_the_shipped_catalog_written_as_json_is_read_back_equal() -> None:
    text = export.json()
    assert export.from_json(text) == herbtc.load()
    assert digits(export.from_json(text.encode("utf-8"))) == digits(herbtc.load())


def test_any_reader_of_json_can_read_it() -> None:
    whole = json.loads(export.json())
    assert whole["licence"] == "CC-BY-4.0"
    assert whole["catalog"]["release"] == herbtc.load().release
    (herb,) = (trial for trial in whole["catalog"]["trials"] if trial["key"] == "herb")
    rate = {"arm": "her2-positive", "endpoint": "orr", "n": 22, "percent": 36.4, "level": 90}
    assert any(rate.items() <= figure.items() for figure in herb["figures"]["proportions"])
    assert "licence" not in json.loads(export.json(Catalog(release="unreleased")))


def test_numbers_keep_the_digits_of_their_source() -> None:
    trial = herbtc.load().trial("topaz-1")
    printed = {str(figure.estimate) for figure in trial.figures.contrasts}
    (written,) = (
        each for each in json.loads(export.json(), parse_float=str)["catalog"]["trials"] if each["key"] == "topaz-1"
    )
    assert {str(figure["estimate"]) for figure in written["figures"]["contrasts"]} == printed
    assert any(number.endswith("0") for number in printed)


BROKEN: list[tuple[str, str, str]] = [
    ("", "", "expected JSON"),
    ("{", "", "expected JSON"),
    ('{"catalog": NaN}', "", "NaN is no number"),
    ('{"catalog": {"release": "x", "release": "y"}}', "", "each key of a table once"),
    ("[" * 100_000, "", "expected JSON"),
    ('{"catalog": {"release": ' + "1" * 5_000 + "}}", "", "expected JSON"),
    ("[]", "", "expected a table"),
    ("{}", "catalog", "the key is missing"),
    ('{"catalog": {"release": 1}}', "catalog.release", "expected text"),
    ('{"catalog": {"release": "x", "trials": {}}}', "catalog.trials", "expected a list"),
    ('{"catalog": {"release": "x"}, "more": 1}', "more", "unknown key"),
    (
        '{"catalog": {"release": "x", "trials": [{"key": "a", "name": "A", "design": "basket", "reviewed": "soon"}]}}',
        "catalog.trials[0].reviewed",
        'a date such as "2023-06-02"',
    ),
    (
        '{"catalog": {"release": "x", "trials": [{"key": "a", "name": "A", "design": "basket", "overlaps": ["b"]}]}}',
        "overlaps[0]",
        "expected the key of another study",
    ),
    (
        '{"catalog": {"release": "x", "trials": ['
        + ", ".join(['{"key": "a", "name": "A", "design": "basket"}'] * 2)
        + "]}}",
        "catalog.trials[1].key",
        "each key once",
    ),
]


@pytest.mark.parametrize(("text", "path", "message"), BROKEN, ids=range(len(BROKEN)))
def test_json_that_is_no_catalog_is_refused_with_its_place(text: str, path: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        export.from_json(text)
    assert [path] == [problem.path for problem in caught.value.problems]
    assert message in caught.value.problems[0].message


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DataError, match="expected JSON"):
        export.from_json(b"\xff\xfe{\x80")


def test_mutated_json_is_a_catalog_or_a_data_error_and_takes_no_longer() -> None:
    """Three hundred mutations of one study with all that it refers to."""
    whole = herbtc.load()
    small = Catalog(
        release="x",
        mechanisms=whole.mechanisms,
        agents=whole.agents,
        agent_sources=whole.agent_sources,
        definitions=whole.definitions,
        definition_sources=whole.definition_sources,
        trials=(whole.trial("herb"),),
    )
    text = export.json(small)
    pieces = [
        "{",
        "}",
        "[",
        "]",
        '"',
        ",",
        "null",
        "1e999",
        "-0",
        '"\\ud800"',
        "true",
        "9" * 400,
        "\x00",
        "",
        "{}" * 50,
    ]
    begun, refused = time.perf_counter(), 0
    for i in range(300):
        chance = Random(i)  # noqa: S311
        first = chance.randrange(len(text))
        mutant = text[:first] + chance.choice(pieces) + text[first + chance.randrange(60) :]
        try:
            export.from_json(mutant)
        except DataError:
            refused += 1
    assert refused > 200
    assert time.perf_counter() - begun < 60


# --- which sources ----------------------------------------------------------------------------------------------------


def keys_of(text: str) -> list[str]:
    return [entry["id"] for entry in json.loads(text)]


def test_a_bibliography_has_exactly_the_sources_of_the_rows() -> None:
    rates = query.proportions(reports="all", suspect="include")
    expected = {f"{trial}:{source}" for trial, source in zip(rates["trial"], rates["source"], strict=True)}
    got = keys_of(export.bibliography(rates, format="csl-json"))
    assert set(got) == expected
    assert len(got) == len(expected)
    assert keys_of(export.bibliography(rates[:0], format="csl-json")) == []


@pytest.mark.parametrize("kind", sorted(SOURCES_OF_FACTS))
def test_facts_have_the_sources_of_their_own_kind(kind: str) -> None:
    frame = getattr(query, kind)()
    known = {source.key: source for source in getattr(herbtc.load(), SOURCES_OF_FACTS[kind])}
    entries = json.loads(export.bibliography(frame, format="csl-json"))
    assert {entry["id"].partition(":")[2] for entry in entries} == set(frame["source"].dropna())
    for entry in entries:
        assert entry["title"] == known[entry["id"].partition(":")[2]].title


def test_two_reports_of_one_key_are_not_mixed_up() -> None:
    """fda-2024 is one notice among the sources of approvals and another among those of agents."""
    titles = {
        entry["id"]: entry["title"]
        for frame in (query.approvals(), query.agents())
        for entry in json.loads(export.bibliography(frame, format="csl-json"))
    }
    assert "deruxtecan" in titles["approvals:fda-2024"]
    assert "zanidatamab" in titles["agents:fda-2024"]
    with pytest.raises(DataError, match="expected a title beside the key 'fda-2024'"):
        export.bibliography(pd.DataFrame({"source": ["fda-2024"]}))


def test_an_approval_was_not_read_where_its_pivotal_study_was() -> None:
    acts = query.approvals(agent="zanidatamab")
    assert acts["trial"].notna().any()
    assert all(key.startswith("approvals:") for key in keys_of(export.bibliography(acts, format="csl-json")))


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="column with the keys of sources"):
        export.bibliography(query.trials())
    with pytest.raises(UnknownKeyError, match="unknown source"):
        export.bibliography(pd.DataFrame({"trial": ["herb"], "source": ["nobody-1900"]}))
    with pytest.raises(UnknownKeyError, match="unknown source"):
        export.bibliography(pd.DataFrame({"source": ["nobody-1900"]}))
    with pytest.raises(UnknownKeyError, match="bibtex"):
        export.bibliography(query.proportions(), format="bibtec")  # type: ignore[arg-type]


# --- read back --------------------------------------------------------------------------------------------------------

COMMANDS = {
    "textbackslash": "\\",
    "textbraceleft": "{",
    "textbraceright": "}",
    "textasciitilde": "~",
    "textasciicircum": "^",
}


def from_latex(text: str) -> str:
    """What LaTeX would print; nothing of it may stand there unescaped."""
    parts = re.split(r"(\\[a-z]+\{\}|\\[$&#%_])", text)
    assert not re.search(r"[\\{}$&#%_~^]", "".join(parts[::2])), text
    return "".join(COMMANDS.get(part[1:-2], part[-1]) if part.startswith("\\") else part for part in parts)


def line(text: str | None) -> str:
    return " ".join((text or "").split())


def of_trial(found: tuple[Source, ...]) -> tuple[pd.DataFrame, Catalog]:
    trial = Trial(key="x-1", name="X", design=Design.BASKET, sources=found)
    frame = pd.DataFrame({"trial": "x-1", "source": [source.key for source in found]})
    return frame, Catalog(release="unreleased", trials=(trial,))


def check_bibtex(text: str, expected: dict[str, Source]) -> None:
    library = parse_string(text)
    assert library.failed_blocks == []
    assert [entry.key for entry in library.entries] == list(expected)
    for entry, source in zip(library.entries, expected.values(), strict=True):
        fields = {field.key: field.value for field in entry.fields}
        title = fields["title"]
        assert (title[0], title[-1]) == ("{", "}")
        assert from_latex(title[1:-1]) == line(source.title)
        assert fields.get("doi") == source.doi
        assert fields.get("pmid") == source.pmid
        assert fields.get("url", "") == source.link
        venue = next(
            (fields[name] for name in ("journal", "booktitle", "howpublished", "institution") if name in fields), ""
        )
        if source.kind is not SourceKind.UNPUBLISHED:
            assert from_latex(venue) == line(source.venue)
        if source.via:
            assert from_latex(fields["note"]).endswith(f"As quoted in {source.via}")
        author = fields.get("author", "")
        plain = (
            author[1:-1] if author.startswith("{") else author.replace(", ", " ").replace(". ", "").removesuffix(".")
        )
        assert from_latex(plain) == line(source.first_author)


def check_ris(text: str, expected: dict[str, Source]) -> None:
    entries = rispy.loads(text)
    assert [entry["id"] for entry in entries] == list(expected)
    for entry, source in zip(entries, expected.values(), strict=True):
        assert entry["title"] == line(source.title)
        assert entry.get("secondary_title", "") == line(source.venue)
        assert entry.get("doi") == source.doi
        assert entry.get("accession_number") == source.pmid
        # rispy divides an address at its semicolons, where RIS lets several addresses meet.
        assert ";".join(entry.get("urls", [])) == source.link
        (author,) = entry.get("authors", [""])
        assert re.sub(r"[., ]", "", author) == re.sub(r"[., ]", "", line(source.first_author))


def check_csl(text: str, expected: dict[str, Source]) -> None:
    entries = json.loads(text)
    assert [entry["id"] for entry in entries] == list(expected)
    for entry, source in zip(entries, expected.values(), strict=True):
        assert entry["title"] == line(source.title)
        assert (entry.get("DOI"), entry.get("PMID")) == (source.doi, source.pmid)
        years = [source.published.year] if source.published else [source.year] if source.year else []
        assert [entry["issued"]["date-parts"][0][0] for _ in years] == years
        assert ("issued" in entry) is bool(years)


CHECKS = {"bibtex": check_bibtex, "ris": check_ris, "csl-json": check_csl}
each_format = pytest.mark.parametrize(("name", "check"), CHECKS.items(), ids=CHECKS)


@each_format
def test_every_source_of_the_shipped_evidence_passes(name: Any, check: Any) -> None:
    for trial in herbtc.load().trials:
        frame = pd.DataFrame({"trial": trial.key, "source": [source.key for source in trial.sources]})
        check(
            export.bibliography(frame, format=name), {f"{trial.key}:{source.key}": source for source in trial.sources}
        )
    for owner, column in OWNERS.items():
        found = getattr(herbtc.load(), SOURCES_OF_FACTS[owner])
        frame = pd.DataFrame({column: "x", "source": [source.key for source in found]})
        check(export.bibliography(frame, format=name), {f"{owner}:{source.key}": source for source in found})


OWNERS = {
    "agents": "agent",
    "definitions": "definition",
    "approvals": "approval",
    "guidelines": "guideline",
    "prevalence": "cohort",
}
"""Kinds of facts with sources of their own, and the column by which a frame of them is known."""


def test_all_sources_at_once_have_keys_of_their_own() -> None:
    frame = query.sources()
    for text, pattern in (
        (export.bibliography(frame), r"^@\w+\{(.*),$"),
        (export.bibliography(frame, format="ris"), r"^ID  - (.*)$"),
    ):
        found = re.findall(pattern, text, re.MULTILINE)
        assert len(found) == len(frame)
        assert Counter(found).most_common(1)[0][1] == 1


nasty = st.text(st.sampled_from("\\{}$&#%_~^@\"',=\n\r\t-  AbTYER1\u2028\x85é胆"), min_size=1, max_size=40).filter(
    lambda text: text == text.strip()
)


@each_format
@given(found=st.lists(sources(), min_size=1, max_size=3, unique_by=lambda source: source.key), titles=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_in_a_source_is_read_back(
    name: Any, check: Any, found: list[Source], titles: st.DataObject
) -> None:
    nastier = tuple(
        attrs.evolve(source, title=titles.draw(nasty), venue=titles.draw(st.none() | nasty)) for source in found
    )
    frame, catalog = of_trial(nastier)
    text = export.bibliography(frame, format=name, catalog=catalog)
    check(text, {f"x-1:{source.key}": source for source in nastier})


def test_latex_and_addresses_are_each_spelt_in_their_own_way() -> None:
    title = r"50% of A_B & C {D} #1 ~ $x^2$ \end"
    source = herbtc.models.Source(
        key="a-2020",
        kind=SourceKind.JOURNAL,
        title=title,
        year=2020,
        first_author="Abou-Alfa GK",
        doi="10.1200/JCO.2020.38.15_suppl.e1",
        url="https://a.org/{x}",
    )
    text = export.bibliography(of_trial((source,))[0], catalog=of_trial((source,))[1])
    assert (
        r"50\% of A\_B \& C \textbraceleft{}D\textbraceright{} \#1 \textasciitilde{} \$x\textasciicircum{}2\$" in text
    )
    assert "doi = {10.1200/JCO.2020.38.15_suppl.e1}" in text
    assert "author = {Abou-Alfa, G. K.}" in text
    own = herbtc.models.Source(key="b-2020", kind=SourceKind.REGISTRY, title="T", url="https://a.org/{x}%20")
    assert "url = {https://a.org/%7Bx%7D%20}" in export.bibliography(of_trial((own,))[0], catalog=of_trial((own,))[1])
