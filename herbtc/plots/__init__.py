"""Pooled estimates as figures: matplotlib Axes in, the same Axes out; nothing global is touched.

No function here needs pyplot: without `ax` a figure of the right size is made, which `ax.figure.savefig` writes.
"""

from herbtc.plots._forest import forest

__all__ = ["forest"]
