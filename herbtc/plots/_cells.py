"""Grids: rows of a table against columns of unit width, with what is empty in plain sight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle

from herbtc.plots._axis import Axis
from herbtc.plots._ink import BAND, MUTED, PAPER, shade
from herbtc.plots._letters import Letters
from herbtc.plots._table import Head, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from herbtc.plots._stage import Stage

_PARTS = re.compile(r"[^-/\s]+[-/]?")

EMPTY = BAND
"""Colour of a cell that holds nothing."""


def axis_of(count: int) -> Axis:
    """Return the axis of so many columns, of which each is one wide."""
    return Axis(low=0.0, high=float(count), ticks=())


def heads_of(columns: Sequence[str], blocks: Mapping[str, int] | None = None) -> tuple[Head, ...]:
    """Return the words above the columns, and above blocks of so many columns each."""
    heads = [Head(low=place, high=place + 1, text=text) for place, text in enumerate(columns)]
    start = 0
    for text, count in (blocks or {}).items():
        heads.append(Head(low=start, high=start + count, text=text, level=1))
        start += count
    return tuple(heads)


def room_for(heads: Iterable[str], *, least: float) -> float:
    """Return how wide a column must be for the longest part of a word above it, and no less than `least`, in em."""
    letters = Letters(10.0, 100.0)
    parts = (part for head in heads for part in _PARTS.findall(head))
    return max([least, *(letters.width(part, bold=True) / letters.size + 0.7 for part in parts)])


def fill(stage: Stage, row: int, column: int, colour: str, *, gid: str) -> None:
    """Fill a cell."""
    height = stage.heights[row]
    line = stage.em / 8
    stage.ax.add_patch(
        Rectangle(
            (column, stage.y[row] - height / 2),
            1,
            height,
            facecolor=colour,
            edgecolor=PAPER,
            linewidth=line,
            zorder=1,
            gid=gid,
        )
    )


def write(stage: Stage, row: int, column: int, text: str, **style: Any) -> None:
    """Write into the middle of a cell."""
    looks = {"ha": "center", "va": "center", "fontsize": 0.85 * stage.em, "linespacing": 1.15, "zorder": 5, **style}
    stage.ax.text(column + 0.5, stage.y[row], text, parse_math=False, **looks)


def darkness(rate: float, most: float) -> str:
    """Return the colour of a rate (0-1): the darker, the higher, and no darker above `most`."""
    return shade(1 - min(rate / most, 1.0))


def scale(rates: Iterable[float], most: float) -> tuple[Key, ...]:
    """Return the key of colours for some rates."""
    return tuple(
        Key(
            text=f"{100 * rate:.0f} %{' or more' if rate >= most < 1 else ''}",
            colour=darkness(rate, most),
            edge=MUTED,
            size=0.95,
        )
        for rate in rates
    )
