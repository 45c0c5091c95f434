"""Case-deletion diagnostics, study by study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtri, ndtri

from herbtc.measures import MEASURES
from herbtc.plots._ink import BLUE, INK, MUTED, ORANGE
from herbtc.plots._lanes import Lane, axis_of, heads_of, part
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import labels as names_of
from herbtc.plots._values import released

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from herbtc.measures import Floats
    from herbtc.plots._stage import Stage
    from herbtc.synthesis import Influence

_NORMAL = float(ndtri(0.975))
_NAMES = {
    "rstudent": "Studentised residual",
    "dffits": "DFFITS",
    "cook_d": "Cook's distance",
    "cov_ratio": "Covariance ratio",
    "tau2_del": "τ² without",
    "qe_del": "Q without",
    "hat": "Leverage",
    "weight": "Weight (%)",
}
_LANE, _NARROWEST = 8.2, 7.6  # em


def influence(
    result: Influence,
    *,
    labels: str | Sequence[str] | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the diagnostics of each study side by side, with the cut-offs beyond which a study is influential.

    Parameters
    ----------
    result : Influence
        From `herbtc.synthesis.influence`.
    labels : str or sequence of str, optional
        A column of the rows, or one text a row.
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
        One row a study, one lane a diagnostic, each on a scale of its own. Influential studies have
        their name in bold and a diamond (gid ``"influential"``), all others a circle (gid ``"studies"``).

    Raises
    ------
    herbtc.SynthesisError
        If `labels` does not fit the rows, or an `ax` is too small to be read.

    References
    ----------
    Viechtbauer W, Cheung MWL. Res Synth Methods 2010;1:112.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, plots, synthesis
    >>> frame = pd.DataFrame({"trial": list("ABCDE"), "events": [8, 14, 10, 9, 75], "n": [22, 30, 34, 39, 80]})
    >>> ax = plots.influence(synthesis.influence(measures.effects(frame)))
    >>> [line.get_gid() for line in ax.lines if line.get_gid() == "influential"][:1]
    ['influential']
    """
    table = result.to_frame()
    p = sum(name.startswith("dfbetas") for name in table.columns)
    cut = 3 * float(np.sqrt(p / (result.k - p))) if result.k > p else np.nan
    # Where a cut-off stands, and where all studies together do.
    cuts = {"rstudent": (-_NORMAL, _NORMAL), "dffits": (-cut, cut), "cook_d": (float(chdtri(p, 0.5)),)}
    cuts["hat"] = (3 * p / result.k,)
    whole = {"cov_ratio": 1.0, "tau2_del": result.tau2, "qe_del": result.qe, "weight": 100 / result.k}
    lanes = [
        Lane.around(
            told, [*table[name].to_numpy(float), *cuts.get(name, ()), *([whole[name]] if name in whole else [])]
        )
        for name, told in _NAMES.items()
    ]
    flagged = table["influential"].to_numpy(bool)
    rows = tuple(
        Row(cells={"study": name}, bold=bool(marked))
        for name, marked in zip(names_of(result.rows, labels), flagged, strict=True)
    )
    picture = Table(
        what=f"{result.k} studies",
        axis=axis_of(lanes),
        columns=(Column(name="study", header="Study", align="left", most=26.0),),
        rows=rows,
        heads=heads_of(lanes),
        key=(
            Key(text="study", marker="o", colour=BLUE, size=0.7),
            Key(text="influential study", marker="D", colour=ORANGE, edge=INK, size=0.8),
            Key(text="cut-off", marker="$\u2506$", colour=ORANGE, size=1.0),
            Key(text="all studies, or equal weights", marker="$\u2506$", colour=MUTED, size=1.0),
        ),
        footer=(
            f"Case-deletion diagnostics of {MEASURES[result.measure].words}; method {result.method}",
            *(f"Note: {note}" for note in result.notes),
            *released(result.release, provenance),
        ),
        title=title or "",
        plot=_LANE * len(lanes),
        narrowest=_NARROWEST * len(lanes),
    )
    stage = place(picture, ax=ax, fontsize=fontsize)
    part(stage, len(lanes))
    _draw(stage, lanes, [table[name].to_numpy(float) for name in _NAMES], flagged)
    for number, (name, lane) in enumerate(zip(_NAMES, lanes, strict=True)):
        for value in cuts.get(name, ()):
            _line(stage.ax, stage.em, lane.at(number, value), ORANGE, "cut-off")
        if name in whole:
            _line(stage.ax, stage.em, lane.at(number, whole[name]), MUTED, "all studies")
    return stage.ax


def _line(ax: Axes, em: float, x: float, colour: str, gid: str) -> None:
    ax.axvline(x, color=colour, linewidth=em / 10, linestyle=(0, (3, 3)), zorder=1, gid=gid)


def _draw(stage: Stage, lanes: Sequence[Lane], columns: Sequence[Floats], flagged: npt.NDArray[np.bool_]) -> None:
    ax, em, y = stage.ax, stage.em, np.array(stage.y)
    for number, (lane, values) in enumerate(zip(lanes, columns, strict=True)):
        x = np.array([lane.at(number, value) for value in values])
        ax.plot(x, y, color=BLUE, linewidth=em / 14, zorder=2, gid="path")
        for which, marker, colour, edge, gid in (
            (~flagged, "o", BLUE, BLUE, "studies"),
            (flagged, "D", ORANGE, INK, "influential"),
        ):
            if which.any():
                ax.plot(
                    x[which],
                    y[which],
                    marker=marker,
                    markersize=0.65 * em,
                    color=colour,
                    markeredgecolor=edge,
                    linestyle="none",
                    zorder=3,
                    gid=gid,
                )
