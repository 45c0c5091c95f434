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
for by `trial`, arms that mix in other tumours only with ``btc_only=False`` or by `trial`, and with
``her2_directed=True`` arms not selected by HER2 only with ``her2_selected=False`` or by `trial`: pooling would refuse
the mixture. ``"latest"`` keeps the newest per arm, population, endpoint, reader and
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
from herbtc.query import _acts, _agents, _figure_columns, _records, _testing, _variants
from herbtc.query._acts import appraisal, approvals, guidelines
from herbtc.query._agents import agents, mechanisms
from herbtc.query._columns import arrays
from herbtc.query._records import arms, criteria, definition_matrix, definitions, sources, trials
from herbtc.query._rows import Filters, Words, overlapping, rows, select, shared_arms
from herbtc.query._testing import concordance, prevalence, prognosis
from herbtc.query._variants import variant_counts, variants
from herbtc.terms import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "COLUMNS",
    "adverse_events",
    "agents",
    "appraisal",
    "approvals",
    "arms",
    "baseline",
    "concordance",
    "contrasts",
    "criteria",
    "definition_matrix",
    "definitions",
    "durations",
    "guidelines",
    "landmarks",
    "mechanisms",
    "patient_reported",
    "prevalence",
    "prognosis",
    "proportions",
    "sources",
    "trials",
    "variant_counts",
    "variants",
]


COLUMNS = (
    _figure_columns.COLUMNS | _agents.COLUMNS | _records.COLUMNS | _acts.COLUMNS | _testing.COLUMNS | _variants.COLUMNS
)
"""The columns of each frame, in order, with dtype and meaning."""

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
        ``pfs os dor ttr rfs ttp``.
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
        ``pfs os dor ttr rfs ttp``.
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


def patient_reported(
    *, instrument: Words = None, catalog: Catalog | None = None, **filters: Unpack[Filters]
) -> pd.DataFrame:
    """Return what patients said of their health, one row per figure.

    Parameters
    ----------
    instrument : str or iterable of str, optional
        Questionnaires, such as ``eq-5d-5l``.
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
    >>> query.patient_reported().columns[7:11].tolist()
    ['endpoint', 'instrument', 'scale', 'measure']
    """
    return _named_figures("patient_reported", "instrument", instrument, catalog, filters)


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
