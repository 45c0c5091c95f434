"""Marks that several figures draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from herbtc.plots._ink import BLUE, INK, PAPER

if TYPE_CHECKING:
    from herbtc.plots._stage import Stage
    from herbtc.plots._values import Value


def point(
    stage: Stage,
    x: float,
    y: float,
    *,
    hollow: bool = False,
    marker: str = "o",
    colour: str = BLUE,
    gid: str = "estimates",
) -> None:
    """Draw an estimate, filled or hollow."""
    stage.ax.plot(
        [x],
        [y],
        marker=marker,
        markersize=0.75 * stage.em,
        markerfacecolor=PAPER if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=stage.em / 8,
        linestyle="none",
        clip_on=False,
        zorder=4,
        gid=gid,
    )


def interval(stage: Stage, value: Value, y: float, *, factor: float = 1.0, colour: str = INK) -> None:
    """Draw the interval of an estimate, to an arrow where its upper end or the estimate itself was not reached."""
    ax, em = stage.ax, stage.em
    low, high = factor * value.low, factor * value.high
    if not value.open:
        if np.isfinite([low, high]).all():
            ax.hlines(y, low, high, color=colour, linewidth=em / 9, zorder=2, gid="intervals")
        return
    start = low if np.isfinite(low) else factor * value.estimate
    if not np.isfinite(start):
        start = stage.before(stage.high, 2.0)
    ax.hlines(y, start, stage.high, color=colour, linewidth=em / 9, zorder=2, gid="intervals")
    ax.plot(
        [stage.high],
        [y],
        marker=9,
        markersize=0.7 * em,
        color=colour,
        linestyle="none",
        clip_on=False,
        zorder=3,
        gid="not reached",
    )
    if value.unreached:
        ax.text(
            stage.before(stage.high, -1.0),
            y,
            value.instead,
            ha="left",
            va="center",
            fontsize=0.85 * em,
            color=colour,
            gid="not reached",
        )
