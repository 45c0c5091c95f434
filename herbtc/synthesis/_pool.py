"""Effects of several studies to one estimate: random-effects and equal-effects models after metafor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import chdtrc, ndtri, stdtrit

from herbtc import measures
from herbtc.synthesis._conventions import FEW, Options
from herbtc.synthesis._pooled import Pooled
from herbtc.synthesis._studies import admit, harmonic
from herbtc.synthesis._tau2 import TAU2, q_profile, typical_variance, weighted
from herbtc.synthesis._told import warn

if TYPE_CHECKING:
    import pandas as pd

    from herbtc.measures import Floats
    from herbtc.synthesis._refusals import Mix
    from herbtc.synthesis._studies import Studies


def pool(
    frame: pd.DataFrame,
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: Literal["t", "z", "hts"] = "t",
    mix: Mix = False,
) -> Pooled:
    """Pool effects of several groups of patients.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group, with `measure yi vi` and the columns that the measure reads (see
        `herbtc.measures.effects`). Columns `trial arm population mechanism her2 line endpoint role kind at_months`,
        where there, are used to refuse what must not be pooled.
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
    mix : bool, str or iterable of str
        What may be mixed because it is meant: ``"mechanism"`` (HER2-directed with other arms), ``"her2"``
        (HER2-selected with unselected patients), ``"line"`` (first-line with later-line therapy, which is otherwise
        pooled with a warning), ``"endpoint"``, ``"role"`` (treatment effects with prognostic ratios), ``"kind"``
        (hazard, odds and risk ratios), ``"time"`` (rates at different times); True for all of them.

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
        For fewer than five studies, for tau² at its boundary of 0, for lines of therapy that are mixed unasked, and
        where several arms of one study come in a frame that no query made, so that nothing says whether they share
        patients. Rows without what their measure needs are left out and named in the notes; with a warning where
        medians that were not reached are among them, because leaving them out biases the pooled median downward.

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
    Options(method=method, test=test, level=level, prediction=prediction)
    studies = admit(frame, mix=mix)
    y, v, k = studies.y, studies.v, studies.k
    tau2 = TAU2[method][1](y, v)
    doubts = doubts_of(studies, tau2=None if method == "EE" else tau2)
    warn(doubts)
    w = 1 / (v + tau2)
    beta, spread = weighted(y, w)
    factor = 1.0 if test == "wald" else spread / (k - 1)
    se = float(np.sqrt((max(1.0, factor) if test == "hksj-adhoc" else factor) / w.sum()))
    tail = (1 + level) / 2
    critical = float(ndtri(tail) if test == "wald" else stdtrit(k - 1, tail))
    reach = np.nan if method == "EE" else reach_of_new(prediction, k, tail) * float(np.sqrt(se**2 + tau2))
    q = weighted(y, 1 / v)[1]
    ends = np.array([beta, beta - critical * se, beta + critical * se, beta - reach, beta + reach])
    estimate, conf_low, conf_high, pred_low, pred_high = map(
        float, measures.back(ends, studies.measure, harmonic(studies.rows))
    )
    shares = heterogeneity(v, tau2, *q_profile(y, v, level))
    if method == "EE":
        shares |= {"i2": max(0.0, 100 * (q - (k - 1)) / q) if q > 0 else 0.0, "h2": q / (k - 1)}
    return Pooled(
        estimate=estimate,
        conf_low=conf_low,
        conf_high=conf_high,
        pred_low=pred_low,
        pred_high=pred_high,
        beta=beta,
        se=se,
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        k=k,
        n=studies.total("n"),
        events=studies.total("events"),
        weights=read_only(w / w.sum()),
        measure=studies.measure,
        method=method,
        test=test,
        prediction=prediction,
        level=level,
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=studies.rows,
        **shares,
    )


def doubts_of(studies: Studies, *, tau2: float | None) -> tuple[str, ...]:
    """Return the reasons to doubt a pooled estimate: few studies, mixtures, tau² at its boundary (None: not asked)."""
    few = [f"only {studies.k} studies: heterogeneity and both intervals are hardly known"] if studies.k < FEW else []
    edge = ["tau² is estimated at its boundary, 0, which does not show that the studies agree"] if tau2 == 0 else []
    return (*few, *studies.doubts, *edge)


def reach_of_new(prediction: str, k: int, tail: float) -> float:
    """Return the quantile of a prediction interval by its convention; NaN where it has no degrees of freedom."""
    df = {"t": k - 1, "hts": k - 2}.get(prediction)
    return float(ndtri(tail)) if df is None else float(stdtrit(df, tail)) if df else float("nan")


def heterogeneity(v: Floats, tau2: float, tau2_low: float, tau2_high: float) -> dict[str, Any]:
    """Return tau², I² and H² with their intervals, the latter two by metafor's definition from tau²."""
    typical = typical_variance(v)
    found: dict[str, Any] = {}
    for end, value in (("", tau2), ("_low", tau2_low), ("_high", tau2_high)):
        ratio = value / typical
        share = 100.0 if np.isinf(ratio) else 100 * ratio / (1 + ratio)
        found |= {f"tau2{end}": value, f"i2{end}": share, f"h2{end}": ratio + 1}
    return found


def read_only(values: Floats) -> Floats:
    """Return an array that nobody may write to."""
    values.setflags(write=False)
    return values
