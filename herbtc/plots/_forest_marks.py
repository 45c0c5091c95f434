"""What a forest plot draws between its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Polygon

from herbtc.plots._ink import BLUE, INK, MUTED, PAPER
from herbtc.plots._marks import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from herbtc.plots._forest_rows import Contents
    from herbtc.plots._stage import Stage

_LARGEST = 1.15  # side of the square of the largest weight, in em
_SMALL = 0.55  # of a square without a weight
_HALF = 0.32  # half the height of a diamond, in rows


def draw(stage: Stage, contents: Contents) -> None:
    """Draw studies, diamonds, prediction intervals and the lines between them."""
    ax, em, factor = stage.ax, stage.em, contents.factor
    drawn = [(line, y) for line, y in zip(contents.lines, stage.y, strict=True) if line.value is not None and line.kind]
    studies = [(line.value, line.weight, y) for line, y in drawn if line.kind == "study" and line.value]
    for value, _, y in studies:
        interval(stage, value, y, factor=factor)
    _squares(ax, em, [(value.estimate * factor, y, weight) for value, weight, y in studies])
    if contents.scale.natural == "ratio":
        ax.axvline(1.0, color=MUTED, linewidth=em / 12, zorder=1, gid="no effect")
    for line, y in drawn:
        if line.value is None or line.kind == "study":
            continue
        low, middle, high = (factor * end for end in (line.value.low, line.value.estimate, line.value.high))
        if line.kind == "prediction":
            ax.hlines(y, low, high, color=BLUE, linewidth=0.45 * em, zorder=3, gid="prediction")
        else:
            diamond = [(low, y), (middle, y - _HALF), (high, y), (middle, y + _HALF)]
            colour = contents.habit.diamond
            ax.add_patch(
                Polygon(
                    diamond, closed=True, facecolor=colour, edgecolor=INK, linewidth=em / 15, zorder=3, gid=line.kind
                )
            )
    if models := [y for line, y in drawn if line.kind == "model"]:
        ax.vlines(
            factor * _main(contents),
            -0.5,
            models[0],
            color=MUTED,
            linewidth=em / 12,
            linestyle=(0, (3, 3)),
            zorder=1,
            gid="estimate",
        )


def _main(contents: Contents) -> float:
    return np.nan if contents.main is None else contents.main.estimate


def _squares(ax: Axes, em: float, studies: list[tuple[float, float, float]]) -> None:
    # Sizes of a scatter are areas in square points: in proportion to the weights, the largest a row high or nearly.
    points = np.array(studies).reshape(-1, 3)
    weighed = np.isfinite(points[:, 2])
    if weighed.any():
        x, y, weights = points[weighed].T
        areas = ((_LARGEST if len(set(weights)) > 1 else 0.8) * em) ** 2 * weights / weights.max()
        ax.scatter(x, y, s=areas, marker="s", color=BLUE, zorder=3, linewidths=0, clip_on=False, gid="studies")
    hollow = ~weighed & np.isfinite(points[:, 0])
    if hollow.any():
        x, y, _ = points[hollow].T
        ax.scatter(
            x,
            y,
            s=(_SMALL * em) ** 2,
            marker="s",
            facecolor=PAPER,
            edgecolor=INK,
            linewidths=em / 9,
            zorder=3,
            clip_on=False,
            gid="not pooled",
        )
