"""How wide letters come out, and where a text that is too wide is broken or cut."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

if TYPE_CHECKING:
    from collections.abc import Sequence

HINTED = 1.05
"""How much wider small letters may come out once they are fitted to pixels."""

_CUT = "…"
_BREAKS = "-/,;:_ "
_SPACE = re.compile(r"(?<![=<>]) (?![=<>%])")  # a sign stays with its numbers


@frozen
class Letters:
    """Letters of one size as they will be drawn at a resolution, whatever the backend; all widths in points."""

    size: float
    dpi: float = field(repr=False)

    def width(self, text: str, *, scale: float = 1.0, bold: bool = False) -> float:
        """Return the width of a text, that of its widest line."""
        return max(_width(line, self.size * scale, self.dpi, bold=bold) for line in text.split("\n")) * HINTED

    def wrap(
        self, text: str, most: float, *, lines: int | None = None, scale: float = 1.0, bold: bool = False
    ) -> list[str]:
        """Return a text in lines no wider than `most`; of more than `lines` lines the last one is cut short.

        Lines are broken at spaces; a word that is too wide by itself behind its hyphens and slashes, else anywhere.
        """
        found: list[str] = []
        for paragraph in text.split("\n"):
            line = ""
            for piece in self._pieces(paragraph, most, scale=scale, bold=bold):
                longer = line + piece
                if line.strip() and self.width(longer.rstrip(), scale=scale, bold=bold) > most:
                    found.append(line.rstrip())
                    longer = piece.lstrip()
                line = longer
            found.append(line.rstrip())
        if lines is not None and len(found) > lines:
            found = [*found[: lines - 1], self._cut(found[lines - 1], most, scale=scale, bold=bold)]
        return found

    def _pieces(self, paragraph: str, most: float, *, scale: float, bold: bool) -> Sequence[str]:
        pieces: list[str] = []
        for word in _SPACE.split(paragraph):
            if self.width(word, scale=scale, bold=bold) <= most:
                pieces.append(f"{word} ")
                continue
            part = ""
            for letter in word:
                if part and self.width(part + letter, scale=scale, bold=bold) > most:
                    pieces.append(part)
                    part = ""
                part += letter
                if letter in _BREAKS:
                    pieces.append(part)
                    part = ""
            pieces.append(f"{part} ")
        return pieces

    def _cut(self, line: str, most: float, *, scale: float, bold: bool) -> str:
        while line and self.width(line + _CUT, scale=scale, bold=bold) > most:
            line = line[:-1]
        return line.rstrip() + _CUT


@lru_cache(maxsize=8192)
def _width(text: str, size: float, dpi: float, *, bold: bool) -> float:
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    pixels = _renderer(dpi).get_text_width_height_descent(text, font, ismath=False)[0]  # type: ignore[no-untyped-call]
    return float(pixels) * 72 / dpi


@lru_cache(maxsize=8)
def _renderer(dpi: float) -> RendererAgg:
    return RendererAgg(1, 1, dpi)  # type: ignore[no-untyped-call]
