"""Funnel plots: whether small studies found something else than large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import ndtri

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import back
from herbtc.plots._axis import PERCENT, Axis
from herbtc.plots._ink import BLUE, INK, MUTED, ORANGE, PAPER
from herbtc.plots._stage import place
from herbtc.plots._table import Key, Table
from herbtc.plots._values import released
from herbtc.synthesis import Pooled, TrimAndFill
from herbtc.synthesis._studies import harmonic

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from herbtc.measures import Floats, Measure
    from herbtc.plots._stage import Stage

_BANDS = ((0.10, "#ffffff"), (0.05, "#dfe4e8"), (0.01, "#b9c2ca"))
_REST = "#8f9aa5"
_RATES = (
    (1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99),
    (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99),
    (1, 5, 20, 50, 80, 95, 99),
    (5, 20, 50, 80, 95),
    (20, 50, 80),
    (50,),
)
_CLOSE = 0.4
_UNITS = {"rate": "Rate (%)", "months": "Median (months, log scale)", "ratio": "Ratio (log scale)"}


def funnel(
    result: Pooled | TrimAndFill,
    *,
    against: Literal["se", "n"] = "se",
    filled: TrimAndFill | None = None,
    contours: float | None = None,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each study found against its size.

    The standard error of a proportion depends on the proportion, so that a funnel of it leans without any selection:
    ``against="n"`` is the one to look at for response rates (Hunter 2014).

    Parameters
    ----------
    result : Pooled or TrimAndFill
        The studies; of a `Pooled` the estimate is marked as well.
    against : str
        ``"se"``, the standard error on the scale of analysis, or ``"n"``, patients; of proportions only.
    filled : TrimAndFill, optional
        From `herbtc.synthesis.trim_and_fill` of the same studies; its imputed points are drawn hollow.
    contours : float, optional
        A value on the natural scale, such as a ratio of 1 or a null response rate: regions in which a study differs
        from it with p below 0.10, 0.05 and 0.01 are shaded (Peters 2008).
    title : str, optional
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own is made.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis is the scale of analysis with values of the natural one written on it (in percent, with
        ``against="n"``). Points have the gid ``"studies"`` and ``"imputed"``; the dashed lines hold 95 % of studies if
        all have one effect.

    Raises
    ------
    herbtc.SynthesisError
        For ``against="n"`` of anything but proportions, for contours with it, or an `ax` too small to be read.

    References
    ----------
    Sterne JAC, Egger M. J Clin Epidemiol 2001;54:1046; Hunter JP et al. J Clin Epidemiol 2014;67:897; Peters JL et al.
    J Clin Epidemiol 2008;61:991.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, plots, synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> ax = plots.funnel(synthesis.pool(measures.effects(frame)), against="n")
    >>> ax.get_ylabel()
    'Patients'
    """
    look_up("size", against, dict.fromkeys(("se", "n")))
    scale = result.scale
    points = result.rows
    if isinstance(result, TrimAndFill) and filled is None:
        filled = result
    imputed = None if filled is None else _imputed(filled, result)
    if against == "n":
        if not scale.counts:
            raise SynthesisError("expected a result of events and n for a funnel against n; against='se' suits others")
        if contours is not None:
            raise SynthesisError("expected contours with against='se' only")
        return _by_n(result, points, imputed, title=title, provenance=provenance, fontsize=fontsize, ax=ax)
    return _by_se(
        result, points, imputed, contours=contours, title=title, provenance=provenance, fontsize=fontsize, ax=ax
    )


def _imputed(filled: TrimAndFill, result: Pooled | TrimAndFill) -> pd.DataFrame:
    if filled.measure != result.measure:
        raise SynthesisError(f"expected points of {result.measure}, got those of {filled.measure}")
    table = filled.to_frame()
    return table[table["imputed"]]


def _forth(scale: Measure, values: Floats, n: float) -> Floats:
    return scale.forth(np.asarray(values, dtype=float), n)


def _key(imputed: pd.DataFrame | None, estimate: str, contours: float | None, scale: Measure) -> tuple[Key, ...]:
    keys = [Key(text="study", marker="o", colour=BLUE, size=0.7)]
    if imputed is not None and len(imputed):
        keys.append(Key(text="imputed, observed by nobody", marker="o", colour=PAPER, edge=ORANGE, size=0.7))
    if estimate:
        keys.append(Key(text=estimate, marker="$\u2502$", colour=INK, size=1.0))
    if contours is not None:
        against = f"against {scale.shown(contours)}"
        names = ("p > 0.10", "p 0.05–0.10", "p 0.01–0.05", f"p < 0.01 {against}")
        colours = (*(colour for _, colour in _BANDS), _REST)
        keys += [
            Key(text=name, marker="s", colour=colour, edge=MUTED, size=0.9)
            for name, colour in zip(names, colours, strict=True)
        ]
    return tuple(keys)


def _notes(result: Pooled | TrimAndFill, provenance: str | bool, lines: str) -> tuple[str, ...]:  # noqa: FBT001
    return (lines, *(f"Note: {note}" for note in result.notes), *released(result.release, provenance))


def _by_n(
    result: Pooled | TrimAndFill,
    points: pd.DataFrame,
    imputed: pd.DataFrame | None,
    *,
    title: str | None,
    provenance: str | bool,
    fontsize: float,
    ax: Axes | None,
) -> Axes:
    n = points["n"].to_numpy(float)
    rates = 100 * points["events"].to_numpy(float) / n
    estimate = result.estimate if isinstance(result, Pooled) else np.nan
    most = float(n.max()) * 1.06
    told = f"pooled rate, {result.scale.shown(estimate)}" if np.isfinite(estimate) else ""
    limits = "Dashed: 95 % of studies if all had the pooled rate" if told else ""
    stage = _stage(
        Axis(low=PERCENT.low, high=PERCENT.high, label="Response rate (%)"),
        Axis(low=0.0, high=most, label="Patients", whole=True),
        _key(imputed, told, None, result.scale),
        _notes(result, provenance, limits) if limits else _notes(result, provenance, "Sizes: patients of each study"),
        title=title,
        k=len(points),
        fontsize=fontsize,
        ax=ax,
    )
    if told:
        sizes = np.linspace(1, most, 400)
        reach = 100 * float(ndtri(0.975)) * np.sqrt(estimate * (1 - estimate) / sizes)
        for sign in (-1, 1):
            edge = 100 * estimate + sign * reach
            inside = (edge >= 0) & (edge <= PERCENT.high)
            _dashed(stage, edge[inside], sizes[inside])
        _line(stage, 100 * estimate)
    _scatter(stage, rates, n, hollow=False)
    if imputed is not None and len(imputed):
        mirrored = 100 * back(imputed["yi"].to_numpy(float), result.measure, harmonic(points))
        _scatter(stage, mirrored, imputed["n"].to_numpy(float), hollow=True)
    return stage.ax


def _by_se(
    result: Pooled | TrimAndFill,
    points: pd.DataFrame,
    imputed: pd.DataFrame | None,
    *,
    contours: float | None,
    title: str | None,
    provenance: str | bool,
    fontsize: float,
    ax: Axes | None,
) -> Axes:
    scale, n = result.scale, harmonic(points)
    y, se = points["yi"].to_numpy(float), np.sqrt(points["vi"].to_numpy(float))
    extra = np.array([]) if imputed is None else imputed["yi"].to_numpy(float)
    middle = result.beta if isinstance(result, Pooled) else np.nan
    worst = 1.08 * float(se.max())
    reach = float(ndtri(0.975)) * worst
    # The funnel itself is inside, but not where it is many times wider than what was found.
    around = [*y, *extra, *([middle] if np.isfinite(middle) else [])]
    if contours is not None:
        around.append(float(_forth(scale, np.array([contours]), n)[0]))
    ends = [*around, *([middle - reach, middle + reach] if np.isfinite(middle) else [])]
    told = f"pooled {scale.what}, {scale.shown(result.estimate)}" if isinstance(result, Pooled) else ""
    stage = _stage(
        _natural(scale, n, ends),
        Axis(low=worst, high=0.0, label="Standard error"),
        _key(imputed, told, contours, scale),
        _notes(
            result,
            provenance,
            f"Analysed as {scale.words}" + ("; dashed: 95 % of studies if all had the pooled effect" if told else ""),
        ),
        title=title,
        k=len(points),
        fontsize=fontsize,
        ax=ax,
    )
    if contours is not None:
        _shade(stage, float(_forth(scale, np.array([contours]), n)[0]), worst)
    if np.isfinite(middle):
        for sign in (-1, 1):
            _dashed(stage, np.array([middle, middle + sign * reach]), np.array([0.0, worst]))
        _line(stage, middle)
    _scatter(stage, y, se, hollow=False)
    if imputed is not None and len(imputed):
        _scatter(stage, extra, np.sqrt(imputed["vi"].to_numpy(float)), hollow=True)
    return stage.ax


def _natural(scale: Measure, n: float, values: list[float]) -> Axis:
    """Return an axis of the scale of analysis on which values of the natural one are written."""
    axis = Axis.around(values, label=_UNITS[scale.natural])
    if scale.natural == "rate":
        low, high = (float(end) for end in back(np.array([axis.low, axis.high]), scale.name, n))
        # Between two close rates there are not enough round ones in the list.
        near = [[rate for rate, _ in some] for some in Axis(low=100 * low, high=100 * high).candidates()]
        found = [
            [
                (at, f"{rate:g}")
                for rate in some
                if axis.low <= (at := float(_forth(scale, np.array([rate / 100]), n)[0])) <= axis.high
            ]
            for some in (near if high - low < _CLOSE else _RATES)
        ]
    else:
        ends = np.exp([axis.low, axis.high])
        inner = Axis(low=float(ends[0]), high=float(ends[1]), log=True)
        found = [[(float(np.log(value)), text) for value, text in some] for some in inner.candidates()]
    sets = tuple(tuple(some) for some in found if some)
    return Axis(low=axis.low, high=axis.high, label=axis.label, sets=sets)


def _stage(
    axis: Axis,
    side: Axis,
    key: tuple[Key, ...],
    footer: tuple[str, ...],
    *,
    title: str | None,
    k: int,
    fontsize: float,
    ax: Axes | None,
) -> Stage:
    table = Table(
        what=f"{k} studies",
        axis=axis,
        side=side,
        key=key,
        footer=footer,
        title=title or "",
        plot=38.0,
        narrowest=18.0,
        tall=26.0,
    )
    return place(table, ax=ax, fontsize=fontsize)


def _scatter(stage: Stage, x: Floats, y: Floats, *, hollow: bool) -> None:
    stage.ax.scatter(
        x,
        y,
        s=(0.7 * stage.em) ** 2,
        facecolor=PAPER if hollow else BLUE,
        edgecolor=ORANGE if hollow else PAPER,
        linewidths=stage.em / (8 if hollow else 16),
        zorder=4,
        clip_on=False,
        gid="imputed" if hollow else "studies",
    )


def _dashed(stage: Stage, x: Floats, y: Floats) -> None:
    stage.ax.plot(x, y, color=MUTED, linewidth=stage.em / 11, linestyle=(0, (4, 3)), zorder=2, gid="limits")


def _line(stage: Stage, x: float) -> None:
    stage.ax.axvline(x, color=INK, linewidth=stage.em / 11, zorder=2, gid="estimate")


def _shade(stage: Stage, null: float, worst: float) -> None:
    ax = stage.ax
    ax.axhspan(0, worst, color=_REST, linewidth=0, zorder=0, gid="contours")
    for p, colour in reversed(_BANDS):
        reach = float(ndtri(1 - p / 2)) * worst
        ax.fill(
            [null, null - reach, null + reach], [0, worst, worst], color=colour, linewidth=0, zorder=0.5, gid="contours"
        )
