"""Effects of several studies to one estimate: random-effects and equal-effects models after metafor.

Nothing here knows a catalog: the functions take frames with `yi` and `vi`, from `herbtc.measures.effects`.
"""

from __future__ import annotations

import warnings
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from attrs import field, frozen
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, ndtri, stdtrit

from herbtc import measures, terms
from herbtc._version import __version__
from herbtc.errors import HerbtcWarning, SynthesisError, look_up
from herbtc.measures import MEASURES, Floats, rows_named

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 5
"""Below this number of studies every result comes with a `herbtc.HerbtcWarning`."""


# --- heterogeneity ----------------------------------------------------------------------------------------------------


def _weighted(y: Floats, w: Floats) -> tuple[float, float]:
    total = float(w.sum())
    mean = float(w @ y) / total
    return mean, float(w @ (y - mean) ** 2)


def _typical_variance(v: Floats) -> float:
    w = 1 / v
    return (len(v) - 1) / float(w.sum() - (w**2).sum() / w.sum())


def _equal_effects(_y: Floats, _v: Floats) -> float:
    return 0.0


def _dersimonian_laird(y: Floats, v: Floats) -> float:
    w = 1 / v
    q = _weighted(y, w)[1]
    return max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))


def _hedges(y: Floats, v: Floats) -> float:
    return max(0.0, float(np.var(y, ddof=1) - v.mean()))


def _hunter_schmidt(y: Floats, v: Floats) -> float:
    w = 1 / v
    return max(0.0, (_weighted(y, w)[1] - len(y)) / float(w.sum()))


def _sidik_jonkman(y: Floats, v: Floats) -> float:
    first = float(np.var(y))
    if first == 0:
        return 0.0
    return first * _weighted(y, 1 / (v + first))[1] / (len(y) - 1)


def _paule_mandel(y: Floats, v: Floats) -> float:
    return _root(lambda tau2: _weighted(y, 1 / (v + tau2))[1] - (len(y) - 1), y, v)


def _score_root(y: Floats, v: Floats, *, restricted: bool) -> float:
    # The (restricted) likelihood can have several maxima: each zero of its slope is a candidate, and the highest wins.
    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean, _ = _weighted(y, w)
        trace = float(w.sum() - (w**2).sum() / w.sum()) if restricted else float(w.sum())
        return float(w**2 @ (y - mean) ** 2) - trace

    def height(tau2: float) -> float:
        w = 1 / (v + tau2)
        value = float(np.log(w).sum()) - _weighted(y, w)[1]
        return value - float(np.log(w.sum())) if restricted else value

    top = float(np.ptp(y)) ** 2 + float(v.max())
    grid = np.concatenate(([0.0], np.geomspace(1e-9, 1.0, 60) * top))
    slopes = [slope(float(tau2)) for tau2 in grid]
    peaks = [0.0]
    for low, high, before, after in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        if before > 0 >= after:
            peaks.append(float(brentq(slope, low, high, xtol=1e-300, rtol=8.9e-16, maxiter=500)))
    return max(peaks, key=height)


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

_TESTS = {
    "wald": "Wald-type confidence interval",
    "hksj": "Hartung-Knapp-Sidik-Jonkman confidence interval",
    "hksj-adhoc": "Hartung-Knapp-Sidik-Jonkman confidence interval with the variance factor kept at 1 or above",
}
_PREDICTIONS = {
    "t": "t distribution with k - 1 degrees of freedom",
    "z": "normal distribution",
    "hts": "t distribution with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter)",
}


def _q_profile(y: Floats, v: Floats, level: float) -> tuple[float, float]:
    # Viechtbauer, Stat Med 2007;26:37: the values of tau2 at which the generalised Q is not surprising.
    df = len(y) - 1

    def bound(critical: float) -> float:
        return _root(lambda tau2: _weighted(y, 1 / (v + tau2))[1] - critical, y, v)

    return bound(float(chdtri(df, (1 - level) / 2))), bound(float(chdtri(df, (1 + level) / 2)))


# --- result -----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class Pooled:
    """A pooled estimate with everything needed to report, check and draw it.

    Attributes
    ----------
    estimate, conf_low, conf_high, pred_low, pred_high : float
        On the natural scale (0-1): the back-transformed mean, its confidence interval and the prediction interval,
        clipped to 0-1. With logit, `estimate` is the rate of the median study. NaN where there is none.
    beta, se : float
        Mean and its standard error on the analysis scale.
    tau2, tau2_low, tau2_high : float
        Between-study variance with its Q-profile interval.
    i2, h2 : float
        I² in percent and H², by metafor's definition.
    q, q_p : float
        Cochran's Q and its p-value.
    k, n, events : int
        Studies, patients, events pooled.
    weights : numpy.ndarray
        Weight of each row; they sum to one.
    measure, method, test, prediction : str
        What was computed.
    level : float
        Level of both intervals, such as 0.95.
    rows : pandas.DataFrame
        A copy of the rows that were pooled.
    notes : tuple of str
        What a reader must know: warnings, rows left out.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    estimate: float
    conf_low: float
    conf_high: float
    pred_low: float
    pred_high: float
    beta: float
    se: float
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    h2: float
    q: float
    q_p: float
    k: int
    n: int
    events: int
    weights: Floats
    measure: str
    method: str
    test: str
    prediction: str
    level: float
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were pooled, with `weight`."""
        return self._rows.assign(weight=self.weights)

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row; natural scale 0-1, I² in percent."""
        names = [each.name for each in self.__attrs_attrs__ if each.name not in ("weights", "notes", "_rows")]  # type: ignore[attr-defined]
        return pd.DataFrame([{**{name: getattr(self, name) for name in names}, "notes": "; ".join(self.notes)}])

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
        >>> synthesis.pool(measures.effects(frame, "logit")).describe().splitlines()[0][:56]
        '74 events in 205 patients of 5 groups were pooled as log'
        """
        level = f"{100 * self.level:g} %"
        model = (
            "an equal-effects model"
            if self.method == "EE"
            else f"a random-effects model with the {TAU2[self.method][0]} estimator of tau²"
        )
        result = (
            f"The pooled rate was {100 * self.estimate:.1f} % ({level} CI {100 * self.conf_low:.1f} to {100 * self.conf_high:.1f})"
        )
        heterogeneity = f"tau² = {self.tau2:.3f} ({level} Q-profile interval {self.tau2_low:.3f} to {self.tau2_high:.3f})"
        parts = [
            f"{self.events} events in {self.n} patients of {self.k} groups were pooled as {MEASURES[self.measure].words} in {model}, with a {_TESTS[self.test]}.",
            f"{result}; {heterogeneity}, I² = {self.i2:.1f} %, Q = {self.q:.2f} (df = {self.k - 1}, p = {self.q_p:.3f}).",
        ]
        if self.method != "EE":
            parts.append(
                f"The {level} prediction interval for a new study ({_PREDICTIONS[self.prediction]}) was {100 * self.pred_low:.1f} to {100 * self.pred_high:.1f} %."
            )
        if self.measure == "logit":
            parts.append("The pooled rate is that of the median study.")
        parts += [f"Note: {note}." for note in self.notes]
        data = f", data release {self.release}" if self.release else ""
        parts.append(f"Computed with herbtc {__version__}{data}.")
        return "\n".join(parts)

    def __repr__(self) -> str:
        return (
            f"<Pooled {self.method}/{self.measure}/{self.test}: {100 * self.estimate:.1f} % "
            f"({100 * self.conf_low:.1f} to {100 * self.conf_high:.1f}), k={self.k}, n={self.n}>"
        )

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in self.describe().splitlines())


# --- pooling ----------------------------------------------------------------------------------------------------------


def pool(
    frame: pd.DataFrame,
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: Literal["t", "z", "hts"] = "t",
    mix: bool = False,
) -> Pooled:
    """Pool effects of several groups of patients.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group, with `events n measure yi vi` (see `herbtc.measures.effects`). Columns `trial arm
        population mechanism her2`, where there, are used to refuse what must not be pooled.
    method : str
        Estimator of tau²: ``"EE" "DL" "PM" "REML" "ML" "EB" "SJ" "HE" "HS"``; ``"EE"`` is the equal-effects model.
    test : str
        ``"wald"``, ``"hksj"`` or ``"hksj-adhoc"`` (Hartung-Knapp with the variance factor max(1, q), t with k - 1
        degrees of freedom; metafor's ``test="adhoc"``).
    level : float
        Level of confidence and prediction interval, between 0 and 1.
    prediction : str
        Prediction interval from ``"t"`` with k - 1 degrees of freedom, ``"z"`` (metafor's with Wald tests) or
        ``"hts"``, t with k - 2. There is none for the equal-effects model.
    mix : bool
        Allow HER2-directed with other arms, and HER2-selected with unselected ones.

    Returns
    -------
    Pooled

    Raises
    ------
    herbtc.SynthesisError
        For fewer than two studies, several measures, missing columns, published meta-analyses, mixtures that were not
        asked for, and rows that count a patient twice; the message names the rows.
    herbtc.UnknownKeyError
        For an unknown method, test or prediction interval.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than five studies, and where rows without events or n were left out.

    References
    ----------
    Viechtbauer W. J Stat Softw 2010;36(3); Hartung J, Knapp G. Stat Med 2001;20:3875; Knapp G, Hartung J. Stat Med
    2003;22:2693; Viechtbauer W. Stat Med 2007;26:37; Higgins JPT et al. J R Stat Soc A 2009;172:137.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> synthesis.pool(measures.effects(frame, "logit"))
    <Pooled REML/logit/hksj-adhoc: 36.1 % (27.5 to 45.7), k=5, n=205>
    """
    look_up("method", method, TAU2)
    look_up("test", test, _TESTS)
    look_up("prediction interval", prediction, _PREDICTIONS)
    if not 0 < level < 1:
        raise SynthesisError(f"expected a level between 0 and 1, such as 0.95, got {level}")
    measure = _one_measure(frame)
    notes: list[str] = []
    usable = frame[["yi", "vi"]].notna().all(axis=1).to_numpy()
    if not usable.all():
        notes.append(f"left out for want of events or n: {rows_named(frame, ~usable)}")
    rows = frame[usable]
    _refuse(rows, mix=mix)
    if len(rows) < FEW:
        notes.append(f"only {len(rows)} studies: heterogeneity and both intervals are hardly known")
    for note in notes:
        warnings.warn(note, HerbtcWarning, stacklevel=2)

    y, v = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    k = len(y)
    tau2 = TAU2[method][1](y, v)
    w = 1 / (v + tau2)
    beta, spread = _weighted(y, w)
    factor = 1.0 if test == "wald" else spread / (k - 1)
    se = float(np.sqrt((max(1.0, factor) if test == "hksj-adhoc" else factor) / w.sum()))
    tail = (1 + level) / 2
    critical = float(ndtri(tail) if test == "wald" else stdtrit(k - 1, tail))
    df = {"t": k - 1, "hts": k - 2}.get(prediction)
    quantile = float(ndtri(tail)) if df is None else float(stdtrit(df, tail)) if df else np.nan
    reach = np.nan if method == "EE" else quantile * float(np.sqrt(se**2 + tau2))
    q = _weighted(y, 1 / v)[1]
    typical = _typical_variance(v)
    i2, h2 = (100 * tau2 / (typical + tau2), tau2 / typical + 1)
    if method == "EE":
        i2, h2 = (max(0.0, 100 * (q - (k - 1)) / q) if q > 0 else 0.0, q / (k - 1))
    tau2_low, tau2_high = _q_profile(y, v, level)

    n = rows["n"].to_numpy(float)
    ends = np.array([beta, beta - critical * se, beta + critical * se, beta - reach, beta + reach])
    estimate, conf_low, conf_high, pred_low, pred_high = measures.back(ends, measure, k / float((1 / n).sum()))
    return Pooled(
        estimate=float(estimate),
        conf_low=float(conf_low),
        conf_high=float(conf_high),
        pred_low=float(pred_low),
        pred_high=float(pred_high),
        beta=beta,
        se=se,
        tau2=tau2,
        tau2_low=tau2_low,
        tau2_high=tau2_high,
        i2=i2,
        h2=h2,
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        k=k,
        n=int(n.sum()),
        events=int(rows["events"].sum()),
        weights=w / w.sum(),
        measure=measure,
        method=method,
        test=test,
        prediction=prediction,
        level=level,
        notes=tuple(notes),
        release=str(_provenance(frame).get("release", "")),
        rows=rows.copy(),
    )


# --- what must not be pooled ------------------------------------------------------------------------------------------


def _provenance(frame: pd.DataFrame) -> dict[str, Any]:
    # What herbtc.query knows about shared patients travels with its frames.
    return dict(frame.attrs.get("herbtc", {}))


def _one_measure(frame: pd.DataFrame) -> str:
    missing = [name for name in ("events", "n", "measure", "yi", "vi") if name not in frame.columns]
    if missing:
        raise SynthesisError(f"missing columns: {', '.join(missing)}; measures.effects adds measure, yi and vi")
    found = list(dict.fromkeys(map(str, frame["measure"])))
    if len(found) > 1:
        named = "; ".join(f"{name}: {rows_named(frame, (frame['measure'] == name).to_numpy(bool))}" for name in found)
        raise SynthesisError(f"expected one measure, got several: {named}")
    if not found:
        raise SynthesisError("expected at least two studies, got none")
    look_up("measure", found[0], MEASURES)
    return found[0]


def _refuse(rows: pd.DataFrame, *, mix: bool) -> None:
    everything = np.ones(len(rows), bool)
    if len(rows) < 2:  # noqa: PLR2004
        named = f": {rows_named(rows, everything)}" if len(rows) else ""
        raise SynthesisError(f"expected at least two studies, got {len(rows)}{named}")
    vi = rows["vi"].to_numpy(float)
    if (bad := ~(vi > 0) | ~np.isfinite(vi)).any():
        raise SynthesisError(f"expected a variance above 0; not so in {rows_named(rows, bad)}")
    if "trial" in rows.columns:
        _refuse_meta_analyses(rows)
        _refuse_shared_patients(rows)
    if not mix:
        _refuse_mixtures(rows)


def _refuse_meta_analyses(rows: pd.DataFrame) -> None:
    of_others = rows["trial"].isin(_provenance(rows).get("meta_analyses", ())).to_numpy(bool)
    if of_others.any():
        raise SynthesisError(f"published meta-analyses repeat the patients of their studies: {rows_named(rows, of_others)}")


def _refuse_shared_patients(rows: pd.DataFrame) -> None:
    known = _provenance(rows)
    trials = rows["trial"].astype(str).tolist()
    arms = rows["arm"].astype(str).tolist() if "arm" in rows.columns else [""] * len(rows)
    populations = rows["population"].astype(str).tolist() if "population" in rows.columns else [terms.EVERYONE] * len(rows)
    overlapping = {frozenset(pair) for pair in known.get("overlapping_trials", ())}
    shared = {trial: {frozenset(pair) for pair in pairs} for trial, pairs in known.get("shared_arms", {}).items()}
    for i in range(len(rows)):
        for j in range(i):
            if trials[i] != trials[j]:
                twice = frozenset((trials[i], trials[j])) in overlapping
            elif arms[i] == arms[j] or frozenset((arms[i], arms[j])) in shared.get(trials[i], ()):
                twice = not _disjoint(populations[i], populations[j])
            else:
                twice = False
            if twice:
                pair = np.isin(np.arange(len(rows)), (i, j))
                raise SynthesisError(f"the same patients would be counted twice: {rows_named(rows, pair)}")


def _disjoint(one: str, other: str) -> bool:
    try:
        return terms.disjoint(terms.strata(one), terms.strata(other))
    except ValueError:
        # Names of another vocabulary say nothing about who is in them, so the same arm twice stays refused.
        return False


def _refuse_mixtures(rows: pd.DataFrame) -> None:
    kinds = {
        "HER2-directed with other arms": ("mechanism", _her2_directed),
        "HER2-selected with unselected patients": ("her2", lambda word: word != terms.Her2.UNSELECTED),
    }
    for what, (column, is_so) in kinds.items():
        if column in rows.columns:
            flags = np.array([is_so(str(word)) for word in rows[column]])
            if flags.any() and not flags.all():
                fewer = flags if flags.sum() * 2 <= len(flags) else ~flags
                raise SynthesisError(f"mix=True is needed to pool {what}; look at {rows_named(rows, fewer)}")


def _her2_directed(mechanisms: str) -> bool:
    classes = set(terms.MechanismClass)
    return any(word in classes and terms.MechanismClass(word).her2_directed for word in mechanisms.split(" + "))
