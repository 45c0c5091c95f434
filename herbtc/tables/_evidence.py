"""The evidence table: one row per group of patients, with its figures and where each was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import rows_named
from herbtc.tables._layout import NONE, laid_out, needed, note, releases, told, words
from herbtc.tables._references import References
from herbtc.terms import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from great_tables import GT

    _Cells = Mapping[Any, Any]
    _Group = tuple[str, str, str]

_TRAITS = {"agents": "Agents", "mechanism": "Mechanism", "her2": "HER2", "line": "Line"}
_ABSENT = f"{NONE}, not found. Percentages as printed, else from events and n; medians in months."
_DERIVED = "Events marked * follow from the printed percentage and n."
_NO_HEADING = "Not known"
_SUSPECT = "suspect"
_REACH = {"True": "not reached", "False": "not estimable"}
_RATES, _TIMES = "query.proportions()", "query.durations()"


def evidence(
    frame: pd.DataFrame,
    *,
    durations: pd.DataFrame | None = None,
    sources: pd.DataFrame | None = None,
    by: str | None = None,
    title: str = "Evidence",
    subtitle: str | None = None,
) -> GT:
    """Return the evidence table of a review: one row per group of patients, its figures, and where each was read.

    Parameters
    ----------
    frame : DataFrame
        Proportions, as `herbtc.query.proportions` returns them; of a frame of your own, `trial` and `endpoint` are
        needed, and what else it has is shown. Each endpoint gets a column of its own.
    durations : DataFrame, optional
        Medians of the same groups, as `herbtc.query.durations` returns them; groups that only they have are added.
    sources : DataFrame, optional
        `herbtc.query.sources`, for authors, titles and venues in the notes.
    by : str, optional
        A column of both frames, such as ``"mechanism"``, under whose values the rows stand.
    title, subtitle : str
        Plain text.

    Returns
    -------
    great_tables.GT
        With study, agents, mechanism, HER2 group, line, n, each response as events/n (%) with its interval and its
        level, each median with its interval, and numbers of sources. Notes name every source with the place of each
        figure in it, figures that were derived or are suspect, and the data release.

    Raises
    ------
    herbtc.SynthesisError
        If a column is missing, or a group has several rows of one endpoint.
    herbtc.UnknownKeyError
        If `by` is no column.

    Examples
    --------
    >>> from herbtc import query, tables
    >>> asked = {"her2_directed": True, "her2": "her2-positive", "line": "second-or-later"}
    >>> rates = query.proportions(endpoint="orr", **asked)
    >>> table = tables.evidence(rates, durations=query.durations(endpoint=["pfs", "os"], **asked), by="mechanism")
    >>> "9/39 (23 %)" in table.as_raw_html()
    True
    >>> table.save("evidence.png")  # doctest: +SKIP
    """
    frames = {_RATES: frame} | ({} if durations is None else {_TIMES: durations})
    for where, each in frames.items():
        needed(each, ("trial", "endpoint"), where)
        _one_row_each(each)
        if by is not None:
            look_up("column", by, {str(name): name for name in each.columns})
    figures: dict[_Group, list[tuple[str, _Cells]]] = {}
    for where, each in frames.items():
        for row in each.to_dict("records"):
            figures.setdefault(_group(row), []).append((where, row))
    # The rows stand under their headings, and the numbers of their sources run as the rows do.
    headings = [*dict.fromkeys(told(rows[0][1], by) for rows in figures.values())] if by else []
    order = sorted(figures, key=lambda group: headings.index(told(figures[group][0][1], by)) if by else 0)
    traits = {name: label for name, label in _TRAITS.items() if name != by and _has(name, *frames.values())}
    references = References(sources)
    labels: dict[str, str] = {}
    rows = []
    for group in order:
        first = figures[group][0][1]
        cells = {"study": _named(group, figures), "n": NONE, **{name: _trait(first, name) for name in traits}}
        cited: dict[int, list[str]] = {}
        for where, figure in figures[group]:
            endpoint = str(figure["endpoint"]).upper()
            if cells["n"] == NONE and (n := told(figure, "n")):
                cells["n"] = _whole(n)
            for name, label, text in (_response if where == _RATES else _median)(figure, endpoint):
                labels[name], cells[name] = label, text
            if number := references.cite(figure, endpoint):
                cited.setdefault(number, []).append(endpoint)
        heading = (words(told(first, by)) or _NO_HEADING) if by else ""
        rows.append(cells | {"cited": _numbers(cited), "heading": heading})
    columns = {"study": "Study"} | traits | {"n": "n"} | labels | {"cited": "Sources"}
    derived = any(row.get("events_derived") is True for of in figures.values() for _, row in of)
    notes = [
        note(_ABSENT),
        *([note(_DERIVED)] if derived else []),
        *(note(text) for each in frames.values() for text in _suspects(each)),
        *references.notes(),
        *releases(*frames.values()),
    ]
    shown = pd.DataFrame(rows, columns=[*columns, "heading"]).fillna(NONE)
    return laid_out(shown, labels=columns, title=title, subtitle=subtitle, notes=notes, group="heading" if by else None)


def _group(row: _Cells) -> _Group:
    return told(row, "trial"), told(row, "arm"), told(row, "population") or EVERYONE


def _one_row_each(frame: pd.DataFrame) -> None:
    keys = [name for name in ("trial", "arm", "population", "endpoint") if name in frame.columns]
    if (twice := frame.duplicated(keys, keep=False).to_numpy()).any():
        raise SynthesisError(f"expected one row per group and endpoint; several: {rows_named(frame, twice)}")


def _has(name: str, *frames: pd.DataFrame) -> bool:
    return any(name in frame.columns and frame[name].notna().any() for frame in frames)


def _named(group: _Group, groups: Iterable[_Group]) -> str:
    # An arm is named where a study has several, a population where it is not all of the arm.
    trial, arm, population = group
    several = len({other[1] for other in groups if other[0] == trial}) > 1
    return ", ".join(filter(None, (trial, arm if several else "", population if population != EVERYONE else "")))


def _trait(row: _Cells, name: str) -> str:
    # Agents go by their keys, which keep their hyphens.
    value = told(row, name)
    return (value if name == "agents" else words(value)) or NONE


def _numbers(cited: Mapping[int, list[str]]) -> str:
    # Which figure is from which source is said only where there is a choice.
    if len(cited) == 1:
        return f"[{next(iter(cited))}]"
    return "; ".join(f"{', '.join(what)} [{number}]" for number, what in cited.items()) or NONE


# --- figures ----------------------------------------------------------------------------------------------------------


def _response(row: _Cells, endpoint: str) -> Iterator[tuple[str, str, str]]:
    events, n, percent = (told(row, name) for name in ("events", "n", "percent"))
    if not percent and events and float(n or 0) > 0:
        percent = f"{100 * float(events) / float(n):.1f}"
    counts = f"{_whole(events)}{'*' if row.get('events_derived') is True else ''}/{_whole(n)}" if events and n else ""
    share = f"{float(percent):g} %" if percent else ""
    text = f"{counts} ({share})" if counts and share else counts or share
    yield endpoint, f"{endpoint}, events/n (%)", text + _doubt(row) if text else NONE
    ends = _interval(row, "low", "high")
    yield f"{endpoint} interval", f"{endpoint}, interval", f"{ends} ({_level(row)})" if ends else NONE


def _median(row: _Cells, endpoint: str) -> Iterator[tuple[str, str, str]]:
    median = told(row, "median_months")
    text = _short(median) if median else _REACH.get(told(row, "not_reached"), NONE)
    ends = _interval(row, "low_months", "high_months")
    if ends:
        # A range, or quartiles, have no level.
        kind = told(row, "interval")
        text = f"{text} ({ends}; {_level(row) if kind in ('', 'ci') else words(kind)})"
    yield endpoint, f"{endpoint}, months (interval)", text + _doubt(row)


def _interval(row: _Cells, low: str, high: str) -> str:
    ends = told(row, low), told(row, high)
    if not any(ends):
        return ""
    # An end that is not printed, or that no follow-up reached, is no number.
    least = _short(ends[0]) if ends[0] else "not printed"
    most = _short(ends[1]) if ends[1] else words(told(row, "high_status")) or "not printed"
    return f"{least}–{most}"


def _level(row: _Cells) -> str:
    level, sides = told(row, "level"), told(row, "sides")
    shown = f"{float(level):g} %" if level else "level not printed"
    return f"{shown}, one-sided" if sides not in ("", "two") else shown


def _short(value: str) -> str:
    return f"{float(value):.3g}"


def _whole(value: str) -> str:
    return f"{float(value):.0f}"


def _doubt(row: _Cells) -> str:
    return " (suspect)" if told(row, _SUSPECT) else ""


def _suspects(frame: pd.DataFrame) -> list[str]:
    suspects = [row for row in frame.to_dict("records") if told(row, _SUSPECT)]
    return [
        f"Suspect: {told(row, 'trial')}, {str(row['endpoint']).upper()}: {told(row, _SUSPECT)}." for row in suspects
    ]
