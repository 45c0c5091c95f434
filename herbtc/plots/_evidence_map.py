"""Where evidence is and where there is none: mechanism against setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from herbtc.errors import SynthesisError
from herbtc.plots._cells import EMPTY, axis_of, darkness, fill, heads_of, room_for, scale
from herbtc.plots._ink import INK, MUTED, PAPER
from herbtc.plots._stage import place
from herbtc.plots._table import ROW, Column, Key, Row, Table
from herbtc.plots._values import release_of, released
from herbtc.synthesis import shared_patients
from herbtc.terms import EVERYONE, Her2, Line, Partition, Site, strata

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from herbtc.plots._stage import Stage

_HEIGHT = 2.9  # of a cell, in rows
_CELL, _NARROWEST = 7.2, 6.6  # width of a cell, in em
_LARGEST = 3.3  # diameter of the largest bubble, in em
_DARKEST = 0.6
_ORDERS = {"line": [*map(str, Line)], "her2": [*map(str, Her2)], "site": [*map(str, Site)]}
_ALWAYS = {"site": ("intrahepatic", "extrahepatic", "gallbladder")}
_TITLES = {"line": "Line of therapy", "her2": "HER2 group", "site": "Primary site"}
_UNKNOWN = {"line": "not stated", "her2": "not stated", "site": "all sites"}


@frozen(kw_only=True)
class _Cell:
    """Studies of one mechanism in one setting."""

    k: int
    n: int
    events: int
    counted: int
    """Patients of rows that say how many responded."""
    percent: float
    """As printed, where a single row prints no more."""

    @property
    def rate(self) -> float:
        return self.events / self.counted if self.counted else self.percent / 100

    @property
    def told(self) -> str:
        rate = f"{100 * self.rate:.0f} %" if np.isfinite(self.rate) else "–"
        whole = f"{self.events}/{self.counted}" if self.counted else f"n = {self.n}" if self.n else "n = –"
        return f"{rate}, k = {self.k}\n{whole}"


def evidence_map(
    frame: pd.DataFrame,
    *,
    by: str = "mechanism",
    across: Sequence[str] = ("line", "her2", "site"),
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw which mechanism was studied in which setting, in how many patients and with which response.

    Parameters
    ----------
    frame : pandas.DataFrame
        Response rates, as `herbtc.query.proportions` returns them: columns `trial arm population events n percent`,
        that of `by`, and those of `across`.
    by : str
        The column of the rows.
    across : sequence of str
        Columns whose values stand side by side. ``"site"`` is read off `population`; rows about all sites stand under
        a heading of their own.
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
        One bubble a cell (gid ``"bubble"``): its area is in proportion to the patients, the darker the higher the share
        of responders, which is a crude one and no pooled estimate. Cells without a study are grey (gid ``"gap"``).
        Within a cell no patient counts twice: of rows that share patients the largest is taken, and the notes say how
        many were not counted.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, or an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> rates = query.proportions(endpoint="orr", her2_directed=True)
    >>> ax = plots.evidence_map(rates, across=["line"])
    >>> int(ax.get_xlim()[1]) - rates["line"].nunique(dropna=False)
    0
    """
    needed = ["events", "n", by, *(name for name in across if name != "site")]
    missing = [name for name in needed if name not in frame.columns]
    if missing or frame.empty:
        raise SynthesisError(f"expected response rates in a frame; missing: {', '.join(missing) or 'rows'}")
    settings = {name: _words(frame, name) for name in across}
    columns = [(name, word) for name, words in settings.items() for word in _shown(name, words)]
    rows = sorted(frame[by].astype("string").fillna("not stated").unique(), key=lambda word: (" + " in word, word))
    of_row = frame[by].astype("string").fillna("not stated")
    cells: dict[tuple[int, int], _Cell] = {}
    left_out = 0
    for number, word in enumerate(rows):
        for place_, (name, setting) in enumerate(columns):
            inside = frame[(of_row == word).to_numpy(bool) & (settings[name] == setting)]
            counted = inside.iloc[_apart(inside)]
            left_out += len(inside) - len(counted)
            if len(counted):
                cells[number, place_] = _cell(counted)
    largest = max((cell.n for cell in cells.values()), default=1) or 1
    blocks = {_TITLES.get(name, name): len(_shown(name, words)) for name, words in settings.items()}
    sizes = sorted({max(1, round(largest * share / 5) * 5 or round(largest * share)) for share in (0.1, 0.4, 1.0)})
    notes = ["Bubbles: area by patients, colour by the crude share of responders, which is no pooled estimate"]
    notes.append("Grey: no study found; k: groups of patients; a dot: patients not printed")
    if left_out:
        notes.append(f"Rows not counted because others hold their patients already: {left_out}")
    table = Table(
        what=f"{len(rows)} by {len(columns)} cells",
        axis=axis_of(len(columns)),
        columns=(Column(name="row", header=by.capitalize(), align="left", most=16.0),),
        rows=tuple(Row(cells={"row": word}, height=_HEIGHT) for word in rows),
        heads=heads_of([setting for _, setting in columns], blocks),
        key=(
            *(
                Key(text=f"{size} patients", marker="o", colour=PAPER, edge=INK, size=_diameter(size, largest))
                for size in sizes
            ),
            *scale((0.0, 0.2, 0.4, 0.6), _DARKEST),
        ),
        footer=(*notes, *released(release_of(frame), provenance)),
        title=title or "",
        plot=room_for((word for _, word in columns), least=_CELL) * len(columns),
        narrowest=room_for((word for _, word in columns), least=_NARROWEST) * len(columns),
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for number in range(len(rows)):
        for place_ in range(len(columns)):
            cell = cells.get((number, place_))
            fill(stage, number, place_, PAPER if cell else EMPTY, gid="cell" if cell else "gap")
            if cell:
                _draw(stage, number, place_, cell, largest)
    edge = 0
    for count in [*blocks.values()][:-1]:
        edge += count
        stage.ax.axvline(edge, color=MUTED, linewidth=stage.em / 10, zorder=6, gid="rule")
    return stage.ax


def _words(frame: pd.DataFrame, name: str) -> Any:
    if name != "site":
        return frame[name].astype("string").fillna(_UNKNOWN.get(name, "not stated")).to_numpy()
    populations = frame["population"] if "population" in frame.columns else [EVERYONE] * len(frame)
    return np.array([_site(str(population)) for population in populations], dtype=object)


def _site(population: str) -> str:
    try:
        sites = [str(stratum) for stratum in strata(population) if stratum.by is Partition.SITE]
    except ValueError:
        sites = []
    return " & ".join(sites) or _UNKNOWN["site"]


def _shown(name: str, words: Any) -> list[str]:
    found = {str(word) for word in words} | set(_ALWAYS.get(name, ()))
    order = _ORDERS.get(name, [])
    return sorted(found, key=lambda word: (word not in order, order.index(word) if word in order else 0, word))


def _apart(rows: pd.DataFrame) -> list[int]:
    """Return the places of rows that share no patient, the largest first."""
    shared, size = shared_patients(rows), rows["n"].to_numpy(float, na_value=0.0)
    kept: list[int] = []
    for place_ in sorted(range(len(rows)), key=lambda each: -size[each]):
        if not shared[place_, kept].any():
            kept.append(place_)
    return sorted(kept)


def _cell(rows: pd.DataFrame) -> _Cell:
    events, n = (rows[name].to_numpy(float, na_value=np.nan) for name in ("events", "n"))
    known = np.isfinite(events) & np.isfinite(n)
    alone = len(rows) == 1 and "percent" in rows.columns
    printed = float(rows["percent"].to_numpy(float, na_value=np.nan)[0]) if alone else np.nan
    return _Cell(
        k=len(rows),
        n=int(np.nansum(n)),
        events=int(events[known].sum()),
        counted=int(n[known].sum()),
        percent=printed,
    )


def _diameter(n: int, largest: int) -> float:
    return _LARGEST * float(np.sqrt(n / largest))


def _draw(stage: Stage, row: int, column: int, cell: _Cell, largest: int) -> None:
    em, height = stage.em, stage.heights[row]
    # The bubble stands in the upper part of its cell, the figures below it.
    up = stage.y[row] - height / 2 + (_LARGEST / 2 + 0.3) / ROW
    colour = darkness(cell.rate, _DARKEST) if np.isfinite(cell.rate) else EMPTY
    diameter = _diameter(cell.n, largest) if cell.n else 0.4
    stage.ax.plot(
        [column + 0.5],
        [up],
        marker="o",
        markersize=diameter * em,
        markerfacecolor=colour,
        markeredgecolor=INK,
        markeredgewidth=em / 12,
        linestyle="none",
        zorder=4,
        gid="bubble",
    )
    stage.ax.text(
        column + 0.5,
        stage.y[row] + height / 2 - 0.2 / ROW,
        cell.told,
        ha="center",
        va="bottom",
        fontsize=0.8 * em,
        color=INK,
        linespacing=1.1,
        zorder=5,
        gid="figures",
    )
