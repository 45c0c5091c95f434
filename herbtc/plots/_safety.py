"""Adverse events: rates with their denominators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from herbtc.errors import SynthesisError
from herbtc.plots._cells import EMPTY, axis_of, darkness, fill, heads_of, room_for, scale, write
from herbtc.plots._ink import ink_on
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Row, Table
from herbtc.plots._values import called, release_of, released
from herbtc.terms import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_NEEDED = ("trial", "arm", "term", "grade", "n")
_QUALIFIERS = ("attribution", "related_to", "serious", "consequence")
_CELL, _NARROWEST = 7.0, 5.6  # em
_GRADES = [*map(str, Grade)]


def safety(
    frame: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a heat map of adverse events, with the number of patients behind each rate.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `herbtc.query.adverse_events` returns it, one row an event and arm.
    names : mapping of str to str, optional
        What studies are called instead of their keys.
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
        One row an event, grade and way of counting, one column an arm: the darker, the more frequent (gid ``"cell"``).
        Cells that no report fills are grey (gid ``"gap"``). Rates as printed, else events over patients.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, two rows stand for one cell, or an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> events = query.adverse_events(term=["diarrhoea", "anaemia"], her2_directed=True)
    >>> ax = plots.safety(events)
    >>> int(ax.get_xlim()[1]) == events.groupby(["trial", "arm", "population"]).ngroups
    True
    """
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing or frame.empty:
        raise SynthesisError(f"expected adverse events in a frame; missing: {', '.join(missing) or 'rows'}")
    arms = called(frame, names)
    columns = sorted(set(arms))
    events = [_event(row) for row in frame.to_dict("records")]
    rows = sorted(set(events), key=lambda event: (event[0] != "any", event[0], _order(event[1]), event[2]))
    cells: dict[tuple[int, int], tuple[float, str]] = {}
    for arm, event, row in zip(arms, events, frame.to_dict("records"), strict=True):
        where = rows.index(event), columns.index(arm)
        if where in cells:
            told = ", ".join(part for part in event if part)
            raise SynthesisError(f"two rows for {told} in {arm}: expected one row an event and arm")
        cells[where] = _cell(row)
    rates = [rate for rate, _ in cells.values() if np.isfinite(rate)]
    most = 1.0 if max(rates, default=1.0) > 0.5 else 0.5  # noqa: PLR2004
    table = Table(
        what=f"{len(rows)} by {len(columns)} cells",
        axis=axis_of(len(columns)),
        columns=(
            Column(name="term", header="Event", align="left", most=18.0),
            Column(name="grade", header="Grade", align="left"),
            Column(name="how", header="Counted", align="left", most=16.0),
        ),
        rows=tuple(
            Row(
                cells={
                    "term": "" if number and rows[number - 1][0] == term else term.replace("-", " "),
                    "grade": grade,
                    "how": how,
                },
                height=1.25,
            )
            for number, (term, grade, how) in enumerate(rows)
        ),
        heads=heads_of(columns),
        key=scale([share * most for share in (0.0, 0.25, 0.5, 0.75, 1.0)], most),
        footer=(
            "In each cell: percent of patients, and how many were counted (– where not printed); grey: not reported",
            *released(release_of(frame), provenance),
        ),
        title=title or "",
        plot=room_for(columns, least=_CELL) * len(columns),
        narrowest=room_for(columns, least=_NARROWEST) * len(columns),
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for number in range(len(rows)):
        for place_ in range(len(columns)):
            rate, told = cells.get((number, place_), (np.nan, ""))
            known = np.isfinite(rate)
            colour = darkness(rate, most) if known else EMPTY
            fill(stage, number, place_, colour, gid="cell" if known else "gap")
            if told:
                write(stage, number, place_, told, color=ink_on(colour), gid="figures")
    return stage.ax


def _event(row: Mapping[Any, Any]) -> tuple[str, str, str]:
    words = []
    for name in _QUALIFIERS:
        value = row.get(name)
        if value is None or pd.isna(value):
            continue
        if name == "serious":
            words += ["serious"] * bool(value)
        elif name == "related_to":
            words.append(f"to {value}")
        elif name == "consequence":
            words.append(f"led to {value}")
        elif value != "all-cause":
            words.append(str(value).replace("-", " "))
    return str(row["term"]), "" if pd.isna(row["grade"]) else str(row["grade"]), ", ".join(words) or "all causes"


def _order(grade: str) -> int:
    return _GRADES.index(grade) if grade in _GRADES else len(_GRADES)


def _cell(row: Mapping[Any, Any]) -> tuple[float, str]:
    events, n, percent = (row.get(name) for name in ("events", "n", "percent"))
    patients = "–" if n is None or pd.isna(n) else f"{n:.0f}"
    if percent is not None and not pd.isna(percent):
        rate = float(percent) / 100
    elif patients != "–" and events is not None and not pd.isna(events):
        rate = float(events) / float(str(n))
    else:
        told = "–" if events is None or pd.isna(events) else f"{events:.0f}"
        return np.nan, f"{told} of {patients}"
    return rate, f"{100 * rate:.1f} %\nof {patients}"
