"""Effects of several studies to one estimate: random-effects and equal-effects models after metafor.

Nothing here knows a catalog: the functions take frames with `yi` and `vi`, from `herbtc.measures.effects`.
"""

from __future__ import annotations

import warnings
from html import escape
from typing import Literal

import numpy as np
import pandas as pd
from attrs import field, frozen
from scipy.special import betaincinv, chdtrc, ndtri, stdtrit

from herbtc import measures
from herbtc._version import __version__
from herbtc.errors import HerbtcWarning, SynthesisError, look_up
from herbtc.measures import MEASURES, Floats, percent, rows_named
from herbtc.synthesis._refusals import doubts, one_measure, provenance, refuse
from herbtc.synthesis._tau2 import TAU2, q_profile, typical_variance, weighted

__all__ = ["FEW", "TAU2", "Pooled", "exact_interval", "p_text", "pool"]

FEW = 5
"""Below this number of studies every result comes with a `herbtc.HerbtcWarning`."""

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

    def marginal(self) -> float:
        """Return the mean rate over studies (0-1), which is not the rate of the median study that `estimate` is.

        The back-transform of the analysis scale is averaged over the normal distribution of the studies' true effects.
        Both are the same where tau² is 0, and where nothing is transformed.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"events": [2, 14, 10, 9, 50], "n": [30, 30, 34, 39, 90]})
        >>> pooled = synthesis.pool(measures.effects(frame, "logit"))
        >>> measures.percent(pooled.estimate), measures.percent(pooled.marginal())
        ('31.2', '33.7')
        """
        # Sums over an even grid are exact for a bell-shaped integrand, and bear the kink where a rate is clipped to 1.
        steps = np.linspace(-8.5, 8.5, 2001)
        density = np.exp(-(steps**2) / 2)
        rates = measures.back(self.beta + np.sqrt(self.tau2) * steps, self.measure, _harmonic(self._rows))
        return float(density @ rates / density.sum())

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row; natural scale 0-1, I² in percent."""
        names = [each.name for each in self.__attrs_attrs__ if each.name not in ("weights", "notes", "_rows")]
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
        parts = [
            (
                f"{self.events} events in {self.n} patients of {self.k} groups were pooled as "
                f"{MEASURES[self.measure].words} in {model}, with a {_TESTS[self.test]}."
            ),
            (
                f"The pooled rate was {percent(self.estimate)} % "
                f"({level} CI {percent(self.conf_low)} to {percent(self.conf_high)}); "
                f"tau² = {self.tau2:.3f} ({level} Q-profile interval {self.tau2_low:.3f} to {self.tau2_high:.3f}), "
                f"I² = {self.i2:.1f} %, Q = {self.q:.2f} (df = {self.k - 1}, {p_text(self.q_p)})."
            ),
        ]
        if self.method != "EE":
            parts.append(
                f"The {level} prediction interval for a new study ({_PREDICTIONS[self.prediction]}) was "
                f"{percent(self.pred_low)} to {percent(self.pred_high)} %."
            )
        if self.measure == "logit":
            parts.append("The pooled rate is that of the median study.")
        parts += [f"Note: {note}." for note in self.notes]
        data = f", data release {self.release}" if self.release else ""
        parts.append(f"Computed with herbtc {__version__}{data}.")
        return "\n".join(parts)

    def __repr__(self) -> str:
        return (
            f"<Pooled {self.method}/{self.measure}/{self.test}: {percent(self.estimate)} % "
            f"({percent(self.conf_low)} to {percent(self.conf_high)}), k={self.k}, n={self.n}"
            f"{f', notes: {len(self.notes)}' if self.notes else ''}>"
        )

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in self.describe().splitlines())


def p_text(p: float) -> str:
    """Return a p-value as papers print it: ``p = 0.034`` or ``p < 0.001``."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"  # noqa: PLR2004


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
        For fewer than five studies, for tau² at its boundary of 0, and where several arms of one study come in a frame
        that no query made, so that nothing says whether they share patients. Rows without events or n are left out
        and named in the notes.

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
    <Pooled REML/logit/hksj-adhoc: 35.9 % (25.0 to 48.3), k=5, n=205>
    """
    look_up("method", method, TAU2)
    look_up("test", test, _TESTS)
    look_up("prediction interval", prediction, _PREDICTIONS)
    if not 0 < level < 1:
        raise SynthesisError(f"expected a level between 0 and 1, such as 0.95, got {level}")
    measure = one_measure(frame)
    notes: list[str] = []
    usable = frame[["events", "n", "yi", "vi"]].notna().all(axis=1).to_numpy()
    rows = frame[usable]
    refuse(rows, mix=mix)
    if len(rows) < FEW:
        notes.append(f"only {len(rows)} studies: heterogeneity and both intervals are hardly known")
    notes += doubts(rows)

    y, v = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    k = len(y)
    tau2 = TAU2[method][1](y, v)
    if tau2 == 0 and method != "EE":
        notes.append("tau² is estimated at its boundary, 0, which does not show that the studies agree")
    for note in notes:
        warnings.warn(note, HerbtcWarning, stacklevel=2)
    if not usable.all():
        # Not doubtful, only incomplete: the shipped evidence itself has rates that are printed without a number.
        notes.insert(0, f"left out for want of events or n: {rows_named(frame, ~usable)}")
    w = 1 / (v + tau2)
    beta, spread = weighted(y, w)
    factor = 1.0 if test == "wald" else spread / (k - 1)
    se = float(np.sqrt((max(1.0, factor) if test == "hksj-adhoc" else factor) / w.sum()))
    tail = (1 + level) / 2
    critical = float(ndtri(tail) if test == "wald" else stdtrit(k - 1, tail))
    df = {"t": k - 1, "hts": k - 2}.get(prediction)
    quantile = float(ndtri(tail)) if df is None else float(stdtrit(df, tail)) if df else np.nan
    reach = np.nan if method == "EE" else quantile * float(np.sqrt(se**2 + tau2))
    q = weighted(y, 1 / v)[1]
    typical = typical_variance(v)
    i2, h2 = (100 * tau2 / (typical + tau2), tau2 / typical + 1)
    if method == "EE":
        i2, h2 = (max(0.0, 100 * (q - (k - 1)) / q) if q > 0 else 0.0, q / (k - 1))
    tau2_low, tau2_high = q_profile(y, v, level)

    ends = np.array([beta, beta - critical * se, beta + critical * se, beta - reach, beta + reach])
    estimate, conf_low, conf_high, pred_low, pred_high = measures.back(ends, measure, _harmonic(rows))
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
        n=int(rows["n"].sum()),
        events=int(rows["events"].sum()),
        weights=_read_only(w / w.sum()),
        measure=measure,
        method=method,
        test=test,
        prediction=prediction,
        level=level,
        notes=tuple(notes),
        release=str(provenance(frame).get("release", "")),
        rows=rows.copy(),
    )


def _harmonic(rows: pd.DataFrame) -> float:
    # The harmonic mean of n, with which Miller (1978) inverts the Freeman-Tukey transform.
    return len(rows) / float((1 / rows["n"].to_numpy(float)).sum())


def _read_only(values: Floats) -> Floats:
    values.setflags(write=False)
    return values


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
    if not 0 < level < 1:
        raise SynthesisError(f"expected a level between 0 and 1, such as 0.95, got {level}")
    if not np.all((x >= 0) & (x <= n) & (n > 0)):
        raise SynthesisError("expected 0 ≤ events ≤ n and n > 0 in every study")
    tail = (1 - level) / 2
    # At no and at all events the beta quantile has a shape of 0; the ends are 0 and 1 by definition.
    low = np.where(x == 0, 0.0, betaincinv(np.maximum(x, 1), n - x + 1, tail))
    high = np.where(x == n, 1.0, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail))
    return low, high
