"""Columns of figure frames: what each shows of a figure and of the study, arm, population and source beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from herbtc import terms
from herbtc.query._columns import Column, day, months, number, patients, percentage, text, truth, whole, word
from herbtc.terms import (
    Analysis,
    Assessor,
    Attribution,
    Consequence,
    Endpoint,
    Grade,
    Her2,
    Interval,
    Line,
    Origin,
    PatientReport,
    Ratio,
    Reach,
    Role,
    Sides,
    SourceKind,
    Unit,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from herbtc.query._rows import Row

_MONTHS_PER = {Unit.MONTHS: 1.0, Unit.YEARS: 12.0, Unit.WEEKS: 12 / (365.25 / 7), Unit.DAYS: 12 / 365.25}


def in_months(value: Decimal | Reach | None, row: Row) -> float | None:
    """Return a time in months, whatever its unit; None where there is no number."""
    return (
        None
        if value is None or isinstance(value, Reach)
        else float(value) * _MONTHS_PER[row.figure.unit or Unit.MONTHS]
    )


def _has_interval(row: Row) -> bool:
    return row.figure.low is not None or row.figure.high is not None


def _score(value: Decimal | Reach | None, row: Row) -> float | None:
    # A score has no unit; a time is in months like every other.
    if row.figure.measure is PatientReport.TIME_TO_DETERIORATION:
        return in_months(value, row)
    return None if value is None or isinstance(value, Reach) else float(value)


def p_value(row: Any) -> float | None:
    """Return the p-value of a ratio, or the number that bounds it."""
    return None if row.figure.p is None else float(str(row.figure.p).lstrip("<>"))


def p_bound(row: Any) -> bool | None:
    """Whether the p-value of a ratio is printed as a bound."""
    return None if row.figure.p is None else isinstance(row.figure.p, str)


_FIRST = (
    text("trial", "key of the study", lambda row: row.trial.key, required=True),
    text("arm", "key of the arm within its study", lambda row: row.arm.key, required=True),
    text("population", 'strata of a subgroup joined by " & ", or "all"', lambda row: row.population, required=True),
    text("agents", 'keys of the agents, joined by " + "', lambda row: row.agents, required=True),
    text(
        "mechanism",
        'HER2-directed classes of the arm joined by " + ", else the classes of all its agents',
        lambda row: " + ".join(row.mechanisms),
        required=True,
    ),
    word("line", "line of therapy", Line, lambda row: row.arm.line, ordered=True),
    word("her2", "HER2 group of the population", Her2, lambda row: row.her2, required=True),
    word("endpoint", "what is measured", Endpoint, lambda row: getattr(row.figure, "endpoint", None)),
)
_LAST = (
    text("source", "key of the source within its study", lambda row: row.source.key, required=True),
    word("source_kind", "kind of the source", SourceKind, lambda row: row.source.kind, required=True),
    whole("year", "year of publication", lambda row: row.source.year, least=1950, most=2100),
    day("data_cutoff", "data cut-off", lambda row: row.cutoff),
    months("followup_months", "median follow-up of the report", lambda row: row.source.followup_months),
    text("registry_id", "first registry id of the study", lambda row: next(iter(row.trial.registry_ids), None)),
    text("pmid", "PubMed id of the source", lambda row: row.source.pmid),
    text("doi", "DOI of the source", lambda row: row.source.doi),
    text("locator", "place in the source", lambda row: row.figure.locator, required=True),
    text("suspect", "why the figure is not to be used, where its source misprints it", lambda row: row.figure.suspect),
    text("corrected", "what a folder of your own put right in it, and why", lambda row: row.figure.corrected),
)
_EVENTS = patients("events", "patients with the event", lambda row: row.figure.events)
_N = patients("n", "patients counted", lambda row: row.figure.n)
_PERCENT = percentage("percent", "percentage as printed", lambda row: row.figure.percent)
_LOW = number("low", "lower end of the interval, as printed", lambda row: row.figure.low, least=0)
_HIGH = number("high", "upper end of the interval, as printed", lambda row: row.figure.high, least=0)
_ENDS_IN_PERCENT = tuple(evolve(end, unit="percent", most=100) for end in (_LOW, _HIGH))
_LEVEL = percentage("level", "level of the confidence interval in percent", lambda row: row.figure.level, least=50)
_SIDES = word(
    "sides",
    "two-sided interval, or the end that a one-sided one bounds",
    Sides,
    lambda row: row.figure.sides if _has_interval(row) else None,
)
_ASSESSOR = word("assessor", "who read the scans", Assessor, lambda row: row.figure.assessor)
_ORIGIN = word(
    "origin", "start of the clock, where it is not the start of treatment", Origin, lambda row: row.figure.origin
)
_MEDIAN = number("median", "median, as printed", lambda row: row.figure.median, least=0)
_INTERVAL = word(
    "interval", "what the two ends are", Interval, lambda row: row.figure.interval if _has_interval(row) else None
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "proportions": (
        *_FIRST,
        patients("events", "patients with the event", lambda row: row.figure.events_fixed),
        _N,
        _PERCENT,
        *_ENDS_IN_PERCENT,
        _LEVEL,
        _SIDES,
        _ASSESSOR,
        truth("confirmed", "whether responses were confirmed", lambda row: row.figure.confirmed),
        text("definition", "what the report counts", lambda row: row.figure.definition),
        truth(
            "events_derived",
            "whether events was filled in because percent and n leave one whole number",
            lambda row: row.figure.events is None and row.figure.events_fixed is not None,
            required=True,
        ),
        *_LAST,
    ),
    "durations": (
        *_FIRST,
        months("median_months", "median in months", lambda row: in_months(row.figure.median, row)),
        months("low_months", "lower end in months", lambda row: in_months(row.figure.low, row)),
        months("high_months", "upper end in months", lambda row: in_months(row.figure.high, row)),
        _LEVEL,
        _SIDES,
        _INTERVAL,
        truth(
            "not_reached",
            "whether the median was not reached",
            lambda row: row.figure.median is Reach.NOT_REACHED,
            required=True,
        ),
        word(
            "high_status",
            "what stands in place of the upper end",
            Reach,
            lambda row: row.figure.high if isinstance(row.figure.high, Reach) else None,
        ),
        _ASSESSOR,
        _N,
        _ORIGIN,
        *_LAST,
    ),
    "landmarks": (
        *_FIRST,
        months("at_months", "time of the rate in months", lambda row: in_months(row.figure.at, row), required=True),
        _PERCENT,
        *_ENDS_IN_PERCENT,
        _LEVEL,
        _ASSESSOR,
        _N,
        _ORIGIN,
        *_LAST,
    ),
    "contrasts": (
        *_FIRST,
        word("kind", "kind of ratio", Ratio, lambda row: row.figure.kind, required=True),
        number("estimate", "ratio, arm over reference", lambda row: row.figure.estimate, required=True, least=0),
        _LOW,
        _HIGH,
        _LEVEL,
        _SIDES,
        text("reference_arm", "arm in the denominator", lambda row: row.figure.reference_arm, required=True),
        text(
            "reference_population",
            "population in the denominator",
            lambda row: row.figure.reference_population or terms.EVERYONE,
            required=True,
        ),
        word("role", "what is compared", Role, lambda row: row.figure.role, required=True),
        word("analysis", "how it was estimated", Analysis, lambda row: row.figure.analysis),
        _ASSESSOR,
        number("p", "p-value, or its bound", p_value, least=0, most=1),
        truth("p_is_bound", "whether p is known only to lie below (or above) that value", p_bound),
        whole("p_sides", "sides of the test", lambda row: row.figure.p_sides, least=1, most=2),
        _N,
        *_LAST,
    ),
    "baseline": (
        *_FIRST,
        text("item", "characteristic at entry", lambda row: row.figure.item, required=True),
        _EVENTS,
        _N,
        _PERCENT,
        _MEDIAN,
        _LOW,
        _HIGH,
        _INTERVAL,
        *_LAST,
    ),
    "adverse_events": (
        *_FIRST,
        text("term", 'MedDRA preferred term; "any" for any event', lambda row: row.figure.term, required=True),
        word("grade", "CTCAE grade or band of grades", Grade, lambda row: row.figure.grade, required=True),
        word(
            "attribution",
            "all causes or treatment-related",
            Attribution,
            lambda row: row.figure.attribution,
            required=True,
        ),
        text(
            "related_to",
            "agent that the event is attributed to, where it is one of several",
            lambda row: row.figure.related_to,
        ),
        truth("serious", "whether only serious events are counted", lambda row: row.figure.serious),
        word(
            "consequence",
            "what the event led to, where only such events are counted",
            Consequence,
            lambda row: row.figure.consequence,
        ),
        _EVENTS,
        _N,
        _PERCENT,
        *_LAST,
    ),
    "patient_reported": (
        *_FIRST,
        text("instrument", "questionnaire", lambda row: row.figure.instrument, required=True),
        text("scale", "scale of the questionnaire", lambda row: row.figure.scale, required=True),
        word(
            "measure",
            "share by how patients fared, score, change or time",
            PatientReport,
            lambda row: row.figure.measure,
            required=True,
        ),
        months("at_months", "time of the answer in months", lambda row: in_months(row.figure.at, row)),
        _EVENTS,
        _N,
        _PERCENT,
        number("estimate", "score or change; months of a time", lambda row: _score(row.figure.estimate, row)),
        number("low", "lower end of the interval", lambda row: _score(row.figure.low, row)),
        number("high", "upper end of the interval", lambda row: _score(row.figure.high, row)),
        _LEVEL,
        _INTERVAL,
        *_LAST,
    ),
}
"""The columns of each frame of figures, in order, with dtype and meaning."""
