"""Colours: told apart with any colour vision, and by their lightness alone in print without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

INK = "#1a1a1a"
MUTED = "#5f6b76"
RULE = "#c3cad1"
PAPER = "#ffffff"
BAND = "#eef1f4"
"""Behind every second row, or behind a cell that holds nothing."""
BLUE = "#0b5394"
"""Dark blue: told apart from the greys with any colour vision, and in print."""
ORANGE = "#d55e00"
"""Vermillion of Okabe and Ito (2008): what must be noticed, and never by its colour alone."""
SKY = "#56b4e9"
"""Sky blue of Okabe and Ito (2008)."""

_LIGHT = 0.45  # of relative luminance; letters on anything lighter are dark


def shade(share: float) -> str:
    """Return the colour of a share between 0 and 1: of cividis (Nunez et al. 2018), which gets lighter with it."""
    return to_hex(colormaps["cividis"](min(max(share, 0.0), 1.0)))


def shades(count: int) -> Sequence[str]:
    """Return so many colours from dark to light, as far apart in lightness as can be."""
    return [shade(place / max(count - 1, 1)) for place in range(count)]


def ink_on(colour: str) -> str:
    """Return the colour of letters that can be read on a colour."""
    red, green, blue = to_rgb(colour)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _LIGHT else PAPER
