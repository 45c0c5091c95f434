"""Meta-regression: what of the differences between studies goes with their moderators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import asdict, field, frozen

from herbtc.errors import SynthesisError
from herbtc.measures import MEASURES
from herbtc.synthesis._conventions import TESTS, Options, p_text
from herbtc.synthesis._mixed import Fits, fit, joint_p, quantile, tau2_interval, two_sided
from herbtc.synthesis._moderators import INTERCEPT, Design, design, doubts_of, named
from herbtc.synthesis._refusals import meant
from herbtc.synthesis._selected import spread
from herbtc.synthesis._studies import Studies, admit, counted
from herbtc.synthesis._tau2 import TAU2
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from herbtc.measures import Floats
    from herbtc.synthesis._refusals import Mix


@frozen(kw_only=True, eq=False, repr=False)
class Regression(Told):
    """A meta-regression with everything needed to report it and to predict from it.

    Attributes
    ----------
    moderators : tuple of str
        Columns whose effects were estimated.
    references : dict of str to str
        The reference category of each moderator that is one.
    tau2, tau2_low, tau2_high : float
        Residual between-study variance with its Q-profile interval.
    i2, h2 : float
        Residual I² in percent and H², by metafor's definition.
    r2 : float
        Percent of tau² without moderators that they account for; NaN where that tau² is 0.
    qe, qe_p : float
        Test for residual heterogeneity.
    qm, qm_p : float
        Test of all moderators together: chi-squared for Wald tests, else F, with `qm_df` and `qm_df_residual` degrees
        of freedom (`qm_df_residual` is 0 for chi-squared).
    k : int
        Studies.
    n, events : int or None
        Patients and events; None where a row does not print them, or the measure does not count them.
    measure, method, test, prediction : str
        What was computed.
    level : float
        Level of the intervals, such as 0.95.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    moderators: tuple[str, ...]
    references: dict[str, str]
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    h2: float
    r2: float
    qe: float
    qe_p: float
    qm: float
    qm_df: int
    qm_df_residual: int
    qm_p: float
    k: int
    n: int | None
    events: int | None
    measure: str
    method: str
    test: str
    level: float
    prediction: str
    notes: tuple[str, ...]
    release: str
    _design: Design = field(alias="design")
    _studies: Studies = field(alias="studies")
    _beta: Floats = field(alias="beta")
    _root: Floats = field(alias="root")
    _df: int = field(alias="df")
    _spread: float = field(alias="spread")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were analysed."""
        return self._studies.rows.copy()

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row per coefficient on the analysis scale: `term beta se statistic p beta_low beta_high`.

        The statistic is z for Wald tests, else t. A category's coefficient is its difference from the reference.
        """
        se = np.sqrt((self._root**2).sum(axis=1))
        reach = quantile(self._df, self.level) * se
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = self._beta / se
        return pd.DataFrame(
            {
                "term": pd.array(self._design.terms, dtype="string"),
                "beta": self._beta,
                "se": se,
                "statistic": statistic,
                "p": two_sided(statistic, self._df),
                "beta_low": self._beta - reach,
                "beta_high": self._beta + reach,
            }
        )

    def predict(self, new: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return what the model expects of studies with given moderators.

        Parameters
        ----------
        new : pandas.DataFrame, optional
            One row per kind of study, with a column for each moderator; by default the studies analysed.

        Returns
        -------
        pandas.DataFrame
            The moderators with `beta se` on the analysis scale and `estimate conf_low conf_high pred_low pred_high` on
            the natural one. The prediction interval is for the true effect of a new study; it is NaN for equal effects.

        Raises
        ------
        herbtc.SynthesisError
            For a moderator that is missing.
        herbtc.UnknownKeyError
            For a category that no study has.
        """
        frame = self._studies.rows if new is None else new
        x = self._design.matrix(frame)
        beta = x @ self._beta
        variance = ((x @ self._root) ** 2).sum(axis=1)
        reach = quantile(self._df, self.level)
        se, far = np.sqrt(variance), self._spread * np.sqrt(variance + self.tau2)
        ends = {
            "estimate": beta,
            "conf_low": beta - reach * se,
            "conf_high": beta + reach * se,
            "pred_low": beta - far,
            "pred_high": beta + far,
        }
        natural = {name: self._studies.back(values) for name, values in ends.items()}
        return frame[list(self.moderators)].assign(beta=beta, se=se, **natural)

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients, see `coefficients`."""
        return self.coefficients

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
        >>> frame = pd.DataFrame({"events": events, "n": 60, "year": range(2015, 2025)})
        >>> print(synthesis.regress(measures.effects(frame), "year").describe().splitlines()[1])
        The moderators together: F(1, 8) = 0.28, p = 0.614; year: 0.082 (95 % CI -0.279 to 0.443; p = 0.614).
        """
        level = f"{100 * self.level:g} %"
        against = (
            f"chi-squared({self.qm_df}) = {self.qm:.2f}"
            if self.qm_df_residual == 0
            else f"F({self.qm_df}, {self.qm_df_residual}) = {self.qm:.2f}"
        )
        slopes = self.coefficients[self.coefficients["term"] != INTERCEPT]
        told = [
            f"{row.term}: {row.beta:.3f} ({level} CI {row.beta_low:.3f} to {row.beta_high:.3f}; {p_text(row.p)})"
            for _, row in slopes.iterrows()
        ]
        interval = f"{level} Q-profile interval {self.tau2_low:.3f} to {self.tau2_high:.3f}"
        explained = "" if np.isnan(self.r2) else f", {self.r2:.0f} % less than without moderators (R²)"
        model = (
            "an equal-effects model"
            if self.method == "EE"
            else f"a mixed-effects model with the {TAU2[self.method][0]} estimator of tau²"
        )
        sentences = [
            (
                f"{counted(self.events, self.n, self.k)} were analysed as "
                f"{MEASURES[self.measure].words} in a meta-regression on {self._design.words}, by {model}, "
                f"with a {TESTS[self.test]} for each coefficient."
            ),
            f"The moderators together: {against}, {p_text(self.qm_p)}; {'; '.join(told)}.",
            (
                f"Residual tau² = {self.tau2:.3f} ({interval}){explained}; residual I² = {self.i2:.1f} %, "
                f"QE = {self.qe:.2f} (df = {self.k - len(self._beta)}, {p_text(self.qe_p)})."
            ),
            "Coefficients are on the analysis scale; differences between studies are observed, not randomised.",
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<Regression {self.method}/{self.measure}/{self.test} on {' + '.join(self.moderators)}: "
            f"{p_text(self.qm_p)}, R² = {self.r2:.0f} %, k={self.k}{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def regress(
    frame: pd.DataFrame,
    moderators: str | Sequence[str],
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: str = "t",
    mix: Mix = False,
) -> Regression:
    """Regress the effects of studies on their moderators.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    moderators : str or sequence of str
        Columns of the frame. Numbers are used as they are; categories, strings and truths become differences from a
        reference, the first in the order of the category, else of the alphabet. Rows without a value are left out and
        named in the notes.
    method : str
        Estimator of tau², see `herbtc.synthesis.pool`.
    test : str
        ``"wald"`` (normal and chi-squared), or ``"hksj"`` and ``"hksj-adhoc"`` (t and F with k less the number of
        coefficients; metafor's ``test="knha"`` and ``"adhoc"``).
    level : float
        Level of the intervals, between 0 and 1.
    prediction : str
        Prediction intervals from ``"t"`` with k less the number of coefficients, ``"z"`` (metafor's with Wald tests)
        or ``"hts"``, t with one degree of freedom less.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    Regression

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses, a moderator with one value, dates, collinear moderators, and more
        coefficients than the studies allow.
    herbtc.UnknownKeyError
        For a column that is not there, or an unknown method or test.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than ten studies for each coefficient (Cochrane Handbook, 10.11.5.1), for categories that one study
        alone stands for, and for tau² at its boundary.

    References
    ----------
    Viechtbauer W. J Stat Softw 2010;36(3); Knapp G, Hartung J. Stat Med 2003;22:2693; Raudenbush SW. In: The Handbook
    of Research Synthesis and Meta-Analysis, 2009, p. 295 (R²).

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
    >>> frame = pd.DataFrame({"events": events, "n": 60, "line": ["first", "later"] * 5})
    >>> model = synthesis.regress(measures.effects(frame), "line")
    >>> model.coefficients[["term", "beta", "se", "p"]].round(3)
              term   beta     se      p
    0    intercept -0.681  0.582  0.275
    1  line: later -1.023  0.820  0.247
    >>> model.predict(pd.DataFrame({"line": ["first"]}))[["line", "estimate", "conf_low", "conf_high"]].round(2)
        line  estimate  conf_low  conf_high
    0  first      0.34      0.12       0.66
    """
    options = Options(method=method, test=test, level=level, prediction=prediction)
    names = named(moderators)
    if not names:
        raise SynthesisError("expected at least one moderator; pool needs none")
    studies = admit(frame, mix=meant(mix, names), needed=names)
    made = design(studies.rows, names)
    x, y, v = made.matrix(studies.rows), studies.y, studies.v
    fitted = fit(y, v, x, method)
    alone = fit(y, v, np.ones((len(y), 1)), method).tau2[0]
    tau2, factor, df = float(fitted.tau2[0]), float(fitted.factor(test)[0]), int(fitted.test_df(test)[0])
    beta, root = fitted.beta[0], fitted.root[0]
    slopes = len(beta) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        qm = float((beta[1:] @ np.linalg.solve(root[1:] @ root[1:].T, beta[1:])) / np.float64(factor))
    doubts = [*studies.doubts, *doubts_of(made, studies.rows), *_doubts(fitted, factor)]
    warn(doubts)
    low, high = tau2_interval(y, v, x, level)
    return Regression(
        moderators=names,
        references=made.references,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        i2=float(fitted.i2[0]),
        h2=float(fitted.h2[0]),
        r2=float(100 * max(0.0, (alone - tau2) / alone)) if alone > 0 else np.nan,
        qe=float(fitted.qe[0]),
        qe_p=float(fitted.qe_p[0]),
        qm=qm / slopes if df else qm,
        qm_df=slopes,
        qm_df_residual=df,
        qm_p=joint_p(qm, slopes, df),
        k=studies.k,
        n=studies.total("n"),
        events=studies.total("events"),
        measure=studies.measure,
        **asdict(options),
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        design=made,
        studies=studies,
        beta=beta,
        root=np.sqrt(factor) * root,
        df=df,
        spread=float(spread(fitted, options)[0]),
    )


def _doubts(fitted: Fits, factor: float) -> list[str]:
    notes = []
    if fitted.method != "EE" and fitted.tau2[0] == 0:
        notes.append("tau² is estimated at its boundary, 0, which does not show that the studies agree")
    if factor == 0:
        notes.append("every study lies exactly on the model, so that its errors are 0; test='hksj-adhoc' has a floor")
    return notes
