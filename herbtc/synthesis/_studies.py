"""The rows of a frame that may be analysed together, and what must be said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import evolve, frozen

from herbtc import measures, terms
from herbtc.errors import look_up
from herbtc.measures import MEASURES, Floats, rows_named
from herbtc.synthesis._refusals import doubts, one_measure, provenance, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from herbtc.synthesis._refusals import Mix
    from herbtc.synthesis._selections import Flags


@frozen(kw_only=True, eq=False)
class Studies:
    """Rows that pooling accepts.

    Attributes
    ----------
    rows : pandas.DataFrame
        A copy of the rows.
    measure : str
        Their one measure.
    left_out : tuple of str
        Notes about rows that lack something, or how rows were taken, for which the rest is no less certain.
    doubts : tuple of str
        Notes that are reasons to warn.
    release : str
        Data release of the rows; empty for a frame of one's own.
    """

    rows: pd.DataFrame
    measure: str
    left_out: tuple[str, ...]
    doubts: tuple[str, ...]
    release: str

    @property
    def y(self) -> Floats:
        """Effects."""
        return self.rows["yi"].to_numpy(float)

    @property
    def v(self) -> Floats:
        """Sampling variances."""
        return self.rows["vi"].to_numpy(float)

    @property
    def k(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def named(self) -> pd.DataFrame:
        """The columns that name a row; without any, only its index does."""
        return self.rows[[name for name in ("trial", "arm", "population") if name in self.rows.columns]]

    def noting(self, note: str) -> Studies:
        """Return the same studies with one more note that is no reason to warn."""
        return evolve(self, left_out=(*self.left_out, note))

    def total(self, column: str) -> int | None:
        """Return the sum of events or n; None where the measure does not count it, or a row does not print it."""
        counts = column != "events" or MEASURES[self.measure].counts
        if not counts or column not in self.rows.columns or self.rows[column].isna().any():
            return None
        return int(self.rows[column].sum())

    def totals(self, column: str, keep: Flags) -> Any:
        """Return the sums of events or n over selections, as an array of nullable integers."""
        if self.total(column) is None:
            return pd.array([pd.NA] * len(keep), dtype="Int64")
        return keep @ self.rows[column].to_numpy(int)

    def back(self, values: Floats, keep: Flags | None = None) -> Floats:
        """Return values on the natural scale, by the harmonic mean of n of all rows or of those kept."""
        return measures.back(values, self.measure, harmonic(self.rows if keep is None else self.rows[keep]))


def counted(events: int | None, n: int | None, k: int) -> str:
    """Return how much is pooled, in words: ``74 events in 205 patients of 5 groups``."""
    patients = f"{n} patients of {k} groups" if n is not None else f"{k} groups"
    return patients if events is None else f"{events} events in {patients}"


def harmonic(rows: pd.DataFrame) -> float:
    """Return the harmonic mean of n, with which Miller (1978) inverts the Freeman-Tukey transform; NaN without n."""
    if "n" not in rows.columns:
        return float("nan")
    return len(rows) / float((1 / rows["n"].to_numpy(float, na_value=np.nan)).sum())


def admit(frame: pd.DataFrame, *, mix: Mix, needed: Iterable[str] = ()) -> Studies:
    """Return the rows of a frame that may be analysed together.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `herbtc.synthesis.pool` takes it.
    mix : bool, str or iterable of str
        Which mixtures are meant.
    needed : iterable of str
        Columns whose value must be known; rows without it are left out and noted. A partition of patients that is no
        column, such as ``"site"``, is read off `population` and becomes one.

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses.
    herbtc.UnknownKeyError
        For a needed column that is not there.
    """
    measure = one_measure(frame)
    left_out = []
    if needed := tuple(needed):
        frame = frame.assign(**{name: _column(frame, name) for name in needed})
    scale = MEASURES[measure]
    numbers = (frame[name].to_numpy(dtype=float, na_value=np.nan) for name in scale.required)
    usable = ~np.isnan(np.array(list(numbers))).any(axis=0)
    if not usable.all():
        left_out.append(f"left out for want of {scale.wants}: {rows_named(frame, ~usable)}")
    for name in needed:
        known: Any = frame[name].notna().to_numpy()
        if (missing := usable & ~known).any():
            left_out.append(f"left out for want of {name}: {rows_named(frame, missing)}")
        usable = usable & known
    rows = frame.copy() if usable.all() else frame[usable]
    refuse(rows, mix=mix)
    return Studies(
        rows=rows,
        measure=measure,
        left_out=tuple(left_out),
        doubts=(*_censored(frame, ~usable), *doubts(rows, mix=mix)),
        release=str(provenance(frame).get("release", "")),
    )


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame.columns and "population" in frame.columns and name in set(terms.Partition):
        return frame["population"].map(lambda population: _part(str(population), terms.Partition(name)))
    return look_up("column", name, {str(column): frame[column] for column in frame.columns})


def _part(population: str, partition: terms.Partition) -> str | None:
    try:
        words = [str(stratum) for stratum in terms.strata(population) if stratum.by is partition]
    except ValueError:
        return None
    return " & ".join(words) or None


def _censored(frame: pd.DataFrame, left_out: npt.NDArray[np.bool_]) -> list[str]:
    # A median that was not reached is a long one, so leaving it out is no matter of chance.
    if "not_reached" not in frame.columns:
        return []
    unreached = left_out & frame["not_reached"].fillna(value=False).to_numpy(bool)
    if not unreached.any():
        return []
    return [
        f"medians not reached are left out, which biases the pooled median downward: {rows_named(frame, unreached)}"
    ]
