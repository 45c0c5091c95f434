"""Figures: what a study reported, in seven kinds."""

import re
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from attrs import field, fields_dict, frozen

from herbtc.models._record import NOT_IN_FILES, Record, Rule, key_rule, ordered, some, together, within
from herbtc.terms import (
    Analysis,
    Assessor,
    Attribution,
    Consequence,
    Endpoint,
    Grade,
    Interval,
    Origin,
    PatientReport,
    Ratio,
    Reach,
    Role,
    Sides,
    Unit,
)

_LEAST_LEVEL, _ABOVE_LEVELS = 50, 100
LEVEL = Rule(
    ("level",),
    lambda level: _LEAST_LEVEL <= level < _ABOVE_LEVELS,
    f"expected the level of an interval in percent, from {_LEAST_LEVEL} to below {_ABOVE_LEVELS}, got {{0}}",
    of_value={"minimum": _LEAST_LEVEL, "exclusiveMaximum": _ABOVE_LEVELS},
)
PERCENT_INTERVAL = (
    within("low", 0, 100),
    within("high", 0, 100),
    ordered("low", "high"),
    LEVEL,
    together("level", "low", "high"),
)
COUNTS = (within("events", 0, 10**7), within("n", 0, 10**7), within("percent", 0, 100), ordered("events", "n"))
SHARE = some("events", "percent", expected="expected events or percent")
RATIO = (
    within("n", 0, 10**7),
    *(within(name, 0, 10**4) for name in ("estimate", "low", "high")),
    Rule(
        ("estimate",),
        lambda estimate: estimate > 0,
        "expected a ratio above 0, got {0}",
        of_value={"exclusiveMinimum": 0},
    ),
    ordered("low", "high"),
    LEVEL,
    together("level", "low", "high"),
    within("p_sides", 1, 2),
    together("p_sides", "p"),
    Rule(
        ("p",),
        lambda p: (
            (0 <= p <= 1) if isinstance(p, Decimal) else p is None or re.fullmatch(r"[<>][01]?\.[0-9]+", p) is not None
        ),
        "expected a number from 0 to 1, or one with its sign such as '<0.001', got {0}",
    ),
)
VALUES = (
    *("n", "events", "percent", "median", "estimate", "low", "high", "level", "sides", "interval", "unit"),
    *("p", "p_sides", "interval_method", "locator", "suspect", "note", "corrected"),
)
"""The fields of figures that hold what a report prints, and remarks on it; all others say what the figure is about."""

_TIME_ENDPOINT = Rule(
    ("endpoint",), lambda endpoint: endpoint.is_time, "expected one of pfs os dor ttr rfs ttp, got {0}"
)
_LONGEST = 10**5


@frozen(kw_only=True, repr=False)
class Figure(Record):
    """What every figure carries: whose it is, where it was read, how many patients stand behind it.

    `corrected` is no part of a file: it says what a folder that extends the evidence put right in the figure, and why.
    """

    arm: str
    source: str
    locator: str
    population: str | None = None
    n: int | None = None
    cutoff: date | None = None
    suspect: str | None = None
    note: str | None = None
    corrected: str | None = field(default=None, metadata=NOT_IN_FILES)

    @property
    def about(self) -> tuple[tuple[str, Any], ...]:
        """What the figure is about: every field that is not in `VALUES`, by name; two figures of a study differ in it.

        Examples
        --------
        >>> import herbtc
        >>> figure = herbtc.load().trial("sgntuc-019").figures.proportions[0]
        >>> dict(figure.about)["endpoint"]
        <Endpoint.ORR: 'orr'>
        """
        return tuple((name, getattr(self, name)) for name in fields_dict(type(self)) if name not in VALUES)


@frozen(kw_only=True, repr=False)
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
        Rule(
            ("endpoint",), lambda endpoint: not endpoint.is_time, "expected one of orr dcr cbr cr pr sd pd ne, got {0}"
        ),
        *COUNTS,
        SHARE,
        *PERCENT_INTERVAL,
    )

    @property
    def events_fixed(self) -> int | None:
        """Events as printed, or the one whole number that percent and n leave; None if there is none or several.

        Examples
        --------
        >>> from decimal import Decimal
        >>> from herbtc.models import Proportion
        >>> from herbtc.terms import Endpoint
        >>> orr = {"arm": "btc", "source": "author-2020", "locator": "Abstract", "endpoint": Endpoint.ORR}
        >>> Proportion(**orr, percent=Decimal("46.7"), n=30).events_fixed
        14
        >>> Proportion(**orr, percent=Decimal("47"), n=300).events_fixed is None
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


@frozen(kw_only=True, repr=False)
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
        ordered("low", "high"),
        LEVEL,
        together("level", "low", "high"),
        Rule(
            ("level", "interval"),
            lambda _, interval: interval is Interval.CI,
            "expected no level for a {1}",
        ),
    )


@frozen(kw_only=True, repr=False)
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

    RULES: ClassVar[tuple[Rule, ...]] = (_TIME_ENDPOINT, within("at", 0, _LONGEST), *COUNTS, *PERCENT_INTERVAL)


@frozen(kw_only=True, repr=False)
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
        *RATIO,
        Rule(
            ("reference_arm", "arm", "reference_population", "population"),
            lambda reference, arm, *populations: reference != arm or populations[0] != populations[1],
            "expected another arm or population than the one that is compared with it",
        ),
    )


@frozen(kw_only=True, repr=False)
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
        *COUNTS,
        *(within(name, 0, _LONGEST) for name in ("median", "low", "high")),
        ordered("low", "high"),
        some("events", "percent", "median", "low", expected="expected events, percent, median or a range"),
        together("interval", "low", "high"),
    )


@frozen(kw_only=True, repr=False)
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

    RULES: ClassVar[tuple[Rule, ...]] = (key_rule("term"), *COUNTS, SHARE)


@frozen(kw_only=True, repr=False)
class PatientReported(Figure):
    """What patients said of their health: how many fared better or worse, or a score and its change."""

    instrument: str
    scale: str
    measure: PatientReport
    at: Decimal | None = None
    unit: Unit | None = None
    events: int | None = None
    percent: Decimal | None = None
    estimate: Decimal | Reach | None = None
    low: Decimal | Reach | None = None
    high: Decimal | Reach | None = None
    level: Decimal | None = None
    interval: Interval | None = None
    definition: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("instrument"),
        key_rule("scale"),
        *COUNTS,
        within("at", 0, _LONGEST),
        Rule(
            ("measure", "events", "percent", "estimate"),
            lambda measure, events, percent, estimate: (
                (events is not None or percent is not None) and estimate is None
                if measure.is_share
                else estimate is not None and events is None and percent is None
            ),
            "expected events or percent of a share, and an estimate of anything else",
        ),
        ordered("low", "high"),
        LEVEL,
        together("level", "low", "high"),
        together("unit", "at", "estimate"),
    )


@frozen(kw_only=True, repr=False)
class Figures(Record):
    """All figures of a study, by kind."""

    proportions: tuple[Proportion, ...] = ()
    durations: tuple[Duration, ...] = ()
    landmarks: tuple[Landmark, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    baseline: tuple[Baseline, ...] = ()
    adverse_events: tuple[AdverseEvent, ...] = ()
    patient_reported: tuple[PatientReported, ...] = ()


FIGURE_KINDS = tuple(fields_dict(Figures))
"""The sections of figures: proportions, durations, landmarks, contrasts, baseline, adverse events, patient-reported."""
