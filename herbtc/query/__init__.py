"""Questions to a catalog, answered in tidy DataFrames: one function per kind of record.

Every function takes keyword arguments only, returns a new frame with a fixed set of columns and dtypes (also when it
is empty), sorted the same way each time. An unknown word in any filter raises `herbtc.UnknownKeyError`, which names
the nearest words that exist.

**Filters** of all functions about figures: ``trial arm agent mechanism line her2 site population assessor`` take one
word or several; ``confirmed her2_directed her2_selected btc_only`` take True or False; None, the default, filters
nothing. A filter by `her2` or `site` returns populations that are in that group, never populations that include it.

**Reports.** ``reports="primary"`` gives one row per arm and endpoint: the newest cut-off (else the newest publication),
then the better kind of source, independent before investigator, confirmed before unconfirmed; for the arm's whole
population (those who could be assessed stand for it where nothing else is printed) unless a population, a HER2 group or
a site is asked for; and no patient twice. Where cut-offs are not
printed, a later page that prints the same value is no newer report: the best source of the value speaks. Of a whole
and its parts, the parts are kept if they account for all its patients; of other arms or studies that share patients,
those of biliary tract cancer alone before mixed ones, then the larger. Published meta-analyses appear only when asked
for by `trial`, and with ``her2_directed=True`` arms not selected by HER2 only with ``her2_selected=False`` or by
`trial`: pooling would refuse the mixture. ``"latest"`` keeps the newest per arm, population, endpoint, reader and
confirmation, ``"all"`` every report.

**Suspect** figures, which their source misprints, are left out (``suspect="exclude"``) unless asked for
(``"include"``, ``"only"``).

``frame.attrs["herbtc"]`` holds the data release and which arms and studies share patients; `herbtc.synthesis` uses it
to refuse counting a patient twice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from herbtc import terms
from herbtc.catalog import Catalog, load
from herbtc.query import _records
from herbtc.query._columns import Column, arrays, day, number, text, truth, whole, word
from herbtc.query._records import agents, arms, definitions, mechanisms, sources, trials
from herbtc.query._rows import Filters, Row, Words, overlapping, rows, select, shared_arms
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
    Ratio,
    Reach,
    Role,
    Sides,
    SourceKind,
    Unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

__all__ = [
    "COLUMNS",
    "adverse_events",
    "agents",
    "arms",
    "baseline",
    "contrasts",
    "definitions",
    "durations",
    "landmarks",
    "mechanisms",
    "proportions",
    "sources",
    "trials",
]


# --- columns of figure frames -----------------------------------------------------------------------------------------

_MONTHS_PER = {Unit.MONTHS: 1.0, Unit.YEARS: 12.0, Unit.WEEKS: 12 / (365.25 / 7), Unit.DAYS: 12 / 365.25}


def _months(value: Decimal | Reach | None, row: Row) -> float | None:
    return None if value is None or isinstance(value, Reach) else float(value) * _MONTHS_PER[row.figure.unit]


def _has_interval(row: Row) -> bool:
    return row.figure.low is not None or row.figure.high is not None


_FIRST = (
    text("trial", "key of the study", lambda row: row.trial.key),
    text("arm", "key of the arm within its study", lambda row: row.arm.key),
    text("population", 'strata of a subgroup joined by " & ", or "all"', lambda row: row.population),
    text("agents", 'keys of the agents, joined by " + "', lambda row: row.agents),
    text(
        "mechanism",
        'HER2-directed classes of the arm joined by " + ", else the classes of all its agents',
        lambda row: " + ".join(row.mechanisms),
    ),
    word("line", "line of therapy", Line, lambda row: row.arm.line, ordered=True),
    word("her2", "HER2 group of the population", Her2, lambda row: row.her2),
    word("endpoint", "what is measured", Endpoint, lambda row: getattr(row.figure, "endpoint", None)),
)
_LAST = (
    text("source", "key of the source within its study", lambda row: row.source.key),
    word("source_kind", "kind of the source", SourceKind, lambda row: row.source.kind),
    whole("year", "year of publication", lambda row: row.source.year),
    day("data_cutoff", "data cut-off", lambda row: row.cutoff),
    number("followup_months", "median follow-up of the report", lambda row: row.source.followup_months),
    text("registry_id", "first registry id of the study", lambda row: next(iter(row.trial.registry_ids), None)),
    text("pmid", "PubMed id of the source", lambda row: row.source.pmid),
    text("doi", "DOI of the source", lambda row: row.source.doi),
    text("locator", "place in the source", lambda row: row.figure.locator),
    text("suspect", "why the figure is not to be used, where its source misprints it", lambda row: row.figure.suspect),
)
_EVENTS = whole("events", "patients with the event", lambda row: row.figure.events)
_N = whole("n", "patients counted", lambda row: row.figure.n)
_PERCENT = number("percent", "percentage as printed", lambda row: row.figure.percent)
_LOW = number("low", "lower end of the interval, as printed", lambda row: row.figure.low)
_HIGH = number("high", "upper end of the interval, as printed", lambda row: row.figure.high)
_LEVEL = number("level", "level of the confidence interval in percent", lambda row: row.figure.level)
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
_MEDIAN = number("median", "median, as printed", lambda row: row.figure.median)
_INTERVAL = word(
    "interval", "what the two ends are", Interval, lambda row: row.figure.interval if _has_interval(row) else None
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "proportions": (
        *_FIRST,
        whole("events", "patients with the event", lambda row: row.figure.events_fixed),
        _N,
        _PERCENT,
        _LOW,
        _HIGH,
        _LEVEL,
        _SIDES,
        _ASSESSOR,
        truth("confirmed", "whether responses were confirmed", lambda row: row.figure.confirmed),
        text("definition", "what the report counts", lambda row: row.figure.definition),
        truth(
            "events_derived",
            "whether events was filled in because percent and n leave one whole number",
            lambda row: row.figure.events is None and row.figure.events_fixed is not None,
        ),
        *_LAST,
    ),
    "durations": (
        *_FIRST,
        number("median_months", "median in months", lambda row: _months(row.figure.median, row)),
        number("low_months", "lower end in months", lambda row: _months(row.figure.low, row)),
        number("high_months", "upper end in months", lambda row: _months(row.figure.high, row)),
        _LEVEL,
        _SIDES,
        _INTERVAL,
        truth("not_reached", "whether the median was not reached", lambda row: row.figure.median is Reach.NOT_REACHED),
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
        number("at_months", "time of the rate in months", lambda row: _months(row.figure.at, row)),
        _PERCENT,
        _LOW,
        _HIGH,
        _LEVEL,
        _ASSESSOR,
        _N,
        _ORIGIN,
        *_LAST,
    ),
    "contrasts": (
        *_FIRST,
        word("kind", "kind of ratio", Ratio, lambda row: row.figure.kind),
        number("estimate", "ratio, arm over reference", lambda row: row.figure.estimate),
        _LOW,
        _HIGH,
        _LEVEL,
        _SIDES,
        text("reference_arm", "arm in the denominator", lambda row: row.figure.reference_arm),
        text(
            "reference_population",
            "population in the denominator",
            lambda row: row.figure.reference_population or terms.EVERYONE,
        ),
        word("role", "what is compared", Role, lambda row: row.figure.role),
        word("analysis", "how it was estimated", Analysis, lambda row: row.figure.analysis),
        _ASSESSOR,
        number(
            "p",
            "p-value, or its bound",
            lambda row: None if row.figure.p is None else float(str(row.figure.p).lstrip("<>")),
        ),
        truth(
            "p_is_bound",
            "whether p is known only to lie below (or above) that value",
            lambda row: isinstance(row.figure.p, str) if row.figure.p is not None else None,
        ),
        whole("p_sides", "sides of the test", lambda row: row.figure.p_sides),
        _N,
        *_LAST,
    ),
    "baseline": (
        *_FIRST,
        text("item", "characteristic at entry", lambda row: row.figure.item),
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
        text("term", 'MedDRA preferred term; "any" for any event', lambda row: row.figure.term),
        word("grade", "CTCAE grade or band of grades", Grade, lambda row: row.figure.grade),
        word("attribution", "all causes or treatment-related", Attribution, lambda row: row.figure.attribution),
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
}
"""The columns of each frame, in order, with dtype and meaning."""

COLUMNS |= _records.COLUMNS


# --- figures ----------------------------------------------------------------------------------------------------------


def proportions(*, endpoint: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return response rates and other shares of patients, one row per proportion.

    Parameters
    ----------
    endpoint : str or iterable of str, optional
        ``orr dcr cbr cr pr sd pd ne``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Returns
    -------
    pandas.DataFrame
        Percentages and levels run from 0 to 100. Where a report prints n and a percentage that leave one whole
        number of patients, `events` holds it and `events_derived` is True.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01")
    >>> rates[["arm", "events", "n", "percent"]]
            arm  events   n  percent
    0  cohort-1      33  80     41.3
    1  cohort-2       0   7      NaN
    """
    return _figures("proportions", endpoint, [word for word in Endpoint if not word.is_time], catalog, filters)


def durations(*, endpoint: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return median times with their intervals, one row per median, in months.

    Weeks and days are converted at 365.25 / 12 days a month. A median or an end that was not reached or not estimable
    is NaN; `not_reached` and `high_status` say so. `interval` tells confidence intervals from ranges.

    Parameters
    ----------
    endpoint : str or iterable of str, optional
        ``pfs os dor ttr``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> survival = query.durations(endpoint="os", trial="herizon-btc-01", arm="cohort-1")
    >>> survival[["median_months", "low_months", "high_months", "level"]]
       median_months  low_months  high_months  level
    0           15.5        10.4         18.7   95.0
    """
    return _figures("durations", endpoint, _TIMES, catalog, filters)


def landmarks(*, endpoint: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return event-free rates at given times, one row per rate; percent from 0 to 100, times in months.

    Parameters
    ----------
    endpoint : str or iterable of str, optional
        ``pfs os dor ttr``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> rates = query.landmarks(endpoint="os", trial="topaz-1", arm="durvalumab")
    >>> rates.loc[rates["at_months"] == 36, ["at_months", "percent"]].reset_index(drop=True)
       at_months  percent
    0       36.0     14.6
    """
    return _figures("landmarks", endpoint, _TIMES, catalog, filters)


def contrasts(*, endpoint: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return ratios between arms or populations, one row per ratio: `arm` over `reference_arm`.

    Only rows with `role` "treatment" compare treatments in everyone randomised; "prognostic" rows do not compare
    treatments at all.

    Parameters
    ----------
    endpoint : str or iterable of str, optional
        Any endpoint.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> ratios = query.contrasts(endpoint="os", trial="abc-02")
    >>> print(ratios[["arm", "reference_arm", "kind", "estimate", "low", "high"]].to_string(index=False))
                      arm reference_arm kind  estimate  low  high
    gemcitabine-cisplatin   gemcitabine   hr      0.65 0.53  0.79
    """
    return _figures("contrasts", endpoint, Endpoint, catalog, filters)


def baseline(*, item: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return characteristics of the patients at entry, one row per characteristic.

    Parameters
    ----------
    item : str or iterable of str, optional
        Such as ``female``, ``age-years``, ``gallbladder``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.baseline(item="female", trial="herizon-btc-01", arm="cohort-1")[["events", "n", "percent"]]
       events   n  percent
    0      45  80     56.0
    """
    return _named_figures("baseline", "item", item, catalog, filters)


def adverse_events(*, term: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return adverse events, one row per event and grade band.

    Parameters
    ----------
    term : str or iterable of str, optional
        MedDRA preferred terms in lower case with hyphens, such as ``diarrhoea``; ``any`` for any event.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.
    **filters
        See the module.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> events = query.adverse_events(term="any", trial="herizon-btc-01")
    >>> set(events["grade"]) <= set(events["grade"].cat.categories)
    True
    """
    return _named_figures("adverse_events", "term", term, catalog, filters)


_TIMES = [word for word in Endpoint if word.is_time]


def _figures(
    kind: str, endpoint: Words, known: Iterable[str], catalog: Catalog | None, filters: Filters
) -> pd.DataFrame:
    catalog = load() if catalog is None else catalog
    places = np.array(select(catalog, kind, endpoint, known, filters), dtype=np.intp)
    found = pd.DataFrame({name: array.take(places) for name, array in _values(catalog, kind).items()}, copy=False)
    found.attrs["herbtc"] = _provenance(catalog)
    return found


@lru_cache(maxsize=32)
def _values(catalog: Catalog, kind: str) -> dict[str, Any]:
    return arrays(COLUMNS[kind], rows(catalog, kind))


def _named_figures(kind: str, what: str, name: Words, catalog: Catalog | None, filters: Filters) -> pd.DataFrame:
    catalog = load() if catalog is None else catalog
    known = sorted({getattr(row.figure, what) for row in rows(catalog, kind)}) if name is not None else ()
    return _figures(kind, name, known, catalog, filters)


def _provenance(catalog: Catalog) -> dict[str, Any]:
    return {
        "release": catalog.release,
        "shared_arms": {
            trial.key: sorted(sorted(pair) for pair in pairs)
            for trial in catalog.trials
            if (pairs := shared_arms(trial))
        },
        "overlapping_trials": sorted(sorted(pair) for pair in overlapping(catalog)),
        "meta_analyses": [trial.key for trial in catalog.trials if trial.design is terms.Design.META_ANALYSIS],
    }
