"""The pooled estimate as studies came in, and without each of them in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from attrs import evolve

from herbtc.plots._axis import PERCENT, Axis
from herbtc.plots._habits import LAYOUTS
from herbtc.plots._ink import MUTED
from herbtc.plots._marks import interval, point
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Row, Table
from herbtc.plots._values import Value, labels, released
from herbtc.synthesis import TAU2

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from herbtc.synthesis import Cumulative, LeaveOneOut

_NAMES = ("trial", "arm", "population")


def cumulative(
    result: Cumulative,
    *,
    title: str | None = None,
    xlabel: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the pooled estimate as one study after another came in.

    Parameters
    ----------
    result : Cumulative
        From `herbtc.synthesis.cumulative`.
    title, xlabel : str, optional
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure that fits everything is made.

    Returns
    -------
    matplotlib.axes.Axes
        One row a step, with its estimate and interval (gid ``"estimates"``, ``"intervals"``), and a line at the last.

    Raises
    ------
    herbtc.SynthesisError
        If an `ax` is too small to be read.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, plots, synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80], "year": range(2021, 2026)})
    >>> ax = plots.cumulative(synthesis.cumulative(measures.effects(frame), by="year"))
    >>> ax.get_xlabel()
    'Pooled rate (%)'
    """
    table = result.to_frame()
    by = next(name for name in table.columns if name not in _NAMES)
    steps = [_shown(each) for each in table[by]]
    named = "trial" in table.columns
    cells = [
        {"study": f"+ {name}" if named else step, "by": step if named else ""}
        for name, step in zip(labels(table, None) if named else steps, steps, strict=True)
    ]
    order = str(by).replace("_", " ").capitalize()
    header = {"study": "Study added" if named else order, "by": order if named else ""}
    return _draw(
        result,
        cells,
        header,
        "adding one after another",
        title=title,
        xlabel=xlabel,
        provenance=provenance,
        fontsize=fontsize,
        ax=ax,
    )


def leave_one_out(
    result: LeaveOneOut,
    *,
    title: str | None = None,
    xlabel: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the pooled estimate without each study in turn.

    Parameters
    ----------
    result : LeaveOneOut
        From `herbtc.synthesis.leave_one_out`.
    title, xlabel, provenance, fontsize, ax
        See `cumulative`.

    Returns
    -------
    matplotlib.axes.Axes
        One row for each study left out (gid ``"estimates"``, ``"intervals"``), and a line at the estimate of all.

    Raises
    ------
    herbtc.SynthesisError
        If an `ax` is too small to be read.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, plots, synthesis
    >>> frame = pd.DataFrame({"trial": list("ABCDE"), "events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> ax = plots.leave_one_out(synthesis.leave_one_out(measures.effects(frame)))
    >>> next(text.get_text() for text in ax.texts if text.get_gid() == "k:0")
    '4'
    """
    table = result.to_frame()
    names = [str(each) for each in table[table.columns[0]]] if result.by is not None else labels(table, None)
    cells = [{"study": f"− {name}"} for name in names]
    return _draw(
        result,
        cells,
        {"study": "Study left out"},
        "leaving out one at a time",
        title=title,
        xlabel=xlabel,
        provenance=provenance,
        fontsize=fontsize,
        ax=ax,
    )


def _shown(value: Any) -> str:
    return (
        f"{value:%Y-%m-%d}"
        if isinstance(value, pd.Timestamp)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _draw(
    result: Cumulative | LeaveOneOut,
    cells: list[dict[str, str]],
    header: dict[str, str],
    how: str,
    *,
    title: str | None,
    xlabel: str | None,
    provenance: str | bool,
    fontsize: float,
    ax: Axes | None,
) -> Axes:
    scale, habit = result.scale, LAYOUTS["default"]
    found = result.to_frame()
    values = [
        Value(estimate=row["estimate"], low=row["conf_low"], high=row["conf_high"]) for row in found.to_dict("records")
    ]
    rows = [
        Row(
            cells={
                **each,
                "k": str(k),
                "n": "" if pd.isna(n) else str(n),
                "value": habit.value(scale, value),
            }
        )
        for each, k, n, value in zip(cells, found["k"], found["n"], values, strict=True)
    ]
    factor = 100.0 if scale.natural == "rate" else 1.0
    label = xlabel if xlabel is not None else f"Pooled {scale.what} ({_UNITS[scale.natural]})"
    ends = [end * factor for value in values for end in (value.low, value.estimate, value.high)]
    axis = evolve(PERCENT, label=label) if scale.natural == "rate" else Axis.around(ends, label=label, log=True)
    model = "equal effects" if result.method == "EE" else f"{TAU2[result.method][0]} estimator of τ²"
    columns = (
        Column(name="study", header=header["study"], align="left", most=26.0),
        *((Column(name="by", header=header["by"], align="left"),) if header.get("by") else ()),
        Column(name="k", header="k"),
        *((Column(name="n", header="Patients"),) if found["n"].notna().any() else ()),
        Column(name="value", header=habit.header(scale, result.level, ()), side="right"),
    )
    table = Table(
        what=f"{len(rows)} rows",
        axis=axis,
        columns=columns,
        rows=tuple(rows),
        title=title or "",
        footer=(
            f"Pooled as {scale.words}, {how}; {model}",
            *(f"Note: {note}" for note in result.notes),
            *released(result.release, provenance),
        ),
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    stage.ax.axvline(
        factor * result.estimate, color=MUTED, linewidth=stage.em / 12, linestyle=(0, (3, 3)), zorder=1, gid="estimate"
    )
    for value, y in zip(values, stage.y, strict=True):
        interval(stage, value, y, factor=factor)
        point(stage, factor * value.estimate, y)
    return stage.ax


_UNITS = {"rate": "%", "months": "months, log scale", "ratio": "log scale"}
