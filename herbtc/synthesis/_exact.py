"""Exact intervals of proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

from herbtc.errors import SynthesisError
from herbtc.synthesis._conventions import check_level

if TYPE_CHECKING:
    from herbtc.measures import Floats


def exact_interval(events: Floats, n: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the exact (Clopper-Pearson) intervals of proportions, the ones that trials print.

    Parameters
    ----------
    events, n : array of float
    level : float
        Between 0 and 1.

    Returns
    -------
    tuple of array
        Lower and upper ends, 0-1.

    Raises
    ------
    herbtc.SynthesisError
        For events that are no part of n, or a level outside 0-1.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404.

    Examples
    --------
    HERIZON-BTC-01, cohort 1, prints 33 of 80, 41.3 % (30.4 to 52.8):

    >>> import numpy as np
    >>> from herbtc import synthesis
    >>> low, high = synthesis.exact_interval(np.array([33.0]), np.array([80.0]))
    >>> f"{100 * low[0]:.1f} to {100 * high[0]:.1f}"
    '30.4 to 52.8'
    """
    x, n = np.asarray(events, float), np.asarray(n, float)
    check_level(level)
    if not np.all((x >= 0) & (x <= n) & (n > 0)):
        raise SynthesisError("expected 0 ≤ events ≤ n and n > 0 in every study")
    tail = (1 - level) / 2
    # At no and at all events the beta quantile has a shape of 0; the ends are 0 and 1 by definition.
    low = np.where(x == 0, 0.0, betaincinv(np.maximum(x, 1), n - x + 1, tail))
    high = np.where(x == n, 1.0, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail))
    return low, high
