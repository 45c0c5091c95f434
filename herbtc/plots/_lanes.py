"""Several small plots side by side in one axes: lanes of unit width, each with a scale of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from matplotlib.ticker import MaxNLocator

from herbtc.plots._axis import Axis
from herbtc.plots._ink import RULE
from herbtc.plots._table import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from herbtc.plots._stage import Stage

_INSET = 0.12  # kept free on either side of a lane
_APART = 0.45  # of a lane, between two values marked on it


@frozen(kw_only=True)
class Lane:
    """A lane: its words, and the ends of its scale."""

    text: str
    low: float
    high: float

    @classmethod
    def around(cls, text: str, values: Iterable[float]) -> Lane:
        """Make a lane that holds all finite values."""
        known = np.array([value for value in values if np.isfinite(value)])
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return cls(text=text, low=low, high=high if high > low else low + (abs(low) or 1.0))

    def at(self, number: int, value: float) -> float:
        """Return where a value lies in the lane of this number, on the axis of all lanes."""
        share = (value - self.low) / (self.high - self.low)
        return number + _INSET + (1 - 2 * _INSET) * share

    def round_values(self) -> list[float]:
        """Return two round values on its scale, or one."""
        for most in (2, 3, 4, 5, 6):
            values = MaxNLocator(most).tick_values(self.low, self.high)
            inside = [float(f"{value:.6g}") for value in values if self.low <= value <= self.high]
            if len(inside) > 1 and inside[-1] - inside[0] > _APART * (self.high - self.low):
                return [inside[0], inside[-1]]
        return inside[:1]


def axis_of(lanes: Sequence[Lane], *, label: str = "") -> Axis:
    """Return the axis of some lanes, with round values of each."""
    ticks = [
        (lane.at(number, value), f"{value:g}".replace("-", "−"))
        for number, lane in enumerate(lanes)
        for value in lane.round_values()
    ]
    return Axis(low=0.0, high=float(len(lanes)), label=label, ticks=tuple(ticks))


def heads_of(lanes: Sequence[Lane]) -> tuple[Head, ...]:
    """Return the words above the lanes."""
    return tuple(Head(low=number, high=number + 1, text=lane.text) for number, lane in enumerate(lanes))


def part(stage: Stage, count: int) -> None:
    """Draw lines between lanes."""
    for number in range(count + 1):
        stage.ax.axvline(number, color=RULE, linewidth=stage.em / 14, zorder=0, gid="rule")
