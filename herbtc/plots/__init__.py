"""Figures of what synthesis returns, and of the evidence behind it: matplotlib Axes in, the same Axes out.

Nothing global is touched and no function needs pyplot: without `ax` a figure of the right size is made, which
`ax.figure.savefig` writes, as vectors too. Colours differ in lightness as well as in hue, and none carries a meaning
alone. Nothing here knows a catalog: the functions take results and frames.
"""

from herbtc.plots._evidence_map import evidence_map
from herbtc.plots._forest import forest
from herbtc.plots._funnel import funnel
from herbtc.plots._influence import influence
from herbtc.plots._prevalence import prevalence
from herbtc.plots._prior import prior
from herbtc.plots._refits import cumulative, leave_one_out
from herbtc.plots._responses import responses
from herbtc.plots._safety import safety
from herbtc.plots._sensitivity import sensitivity
from herbtc.plots._survival import survival
from herbtc.plots._timeline import timeline

__all__ = [
    "cumulative",
    "evidence_map",
    "forest",
    "funnel",
    "influence",
    "leave_one_out",
    "prevalence",
    "prior",
    "responses",
    "safety",
    "sensitivity",
    "survival",
    "timeline",
]
