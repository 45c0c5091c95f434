"""Whether small studies report other effects than large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen
from scipy.special import ndtr

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES, rows_named
from herbtc.synthesis._conventions import Options, p_text
from herbtc.synthesis._mixed import fit, quantile, two_sided
from herbtc.synthesis._selections import others
from herbtc.synthesis._studies import Studies, admit
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats
    from herbtc.synthesis._refusals import Mix

MANY = 10
"""Below this number of studies such tests can hardly find anything (Sterne et al., BMJ 2011;343:d4002)."""

LEAST = 3
"""With fewer studies there is no asymmetry to see."""

_MOST_EXACT = 50


@frozen
class _Answer:
    statistic: float
    df: int
    p: float
    slope: float = np.nan
    slope_low: float = np.nan
    slope_high: float = np.nan


@frozen(kw_only=True, eq=False, repr=False)
class SmallStudies(Told):
    """A test for small-study effects.

    Attributes
    ----------
    test : str
        ``"size"``, ``"egger"``, ``"begg"`` or ``"peters"``.
    statistic : float
        t of the slope; Kendall's tau for Begg's test.
    df : int
        Degrees of freedom of t; 0 for Begg's test.
    p : float
        Two-sided.
    slope, slope_low, slope_high : float
        Change of the effect for one unit of the predictor, on the analysis scale, with its 95 % confidence interval;
        NaN for Begg's test.
    k : int
        Studies.
    n, events : int or None
        Patients and events; None where a row does not print them, or the measure does not count them.
    measure : str
        The scale of analysis.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    test: str
    statistic: float
    df: int
    p: float
    slope: float
    slope_low: float
    slope_high: float
    k: int
    n: int | None
    events: int | None
    measure: str
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were analysed."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row."""
        names = [each.name for each in self.__attrs_attrs__ if each.name not in ("notes", "_rows")]
        return pd.DataFrame([{**{name: getattr(self, name) for name in names}, "notes": "; ".join(self.notes)}])

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
        >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})
        >>> print(synthesis.small_studies(measures.effects(frame)).describe().splitlines()[1][:42])
        The test gave t = 2.39, df = 8, p = 0.044.
        """
        found = f"tau = {self.statistic:.2f}" if self.df == 0 else f"t = {self.statistic:.2f}, df = {self.df}"
        sentences = [
            (
                f"Small-study effects in {self.k} groups, analysed as {MEASURES[self.measure].words}, were looked for "
                f"by {TESTS[self.test][0]}."
            ),
            (
                f"The test gave {found}, {p_text(self.p)}. Small studies can differ for other reasons than selective "
                "publication."
            ),
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<SmallStudies {self.test}/{self.measure}: {p_text(self.p)}, k={self.k}"
            f"{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def small_studies(frame: pd.DataFrame, *, test: str = "size", mix: Mix = False) -> SmallStudies:
    """Test whether small studies report other effects than large ones.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it; with `n` for ``"size"``,
        with `events` and `n` for ``"peters"``.
    test : str
        ``"size"``: mixed-effects regression on n, with the REML estimator of tau² and the Hartung-Knapp interval with
        its floor. It suits proportions, whose standard error depends on the proportion itself (Hunter 2014).
        ``"egger"``: regression on the standard error, weighted by 1/vi (Egger 1997).
        ``"begg"``: rank correlation of standardised effects with their variances (Begg and Mazumdar 1994), exact below
        50 studies without ties.
        ``"peters"``: regression on 1/n, weighted by the events and non-events that it rests on (Peters 2006).
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    SmallStudies

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses, fewer than three studies, studies that are all of one size, and
        rows without the `n` or `events` that the test reads.
    herbtc.UnknownKeyError
        For an unknown test.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than ten studies, and for ``"egger"`` and ``"begg"`` on proportions, which they suspect wrongly.

    References
    ----------
    Hunter JP et al. J Clin Epidemiol 2014;67:897; Egger M et al. BMJ 1997;315:629; Begg CB, Mazumdar M. Biometrics
    1994;50:1088; Peters JL et al. JAMA 2006;295:676; Sterne JAC et al. BMJ 2011;343:d4002.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
    >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})

    >>> synthesis.small_studies(measures.effects(frame))
    <SmallStudies size/logit: p = 0.044, k=10>
    """
    _, answer_of = look_up("test", test, TESTS)
    studies = admit(frame, mix=mix)
    if studies.k < LEAST:
        raise SynthesisError(f"expected at least {LEAST} studies to compare small and large ones, got {studies.k}")
    doubts = list(studies.doubts)
    if studies.k < MANY:
        doubts.append(f"only {studies.k} studies: below ten, tests for small-study effects can hardly find any")
    if test in ("egger", "begg") and MEASURES[studies.measure].counts:
        doubts.append(
            "the standard error of a proportion depends on the proportion, so that this test suspects sound studies; "
            "test='size' does not"
        )
    answer = answer_of(studies)
    warn(doubts)
    return SmallStudies(
        test=test,
        statistic=answer.statistic,
        df=answer.df,
        p=answer.p,
        slope=answer.slope,
        slope_low=answer.slope_low,
        slope_high=answer.slope_high,
        k=studies.k,
        n=studies.total("n"),
        events=studies.total("events"),
        measure=studies.measure,
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=studies.rows,
    )


# --- the tests ----------------------------------------------------------------------------------------------------


def _counts(studies: Studies, name: str, test: str) -> Floats:
    # Medians and ratios are pooled without n, so that it may be missing here.
    rows = studies.rows
    instead = "the tests 'egger' and 'begg' need none"
    if name not in rows.columns:
        raise SynthesisError(f"expected the column {name}, which test={test!r} reads; {instead}")
    counts: Floats = rows[name].to_numpy(float, na_value=np.nan)
    if (unknown := np.isnan(counts)).any():
        raise SynthesisError(
            f"expected {name}, which test={test!r} reads, in every row; not so in {rows_named(rows, unknown)}; "
            f"{instead}"
        )
    return counts


def _size(studies: Studies) -> _Answer:
    return _slope(studies.y, studies.v, _counts(studies, "n", "size"), Options(method="REML", test="hksj-adhoc"))


def _egger(studies: Studies) -> _Answer:
    return _slope(studies.y, studies.v, np.sqrt(studies.v), _WEIGHTED)


def _peters(studies: Studies) -> _Answer:
    events, n = (_counts(studies, name, "peters") for name in ("events", "n"))
    extreme = (events == 0) | (events == n)
    x, m = events + extreme / 2, n + extreme
    return _slope(studies.y, 1 / x + 1 / (m - x), 1 / n, _WEIGHTED)


# Equal effects whose variances are scaled by the residuals: weighted least squares.
_WEIGHTED = Options(method="EE", test="hksj")


def _slope(y: Floats, v: Floats, predictor: Floats, options: Options) -> _Answer:
    if np.ptp(predictor) == 0:
        raise SynthesisError("expected studies of different sizes; all are of one size")
    fitted = fit(y, v, np.column_stack([np.ones(len(y)), predictor]), options.method)
    df = int(fitted.test_df(options.test)[0])
    slope = float(fitted.beta[0, 1])
    se = float(np.sqrt(fitted.factor(options.test)[0] * fitted.covariance[0, 1, 1]))
    reach = float(quantile(df, 0.95)) * se
    # Without residuals any slope but none is certain.
    t = slope / se if se > 0 else np.copysign(np.inf, slope) if slope else 0.0
    return _Answer(t, df, float(two_sided(np.array(t), df)), slope, slope - reach, slope + reach)


def _begg(studies: Studies) -> _Answer:
    y, v = studies.y, studies.v
    w = 1 / v
    mean = float(w @ y) / float(w.sum())
    # The variance of the effect less that of the mean.
    of_difference = v * others(w) / w.sum()
    tau, p = kendall((y - mean) / np.sqrt(of_difference), v)
    return _Answer(tau, 0, p)


TESTS: dict[str, tuple[str, Callable[[Studies], _Answer]]] = {
    "size": ("a mixed-effects regression on n", _size),
    "egger": ("Egger's regression on the standard error", _egger),
    "begg": ("Begg and Mazumdar's rank correlation", _begg),
    "peters": ("Peters' regression on 1/n", _peters),
}
"""The tests by name, with what a methods section calls them."""


def kendall(x: Floats, y: Floats) -> tuple[float, float]:
    """Return Kendall's tau-b and its two-sided p-value (Kendall, Rank Correlation Methods, 1970).

    Exact below 50 pairs without ties, else by the normal approximation with its variance corrected for ties.
    """
    n = len(x)
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    s = float(np.triu(signs, 1).sum())
    ties = [np.unique(each, return_counts=True)[1].astype(float) for each in (x, y)]
    pairs = n * (n - 1) / 2
    untied = [pairs - float((t * (t - 1)).sum()) / 2 for t in ties]
    if min(untied) == 0:
        raise SynthesisError("expected effects and variances that differ between studies")
    tau = s / float(np.sqrt(untied[0] * untied[1]))
    if n < _MOST_EXACT and untied == [pairs, pairs]:
        concordant = round((s + pairs) / 2)
        chances = _inversions(n)
        return tau, min(1.0, 2 * min(float(chances[: concordant + 1].sum()), float(chances[concordant:].sum())))
    a, b = ties
    variance = (n * (n - 1) * (2 * n + 5) - sum(float((t * (t - 1) * (2 * t + 5)).sum()) for t in ties)) / 18
    variance += float((a * (a - 1)).sum() * (b * (b - 1)).sum()) / (2 * n * (n - 1))
    variance += float((a * (a - 1) * (a - 2)).sum() * (b * (b - 1) * (b - 2)).sum()) / (9 * n * (n - 1) * (n - 2))
    return tau, 2 * float(ndtr(-abs(s) / np.sqrt(variance)))


def _inversions(n: int) -> Floats:
    # The chance of each number of inversions in a random order: each further item makes from none to all equally often.
    chances = np.ones(1)
    for items in range(2, n + 1):
        chances = np.convolve(chances, np.full(items, 1 / items))
    return chances
