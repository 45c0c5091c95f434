"""Median survival times: of the studies, and of other populations that stand apart from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from herbtc.errors import SynthesisError
from herbtc.measures import MEASURES
from herbtc.plots._axis import Axis
from herbtc.plots._habits import LAYOUTS
from herbtc.plots._ink import BLUE, MUTED
from herbtc.plots._marks import interval, point
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import SHORT, called, printed_values, release_of, released
from herbtc.terms import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes

    from herbtc.plots._values import Value

_NEEDED = ("endpoint", "line", "median_months", "low_months", "high_months")
_ENDPOINTS = {
    "pfs": "Progression-free survival",
    "os": "Overall survival",
    "dor": "Duration of response",
    "ttr": "Time to response",
    "rfs": "Recurrence-free survival",
    "ttp": "Time to progression",
}
_LINES = {
    "before or after surgery": (Line.NEOADJUVANT, Line.ADJUVANT),
    "first line": (Line.FIRST,),
    "first or later line": (Line.FIRST_OR_LATER,),
    "second or later line": (Line.SECOND, Line.SECOND_OR_LATER, Line.THIRD_OR_LATER),
}
_UNKNOWN = "line not stated"
_LEVEL = 95.0
_ROOM = 6.5  # for "not reached", in em


def survival(
    frame: pd.DataFrame,
    *,
    benchmarks: pd.DataFrame | None = None,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw median survival times with their intervals, as printed.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``herbtc.query.durations(endpoint=["pfs", "os"], …)`` returns it.
    benchmarks : pandas.DataFrame, optional
        The same of other patients, such as ``her2_directed=False``. They stand apart from the studies of their line,
        hollow and under a heading that says so; those of lines without a study are not drawn, and counted in the notes.
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
        A logarithmic axis of months. Points have the gid ``"studies"`` and ``"benchmarks"``; a median that was not
        reached is an arrow from the lower end of its interval. Nothing is computed from the two groups.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, or an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> times = query.durations(endpoint=["pfs", "os"], trial="herizon-btc-01")
    >>> others = query.durations(endpoint=["pfs", "os"], trial=["abc-06", "nifty", "topaz-1"])
    >>> ax = plots.survival(times, benchmarks=others)
    >>> ax.get_xscale()
    'log'
    """
    for each in (frame, *([] if benchmarks is None else [benchmarks])):
        missing = [name for name in _NEEDED if name not in each.columns]
        if missing:
            raise SynthesisError(f"expected median times in a frame; missing: {', '.join(missing)}")
    if frame.empty:
        raise SynthesisError("expected median times in a frame; missing: rows")
    lines = [*_rows(frame, benchmarks, names)]
    drawn = [(value, kind) for _, value, kind in lines if value is not None]
    left_out = 0 if benchmarks is None else len(benchmarks) - sum(kind == "benchmarks" for _, kind in drawn)
    ends = [end for value, _ in drawn for end in (value.low, value.estimate, value.high)]
    beyond = any(value.unreached for value, _ in drawn)
    notes = ["Medians and 95 % intervals as printed; ranges of observed times are left out"]
    if other := sorted({level for level in _levels(frame, benchmarks) if level != _LEVEL}):
        notes.append(f"* interval at {', '.join(f'{level:g} %' for level in other)}")
    shorts = {value.open for value, _ in drawn if np.isfinite([value.estimate, value.low]).any()}
    notes += [f"{short}: {words}" for short, words in SHORT.items() if short in shorts]
    if left_out:
        notes.append(f"Benchmarks of lines or endpoints without a study here, not drawn: {left_out}")
    keys = [Key(text="study", marker="o", colour=BLUE, size=0.75)]
    if any(kind == "benchmarks" for _, kind in drawn):
        keys.append(
            Key(
                text="benchmark: another population, no comparison", marker="D", colour="#ffffff", edge=MUTED, size=0.75
            )
        )
    table = Table(
        what=f"{len(lines)} rows",
        axis=Axis.around(ends, label="Months (log scale)", log=True, room=_ROOM if beyond else 1.2 if shorts else 0.0),
        columns=(
            Column(name="study", header="Study", align="left", most=26.0),
            Column(name="n", header="Patients"),
            Column(name="value", header="Median (interval), months", side="right"),
        ),
        rows=tuple(row for row, _, _ in lines),
        key=tuple(keys),
        footer=(*notes, *released(release_of(frame), provenance)),
        title=title or "",
        plot=30.0,
        narrowest=18.0,
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for (_, value, kind), y in zip(lines, stage.y, strict=True):
        if value is None:
            continue
        beside = kind == "benchmarks"
        colour = MUTED if beside else BLUE
        interval(stage, value, y, colour=colour)
        if np.isfinite(value.estimate):
            point(stage, value.estimate, y, hollow=beside, marker="D" if beside else "o", colour=colour, gid=kind)
    return stage.ax


def _levels(*frames: pd.DataFrame | None) -> list[float]:
    return [
        float(level)
        for frame in frames
        if frame is not None and "level" in frame.columns
        for level in frame["level"].dropna().unique()
    ]


def _rows(
    frame: pd.DataFrame, benchmarks: pd.DataFrame | None, names: Mapping[str, str] | None
) -> Iterator[tuple[Row, Value | None, str]]:
    studies = _Times(frame, names, "studies")
    others = None if benchmarks is None else _Times(benchmarks, names, "benchmarks")
    first = True
    for endpoint, told in _ENDPOINTS.items():
        for line in (*_LINES, _UNKNOWN):
            inside = [*studies.of(endpoint, line)]
            if not inside:
                continue
            yield Row(lead=f"{told}, {line}", bold=True, gap=0.0 if first else 0.5), None, ""
            first = False
            yield from inside
            beside = [*others.of(endpoint, line)] if others is not None else []
            if beside:
                yield Row(lead="Benchmarks: another population", fine=True, indent=0.8, height=0.0, gap=0.1), None, ""
                yield from beside


class _Times:
    """Median times by endpoint and line."""

    def __init__(self, frame: pd.DataFrame, names: Mapping[str, str] | None, kind: str) -> None:
        self.kind = kind
        self.names = called(frame, names)
        self.values = printed_values(frame, MEASURES["log-median"])
        self.endpoints = frame["endpoint"].astype("string").tolist()
        self.lines = [_line(word) for word in frame["line"].astype("string").fillna("")]
        counts = frame["n"] if "n" in frame.columns else [pd.NA] * len(frame)
        levels = frame["level"].to_numpy(float, na_value=_LEVEL) if "level" in frame.columns else [_LEVEL] * len(frame)
        self.stars = ["*" if np.isfinite(level) and level != _LEVEL else "" for level in levels]
        self.counts = ["–" if pd.isna(n) else f"{n:.0f}" for n in counts]

    def of(self, endpoint: str, line: str) -> Iterator[tuple[Row, Value | None, str]]:
        """Yield the rows of an endpoint in a line."""
        habit, scale = LAYOUTS["default"], MEASURES["log-median"]
        for place_, value in enumerate(self.values):
            if self.endpoints[place_] == endpoint and self.lines[place_] == line:
                cells = {
                    "study": self.names[place_],
                    "n": self.counts[place_],
                    "value": habit.value(scale, value) + self.stars[place_],
                }
                yield Row(cells=cells, indent=0.8), value, self.kind


def _line(word: str) -> str:
    return next((name for name, words in _LINES.items() if word in words), _UNKNOWN)
