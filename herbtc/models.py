"""Frozen records: what an agent is, what a trial did and reported, and where that was read.

Every record checks itself when it is made: a value that cannot be raises `herbtc.DataError` with all its faults.
Numbers are `decimal.Decimal` with the digits of the source; None means *not reported*.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, fields_dict, frozen

from herbtc import terms
from herbtc.errors import DataError, Problem, look_up
from herbtc.terms import (
    Analysis,
    Assessor,
    Attribution,
    Consequence,
    Design,
    Endpoint,
    Grade,
    Interval,
    Laboratory,
    Line,
    MechanismClass,
    Origin,
    Phase,
    Ratio,
    Reach,
    Role,
    Sides,
    Site,
    SourceKind,
    Status,
    Stratum,
    Unit,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KEY = re.compile(r"[a-z0-9]+(?:[-+./][a-z0-9]+|\+)*")
"""What keys of records look like: lower case, hyphens, and what HER2 scores need (``ihc-3+``)."""


@frozen
class Rule:
    """Something that must hold between fields of one record.

    Attributes
    ----------
    fields : tuple of str
        The fields it looks at; the first is named where the rule is broken.
    holds : callable
        Takes the values of the fields, None where not reported.
    expected : str
        What must be, in words; ``{0}``, ``{1}`` … stand for the values.
    """

    fields: tuple[str, ...]
    holds: Callable[..., bool]
    expected: str


def within(name: str, low: float, high: float) -> Rule:
    """Rule that a number, if there is one, lies from `low` to `high`."""
    return Rule(
        (name,),
        lambda value: value is None or isinstance(value, Reach) or low <= value <= high,
        f"expected a number from {low} to {high}, got {{0}}",
    )


def key_rule(name: str) -> Rule:
    """Rule that a field is a key in lower case with hyphens."""
    return Rule(
        (name,),
        lambda value: KEY.fullmatch(value) is not None,
        "expected a key in lower case with hyphens, got {0!r}",
    )


def _ordered(low: str, high: str) -> Rule:
    # A misprint is kept as printed, so a suspect figure may break the order of its numbers.
    return Rule(
        (low, high, "suspect"),
        lambda a, b, suspect: suspect is not None or not isinstance(a, (int, Decimal)) or not isinstance(b, (int, Decimal)) or a <= b,
        f"expected {low} ≤ {high}, got {{0}} > {{1}}",
    )


def _together(name: str, *others: str) -> Rule:
    return Rule(
        (name, *others),
        lambda value, *rest: value is None or any(other is not None for other in rest),
        f"expected {' or '.join(others)} beside {name}",
    )


_LEVEL = Rule(
    ("level",),
    lambda level: level is None or 50 <= level < 100,  # noqa: PLR2004
    "expected the level of an interval in percent, from 50 to below 100, got {0}",
)
_PERCENT_INTERVAL = (within("low", 0, 100), within("high", 0, 100), _ordered("low", "high"), _LEVEL, _together("level", "low", "high"))
_COUNTS = (within("events", 0, 10**7), within("n", 0, 10**7), within("percent", 0, 100), _ordered("events", "n"))
_SHARE = Rule(
    ("events", "percent"),
    lambda events, percent: events is not None or percent is not None,
    "expected events or percent",
)
_TIME_ENDPOINT = Rule(("endpoint",), lambda endpoint: endpoint.is_time, "expected one of pfs os dor ttr, got {0}")
_LONGEST = 10**5


def broken(rules: tuple[Rule, ...], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield field and message of each rule that does not hold; rules over fields absent from `values` are passed over."""
    for rule in rules:
        if all(name in values for name in rule.fields):
            seen = [values[name] for name in rule.fields]
            if not rule.holds(*seen):
                yield rule.fields[0], rule.expected.format(*seen)


@frozen(kw_only=True)
class Record:
    """What all records share: they check their rules when made."""

    RULES: ClassVar[tuple[Rule, ...]] = ()

    def __attrs_post_init__(self) -> None:
        """Raise DataError if a rule of the class is broken."""
        rules = self.RULES
        if rules:
            values = {name: getattr(self, name) for name in fields_dict(type(self))}
            faults = tuple(Problem("", name, message) for name, message in broken(rules, values))
            if faults:
                raise DataError(type(self).__name__, faults)


# --- where it was read ------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Source(Record):
    """A report that was read: a paper, an abstract, a label, a registry record, a news page."""

    key: str
    kind: SourceKind
    title: str
    year: int | None = None
    first_author: str | None = None
    published: date | None = None
    venue: str | None = None
    pmid: str | None = None
    doi: str | None = None
    url: str | None = None
    cutoffs: tuple[date, ...] = ()
    followup_months: Decimal | None = None
    via: str | None = None
    seen: tuple[str, ...] = ()
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("year", 1950, 2100),
        within("followup_months", 0, 1000),
        Rule(("pmid",), lambda pmid: pmid is None or re.fullmatch(r"[1-9]\d{0,8}", pmid) is not None, "expected a PubMed id, got {0!r}"),
        Rule(("doi",), lambda doi: doi is None or re.fullmatch(r"10\.\d{4,9}/\S+", doi) is not None, "expected a DOI like 10.1016/…, got {0!r}"),
        *(
            Rule((name,), lambda url: url is None or re.fullmatch(r"https?://\S+\.\S+", url) is not None, "expected a web address, got {0!r}")
            for name in ("url", "via")
        ),
        Rule(
            ("pmid", "doi", "url", "via"),
            lambda *names: any(name is not None for name in names),
            "expected a pmid, doi, url or via, so that a reader can find the source",
        ),
        Rule(
            ("published", "year"),
            lambda published, year: published is None or year is None or abs(published.year - year) <= 1,
            "expected a day within a year of the year of publication {1}, got {0}",
        ),
    )

    @property
    def day(self) -> date:
        """Day of publication; the first of January where only the year is known, day one of the calendar where nothing is."""
        return self.published or date(self.year or 1, 1, 1)

    @property
    def link(self) -> str:
        """Address at which a reader finds the source."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        if self.pmid:
            return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/"
        return self.url or self.via or ""


# --- agents -----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Mechanism(Record):
    """A class of agents and how it acts."""

    key: MechanismClass
    name: str
    action: str
    source: str | None = None
    locator: str | None = None
    note: str | None = None

    @property
    def her2_directed(self) -> bool:
        """Whether agents of the class act on HER2."""
        return self.key.her2_directed


@frozen(kw_only=True)
class Target(Record):
    """A molecule that an agent binds, and where on it."""

    molecule: str
    epitope: str | None = None
    source: str | None = None
    locator: str | None = None
    note: str | None = None


@frozen(kw_only=True)
class Identifier(Record):
    """A code of an agent in a public system, with the file it was read in."""

    system: str
    code: str
    source: str


@frozen(kw_only=True)
class DrugAntibodyRatio(Record):
    """One printed drug-antibody ratio, a value or a range; sources that disagree stand side by side."""

    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 100) for name in ("value", "low", "high")),
        Rule(
            ("value", "low", "high"),
            lambda value, low, high: (value is None) == (low is not None and high is not None and low <= high),
            "expected either a value, or low and high in order",
        ),
    )


@frozen(kw_only=True)
class Conjugate(Record):
    """The parts of an antibody-drug conjugate."""

    antibody: str
    payload: str
    payload_class: str | None = None
    linker: str | None = None
    cleavable: bool | None = None
    bystander: bool | None = None
    ratios: tuple[DrugAntibodyRatio, ...] = ()
    source: str | None = None
    locator: str | None = None
    note: str | None = None


@frozen(kw_only=True)
class Agent(Record):
    """A drug: what it is, what it binds, and by which names it goes."""

    key: str
    name: str
    mechanism: MechanismClass
    format: str | None = None
    targets: tuple[Target, ...] = ()
    synonyms: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    developers: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    conjugate: Conjugate | None = None
    source: str | None = None
    locator: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        Rule(
            ("conjugate", "mechanism"),
            lambda conjugate, mechanism: conjugate is None or mechanism is MechanismClass.ANTIBODY_DRUG_CONJUGATE,
            "expected a conjugate only of an antibody-drug-conjugate, not of a {1}",
        ),
    )


# --- what a study was -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Population(Record):
    """A subgroup of an arm: the patients in all of its strata."""

    strata: tuple[Stratum, ...]
    n: int | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("n", 0, 10**7),
        Rule(
            ("strata",),
            lambda strata: bool(strata) and len({stratum.partition for stratum in strata}) == len(strata),
            "expected one or more strata, each of another partition",
        ),
    )

    @property
    def key(self) -> str:
        """Name of the population: its strata joined by " & "."""
        return terms.population(self.strata)


@frozen(kw_only=True)
class Testing(Record):
    """How the HER2 status of an arm's patients was found."""

    test: str | None = None
    clone: str | None = None
    scoring: str | None = None
    specimen: str | None = None
    laboratory: Laboratory | None = None
    timing: str | None = None
    source: str
    locator: str
    note: str | None = None


@frozen(kw_only=True)
class Hypothesis(Record):
    """What an arm was planned to show, and whether it did; rates, alpha and power in percent."""

    endpoint: Endpoint | None = None
    p0: Decimal | None = None
    p1: Decimal | None = None
    alpha: Decimal | None = None
    alpha_sides: int | None = None
    power: Decimal | None = None
    stages: int | None = None
    planned_n: int | None = None
    primary: bool | None = None
    met: bool | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 100) for name in ("p0", "p1", "alpha", "power")),
        within("alpha_sides", 1, 2),
        within("stages", 1, 10),
        within("planned_n", 1, 10**7),
    )


@frozen(kw_only=True)
class Arm(Record):
    """A group of patients with one treatment."""

    key: str
    label: str
    agents: tuple[str, ...]
    her2_selected: bool
    btc_only: bool
    n: int | None = None
    line: Line | None = None
    dose: str | None = None
    sites: tuple[Site, ...] = ()
    definition: str | None = None
    parts: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    populations: tuple[Population, ...] = ()
    testing: Testing | None = None
    hypothesis: Hypothesis | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("n", 0, 10**7),
        Rule(("agents",), bool, "expected at least one agent"),
        Rule(
            ("definition", "her2_selected"),
            lambda definition, selected: definition is None or selected,
            "expected no HER2 definition where her2_selected is false",
        ),
    )


# --- what it reported -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Figure(Record):
    """What every figure carries: whose it is, where it was read, how many patients stand behind it."""

    arm: str
    source: str
    locator: str
    population: str | None = None
    n: int | None = None
    cutoff: date | None = None
    suspect: str | None = None
    note: str | None = None


@frozen(kw_only=True)
class Proportion(Figure):
    """A share of patients: a response rate, disease control, a best response."""

    endpoint: Endpoint
    events: int | None = None
    percent: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    assessor: Assessor | None = None
    confirmed: bool | None = None
    definition: str | None = None
    interval_method: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(("endpoint",), lambda endpoint: not endpoint.is_time, "expected one of orr dcr cbr cr pr sd pd ne, got {0}"),
        *_COUNTS,
        _SHARE,
        *_PERCENT_INTERVAL,
    )

    @property
    def events_fixed(self) -> int | None:
        """Events as printed, or the one whole number that percent and n leave; None if there is none or several.

        Examples
        --------
        >>> from decimal import Decimal
        >>> from herbtc.models import Proportion
        >>> where = {"arm": "a", "source": "s-2020", "locator": "Abstract"}
        >>> Proportion(**where, endpoint="orr", percent=Decimal("46.7"), n=30).events_fixed
        14
        >>> Proportion(**where, endpoint="orr", percent=Decimal("47"), n=300).events_fixed is None
        True
        """
        if self.events is not None or self.percent is None or not self.n:
            return self.events
        # Whole numbers whose percentage rounds to the printed one, whichever way a half was rounded.
        exponent = self.percent.as_tuple().exponent
        half = Decimal((0, (5,), min(exponent, 0) - 1)) if isinstance(exponent, int) else Decimal(0)
        least, most = ((self.percent + sign * half) * self.n / 100 for sign in (-1, 1))
        first = max(0, -int(-least // 1) if least > 0 else 0)
        fitting = [x for x in range(first, min(int(most), self.n) + 1) if least <= x <= most]
        return fitting[0] if len(fitting) == 1 else None


@frozen(kw_only=True)
class Duration(Figure):
    """A median time with its interval or range, in the unit of its source."""

    endpoint: Endpoint
    median: Decimal | Reach
    low: Decimal | Reach | None = None
    high: Decimal | Reach | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    interval: Interval = Interval.CI
    unit: Unit = Unit.MONTHS
    assessor: Assessor | None = None
    origin: Origin | None = None
    definition: str | None = None
    interval_method: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        _TIME_ENDPOINT,
        within("n", 0, 10**7),
        *(within(name, 0, _LONGEST) for name in ("median", "low", "high")),
        _ordered("low", "high"),
        _LEVEL,
        _together("level", "low", "high"),
        Rule(
            ("level", "interval"),
            lambda level, interval: level is None or interval is Interval.CI,
            "expected no level for a {1}",
        ),
    )


@frozen(kw_only=True)
class Landmark(Figure):
    """The share of patients without the event at a time."""

    endpoint: Endpoint
    at: Decimal
    percent: Decimal
    events: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    unit: Unit = Unit.MONTHS
    assessor: Assessor | None = None
    origin: Origin | None = None
    definition: str | None = None
    interval_method: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (_TIME_ENDPOINT, within("at", 0, _LONGEST), *_COUNTS, *_PERCENT_INTERVAL)


@frozen(kw_only=True)
class Contrast(Figure):
    """A ratio of one arm (or population) over another."""

    endpoint: Endpoint
    kind: Ratio
    reference_arm: str
    role: Role
    estimate: Decimal
    reference_population: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    analysis: Analysis | None = None
    assessor: Assessor | None = None
    p: Decimal | str | None = None
    p_sides: int | None = None
    definition: str | None = None
    interval_method: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("n", 0, 10**7),
        *(within(name, 0, 10**4) for name in ("estimate", "low", "high")),
        Rule(("estimate",), lambda estimate: estimate > 0, "expected a ratio above 0, got {0}"),
        _ordered("low", "high"),
        _LEVEL,
        _together("level", "low", "high"),
        within("p_sides", 1, 2),
        _together("p_sides", "p"),
        Rule(
            ("p",),
            lambda p: (0 <= p <= 1) if isinstance(p, Decimal) else p is None or re.fullmatch(r"[<>][01]?\.\d+", p) is not None,
            "expected a number from 0 to 1, or one with its sign such as '<0.001', got {0!r}",
        ),
        Rule(
            ("reference_arm", "arm", "reference_population", "population"),
            lambda reference, arm, *populations: reference != arm or populations[0] != populations[1],
            "expected another arm or population than the one that is compared with it",
        ),
    )


@frozen(kw_only=True)
class Baseline(Figure):
    """A characteristic of the patients at entry: a count, or a median with its range."""

    item: str
    events: int | None = None
    percent: Decimal | None = None
    median: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    interval: Interval | None = None
    definition: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("item"),
        *_COUNTS,
        *(within(name, 0, _LONGEST) for name in ("median", "low", "high")),
        _ordered("low", "high"),
        Rule(
            ("events", "percent", "median", "low"),
            lambda *values: any(value is not None for value in values),
            "expected events, percent, median or a range",
        ),
        _together("interval", "low", "high"),
    )


@frozen(kw_only=True)
class AdverseEvent(Figure):
    """How many patients had an adverse event of a grade."""

    term: str
    grade: Grade
    attribution: Attribution
    related_to: str | None = None
    serious: bool | None = None
    consequence: Consequence | None = None
    events: int | None = None
    percent: Decimal | None = None
    definition: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (key_rule("term"), *_COUNTS, _SHARE)


@frozen(kw_only=True)
class Figures(Record):
    """All figures of a study, by kind."""

    proportions: tuple[Proportion, ...] = ()
    durations: tuple[Duration, ...] = ()
    landmarks: tuple[Landmark, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    baseline: tuple[Baseline, ...] = ()
    adverse_events: tuple[AdverseEvent, ...] = ()


@frozen(kw_only=True, cache_hash=True)
class Trial(Record):
    """A study: what it was, who was treated, what was reported, and where."""

    key: str
    name: str
    design: Design
    registry_ids: tuple[str, ...] = ()
    phase: Phase | None = None
    status: Status | None = None
    planned_n: int | None = None
    countries: tuple[str, ...] = ()
    sponsor: str | None = None
    overlaps: tuple[str, ...] = ()
    reviewed: date | None = None
    note: str | None = None
    sources: tuple[Source, ...] = ()
    arms: tuple[Arm, ...] = ()
    figures: Figures = field(factory=Figures)

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("planned_n", 0, 10**7),
        Rule(
            ("countries",),
            lambda countries: all(re.fullmatch(r"[A-Z]{2}", code) for code in countries),
            "expected ISO 3166 alpha-2 codes, got {0}",
        ),
    )

    def arm(self, key: str) -> Arm:
        """Return the arm with this key."""
        return look_up("arm", key, {arm.key: arm for arm in self.arms})

    def source(self, key: str) -> Source:
        """Return the source with this key."""
        return look_up("source", key, {source.key: source for source in self.sources})
