"""What all results share: a paragraph for a paper, a frame, and both in a notebook."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING

from herbtc._html import Described
from herbtc._version import __version__
from herbtc.errors import HerbtcWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_MOST_ROWS = 40


class Told(Described):
    """A result that can be told in words and shown as a table."""

    __slots__ = ()

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame."""

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self.to_frame().to_html(
            max_rows=_MOST_ROWS, float_format="{:.4g}".format, border=0
        )


def paragraph(sentences: Iterable[str], notes: Iterable[str], release: str) -> str:
    """Return sentences, notes and the version that computed them, one on each line."""
    data = f", data release {release}" if release else ""
    return "\n".join([*sentences, *(f"Note: {note}." for note in notes), f"Computed with herbtc {__version__}{data}."])


def warn(doubts: Iterable[str]) -> None:
    """Warn the caller of a public function of each reason to doubt its result."""
    for doubt in doubts:
        warnings.warn(doubt, HerbtcWarning, stacklevel=3)
