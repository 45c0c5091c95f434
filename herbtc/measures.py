"""Figures to effect sizes with their variances, and back: proportions, medians, ratios, rates at a time.

Names follow metafor: `yi` and `vi` are the effect and its sampling variance on the analysis scale.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.terms import EVERYONE

Floats = npt.NDArray[np.float64]


@frozen
class Measure:
    """A scale on which figures are pooled.

    Attributes
    ----------
    name : str
    metafor : str
        The name of the measure in metafor's ``escalc``; ``"GEN"`` where effects are given to metafor as they are.
    words : str
        How a methods section calls it.
    natural : str
        What a value on the natural scale is: ``"rate"`` (0-1), ``"months"`` or ``"ratio"``.
    columns : tuple of str
        The columns of a frame that it reads.
    effect : callable
        Takes a frame with these columns, returns `yi` and `vi` (float arrays, NaN where a row has no effect).
    forth, back : callable
        Take values on the natural (analysis) scale and the harmonic mean of n, return them on the other; only
        Freeman-Tukey uses n.
    adds : bool
        Whether 1/2 is added to both cells of a study without events or without non-events, as metafor does.
    """

    name: str
    metafor: str
    words: str
    natural: str
    columns: tuple[str, ...]
    effect: Callable[[pd.DataFrame], tuple[Floats, Floats]]
    forth: Callable[[Floats, float], Floats]
    back: Callable[[Floats, float], Floats]
    adds: bool = False

    @property
    def counts(self) -> bool:
        """Whether it reads events and n."""
        return self.columns == _COUNTS

    @property
    def what(self) -> str:
        """What a value is called in a sentence: a rate, a median, a ratio."""
        return "median" if self.natural == "months" else self.natural

    @property
    def most(self) -> float:
        """The largest value on the natural scale: 1 for rates."""
        return 1.0 if self.natural == "rate" else np.inf

    @property
    def required(self) -> tuple[str, ...]:
        """The columns of a frame with effects that a row must fill to be pooled."""
        return (*(self.columns if self.counts else ()), "yi", "vi")

    @property
    def wants(self) -> str:
        """What a row must have to be pooled, in words."""
        return "events or n" if self.counts else "a confidence interval with its level"

    def shown(self, value: float) -> str:
        """Return a value on the natural scale as text: ``35.9 %``, ``7.2 months``, ``0.80``.

        Examples
        --------
        >>> from herbtc.measures import MEASURES
        >>> MEASURES["logit"].shown(0.3594), MEASURES["log-median"].shown(7.234), MEASURES["log-ratio"].shown(0.8)
        ('35.9 %', '7.2 months', '0.80')
        """
        return f"{self.bare(value)}{self.unit}"

    def bare(self, value: float) -> str:
        """Return a value on the natural scale as text without its unit: percentages for rates."""
        if self.natural == "rate":
            return percent(value)
        return f"{value:.2f}" if self.natural == "ratio" else f"{value:.1f}"

    @property
    def unit(self) -> str:
        """What stands behind a value: ``" %"``, ``" months"``, nothing."""
        return {"rate": " %", "months": " months", "ratio": ""}[self.natural]


_COUNTS = ("events", "n")

Transform = Callable[[Floats, Floats], tuple[Floats, Floats]]


def _logit(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    return np.log(x / (n - x)), 1 / x + 1 / (n - x)


def _raw(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    p = x / n
    return p, p * (1 - p) / n


def _log(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    return np.log(x / n), 1 / x - 1 / n


def _arcsine(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    return np.arcsin(np.sqrt(x / n)), 1 / (4 * n)


def _freeman_tukey(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    return (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))) / 2, 1 / (4 * n + 2)


def _from_logit(y: Floats, _: float) -> Floats:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-y))


def _from_raw(y: Floats, _: float) -> Floats:
    return np.clip(y, 0, 1)


def _from_log(y: Floats, _: float) -> Floats:
    return np.exp(np.minimum(y, 0))


def _from_arcsine(y: Floats, _: float) -> Floats:
    return np.sin(np.clip(y, 0, np.pi / 2)) ** 2


def _from_freeman_tukey(y: Floats, n: float) -> Floats:
    # Miller's inverse; it holds between the transforms of no event and of all events only.
    least, most = (_freeman_tukey(np.array([x]), np.array([n]))[0][0] for x in (0.0, n))
    inner = np.clip(y, least, most)
    sine = np.sin(2 * inner)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(0, 1 - (sine + (sine - 1 / sine) / n) ** 2))
    return np.where(y <= least, 0.0, np.where(y >= most, 1.0, (1 - np.sign(np.cos(2 * inner)) * root) / 2))


# --- medians, ratios, rates at a time: effects from the printed interval ----------------------------------------------


def _from_counts(transform: Transform, *, adds: bool) -> Callable[[pd.DataFrame], tuple[Floats, Floats]]:
    def effect(frame: pd.DataFrame) -> tuple[Floats, Floats]:
        x, n = (_floats(frame, name) for name in _COUNTS)
        known = ~(np.isnan(x) | np.isnan(n))
        impossible = known & ((x < 0) | (n <= 0) | (x > n) | ~np.isfinite(n))
        if impossible.any():
            raise SynthesisError(f"expected 0 ≤ events ≤ n and n > 0; not so in {rows_named(frame, impossible)}")
        extreme = known & ((x == 0) | (x == n)) if adds else np.zeros(len(frame), bool)
        yi, vi = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
        yi[known], vi[known] = transform((x + extreme / 2)[known], (n + extreme)[known])
        return yi, vi

    return effect


def _from_interval(
    scale: Callable[[Floats], Floats], value: str, low: str, high: str, *, unit: float = 1.0
) -> Callable[[pd.DataFrame], tuple[Floats, Floats]]:
    # The standard error is the width of the printed interval on the scale of analysis over that of a normal one
    # (Parmar, Torri and Stewart, Stat Med 1998;17:2815); with one end only, it is the arm to that end.
    def effect(frame: pd.DataFrame) -> tuple[Floats, Floats]:
        printed = {name: _floats(frame, name) / unit for name in (value, low, high)}
        with np.errstate(divide="ignore", invalid="ignore"):
            middle, lower, upper = (scale(printed[name]) for name in (value, low, high))
        is_ci = (
            frame["interval"].astype("string").eq("ci").fillna(value=True).to_numpy(bool)
            if "interval" in frame
            else True
        )
        two_sided = (
            frame["sides"].astype("string").eq("two").fillna(value=True).to_numpy(bool) if "sides" in frame else True
        )
        tail = _floats(frame, "level") / 100
        z = np.where(two_sided, _quantile((1 + tail) / 2), _quantile(tail))
        arms = np.abs(np.array([middle - lower, upper - middle]))
        arms[~np.isfinite(arms) | ~np.isfinite(middle) | (arms == 0)] = np.nan
        known = np.isfinite(arms)
        both = known.all(axis=0)
        se = np.where(both, np.nansum(arms, axis=0) / 2, np.where(known[0], arms[0], arms[1])) / z
        usable = is_ci & known.any(axis=0) & np.isfinite(z)
        return np.where(usable, middle, np.nan), np.where(usable, se**2, np.nan)

    return effect


def _quantile(p: Floats) -> Floats:
    # scipy belongs to the statistics, and is asked for only where an interval is turned into a standard error.
    from scipy.special import ndtri  # noqa: PLC0415

    quantiles: Floats = ndtri(p)
    return quantiles


def _log_log(rate: Floats) -> Floats:
    # With the sign that lets it rise with the rate.
    return -np.log(-np.log(rate))


def _from_log_log(y: Floats, _: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.exp(-np.exp(-y))


def _log_of(value: Floats, _: float) -> Floats:
    return np.log(value)


def _exp(y: Floats, _: float) -> Floats:
    return np.exp(y)


_MEDIAN = ("median_months", "low_months", "high_months", "level")
_ESTIMATE = ("estimate", "low", "high", "level")
_RATE = ("percent", "low", "high", "level")


def _of_counts(
    name: str, metafor: str, words: str, transform: Transform, back: Callable[..., Floats], *, adds: bool
) -> Measure:
    # A rate on the scale of analysis is the transform of that share of n.
    def forth(rate: Floats, n: float) -> Floats:
        sizes = np.full_like(rate, n if np.isfinite(n) else 1.0)
        return transform(rate * sizes, sizes)[0]

    return Measure(name, metafor, words, "rate", _COUNTS, _from_counts(transform, adds=adds), forth, back, adds)


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        _of_counts("logit", "PLO", "logit-transformed proportions", _logit, _from_logit, adds=True),
        _of_counts("raw", "PR", "untransformed proportions", _raw, _from_raw, adds=True),
        _of_counts(
            "arcsine", "PAS", "arcsine-square-root-transformed proportions", _arcsine, _from_arcsine, adds=False
        ),
        _of_counts(
            "freeman-tukey",
            "PFT",
            "Freeman-Tukey double-arcsine-transformed proportions",
            _freeman_tukey,
            _from_freeman_tukey,
            adds=False,
        ),
        _of_counts("log", "PLN", "log-transformed proportions", _log, _from_log, adds=True),
        Measure(
            "log-median",
            "GEN",
            "log-transformed medians with standard errors from their intervals",
            "months",
            _MEDIAN,
            _from_interval(np.log, *_MEDIAN[:3]),
            _log_of,
            _exp,
        ),
        Measure(
            "log-ratio",
            "GEN",
            "log-transformed ratios with standard errors from their intervals",
            "ratio",
            _ESTIMATE,
            _from_interval(np.log, *_ESTIMATE[:3]),
            _log_of,
            _exp,
        ),
        Measure(
            "log-log",
            "GEN",
            "log-log-transformed event-free rates with standard errors from their intervals",
            "rate",
            _RATE,
            _from_interval(_log_log, *_RATE[:3], unit=100.0),
            lambda rate, _: _log_log(rate),
            _from_log_log,
        ),
    )
}
"""The measures by name: five of events and n, then those of medians, ratios and rates at a time.

Freeman-Tukey is here because reviews used it; its inversion is contested (Schwarzer 2019).
"""

PROPORTIONS = tuple(name for name, measure in MEASURES.items() if measure.counts)
"""The measures of events and n."""


def effects(frame: pd.DataFrame, measure: str = "logit") -> pd.DataFrame:
    """Return the frame with the columns `measure`, `yi` and `vi` added.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, or any frame of your own with the same columns: what `herbtc.query.proportions`
        returns (`events`, `n`) for the first five measures, `durations` (`median_months low_months high_months
        level`) for ``"log-median"``, `contrasts` (`estimate low high level`) for ``"log-ratio"``, `landmarks`
        (`percent low high level`) for ``"log-log"``.
    measure : str
        ``"logit"``, ``"raw"``, ``"arcsine"``, ``"freeman-tukey"``, ``"log"``; ``"log-median"``, ``"log-ratio"``,
        ``"log-log"``.

    Returns
    -------
    pandas.DataFrame
        A copy; `yi` and `vi` are float64 on the scale of the measure. For logit, raw and log, 1/2 is added to both
        cells of studies with no event or only events, as metafor does. A row without what its measure needs gets
        NaN. Standard errors of medians, ratios and rates at a time come from the printed confidence interval, by its
        level and sides, on the scale of analysis; where its upper end was not reached, from the lower end alone. A
        median that was not reached, a range and an interval without a level give none.

    Raises
    ------
    herbtc.SynthesisError
        If a column is missing, or events and n of a row cannot be.
    herbtc.UnknownKeyError
        For an unknown measure.

    References
    ----------
    Viechtbauer W. J Stat Softw 2010;36(3) (metafor's ``escalc``); Miller JJ. Am Stat 1978;32:138;
    Schwarzer G et al. Res Synth Methods 2019;10:476; Parmar MK, Torri V, Stewart L. Stat Med 1998;17:2815 (standard
    errors from intervals).

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures
    >>> measures.effects(pd.DataFrame({"events": [14], "n": [30]}), "logit")[["yi", "vi"]].round(4)
           yi      vi
    0 -0.1335  0.1339
    """
    scale = look_up("measure", measure, MEASURES)
    missing = [name for name in scale.columns if name not in frame.columns]
    if missing:
        raise SynthesisError(f"expected the columns {', '.join(scale.columns)}; missing: {', '.join(missing)}")
    yi, vi = scale.effect(frame)
    return frame.assign(measure=pd.array([measure] * len(frame), dtype="string"), yi=yi, vi=vi)


def back(values: Floats | float, measure: str, n: float) -> Floats:
    """Return values on the natural scale (rates 0-1, months, ratios) for values on the scale of a measure.

    Parameters
    ----------
    values : array of float, or float
    measure : str
    n : float
        Harmonic mean of the studies' n, which only ``"freeman-tukey"`` uses.

    Examples
    --------
    >>> from herbtc import measures
    >>> measures.back(0.0, "logit", 30.0).item()
    0.5
    """
    return look_up("measure", measure, MEASURES).back(np.asarray(values, dtype=float), n)


def percent(rate: float) -> str:
    """Return a proportion as a percentage with one digit, halves rounded up as papers do.

    Examples
    --------
    >>> from herbtc import measures
    >>> measures.percent(33 / 80)
    '41.3'
    """
    # Nine digits take away what binary fractions add, so that a half is seen as one.
    return str(Decimal(f"{100 * rate:.9f}").quantize(Decimal("0.1"), ROUND_HALF_UP))


def rows_named(frame: pd.DataFrame, which: npt.NDArray[np.bool_]) -> str:
    """Return the chosen rows as words: ``summit/btc (row 3)``, or ``row 3`` where the frame names no studies."""
    columns = [name for name in ("trial", "arm", "population") if name in frame.columns]
    names = []
    for place in np.flatnonzero(which).tolist():
        parts = {name: str(frame[name].iloc[place]) for name in columns}
        if parts.get("population") == EVERYONE:
            del parts["population"]
        name = "/".join(parts.values())
        names.append(f"{name} (row {frame.index[place]})" if name else f"row {frame.index[place]}")
    return ", ".join(names)


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    try:
        return frame[name].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SynthesisError(f"expected numbers in the column {name}: {error}") from None
