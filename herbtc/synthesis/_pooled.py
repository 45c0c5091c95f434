"""A pooled estimate with everything needed to report, check and draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen

from herbtc import measures
from herbtc._html import Described
from herbtc.measures import MEASURES, Floats
from herbtc.synthesis._conventions import PREDICTIONS, TESTS, p_text
from herbtc.synthesis._studies import counted, harmonic
from herbtc.synthesis._tau2 import TAU2
from herbtc.synthesis._told import paragraph

if TYPE_CHECKING:
    from herbtc.measures import Measure

BINOMIAL_NORMAL = "binomial-normal"


@frozen(kw_only=True, eq=False, repr=False)
class Pooled(Described):
    """A pooled estimate with everything needed to report, check and draw it.

    Attributes
    ----------
    estimate, conf_low, conf_high, pred_low, pred_high : float
        On the natural scale: rates (0-1, clipped), months, or a ratio, as the measure says. The back-transformed mean,
        its confidence interval and the prediction interval. With logit, `estimate` is the rate of the median study.
        NaN where there is none.
    beta, se : float
        Mean and its standard error on the analysis scale.
    tau2, tau2_low, tau2_high : float
        Between-study variance with its interval: by the Q profile, or of the binomial-normal model by the profile
        likelihood.
    i2, i2_low, i2_high, h2, h2_low, h2_high : float
        I² in percent and H², by metafor's definition, with the intervals that follow from that of tau².
    q, q_p : float
        Cochran's Q and its p-value; of the binomial-normal model the likelihood-ratio statistic of one rate for all
        against a rate for each study.
    k : int
        Groups pooled.
    n, events : int or None
        Patients and events; None where a row does not print them, or the measure does not count them.
    weights : numpy.ndarray
        Weight of each row; they sum to one. Of the binomial-normal model, which has none, those of the two-stage model
        with the same tau².
    measure, method, test, prediction : str
        What was computed; `method` is an estimator of tau² or ``"binomial-normal"``.
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
    i2_low: float
    i2_high: float
    h2: float
    h2_low: float
    h2_high: float
    q: float
    q_p: float
    k: int
    n: int | None
    events: int | None
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

    @property
    def scale(self) -> Measure:
        """The measure: what a value on the natural scale is, and how it is shown."""
        return MEASURES[self.measure]

    def marginal(self) -> float:
        """Return the mean over studies on the natural scale, which `estimate`, that of the median study, is not.

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
        if not np.isfinite(self.tau2):
            return float("nan")
        # Sums over an even grid are exact for a bell-shaped integrand, and bear the kink where a rate is clipped to 1.
        steps = np.linspace(-8.5, 8.5, 2001)
        density = np.exp(-(steps**2) / 2)
        values = measures.back(self.beta + np.sqrt(self.tau2) * steps, self.measure, harmonic(self._rows))
        return float(density @ values / density.sum())

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row; rates 0-1, I² in percent."""
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
        parts = [self._model(), self._result(level)]
        if np.isfinite(self.pred_low):
            parts.append(
                f"The {level} prediction interval for a new study ({PREDICTIONS[self.prediction]}) was "
                f"{self.scale.bare(self.pred_low)} to {self.scale.shown(self.pred_high)}."
            )
        if self.measure == "logit":
            parts.append("The pooled rate is that of the median study.")
        return paragraph(parts, self.notes, self.release)

    def _model(self) -> str:
        pooled = f"{counted(self.events, self.n, self.k)} were pooled"
        if self.method == BINOMIAL_NORMAL:
            interval = "profile-likelihood" if self.test == "profile" else "Wald-type"
            return (
                f"{pooled} by a binomial-normal model (exact likelihood, log odds varying normally between studies, "
                f"adaptive Gauss-Hermite quadrature), with a {interval} confidence interval."
            )
        model = (
            "an equal-effects model"
            if self.method == "EE"
            else f"a random-effects model with the {TAU2[self.method][0]} estimator of tau²"
        )
        return f"{pooled} as {self.scale.words} in {model}, with a {TESTS[self.test]}."

    def _result(self, level: str) -> str:
        exact = self.method == BINOMIAL_NORMAL
        ends = f"{self.scale.bare(self.conf_low)} to {self.scale.bare(self.conf_high)}"
        spread = (
            f"tau² = {self.tau2:.3f} ({level} {'profile-likelihood' if exact else 'Q-profile'} interval "
            f"{self.tau2_low:.3f} to {self.tau2_high:.3f}), I² = {self.i2:.1f} %"
            if np.isfinite(self.tau2)
            else "tau² is not identified"
        )
        test = "likelihood-ratio statistic" if exact else "Q"
        return (
            f"The pooled {self.scale.what} was {self.scale.shown(self.estimate)} ({level} CI {ends}); {spread}, "
            f"{test} = {self.q:.2f} (df = {self.k - 1}, {p_text(self.q_p)})."
        )

    def __repr__(self) -> str:
        n = f", n={self.n}" if self.n is not None else ""
        return (
            f"<Pooled {self.method}/{self.measure}/{self.test}: {self.scale.shown(self.estimate)} "
            f"({self.scale.bare(self.conf_low)} to {self.scale.bare(self.conf_high)}), k={self.k}{n}"
            f"{f', notes: {len(self.notes)}' if self.notes else ''}>"
        )
