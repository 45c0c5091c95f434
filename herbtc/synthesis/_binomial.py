"""Proportions pooled straight from events and n by their exact likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import betaincinv, chdtrc, chdtri, expit, ndtri

from herbtc import measures
from herbtc.errors import look_up
from herbtc.synthesis._conventions import Options
from herbtc.synthesis._likelihood import LARGEST_TAU, Counts, Peak, highest, mean_ends, tau_ends
from herbtc.synthesis._pool import doubts_of, heterogeneity, reach_of_new, read_only
from herbtc.synthesis._pooled import BINOMIAL_NORMAL, Pooled
from herbtc.synthesis._studies import admit
from herbtc.synthesis._told import warn

if TYPE_CHECKING:
    import pandas as pd

    from herbtc.synthesis._refusals import Mix
    from herbtc.synthesis._studies import Studies

INTERVALS = {"profile": "profile-likelihood", "wald": "Wald-type"}
"""Confidence intervals of the binomial-normal model, with their names in words."""


def pool_binomial(
    frame: pd.DataFrame,
    *,
    interval: Literal["profile", "wald"] = "profile",
    level: float = 0.95,
    prediction: Literal["t", "z", "hts"] = "t",
    mix: Mix = False,
) -> Pooled:
    """Pool proportions by the binomial-normal model, from events and n without an approximation of their variance.

    The events of each study are binomial, and its log odds vary normally between studies (a logistic regression with a
    random intercept, fitted by maximum likelihood; each study's integral is taken by adaptive Gauss-Hermite
    quadrature). It is the reference for response rates of small studies, because no 1/2 is added to empty cells and no
    variance is estimated from few events.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, with `events` and `n`: what `herbtc.query.proportions` returns.
    interval : str
        ``"profile"`` (profile likelihood) or ``"wald"``.
    level : float
        Level of confidence and prediction interval, between 0 and 1.
    prediction : str
        Convention of the prediction interval, as for `herbtc.synthesis.pool`.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    Pooled
        With `method` ``"binomial-normal"`` and `measure` ``"logit"``. Where no patient of any study has the event, or
        every patient has, `estimate` lies at the boundary, tau² is not identified (NaN) and the interval is one-sided:
        its other end is the exact limit of all patients together. Where each study has no events or all, the
        likelihood rises for ever with tau²; then, too, a note says so.

    Raises
    ------
    herbtc.SynthesisError, herbtc.UnknownKeyError
        As `herbtc.synthesis.pool` does.

    Warns
    -----
    herbtc.HerbtcWarning
        As `herbtc.synthesis.pool` does, and where the data identify no tau².

    References
    ----------
    Hamza TH, van Houwelingen HC, Stijnen T. J Clin Epidemiol 2008;61:41; Stijnen T, Hamza TH, Özdemir P. Stat Med
    2010;29:3046; Pinheiro JC, Bates DM. J Comput Graph Stat 1995;4:12.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> synthesis.pool_binomial(frame)
    <Pooled binomial-normal/logit/profile: 35.7 % (26.2 to 44.8), k=5, n=205>
    """
    look_up("interval", interval, INTERVALS)
    Options(level=level, prediction=prediction)
    studies = admit(measures.effects(frame, "logit"), mix=mix)
    x, n = (studies.rows[name].to_numpy(float) for name in ("events", "n"))
    if x.sum() in (0, n.sum()):
        return _at_the_edge(studies, none=x.sum() == 0, level=level, interval=interval, prediction=prediction)
    counts = Counts.of(x, n)
    peak = highest(counts)
    notes: tuple[str, ...] = ()
    if peak.unbounded:
        notes = (
            (
                f"tau² is not identified: the likelihood rises up to the largest tau tried, {LARGEST_TAU:g}, because "
                "studies have hardly anything but no events or all; the estimate is of little use"
            ),
        )
    if interval == "profile":
        low, high = mean_ends(counts, peak, float(chdtri(1, 1 - level)) / 2)
    else:
        reach = float(ndtri((1 + level) / 2)) * _standard_error(peak)
        low, high = peak.mean - reach, peak.mean + reach
    return _result(
        studies,
        counts,
        peak,
        ends=(low, high),
        notes=notes,
        level=level,
        test=interval,
        prediction=prediction,
    )


def _standard_error(peak: Peak) -> float:
    # Of the mean, from the curvature in mean and tau together; at tau = 0 the two are unrelated.
    curvature = peak.point.curvature
    if peak.tau == 0:
        return float(1 / np.sqrt(-curvature[0, 0]))
    variance = -np.linalg.inv(curvature)[0, 0]
    return float(np.sqrt(variance)) if variance > 0 else float("nan")


def _result(
    studies: Studies,
    counts: Counts,
    peak: Peak,
    *,
    ends: tuple[float, float],
    notes: tuple[str, ...],
    level: float,
    test: str,
    prediction: str,
) -> Pooled:
    k, v, tau2 = studies.k, studies.v, peak.tau**2
    tail = (1 + level) / 2
    se = _standard_error(peak)
    reach = reach_of_new(prediction, k, tail) * float(np.sqrt(se**2 + tau2))
    low, high = tau_ends(counts, peak, float(chdtri(1, 1 - level)) / 2)
    doubts = (*doubts_of(studies, tau2=tau2), *notes)
    warn(doubts)
    # Twice the log-likelihood by which a rate for each study is better than one rate for all (metafor's QE.LRT).
    total = float(counts.x.sum() / counts.n.sum())
    q = max(0.0, 2 * (counts.saturated() - counts.at(float(np.log(total / (1 - total))), 0.0).value))
    weights = 1 / (v + tau2)
    return Pooled(
        estimate=float(expit(peak.mean)),
        conf_low=float(expit(ends[0])),
        conf_high=float(expit(ends[1])),
        pred_low=float(expit(peak.mean - reach)),
        pred_high=float(expit(peak.mean + reach)),
        beta=peak.mean,
        se=se,
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        weights=read_only(weights / weights.sum()),
        notes=(*studies.left_out, *doubts),
        **heterogeneity(v, tau2, low**2, high**2),
        **_facts(studies, level=level, test=test, prediction=prediction),
    )


def _at_the_edge(studies: Studies, *, none: bool, level: float, interval: str, prediction: str) -> Pooled:
    # The exact one-sided limit of all patients together: (1 - level)^(1/n) for none of n (Clopper-Pearson).
    n = float(studies.rows["n"].sum())
    bound = float(1 - betaincinv(n, 1.0, 1 - level)) if none else float(betaincinv(n, 1.0, 1 - level))
    what = "no patient has the event" if none else "every patient has the event"
    doubts = (
        *doubts_of(studies, tau2=None),
        (
            f"{what}: the estimate lies at its boundary, tau² is not identified, and the interval is the exact "
            "one-sided limit of all patients together"
        ),
    )
    warn(doubts)
    missing = float("nan")
    weights = studies.rows["n"].to_numpy(float) / n
    unknown: dict[str, Any] = {
        f"{name}{end}": missing for name in ("tau2", "i2", "h2") for end in ("", "_low", "_high")
    }
    return Pooled(
        estimate=0.0 if none else 1.0,
        conf_low=0.0 if none else bound,
        conf_high=bound if none else 1.0,
        pred_low=missing,
        pred_high=missing,
        beta=-np.inf if none else np.inf,
        se=missing,
        q=0.0,
        q_p=1.0,
        weights=read_only(weights),
        notes=(*studies.left_out, *doubts),
        **unknown,
        **_facts(studies, level=level, test=interval, prediction=prediction),
    )


def _facts(studies: Studies, *, level: float, test: str, prediction: str) -> dict[str, Any]:
    return {
        "k": studies.k,
        "n": studies.total("n"),
        "events": studies.total("events"),
        "measure": "logit",
        "method": BINOMIAL_NORMAL,
        "test": test,
        "prediction": prediction,
        "level": level,
        "release": studies.release,
        "rows": studies.rows,
    }
