"""Colours: told apart with any colour vision, and by their lightness alone in print without colour."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

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


def shade(share: float) -> str:
    """Return the colour of a share between 0 and 1: of cividis (Nunez et al. 2018), which gets lighter with it."""
    return to_hex(colormaps["cividis"](min(max(share, 0.0), 1.0)))


def ink_on(colour: str) -> str:
    """Return the colour of letters that stand out most on a colour, dark or white, by the contrast ratio of WCAG 2."""
    on = _luminance(colour)
    return max((INK, PAPER), key=lambda ink: abs(_log_ratio(_luminance(ink), on)))


def _log_ratio(one: float, other: float) -> float:
    return float(np.log((one + 0.05) / (other + 0.05)))


def _luminance(colour: str) -> float:
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
    return float(linear @ [0.2126, 0.7152, 0.0722])
