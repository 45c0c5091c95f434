"""Forest plots."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, field, frozen
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from scipy.special import ndtri

from herbtc import terms
from herbtc.errors import SynthesisError
from herbtc.measures import back
from herbtc.synthesis import TAU2, Pooled, exact_interval, p_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from herbtc.measures import Floats, Measure

INK = "#1a1a1a"
MUTED = "#5f6b76"
BLUE = "#0b5394"
"""Dark blue: told apart from the greys with any colour vision, and in print."""

# All lengths of a forest plot are multiples of its font size, so that it shrinks as a whole.
_ROW = 2.1
_GAP = 1.6  # between columns
_PLOT = 28.0  # width of the plot in a figure of its own
_NARROWEST = 14.0  # least width of the plot in axes that are given
_TITLE = 1.15
_FINE = 0.85  # letters of the footer
_LEADING = 1.35  # of the footer
_AXIS = 4.4  # ticks and label below the axis
_HEADER = 2.0
_HINTED = 1.05  # how much wider small letters may come out once they are fitted to pixels
_NO_EFFECT = 1.0  # a ratio of one
_SMALLEST = 5.0  # points; below this a figure is refused, because nobody could read it


def forest(
    pooled: Pooled,
    *,
    ax: Axes | None = None,
    labels: str | Sequence[str] | None = None,
    title: str | None = None,
    xlabel: str | None = None,
    fontsize: float = 9.0,
) -> Axes:
    """Draw a forest plot: each study with its interval, the pooled estimate as a diamond, the prediction interval.

    Parameters
    ----------
    pooled : Pooled
        From `herbtc.synthesis.pool` or `herbtc.synthesis.pool_binomial`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the columns of text are kept inside the place that it takes in its figure. By default a figure
        that fits everything is made.
    labels : str or sequence of str, optional
        A column of the pooled rows, or one text a row; by default study, and arm and population where needed.
    title : str, optional
    xlabel : str, optional
        By default what the measure is and its unit, such as "Response rate (%)".
    fontsize : float
        In points; smaller if an `ax` is given that is too small for it.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis is the rate in percent from 0 to 100, or a logarithmic one of months or ratios, with a line at a
        ratio of 1; its y axis the rows from 0 downwards. Squares have an area in proportion to the weights. The
        intervals of studies are at the level of `pooled`: those of proportions exact (Clopper-Pearson), all others
        from the standard errors that were pooled.

    Raises
    ------
    herbtc.SynthesisError
        If `labels` does not fit the rows, or an `ax` is too small to be read.

    Examples
    --------
    >>> from herbtc import measures, plots, query, synthesis
    >>> rates = query.proportions(endpoint="orr", line="second-or-later", her2_directed=True)
    >>> ax = plots.forest(synthesis.pool(measures.effects(rates.dropna(subset=["n"]), "logit")))
    >>> [float(end) for end in ax.get_xlim()]
    [0.0, 100.0]
    >>> ax.figure.savefig("forest.svg")  # doctest: +SKIP
    """
    rows, scale = pooled.rows, pooled.scale
    values = _values(pooled)
    axis = _axis(pooled, values)
    columns = {
        "study": ["Study", *_labels(rows, labels), _model(pooled), "Prediction interval"],
        "total": _totals(pooled),
        "rate": [
            f"{scale.what.capitalize()} ({100 * pooled.level:g} % CI)",
            *(_value(scale, *each) for each in values),
            _value(scale, pooled.estimate, pooled.conf_low, pooled.conf_high),
            _ends(scale, pooled.pred_low, pooled.pred_high) if np.isfinite(pooled.pred_low) else "none",
        ],
        "weight": ["Weight", *(f"{100 * weight:.1f} %" for weight in pooled.weights), "100.0 %", ""],
    }
    columns = {name: column for name, column in columns.items() if column}
    figure = Figure() if ax is None else _figure(ax)
    layout = _Layout(fontsize, columns, _footer(pooled), title or "", _ruler(figure))
    if ax is None:
        ax, slot = _new_axes(figure, layout)
    else:
        layout, slot = _fitted(layout, ax)
    _arrange(ax, axis, layout, slot)
    _draw(ax, axis, layout.size, pooled, values)
    ax.set_xlabel(
        axis.label if xlabel is None else xlabel, fontsize=layout.size, color=INK, labelpad=0.25 * layout.size
    )
    return ax


# --- values and their axis --------------------------------------------------------------------------------------------


@frozen
class _Axis:
    """The x axis: what values on the natural scale are multiplied by, its ends after that, and its label."""

    factor: float
    low: float
    high: float
    label: str
    log: bool

    def ticks(self, width: float, width_of: Callable[[str], float]) -> list[float]:
        """Return the most round values whose labels do not meet on an axis that is so many points wide."""
        if not self.log:
            return [*map(float, range(0, 101, 20))]
        across = width / np.log(self.high / self.low)
        for some in self._round():
            places = [across * np.log(value / self.low) for value in some]
            halves = [width_of(f"{value:g}") / 2 * _HINTED for value in some]
            ends = zip(places, halves, strict=True)
            if all(a + half < b - other for (a, half), (b, other) in pairwise(ends)):
                break
        return some

    def _round(self) -> Iterator[list[float]]:
        # Within a factor of three there are not enough values of one digit.
        if self.high < 3 * self.low:
            found = [[*map(float, MaxNLocator(most).tick_values(self.low, self.high))] for most in (6, 4, 3, 2)]
        else:
            decades = range(int(np.floor(np.log10(self.low))), int(np.ceil(np.log10(self.high))) + 1)
            digits = ((1, 1.5, 2, 3, 4, 6, 8), (1, 2, 5), (1, 3), (1,))
            found = [[digit * 10.0**decade for decade in decades for digit in each] for each in digits]
            found += [[10.0**decade for decade in decades[::step]] for step in range(2, len(decades))]
        for some in found:
            if inside := [value for value in some if self.low <= value <= self.high]:
                yield inside


def _values(pooled: Pooled) -> Floats:
    """Return each study and the ends of its interval on the natural scale."""
    rows = pooled.rows
    if pooled.scale.counts:
        x, n = rows["events"].to_numpy(float), rows["n"].to_numpy(float)
        return np.column_stack([x / n, *exact_interval(x, n, pooled.level)])
    yi, reach = rows["yi"].to_numpy(float), float(ndtri((1 + pooled.level) / 2)) * np.sqrt(rows["vi"].to_numpy(float))
    return back(np.column_stack([yi, yi - reach, yi + reach]), pooled.measure, np.nan)


def _axis(pooled: Pooled, values: Floats) -> _Axis:
    if pooled.scale.natural == "rate":
        return _Axis(100.0, 0.0, 100.0, "Response rate (%)" if pooled.scale.counts else "Rate (%)", log=False)
    drawn = [*values.ravel(), pooled.conf_low, pooled.conf_high, pooled.pred_low, pooled.pred_high]
    ratio = pooled.scale.natural == "ratio"
    ends = np.array([*drawn, *[_NO_EFFECT] * ratio])
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    margin = (high / low) ** 0.03
    label = "Ratio (log scale)" if ratio else "Median (months, log scale)"
    return _Axis(1.0, low / margin, high * margin, label, log=True)


# --- words ------------------------------------------------------------------------------------------------------------


def _labels(rows: pd.DataFrame, labels: str | Sequence[str] | None) -> list[str]:
    if isinstance(labels, str):
        if labels not in rows.columns:
            raise SynthesisError(f"no column {labels!r} for the labels; there are: {', '.join(map(str, rows.columns))}")
        return [str(each) for each in rows[labels]]
    if labels is not None:
        if len(labels) != len(rows):
            raise SynthesisError(f"expected {len(rows)} labels, one a row, got {len(labels)}")
        return [str(each) for each in labels]
    if "trial" not in rows.columns:
        return [f"Study {place + 1}" for place in range(len(rows))]
    arms = rows["arm"].astype(str) if "arm" in rows.columns else [""] * len(rows)
    populations = rows["population"].astype(str) if "population" in rows.columns else [terms.EVERYONE] * len(rows)
    several = rows["trial"].duplicated(keep=False)
    return [
        ", ".join(
            part
            for part, shown in ((trial, True), (arm, more and arm), (population, population != terms.EVERYONE))
            if shown
        )
        for trial, arm, population, more in zip(rows["trial"].astype(str), arms, populations, several, strict=True)
    ]


def _totals(pooled: Pooled) -> list[str]:
    # Events and patients of proportions; otherwise patients, where any row says how many.
    rows = pooled.rows
    if pooled.scale.counts:
        each = [f"{row.events:.0f}/{row.n:.0f}" for row in rows[["events", "n"]].itertuples()]
        return ["Events/total", *each, f"{pooled.events}/{pooled.n}", ""]
    if "n" not in rows.columns or rows["n"].isna().all():
        return []
    each = ["–" if np.isnan(n) else f"{n:.0f}" for n in rows["n"].to_numpy(float, na_value=np.nan)]
    return ["Patients", *each, "–" if pooled.n is None else str(pooled.n), ""]


def _ends(scale: Measure, low: float, high: float) -> str:
    return f"({scale.bare(low)}–{scale.bare(high)})"


def _value(scale: Measure, estimate: float, low: float, high: float) -> str:
    return f"{scale.bare(estimate)} {_ends(scale, low, high)}"


def _exact(pooled: Pooled) -> bool:
    # Models of counts estimate tau² by no estimator of effects.
    return pooled.method not in TAU2


def _model(pooled: Pooled) -> str:
    return "Equal-effects model" if pooled.method == "EE" else f"Random-effects model ({pooled.method})"


def _footer(pooled: Pooled) -> tuple[str, ...]:
    exact = _exact(pooled)
    model = [f"{_model(pooled)} of {'counts, by their exact likelihood' if exact else pooled.scale.words}"]
    if pooled.method != "EE" and not exact:
        model.append(f"{TAU2[pooled.method][0]} estimator of τ²")
    model.append(
        {
            "wald": "Wald CI",
            "hksj": "Hartung-Knapp CI",
            "hksj-adhoc": "Hartung-Knapp CI with ad hoc floor",
            "profile": "profile-likelihood CI",
        }[pooled.test]
    )
    if pooled.method != "EE":
        model.append(f"prediction interval: {({'t': 't(k − 1)', 'z': 'normal', 'hts': 't(k − 2)'})[pooled.prediction]}")
    test = "likelihood-ratio statistic" if exact else "Q"
    lines = (
        "exact (Clopper-Pearson) intervals of single studies"
        if pooled.scale.counts
        else "intervals of single studies from the standard errors that were pooled"
    )
    return (
        "; ".join(model),
        f"{_spread(pooled)}, {test} = {pooled.q:.1f} (df = {pooled.k - 1}, {p_text(pooled.q_p)})",
        f"Squares: weight; lines: {lines}",
        *(f"Note: {note}" for note in pooled.notes),
    )


def _spread(pooled: Pooled) -> str:
    if not np.isfinite(pooled.tau2):
        return "τ² is not identified"
    return f"τ² = {pooled.tau2:.3f} ({pooled.tau2_low:.3f}–{pooled.tau2_high:.3f}), I² = {pooled.i2:.0f} %"


# --- places -----------------------------------------------------------------------------------------------------------


@frozen
class _Layout:
    """How much room the columns of text take at one font size, in points."""

    size: float
    columns: dict[str, list[str]]
    footer: tuple[str, ...]
    title: str
    width_of: Callable[[str, float, bool], float]
    plot: float = _PLOT
    widths: dict[str, float] = field(init=False)

    @widths.default
    def _measured(self) -> dict[str, float]:
        return {
            name: max(self.width_of(text, self.size, True) for text in column) + _GAP * self.size
            for name, column in self.columns.items()
        }

    @property
    def k(self) -> int:
        """Number of studies; header, model and prediction interval are the other rows."""
        return len(self.columns["study"]) - 3

    @property
    def left(self) -> float:
        return self.widths["study"] + self.widths.get("total", 0.0)

    @property
    def right(self) -> float:
        return self.widths["rate"] + self.widths["weight"]

    @property
    def least_width(self) -> float:
        title = self.width_of(self.title, _TITLE * self.size, True)
        return max(self.left + self.plot * self.size + self.right, title)

    @property
    def above(self) -> float:
        return self.size * (_HEADER + (2.2 if self.title else 0.0))

    def below(self, width: float) -> float:
        return self.size * (_AXIS + _LEADING * len(self.footer_lines(width)))

    def height(self, width: float) -> float:
        return self.above + (self.k + 2.6) * _ROW * self.size + self.below(width)

    def footer_lines(self, width: float) -> list[str]:
        lines: list[str] = []
        for paragraph in self.footer:
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}".strip()
                if line and self.width_of(longer, _FINE * self.size, False) * _HINTED > width:
                    lines.append(line)
                    longer = word
                line = longer
            lines.append(line)
        return lines


def _ruler(figure: Figure) -> Callable[[str, float, bool], float]:
    # Letters are measured as they will be drawn, whatever the backend of the figure.
    renderer = RendererAgg(1, 1, figure.dpi)  # type: ignore[no-untyped-call]

    def width_of(text: str, size: float, bold: bool) -> float:  # noqa: FBT001
        font = FontProperties(size=size, weight="bold" if bold else "normal")
        pixels = renderer.get_text_width_height_descent(text, font, ismath=False)[0]  # type: ignore[no-untyped-call]
        return float(pixels) * 72 / figure.dpi

    return width_of


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if figure is None:
        raise SynthesisError("expected axes that belong to a figure")
    return figure


def _points(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return 72 * float(width), 72 * float(height)


def _new_axes(figure: Figure, layout: _Layout) -> tuple[Axes, Bbox]:
    margin, across = layout.size, layout.least_width
    down = layout.height(across)
    figure.set_size_inches((across + 2 * margin) / 72, (down + 2 * margin) / 72)
    return figure.add_axes((0, 0, 1, 1)), Bbox.from_bounds(margin, margin, across, down)


def _fitted(layout: _Layout, ax: Axes) -> tuple[_Layout, Bbox]:
    # The slot is the place of the axes in their figure, in points; letters shrink until everything is inside.
    width, height = _points(_figure(ax))
    box = ax.get_position(original=True)
    slot = Bbox.from_extents(box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)
    layout = evolve(layout, plot=_NARROWEST)
    while layout.least_width > slot.width or layout.height(slot.width) > slot.height:
        layout = evolve(layout, size=0.96 * layout.size)
        if layout.size < _SMALLEST:
            needed = f"{layout.least_width / 72:.1f} by {layout.height(layout.least_width) / 72:.1f}"
            raise SynthesisError(
                f"the axes are too small for {layout.k} studies: expected more than {needed} inches, "
                f"got {slot.width / 72:.1f} by {slot.height / 72:.1f}"
            )
    return layout, slot


def _rows(k: int) -> list[float]:
    # Studies at 0, 1, 2 …; the model and the prediction interval are set off by half a row.
    return [*map(float, range(k)), k + 0.5, k + 1.5]


def _arrange(ax: Axes, axis: _Axis, layout: _Layout, slot: Bbox) -> None:
    # The axes shrink to the plot itself, and the columns of text stand beside it.
    width, height = _points(_figure(ax))
    size, k = layout.size, layout.k
    left, right = slot.x0 + layout.left, slot.x1 - layout.right
    low, top = slot.y0 + layout.below(slot.width), slot.y1 - layout.above
    ax.set_position((left / width, low / height, (right - left) / width, (top - low) / height))
    ticks = axis.ticks(right - left, lambda text: layout.width_of(text, size, False))
    ax.set(xscale="log" if axis.log else "linear", xlim=(axis.low, axis.high), ylim=(k + 2.1, -0.5), yticks=[])
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.tick_params(axis="x", labelsize=size, length=0.3 * size, color=MUTED, labelcolor=INK)
    ax.patch.set_visible(False)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(MUTED)

    def write(points: float, y: float, text: str, *, in_rows: bool, **style: Any) -> None:
        # y counts rows, or points upwards from the lower left corner of the plot.
        transform = ax.get_yaxis_transform() if in_rows else ax.transAxes
        place = (points - left) / (right - left), y if in_rows else y / (top - low)
        ax.text(*place, text, transform=transform, **{"color": INK, "fontsize": size, "clip_on": False, **style})

    gap = _GAP * size
    starts = {
        "study": (slot.x0, "left"),
        "total": (left - gap, "right"),
        "rate": (right + layout.widths["rate"], "right"),
        "weight": (slot.x1, "right"),
    }
    for name, (header, *cells) in layout.columns.items():
        points, align = starts[name]
        header_y = top - low + 0.9 * size
        write(points, header_y, header, in_rows=False, ha=align, va="center", weight="bold")
        for place, (y, cell) in enumerate(zip(_rows(k), cells, strict=True)):
            weight = "bold" if place == k else "normal"
            write(points, y, cell, in_rows=True, ha=align, va="center", weight=weight)
    for place, line in enumerate(layout.footer_lines(slot.width)):
        y = -size * (_AXIS + 0.2 + _LEADING * place)
        write(slot.x0, y, line, in_rows=False, ha="left", va="top", fontsize=_FINE * size, color=MUTED)
    if layout.title:
        y = top - low + size * (_HEADER + 0.9)
        write(slot.x0, y, layout.title, in_rows=False, ha="left", va="center", fontsize=_TITLE * size, weight="bold")


# --- marks ------------------------------------------------------------------------------------------------------------


def _draw(ax: Axes, axis: _Axis, size: float, pooled: Pooled, values: Floats) -> None:
    *ys, model, prediction = _rows(pooled.k)
    middles, lows, highs = axis.factor * values.T
    ax.hlines(ys, lows, highs, color=INK, linewidth=size / 9, zorder=2)
    # Sizes of a scatter are areas in square points: in proportion to the weights, the largest a row high or nearly.
    areas = (1.15 * size) ** 2 * pooled.weights / pooled.weights.max()
    ax.scatter(middles, ys, s=areas, marker="s", color=BLUE, zorder=3, linewidths=0, clip_on=False)
    middle, low, high = (axis.factor * each for each in (pooled.estimate, pooled.conf_low, pooled.conf_high))
    if pooled.scale.natural == "ratio":
        ax.axvline(_NO_EFFECT, color=MUTED, linewidth=size / 12, zorder=1)
    ax.vlines(middle, -0.5, model, color=MUTED, linewidth=size / 12, linestyle=(0, (3, 3)), zorder=1)
    ax.axhline(pooled.k - 0.2, color=MUTED, linewidth=size / 18, zorder=1)
    diamond = [(low, model), (middle, model - 0.32), (high, model), (middle, model + 0.32)]
    ax.add_patch(Polygon(diamond, closed=True, facecolor=BLUE, edgecolor=INK, linewidth=size / 15, zorder=3))
    if np.isfinite(pooled.pred_low):
        ends = axis.factor * pooled.pred_low, axis.factor * pooled.pred_high
        ax.hlines(prediction, *ends, color=BLUE, linewidth=0.45 * size, zorder=3)
