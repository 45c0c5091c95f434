"""JSON Schema of the data files: what is shipped passes, and every fault that a schema can tell is refused."""

from __future__ import annotations

import copy
import json
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from test_structure import AGENTS, DEFINITIONS, STUDY

import herbtc
from herbtc import UnknownKeyError, _files, _structure, schema, terms
from herbtc.models import FIGURE_KINDS, Trial

SHIPPED = Path(herbtc.__file__).parent / "data"
FILES = sorted(path for path in SHIPPED.rglob("*.toml"))

CORRECTIONS = """
[[corrections]]
trial = "herizon-btc-01"
section = "proportions"
arm = "cohort-1"
source = "harding-2023"
field = "events"
printed = 33
corrected = 34
reason = "Letter of the authors"
by = "A. Curator"
on = 2026-01-10
"""


def as_json(value: Any) -> Any:
    """Return a document of TOML as editors show it to a schema: dates as text."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def kind_of(path: Path) -> str:
    return "study" if path.parent.name == "trials" else path.stem


VALIDATORS = {kind: Draft202012Validator(schema.of(kind), format_checker=FormatChecker()) for kind in schema.KINDS}


def faults(kind: str, document: Any) -> list[str]:
    """Return the places of what a schema refuses, in the innermost alternative that it tries."""
    return sorted(".".join(map(str, error.absolute_path)) for error in VALIDATORS[kind].iter_errors(document))


# --- what is sound ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", schema.KINDS)
def test_each_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(schema.of(kind))
    assert json.loads(schema.text(kind)) == schema.of(kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_shipped_passes(path: Path) -> None:
    assert faults(kind_of(path), as_json(tomllib.loads(path.read_text("utf-8")))) == []


def test_files_of_tests_pass() -> None:
    for kind, text in (
        ("study", STUDY),
        ("agents", AGENTS),
        ("definitions", DEFINITIONS),
        ("corrections", CORRECTIONS),
    ):
        assert faults(kind, as_json(tomllib.loads(text))) == []


def test_there_is_one_for_every_file() -> None:
    assert list(schema.KINDS) == ["study", *(name.removesuffix(".toml") for name in _files.FILES)]


def test_a_schema_of_nothing_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownKeyError, match="did you mean 'study'"):
        schema.of("studys")


def test_all_are_written_into_a_folder(tmp_path: Path) -> None:
    paths = schema.write(tmp_path / "new" / "schema")
    assert [path.name for path in paths] == [f"{kind}.schema.json" for kind in schema.KINDS]
    assert all(json.loads(path.read_text("utf-8"))["$schema"].endswith("2020-12/schema") for path in paths)


# --- what is broken ---------------------------------------------------------------------------------------------------

FIGURE = "figures.proportions.0"
IN_STUDY: list[tuple[str, Any, str]] = [
    ("key", "New Study", "key"),
    ("name", "", "name"),
    ("name", " x", "name"),
    ("name", 3, "name"),
    ("design", "cohort", "design"),
    ("phase", 2, "phase"),
    ("planned_n", -1, "planned_n"),
    ("planned_n", "80", "planned_n"),
    ("planned_n", 10**8, "planned_n"),
    ("start", "2024-13", "start"),
    ("countries", "US", "countries"),
    ("reviewed", "2026-02-30", "reviewed"),
    ("unheard", 1, ""),
    ("sources.0.pmid", "PMID 1", "sources.0.pmid"),
    ("sources.0.kind", "paper", "sources.0.kind"),
    ("sources.0.year", 1900, "sources.0.year"),
    ("sources.0.cutoffs", ["2022-10-10", "2022-10-10"], "sources.0.cutoffs"),
    ("sources.1.doi", "doi:10.1000/2", "sources.1.doi"),
    ("arms.0.agents", [], "arms.0.agents"),
    ("arms.0.agents", ["drug", "drug"], "arms.0.agents"),
    ("arms.0.her2_selected", "yes", "arms.0.her2_selected"),
    ("arms.0.sites", ["liver"], "arms.0.sites.0"),
    ("arms.0.populations.0.strata", ["ihc-4+"], "arms.0.populations.0.strata.0"),
    ("arms.0.hypothesis.alpha_sides", 3, "arms.0.hypothesis.alpha_sides"),
    (f"{FIGURE}.endpoint", "os", f"{FIGURE}.endpoint"),
    ("figures.durations.0.endpoint", "orr", "figures.durations.0.endpoint"),
    (f"{FIGURE}.events", 9.5, f"{FIGURE}.events"),
    (f"{FIGURE}.percent", 101, f"{FIGURE}.percent"),
    (f"{FIGURE}.level", 100, f"{FIGURE}.level"),
    (f"{FIGURE}.level", 49, f"{FIGURE}.level"),
    (f"{FIGURE}.corrected", "x", FIGURE),
    ("figures.durations.0.high", "never", "figures.durations.0.high"),
    ("figures.durations.0.median", 10**6, "figures.durations.0.median"),
    ("figures.contrasts.0.estimate", 0, "figures.contrasts.0.estimate"),
    ("figures.contrasts.0.p_sides", 3, "figures.contrasts.0.p_sides"),
    ("figures.adverse_events.0.term", "Nausea", "figures.adverse_events.0.term"),
    ("figures.rates", [], "figures"),
]


def put(document: Any, path: str, value: Any) -> Any:
    """Return a document with a value at a path; None takes what is there away."""
    made = copy.deepcopy(document)
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inside = made
    for part in outer:
        inside = inside[part]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return made


@pytest.mark.parametrize(("path", "value", "where"), IN_STUDY)
def test_a_broken_value_is_refused_at_its_place(path: str, value: Any, where: str) -> None:
    assert faults("study", put(as_json(tomllib.loads(STUDY)), path, value)) == [where]


REQUIRED = [
    *("key", "name", "design", "sources.0.key", "sources.0.kind", "sources.0.title", "arms.0.label", "arms.0.agents"),
    *("arms.0.her2_selected", "arms.0.btc_only", "arms.0.testing.source", f"{FIGURE}.source", f"{FIGURE}.locator"),
    *("figures.landmarks.0.at", "figures.contrasts.0.role", "figures.baseline.0.item", "figures.durations.0.median"),
]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_key_is_refused_in_its_table(path: str) -> None:
    assert faults("study", put(as_json(tomllib.loads(STUDY)), path, None)) == [path.rpartition(".")[0]]


@pytest.mark.parametrize(
    ("section", "without"),
    [
        ("proportions", ["events", "percent"]),  # a share of neither
        ("proportions", ["low", "high"]),  # a level of no interval
        ("contrasts", ["p"]),  # sides of no test
        ("baseline", ["median", "low", "high", "interval"]),  # nothing at all
    ],
)
def test_fields_that_belong_together_are_asked_for_together(section: str, without: list[str]) -> None:
    document = as_json(tomllib.loads(STUDY))
    for name in without:
        document = put(document, f"figures.{section}.0.{name}", None)
    assert faults("study", document) == [f"figures.{section}.0"]


@pytest.mark.parametrize(
    ("kind", "text", "path", "value"),
    [
        ("agents", AGENTS, "agents.0.mechanism", "antibody"),
        ("agents", AGENTS, "agents.0.conjugate.ratios.0.value", 101),
        ("definitions", DEFINITIONS, "definitions.0.any_of", []),
        ("definitions", DEFINITIONS, "definitions.0.any_of.0", {}),
        ("definitions", DEFINITIONS, "definitions.0.any_of.0.ihc.0", "4+"),
        ("corrections", CORRECTIONS, "corrections.0.section", "rates"),
        ("corrections", CORRECTIONS, "corrections.0.field", "corrected"),
        ("corrections", CORRECTIONS, "corrections.0.on", "10 January"),
    ],
)
def test_broken_files_beside_the_studies_are_refused(kind: str, text: str, path: str, value: Any) -> None:
    [place] = faults(kind, put(as_json(tomllib.loads(text)), path, value))
    assert path.startswith(place)
    assert place


@pytest.mark.parametrize(("path", "value", "where"), IN_STUDY)
def test_what_the_schema_refuses_the_reader_refuses_too(path: str, value: Any, where: str) -> None:
    document = put(tomllib.loads(STUDY, parse_float=Decimal), path, value)
    made, problems = _structure.structure(document, Trial, "study.toml")
    assert made is None
    assert any(problem.path.replace("[", ".").replace("]", "").startswith(where) for problem in problems)


# --- nothing typed by hand --------------------------------------------------------------------------------------------


def test_words_stand_in_the_order_of_their_vocabularies() -> None:
    study = schema.of("study")
    assert study["properties"]["design"]["enum"] == list(terms.Design)
    assert study["$defs"]["Arm"]["properties"]["line"]["enum"] == list(terms.Line)
    assert study["$defs"]["Population"]["properties"]["strata"]["items"]["enum"] == list(terms.Stratum)


def test_fields_say_what_they_are() -> None:
    study = schema.of("study")
    assert study["$defs"]["Proportion"]["properties"]["locator"]["description"] == "place in the source"
    assert study["$defs"]["Duration"]["description"].startswith("A median time with its interval")
    assert list(study["$defs"]["Figures"]["properties"]) == list(FIGURE_KINDS)
