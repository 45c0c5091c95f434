"""Rules of curation over the shipped evidence: one rule a test, one case a record; the message says what to do.

A figure that breaks a rule of arithmetic is either our slip (mend it) or its source's (keep it, with `suspect`).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import herbtc
from herbtc.models import FIGURE_KINDS
from herbtc.synthesis import exact_interval
from herbtc.terms import Endpoint, Interval, Sides

if TYPE_CHECKING:
    from herbtc.models import Arm, Source, Trial

CATALOG = herbtc.load()
TRIALS = CATALOG.trials
FIGURES = [
    pytest.param(trial, figure, id=f"{trial.key}-{kind}-{place}")
    for trial in TRIALS
    for kind in FIGURE_KINDS
    for place, figure in enumerate(getattr(trial.figures, kind))
]
SOURCES = [pytest.param(trial, source, id=f"{trial.key}-{source.key}") for trial in TRIALS for source in trial.sources]
ARMS = [pytest.param(trial, arm, id=f"{trial.key}-{arm.key}") for trial in TRIALS for arm in trial.arms]
COUNTED = [case for case in FIGURES if hasattr(case.values[1], "percent") and not hasattr(case.values[1], "at")]

# Arms selected by HER2 whose definition was not found.
UNDEFINED = {("mypathway", "btc-2017"), ("mypathway", "all-tumours"), ("sgntuc-019", "all-tumours")}
# Percentages that their sources cut off instead of rounding.
CUT_OFF = {("tab", "ostwal-2024", "orr"), ("abc-06", "lamarca-2019b", "any")}
# A percentage that is no whole number of its patients, kept because it may be adjusted for the design of the trial.
NOT_WHOLE = {("tapur", "cannon-2024", "dcr")}


def name(figure: Any) -> str:
    """Return what a figure is about."""
    return str(getattr(figure, "endpoint", None) or getattr(figure, "item", None) or figure.term)


def half(printed: Decimal) -> Decimal:
    """Return how far a value may lie from its printed digits."""
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal((0, (5,), min(exponent, 0) - 1))


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_study_says_when_it_was_last_reviewed(trial: Trial) -> None:
    assert trial.reviewed is not None, "add reviewed = the day you compared the file with its sources"


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_study_has_a_registry_id(trial: Trial) -> None:
    assert trial.registry_ids, "add registry_ids, the NCT number first"


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_a_study_has_response_and_survival(trial: Trial) -> None:
    measured = {str(figure.endpoint) for figure in trial.figures.proportions}
    measured |= {str(figure.endpoint) for figure in trial.figures.durations}
    wanted = {"orr"} if trial.key == "zanidatamab-first-in-human" else {"orr", "pfs"}
    if trial.key == "abc-02":
        wanted |= {"os"}
    assert wanted <= measured, "a study needs its core figures, or a line here that says which could not be reached"


@pytest.mark.parametrize(("trial", "source"), SOURCES)
def test_addresses_are_public_names(trial: Trial, source: Source) -> None:
    bare = [
        link for link in (source.link, *source.seen) if re.search(r"//[\d.]+[:/]|localhost|vercel|platformsh", link)
    ]
    assert bare == [], f"{trial.key}: write the public address of the page, not that of a copy"


@pytest.mark.parametrize(("trial", "source"), SOURCES)
def test_no_cutoff_comes_after_publication(trial: Trial, source: Source) -> None:
    late = [day for day in source.cutoffs if source.published and day > source.published]
    assert late == [], f"{trial.key}: a report cannot be older than its data"


@pytest.mark.parametrize(("trial", "source"), SOURCES)
def test_a_source_without_figures_says_why_it_is_there(trial: Trial, source: Source) -> None:
    used = {figure.source for kind in FIGURE_KINDS for figure in getattr(trial.figures, kind)}
    used |= {facts.source for arm in trial.arms for facts in (arm.testing, arm.hypothesis) if facts}
    assert source.key in used or source.note, "use the source, say in a note what it was good for, or remove it"


@pytest.mark.parametrize(("trial", "arm"), ARMS)
def test_a_selected_arm_names_its_definition(trial: Trial, arm: Arm) -> None:
    named = arm.definition is not None
    assert named == (arm.her2_selected and (trial.key, arm.key) not in UNDEFINED)


@pytest.mark.parametrize(("trial", "arm"), ARMS)
def test_parts_are_not_larger_than_their_whole(trial: Trial, arm: Arm) -> None:
    for part in map(trial.arm, arm.parts):
        assert part.n is None or arm.n is None or part.n <= arm.n


@pytest.mark.parametrize(("trial", "figure"), FIGURES)
def test_a_confidence_interval_has_a_level(trial: Trial, figure: Any) -> None:
    if getattr(figure, "low", None) is None and getattr(figure, "high", None) is None:
        return
    if hasattr(figure, "level") and getattr(figure, "interval", Interval.CI) is Interval.CI:
        assert figure.level is not None, f"{trial.key}: add level, as the report states it"


@pytest.mark.parametrize(("trial", "figure"), FIGURES)
def test_a_figure_counts_no_more_patients_than_its_group_has(trial: Trial, figure: Any) -> None:
    arm = trial.arm(figure.arm)
    sizes = {population.key: population.n for population in arm.populations}
    size = sizes[figure.population] if figure.population else arm.n
    if hasattr(figure, "reference_arm") and figure.reference_arm != figure.arm and size is not None:
        reference = trial.arm(figure.reference_arm)
        others = {population.key: population.n for population in reference.populations}
        other = others[figure.reference_population] if figure.reference_population else reference.n
        size = None if other is None else size + other
    # A trial may report on all who were randomised where its arms hold those who were analysed.
    if (trial.key, figure.source) == ("nifty", "hyung-2023"):
        size = 178
    assert figure.n is None or size is None or figure.n <= size


@pytest.mark.parametrize(("trial", "figure"), COUNTED)
def test_a_percentage_is_its_events_over_its_patients(trial: Trial, figure: Any) -> None:
    if figure.suspect or None in (figure.events, figure.percent, figure.n) or figure.n == 0:
        return
    off = abs(Decimal(100 * figure.events) / figure.n - figure.percent)
    slack = 2 if (trial.key, figure.source, name(figure)) in CUT_OFF else 1
    assert off <= slack * half(figure.percent) + Decimal("1e-9")


@pytest.mark.parametrize(("trial", "figure"), COUNTED)
def test_a_percentage_is_a_whole_number_of_its_patients(trial: Trial, figure: Any) -> None:
    if figure.suspect or figure.events is not None or None in (figure.percent, figure.n):
        return
    least, most = ((figure.percent + sign * half(figure.percent)) * figure.n / 100 for sign in (-1, 1))
    whole = any(least <= events <= most for events in range(int(least), int(most) + 2))
    assert whole != ((trial.key, figure.source, name(figure)) in NOT_WHOLE)


@pytest.mark.parametrize(("trial", "figure"), [case for case in FIGURES if "proportions" in str(case.id)])
def test_printed_intervals_of_rates_are_exact(trial: Trial, figure: Any) -> None:
    events = figure.events_fixed
    two = figure.sides is Sides.TWO and figure.low is not None and figure.high is not None
    if figure.suspect or not two or figure.level is None or events is None or not figure.n:
        return
    low, high = exact_interval(np.array([events]), np.array([figure.n]), float(figure.level) / 100)
    for computed, printed in ((low[0], figure.low), (high[0], figure.high)):
        # A computed end may fall on the edge between two roundings.
        assert abs(100 * float(computed) - float(printed)) <= float(half(printed)) + 0.051, trial.key


@pytest.mark.parametrize(("trial", "figure"), [case for case in FIGURES if "durations" in str(case.id)])
def test_a_median_lies_inside_its_interval(trial: Trial, figure: Any) -> None:
    ends = [each for each in (figure.low, figure.median, figure.high) if isinstance(each, Decimal)]
    assert figure.suspect or ends == sorted(ends), trial.key


@pytest.mark.parametrize(("trial", "figure"), [case for case in FIGURES if "contrasts" in str(case.id)])
def test_a_ratio_lies_inside_its_interval(trial: Trial, figure: Any) -> None:
    ends = [each for each in (figure.low, figure.estimate, figure.high) if each is not None]
    assert figure.suspect or ends == sorted(ends), trial.key


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_best_responses_of_one_report_add_up_to_no_more_than_its_patients(trial: Trial) -> None:
    best = (Endpoint.CR, Endpoint.PR, Endpoint.SD, Endpoint.PD, Endpoint.NE)
    sums: dict[tuple[Any, ...], dict[Endpoint, int]] = {}
    for figure in trial.figures.proportions:
        if figure.endpoint in best and figure.events is not None and figure.n and not figure.suspect:
            group = (figure.arm, figure.population, figure.source, figure.cutoff, figure.assessor, figure.n)
            sums.setdefault(group, {})[figure.endpoint] = figure.events
    for group, counts in sums.items():
        assert sum(counts.values()) <= group[-1], group


HER2_AGENTS = [agent for agent in CATALOG.agents if agent.mechanism.her2_directed]


@pytest.mark.parametrize("agent", HER2_AGENTS, ids=lambda agent: agent.key)
def test_a_her2_directed_agent_names_its_target_and_source(agent: Any) -> None:
    assert any("HER2" in target.molecule for target in agent.targets)
    assert agent.source is not None
    assert agent.locator is not None


@pytest.mark.parametrize(
    "agent", [agent for agent in HER2_AGENTS if "conjugate" in agent.mechanism], ids=lambda agent: agent.key
)
def test_a_conjugate_has_its_parts_and_a_printed_ratio(agent: Any) -> None:
    assert agent.conjugate is not None
    assert agent.conjugate.payload
    assert agent.conjugate.ratios


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
    labels = {"ziihera-label", "enhertu-solid-tumour-label", "herb"}
    assert {definition.key for definition in CATALOG.definitions} - used <= labels


def test_the_release_is_the_version() -> None:
    assert CATALOG.release == herbtc.__version__
