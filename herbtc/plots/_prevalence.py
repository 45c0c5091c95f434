"""How often HER2 is found, by site and by method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from herbtc.errors import SynthesisError
from herbtc.measures import MEASURES
from herbtc.plots._axis import Axis
from herbtc.plots._habits import LAYOUTS
from herbtc.plots._ink import BLUE, INK, ORANGE
from herbtc.plots._marks import interval, point
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import Value, release_of, released
from herbtc.synthesis import exact_interval
from herbtc.terms import EVERYONE, Site, TestMethod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes

_NEEDED = ("cohort", "site", "her2", "method", "events", "n", "percent", "low", "high")
_METHODS = [*map(str, TestMethod)]
_SITES = [EVERYONE, *map(str, Site)]
_LEVEL = 0.95
_TOP = 100.0


def prevalence(
    frame: pd.DataFrame,
    *,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often HER2 is found, cohort by cohort, under a heading for each site and in the order of methods.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `herbtc.query.prevalence` returns it, of one quantity.
    title : str, optional
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure that fits everything is made.

    Returns
    -------
    matplotlib.axes.Axes
        An axis of percent. Cohorts have the gid ``"cohorts"``, pooled estimates of reviews ``"reviews"``. Intervals are
        as printed, else exact (Clopper-Pearson) where a report prints events and n; a hollow point has none.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, for several quantities in one frame, or an `ax` too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> ax = plots.prevalence(query.prevalence(site=["gallbladder", "intrahepatic"]))
    >>> ax.get_xlabel()
    'Patients (%)'
    """
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing or frame.empty:
        raise SynthesisError(f"expected frequencies in a frame; missing: {', '.join(missing) or 'rows'}")
    quantities = frame["quantity"].astype("string").unique().tolist() if "quantity" in frame.columns else []
    if len(quantities) > 1:
        raise SynthesisError(f"expected one quantity, got {', '.join(map(str, quantities))}: they are not the same")
    lines = [*_rows(frame)]
    ends = [100 * end for _, value, _ in lines if value for end in (value.estimate, value.low, value.high)]
    most = min(_TOP, 10 * np.ceil(max((end for end in ends if np.isfinite(end)), default=_TOP) / 10))
    drawn = {kind for _, value, kind in lines if value}
    keys = [Key(text="cohort", marker="o", colour=BLUE, size=0.75)] * ("cohorts" in drawn)
    if "reviews" in drawn:
        keys.append(Key(text="pooled by a published review", marker="D", colour=ORANGE, edge=ORANGE, size=0.75))
    table = Table(
        what=f"{len(frame)} cohorts",
        axis=Axis(low=0.0, high=float(most), label="Patients (%)"),
        columns=(
            Column(name="cohort", header="Cohort", align="left", most=22.0),
            Column(name="her2", header="Counted", align="left", most=16.0),
            Column(name="method", header="Method", align="left", most=12.0),
            Column(name="n", header="Events/tested"),
            Column(name="value", header="Percent (95 % CI)", side="right"),
        ),
        rows=tuple(row for row, _, _ in lines),
        key=tuple(keys),
        footer=(
            "Intervals as printed, else exact (Clopper-Pearson) from events and n; hollow: neither is known",
            *released(release_of(frame), provenance),
        ),
        title=title or "",
        plot=26.0,
        narrowest=14.0,
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for (_, value, kind), y in zip(lines, stage.y, strict=True):
        if value is None or not np.isfinite(value.estimate):
            continue
        review = kind == "reviews"
        interval(stage, value, y, factor=100.0, colour=INK)
        point(
            stage,
            100 * value.estimate,
            y,
            hollow=bool(np.isnan(value.low)),
            marker="D" if review else "o",
            colour=ORANGE if review else BLUE,
            gid=kind,
        )
    return stage.ax


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Row, Value | None, str]]:
    sites = frame["site"].astype("string").fillna(EVERYONE).tolist()
    records = frame.to_dict("records")
    order = sorted(set(sites), key=lambda site: (_SITES.index(site) if site in _SITES else len(_SITES), site))
    for number, site in enumerate(order):
        told = "Biliary tract, all sites" if site == EVERYONE else site.capitalize()
        yield Row(lead=told, bold=True, gap=0.5 * bool(number)), None, ""
        inside = [record for record, where in zip(records, sites, strict=True) if where == site]
        for record in sorted(inside, key=lambda each: (_method(each), str(each["her2"]), str(each["cohort"]))):
            yield _row(record)


def _method(record: Mapping[Any, Any]) -> int:
    word = record["method"]
    return _METHODS.index(str(word)) if str(word) in _METHODS else len(_METHODS)


def _row(record: Mapping[Any, Any]) -> tuple[Row, Value, str]:
    events, n, printed = (_number(record[name]) for name in ("events", "n", "percent"))
    low, high = _number(record["low"]) / 100, _number(record["high"]) / 100
    estimate = printed / 100 if np.isfinite(printed) else events / n
    if np.isnan(low) and np.isfinite(events) and np.isfinite(n):
        low, high = (float(end[0]) for end in exact_interval(np.array([events]), np.array([n]), _LEVEL))
    value = Value(estimate=estimate, low=low, high=high, instead="" if np.isfinite(estimate) else "not reported")
    counts = f"{events:.0f}/{n:.0f}" if np.isfinite([events, n]).all() else f"–/{n:.0f}" if np.isfinite(n) else "–"
    review = record.get("pooled") is True or record.get("pooled") == np.True_
    level = _number(record.get("level"))
    other = f" at {level:g} %" if np.isfinite(level) and level != 100 * _LEVEL else ""
    cells = {
        "cohort": str(record["cohort"]),
        "her2": str(record["her2"]),
        "method": str(record["method"]),
        "n": counts,
        "value": LAYOUTS["default"].value(MEASURES["logit"], value) + other,
    }
    return Row(cells=cells, indent=0.8), value, "reviews" if review else "cohorts"


def _number(value: Any) -> float:
    return np.nan if value is None or pd.isna(value) else float(value)
