"""Rules of curation over the shipped evidence: one rule a test, one case a record; the message says what to do.

Arithmetic is the audit's business (tests/test_audit.py).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import herbtc
from herbtc import _structure, query
from herbtc.models import FIGURE_KINDS
from herbtc.terms import AppraisalTool, Design, Interval

if TYPE_CHECKING:
    from herbtc.models import Arm, Source, Trial

CATALOG = herbtc.load()
SHIPPED = Path(herbtc.__file__).parent / "data"
TRIALS = CATALOG.trials
FIGURES = [
    pytest.param(trial, figure, id=f"{trial.key}-{kind}-{place}")
    for trial in TRIALS
    for kind in FIGURE_KINDS
    for place, figure in enumerate(getattr(trial.figures, kind))
]
SOURCES = [pytest.param(trial, source, id=f"{trial.key}-{source.key}") for trial in TRIALS for source in trial.sources]
ARMS = [pytest.param(trial, arm, id=f"{trial.key}-{arm.key}") for trial in TRIALS for arm in trial.arms]
REPORTED = [trial for trial in TRIALS if any(getattr(trial.figures, kind) for kind in FIGURE_KINDS)]
OWN = [trial for trial in REPORTED if trial.design is not Design.META_ANALYSIS]

# Prospective studies whose registration was seen on no page that was reached.
UNREGISTERED = {
    "pansoho",
    "choi-2021",
    "herald",
    "picca",
    "peck-2012",
    "jadetree",
    "kwak-2013",
    "shr-a1811-first-in-human",
}
# Arms selected by HER2 whose definition was not found.
UNDEFINED = {
    ("chictr2500112844", "btc"),
    ("herizon-btc-01", "safety-pool"),
}


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_study_says_when_it_was_last_reviewed(trial: Trial) -> None:
    assert trial.reviewed is not None, "add reviewed = the day you compared the file with its sources"


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_prospective_study_has_a_registry_id(trial: Trial) -> None:
    looking_back = {Design.RETROSPECTIVE, Design.POOLED, Design.META_ANALYSIS, Design.PROSPECTIVE_COHORT}
    expected = trial.design not in looking_back and trial.key not in UNREGISTERED
    assert bool(trial.registry_ids) or not expected, "add registry_ids, the NCT number first, or a line in UNREGISTERED"
    assert not (trial.registry_ids and trial.key in UNREGISTERED), "take it out of UNREGISTERED"


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_study_without_figures_is_registered_or_says_what_it_is(trial: Trial) -> None:
    if trial not in REPORTED:
        registered = any(source.kind in ("registry", "trade-press", "press-release") for source in trial.sources)
        assert trial.note, "say in a note what was looked for and not found"
        assert registered or trial.design is Design.META_ANALYSIS


@pytest.mark.parametrize("trial", OWN, ids=lambda trial: trial.key)
def test_a_study_with_results_is_appraised(trial: Trial) -> None:
    assert trial.appraisals, "appraise it, item by item (JBI, RoB 2 or ROBINS-I)"
    randomised = trial.design is Design.RANDOMISED
    tools = {appraisal.tool for appraisal in trial.appraisals}
    assert (tools == {AppraisalTool.ROB_2}) == randomised


def test_core_figures_are_there_for_most_studies_with_results() -> None:
    # A study of biliary tract cancer should have its size, and a response rate or a survival median.
    biliary = [trial for trial in OWN if any(arm.btc_only for arm in trial.arms)]
    sized = [trial for trial in biliary if any(arm.n is not None for arm in trial.arms if arm.btc_only)]
    measured = [
        trial
        for trial in biliary
        if any(str(figure.endpoint) == "orr" for figure in trial.figures.proportions)
        or any(str(figure.endpoint) in ("pfs", "os", "rfs") for figure in trial.figures.durations)
        or any(str(figure.endpoint) in ("pfs", "os", "rfs") for figure in trial.figures.contrasts)
    ]
    assert len(sized) >= 0.85 * len(biliary)
    assert len(measured) >= 0.85 * len(biliary)


def test_there_are_sixty_studies_and_nine_hundred_distinct_figures() -> None:
    # The same figure in three places is one: arm, population, endpoint, reader and cut-off tell figures apart.
    names = ("endpoint", "item", "term", "grade", "attribution", "related_to", "consequence", "serious", "at", "kind")
    more = ("reference_arm", "reference_population", "role", "analysis", "assessor", "confirmed", "origin", "interval")
    distinct = {
        (
            trial.key,
            figure.arm,
            figure.population,
            figure.cutoff,
            *(getattr(figure, name, None) for name in names + more),
        )
        + ((figure.instrument, figure.scale, figure.measure) if hasattr(figure, "instrument") else ())
        for trial in TRIALS
        for kind in FIGURE_KINDS
        for figure in getattr(trial.figures, kind)
    }
    assert len(TRIALS) >= 60
    assert len(distinct) >= 900, len(distinct)


@pytest.mark.parametrize(("trial", "source"), SOURCES)
def test_addresses_are_public_names(trial: Trial, source: Source) -> None:
    bare = [
        link for link in (source.link, *source.seen) if re.search(r"//[\d.]+[:/]|localhost|vercel|platformsh", link)
    ]
    assert bare == [], f"{trial.key}: write the public address of the page, not that of a copy"


@pytest.mark.parametrize(("trial", "source"), SOURCES)
def test_a_source_without_figures_says_why_it_is_there(trial: Trial, source: Source) -> None:
    used = {figure.source for kind in FIGURE_KINDS for figure in getattr(trial.figures, kind)}
    used |= {facts.source for arm in trial.arms for facts in (arm.testing, arm.hypothesis, arm.eligibility) if facts}
    used |= {appraisal.source for appraisal in trial.appraisals}
    assert source.key in used or source.note, "use the source, say in a note what it was good for, or remove it"


@pytest.mark.parametrize(("trial", "arm"), ARMS)
def test_a_selected_arm_names_its_definition(trial: Trial, arm: Arm) -> None:
    if arm.definition is not None and not arm.her2_selected:
        return  # only by NRG1 fusion, as the rule below says
    expected = arm.her2_selected and trial.design is not Design.META_ANALYSIS and (trial.key, arm.key) not in UNDEFINED
    assert (arm.definition is not None) == expected, "add a definition to definitions.toml, or a line in UNDEFINED"


@pytest.mark.parametrize(("trial", "figure"), FIGURES)
def test_a_confidence_interval_has_a_level(trial: Trial, figure: Any) -> None:
    if getattr(figure, "low", None) is None and getattr(figure, "high", None) is None:
        return
    if hasattr(figure, "level") and getattr(figure, "interval", Interval.CI) is Interval.CI:
        assert figure.level is not None, f"{trial.key}: add level, as the report states it"


HER2_AGENTS = [agent for agent in CATALOG.agents if agent.mechanism.her2_directed]


@pytest.mark.parametrize("agent", HER2_AGENTS, ids=lambda agent: agent.key)
def test_a_her2_directed_agent_names_its_target_and_source(agent: Any) -> None:
    assert any("HER2" in target.molecule for target in agent.targets)
    assert agent.source is not None
    assert agent.locator is not None


@pytest.mark.parametrize(
    "agent", [agent for agent in HER2_AGENTS if "conjugate" in agent.mechanism], ids=lambda agent: agent.key
)
def test_a_conjugate_has_its_parts_and_a_printed_ratio_or_says_that_none_was_seen(agent: Any) -> None:
    parts = agent.conjugate
    complete = parts is not None and bool(parts.payload) and bool(parts.ratios)
    assert complete or agent.note or (parts is not None and parts.note), (
        "add payload and ratio, or say what was not seen"
    )


def test_most_conjugates_are_known_in_full() -> None:
    conjugates = [agent for agent in HER2_AGENTS if "conjugate" in agent.mechanism]
    complete = [agent for agent in conjugates if agent.conjugate and agent.conjugate.payload and agent.conjugate.ratios]
    assert len(complete) >= 0.5 * len(conjugates)


def test_the_ratio_of_trastuzumab_deruxtecan_is_held_with_its_dispute() -> None:
    agent = CATALOG.agent("trastuzumab-deruxtecan")
    assert agent.conjugate is not None
    printed = {(ratio.value, ratio.low, ratio.high) for ratio in agent.conjugate.ratios}
    assert (Decimal(8), None, None) in printed
    assert any(low is not None and low < 8 for _, low, _ in printed)


def test_agents_that_are_easily_confused_are_kept_apart() -> None:
    assert "zovodotin" not in " ".join(CATALOG.agent("zanidatamab").synonyms).lower()
    antibody = CATALOG.agent("disitamab-vedotin").conjugate
    assert antibody is not None
    assert "trastuzumab" not in antibody.antibody.lower()


def test_every_agent_of_a_study_is_used_and_every_definition_of_a_study_too() -> None:
    used = {arm.definition for trial in TRIALS for arm in trial.arms} - {None}
    acts = {act.definition for act in ACTS}
    labels = {"ziihera-label", "enhertu-solid-tumour-label", "herb"}
    assert {definition.key for definition in CATALOG.definitions} - used - acts <= labels


def test_the_release_is_the_version() -> None:
    assert CATALOG.release == herbtc.__version__


# --- acts and testing -------------------------------------------------------------------------------------------------

ACTS: list[Any] = [*CATALOG.approvals, *CATALOG.guidelines]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.key)
def test_an_act_names_its_population_and_its_place(act: Any) -> None:
    assert len(act.population) > 10, "give the exact population"
    assert len(act.locator) > 3


def test_an_approval_is_not_entered_twice() -> None:
    acts = Counter((each.agency, each.agents, each.act, each.decided) for each in CATALOG.approvals)
    assert [act for act, times in acts.items() if times > 1] == []


@pytest.mark.parametrize("kind", ["prevalence", "concordance", "prognosis"])
def test_a_figure_on_testing_adds_up(kind: str) -> None:
    for figure in getattr(CATALOG, kind):
        if figure.suspect or kind == "prognosis" or None in (figure.events, figure.n, figure.percent):
            continue
        exponent = figure.percent.as_tuple().exponent
        half = Decimal((0, (5,), min(exponent, 0) - 1))
        # Some papers cut the last digit off instead of rounding it.
        assert abs(Decimal(100 * figure.events) / figure.n - figure.percent) <= 2 * half, figure


def test_prevalence_covers_sites_methods_and_reviews() -> None:
    frame = query.prevalence(quantity=None)
    assert len(frame) >= 50
    assert {"gallbladder", "intrahepatic", "extrahepatic", "all"} <= set(frame["site"])
    assert {"ihc", "ish", "tissue-sequencing"} <= set(frame["method"].dropna())
    assert frame["pooled"].any()


def test_both_readers_of_toml_say_the_same_of_the_shipped_files() -> None:
    for path in sorted(SHIPPED.rglob("*.toml")):
        fast, _ = _structure.parse(path.read_bytes(), path.name, shipped=True)
        sure, problems = _structure.parse(path.read_bytes(), path.name)
        assert problems == ()
        assert fast == sure


ELIGIBILITY = tomllib.loads((Path(__file__).parent / "reference/eligibility.toml").read_text("utf-8"))


@pytest.mark.parametrize(("trial", "arm"), ARMS)
def test_eligibility_was_seen_by_two_readers(trial: Trial, arm: Arm) -> None:
    """Every limit that a file states stands in the second reading (tests/reference/eligibility.toml) as well."""
    names = ("ecog_max", "lvef_min", "measurable", "prior_her2_therapy", "prior_lines_min", "prior_lines_max")
    stated = {name: getattr(arm.eligibility, name, None) for name in names}
    second = ELIGIBILITY.get(trial.key, {})
    assert {name: value for name, value in stated.items() if value is not None and second.get(name) != value} == {}


def test_an_arm_not_selected_by_her2_has_a_definition_only_by_nrg1_fusion() -> None:
    groups = {definition.key: definition.group for definition in herbtc.load().definitions}
    for trial in TRIALS:
        for arm in trial.arms:
            if arm.definition is not None and not arm.her2_selected:
                assert groups[arm.definition] == "nrg1-fusion", f"{trial.key}/{arm.key}: her2_selected must be true"
