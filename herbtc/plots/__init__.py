"""Figures of what synthesis returns, and of the evidence behind it: matplotlib Axes in, the same Axes out.

Nothing global is touched and no function needs pyplot: without `ax` a figure of the right size is made, which
`ax.figure.savefig` writes, as vectors too. Colours differ in lightness as well as in hue, and none carries a meaning
alone. Nothing here knows a catalog: the functions take results and frames.
"""

from herbtc.plots._forest import forest

__all__ = ["forest"]
