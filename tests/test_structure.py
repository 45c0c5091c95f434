"""Bad files are refused, with every fault and its place; nothing is coerced, skipped or half loaded."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import herbtc
from herbtc import Catalog, DataError, HerbtcError, UnknownKeyError, her2, models, terms
from herbtc.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

AGENTS = """
[[sources]]
key = "label-2024"
kind = "label"
title = "Label"
url = "https://example.org/label"

[[mechanisms]]
key = "antibody-drug-conjugate"
name = "Antibody-drug conjugate"
action = "Carries a payload"
source = "label-2024"

[[agents]]
key = "drug"
name = "Drug"
mechanism = "antibody-drug-conjugate"
targets = [{ molecule = "HER2", source = "label-2024" }]
identifiers = [{ system = "unii", code = "X", source = "label-2024" }]
source = "label-2024"

[agents.conjugate]
antibody = "antibody"
payload = "payload"
cleavable = true
ratios = [{ value = 7.8, source = "label-2024", locator = "Table 1" }]
source = "label-2024"
"""

DEFINITIONS = """
[[sources]]
key = "paper-2023"
kind = "journal"
title = "Paper"
pmid = "1"

[[definitions]]
key = "positive"
name = "Positive"
words = "IHC 3+"
group = "her2-positive"
any_of = [{ ihc = ["3+"], ish_ratio_min = 2.0 }]
source = "paper-2023"
locator = "Methods"
"""

STUDY = """
key = "study"
name = "Study"
registry_ids = ["NCT00000001"]
phase = "2"
design = "randomised"
planned_n = 80
countries = ["US"]
overlaps = []
reviewed = 2026-01-31

[[sources]]
key = "paper-2023"
kind = "journal"
title = "Paper"
year = 2023
published = 2023-06-02
pmid = "1"
cutoffs = [2022-10-10]
followup_months = 12.4

[[sources]]
key = "update-2024"
kind = "journal"
title = "Update"
doi = "10.1000/2"
cutoffs = [2023-01-01, 2024-01-01]

[[arms]]
key = "one"
label = "One"
n = 40
agents = ["drug"]
sites = ["gallbladder"]
definition = "positive"
her2_selected = true
btc_only = true
parts = ["two"]
overlaps = ["two"]
populations = [{ strata = ["ihc-3+", "female"], n = 20 }]

[arms.testing]
laboratory = "central"
source = "paper-2023"
locator = "Methods"

[arms.hypothesis]
endpoint = "orr"
p0 = 10
alpha_sides = 1
primary = true
source = "paper-2023"
locator = "Methods"

[[arms]]
key = "two"
label = "Two"
agents = ["drug"]
her2_selected = true
btc_only = true

[figures]
proportions = [
  { arm = "one", population = "ihc-3+ & female", endpoint = "orr", confirmed = true, events = 9, n = 20, percent = 45.0, low = 23.1, high = 68.5, level = 95, source = "paper-2023", locator = "Table 2" },
]
durations = [
  { arm = "one", endpoint = "os", median = 11.0, low = 8.1, high = "not-reached", level = 95, source = "paper-2023", locator = "Table 3" },
]
landmarks = [
  { arm = "one", endpoint = "os", at = 12, percent = 51.2, source = "paper-2023", locator = "Table 4" },
]
contrasts = [
  { arm = "two", reference_arm = "one", reference_population = "ihc-3+ & female", endpoint = "pfs", kind = "hr", role = "treatment", estimate = 0.80, low = 0.61, high = 1.05, p = "<0.1", p_sides = 2, source = "update-2024", cutoff = 2024-01-01, locator = "Table 5" },
]
baseline = [
  { arm = "one", item = "age-years", median = 64, low = 58, high = 70, interval = "iqr", source = "paper-2023", locator = "Table 1" },
]
adverse_events = [
  { arm = "one", term = "diarrhoea", grade = "3-4", attribution = "treatment-related", related_to = "drug", serious = false, events = 4, n = 40, source = "paper-2023", locator = "Table 6" },
]
"""  # noqa: E501  (an inline table is one line)

FILES = {"agents.toml": AGENTS, "definitions.toml": DEFINITIONS, "trials/study.toml": STUDY}
BESIDE = (
    "agents.toml, definitions.toml, approvals.toml, guidelines.toml, prevalence.toml, variants.toml, corrections.toml"
)
IN_STUDY, IN_AGENTS, IN_DEFINITIONS = "trials/study.toml", "agents.toml", "definitions.toml"

MISSING = "expected a value; the key is missing"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def error_of(folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        herbtc.read(folder)
    return caught.value


def problems(folder: Path) -> list[tuple[str, str, str]]:
    return [(problem.file, problem.path, problem.message) for problem in error_of(folder).problems]


def changed(file: str, *replacements: tuple[str, str]) -> dict[str, str | bytes]:
    """The sound folder with some text of one file replaced, at its first occurrence."""
    text = FILES[file]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return {**FILES, file: text}


def faults(folder: Path, file: str, *replacements: tuple[str, str]) -> list[tuple[str, str]]:
    """Path and message of each problem of one changed file, after a check that no other file is named."""
    found = problems(write(folder, changed(file, *replacements)))
    assert {name for name, _, _ in found} == {file}
    return [(path, message) for _, path, message in found]


def one_of(vocabulary: type[StrEnum], got: str) -> str:
    return f"expected one of {' '.join(vocabulary)}, got {got}"


def unknown(record: type) -> str:
    return f"unknown key; expected one of {', '.join(models.fields_in_files(record))}"


def no_key_of(what: str, *there: str) -> str:
    return f"expected the key of {what}, got 'nobody'; there are: {', '.join(there) or 'none'}"


def test_the_sound_folder_that_the_cases_below_spoil_reads(tmp_path: Path) -> None:
    assert herbtc.read(write(tmp_path, dict(FILES))).trial("study").figures.proportions[0].events == 9


# --- one fault --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "path", "record"),
    [
        (IN_STUDY, 'key = "study"', "", models.Trial),
        (IN_STUDY, 'kind = "journal"', "sources[0].", models.Source),
        (IN_STUDY, 'label = "Two"', "arms[1].", models.Arm),
        (IN_STUDY, 'strata = ["ihc-3+", "female"],', "arms[0].populations[0].", models.Population),
        (IN_STUDY, 'laboratory = "central"', "arms[0].testing.", models.Testing),
        (IN_STUDY, "alpha_sides = 1", "arms[0].hypothesis.", models.Hypothesis),
        (IN_STUDY, "[figures]", "figures.", models.Figures),
        (IN_STUDY, "events = 9,", "figures.proportions[0].", models.Proportion),
        (IN_STUDY, "median = 11.0,", "figures.durations[0].", models.Duration),
        (IN_STUDY, "at = 12,", "figures.landmarks[0].", models.Landmark),
        (IN_STUDY, "estimate = 0.80,", "figures.contrasts[0].", models.Contrast),
        (IN_STUDY, "median = 64,", "figures.baseline[0].", models.Baseline),
        (IN_STUDY, "serious = false,", "figures.adverse_events[0].", models.AdverseEvent),
        (IN_AGENTS, 'action = "Carries a payload"', "mechanisms[0].", models.Mechanism),
        (IN_AGENTS, 'name = "Drug"', "agents[0].", models.Agent),
        (IN_AGENTS, 'molecule = "HER2",', "agents[0].targets[0].", models.Target),
        (IN_AGENTS, 'system = "unii",', "agents[0].identifiers[0].", models.Identifier),
        (IN_AGENTS, "cleavable = true", "agents[0].conjugate.", models.Conjugate),
        (IN_AGENTS, "value = 7.8,", "agents[0].conjugate.ratios[0].", models.DrugAntibodyRatio),
        (IN_DEFINITIONS, 'words = "IHC 3+"', "definitions[0].", her2.Definition),
        (IN_DEFINITIONS, 'ihc = ["3+"],', "definitions[0].any_of[0].", her2.Clause),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_keys_that_exist(
    tmp_path: Path, file: str, before: str, path: str, record: type
) -> None:
    after = " colour = 1," if before.endswith(",") else "\ncolour = 1"
    assert faults(tmp_path, file, (before, before + after)) == [(f"{path}colour", unknown(record))]


def test_an_unknown_section_of_a_file_is_named(tmp_path: Path) -> None:
    found = faults(tmp_path, IN_AGENTS, ("[[mechanisms]]", "[[drugs]]\nkey = 1\n[[mechanisms]]"))
    assert found == [("drugs", "unknown key; expected one of sources, mechanisms, agents")]


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("events = 9", "events = 3.7", "figures.proportions[0].events", "expected a whole number, got 3.7"),
        ("events = 9", "events = 9.0", "figures.proportions[0].events", "expected a whole number, got 9.0"),
        ("events = 9", 'events = "9"', "figures.proportions[0].events", "expected a whole number, got '9'"),
        ("events = 9", "events = true", "figures.proportions[0].events", "expected a whole number, got True"),
        ("percent = 45.0", "percent = true", "figures.proportions[0].percent", "expected a number, got True"),
        ("percent = 45.0", 'percent = "45.0"', "figures.proportions[0].percent", "expected a number, got '45.0'"),
        (
            "percent = 45.0",
            "percent = [45.0]",
            "figures.proportions[0].percent",
            "expected a number, got [Decimal('45.0')]",
        ),
        (
            "confirmed = true",
            'confirmed = "false"',
            "figures.proportions[0].confirmed",
            "expected true or false, got 'false'",
        ),
        ("confirmed = true", "confirmed = 1", "figures.proportions[0].confirmed", "expected true or false, got 1"),
        ('locator = "Table 2"', "locator = 2", "figures.proportions[0].locator", "expected text, got 2"),
        (
            'locator = "Table 2"',
            "locator = 2023-01-01",
            "figures.proportions[0].locator",
            "expected text, got 2023-01-01",
        ),
        ('name = "Study"', "name = true", "name", "expected text, got True"),
        ('countries = ["US"]', 'countries = "US"', "countries", "expected a list, got 'US'"),
        ('sites = ["gallbladder"]', 'sites = "gallbladder"', "arms[0].sites", "expected a list, got 'gallbladder'"),
        ('registry_ids = ["NCT00000001"]', "registry_ids = [1]", "registry_ids[0]", "expected text, got 1"),
        (
            'registry_ids = ["NCT00000001"]',
            'registry_ids = ["a", ["b"]]',
            "registry_ids[1]",
            "expected text, got ['b']",
        ),
        ("populations = [{", 'populations = ["abc", {', "arms[0].populations[0]", "expected a table, got 'abc'"),
        ("populations = [{", "populations = [[], {", "arms[0].populations[0]", "expected a table, got []"),
        ("[arms.testing]", "[[arms.testing]]", "arms[0].testing", "expected a table, got "),
        (
            "reviewed = 2026-01-31",
            "reviewed = 2026-01-31T10:00:00",
            "reviewed",
            "expected a date such as 2023-06-02, without quotes, got 2026-01-31 10:00:00",
        ),
        (
            "reviewed = 2026-01-31",
            'reviewed = "2026-01-31"',
            "reviewed",
            "expected a date such as 2023-06-02, without quotes, got '2026-01-31'",
        ),
        (
            "reviewed = 2026-01-31",
            "reviewed = 2026",
            "reviewed",
            "expected a date such as 2023-06-02, without quotes, got 2026",
        ),
        (
            'high = "not-reached"',
            'high = "NR"',
            "figures.durations[0].high",
            "expected a number or one of not-reached not-estimable, got 'NR'",
        ),
        ('high = "not-reached"', "high = true", "figures.durations[0].high", "expected a number, got True"),
        ('p = "<0.1"', "p = true", "figures.contrasts[0].p", "expected a number, got True"),
        (
            'p = "<0.1"',
            'p = "n.s."',
            "figures.contrasts[0].p",
            "expected a number from 0 to 1, or one with its sign such as '<0.001', got 'n.s.'",
        ),
    ],
)
def test_a_value_of_another_type_is_refused_and_never_coerced(
    tmp_path: Path, old: str, new: str, path: str, message: str
) -> None:
    [(where, said)] = faults(tmp_path, IN_STUDY, (old, new))
    assert where == path
    assert said == message or (message.endswith("got ") and said.startswith(message))


@pytest.mark.parametrize("text", ["", " ", " Study", "Study\\n", "\\u00a0"])
def test_text_that_is_empty_or_padded_is_refused(tmp_path: Path, text: str) -> None:
    [(path, message)] = faults(tmp_path, IN_STUDY, ('name = "Study"', f'name = "{text}"'))
    assert path == "name"
    assert message.startswith("expected text that neither is empty nor begins or ends with space, got ")


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "vocabulary"),
    [
        (IN_STUDY, 'design = "randomised"', 'design = "{}"', "design", terms.Design),
        (IN_STUDY, 'phase = "2"', 'phase = "{}"', "phase", terms.Phase),
        (IN_STUDY, 'kind = "journal"', 'kind = "{}"', "sources[0].kind", terms.SourceKind),
        (IN_STUDY, 'sites = ["gallbladder"]', 'sites = ["ampulla", "{}"]', "arms[0].sites[1]", terms.Site),
        (IN_STUDY, 'laboratory = "central"', 'laboratory = "{}"', "arms[0].testing.laboratory", terms.Laboratory),
        (IN_STUDY, 'endpoint = "orr"', 'endpoint = "{}"', "arms[0].hypothesis.endpoint", terms.Endpoint),
        (IN_STUDY, "confirmed = true", 'assessor = "{}"', "figures.proportions[0].assessor", terms.Assessor),
        (IN_STUDY, "confirmed = true", 'sides = "{}"', "figures.proportions[0].sides", terms.Sides),
        (IN_STUDY, "median = 11.0", 'median = 11.0, unit = "{}"', "figures.durations[0].unit", terms.Unit),
        (IN_STUDY, "median = 11.0", 'median = 11.0, origin = "{}"', "figures.durations[0].origin", terms.Origin),
        (IN_STUDY, 'kind = "hr"', 'kind = "{}"', "figures.contrasts[0].kind", terms.Ratio),
        (IN_STUDY, 'role = "treatment"', 'role = "{}"', "figures.contrasts[0].role", terms.Role),
        (IN_STUDY, 'kind = "hr"', 'kind = "hr", analysis = "{}"', "figures.contrasts[0].analysis", terms.Analysis),
        (IN_STUDY, 'interval = "iqr"', 'interval = "{}"', "figures.baseline[0].interval", terms.Interval),
        (IN_STUDY, 'grade = "3-4"', 'grade = "{}"', "figures.adverse_events[0].grade", terms.Grade),
        (
            *(IN_STUDY, '"treatment-related"', '"{}"', "figures.adverse_events[0].attribution"),
            terms.Attribution,
        ),
        (IN_AGENTS, 'key = "antibody-drug-conjugate"', 'key = "{}"', "mechanisms[0].key", terms.MechanismClass),
        (IN_DEFINITIONS, 'group = "her2-positive"', 'group = "{}"', "definitions[0].group", terms.Her2),
        (IN_DEFINITIONS, 'ihc = ["3+"]', 'ihc = ["{}"]', "definitions[0].any_of[0].ihc[0]", terms.IhcScore),
        (IN_DEFINITIONS, 'ihc = ["3+"]', 'variant = "{}"', "definitions[0].any_of[0].variant", terms.VariantKind),
        (IN_DEFINITIONS, 'ihc = ["3+"]', 'ish = "{}"', "definitions[0].any_of[0].ish", terms.IshResult),
    ],
)
@pytest.mark.parametrize("word", ["no-such-word", "Upper"])
def test_a_word_outside_its_vocabulary_is_answered_with_the_vocabulary(
    tmp_path: Path, *, file: str, old: str, new: str, path: str, vocabulary: type[StrEnum], word: str
) -> None:
    assert (path, one_of(vocabulary, repr(word))) in faults(tmp_path, file, (old, new.format(word)))


def test_a_number_in_place_of_a_word_is_answered_with_the_vocabulary(tmp_path: Path) -> None:
    assert faults(tmp_path, IN_STUDY, ('phase = "2"', "phase = 2")) == [("phase", one_of(terms.Phase, "2"))]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("inf", "expected a finite number, got Infinity"),
        ("-inf", "expected a finite number, got -Infinity"),
        ("nan", "expected a finite number, got NaN"),
        ("1e400", "expected a number of a plausible size, got 1E+400"),
        ("-1e400", "expected a number of a plausible size, got -1E+400"),
        ("1e-400", "expected a number of a plausible size, got 1E-400"),
        ("1e2000000", "expected a number of a plausible size, got 1E+2000000"),
        ("10000000000", "expected a number of a plausible size, got 10000000000"),
        ("-1", "expected a number from 0 to 100, got -1"),
        ("-0.1", "expected a number from 0 to 100, got -0.1"),
        ("100.1", "expected a number from 0 to 100, got 100.1"),
        ("101", "expected a number from 0 to 100, got 101"),
    ],
)
def test_a_percentage_that_is_none_is_refused(tmp_path: Path, number: str, message: str) -> None:
    found = faults(tmp_path, IN_STUDY, ("percent = 45.0", f"percent = {number}"))
    assert found == [("figures.proportions[0].percent", message)]


@pytest.mark.parametrize("percent", ["0", "0.0", "100", "100.00"])
def test_the_ends_of_the_scale_are_percentages(tmp_path: Path, percent: str) -> None:
    catalog = herbtc.read(write(tmp_path, changed(IN_STUDY, ("percent = 45.0", f"percent = {percent}"))))
    assert str(catalog.trial("study").figures.proportions[0].percent) == percent


@pytest.mark.parametrize("level", ["40", "49.9", "0.95", "100", "101", "-95"])
def test_a_level_outside_50_to_100_is_refused(tmp_path: Path, level: str) -> None:
    message = f"expected the level of an interval in percent, from 50 to below 100, got {level}"
    found = faults(tmp_path, IN_STUDY, ("level = 95", f"level = {level}"))
    assert found == [("figures.proportions[0].level", message)]


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("events = 9", "events = 21", "figures.proportions[0].events", "expected events ≤ n, got 21 > 20"),
        ("events = 9", "events = -1", "figures.proportions[0].events", "expected a number from 0 to 10000000, got -1"),
        (
            "events = 4, n = 40",
            "events = 4, n = 3",
            "figures.adverse_events[0].events",
            "expected events ≤ n, got 4 > 3",
        ),
        ("n = 40\n", "n = -1\n", "arms[0].n", "expected a number from 0 to 10000000, got -1"),
        ("planned_n = 80", "planned_n = -80", "planned_n", "expected a number from 0 to 10000000, got -80"),
        ("low = 23.1", "low = 68.6", "figures.proportions[0].low", "expected low ≤ high, got 68.6 > 68.5"),
        ("low = 0.61", "low = 1.06", "figures.contrasts[0].low", "expected low ≤ high, got 1.06 > 1.05"),
        ("low = 58", "low = 71", "figures.baseline[0].low", "expected low ≤ high, got 71 > 70"),
        (
            'low = 8.1, high = "not-reached", ',
            "",
            "figures.durations[0].level",
            "expected low or high beside level",
        ),
        (
            'high = "not-reached", level = 95',
            'high = 12, level = 95, interval = "range"',
            "figures.durations[0].level",
            "expected no level for a 'range'",
        ),
        ("low = 58, high = 70, ", "", "figures.baseline[0].interval", "expected low or high beside interval"),
        ('p = "<0.1", ', "", "figures.contrasts[0].p_sides", "expected p beside p_sides"),
        ("p_sides = 2", "p_sides = 3", "figures.contrasts[0].p_sides", "expected a number from 1 to 2, got 3"),
        ("estimate = 0.80", "estimate = 0", "figures.contrasts[0].estimate", "expected a ratio above 0, got 0"),
        (
            'arm = "two", reference_arm = "one", reference_population = "ihc-3+ & female"',
            'arm = "one", reference_arm = "one"',
            "figures.contrasts[0].reference_arm",
            "expected another arm or population than the one that is compared with it",
        ),
        ("events = 4, ", "", "figures.adverse_events[0].events", "expected events or percent"),
        (
            'median = 64, low = 58, high = 70, interval = "iqr", ',
            "",
            "figures.baseline[0].events",
            "expected events, percent, median or a range",
        ),
        (
            'endpoint = "orr", confirmed',
            'endpoint = "os", confirmed',
            "figures.proportions[0].endpoint",
            "expected one of orr dcr cbr cr pr sd pd ne, got 'os'",
        ),
        (
            'endpoint = "os", at',
            'endpoint = "orr", at',
            "figures.landmarks[0].endpoint",
            "expected one of pfs os dor ttr rfs ttp, got 'orr'",
        ),
        ("2023\npublished = 2023-06-02", "1023", "sources[0].year", "expected a number from 1950 to 2100, got 1023"),
        (
            "published = 2023-06-02",
            "published = 2025-06-02",
            "sources[0].published",
            "expected a day within a year of the year of publication 2023, got 2025-06-02",
        ),
        ('pmid = "1"', 'pmid = "PMC1"', "sources[0].pmid", "expected a PubMed id, got 'PMC1'"),
        ('pmid = "1"', 'doi = "doi:10.1/x"', "sources[0].doi", "expected a DOI like 10.1016/…, got 'doi:10.1/x'"),
        ('pmid = "1"', 'url = "example.org"', "sources[0].url", "expected a web address, got 'example.org'"),
        (
            'pmid = "1"\n',
            "",
            "sources[0].pmid",
            "expected a pmid, doi, url or via, so that a reader can find the source (unless its kind is unpublished)",
        ),
        ('countries = ["US"]', 'countries = ["USA"]', "countries", "expected ISO 3166 alpha-2 codes, got ('USA',)"),
        (
            'populations = [{ strata = ["ihc-3+", "female"], n = 20 }]',
            'populations = [{ strata = ["ihc-3+", "female"] }, { strata = ["ihc-3+", "ihc-1+"] }]',
            "arms[0].populations[1].strata",
            "expected one or more strata, each of another partition",
        ),
        ("p0 = 10", "p0 = 110", "arms[0].hypothesis.p0", "expected a number from 0 to 100, got 110"),
        (
            'label = "Two"\nagents = ["drug"]',
            'label = "Two"\nagents = []',
            "arms[1].agents",
            "expected at least one agent",
        ),
        (
            'term = "diarrhoea"',
            'term = "Diarrhoea"',
            "figures.adverse_events[0].term",
            "expected a key in lower case with hyphens, got 'Diarrhoea'",
        ),
    ],
)
def test_an_impossible_value_is_refused_with_what_was_expected(
    tmp_path: Path, old: str, new: str, path: str, message: str
) -> None:
    assert faults(tmp_path, IN_STUDY, (old, new)) == [(path, message)]


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "message"),
    [
        (
            *(IN_AGENTS, "value = 7.8", "value = 7.8, low = 7, high = 8", "agents[0].conjugate.ratios[0].value"),
            "expected either a value, or low and high in order",
        ),
        (
            *(IN_AGENTS, "value = 7.8", "low = 8, high = 7", "agents[0].conjugate.ratios[0].value"),
            "expected either a value, or low and high in order",
        ),
        (
            *(
                IN_DEFINITIONS,
                'any_of = [{ ihc = ["3+"], ish_ratio_min = 2.0 }]',
                "any_of = []",
                "definitions[0].any_of",
            ),
            "expected at least one clause",
        ),
        (
            *(IN_DEFINITIONS, 'ihc = ["3+"], ish_ratio_min = 2.0', "", "definitions[0].any_of[0].ihc"),
            "expected at least one test result",
        ),
    ],
)
def test_rules_hold_for_agents_and_definitions_too(
    tmp_path: Path, *, file: str, old: str, new: str, path: str, message: str
) -> None:
    assert faults(tmp_path, file, (old, new)) == [(path, message)]


def test_a_conjugate_of_another_mechanism_is_refused(tmp_path: Path) -> None:
    old = 'name = "Drug"\nmechanism = "antibody-drug-conjugate"'
    found = faults(
        tmp_path,
        IN_AGENTS,
        ("[[agents]]", '[[mechanisms]]\nkey = "chemotherapy"\nname = "C"\naction = "C"\n[[agents]]'),
        (old, 'name = "Drug"\nmechanism = "chemotherapy"'),
    )
    message = "expected a conjugate only of an antibody-drug-conjugate, not of a 'chemotherapy'"
    assert found == [("agents[0].conjugate", message)]


def test_a_misprint_marked_as_suspect_may_be_out_of_order(tmp_path: Path) -> None:
    files = changed(IN_STUDY, ("events = 9", 'events = 21, suspect = "misprint"'))
    assert herbtc.read(write(tmp_path, files)).trial("study").figures.proportions[0].events == 21


@pytest.mark.parametrize(
    ("file", "old", "paths"),
    [
        (IN_STUDY, 'name = "Study"\n', ["name"]),
        (
            IN_STUDY,
            'name = "Study"\nregistry_ids = ["NCT00000001"]\nphase = "2"\ndesign = "randomised"\n',
            ["name", "design"],
        ),
        (IN_STUDY, 'title = "Paper"\n', ["sources[0].title"]),
        (IN_STUDY, "her2_selected = true\nbtc_only = true\n", ["arms[0].her2_selected", "arms[0].btc_only"]),
        (IN_STUDY, ', locator = "Table 2"', ["figures.proportions[0].locator"]),
        (IN_STUDY, "median = 11.0, ", ["figures.durations[0].median"]),
        (IN_STUDY, "at = 12, percent = 51.2, ", ["figures.landmarks[0].at", "figures.landmarks[0].percent"]),
        (
            IN_STUDY,
            'role = "treatment", estimate = 0.80, ',
            ["figures.contrasts[0].role", "figures.contrasts[0].estimate"],
        ),
        (IN_STUDY, 'item = "age-years", ', ["figures.baseline[0].item"]),
        (IN_STUDY, 'grade = "3-4", ', ["figures.adverse_events[0].grade"]),
        (IN_AGENTS, 'payload = "payload"\n', ["agents[0].conjugate.payload"]),
        (IN_AGENTS, ', locator = "Table 1"', ["agents[0].conjugate.ratios[0].locator"]),
        (IN_DEFINITIONS, 'group = "her2-positive"\n', ["definitions[0].group"]),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, file: str, old: str, paths: list[str]) -> None:
    assert sorted(faults(tmp_path, file, (old, ""))) == sorted((path, MISSING) for path in paths)


# --- several faults in one record -------------------------------------------------------------------------------------


def test_a_broken_rule_beside_a_broken_field_of_the_same_figure_is_reported_too(tmp_path: Path) -> None:
    found = faults(tmp_path, IN_STUDY, ("events = 9", "events = 21"), ("percent = 45.0", 'percent = "45"'))
    assert sorted(found) == [
        ("figures.proportions[0].events", "expected events ≤ n, got 21 > 20"),
        ("figures.proportions[0].percent", "expected a number, got '45'"),
    ]


def test_every_fault_of_a_figure_is_reported_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        IN_STUDY,
        ('arm = "one", population', 'arm = "nobody", colour = 1, population'),
        ("confirmed = true", 'assessor = "me"'),
        ("events = 9", "events = 21"),
        ("percent = 45.0", "percent = 145"),
        (', locator = "Table 2"', ""),
    )
    assert sorted(found) == [
        ("figures.proportions[0].arm", no_key_of("an arm of this study", "one", "two")),
        ("figures.proportions[0].assessor", one_of(terms.Assessor, "'me'")),
        ("figures.proportions[0].colour", unknown(models.Proportion)),
        ("figures.proportions[0].events", "expected events ≤ n, got 21 > 20"),
        ("figures.proportions[0].locator", MISSING),
        ("figures.proportions[0].percent", "expected a number from 0 to 100, got 145"),
    ]


def test_faults_at_every_depth_of_a_study_are_reported_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        IN_STUDY,
        ('countries = ["US"]', 'countries = ["us"]'),
        ("year = 2023", 'year = "2023"'),
        ('pmid = "1"', 'pmid = "x"'),
        ('laboratory = "central"', 'laboratory = "near"'),
        ("n = 40\n", "n = -40\n"),
        ("events = 4, n = 40", "events = 41, n = 40"),
    )
    assert sorted(found) == [
        ("arms[0].n", "expected a number from 0 to 10000000, got -40"),
        ("arms[0].testing.laboratory", one_of(terms.Laboratory, "'near'")),
        ("countries", "expected ISO 3166 alpha-2 codes, got ('us',)"),
        ("figures.adverse_events[0].events", "expected events ≤ n, got 41 > 40"),
        ("sources[0].pmid", "expected a PubMed id, got 'x'"),
        ("sources[0].year", "expected a whole number, got '2023'"),
    ]


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "what", "there"),
    [
        (
            IN_STUDY,
            'arm = "one", endpoint',
            'arm = "{}", endpoint',
            "figures.durations[0].arm",
            "an arm of this study",
            "one two",
        ),
        (
            *(IN_STUDY, 'reference_arm = "one", reference_population = "ihc-3+ & female"', 'reference_arm = "{}"'),
            *("figures.contrasts[0].reference_arm", "an arm of this study", "one two"),
        ),
        (
            *(IN_STUDY, 'population = "ihc-3+ & female"', 'population = "{}"'),
            *("figures.proportions[0].population", "a population of its arm", "ihc-3+ & female"),
        ),
        (
            *(IN_STUDY, 'reference_population = "ihc-3+ & female"', 'reference_population = "{}"'),
            *("figures.contrasts[0].reference_population", "a population of its reference arm", "ihc-3+ & female"),
        ),
        (
            *(IN_STUDY, 'arm = "two", reference_arm', 'arm = "two", population = "{}", reference_arm'),
            *("figures.contrasts[0].population", "a population of its arm", ""),
        ),
        (
            *(IN_STUDY, 'source = "paper-2023", locator = "Table 2"', 'source = "{}", locator = "Table 2"'),
            *("figures.proportions[0].source", "a source of this file", "paper-2023 update-2024"),
        ),
        (
            *(IN_STUDY, 'laboratory = "central"\nsource = "paper-2023"', 'laboratory = "central"\nsource = "{}"'),
            *("arms[0].testing.source", "a source of this file", "paper-2023 update-2024"),
        ),
        (
            *(IN_STUDY, 'primary = true\nsource = "paper-2023"', 'primary = true\nsource = "{}"'),
            *("arms[0].hypothesis.source", "a source of this file", "paper-2023 update-2024"),
        ),
        (IN_STUDY, 'agents = ["drug"]', 'agents = ["drug", "{}"]', "arms[0].agents[1]", "an agent", "drug"),
        (
            IN_STUDY,
            'related_to = "drug"',
            'related_to = "{}"',
            "figures.adverse_events[0].related_to",
            "an agent",
            "drug",
        ),
        (
            IN_STUDY,
            'definition = "positive"',
            'definition = "{}"',
            "arms[0].definition",
            "a HER2 definition",
            "positive",
        ),
        (IN_STUDY, 'parts = ["two"]', 'parts = ["{}"]', "arms[0].parts[0]", "another arm of this study", "two"),
        (
            IN_STUDY,
            'overlaps = ["two"]',
            'overlaps = ["two", "{}"]',
            "arms[0].overlaps[1]",
            "another arm of this study",
            "two",
        ),
        (IN_STUDY, "overlaps = []", 'overlaps = ["{}"]', "overlaps[0]", "another study", ""),
        (
            *(IN_AGENTS, 'action = "Carries a payload"\nsource = "label-2024"', 'action = "C"\nsource = "{}"'),
            *("mechanisms[0].source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_AGENTS, '\nsource = "label-2024"\n\n[agents.conjugate]', '\nsource = "{}"\n\n[agents.conjugate]'),
            *("agents[0].source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_AGENTS, 'molecule = "HER2", source = "label-2024"', 'molecule = "HER2", source = "{}"'),
            *("agents[0].targets[0].source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_AGENTS, 'code = "X", source = "label-2024"', 'code = "X", source = "{}"'),
            *("agents[0].identifiers[0].source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_AGENTS, 'locator = "Table 1" }]\nsource = "label-2024"', 'locator = "Table 1" }]\nsource = "{}"'),
            *("agents[0].conjugate.source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_AGENTS, 'value = 7.8, source = "label-2024"', 'value = 7.8, source = "{}"'),
            *("agents[0].conjugate.ratios[0].source", "a source of this file", "label-2024"),
        ),
        (
            *(IN_DEFINITIONS, 'source = "paper-2023"', 'source = "{}"'),
            *("definitions[0].source", "a source of this file", "paper-2023"),
        ),
    ],
)
def test_a_reference_to_nothing_is_answered_with_the_keys_that_exist(
    tmp_path: Path, *, file: str, old: str, new: str, path: str, what: str, there: str
) -> None:
    known = [there] if " & " in there else there.split()
    braces = new.replace("{}", "nobody")
    assert faults(tmp_path, file, (old, braces)) == [(path, no_key_of(what, *known))]


def test_an_agent_of_a_mechanism_that_the_folder_does_not_have_is_refused(tmp_path: Path) -> None:
    old = 'key = "antibody-drug-conjugate"'
    message = "expected the key of a mechanism, got 'antibody-drug-conjugate'; there are: chemotherapy"
    assert faults(tmp_path, IN_AGENTS, (old, 'key = "chemotherapy"')) == [("agents[0].mechanism", message)]


@pytest.mark.parametrize("name", ["parts", "overlaps"])
def test_an_arm_is_no_part_of_itself(tmp_path: Path, name: str) -> None:
    message = "expected the key of another arm of this study, got 'one'; there are: two"
    found = faults(tmp_path, IN_STUDY, (f'{name} = ["two"]', f'{name} = ["one"]'))
    assert found == [(f"arms[0].{name}[0]", message)]


def test_a_study_does_not_overlap_with_itself(tmp_path: Path) -> None:
    message = "expected the key of another study, got 'study'; there are: none"
    assert faults(tmp_path, IN_STUDY, ("overlaps = []", 'overlaps = ["study"]')) == [("overlaps[0]", message)]


def test_a_figure_of_a_source_with_several_cutoffs_must_name_one(tmp_path: Path) -> None:
    found = faults(tmp_path, IN_STUDY, (", cutoff = 2024-01-01", ""))
    message = "expected a cut-off, because update-2024 has several: 2023-01-01, 2024-01-01"
    assert found == [("figures.contrasts[0].cutoff", message)]


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        (
            *("cutoff = 2024-01-01", "cutoff = 2024-01-02", "figures.contrasts[0].cutoff"),
            "expected a cut-off of update-2024 (2023-01-01, 2024-01-01), got 2024-01-02",
        ),
        (
            *("events = 9", "events = 9, cutoff = 2024-01-01", "figures.proportions[0].cutoff"),
            "expected a cut-off of paper-2023 (2022-10-10), got 2024-01-01",
        ),
    ],
)
def test_a_cutoff_must_be_one_of_its_source(tmp_path: Path, old: str, new: str, path: str, message: str) -> None:
    assert faults(tmp_path, IN_STUDY, (old, new)) == [(path, message)]


def test_a_cutoff_of_a_source_without_any_is_refused(tmp_path: Path) -> None:
    found = faults(
        tmp_path, IN_STUDY, ("cutoffs = [2022-10-10]\n", ""), ("events = 9", "events = 9, cutoff = 2024-01-01")
    )
    message = "expected a cut-off of paper-2023 (none), got 2024-01-01"
    assert found == [("figures.proportions[0].cutoff", message)]


# --- twice ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "section", "key", "place"),
    [
        (IN_STUDY, "sources", "paper-2023", 2),
        (IN_STUDY, "arms", "one", 2),
        (IN_AGENTS, "sources", "label-2024", 1),
        (IN_AGENTS, "agents", "drug", 1),
        (IN_AGENTS, "mechanisms", "antibody-drug-conjugate", 1),
        (IN_DEFINITIONS, "sources", "paper-2023", 1),
        (IN_DEFINITIONS, "definitions", "positive", 1),
    ],
)
def test_a_key_that_is_there_twice_is_named(tmp_path: Path, file: str, section: str, key: str, place: int) -> None:
    text = str(FILES[file])
    stanzas = re.split(r"\n(?=\[\[|\[figures\])", text)
    [first] = [each for each in stanzas if each.startswith(f'[[{section}]]\nkey = "{key}"')]
    last = max(i for i, each in enumerate(stanzas) if each.startswith(f"[[{section}]]"))
    again = "\n".join([*stanzas[: last + 1], first, *stanzas[last + 1 :]])
    found = problems(write(tmp_path, {**FILES, file: again}))
    assert found == [(file, f"{section}[{place}].key", f"expected each key once, got {key!r} again")]


def test_a_population_that_is_there_twice_is_named(tmp_path: Path) -> None:
    again = '{ strata = ["ihc-3+", "female"], n = 20 }'
    found = faults(tmp_path, IN_STUDY, (again, f"{again}, {again}"))
    message = "expected each key once, got 'ihc-3+ & female' again"
    assert found == [("arms[0].populations[1].strata", message)]


def test_the_same_figure_twice_is_named_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    figure = '{ arm = "one", endpoint = "os", at = 12, percent = 51.2, source = "paper-2023", locator = "Table 4" }'
    turned = '{ locator = "Table 4", at = 12, percent = 51.2, endpoint = "os", arm = "one", source = "paper-2023" }'
    found = faults(tmp_path, IN_STUDY, (figure, f"{figure},\n{turned}"))
    assert found == [("figures.landmarks[1]", "expected each figure once, got the same again")]


# --- not TOML ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("key = 'x", "not TOML: "),
        ("key = \n", "not TOML: "),
        ('key = "x"\nkey = "x"\n', "not TOML: "),
        ("a = { b = 1, b = 2 }", "not TOML: "),
        ("[figures]\n[figures]\n", "not TOML: "),
        ("reviewed = 2023-02-30", "not TOML: "),
        ("reviewed = 2023-13-01", "not TOML: "),
        ("\x00", "not TOML: "),
        (b"\xef\xbb\xbf" + STUDY.encode(), "expected UTF-8 text without a byte order mark"),
        (b"# caf\xe9", "expected UTF-8 text; byte 5 is not"),
        (b"\xff\xfe" + STUDY.encode("utf-16-le"), "expected UTF-8 text; byte 0 is not"),
        ("planned_n = " + "9" * 5000, "not readable as TOML: "),
        ("x = " + "[" * 100_000, "not "),
        ("x = " + "{a=" * 100_000, "not "),
        ("percent = 1e99999999999999999999", "not readable as TOML: "),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_file_that_is_not_toml_is_one_problem_of_the_whole_file(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    [(file, path, said)] = problems(write(tmp_path, {**FILES, IN_STUDY: content}))
    assert (file, path) == (IN_STUDY, "")
    assert said.startswith(message)
    assert said != "not TOML: "


@pytest.mark.parametrize("name", ["evidence", "trials"])
def test_a_folder_that_may_not_be_listed_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = write(tmp_path / "evidence", {**FILES})
    listed = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert problems(folder) == [("", "", "cannot be listed: Permission denied")]


def test_a_byte_order_mark_is_called_by_its_name(tmp_path: Path) -> None:
    [(_, _, message)] = problems(write(tmp_path, {**FILES, IN_STUDY: b"\xef\xbb\xbf" + STUDY.encode()}))
    assert "byte order mark" in message


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("events = 9", f"events = {'9' * 4000}", "figures.proportions[0].events"),
        ("events = 9", f"events = 0x{'f' * 5000}", "figures.proportions[0].events"),
        ("percent = 45.0", f"percent = 45.{'0' * 5000}1e5", "figures.proportions[0].percent"),
        ("percent = 45.0", f"percent = 0x{'f' * 5000}", "figures.proportions[0].percent"),
        ("events = 9", f"events = {'[' * 200}{']' * 200}", "figures.proportions[0].events"),
        ("events = 9", f"events.{'.'.join('a' * 500)} = 9", "figures.proportions[0].events"),
        ("cutoff = 2024-01-01", f"cutoff = 0x{'f' * 5000}", "figures.contrasts[0].cutoff"),
        ("cutoff = 2024-01-01", f"cutoff.{'.'.join('a' * 500)} = 9", "figures.contrasts[0].cutoff"),
        ('name = "Study"', f"name = {'9' * 4000}", "name"),
        ('key = "one"', f"key = 0x{'f' * 5000}", "arms[0].key"),
        ('key = "one"', f"key.{'.'.join('a' * 500)} = 9", "arms[0].key"),
        ('arm = "one", population', f"arm = 0x{'f' * 5000}, population", "figures.proportions[0].arm"),
        ("cutoffs = [2022-10-10]", f"cutoffs = [0x{'f' * 5000}]", "sources[0].cutoffs[0]"),
    ],
    ids=[
        *("digits", "hex", "decimals", "hex-percent", "brackets", "dots", "hex-cutoff", "dots-cutoff", "digits-name"),
        *("hex-key", "dots-key", "hex-arm", "hex-cutoffs"),
    ],
)
def test_a_monstrous_value_is_a_problem_at_its_place_with_a_short_message(
    tmp_path: Path, old: str, new: str, path: str
) -> None:
    found = faults(tmp_path, IN_STUDY, (old, new))
    assert path in [where for where, _ in found]
    assert all(message.startswith("expected ") and len(message) < 250 for _, message in found)


def test_a_key_of_thousands_of_parts_is_refused_in_few_words(tmp_path: Path) -> None:
    # Whether the reader of TOML or the record refuses it, it is one problem of the file.
    found = faults(tmp_path, IN_STUDY, ("events = 9", f"events.{'.'.join('a' * 5000)} = 9"))
    assert found
    assert all(len(message) < 250 for _, message in found)


@pytest.mark.parametrize("value", ["[1]", "{ a = 1 }", "1", "true", "2024-01-01", '["one"]', "inf"])
@pytest.mark.parametrize(
    ("file", "old", "path"),
    [
        (IN_STUDY, '"study"', "key"),
        (IN_STUDY, '"paper-2023"', "sources[0].key"),
        (IN_STUDY, "[2022-10-10]", "sources[0].cutoffs"),
        (IN_STUDY, '"one"', "arms[0].key"),
        (IN_STUDY, '["ihc-3+", "female"]', "arms[0].populations[0].strata"),
        (IN_AGENTS, '"label-2024"', "sources[0].key"),
        (IN_AGENTS, '"drug"', "agents[0].key"),
        (IN_DEFINITIONS, '"positive"', "definitions[0].key"),
    ],
)
def test_a_key_of_another_type_is_a_problem_wherever_it_is_referred_to(
    tmp_path: Path, file: str, old: str, path: str, value: str
) -> None:
    found = problems(write(tmp_path, changed(file, (f"= {old}", f"= {value}"))))
    assert (file, path) in [(name, re.sub(r"\[\d+\]$", "", where)) for name, where, _ in found]
    assert all(message.startswith("expected ") for _, _, message in found)


# --- files and folders ------------------------------------------------------------------------------------------------


def test_a_file_name_unlike_the_key_is_refused(tmp_path: Path) -> None:
    files = {"trials/other.toml" if name == IN_STUDY else name: content for name, content in FILES.items()}
    message = "expected the name of the file, 'other', got 'study'"
    assert problems(write(tmp_path, {**files})) == [("trials/other.toml", "key", message)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "approvals-2.toml",
            f"expected {BESIDE} and studies in trials/ only",
        ),
        (
            "study.toml",
            f"expected {BESIDE} and studies in trials/ only",
        ),
        ("trials/notes.txt", "expected only .toml files here (.md files are passed over)"),
        ("trials/study.TOML", "expected only .toml files here (.md files are passed over)"),
        ("trials/deeper/study.toml", "expected only .toml files here (.md files are passed over)"),
    ],
)
def test_a_file_that_would_not_be_read_is_named(tmp_path: Path, name: str, message: str) -> None:
    file = "/".join(name.split("/")[:2])
    assert problems(write(tmp_path, {**FILES, name: "key = 1"})) == [(file, "", message)]


@pytest.mark.parametrize(
    "name", ["README.md", "trials/README.md", "trials/.hidden", "trials/._study.toml", "._agents.toml"]
)
def test_notes_and_hidden_files_are_passed_over(tmp_path: Path, name: str) -> None:
    assert herbtc.read(write(tmp_path, {**FILES, name: b"\x00\xff"})) == herbtc.read(write(tmp_path / "2", {**FILES}))


@pytest.mark.parametrize("name", [IN_AGENTS, IN_DEFINITIONS, IN_STUDY])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {other: content for other, content in FILES.items() if other != name})
    (folder / name).mkdir(parents=True)
    [(file, path, message)] = problems(folder)
    assert (file, path) == (name, "")
    assert message.startswith("cannot be read: ")


def test_trials_that_is_no_folder_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, {IN_AGENTS: AGENTS, IN_DEFINITIONS: DEFINITIONS, "trials": "key = 1"})
    assert [file for file, _, _ in problems(folder)] == ["trials"]


def test_an_empty_study_file_lacks_every_required_key(tmp_path: Path) -> None:
    found = problems(write(tmp_path, {**FILES, "trials/empty.toml": ""}))
    assert found == [("trials/empty.toml", name, MISSING) for name in ("key", "name", "design")]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    error = error_of(tmp_path / "nowhere")
    assert error.where == str(tmp_path / "nowhere")
    assert error.problems == (Problem("", "", "no such folder"),)


def test_a_file_in_place_of_a_folder_is_no_folder(tmp_path: Path) -> None:
    assert problems(write(tmp_path, dict(FILES)) / IN_AGENTS) == [("", "", "no such folder")]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    message = f"expected {BESIDE} or studies in trials/; there are none"
    assert problems(tmp_path) == [("", "", message)]


# --- several files ----------------------------------------------------------------------------------------------------


def test_the_faults_of_all_files_are_in_one_error_in_the_order_of_the_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **FILES,
        IN_AGENTS: AGENTS.replace('name = "Drug"', "name = 1"),
        IN_DEFINITIONS: DEFINITIONS.replace("her2-positive", "positive"),
        "trials/a.toml": "key = ",
        IN_STUDY: STUDY.replace("events = 9", "events = 21").replace('phase = "2"', "phase = 2"),
        "trials/z.toml": STUDY.replace('key = "study"', 'key = "z"').replace('["drug"]', '["nobody"]', 1),
    }
    found = problems(write(tmp_path, files))
    assert [(file, path) for file, path, _ in found] == [
        (IN_AGENTS, "agents[0].name"),
        (IN_DEFINITIONS, "definitions[0].group"),
        ("trials/a.toml", ""),
        (IN_STUDY, "phase"),
        (IN_STUDY, "figures.proportions[0].events"),
        ("trials/z.toml", "arms[0].agents[0]"),
    ]


@pytest.mark.parametrize("name", [IN_AGENTS, IN_DEFINITIONS])
def test_nothing_is_said_about_references_into_a_file_that_cannot_be_parsed(tmp_path: Path, name: str) -> None:
    [(file, path, message)] = problems(write(tmp_path, {**FILES, name: "key = "}))
    assert (file, path) == (name, "")
    assert message.startswith("not TOML: ")


def test_a_broken_agent_can_still_be_referred_to(tmp_path: Path) -> None:
    found = faults(tmp_path, IN_AGENTS, ('name = "Drug"', "name = 1"))
    assert found == [("agents[0].name", "expected text, got 1")]


def test_nothing_is_half_loaded(tmp_path: Path) -> None:
    base = herbtc.read(write(tmp_path / "sound", dict(FILES)))
    trial = STUDY.replace('key = "study"', 'key = "added"').replace('"Study"', '"Added"').replace("NCT0", "NCT1")
    folder = write(tmp_path / "added", {"trials/added.toml": trial, "trials/bad.toml": "key = "})
    with pytest.raises(DataError) as caught:
        base.extend(folder)
    assert {problem.file for problem in caught.value.problems} == {"trials/bad.toml"}
    assert [each.key for each in base.trials] == ["study"]


# --- the errors themselves --------------------------------------------------------------------------------------------


def test_a_data_error_says_where_and_lists_every_problem(tmp_path: Path) -> None:
    folder = write(tmp_path, changed(IN_STUDY, ('name = "Study"', "name = 1"), ("events = 9", "events = 21")))
    error = error_of(folder)
    assert isinstance(error, ValueError)
    assert isinstance(error, HerbtcError)
    assert error.where == str(folder)
    assert str(error).splitlines() == [
        f"2 faults in {folder}",
        f"  {IN_STUDY}: name: expected text, got 1",
        f"  {IN_STUDY}: figures.proportions[0].events: expected events ≤ n, got 21 > 20",
    ]


def test_one_fault_is_counted_as_one() -> None:
    assert str(DataError("here", [Problem("", "", "wrong")])) == "1 fault in here\n  wrong"


@pytest.mark.parametrize(
    "error",
    [
        DataError("folder", [Problem("file", "path", "message"), Problem("", "", "other")]),
        UnknownKeyError("agent", "zanidatmab", ["tucatinib", "zanidatamab"]),
        UnknownKeyError("agent", "ZW25", ["zanidatamab"], ["zanidatamab"]),
        UnknownKeyError("agent", None, []),
    ],
)
def test_errors_survive_pickling(error: HerbtcError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


# --- records built in Python ------------------------------------------------------------------------------------------

WHERE: dict[str, Any] = {"arm": "a", "source": "s-2020", "locator": "Abstract"}


def test_a_record_built_in_python_checks_its_rules() -> None:
    with pytest.raises(DataError) as caught:
        models.Proportion(**WHERE, endpoint=terms.Endpoint.ORR, events=5, n=3, level=Decimal(95))
    assert caught.value.where == "Proportion"
    assert caught.value.problems == (
        Problem("", "events", "expected events ≤ n, got 5 > 3"),
        Problem("", "level", "expected low or high beside level"),
    )


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "orr"},
        {"events": True},
        {"events": Decimal(5)},
        {"percent": 45.0},
        {"percent": 45},
        {"low": float("nan")},
        {"confirmed": 1},
        {"cutoff": datetime(2022, 10, 10, tzinfo=UTC)},
        {"cutoff": "2022-10-10"},
        {"note": ("a",)},
        {"locator": None},
    ],
    ids=str,
)
def test_a_record_built_in_python_checks_its_types(values: dict[str, Any]) -> None:
    sound = {**WHERE, "endpoint": terms.Endpoint.ORR, "events": 3, "high": Decimal(50)}
    assert models.Proportion(**sound).events == 3
    with pytest.raises(DataError) as caught:
        models.Proportion(**(sound | values))
    [problem] = caught.value.problems
    assert problem.path in values
    assert problem.message.startswith("expected ")


def test_a_list_in_place_of_a_tuple_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        models.Trial(key="x", name="X", design=terms.Design.BASKET, arms=[])  # type: ignore[arg-type]
    assert caught.value.problems == (Problem("", "arms", "expected tuple, got []"),)


@pytest.mark.parametrize(
    ("record", "values", "field"),
    [
        (models.Population, {"strata": ()}, "strata"),
        (models.Source, {"key": "a b", "kind": terms.SourceKind.JOURNAL, "title": "T", "pmid": "1"}, "key"),
        (models.Duration, {**WHERE, "endpoint": terms.Endpoint.ORR, "median": Decimal(1)}, "endpoint"),
        (models.Landmark, {**WHERE, "endpoint": terms.Endpoint.OS, "at": Decimal(-1), "percent": Decimal(1)}, "at"),
        (models.Baseline, {**WHERE, "item": "female"}, "events"),
        (her2.Clause, {}, "ihc"),
    ],
)
def test_every_kind_of_record_checks_its_rules(record: type, values: dict[str, Any], field: str) -> None:
    with pytest.raises(DataError) as caught:
        record(**values)
    assert [problem.path for problem in caught.value.problems] == [field]


def test_a_changed_copy_checks_its_rules_again() -> None:
    sound = models.Proportion(**WHERE, endpoint=terms.Endpoint.ORR, events=2, n=3)
    with pytest.raises(DataError):
        attrs.evolve(sound, n=1)


def test_a_sound_record_keeps_what_it_was_given() -> None:
    source = models.Source(
        key="s-2020", kind=terms.SourceKind.JOURNAL, title="T", published=date(2020, 1, 1), year=2020, pmid="1"
    )
    assert (source.day, source.link) == (date(2020, 1, 1), "https://pubmed.ncbi.nlm.nih.gov/1/")
    assert Catalog(release="x").trials == ()
