"""Many meta-analyses at once, for simulations: the same models as `pool`, over arrays of one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from scipy.special import ndtri, stdtrit

from herbtc.errors import SynthesisError
from herbtc.synthesis._conventions import Options
from herbtc.synthesis._pool import reach_of_new, read_only
from herbtc.synthesis._tau2 import GRID, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from herbtc.measures import Floats

    Rows = npt.NDArray[np.intp]


@frozen(kw_only=True, eq=False)
class Many:
    """What `pool` would return on the analysis scale for each of many meta-analyses, as arrays of one value each.

    Attributes
    ----------
    beta, se, tau2, q : numpy.ndarray
        Mean, its standard error, between-study variance, Cochran's Q.
    conf_low, conf_high, pred_low, pred_high : numpy.ndarray
        Ends of the intervals on the analysis scale; NaN where there is no prediction interval.
    method, test, prediction : str
    level : float
    """

    beta: Floats
    se: Floats
    tau2: Floats
    q: Floats
    conf_low: Floats
    conf_high: Floats
    pred_low: Floats
    pred_high: Floats
    method: str
    test: str
    prediction: str
    level: float


def pool_many(
    yi: Floats,
    vi: Floats,
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: str = "t",
) -> Many:
    """Pool many simulated meta-analyses of one size at once.

    Parameters
    ----------
    yi, vi : array of float, shape (meta-analyses, studies)
        Effects and sampling variances on the analysis scale.
    method, test, level, prediction
        As for `herbtc.synthesis.pool`, whose numbers these are.

    Raises
    ------
    herbtc.SynthesisError
        For arrays that are not two-dimensional and alike, with at least two studies, finite effects and variances
        above 0.
    herbtc.UnknownKeyError
        For an unknown method, test or prediction interval.

    Examples
    --------
    >>> import numpy as np
    >>> from herbtc import synthesis
    >>> random = np.random.default_rng(1)
    >>> vi = random.uniform(0.05, 0.3, (1000, 15))
    >>> yi = random.normal(-0.7, np.sqrt(vi + 0.25))
    >>> found = synthesis.pool_many(yi, vi)
    >>> bool(0.93 < np.mean((found.conf_low < -0.7) & (-0.7 < found.conf_high)) < 0.97)
    True
    """
    Options(method=method, test=test, level=level, prediction=prediction)
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if y.ndim != 2 or y.shape != v.shape or y.shape[1] < 2:  # noqa: PLR2004
        raise SynthesisError(f"expected two arrays (meta-analyses, two or more studies), got {y.shape} and {v.shape}")
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise SynthesisError("expected finite effects and variances above 0")
    k = y.shape[1]
    tau2 = np.zeros(len(y)) if method == "EE" else _ESTIMATORS[method](y, v)
    w = 1 / (v + tau2[:, None])
    beta, rss = _weighted(y, w)
    factor = np.ones(len(y)) if test == "wald" else rss / (k - 1)
    se = np.sqrt((np.maximum(1.0, factor) if test == "hksj-adhoc" else factor) / w.sum(axis=1))
    tail = (1 + level) / 2
    critical = float(ndtri(tail) if test == "wald" else stdtrit(k - 1, tail))
    reach = np.nan if method == "EE" else reach_of_new(prediction, k, tail) * np.sqrt(se**2 + tau2)
    ends = (beta - critical * se, beta + critical * se, beta - reach, beta + reach)
    conf_low, conf_high, pred_low, pred_high = map(read_only, ends)
    return Many(
        beta=read_only(beta),
        se=read_only(se),
        tau2=read_only(tau2),
        q=read_only(_weighted(y, 1 / v)[1]),
        conf_low=conf_low,
        conf_high=conf_high,
        pred_low=pred_low,
        pred_high=pred_high,
        method=method,
        test=test,
        prediction=prediction,
        level=level,
    )


# --- estimators of tau², a row each ----------------------------------------------------------------------------------


def _weighted(y: Floats, w: Floats) -> tuple[Floats, Floats]:
    mean = (w * y).sum(axis=1) / w.sum(axis=1)
    return mean, (w * (y - mean[:, None]) ** 2).sum(axis=1)


def _dersimonian_laird(y: Floats, v: Floats) -> Floats:
    w = 1 / v
    excess: Floats = (_weighted(y, w)[1] - (y.shape[1] - 1)) / spread(w)
    return np.maximum(0.0, excess)


def _hedges(y: Floats, v: Floats) -> Floats:
    excess: Floats = y.var(axis=1, ddof=1) - v.mean(axis=1)
    return np.maximum(0.0, excess)


def _hunter_schmidt(y: Floats, v: Floats) -> Floats:
    w = 1 / v
    excess: Floats = (_weighted(y, w)[1] - y.shape[1]) / w.sum(axis=1)
    return np.maximum(0.0, excess)


def _sidik_jonkman(y: Floats, v: Floats) -> Floats:
    first = y.var(axis=1)
    rss = _weighted(y, 1 / (v + np.where(first > 0, first, 1.0)[:, None]))[1]
    found: Floats = first * rss / (y.shape[1] - 1)
    return found


def _paule_mandel(y: Floats, v: Floats) -> Floats:
    df = y.shape[1] - 1

    def excess(tau2: Floats, rows: Rows) -> Floats:
        over: Floats = _weighted(y[rows], 1 / (v[rows] + tau2[:, None]))[1] - df
        return over

    top = _top(y, v)
    every = np.arange(len(y))
    while (high := excess(top, every) > 0).any():
        top = np.where(high, 4 * top, top)
    inner = np.flatnonzero(excess(np.zeros(len(y)), every) > 0)
    tau2 = np.zeros(len(y))
    tau2[inner] = _bisected(lambda t: excess(t, inner), np.zeros(len(inner)), top[inner])
    return tau2


def _likelihood(y: Floats, v: Floats, *, restricted: bool) -> Floats:
    # As for one meta-analysis: each place where the slope falls through 0 is a candidate, and the highest wins.
    def slope(tau2: Floats, rows: Rows) -> Floats:
        w = 1 / (v[rows] + tau2[:, None])
        mean, _ = _weighted(y[rows], w)
        rise: Floats = (w**2 * (y[rows] - mean[:, None]) ** 2).sum(axis=1)
        trace: Floats = spread(w) if restricted else w.sum(axis=1)
        fall: Floats = rise - trace
        return fall

    def height(tau2: Floats, rows: Rows) -> Floats:
        w = 1 / (v[rows] + tau2[:, None])
        value: Floats = np.log(w).sum(axis=1) - _weighted(y[rows], w)[1]
        return value - np.log(w.sum(axis=1)) if restricted else value

    every = np.arange(len(y))
    grid = np.concatenate(([0.0], GRID))[:, None] * _top(y, v)
    rising = np.array([slope(tau2, every) > 0 for tau2 in grid])
    steps, rows = np.nonzero(rising[:-1] & ~rising[1:])
    peaks = _bisected(lambda t: slope(t, rows), grid[steps, rows], grid[steps + 1, rows])
    best, tau2 = height(np.zeros(len(y)), every), np.zeros(len(y))
    for row, peak, value in zip(rows.tolist(), peaks.tolist(), height(peaks, rows).tolist(), strict=True):
        if value > best[row]:
            best[row], tau2[row] = value, peak
    return tau2


def _top(y: Floats, v: Floats) -> Floats:
    top: Floats = np.ptp(y, axis=1) ** 2 + v.max(axis=1)
    return top


def _bisected(falling: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    for _ in range(200):
        middle = (low + high) / 2
        if not len(low) or (high - low <= 1e-15 * high).all():
            break
        above = falling(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


_ESTIMATORS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "DL": _dersimonian_laird,
    "PM": _paule_mandel,
    "REML": lambda y, v: _likelihood(y, v, restricted=True),
    "ML": lambda y, v: _likelihood(y, v, restricted=False),
    "EB": _paule_mandel,
    "SJ": _sidik_jonkman,
    "HE": _hedges,
    "HS": _hunter_schmidt,
}
