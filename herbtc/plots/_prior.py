"""What is believed of a rate: posteriors, predictive distributions, and priors made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from herbtc.measures import MEASURES
from herbtc.plots._axis import Axis
from herbtc.plots._ink import BLUE, INK, MUTED, ORANGE, SKY
from herbtc.plots._stage import place
from herbtc.plots._table import Key, Table
from herbtc.plots._values import released
from herbtc.synthesis import BetaMixture, MapPrior, Posterior

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from herbtc.measures import Floats, Measure
    from herbtc.plots._stage import Stage
    from herbtc.synthesis import Distribution

_STEPS = 601
_TAIL = 0.001
_LEVEL = 0.95


@frozen(kw_only=True)
class _Curve:
    name: str
    density: Distribution
    colour: str
    style: tuple[float, tuple[float, ...]] = (0, ())
    filled: bool = False
    weight: float = 1.0
    told: bool = True
    marker: str = "o"


def prior(
    result: Posterior | MapPrior | BetaMixture,
    *,
    level: float | None = None,
    title: str | None = None,
    xlabel: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the distribution of a rate, a median or a ratio: what is known, and what it says of the next study.

    Parameters
    ----------
    result : Posterior, MapPrior or BetaMixture
        From `herbtc.synthesis.pool_bayes` or `pool_bayes_binomial`: the median study and a new study; from
        `herbtc.synthesis.map_prior`: the predictive distribution and the mixture that stands for it; or a mixture with
        its components.
    level : float, optional
        Of the intervals, between 0 and 1; by default that of the result, else 0.95.
    title, xlabel : str, optional
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own is made.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis is in percent, months or ratios. Curves go by their names as gid; a bar under them spans each
        interval, with a point at the median.

    Raises
    ------
    herbtc.SynthesisError
        For a level that cannot be, or an `ax` too small to be read.

    Examples
    --------
    >>> from herbtc import plots, synthesis
    >>> ax = plots.prior(synthesis.BetaMixture([1.0], [11.0], [32.0]))
    >>> next(text.get_text() for text in ax.texts if text.get_gid() == "key")[:13]
    'prior: 25.2 %'
    """
    scale = MEASURES["logit" if not isinstance(result, Posterior) else result.measure]
    level = level if level is not None else result.level if isinstance(result, Posterior) else _LEVEL
    curves = [*_curves(result)]
    factor = 100.0 if scale.natural == "rate" else 1.0
    spans = [curve.density.interval(1 - 2 * _TAIL) for curve in curves]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    if scale.natural != "rate":
        # The last thousandth of a ratio or a median would leave no room for the rest.
        high = max(curve.density.interval(0.98)[1] for curve in curves)
    x = np.linspace(max(low, 1e-6), min(high, 1 - 1e-6) if scale.natural == "rate" else high, _STEPS)
    heights = [curve.weight * curve.density.pdf(x) for curve in curves]
    top = float(max(np.nanmax(height) for height in heights))
    bars = [curve for curve in curves if curve.told]
    below = 0.07 * top * (len(bars) + 0.3)
    intervals = {curve.name: curve.density.interval(level) for curve in bars}
    keys = tuple(
        Key(
            text=f"{curve.name}: {scale.shown(curve.density.median())} "
            f"({scale.bare(intervals[curve.name][0])}–{scale.bare(intervals[curve.name][1])})",
            marker=curve.marker,
            colour=curve.colour,
            size=0.7,
        )
        for curve in bars
    )
    label = xlabel if xlabel is not None else _label(scale)
    axis = (
        Axis(low=0.0, high=100.0, label=label)
        if scale.natural == "rate"
        else Axis(low=max(0.0, factor * low * 0.95), high=factor * high, label=label)
    )
    table = Table(
        what="a distribution",
        axis=axis,
        side=Axis(low=-below, high=1.05 * top, label="Density", ticks=()),
        key=keys,
        footer=(
            f"In brackets and as bars: {100 * level:g} % intervals; points: medians",
            *_footer(result),
            *released("" if isinstance(result, BetaMixture) else result.release, provenance),
        ),
        title=title or "",
        plot=40.0,
        narrowest=18.0,
        tall=20.0,
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    stage.ax.spines["left"].set_visible(False)
    stage.ax.axhline(0, color=MUTED, linewidth=stage.em / 14, zorder=1, gid="rule")
    for curve, height in zip(curves, heights, strict=True):
        _draw(stage, curve, factor * x, height)
    for place_, curve in enumerate(bars):
        _bar(stage, curve, [factor * end for end in intervals[curve.name]], factor, -0.07 * top * (place_ + 0.75))
    return stage.ax


def _curves(result: Posterior | MapPrior | BetaMixture) -> Iterator[_Curve]:
    dashed, dotted = (0, (5, 2)), (0, (1, 2))
    if isinstance(result, Posterior):
        yield _Curve(name="median study", density=result.mu_rate, colour=BLUE, filled=True)
        yield _Curve(name="new study", density=result.new_rate, colour=ORANGE, style=dashed, marker="D")
        return
    if isinstance(result, MapPrior):
        yield _Curve(name="new group, predictive", density=result.predictive, colour=BLUE, filled=True)
        yield _Curve(name="mixture that stands for it", density=result.mixture, colour=ORANGE, style=dashed, marker="D")
        return
    yield _Curve(name="prior", density=result, colour=BLUE, filled=True)
    if len(result.weights) > 1:
        for weight, a, b in zip(result.weights, result.a, result.b, strict=True):
            yield _Curve(
                name=f"component {weight:.2g} Beta({a:.3g}, {b:.3g})",
                density=BetaMixture([1.0], [a], [b]),
                colour=MUTED,
                style=dotted,
                weight=float(weight),
                told=False,
            )


def _footer(result: Posterior | MapPrior | BetaMixture) -> Iterator[str]:
    if isinstance(result, BetaMixture):
        yield f"{result!r}".strip("<>") + (f"; worth {result.ess():.0f} patients" if len(result.weights) else "")
        return
    mean = result.mean_prior
    yield f"{result.k} groups; prior of τ: {result.prior}, of the mean: {mean or 'uniform'}"
    if isinstance(result, MapPrior):
        yield f"{result.mixture!r}".strip("<>") + f"; worth {result.mixture.ess():.0f} patients"
    yield from (f"Note: {note}" for note in result.notes)


def _label(scale: Measure) -> str:
    return {"rate": "Rate (%)", "months": "Median (months)", "ratio": "Ratio"}[scale.natural]


def _draw(stage: Stage, curve: _Curve, x: Floats, height: Floats) -> None:
    if curve.filled:
        stage.ax.fill_between(x, 0, height, color=SKY, alpha=0.35, linewidth=0, zorder=2, gid=f"{curve.name}, area")
    stage.ax.plot(
        x, height, color=curve.colour, linewidth=stage.em / 5, linestyle=curve.style, zorder=3, gid=curve.name
    )


def _bar(stage: Stage, curve: _Curve, ends: list[float], factor: float, y: float) -> None:
    stage.ax.hlines(y, ends[0], ends[1], color=curve.colour, linewidth=stage.em / 4, zorder=3, gid="intervals")
    stage.ax.plot(
        [factor * curve.density.median()],
        [y],
        marker=curve.marker,
        markersize=0.6 * stage.em,
        color=curve.colour,
        markeredgecolor=INK,
        markeredgewidth=stage.em / 14,
        zorder=4,
        gid="medians",
    )
