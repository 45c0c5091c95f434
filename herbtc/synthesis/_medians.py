"""The median of medians: a pooled survival median that assumes no distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen
from scipy.special import bdtr

from herbtc.errors import SynthesisError
from herbtc.measures import rows_named
from herbtc.synthesis._conventions import FEW, Options
from herbtc.synthesis._refusals import doubts, provenance, refuse_whom
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from herbtc.measures import Floats
    from herbtc.synthesis._refusals import Mix

_COLUMNS = ("median_months", "not_reached")


@frozen(kw_only=True, eq=False, repr=False)
class MedianOfMedians(Told):
    """The median of study medians with its interval by order statistics.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Months. The interval's true coverage is at least its level; where the studies are too few for the level, the
        ends are those of the whole sample and `coverage` says what they cover. Infinite where the order statistic is a
        median that was not reached.
    weighted : float
        The median of medians weighted by n; NaN where a study does not print n.
    coverage : float
        What the interval covers, 0-1, by the binomial distribution of the ranks.
    k, not_reached : int
        Studies, and those of them whose median was not reached.
    level : float
    rows : pandas.DataFrame
        A copy of the rows.
    notes : tuple of str
    release : str
    """

    estimate: float
    conf_low: float
    conf_high: float
    weighted: float
    coverage: float
    k: int
    not_reached: int
    level: float
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row, in months."""
        names = [each.name for each in self.__attrs_attrs__ if each.name not in ("notes", "_rows")]
        return pd.DataFrame([{**{name: getattr(self, name) for name in names}, "notes": "; ".join(self.notes)}])

    def describe(self) -> str:
        """Return a paragraph for a methods and results section."""
        unreached = f", {self.not_reached} of them not reached and taken as longer than any other" * bool(
            self.not_reached
        )
        return paragraph(
            (
                (
                    f"The median of {self.k} study medians{unreached} was {self.estimate:.1f} months "
                    f"({100 * self.level:g} % CI by order statistics {self.conf_low:.1f} to {self.conf_high:.1f}, "
                    f"which covers {100 * self.coverage:.1f} %); weighted by n, {self.weighted:.1f} months."
                ),
                (
                    "No distribution is assumed, but that the medians are exchangeable; studies count alike whatever "
                    "their size, and the uncertainty of each median is left aside."
                ),
            ),
            self.notes,
            self.release,
        )

    def __repr__(self) -> str:
        notes = f", notes: {len(self.notes)}" * bool(self.notes)
        ends = f"{self.conf_low:.1f} to {self.conf_high:.1f}"
        return f"<MedianOfMedians: {self.estimate:.1f} months ({ends}), k={self.k}{notes}>"


def median_of_medians(frame: pd.DataFrame, *, level: float = 0.95, mix: Mix = False) -> MedianOfMedians:
    """Return the median of study medians, which needs neither a distribution nor the studies' intervals.

    A median that was not reached is longer than any that was, so it keeps its rank and is not left out; leaving it out
    would bias the result downward.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, with `median_months not_reached`, and `n` for the weighted median: what
        `herbtc.query.durations` returns.
    level : float
        Level of the interval, between 0 and 1.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Raises
    ------
    herbtc.SynthesisError
        As `herbtc.synthesis.pool` does.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than five studies, and where the studies are too few for the level.

    References
    ----------
    McGrath S, Zhao X, Qin ZZ, Steele R, Benedetti A. Stat Med 2019;38:969 (median of medians); David HA, Nagaraja HN.
    Order Statistics, 3rd ed., 2003, section 7.1 (the interval).

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> months = [5.5, 4.0, 5.1, 7.0, 2.8, 8.1, 3.9, 6.0]
    >>> frame = pd.DataFrame({"median_months": months, "not_reached": False, "n": [80, 39, 22, 90, 25, 30, 41, 34]})
    >>> synthesis.median_of_medians(frame)
    <MedianOfMedians: 5.3 months (2.8 to 8.1), k=8>
    """
    Options(level=level)
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise SynthesisError(f"missing columns: {', '.join(missing)}")
    unreached = frame["not_reached"].fillna(value=False).to_numpy(bool)
    values = np.where(unreached, np.inf, frame["median_months"].to_numpy(float, na_value=np.nan))
    usable = ~np.isnan(values)
    rows = frame[usable]
    refuse_whom(rows, mix=mix)
    ordered = np.sort(values[usable])
    k = len(ordered)
    low, high, coverage = _ranks(k, level)
    found = list(doubts(rows, mix=mix))
    if k < FEW:
        found.insert(0, f"only {k} studies: the median of their medians is hardly known")
    if coverage < level:
        found.append(f"{k} studies are too few for {100 * level:g} %: the interval covers {100 * coverage:.1f} %")
    warn(found)
    left_out = [f"left out for want of a median: {rows_named(frame, ~usable)}"] if not usable.all() else []
    return MedianOfMedians(
        estimate=_middle(ordered, np.ones(k)),
        conf_low=float(ordered[low]),
        conf_high=float(ordered[high]),
        weighted=_weighted(values[usable], rows),
        coverage=coverage,
        k=k,
        not_reached=int(unreached[usable].sum()),
        level=level,
        notes=(*left_out, *found),
        release=str(provenance(frame).get("release", "")),
        rows=rows.copy(),
    )


def _ranks(k: int, level: float) -> tuple[int, int, float]:
    # The closest pair of symmetric ranks that covers the level; P(rank r below the median) is binomial with 1/2.
    for low in range((k - 1) // 2, -1, -1):
        coverage = float(1 - 2 * bdtr(low, k, 0.5))
        if coverage >= level:
            return low, k - 1 - low, coverage
    return 0, k - 1, float(1 - 2 * bdtr(0, k, 0.5))


def _weighted(values: Floats, rows: pd.DataFrame) -> float:
    if "n" not in rows.columns or rows["n"].isna().any():
        return float("nan")
    order = np.argsort(values)
    return _middle(values[order], rows["n"].to_numpy(float)[order])


def _middle(ordered: Floats, weights: Floats) -> float:
    # Where half of the weight lies below; the mean of two neighbours where exactly half does.
    below = np.cumsum(weights) / weights.sum()
    place = int(np.searchsorted(below, 0.5 - 1e-12))
    if abs(below[place] - 0.5) < 1e-9 and place + 1 < len(ordered):  # noqa: PLR2004
        return float((ordered[place] + ordered[place + 1]) / 2)
    return float(ordered[place])
