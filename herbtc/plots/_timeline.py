"""When studies ran and reported, and what agencies and guidelines made of them."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import field, frozen

from herbtc.errors import SynthesisError
from herbtc.plots._axis import Axis
from herbtc.plots._ink import BLUE, INK, ORANGE, PAPER, RULE, SKY
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import release_of, released
from herbtc.terms import GuidelineBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from herbtc.plots._stage import Stage

_DAYS = 365.25
_MIDDLE = 0.5
_REPORT, _ACT, _OTHER_ACT, _STATEMENT = "report", "approval", "other act", "statement"
_MARKS = {
    _REPORT: ("o", BLUE, PAPER),
    _ACT: ("^", ORANGE, INK),
    _OTHER_ACT: ("^", PAPER, ORANGE),
    _STATEMENT: ("s", INK, INK),
}
_NAMES = {
    _REPORT: "report",
    _ACT: "act that lets a drug be marketed",
    _OTHER_ACT: "other act of an agency or assessment body",
    _STATEMENT: "guideline",
}


@frozen(kw_only=True)
class _When:
    """What is drawn in a row: a span of years with open ends as NaN, and dated marks; a mark may be known by year."""

    start: float = np.nan
    end: float = np.nan
    marks: tuple[tuple[float, str, bool], ...] = field(default=())

    @property
    def years(self) -> list[float]:
        return [self.start, self.end, *(year for year, _, _ in self.marks)]


def timeline(
    studies: pd.DataFrame | None = None,
    *,
    reports: pd.DataFrame | None = None,
    approvals: pd.DataFrame | None = None,
    guidelines: pd.DataFrame | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw when studies ran and reported, when agencies decided, and when guidelines were written.

    Parameters
    ----------
    studies : pandas.DataFrame, optional
        As `herbtc.query.trials` returns it: `trial start primary_completion`, and `name`.
    reports : pandas.DataFrame, optional
        As `herbtc.query.sources` returns it: `trial year published`; those of other studies than the ones drawn are
        left aside.
    approvals : pandas.DataFrame, optional
        As `herbtc.query.approvals` returns it: `agents agency act decided authorises`.
    guidelines : pandas.DataFrame, optional
        As `herbtc.query.guidelines` returns it: `body year published`, and `agents topic document`.
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
        An axis of years, one row a study, act or statement. Marks have the gid ``"report" "approval" "other act"
        "statement"``, and ``"span"``; what is known by its year only stands at mid-year, smaller.

    Raises
    ------
    herbtc.SynthesisError
        If nothing is given, columns are missing, a date cannot be read, or an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> ax = plots.timeline(approvals=query.approvals(agent="zanidatamab"), guidelines=query.guidelines())
    >>> next(text.get_text() for text in ax.texts if text.get_gid() == "lead:0")
    'Approvals and other acts'
    """
    lines = [
        *_studies(studies, reports),
        *_section("Approvals and other acts", _acts(approvals)),
        *_section("Guidelines", _statements(guidelines)),
    ]
    if not lines:
        raise SynthesisError("expected studies, approvals or guidelines to draw; got no row")
    years = [year for _, when in lines for year in when.years if np.isfinite(year)]
    low, high = (np.floor(min(years)), np.ceil(max(years))) if years else (2000.0, 2001.0)
    kinds = {kind for _, when in lines for _, kind, _ in when.marks}
    keys = [Key(text="start to primary completion", marker="s", colour=SKY, size=0.8)] * any(
        np.isfinite([when.start, when.end]).any() for _, when in lines
    )
    keys += [
        Key(text=_NAMES[kind], marker=marker, colour=colour, edge=edge if edge != PAPER else colour, size=0.75)
        for kind, (marker, colour, edge) in _MARKS.items()
        if kind in kinds
    ]
    frames = [each for each in (studies, approvals, guidelines) if each is not None]
    table = Table(
        what=f"{len(lines)} rows",
        axis=Axis(low=float(low), high=float(max(high, low + 1)), whole=True),
        columns=(
            Column(name="what", header="", align="left", most=30.0),
            Column(name="when", header="When", align="left"),
        ),
        rows=tuple(row for row, _ in lines),
        key=tuple(keys),
        footer=(
            "Dates of studies as registries print them, planned ones among them; small marks: known by year only",
            *released(release_of(frames[0]), provenance),
        ),
        title=title or "",
        plot=34.0,
        narrowest=18.0,
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for year in stage.ax.get_xticks():
        stage.ax.axvline(year, color=RULE, linewidth=stage.em / 14, zorder=0, gid="rule")
    for (_, when), y in zip(lines, stage.y, strict=True):
        _draw(stage, when, y)
    return stage.ax


def _section(name: str, lines: Iterator[tuple[Row, _When]]) -> Iterator[tuple[Row, _When]]:
    found = [*lines]
    if found:
        yield Row(lead=name, bold=True, gap=0.4), _When()
        yield from found


def _studies(studies: pd.DataFrame | None, reports: pd.DataFrame | None) -> Iterator[tuple[Row, _When]]:
    if studies is None:
        return
    _need(studies, "trial", "start", "primary_completion")
    told: dict[str, list[tuple[float, str, bool]]] = {}
    if reports is not None:
        _need(reports, "trial", "year", "published")
        for row in reports.to_dict("records"):
            year, exact = _dated(row["published"], row["year"])
            if np.isfinite(year):
                told.setdefault(str(row["trial"]), []).append((year, _REPORT, exact))
    found = []
    for row in studies.to_dict("records"):
        start, end = (_year(row[name]) for name in ("start", "primary_completion"))
        marks = tuple(sorted(told.get(str(row["trial"]), [])))
        when = _When(start=start, end=end, marks=marks)
        name = row.get("name")
        shown = str(row["trial"]) if name is None or pd.isna(name) else str(name)
        first = min((year for year in when.years if np.isfinite(year)), default=np.inf)
        found.append((first, shown, _told(row["start"], row["primary_completion"]), when))
    yield from _section(
        "Studies",
        (
            (Row(cells={"what": shown, "when": told_}, indent=0.8), when)
            for _, shown, told_, when in sorted(found, key=lambda each: each[:2])
        ),
    )


def _acts(approvals: pd.DataFrame | None) -> Iterator[tuple[Row, _When]]:
    if approvals is None:
        return
    _need(approvals, "agents", "agency", "act", "decided", "authorises")
    for row in approvals.sort_values("decided", kind="stable").to_dict("records"):
        kind = _ACT if row["authorises"] else _OTHER_ACT
        what = f"{str(row['agency']).upper()}: {row['agents']}, {str(row['act']).replace('-', ' ')}"
        # Of some acts no more is known than that they were there by then.
        by = "by " if row.get("decided_is_bound") is True or row.get("decided_is_bound") == np.True_ else ""
        yield _dated_row(what, row["decided"], None, kind, by=by)


def _statements(guidelines: pd.DataFrame | None) -> Iterator[tuple[Row, _When]]:
    if guidelines is None:
        return
    _need(guidelines, "body", "year", "published")
    for row in guidelines.to_dict("records"):
        about = [str(row[name]) for name in ("topic", "agents") if name in row and not pd.isna(row[name])]
        body, document = str(row["body"]), row.get("document")
        known = body != GuidelineBody.OTHER or document is None or pd.isna(document)
        what = ", ".join([body.upper() if known else str(document), *about])
        yield _dated_row(what, row["published"], row["year"], _STATEMENT)


def _dated_row(what: str, day: Any, year: Any, kind: str, *, by: str = "") -> tuple[Row, _When]:
    at, exact = _dated(day, year)
    told = f"{by}{day:%Y-%m-%d}" if exact else "–" if pd.isna(year) else str(year)
    marks = ((at, kind, exact),) if np.isfinite(at) else ()
    return Row(cells={"what": what, "when": told}, indent=0.8), _When(marks=marks)


def _need(frame: pd.DataFrame, *names: str) -> None:
    if missing := [name for name in names if name not in frame.columns]:
        raise SynthesisError(f"expected the columns {', '.join(names)}; missing: {', '.join(missing)}")


def _dated(day: Any, year: Any) -> tuple[float, bool]:
    if day is not None and not pd.isna(day):
        return _of_day(pd.Timestamp(day).date()), True
    return (np.nan if year is None or pd.isna(year) else float(year) + _MIDDLE), False


def _year(text: Any) -> float:
    """Return a date as registries print it, with or without month and day, as a number of years."""
    if text is None or pd.isna(text):
        return np.nan
    found = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", str(text))
    if not found:
        raise SynthesisError(f"expected a date such as 2021-08 or 2021-08-09, got {text}")
    year, month, day = (int(part) if part else None for part in found.groups())
    if month is None:
        return float(str(year)) + _MIDDLE
    try:
        return _of_day(date(int(str(year)), month, day or 15))
    except ValueError as error:
        raise SynthesisError(f"expected a date such as 2021-08-09, got {text}: {error}") from None


def _of_day(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / _DAYS


def _told(start: Any, end: Any) -> str:
    shown = ["" if each is None or pd.isna(each) else str(each)[:7] for each in (start, end)]
    return " to ".join(each or "?" for each in shown) if any(shown) else "–"


def _draw(stage: Stage, when: _When, y: float) -> None:
    ax, em = stage.ax, stage.em
    start, end = when.start, when.end
    if np.isfinite([start, end]).all():
        ax.hlines(y, start, end, color=SKY, linewidth=0.6 * em, zorder=2, gid="span")
    elif np.isfinite(start):
        # It goes on for a time that nobody printed.
        ax.hlines(
            y,
            start,
            stage.before(start, -1.5),
            color=SKY,
            linewidth=0.6 * em,
            linestyle=(0, (0.5, 0.5)),
            zorder=2,
            gid="span",
        )
    for year, kind, exact in when.marks:
        marker, colour, edge = _MARKS[kind]
        ax.plot(
            [year],
            [y],
            marker=marker,
            markersize=(0.75 if exact else 0.5) * em,
            markerfacecolor=colour,
            markeredgecolor=edge,
            markeredgewidth=em / (16 if edge == PAPER else 10),
            linestyle="none",
            clip_on=False,
            zorder=4,
            gid=kind,
        )
