"""Trim and fill: how a funnel plot would look if it were symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES
from herbtc.synthesis._conventions import TESTS, Options
from herbtc.synthesis._mixed import fit, quantile
from herbtc.synthesis._small_studies import LEAST, MANY
from herbtc.synthesis._studies import admit
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats, Measure
    from herbtc.synthesis._refusals import Mix
    from herbtc.synthesis._studies import Studies

_MOST_ROUNDS = 100
_SIDES = {"left": 1.0, "right": -1.0}


@frozen(kw_only=True)
class Adjusted:
    """The pooled estimate of the observed and the imputed points together.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        On the natural scale: months, a ratio, or a rate at a time.
    beta, se : float
        On the analysis scale.
    test : str
        Of the confidence interval.
    level : float
        Of the confidence interval.
    """

    estimate: float
    conf_low: float
    conf_high: float
    beta: float
    se: float
    test: str
    level: float


@frozen(kw_only=True, eq=False, repr=False)
class TrimAndFill(Told):
    """The studies with mirror images of those that stand alone in the funnel plot.

    Attributes
    ----------
    side : str
        ``"left"`` or ``"right"``: where studies seem to be missing.
    missing : int
        How many; the estimate that is called k0.
    missing_se : float
        Its standard error.
    estimator : str
        ``"L0"`` or ``"R0"``.
    adjusted : Adjusted or None
        The estimate adjusted by trim and fill; always None for proportions.
    k : int
        Observed studies.
    n, events : int or None
        Their patients and events; None where a row does not print them, or the measure does not count them.
    measure, method : str
        What was computed.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    side: str
    missing: int
    missing_se: float
    estimator: str
    adjusted: Adjusted | None
    k: int
    n: int | None
    events: int | None
    measure: str
    method: str
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    _table: pd.DataFrame = field(alias="table")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the observed rows."""
        return self._rows.copy()

    @property
    def scale(self) -> Measure:
        """The measure: what a value on the natural scale is, and how it is shown."""
        return MEASURES[self.measure]

    def to_frame(self) -> pd.DataFrame:
        """Return the points of the picture: the observed studies, then the imputed ones.

        `yi vi`, and `n` where the frame has it, are as drawn; `imputed` marks the points that nobody observed, under
        the names of the studies that they mirror.
        """
        return self._table.copy()

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> events = [1, 14, 10, 9, 50, 16, 30, 12, 21, 20]
        >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})
        >>> print(synthesis.trim_and_fill(measures.effects(frame)).describe().splitlines()[1])
        On the right side the funnel plot lacks 1 study (standard error 2.2) to be symmetric.
        """
        lacking = "1 study" if self.missing == 1 else f"{self.missing} studies"
        sentences = [
            (
                f"Trim and fill (Duval and Tweedie 2000, estimator {self.estimator}) was applied to {self.k} groups, "
                f"analysed as {self.scale.words}."
            ),
            (
                f"On the {self.side} side the funnel plot lacks {lacking} (standard error {self.missing_se:.1f}) "
                "to be symmetric."
            ),
        ]
        if self.adjusted is not None:
            interval = TESTS[self.adjusted.test]
            sentences.append(
                f"Adjusted by trim and fill, the pooled {self.scale.what} was {self._told()}, with a {interval}."
            )
        return paragraph(sentences, self.notes, self.release)

    def _told(self) -> str:
        found = self.adjusted
        if found is None:
            return ""
        ends = f"{self.scale.bare(found.conf_low)} to {self.scale.bare(found.conf_high)}"
        return f"{self.scale.shown(found.estimate)} ({100 * found.level:g} % CI {ends})"

    def __repr__(self) -> str:
        adjusted = f", adjusted {self._told()}" if self.adjusted is not None else ""
        return (
            f"<TrimAndFill {self.estimator}/{self.measure}: {self.missing} on the {self.side}{adjusted}, k={self.k}"
            f"{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def trim_and_fill(
    frame: pd.DataFrame,
    *,
    side: str | None = None,
    estimator: str = "L0",
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    mix: Mix = False,
) -> TrimAndFill:
    """Return the points that would make a funnel plot symmetric: of proportions a picture, and no adjusted rate.

    The points show how a result could look under one kind of selection. Of medians, ratios and rates at a time the
    estimate with them is returned as `adjusted`. Of proportions it is not: the proportions of small studies are
    skewed without any selection, and points that nobody observed are no data.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    side : str, optional
        ``"left"`` or ``"right"``; by default where the regression on the standard error points.
    estimator : str
        ``"L0"`` or ``"R0"``, of the number of missing studies.
    method : str
        Estimator of tau² for the centre and the adjusted estimate, see `herbtc.synthesis.pool`.
    test, level : str, float
        Of the adjusted estimate, see `herbtc.synthesis.pool`.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses, and fewer than three studies.
    herbtc.UnknownKeyError
        For an unknown side, estimator, method or test.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than ten studies.

    References
    ----------
    Duval S, Tweedie R. Biometrics 2000;56:455; J Am Stat Assoc 2000;95:89; Hunter JP et al. J Clin Epidemiol
    2014;67:897.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> events = [1, 14, 10, 9, 50, 16, 30, 12, 21, 20]
    >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})
    >>> filled = synthesis.trim_and_fill(measures.effects(frame))

    >>> filled.to_frame().query("imputed").round(2)
       n    yi    vi  imputed
    0  9  1.64  1.12     True

    Median times of ten groups, of which the smallest report the longest:

    >>> months, width = [6, 6.2, 5.8, 6.1, 5.9, 6.3, 7, 9, 11, 13], [1.2, 1.2, 1.2, 1.3, 1.3, 1.3, 1.5, 1.6, 1.8, 2]
    >>> frame = pd.DataFrame({"median_months": months, "width": width, "level": 95.0})
    >>> frame["low_months"] = frame["median_months"] / frame["width"]
    >>> frame["high_months"] = frame["median_months"] * frame["width"]
    >>> synthesis.trim_and_fill(measures.effects(frame, "log-median"))
    <TrimAndFill L0/log-median: 3 on the left, adjusted 6.1 months (95 % CI 5.4 to 6.9), k=10, notes: 1>
    """
    options = Options(method=method, test=test, level=level)
    missing_of = look_up("estimator", estimator, ESTIMATORS)
    if side is not None:
        look_up("side", side, _SIDES)
    studies = admit(frame, mix=mix)
    if studies.k < LEAST:
        raise SynthesisError(f"expected at least {LEAST} studies, since fewer show no asymmetry; got {studies.k}")
    y, v = studies.y, studies.v
    if side is None:
        side = _empty_side(y, v, method)
    places, centre, k0, se = _trim(_SIDES[side] * y, v, method, missing_of)
    doubts = list(studies.doubts)
    if studies.k < MANY:
        doubts.append(f"only {studies.k} studies: below ten, the shape of a funnel says little")
    warn(doubts)
    shown = [*studies.named.columns, *(name for name in ("n",) if name in studies.rows.columns), "yi", "vi"]
    observed = studies.rows[shown].assign(imputed=False)
    mirrored = observed.iloc[places].assign(yi=2 * _SIDES[side] * centre - y[places], imputed=True)
    points = pd.concat([observed, mirrored])
    adjusted = None if MEASURES[studies.measure].counts else _adjusted(studies, points, options)
    return TrimAndFill(
        side=side,
        missing=k0,
        missing_se=se,
        estimator=estimator,
        adjusted=adjusted,
        k=studies.k,
        n=studies.total("n"),
        events=studies.total("events"),
        measure=studies.measure,
        method=method,
        notes=(
            *studies.left_out,
            *doubts,
            "imputed points are a picture of what may be missing; no rate is adjusted by them"
            if adjusted is None
            else "the adjusted estimate rests on imputed points, which nobody observed",
        ),
        release=studies.release,
        rows=studies.rows,
        table=points,
    )


def _adjusted(studies: Studies, points: pd.DataFrame, options: Options) -> Adjusted:
    y, v = points["yi"].to_numpy(float), points["vi"].to_numpy(float)
    fitted = fit(y, v, np.ones((len(y), 1)), options.method)
    beta = float(fitted.beta[0, 0])
    se = float(np.sqrt(fitted.factor(options.test)[0] * fitted.covariance[0, 0, 0]))
    reach = float(quantile(fitted.test_df(options.test), options.level)[0]) * se
    estimate, low, high = map(float, studies.back(np.array([beta, beta - reach, beta + reach])))
    return Adjusted(
        estimate=estimate, conf_low=low, conf_high=high, beta=beta, se=se, test=options.test, level=options.level
    )


def _empty_side(y: Floats, v: Floats, method: str) -> str:
    # Where small studies lie lower, those that lie higher are missing.
    if np.ptp(v) == 0:
        return "left"
    slope = fit(y, v, np.column_stack([np.ones(len(y)), np.sqrt(v)]), method).beta[0, 1]
    return "right" if slope < 0 else "left"


def _trim(
    y: Floats, v: Floats, method: str, missing_of: Callable[[Floats], tuple[float, float]]
) -> tuple[list[int], float, int, float]:
    """Return the places of the outermost studies, the centre without them, their number and its standard error."""
    order = np.argsort(y, kind="stable")
    k, k0, before = len(y), 0, -1
    centre = se = np.nan
    for _ in range(_MOST_ROUNDS):
        if k0 == before:
            break
        inner = order[: k - k0]
        centre = float(fit(y[inner], v[inner], np.ones((len(inner), 1)), method).beta[0, 0])
        distance = y[order] - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(distance), kind="stable")] = np.arange(1, k + 1)
        found, se = missing_of(np.sign(distance) * ranks)
        k0, before = round(found), k0
    return order[k - k0 :].tolist(), centre, k0, se


# --- signed ranks of the distances from the centre -> how many studies are missing, and the standard error of that ---


def _run(ranks: Floats) -> tuple[float, float]:
    # The run of outermost studies that all lie on one side.
    inside = -ranks[ranks < 0]
    k0 = max(0.0, len(ranks) - float(inside.max(initial=0.0)) - 1)
    return k0, float(np.sqrt(2 * k0 + 2))


def _linear(ranks: Floats) -> tuple[float, float]:
    # Linear in the sum of the ranks on one side.
    k, total = len(ranks), float(ranks[ranks > 0].sum())
    k0 = max(0.0, (4 * total - k * (k + 1)) / (2 * k - 1))
    variance = k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0 * (k0 + 1) + 6 * k**2 * k0
    return k0, 4 * float(np.sqrt(variance / 24)) / (2 * k - 1)


ESTIMATORS: dict[str, Callable[[Floats], tuple[float, float]]] = {"L0": _linear, "R0": _run}
"""The estimators of Duval and Tweedie by name."""
