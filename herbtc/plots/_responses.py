"""Best responses, stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from attrs import frozen
from matplotlib.patches import Rectangle

from herbtc.errors import SynthesisError
from herbtc.measures import percent
from herbtc.plots._axis import Axis
from herbtc.plots._ink import INK, MUTED, PAPER, ink_on, shade
from herbtc.plots._letters import Letters
from herbtc.plots._stage import place
from herbtc.plots._table import Column, Key, Row, Table
from herbtc.plots._values import called, release_of, released
from herbtc.terms import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes

    from herbtc.plots._stage import Stage

_ALL = 1 + 1e-9
_TOLERANCE = 0.011  # printed percentages are rounded


@frozen(kw_only=True)
class _Kind:
    name: str
    colour: str
    hatch: str = ""


# From dark to light, so that the order holds without colour; what is no response at all is hatched.
_KINDS = {
    "cr": _Kind(name="complete", colour=shade(0.0)),
    "pr": _Kind(name="partial", colour=shade(0.3)),
    "orr": _Kind(name="complete or partial", colour=shade(0.15), hatch="\\\\\\"),
    "sd": _Kind(name="stable disease", colour=shade(0.62)),
    "pd": _Kind(name="progression", colour=shade(1.0)),
    "ne": _Kind(name="not evaluable", colour="#d7dce1", hatch="..."),
    "other": _Kind(name="no response, not told apart", colour=PAPER, hatch="////"),
    "rest": _Kind(name="not reported", colour=PAPER),
}
_SHARES = ("cr", "pr", "sd", "pd", "ne")


def responses(
    frame: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    sort: bool = True,
    title: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the best responses of each arm as one bar of all its patients.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``herbtc.query.proportions(endpoint=["cr", "pr", "sd", "pd", "ne", "orr"])`` returns it. Where a report
        prints responders without telling complete from partial ones, the row of ``orr`` stands for both.
    names : mapping of str to str, optional
        What studies are called instead of their keys.
    sort : bool
        Whether arms with more responders come first; else they keep the order of the frame.
    title : str, optional
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure that fits everything is made.

    Returns
    -------
    matplotlib.axes.Axes
        One bar an arm and population, in percent of its patients; parts go by their endpoint as gid (``"other"`` for
        patients who did not respond and of whom no more is told, ``"rest"`` for what the report does not print). The
        numbers beside it are patients.

    Raises
    ------
    herbtc.SynthesisError
        If columns or rows are missing, one part of an arm is there twice, its parts are more than all its patients, or
        an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import plots, query
    >>> best = query.proportions(endpoint=["cr", "pr", "sd", "pd", "ne"], trial="herb")
    >>> ax = plots.responses(best)
    >>> len(ax.get_ylim()), ax.get_xlabel()
    (2, 'Patients (%)')
    """
    missing = [name for name in ("endpoint", "events", "n") if name not in frame.columns]
    used = frame[frame["endpoint"].astype("string").isin([*_SHARES, "orr"])] if not missing else frame
    if missing or used.empty:
        raise SynthesisError(f"expected best responses in a frame; missing: {', '.join(missing) or 'rows'}")
    arms: dict[str, dict[str, dict[Any, Any]]] = {}
    for arm, row in zip(called(used, names), used.to_dict("records"), strict=True):
        endpoint = str(Endpoint(str(row["endpoint"])))
        if endpoint in arms.setdefault(arm, {}):
            raise SynthesisError(f"two rows of {endpoint} for {arm}: expected one an endpoint and arm")
        arms[arm][endpoint] = row
    parts = {arm: _parts(arm, rows) for arm, rows in arms.items()}
    order = sorted(parts, key=lambda arm: -_responders(parts[arm])) if sort else [*parts]
    shown = [kind for kind in _KINDS if any(kind in part for part in parts.values())]
    table = Table(
        what=f"{len(order)} arms",
        axis=Axis(low=0.0, high=100.0, label="Patients (%)"),
        columns=(
            Column(name="study", header="Study", align="left", most=26.0),
            Column(name="responders", header="Response"),
            Column(name="n", header="Patients"),
            Column(name="counts", header="CR / PR / SD / PD / NE", side="right"),
        ),
        rows=tuple(
            Row(
                cells={
                    "study": arm,
                    "responders": _count_of_responders(arms[arm]),
                    "n": _patients(arms[arm]),
                    "counts": _counts(arms[arm]),
                }
            )
            for arm in order
        ),
        key=tuple(
            Key(
                text=_KINDS[kind].name,
                marker="s",
                colour=_KINDS[kind].colour,
                edge=INK,
                hatch=_KINDS[kind].hatch,
                size=0.9,
            )
            for kind in shown
        ),
        footer=(
            "In bars: percent; beside them: patients, – where not printed",
            *released(release_of(frame), provenance),
        ),
        title=title or "",
        plot=34.0,
        narrowest=18.0,
    )
    stage = place(table, ax=ax, fontsize=fontsize)
    for arm, y in zip(order, stage.y, strict=True):
        _draw(stage, parts[arm], y)
    return stage.ax


def _share(row: Mapping[Any, Any]) -> float | None:
    events, n, printed = (row.get(name) for name in ("events", "n", "percent"))
    if events is not None and n is not None and not pd.isna(events) and not pd.isna(n):
        return float(events) / float(n)
    return None if printed is None or pd.isna(printed) else float(printed) / 100


def _parts(arm: str, rows: Mapping[str, Mapping[Any, Any]]) -> dict[str, float]:
    """Return the parts of a bar, as shares of 1, in the order in which they stand."""
    shares = {name: share for name, row in rows.items() if (share := _share(row)) is not None}
    found = {name: shares[name] for name in _SHARES if name in shares}
    if "orr" in shares and not {"cr", "pr"} <= found.keys():
        # One of the two may be known: what is left of the responders is the other, or neither.
        left = shares["orr"] - found.get("cr", 0.0) - found.get("pr", 0.0)
        if left > _TOLERANCE:
            found["orr"] = left
    whole = sum(found.values())
    if whole > _ALL + _TOLERANCE * len(found):
        raise SynthesisError(f"the best responses of {arm} are {100 * whole:.0f} % of its patients")
    if whole < 1 - _TOLERANCE:
        told = "orr" in shares or {"cr", "pr"} <= found.keys()
        found["other" if told else "rest"] = 1 - whole
    return {name: found[name] for name in _KINDS if name in found}


def _responders(parts: Mapping[str, float]) -> float:
    return sum(parts.get(name, 0.0) for name in ("cr", "pr", "orr"))


def _count_of_responders(rows: Mapping[str, Mapping[Any, Any]]) -> str:
    for names in (("orr",), ("cr", "pr")):
        counts = [rows[name]["events"] for name in names if name in rows and not pd.isna(rows[name]["events"])]
        if len(counts) == len(names):
            return f"{sum(counts):.0f}"
    return "–"


def _patients(rows: Mapping[str, Mapping[Any, Any]]) -> str:
    known = sorted({int(row["n"]) for row in rows.values() if not pd.isna(row["n"])})
    return "/".join(map(str, known)) or "–"


def _counts(rows: Mapping[str, Mapping[Any, Any]]) -> str:
    def count(name: str) -> str:
        if name not in rows or pd.isna(rows[name]["events"]):
            return "–"
        return f"{rows[name]['events']:.0f}"

    return " / ".join(map(count, _SHARES))


def _segments(parts: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    start = 0.0
    for name, share in parts.items():
        yield name, start, share
        start += share


def _draw(stage: Stage, parts: Mapping[str, float], y: float) -> None:
    letters = Letters(0.8 * stage.em, 100.0)
    for name, start, share in _segments(parts):
        kind = _KINDS[name]
        stage.ax.add_patch(
            Rectangle(
                (100 * start, y - 0.36),
                100 * share,
                0.72,
                facecolor=kind.colour,
                edgecolor=MUTED if kind.hatch or kind.colour == PAPER else PAPER,
                hatch=kind.hatch,
                linewidth=stage.em / 14,
                zorder=2,
                gid=name,
            )
        )
        told = percent(share).removesuffix(".0")
        # A number stands where it fits, and on no pattern.
        if (
            kind.colour != PAPER
            and not kind.hatch
            and letters.width(told) + 0.6 * stage.em < share * stage.ems * stage.em
        ):
            stage.ax.text(
                100 * (start + share / 2),
                y,
                told,
                ha="center",
                va="center",
                fontsize=0.8 * stage.em,
                color=ink_on(kind.colour),
                zorder=3,
                gid=f"{name} percent",
            )
