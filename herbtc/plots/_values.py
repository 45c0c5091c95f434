"""What a study found, on the natural scale, whether or not it could be pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from scipy.special import ndtri

from herbtc.errors import SynthesisError
from herbtc.measures import back
from herbtc.synthesis import exact_interval
from herbtc.terms import EVERYONE, Interval, Reach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from herbtc.measures import Floats, Measure

_SHORT = {Reach.NOT_REACHED: "NR", Reach.NOT_ESTIMABLE: "NE"}

SHORT = {short: str(reach).replace("-", " ") for reach, short in _SHORT.items()}
"""What stands in place of an end of an interval, and what it means."""


@frozen(kw_only=True)
class Value:
    """An estimate with its interval on the natural scale.

    Attributes
    ----------
    estimate, low, high : float
        NaN where there is none.
    instead : str
        What stands in place of an estimate that there is none of, such as ``"not reached"``.
    open : str
        What stands in place of an upper end that was not reached or cannot be estimated: ``"NR"`` or ``"NE"``.
    """

    estimate: float
    low: float = np.nan
    high: float = np.nan
    instead: str = ""
    open: str = ""

    @property
    def unreached(self) -> bool:
        """Whether the estimate lies beyond what was observed."""
        return self.instead == SHORT["NR"]


def values(frame: pd.DataFrame, scale: Measure, level: float) -> list[Value]:
    """Return what each row of a frame of effects found.

    Intervals of proportions are exact, those of other measures come from the standard errors that are pooled; a row
    that has no effect is shown as its report prints it.
    """
    yi, vi = frame["yi"].to_numpy(float), frame["vi"].to_numpy(float)
    pooled = np.isfinite(yi) & np.isfinite(vi)
    found = np.full((len(frame), 3), np.nan)
    if scale.counts:
        x, n = (frame[name].to_numpy(float, na_value=np.nan)[pooled] for name in ("events", "n"))
        found[pooled] = np.column_stack([x / n, *exact_interval(x, n, level)])
    else:
        y, reach = yi[pooled], float(ndtri((1 + level) / 2)) * np.sqrt(vi[pooled])
        found[pooled] = back(np.column_stack([y, y - reach, y + reach]), scale.name, np.nan)
    printed = _printed(frame, scale)
    found[~pooled] = printed[~pooled]
    return [_value(row, numbers) for row, numbers in zip(frame.to_dict("records"), found.tolist(), strict=True)]


def printed_values(frame: pd.DataFrame, scale: Measure) -> list[Value]:
    """Return what each row of a frame found, as its report prints it."""
    numbers = _printed(frame, scale).tolist()
    return [_value(row, each) for row, each in zip(frame.to_dict("records"), numbers, strict=True)]


def _printed(frame: pd.DataFrame, scale: Measure) -> Floats:
    names = ("percent", "low", "high") if scale.natural == "rate" else scale.columns[:3]
    columns = [
        frame[name].to_numpy(float, na_value=np.nan) if name in frame.columns else np.full(len(frame), np.nan)
        for name in names
    ]
    if "interval" in frame.columns:
        # A range of observed times is no interval of a median.
        interval = frame["interval"].astype("string").eq(str(Interval.CI)).fillna(value=True).to_numpy(bool)
        columns[1:] = [np.where(interval, ends, np.nan) for ends in columns[1:]]
    return np.column_stack(columns) / (100.0 if scale.natural == "rate" else 1.0)


def _value(row: dict[Any, Any], numbers: Sequence[float]) -> Value:
    estimate, low, high = numbers
    status = row.get("high_status")
    beyond = _SHORT[Reach(status)] if isinstance(status, str) else ""
    if beyond:
        high = np.nan
    if np.isfinite(estimate):
        return Value(estimate=estimate, low=low, high=high, open=beyond)
    unreached = row.get("not_reached") is True or row.get("not_reached") == np.True_
    instead = SHORT["NR"] if unreached else "not reported"
    return Value(estimate=np.nan, low=low, high=high, instead=instead, open=beyond or ("NR" if unreached else ""))


def labels(rows: pd.DataFrame, chosen: str | Sequence[str] | None) -> list[str]:
    """Return what each row is called: a column, given texts, or its study, with arm and population where needed."""
    if isinstance(chosen, str):
        if chosen not in rows.columns:
            raise SynthesisError(f"no column {chosen!r} for the labels; there are: {', '.join(map(str, rows.columns))}")
        return [str(each) for each in rows[chosen]]
    if chosen is not None:
        if len(chosen) != len(rows):
            raise SynthesisError(f"expected {len(rows)} labels, one a row, got {len(chosen)}")
        return [str(each) for each in chosen]
    if "trial" not in rows.columns:
        return [f"Study {place + 1}" for place in range(len(rows))]
    # A frame of one's own beside a query has no arm or population.
    arms = _words(rows, "arm", "")
    populations = _words(rows, "population", EVERYONE)
    several = rows["trial"].duplicated(keep=False)
    return [
        ", ".join(
            part for part, shown in ((trial, True), (arm, more and arm), (population, population != EVERYONE)) if shown
        )
        for trial, arm, population, more in zip(_words(rows, "trial", "–"), arms, populations, several, strict=True)
    ]


def _words(rows: pd.DataFrame, name: str, instead: str) -> list[str]:
    if name not in rows.columns:
        return [instead] * len(rows)
    return [str(word) for word in rows[name].astype("string").fillna(instead)]


def released(release: str, provenance: str | bool) -> tuple[str, ...]:  # noqa: FBT001
    """Return the line that says where figures come from, as a note of its own: none, the one given, or the release."""
    if provenance is True:
        if not release:
            raise SynthesisError("expected a text for provenance: the figures name no data release")
        return (f"Data: herbtc {release}",)
    return (provenance,) if provenance else ()


def release_of(frame: pd.DataFrame) -> str:
    """Return the data release that a frame of `herbtc.query` carries; empty for a frame of one's own."""
    told = frame.attrs.get("herbtc", {})
    return str(told.get("release", "")) if isinstance(told, dict) else ""


def called(frame: pd.DataFrame, names: Mapping[str, str] | None) -> list[str]:
    """Return what the arm and population of each row are called: by their study alone where it has one of them.

    Rows of one arm and population share a name.
    """
    keys = [name for name in ("trial", "arm", "population") if name in frame.columns]
    groups = frame[keys].astype("string").fillna("").drop_duplicates().reset_index(drop=True)
    if names and "trial" in keys:
        shown = groups.assign(trial=[names.get(str(key), str(key)) for key in groups["trial"]])
    else:
        shown = groups
    known = {tuple(row): name for row, name in zip(groups.to_numpy().tolist(), labels(shown, None), strict=True)}
    return [known[tuple(row)] for row in frame[keys].astype("string").fillna("").to_numpy().tolist()]
