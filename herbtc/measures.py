"""Events and n to an effect size with its variance, and back to a proportion.

Names follow metafor: `yi` and `vi` are the effect and its sampling variance on the analysis scale.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.terms import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]


@frozen
class Measure:
    """A scale on which proportions are pooled.

    Attributes
    ----------
    name : str
    metafor : str
        The name of the measure in metafor's ``escalc``.
    words : str
        How a methods section calls it.
    effect : callable
        Takes events and n (float arrays), returns `yi` and `vi`.
    back : callable
        Takes values on the analysis scale and the harmonic mean of n, returns proportions.
    adds : bool
        Whether 1/2 is added to both cells of a study without events or without non-events, as metafor does.
    """

    name: str
    metafor: str
    words: str
    effect: Callable[[Floats, Floats], tuple[Floats, Floats]]
    back: Callable[[Floats, float], Floats]
    adds: bool


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


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("logit", "PLO", "logit-transformed proportions", _logit, _from_logit, adds=True),
        Measure("raw", "PR", "untransformed proportions", _raw, _from_raw, adds=True),
        Measure("arcsine", "PAS", "arcsine-square-root-transformed proportions", _arcsine, _from_arcsine, adds=False),
        Measure(
            "freeman-tukey",
            "PFT",
            "Freeman-Tukey double-arcsine-transformed proportions",
            _freeman_tukey,
            _from_freeman_tukey,
            adds=False,
        ),
        Measure("log", "PLN", "log-transformed proportions", _log, _from_log, adds=True),
    )
}
"""The measures by name. Freeman-Tukey is here because reviews used it; its inversion is contested (Schwarzer 2019)."""


def effects(frame: pd.DataFrame, measure: str = "logit") -> pd.DataFrame:
    """Return the frame with the columns `measure`, `yi` and `vi` added.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, with the columns `events` and `n`: what `herbtc.query.proportions` returns, or
        any frame of your own.
    measure : str
        ``"logit"``, ``"raw"``, ``"arcsine"``, ``"freeman-tukey"`` or ``"log"``.

    Returns
    -------
    pandas.DataFrame
        A copy; `yi` and `vi` are float64 on the scale of the measure. For logit, raw and log, 1/2 is added to both
        cells of studies with no event or only events, as metafor does. A row without events or n gets NaN.

    Raises
    ------
    herbtc.SynthesisError
        If a column is missing, or events and n of a row cannot be.
    herbtc.UnknownKeyError
        For an unknown measure.

    References
    ----------
    Viechtbauer W. J Stat Softw 2010;36(3) (metafor's ``escalc``); Miller JJ. Am Stat 1978;32:138;
    Schwarzer G et al. Res Synth Methods 2019;10:476.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures
    >>> measures.effects(pd.DataFrame({"events": [14], "n": [30]}), "logit")[["yi", "vi"]].round(4)
           yi      vi
    0 -0.1335  0.1339
    """
    scale = look_up("measure", measure, MEASURES)
    missing = [name for name in ("events", "n") if name not in frame.columns]
    if missing:
        raise SynthesisError(f"expected the columns events and n; missing: {', '.join(missing)}")
    x, n = (_floats(frame, name) for name in ("events", "n"))
    known = ~(np.isnan(x) | np.isnan(n))
    impossible = known & ((x < 0) | (n <= 0) | (x > n) | ~np.isfinite(n))
    if impossible.any():
        raise SynthesisError(f"expected 0 ≤ events ≤ n and n > 0; not so in {rows_named(frame, impossible)}")
    extreme = known & ((x == 0) | (x == n)) if scale.adds else np.zeros(len(frame), bool)
    yi, vi = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    yi[known], vi[known] = scale.effect((x + extreme / 2)[known], (n + extreme)[known])
    return frame.assign(measure=pd.array([measure] * len(frame), dtype="string"), yi=yi, vi=vi)


def back(values: Floats | float, measure: str, n: float) -> Floats:
    """Return proportions (0-1) for values on the scale of a measure.

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
