"""Axes of values: their ends, and the round values that fit on them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_MARGIN = 0.03


@frozen(kw_only=True)
class Axis:
    """An axis of values.

    Attributes
    ----------
    low, high : float
        Its ends.
    label : str
    log : bool
        Whether it is logarithmic.
    room : float
        How much of its width beyond `high` is kept free for words, in em.
    ticks : tuple of (float, str), optional
        Values to mark, with what stands under them; round ones by default, none if empty.
    sets : tuple of tuple of (float, str)
        Ticks of a scale with round values of its own, from many to few; the first that fits is taken.
    whole : bool
        Whether only whole numbers are marked.
    """

    low: float
    high: float
    label: str = ""
    log: bool = False
    room: float = 0.0
    ticks: tuple[tuple[float, str], ...] | None = None
    sets: tuple[tuple[tuple[float, str], ...], ...] = ()
    whole: bool = False

    @classmethod
    def around(
        cls, values: Iterable[float], *, label: str, log: bool = False, room: float = 0.0, whole: bool = False
    ) -> Axis:
        """Make an axis that holds all finite values, with a margin."""
        known = np.array([value for value in values if np.isfinite(value)])
        low, high = (float(known.min()), float(known.max())) if known.size else (1.0, 10.0)
        if log:
            margin = max((high / low) ** _MARGIN, 1.02)
            return cls(low=low / margin, high=high * margin, label=label, log=True, room=room)
        margin = (high - low) * _MARGIN or max(abs(high), 1.0) * _MARGIN
        return cls(low=low - margin, high=high + margin, label=label, room=room, whole=whole)

    def ends(self, ems: float) -> tuple[float, float]:
        """Return both ends of an axis that is so many em wide, with the room that it keeps free."""
        share = ems / max(ems - self.room, 0.3 * ems)
        if self.log:
            return self.low, self.low * (self.high / self.low) ** share
        return self.low, self.low + (self.high - self.low) * share

    def marks(
        self, width: float, width_of: Callable[[str], float], *, ends: tuple[float, float]
    ) -> list[tuple[float, str]]:
        """Return the most round values whose labels do not meet on an axis that is so many points wide."""
        if self.ticks is not None:
            return [*self.ticks]
        low, high = np.log(ends) if self.log else ends
        found: Sequence[tuple[float, str]] = ()
        for found in self.sets or self.candidates():
            places = [width * ((np.log(value) if self.log else value) - low) / (high - low) for value, _ in found]
            halves = [width_of(text) / 2 for _, text in found]
            around = sorted(zip(places, halves, strict=True))
            if all(a + half < b - other for (a, half), (b, other) in pairwise(around)):
                break
        return [*found]

    def candidates(self) -> Iterator[list[tuple[float, str]]]:
        """Yield sets of round values, from many to few, with what is written at each."""
        least, greatest = sorted((self.low, self.high))
        # Within a factor of three there are not enough values of one digit.
        if not self.log or self.high < 3 * self.low:
            steps = [1, 2, 5, 10] if self.whole else [1, 2, 2.5, 5, 10]
            found = [
                [
                    float(f"{tick:.12g}")
                    for tick in MaxNLocator(most, steps=steps, integer=self.whole).tick_values(least, greatest)
                ]
                for most in (6, 4, 3, 2)
            ]
        else:
            decades = range(int(np.floor(np.log10(self.low))), int(np.ceil(np.log10(self.high))) + 1)
            digits = ((1, 1.5, 2, 3, 4, 6, 8), (1, 2, 5), (1, 3), (1,))
            found = [[digit * 10.0**decade for decade in decades for digit in each] for each in digits]
            found += [[10.0**decade for decade in decades[::step]] for step in range(2, len(decades))]
        for some in found:
            if inside := [value for value in some if least <= value <= greatest]:
                yield [(value, f"{value:g}") for value in inside]


PERCENT = Axis(low=0.0, high=100.0)
"""Rates in percent."""
