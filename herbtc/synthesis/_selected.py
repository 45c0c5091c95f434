"""A pooled estimate for each of many selections of the same studies, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import frozen

from herbtc.synthesis._mixed import Fits, fit, quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    from herbtc.measures import Floats
    from herbtc.synthesis._conventions import Options
    from herbtc.synthesis._selections import Flags
    from herbtc.synthesis._studies import Studies


def pooled(studies: Studies, keep: Flags, options: Options) -> pd.DataFrame:
    """Return one row per selection: `k n events`, the natural scale, then the analysis scale.

    A single study stands for itself, with its Wald-type interval: of heterogeneity and prediction it says nothing.
    """
    fits = fit(studies.y, studies.v, np.ones((studies.k, 1)), options.method, keep)
    means = Means(
        beta=fits.beta[:, 0],
        se=np.sqrt(fits.factor(options.test) * fits.covariance[:, 0, 0]),
        confidence=quantile(fits.test_df(options.test), options.level),
        prediction=spread(fits, options),
    )
    return table(studies, keep, means, fits)


@frozen(kw_only=True, eq=False)
class Means:
    """Means of selections with their standard errors, and the quantiles of both intervals."""

    beta: Floats
    se: Floats
    confidence: Floats
    prediction: Floats


def table(studies: Studies, keep: Flags, means: Means, fits: Fits) -> pd.DataFrame:
    """Return the table of the means of selections, with the heterogeneity of their fits."""
    beta = means.beta
    reach, far = means.confidence * means.se, means.prediction * np.sqrt(means.se**2 + fits.tau2)
    ends = np.column_stack([beta, beta - reach, beta + reach, beta - far, beta + far])
    natural = np.array([studies.back(each, kept) for each, kept in zip(ends, keep, strict=True)])
    several = fits.df > 0
    n, events = (studies.totals(name, keep) for name in ("n", "events"))
    heterogeneity = {"tau2": fits.tau2, "i2": fits.i2, "h2": fits.h2, "q": fits.qe, "q_p": fits.qe_p}
    return pd.DataFrame(
        {
            "k": keep.sum(axis=1),
            "n": n,
            "events": events,
            **dict(zip(("estimate", "conf_low", "conf_high", "pred_low", "pred_high"), natural.T, strict=True)),
            "beta": beta,
            "se": means.se,
            **{name: np.where(several, values, np.nan) for name, values in heterogeneity.items()},
        }
    )


def label(by: str, shown: pd.DataFrame) -> str:
    """Return the name for the column of what a table is divided by, which may not be that of another column."""
    return "by" if by in shown.columns else by


def spread(fits: Fits, options: Options) -> Floats:
    """Return the quantile of each prediction interval; NaN for equal effects and where no degree of freedom is left."""
    if options.prediction == "z":
        df: npt.NDArray[np.int64] = np.zeros_like(fits.df)
        possible = fits.df > 0
    else:
        df = fits.df if options.prediction == "t" else fits.df - 1
        possible = df > 0
    return np.where(possible & (fits.method != "EE"), quantile(df, options.level), np.nan)
