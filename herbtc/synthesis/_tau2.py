"""Estimators of tau², the variance between studies, and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats


def weighted(y: Floats, w: Floats) -> tuple[float, float]:
    """Return the weighted mean and the weighted sum of squares about it."""
    total = float(w.sum())
    mean = float(w @ y) / total
    return mean, float(w @ (y - mean) ** 2)


def typical_variance(v: Floats) -> float:
    """Return the typical sampling variance, against which I² and H² set tau² (Higgins and Thompson 2002)."""
    return (len(v) - 1) / float(spread(1 / v))


def spread(w: Floats) -> Any:
    """Return Σw - Σw²/Σw over the last axis."""
    # Written without the subtraction that would lose every digit where one weight outgrows the rest: each weight times
    # the sum of all others.
    before = _shifted(np.cumsum(w, axis=-1))
    after = _shifted(np.cumsum(w[..., ::-1], axis=-1))[..., ::-1]
    return (w * (before + after)).sum(axis=-1) / w.sum(axis=-1)


def _shifted(sums: Floats) -> Floats:
    shifted = np.zeros_like(sums)
    shifted[..., 1:] = sums[..., :-1]
    return shifted


def _equal_effects(_y: Floats, _v: Floats) -> float:
    return 0.0


def _dersimonian_laird(y: Floats, v: Floats) -> float:
    w = 1 / v
    q = weighted(y, w)[1]
    return max(0.0, (q - (len(y) - 1)) / float(spread(w)))


def _hedges(y: Floats, v: Floats) -> float:
    return max(0.0, float(np.var(y, ddof=1) - v.mean()))


def _hunter_schmidt(y: Floats, v: Floats) -> float:
    w = 1 / v
    return max(0.0, (weighted(y, w)[1] - len(y)) / float(w.sum()))


def _sidik_jonkman(y: Floats, v: Floats) -> float:
    first = float(np.var(y))
    if first == 0:
        return 0.0
    return first * weighted(y, 1 / (v + first))[1] / (len(y) - 1)


def _paule_mandel(y: Floats, v: Floats) -> float:
    return _root(lambda tau2: weighted(y, 1 / (v + tau2))[1] - (len(y) - 1), y, v)


def _score_root(y: Floats, v: Floats, *, restricted: bool) -> float:
    # The (restricted) likelihood can have several maxima: each zero of its slope is a candidate, and the highest wins.
    def slopes(tau2: Floats) -> Floats:
        w = 1 / (v + tau2[:, None])
        total = w.sum(axis=1)
        residual = y - (w @ y / total)[:, None]
        found: Floats = (w**2 * residual**2).sum(axis=1) - (spread(w) if restricted else total)
        return found

    def slope(tau2: float) -> float:
        return float(slopes(np.array([tau2]))[0])

    def height(tau2: float) -> float:
        w = 1 / (v + tau2)
        value = float(np.log(w).sum()) - weighted(y, w)[1]
        return value - float(np.log(w.sum())) if restricted else value

    top = float(np.ptp(y)) ** 2 + float(v.max())
    grid = np.concatenate(([0.0], GRID * top))
    steps = slopes(grid)
    turns = np.flatnonzero((steps[:-1] > 0) & (steps[1:] <= 0))
    peaks = [
        0.0,
        *(float(brentq(slope, grid[i], grid[i + 1], xtol=1e-300, rtol=8.9e-16, maxiter=500)) for i in turns.tolist()),
    ]
    return max(peaks, key=height) if len(peaks) > 1 else 0.0


GRID = np.geomspace(1e-9, 1.0, 60)
"""Where maxima of the likelihood are looked for, as shares of the largest tau² that the studies could mean."""


def _maximum_likelihood(y: Floats, v: Floats) -> float:
    return _score_root(y, v, restricted=False)


def _restricted_maximum_likelihood(y: Floats, v: Floats) -> float:
    return _score_root(y, v, restricted=True)


def _root(excess: Callable[[float], float], y: Floats, v: Floats) -> float:
    # A falling function of tau2; 0 where it starts at or below 0.
    if excess(0.0) <= 0:
        return 0.0
    top = float(np.ptp(y)) ** 2 + float(v.max())
    while excess(top) > 0:
        top *= 4
    return float(brentq(excess, 0.0, top, xtol=1e-300, rtol=8.9e-16, maxiter=500))


TAU2: dict[str, tuple[str, Callable[[Floats, Floats], float]]] = {
    "EE": ("equal-effects", _equal_effects),
    "DL": ("DerSimonian-Laird", _dersimonian_laird),
    "PM": ("Paule-Mandel", _paule_mandel),
    "REML": ("restricted maximum-likelihood", _restricted_maximum_likelihood),
    "ML": ("maximum-likelihood", _maximum_likelihood),
    # The empirical Bayes estimator solves the equation of Paule and Mandel (Viechtbauer et al., Stat Med 2015;34:2062).
    "EB": ("empirical Bayes", _paule_mandel),
    "SJ": ("Sidik-Jonkman", _sidik_jonkman),
    "HE": ("Hedges", _hedges),
    "HS": ("Hunter-Schmidt", _hunter_schmidt),
}
"""Estimators of tau² by metafor's names, with their names in words."""


def q_profile(y: Floats, v: Floats, level: float) -> tuple[float, float]:
    """Return the Q-profile interval of tau² (Viechtbauer, Stat Med 2007;26:37): where the generalised Q is likely."""
    df = len(y) - 1

    def bound(critical: float) -> float:
        return _root(lambda tau2: weighted(y, 1 / (v + tau2))[1] - critical, y, v)

    return bound(float(chdtri(df, (1 - level) / 2))), bound(float(chdtri(df, (1 + level) / 2)))
