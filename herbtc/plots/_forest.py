"""Forest plots: studies with their intervals, what they are pooled to, and how far models and subgroups differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES
from herbtc.plots._forest_marks import draw
from herbtc.plots._forest_rows import Contents, Group
from herbtc.plots._habits import LAYOUTS
from herbtc.plots._stage import place
from herbtc.plots._values import labels as names_of
from herbtc.plots._values import release_of, released, values
from herbtc.synthesis import Pooled, Subgroups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from herbtc.measures import Floats
    from herbtc.plots._values import Value

_LEVEL = 0.95


def forest(
    result: Pooled | Subgroups | pd.DataFrame,
    *,
    rows: pd.DataFrame | None = None,
    models: Sequence[Pooled] | pd.DataFrame = (),
    weights: Literal["own", "each"] = "own",
    labels: str | Sequence[str] | None = None,
    columns: Sequence[str] | Mapping[str, str] = (),
    sort: str | None = None,
    descending: bool = False,
    layout: str = "default",
    title: str | None = None,
    xlabel: str | None = None,
    provenance: str | bool = False,
    fontsize: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a forest plot: each study with its interval, the pooled estimate as a diamond, the prediction interval.

    Parameters
    ----------
    result : Pooled, Subgroups or pandas.DataFrame
        From `herbtc.synthesis.pool`, `herbtc.synthesis.pool_binomial` or `herbtc.synthesis.subgroups`: these with a
        header, a subtotal and their heterogeneity for each subgroup, and the test for differences between them. Or a
        frame of `herbtc.measures.effects`, whose rows are drawn and not pooled.
    rows : pandas.DataFrame, optional
        The frame of effects that was pooled, for a figure of all its rows: those that could not be pooled are drawn
        hollow, as printed, and a median that was not reached as an arrow that says so.
    models : sequence of Pooled, or pandas.DataFrame
        Other models of the same studies, to stand under the first one; or rows of `herbtc.synthesis.sensitivity`.
    weights : str
        ``"own"``, those of the first model, or ``"each"``, a column for each model.
    labels : str or sequence of str, optional
        A column of the rows, or one text a row; by default study, and arm and population where needed.
    columns : sequence or mapping of str
        More columns of the rows to show beside the studies; a mapping gives their headers.
    sort : str, optional
        ``"estimate"``, ``"weight"``, or a column of the rows; by default their own order. Within subgroups.
    descending : bool
        Whether the largest value comes first.
    layout : str
        ``"default"``, ``"jama"`` or ``"revman"``: order of columns and spelling of numbers after the habits of JAMA
        and of Review Manager.
    title : str, optional
    xlabel : str, optional
        By default what the measure is and its unit, such as "Response rate (%)".
    provenance : str or bool
        A line on where the figures come from; True names the data release.
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the columns of text are kept inside the place that it takes in its figure. By default a figure
        that fits everything is made.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis is the rate in percent from 0 to 100, or a logarithmic one of months or ratios, with a line at a
        ratio of 1; its y axis the rows from 0 downwards. Squares have an area in proportion to the weights. The
        intervals of studies are at the level of the result (95 % for a bare frame): those of proportions exact
        (Clopper-Pearson), all others from the standard errors that were pooled. Artists go by `gid`: ``"studies"``,
        ``"not pooled"``, ``"intervals"``, ``"model"``, ``"subtotal"``, ``"prediction"``, ``"not reached"``; a text
        that was cut has the whole of it as its label.

    Raises
    ------
    herbtc.SynthesisError
        If `labels`, `columns`, `rows` or `models` do not fit the result, or an `ax` is too small to be read.
    herbtc.UnknownKeyError
        For an unknown layout.

    Examples
    --------
    >>> from herbtc import measures, plots, query, synthesis
    >>> rates = query.proportions(endpoint="orr", line="second-or-later", her2_directed=True)
    >>> effects = measures.effects(rates.dropna(subset=["n"]), "logit")
    >>> ax = plots.forest(synthesis.pool(effects), sort="estimate", layout="jama")
    >>> [float(end) for end in ax.get_xlim()]
    [0.0, 100.0]
    >>> ax.figure.savefig("forest.svg")  # doctest: +SKIP
    """
    habit = look_up("layout", layout, LAYOUTS)
    look_up("choice of weights", weights, dict.fromkeys(("own", "each")))
    main = result.overall if isinstance(result, Subgroups) else result if isinstance(result, Pooled) else None
    pooled_rows = result if isinstance(result, pd.DataFrame) else result.rows
    scale = MEASURES[_measure(pooled_rows) if main is None else main.measure]
    frame = pooled_rows if rows is None else _with_others(pooled_rows, rows)
    others = () if isinstance(models, pd.DataFrame) else tuple(models)
    _check(main, others)
    level = _LEVEL if main is None else main.level
    found = values(frame, scale, level)
    weighing = [main, *others] if weights == "each" else [main]
    shares: tuple[Floats, ...] = tuple(
        np.asarray(pd.Series(model.weights, index=pooled_rows.index).reindex(frame.index), dtype=np.float64)
        for model in weighing
        if model is not None
    )
    contents = Contents(
        scale=scale,
        habit=habit,
        level=level,
        frame=frame,
        values=tuple(found),
        names=tuple(names_of(frame, labels)),
        columns=_columns(frame, columns),
        weights=shares,
        main=main,
        others=others,
        grid=models if isinstance(models, pd.DataFrame) else None,
        subgroups=result if isinstance(result, Subgroups) else None,
        groups=_groups(result, frame, _order(frame, found, shares, sort, descending=descending)),
        title=title or "",
        xlabel=xlabel,
        last=released(_release(result), provenance),
    )
    stage = place(contents.table, ax=ax, fontsize=fontsize)
    draw(stage, contents)
    return stage.ax


def _measure(frame: pd.DataFrame) -> str:
    missing = [name for name in ("measure", "yi", "vi") if name not in frame.columns]
    if missing:
        raise SynthesisError(f"expected a frame of herbtc.measures.effects; missing columns: {', '.join(missing)}")
    measures = frame["measure"].unique().tolist()
    if len(measures) != 1:
        raise SynthesisError(f"expected rows of one measure, got {', '.join(map(str, measures)) or 'no row'}")
    return str(measures[0])


def _with_others(pooled: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return all rows of a frame, with the columns that pooling added to its own."""
    _measure(rows)
    if not rows.index.is_unique or not pooled.index.isin(rows.index).all():
        raise SynthesisError("expected `rows` to be the frame that was pooled, with an index that names each row once")
    added = [name for name in pooled.columns if name not in rows.columns]
    return rows.join(pooled[added])


def _check(main: Pooled | None, others: tuple[Pooled, ...]) -> None:
    for other in others:
        if main is None:
            raise SynthesisError("expected a pooled result to set other models beside; got a frame")
        if MEASURES[other.measure].natural != MEASURES[main.measure].natural:
            raise SynthesisError(f"expected models of {main.measure}, got one of {other.measure}")
        if not other.rows.index.equals(main.rows.index):
            raise SynthesisError("expected models of the same rows in the same order")


def _columns(frame: pd.DataFrame, columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    named = dict(columns) if isinstance(columns, Mapping) else {name: name.replace("_", " ") for name in columns}
    return {str(name): header for name, header in named.items() if look_up("column", name, _by_name(frame)) is not None}


def _by_name(frame: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(name): frame[name] for name in frame.columns}


def _order(
    frame: pd.DataFrame, found: list[Value], shares: tuple[Floats, ...], sort: str | None, *, descending: bool
) -> list[int]:
    # What was not reached is longer than all that was; what is not known stands last either way.
    if sort is None:
        return [*range(len(frame))]
    if sort == "estimate":
        keys = pd.Series([np.inf if value.unreached else value.estimate for value in found])
    elif sort == "weight" and shares:
        keys = pd.Series(shares[0])
    else:
        keys = look_up("column", sort, _by_name(frame)).reset_index(drop=True)
    return [int(place) for place in keys.sort_values(ascending=not descending, kind="stable").index]


def _groups(result: Pooled | Subgroups | pd.DataFrame, frame: pd.DataFrame, order: list[int]) -> tuple[Group, ...]:
    if not isinstance(result, Subgroups):
        return (Group(name="", places=tuple(order)),)
    if result.by not in frame.columns:
        raise SynthesisError(f"expected the column {result.by}, by which the studies are divided")
    words = frame[result.by].astype("string").fillna("").tolist()
    table = result.to_frame()
    groups = [
        Group(
            name=name,
            places=tuple(place for place in order if words[place] == name),
            pooled=summary,
        )
        for name, summary in zip(result.names, table.to_dict("records"), strict=False)
    ]
    if alone := tuple(place for place in order if words[place] not in result.names):
        groups.append(Group(name=f"{result.by} not known", places=alone))
    return tuple(groups)


def _release(result: Pooled | Subgroups | pd.DataFrame) -> str:
    if isinstance(result, pd.DataFrame):
        return release_of(result)
    return result.release
