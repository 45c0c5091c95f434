"""The same pooling over and over: without each study in turn, and as studies came in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from attrs import asdict, field, frozen

from herbtc.errors import SynthesisError
from herbtc.measures import MEASURES, Measure, rows_named
from herbtc.synthesis._conventions import FEW, TESTS, Options
from herbtc.synthesis._moderators import levels_of
from herbtc.synthesis._refusals import Mix  # noqa: TC001
from herbtc.synthesis._selected import label, pooled
from herbtc.synthesis._studies import Studies, admit, counted
from herbtc.synthesis._tau2 import TAU2
from herbtc.synthesis._told import Told, paragraph, warn


@frozen(kw_only=True, eq=False, repr=False)
class Refits(Told):
    """Poolings of one selection of studies after another.

    Attributes
    ----------
    by : str or None
        The column that says what is left out or in which order studies are added; None for single rows.
    measure, method, test, prediction : str
        What was computed.
    level : float
        Level of both intervals, such as 0.95.
    estimate, conf_low, conf_high : float
        Of all studies, on the natural scale.
    k : int
        Studies of all.
    n, events : int or None
        Patients and events of all; None where a row does not print them, or the measure does not count them.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    by: str | None
    measure: str
    method: str
    test: str
    level: float
    prediction: str
    estimate: float
    conf_low: float
    conf_high: float
    k: int
    n: int | None
    events: int | None
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    _table: pd.DataFrame = field(alias="table")
    _labels: tuple[str, ...] = field(alias="labels")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were analysed."""
        return self._rows.copy()

    @property
    def scale(self) -> Measure:
        """The measure: what a value on the natural scale is, and how it is shown."""
        return MEASURES[self.measure]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pooling.

        What was left out or added stands first; then `k n events`, `estimate conf_low conf_high pred_low pred_high` on
        the natural scale, and `beta se tau2 i2 h2 q q_p` on that of the analysis.
        """
        return self._table.copy()

    def _told(self, what: str) -> str:
        model = "equal effects" if self.method == "EE" else f"the {TAU2[self.method][0]} estimator of tau²"
        return (
            f"{counted(self.events, self.n, self.k)} were pooled as "
            f"{self.scale.words}, by {model}, each time with a {TESTS[self.test]}, {what}."
        )

    def _rate(self, row: Any) -> str:
        ends = f"{self.scale.bare(row.conf_low)} to {self.scale.bare(row.conf_high)}"
        return f"{self.scale.shown(row.estimate)} ({100 * self.level:g} % CI {ends})"


@frozen(kw_only=True, eq=False, repr=False)
class LeaveOneOut(Refits):
    """The pooled estimate without each study in turn."""

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
        >>> print(synthesis.leave_one_out(measures.effects(frame)).describe().splitlines()[1][:99])
        The pooled rate of all was 35.9 % (95 % CI 25.0 to 48.3); it ranged from 33.3 % (95 % CI 18.8 to 51
        """
        table = self._table
        least, most = (
            f"{self._rate(table.iloc[place])} without {self._labels[place]}"
            for place in (int(np.argmin(table["estimate"])), int(np.argmax(table["estimate"])))
        )
        sentences = [
            self._told(f"leaving out each {self.by or 'group'} in turn"),
            f"The pooled {self.scale.what} of all was {self._rate(self)}; it ranged from {least} to {most}.",
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        low, high = self._table["estimate"].min(), self._table["estimate"].max()
        return (
            f"<LeaveOneOut {self.method}/{self.measure}/{self.test}: "
            f"{self.scale.bare(low)} to {self.scale.shown(high)}, "
            f"{self.scale.shown(self.estimate)} with all, k={self.k}{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


@frozen(kw_only=True, eq=False, repr=False)
class Cumulative(Refits):
    """The pooled estimate as one study after another came in."""

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame(
        ...     {"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80], "year": [2024, 2023, 2022, 2021, 2025]}
        ... )
        >>> print(synthesis.cumulative(measures.effects(frame), by="year").describe().splitlines()[1])
        From 2021 to 2025 the pooled rate moved from 23.1 % (95 % CI 12.5 to 38.7) to 35.9 % (95 % CI 25.0 to 48.3).
        """
        first, last = self._table.iloc[0], self._table.iloc[-1]
        sentences = [
            self._told(f"adding one group after another in the order of {self.by}"),
            (
                f"From {self._labels[0]} to {self._labels[-1]} the pooled {self.scale.what} moved from "
                f"{self._rate(first)} to {self._rate(last)}."
            ),
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<Cumulative {self.method}/{self.measure}/{self.test} by {self.by}: {self.k} steps to "
            f"{self.scale.shown(self.estimate)}{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def leave_one_out(
    frame: pd.DataFrame,
    *,
    by: str | None = None,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: str = "t",
    mix: Mix = False,
) -> LeaveOneOut:
    """Pool again without each study in turn.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    by : str, optional
        A column whose values are left out one at a time: ``"trial"`` leaves out studies with all their arms, by
        default each row is left out alone.
    method, test, level, prediction, mix
        See `herbtc.synthesis.pool`.

    Returns
    -------
    LeaveOneOut
        Where one study remains, it stands for itself, with its Wald-type interval.

    Raises
    ------
    herbtc.SynthesisError, herbtc.UnknownKeyError
        As `herbtc.synthesis.pool` does, and for a column that is not there or has one value.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than five studies.

    References
    ----------
    Viechtbauer W, Cheung MWL. Res Synth Methods 2010;1:112.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> frame = pd.DataFrame({"trial": list("ABCDE"), "events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> each = synthesis.leave_one_out(measures.effects(frame)).to_frame()
    >>> each[["trial", "k", "estimate", "conf_low", "conf_high"]].round(3)
      trial  k  estimate  conf_low  conf_high
    0     A  4     0.355     0.207      0.536
    1     B  4     0.335     0.205      0.496
    2     C  4     0.372     0.227      0.545
    3     D  4     0.393     0.280      0.519
    4     E  4     0.333     0.188      0.518
    """
    options = Options(method=method, test=test, level=level, prediction=prediction)
    studies = admit(frame, mix=mix, needed=() if by is None else (by,))
    if by is None:
        keep = ~np.eye(studies.k, dtype=bool)
        levels = tuple(rows_named(studies.rows, ~kept) for kept in keep)
    else:
        words = studies.rows[by].astype(str).to_numpy(str)
        levels = levels_of(studies.rows[by])
        if len(levels) == 1:
            raise SynthesisError(f"leaving out {levels[0]} would leave nothing: {by} has no other value")
        keep = words != np.array(levels)[:, None]
    table = pooled(studies, np.vstack([keep, np.ones(studies.k, bool)]), options)
    parts, whole = table.iloc[:-1], table.iloc[-1]
    names = studies.named if by is None else pd.DataFrame({label(by, parts): pd.Series(levels, dtype="string")})
    warn(_doubts(studies))
    return LeaveOneOut(
        **_common(studies, by, options, whole),
        table=pd.concat([names, parts.set_axis(names.index)], axis=1),
        labels=levels,
    )


def cumulative(
    frame: pd.DataFrame,
    by: str,
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: str = "t",
    mix: Mix = False,
) -> Cumulative:
    """Pool as studies came in, one after another.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    by : str
        The column to order by, such as ``"year"`` or ``"data_cutoff"``. Rows without a value are left out and named in
        the notes; equal values keep the order of the frame, which the notes say.
    method, test, level, prediction, mix
        See `herbtc.synthesis.pool`.

    Returns
    -------
    Cumulative
        The first study stands for itself, with its Wald-type interval.

    Raises
    ------
    herbtc.SynthesisError, herbtc.UnknownKeyError
        As `herbtc.synthesis.pool` does, and for a column that is not there or cannot be ordered.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than five studies. The intervals are not adjusted for looking often.

    References
    ----------
    Lau J et al. N Engl J Med 1992;327:248.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> frame = pd.DataFrame(
    ...     {"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80], "year": [2024, 2023, 2022, 2021, 2025]}
    ... )
    >>> synthesis.cumulative(measures.effects(frame), by="year").to_frame()[["year", "k", "estimate"]].round(3)
       year  k  estimate
    3  2021  1     0.231
    2  2022  2     0.262
    1  2023  3     0.325
    0  2024  4     0.333
    4  2025  5     0.359
    """
    options = Options(method=method, test=test, level=level, prediction=prediction)
    studies = admit(frame, mix=mix, needed=(by,))
    column = studies.rows[by]
    try:
        order = column.reset_index(drop=True).sort_values(kind="stable").index.to_numpy()
    except TypeError as error:
        raise SynthesisError(f"the column {by} cannot be ordered: {error}") from None
    if (tied := column.duplicated(keep=False).to_numpy(bool)).any():
        note = f"in the order of the frame, since {by} is equal: {rows_named(studies.rows, tied)}"
        studies = studies.noting(note)
    keep = np.zeros((studies.k, studies.k), bool)
    keep[:, order] = np.tri(studies.k, dtype=bool)
    table = pooled(studies, keep, options)
    names = studies.named.assign(**{label(by, table): column}).iloc[order]
    warn(_doubts(studies))
    return Cumulative(
        **_common(studies, by, options, table.iloc[-1]),
        table=pd.concat([names, table.set_axis(names.index)], axis=1),
        labels=tuple(map(str, column.iloc[order])),
    )


def _doubts(studies: Studies) -> list[str]:
    few = [f"only {studies.k} studies: heterogeneity and the intervals are hardly known"] * (studies.k < FEW)
    return [*few, *studies.doubts]


def _common(studies: Studies, by: str | None, options: Options, whole: pd.Series) -> dict[str, Any]:
    return {
        "by": by,
        "measure": studies.measure,
        **asdict(options),
        **{name: float(whole[name]) for name in ("estimate", "conf_low", "conf_high")},
        "k": studies.k,
        "n": studies.total("n"),
        "events": studies.total("events"),
        "notes": (*studies.left_out, *_doubts(studies)),
        "release": studies.release,
        "rows": studies.rows,
    }
