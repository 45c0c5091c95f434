"""What every model makes of the same studies, on every scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from herbtc.errors import SynthesisError
from herbtc.measures import percent
from herbtc.plots._ink import BLUE, INK, MUTED
from herbtc.plots._lanes import Lane, axis_of, heads_of, part
from herbtc.plots._marks import interval, point
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import Value, release_of, released

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_TESTS = {
    "wald": "Wald",
    "hksj": "Hartung-Knapp",
    "hksj-adhoc": "Hartung-Knapp, ad hoc floor",
    "profile": "profile likelihood",
}
_COLUMNS = ("measure", "method", "test", "estimate", "conf_low", "conf_high")


def sensitivity(
    grid: pd.DataFrame,
    *,
    reference: float | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the pooled rate by each model on each scale.

    Parameters
    ----------
    grid : pandas.DataFrame
        From `herbtc.synthesis.sensitivity`, or rows of it.
    reference : float, optional
        A rate (0-1) to mark in every lane; by default the two-stage model on the logit scale by REML with the
        Hartung-Knapp interval and its floor, where it is among the rows.
    title : str, optional
    provenance : str or bool
        A line on where the figures come from.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure that fits everything is made.

    Returns
    -------
    matplotlib.axes.Axes
        One row a model, one lane a measure, all lanes on one scale in percent. A model without an answer says so.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, or an `ax` is too small to be read.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import plots, synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> ax = plots.sensitivity(synthesis.sensitivity(frame))
    >>> [text.get_label() for text in ax.texts if text.get_gid() == "head"]
    ['logit', 'raw', 'arcsine', 'freeman-tukey', 'log']
    """
    missing = [name for name in _COLUMNS if name not in grid.columns]
    if missing or grid.empty:
        raise SynthesisError(f"expected rows of herbtc.synthesis.sensitivity; missing: {', '.join(missing) or 'rows'}")
    records = grid.to_dict("records")
    measures = list(dict.fromkeys(str(row["measure"]) for row in records))
    models = list(dict.fromkeys((str(row["method"]), str(row["test"])) for row in records))
    ends = [100 * float(row[name]) for row in records for name in ("conf_low", "conf_high", "estimate")]
    common = Lane.around("", ends)
    lanes = [evolve(common, text=measure) for measure in measures]
    if reference is None:
        reference = _default(records)
    methods = [method for method, _ in models]
    rows = tuple(
        Row(
            cells={"method": "" if place and methods[place - 1] == method else method, "test": _TESTS.get(test, test)},
            gap=0.25 * bool(place and methods[place - 1] != method),
        )
        for place, (method, test) in enumerate(models)
    )
    table = Table(
        what=f"{len(models)} models",
        axis=axis_of(lanes, label="Pooled rate (%)"),
        columns=(
            Column(name="method", header="Model", align="left"),
            Column(name="test", header="Interval", align="left"),
        ),
        rows=rows,
        heads=heads_of(lanes),
        key=(
            (Key(text=f"reference: {percent(reference)} %", marker="$\u2506$", colour=MUTED, size=1.0),)
            if np.isfinite(reference)
            else ()
        ),
        footer=("Lines: confidence intervals; every lane has the same scale", *released(release_of(grid), provenance)),
        title=title or "",
        plot=9.0 * len(lanes),
        narrowest=6.5 * len(lanes),
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    part(stage, len(lanes))
    for number, lane in enumerate(lanes):
        if np.isfinite(reference):
            stage.ax.axvline(
                lane.at(number, 100 * reference),
                color=MUTED,
                linewidth=stage.em / 12,
                linestyle=(0, (3, 3)),
                zorder=1,
                gid="reference",
            )
    for row in records:
        number = measures.index(str(row["measure"]))
        y = stage.y[models.index((str(row["method"]), str(row["test"])))]
        low, middle, high = (
            lanes[number].at(number, 100 * row[name]) for name in ("conf_low", "estimate", "conf_high")
        )
        if np.isfinite(middle):
            interval(stage, Value(estimate=middle, low=low, high=high), y, colour=INK)
            point(stage, middle, y, colour=BLUE)
        else:
            stage.ax.text(
                number + 0.5,
                y,
                "no answer",
                ha="center",
                va="center",
                fontsize=0.85 * stage.em,
                color=MUTED,
                gid="failed",
            )
    return stage.ax


def _default(records: list[dict[Any, Any]]) -> float:
    chosen = ("logit", "REML", "hksj-adhoc")
    found = [row["estimate"] for row in records if tuple(row[name] for name in _COLUMNS[:3]) == chosen]
    return float(found[0]) if found else np.nan
