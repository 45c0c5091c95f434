"""The mixed-effects model: effects of studies explained by moderators, with what is left over as tau².

The model and its tests are those of Viechtbauer (J Stat Softw 2010;36(3)) and Knapp and Hartung (Stat Med
2003;22:2693). Without moderators it is the random-effects model of `herbtc.synthesis.pool`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from scipy.special import chdtrc, chdtri, fdtrc, ndtr, ndtri, stdtr, stdtrit

from herbtc.synthesis._selections import Selections, estimate, generalised_q_root

if TYPE_CHECKING:
    import numpy.typing as npt

    from herbtc.measures import Floats
    from herbtc.synthesis._selections import Flags

    Counts = npt.NDArray[np.int64]


_ROUNDING = 1e-24


@frozen(kw_only=True, eq=False)
class Fits:
    """Mixed-effects models fitted to selections of studies; arrays run over the selections first.

    Attributes
    ----------
    beta : array of shape (selections, coefficients)
    root : array of shape (selections, coefficients, coefficients)
        Times its transpose the covariance of `beta`, with tau² taken as known; `factor` turns that into a test's.
    tau2 : array of shape (selections,)
    weights : array of shape (selections, studies)
        1/(vi + tau²), and 0 for a study that is not selected.
    residuals : array of shape (selections, studies)
        yi less its fitted value, for every study, selected or not.
    leverages : array of shape (selections, studies)
        Diagonal of the hat matrix.
    rss : array of shape (selections,)
        Weighted sum of squared residuals.
    qe : array of shape (selections,)
        The same with the weights 1/vi: the statistic of (residual) heterogeneity.
    typical : array of shape (selections,)
        Typical sampling variance, against which I² and H² set tau²; NaN where no degree of freedom is left.
    k, df : array of shape (selections,)
        Studies, and studies less coefficients.
    method : str
    """

    beta: Floats
    root: Floats
    tau2: Floats
    weights: Floats
    residuals: Floats
    leverages: Floats
    rss: Floats
    qe: Floats
    typical: Floats
    k: Counts
    df: Counts
    method: str

    @property
    def covariance(self) -> Floats:
        """Of `beta`; for a variance at given moderators `root` loses fewer digits."""
        return self.root @ np.swapaxes(self.root, 1, 2)

    def factor(self, test: str) -> Floats:
        """Return the variance factor of a test; 1 where no degree of freedom is left to estimate it."""
        if test == "wald":
            return np.ones(len(self.df))
        factor = np.where(self.df > 0, self.rss / np.maximum(self.df, 1), 1.0)
        # Of studies that agree exactly, rounding leaves a residual of this order.
        factor[factor < _ROUNDING] = 0.0
        return np.maximum(1.0, factor) if test == "hksj-adhoc" else factor

    def test_df(self, test: str) -> Counts:
        """Return the degrees of freedom of a test; 0 stands for the normal distribution."""
        return np.zeros_like(self.df) if test == "wald" else self.df

    @property
    def qe_p(self) -> Floats:
        """The p-value of `qe`; 1 where there are as many coefficients as studies."""
        return np.where(self.df > 0, chdtrc(np.maximum(self.df, 1), self.qe), 1.0)

    @property
    def i2(self) -> Floats:
        """I² in percent, by metafor's definition."""
        if self.method == "EE":
            excess = np.divide(self.qe - self.df, self.qe, out=np.zeros_like(self.qe), where=self.qe > 0)
            return 100 * np.maximum(0.0, excess)
        return np.where(self.df > 0, 100 * self.tau2 / (self.typical + self.tau2), 0.0)

    @property
    def h2(self) -> Floats:
        """H², by metafor's definition."""
        if self.method == "EE":
            return np.where(self.df > 0, self.qe / np.maximum(self.df, 1), 1.0)
        return np.where(self.df > 0, self.tau2 / self.typical + 1, 1.0)


def fit(y: Floats, v: Floats, x: Floats, method: str, keep: Flags | None = None) -> Fits:
    """Fit the model to each selection of studies.

    Parameters
    ----------
    y, v : array of shape (studies,)
        Effects and sampling variances.
    x : array of shape (studies, coefficients)
        Moderators, with a column of ones for an intercept.
    method : str
        Estimator of tau², a key of `herbtc.synthesis.TAU2`. Where a selection has as many coefficients as studies,
        tau² cannot be estimated and is set to 0.
    keep : array of bool, shape (selections, studies), optional
        The selections, in each of which the columns of `x` are independent; by default the one of all studies.
    """
    keep = np.ones((1, len(y)), bool) if keep is None else keep
    # In an orthonormal basis an intercept and a year near 2000 no longer look alike.
    basis, triangle = np.linalg.qr(x)
    sets = Selections(y, v, basis, keep)
    tau2 = np.zeros(len(keep))
    if (free := sets.df > 0).any():
        tau2[free] = estimate(Selections(y, v, basis, keep[free]), method)
    model, plain = sets.at(tau2), sets.at(np.zeros(len(keep)))
    turn = np.linalg.inv(triangle)
    return Fits(
        beta=model.gamma @ turn.T,
        root=turn @ np.linalg.cholesky(model.inverse),
        tau2=tau2,
        weights=model.w,
        residuals=model.residuals,
        leverages=model.leverages,
        rss=model.rss,
        qe=plain.rss,
        typical=np.divide(sets.df, plain.trace, out=np.full(len(keep), np.nan), where=free),
        k=sets.k,
        df=sets.df,
        method=method,
    )


def covariances(v: Floats, x: Floats, tau2: Floats) -> Floats:
    """Return the covariance of the coefficients of all studies at each tau², of shape (tau2, coefficients, same)."""
    basis, triangle = np.linalg.qr(x)
    w = 1 / (v + tau2[:, None])
    turn = np.linalg.inv(triangle)
    return np.asarray(turn @ np.linalg.inv((w[:, None, :] * basis.T) @ basis) @ turn.T)


def tau2_interval(y: Floats, v: Floats, x: Floats, level: float) -> tuple[float, float]:
    """Return the Q-profile interval of the residual tau² (Viechtbauer, Stat Med 2007;26:37)."""
    sets = Selections(y, v, np.linalg.qr(x)[0], np.ones((1, len(y)), bool))
    low, high = (
        float(generalised_q_root(sets, np.array([chdtri(sets.df[0], tail)]))[0])
        for tail in ((1 - level) / 2, (1 + level) / 2)
    )
    return low, high


def quantile(df: Counts | int, level: float) -> Floats:
    """Return the two-sided quantile of t, or the normal one where df is 0."""
    tail = (1 + level) / 2
    return np.where(np.asarray(df) > 0, stdtrit(np.maximum(df, 1), tail), ndtri(tail))


def two_sided(statistic: Floats, df: Counts | int) -> Floats:
    """Return the two-sided p-value of t, or of z where df is 0."""
    far = -np.abs(statistic)
    return 2 * np.where(np.asarray(df) > 0, stdtr(np.maximum(df, 1), far), ndtr(far))


def joint_p(q: float, df: int, residual_df: int) -> float:
    """Return the p-value of a joint Wald statistic: chi-squared, or F = q/df where residual_df is not 0."""
    return float(fdtrc(df, residual_df, q / df) if residual_df else chdtrc(df, q))
