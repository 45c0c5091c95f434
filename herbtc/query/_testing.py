"""Frames about HER2 testing: how often HER2 is found, how well tests agree, what it means for survival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from herbtc.catalog import Catalog, load
from herbtc.query._columns import Column, joined, number, patients, percentage, text, truth, whole, word
from herbtc.query._figure_columns import p_bound, p_value
from herbtc.query._rows import Words, as_frame, one_of, passes, wanted
from herbtc.terms import (
    EVERYONE,
    Agreement,
    Analysis,
    Endpoint,
    Her2,
    Quantity,
    Ratio,
    Sides,
    Site,
    SourceKind,
    TestMethod,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from herbtc.models import Source


@frozen(eq=False)
class _Row:
    figure: Any
    source: Source


def _sites(row: _Row) -> str:
    return joined(row.figure.sites) or EVERYONE


_COHORT = text("cohort", "name of the cohort", lambda row: row.figure.cohort, required=True)
_SITES = text("site", 'primary sites, joined by "; "; "all" for the biliary tract', _sites, required=True)
_COUNTS = (
    patients("events", "patients with it", lambda row: row.figure.events),
    patients("n", "patients tested", lambda row: row.figure.n),
    percentage("percent", "percentage as printed", lambda row: row.figure.percent),
)
_ESTIMATE = number("estimate", "estimate as printed", lambda row: row.figure.estimate)
_ENDS = (
    number("low", "lower end of the interval, as printed", lambda row: row.figure.low),
    number("high", "upper end of the interval, as printed", lambda row: row.figure.high),
    percentage("level", "level of the confidence interval in percent", lambda row: row.figure.level, least=50),
)
_POOLED = truth(
    "pooled", "whether it is the pooled estimate of a published review", lambda row: row.figure.pooled, required=True
)
_POPULATION = text("population", "who was tested", lambda row: row.figure.population)
_LAST = (
    text("source", "key of the source", lambda row: row.source.key, required=True),
    word("source_kind", "kind of the source", SourceKind, lambda row: row.source.kind, required=True),
    whole("year", "year of publication", lambda row: row.source.year, least=1950, most=2100),
    text("pmid", "PubMed id of the source", lambda row: row.source.pmid),
    text("doi", "DOI of the source", lambda row: row.source.doi),
    text("link", "address at which a reader finds it", lambda row: row.source.link or None),
    text("locator", "place in the source", lambda row: row.figure.locator, required=True),
    text("suspect", "why the figure is not to be used, where its source misprints it", lambda row: row.figure.suspect),
    text("note", "what a reader must know", lambda row: row.figure.note),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "prevalence": (
        _COHORT,
        _SITES,
        word("her2", "HER2 group counted", Her2, lambda row: row.figure.her2, required=True),
        word("method", "how HER2 was looked at", TestMethod, lambda row: row.figure.method, required=True),
        text("definition", "what was counted, in words", lambda row: row.figure.definition, required=True),
        word(
            "quantity",
            "share positive at the site, or share of positives there",
            Quantity,
            lambda row: row.figure.quantity,
            required=True,
        ),
        *_COUNTS,
        *(evolve(end, unit="percent", least=0, most=100) for end in _ENDS[:2]),
        _ENDS[2],
        word(
            "sides",
            "two-sided interval, or the end that a one-sided one bounds",
            Sides,
            lambda row: row.figure.sides,
            required=True,
        ),
        _POOLED,
        _POPULATION,
        text("region", "where the patients were", lambda row: row.figure.region),
        *_LAST,
    ),
    "concordance": (
        _COHORT,
        _SITES,
        text("test", "test", lambda row: row.figure.test, required=True),
        text("reference", "test that it is compared with", lambda row: row.figure.reference, required=True),
        word("measure", "how agreement is measured", Agreement, lambda row: row.figure.measure, required=True),
        *_COUNTS,
        _ESTIMATE,
        *_ENDS,
        *_LAST,
    ),
    "prognosis": (
        _COHORT,
        _SITES,
        word("her2", "HER2 group in the numerator", Her2, lambda row: row.figure.her2, required=True),
        text("reference", "group in the denominator", lambda row: row.figure.reference, required=True),
        word("method", "how HER2 was looked at", TestMethod, lambda row: row.figure.method, required=True),
        word("endpoint", "what is compared", Endpoint, lambda row: row.figure.endpoint, required=True),
        word("kind", "kind of ratio", Ratio, lambda row: row.figure.kind, required=True),
        _ESTIMATE,
        *_ENDS,
        number("p", "p-value, or its bound", p_value, least=0, most=1),
        truth("p_is_bound", "whether p is known only to lie below (or above) that value", p_bound),
        patients("n", "patients", lambda row: row.figure.n),
        word("analysis", "how it was estimated", Analysis, lambda row: row.figure.analysis),
        _POOLED,
        _POPULATION,
        *_LAST,
    ),
}


def prevalence(
    *,
    site: Words = None,
    her2: Words = None,
    method: Words = None,
    quantity: Words = "prevalence",
    pooled: bool | None = None,
    suspect: str = "exclude",
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return how often HER2 is found in biliary tract cancer, one row per site, method, definition and denominator.

    Parameters
    ----------
    site, her2, method : str or iterable of str, optional
        Primary sites (``"all"`` for figures on the whole biliary tract), HER2 groups, test methods.
    quantity : str or iterable of str
        ``"prevalence"``, the share of a site's patients who are positive, or ``"share-of-positives"``, the share of
        positive patients who have their tumour there: another quantity, so it is returned only when asked for.
    pooled : bool, optional
        True keeps pooled estimates of published reviews, False those of single cohorts.
    suspect : str
        ``"exclude"``, ``"include"`` or ``"only"``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> set(query.prevalence(site="gallbladder")["quantity"]) <= {"prevalence"}
    True
    """
    groups, methods, quantities = (
        wanted("her2", her2, Her2),
        wanted("method", method, TestMethod),
        wanted("quantity", quantity, Quantity),
    )
    return _frame(
        "prevalence",
        site,
        suspect,
        catalog,
        lambda each: (
            passes(groups, each.her2)
            and passes(methods, each.method)
            and passes(quantities, each.quantity)
            and pooled in (None, each.pooled)
        ),
    )


def concordance(
    *, site: Words = None, measure: Words = None, suspect: str = "exclude", catalog: Catalog | None = None
) -> pd.DataFrame:
    """Return how well HER2 tests agree on the same patients, one row per pair of tests and measure.

    Parameters
    ----------
    site, measure : str or iterable of str, optional
        Primary sites (``"all"`` for the whole biliary tract), measures of agreement.
    suspect : str
        ``"exclude"``, ``"include"`` or ``"only"``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.concordance().columns[:4].tolist()
    ['cohort', 'site', 'test', 'reference']
    """
    measures = wanted("measure", measure, Agreement)
    return _frame("concordance", site, suspect, catalog, lambda each: passes(measures, each.measure))


def prognosis(
    *,
    site: Words = None,
    her2: Words = None,
    endpoint: Words = None,
    suspect: str = "exclude",
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return ratios of outcome between patients by HER2 status, one row per ratio; none is an effect of treatment.

    Parameters
    ----------
    site, her2, endpoint : str or iterable of str, optional
        Primary sites (``"all"`` for the whole biliary tract), HER2 groups, endpoints.
    suspect : str
        ``"exclude"``, ``"include"`` or ``"only"``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.prognosis().columns[:4].tolist()
    ['cohort', 'site', 'her2', 'reference']
    """
    groups, endpoints = wanted("her2", her2, Her2), wanted("endpoint", endpoint, Endpoint)
    return _frame(
        "prognosis",
        site,
        suspect,
        catalog,
        lambda each: passes(groups, each.her2) and passes(endpoints, each.endpoint),
    )


def _frame(kind: str, site: Words, suspect: str, catalog: Catalog | None, keep: Callable[[Any], bool]) -> pd.DataFrame:
    catalog = load() if catalog is None else catalog
    sites = wanted("site", site, [EVERYONE, *Site])
    choice = one_of("suspect", suspect, ("exclude", "include", "only"))
    by_key = {source.key: source for source in catalog.prevalence_sources}
    figures: Iterable[Any] = getattr(catalog, kind)
    found = [
        _Row(each, by_key[each.source])
        for each in figures
        if passes(sites, *(each.sites or (EVERYONE,)))
        and keep(each)
        and (choice == "include" or (each.suspect is not None) is (choice == "only"))
    ]
    found.sort(key=lambda row: (_sites(row) != EVERYONE, _sites(row), row.figure.cohort))
    return as_frame(COLUMNS[kind], found, catalog)
