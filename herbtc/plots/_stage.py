"""A table put into axes: columns of text, header, key and notes are written; the plot is left to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from herbtc.errors import SynthesisError
from herbtc.plots._ink import INK, MUTED, RULE
from herbtc.plots._letters import Letters
from herbtc.plots._table import APART, FINE, GAP, LEADING, TITLE, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from herbtc.plots._table import Key, Table

SMALLEST = 5.0
"""Points; below this a figure is refused, because nobody could read it."""


@frozen(eq=False)
class Stage:
    """Axes with the text of a table around them.

    Attributes
    ----------
    ax : matplotlib.axes.Axes
    em : float
        Font size that was used, in points.
    ems : float
        Width of the plot, in em.
    y : tuple of float
        The middle of each row on the y axis.
    heights : tuple of float
        The height of each row on it.
    low, high : float
        Ends of the x axis, beyond the room that it keeps free.
    """

    ax: Axes
    em: float
    ems: float
    y: tuple[float, ...]
    heights: tuple[float, ...]
    low: float
    high: float

    def before(self, value: float, ems: float) -> float:
        """Return the value that lies so many em left of another one on the x axis."""
        low, high = self.ax.get_xlim()
        share = ems / self.ems
        if self.ax.get_xscale() == "log":
            return value * float((high / low) ** -share)
        return value - (high - low) * share


def place(table: Table, *, ax: Axes | None, fontsize: float) -> Stage:
    """Write a table into axes, or into a figure of its own that fits it.

    Raises
    ------
    herbtc.SynthesisError
        If the axes are too small for letters that can be read, or belong to no figure.
    """
    figure = Figure() if ax is None else _figure(ax)
    measured = Measured(table, Letters(fontsize, figure.dpi), table.plot)
    if ax is None:
        margin, across = measured.em, measured.width
        down = measured.height(across)
        figure.set_size_inches((across + 2 * margin) / 72, (down + 2 * margin) / 72)
        ax, slot = figure.add_axes((0, 0, 1, 1)), Bbox.from_bounds(margin, margin, across, down)
    else:
        measured, slot = _fitted(evolve(measured, plot=table.narrowest), ax)
    return _Writer(ax, measured, slot).stage()


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if figure is None:
        raise SynthesisError("expected axes that belong to a figure")
    return figure


def _points(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return 72 * float(width), 72 * float(height)


def _fitted(measured: Measured, ax: Axes) -> tuple[Measured, Bbox]:
    # The slot is the place of the axes in their figure, in points; letters shrink until everything is inside.
    width, height = _points(_figure(ax))
    box = ax.get_position(original=True)
    slot = Bbox.from_extents(box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)
    table = measured.table
    if not table.rows:
        # A plot without rows may be as tall as there is room.
        measured = evolve(measured, table=evolve(table, tall=10.0))
    while measured.width > slot.width or measured.height(slot.width) > slot.height:
        smaller = evolve(measured.letters, size=0.96 * measured.em)
        if smaller.size < SMALLEST:
            needed = f"{measured.width / 72:.1f} by {measured.height(measured.width) / 72:.1f}"
            raise SynthesisError(
                f"the axes are too small for {table.what}: expected more than {needed} inches, "
                f"got {slot.width / 72:.1f} by {slot.height / 72:.1f}"
            )
        measured = evolve(measured, letters=smaller)
    return measured, slot


class _Writer:
    """Writes the text of a measured table around axes."""

    def __init__(self, ax: Axes, measured: Measured, slot: Bbox) -> None:
        self.ax, self.measured, self.slot = ax, measured, slot
        self.em = measured.em
        self.width = float(slot.width)
        self.left, self.right = slot.x0 + measured.left, slot.x1 - measured.right
        self.low, self.top = slot.y0 + measured.below(self.width), slot.y1 - measured.above(self.width)

    def stage(self) -> Stage:
        """Arrange the axes and write everything."""
        y = self._arrange()
        self._write_header()
        self._write_rows(y)
        self._write_below()
        low, high = self.ax.get_xlim()
        axis = self.measured.table.axis
        ems = (self.right - self.left) / self.em
        heights = tuple(self.measured.row_heights())
        return Stage(self.ax, self.em, ems, tuple(y), heights, low, min(high, axis.high) if axis.room else high)

    # The axes shrink to the plot itself, and the columns of text stand beside it.

    def _arrange(self) -> list[float]:
        ax, measured, table = self.ax, self.measured, self.measured.table
        width, height = _points(_figure(ax))
        left, right, low, top = self.left, self.right, self.low, self.top
        ax.set_position((left / width, low / height, (right - left) / width, (top - low) / height))
        ends = measured.ends(self.width)
        ax.set(xscale="log" if table.axis.log else "linear", xlim=ends)
        marks = table.axis.marks(right - left, measured.letters.width, ends=ends)
        ax.set_xticks([value for value, _ in marks], [text for _, text in marks])
        ax.set_xticks([], minor=True)
        ax.set_yticks([], minor=True)
        ax.tick_params(axis="both", labelsize=self.em, length=0.3 * self.em, color=MUTED, labelcolor=INK)
        ax.tick_params(axis="x", length=0.3 * self.em if marks else 0.0)
        ax.patch.set_visible(False)
        for spine in ("left", "right", "top"):
            ax.spines[spine].set_visible(False)
        ax.spines["bottom"].set_color(MUTED)
        ax.spines["bottom"].set_visible(bool(marks))
        ax.set_xlabel("\n".join(measured.label(self.width)), fontsize=self.em, color=INK, labelpad=0.25 * self.em)
        if table.rows:
            return self._arrange_rows()
        if table.side is not None:
            side = evolve(measured, table=evolve(table, tall=(top - low) / self.em)).side_marks()
            ax.set_ylim(*table.side.ends(1.0))
            ax.set_yticks([value for value, _ in side], [text for _, text in side])
            ax.set_ylabel(table.side.label, fontsize=self.em, color=INK, labelpad=0.4 * self.em)
            ax.spines["left"].set_visible(True)
            ax.spines["left"].set_color(MUTED)
        return []

    def _arrange_rows(self) -> list[float]:
        y, place = [], -0.5
        for row, height in zip(self.measured.table.rows, self.measured.row_heights(), strict=True):
            place += row.gap
            y.append(place + height / 2)
            place += height
        self.ax.set(ylim=(place, -0.5), yticks=[])
        return y

    def _write(self, points: float, y: float, text: str, *, in_rows: bool = False, **style: Any) -> Any:
        # y counts rows, or points upwards from the lower left corner of the plot.
        transform = self.ax.get_yaxis_transform() if in_rows else self.ax.transAxes
        x = (points - self.left) / (self.right - self.left)
        looks = {"color": INK, "fontsize": self.em, "clip_on": False, "parse_math": False, "va": "center", **style}
        return self.ax.text(x, y if in_rows else y / (self.top - self.low), text, transform=transform, **looks)

    def _starts(self) -> dict[str, tuple[float, str]]:
        # Where each column is written from, and to which side.
        measured, gap, found = self.measured, GAP * self.em, {}
        place = self.slot.x0
        for column in measured.table.columns:
            width = measured.widths[column.name]
            if column.side == "right":
                continue
            found[column.name] = (place, "left") if column.align == "left" else (place + width - gap, "right")
            place += width
        place = self.right
        for column in measured.table.columns:
            width = measured.widths[column.name]
            if column.side == "left":
                continue
            found[column.name] = (place + gap, "left") if column.align == "left" else (place + width, "right")
            place += width
        return found

    def _write_header(self) -> None:
        measured, em, table = self.measured, self.em, self.measured.table
        top = self.top - self.low
        levels = measured.header_lines(self.width)
        for column in table.columns:
            if column.header:
                points, align = self._starts()[column.name]
                y = top + em * (0.25 + 0.65)
                self._write_lines(
                    points, y, column.header.split("\n"), ha=align, weight="bold", gid=f"{column.name}:header"
                )
        ends = measured.ends(self.width)
        for head in table.heads:
            lines = measured.head(head, self.width)
            share = ((head.low + head.high) / 2 - ends[0]) / (ends[1] - ends[0])
            points = self.left + share * (self.right - self.left)
            y = top + em * (0.25 + 0.65 + LEADING * sum(levels[: head.level]) + APART * head.level)
            self._write_lines(points, y, lines, ha="center", weight="bold", label=head.text, gid="head")
            if head.level:
                across = [(end - ends[0]) / (ends[1] - ends[0]) for end in (head.low, head.high)]
                self._line(
                    [self.left + (self.right - self.left) * share for share in across],
                    y - 0.95 * em,
                    inset=0.4 * em,
                )
        header = em * (0.65 + LEADING * sum(levels) + APART * (len(levels) - 1))
        if table.ruled:
            self._line([self.slot.x0, self.slot.x1], top + 0.1 * em)
            self._line([self.slot.x0, self.slot.x1], top + header)
        lines = measured.title(self.width)
        y = measured.above(self.width) - em * TITLE * LEADING / 2
        for place, line in enumerate(lines):
            down = place * em * TITLE * LEADING
            self._write(self.slot.x0, top + y - down, line, ha="left", fontsize=TITLE * em, weight="bold", gid="title")

    def _write_lines(self, points: float, y: float, lines: Sequence[str], **style: Any) -> None:
        # One artist, whose last line stands at y.
        up = self.em * LEADING * (len(lines) - 1) / 2
        self._write(points, y + up, "\n".join(lines), linespacing=1.15, ma=style["ha"], **style)

    def _line(self, points: list[float], y: float, *, inset: float = 0.0) -> None:
        a, b = (points[0] + inset, points[1] - inset)
        xs = [(end - self.left) / (self.right - self.left) for end in (a, b)]
        ys = [y / (self.top - self.low)] * 2
        self.ax.plot(
            xs, ys, color=MUTED, linewidth=self.em / 15, transform=self.ax.transAxes, clip_on=False, gid="rule"
        )

    def _write_rows(self, y: list[float]) -> None:
        measured, em = self.measured, self.em
        starts = self._starts()
        first = measured.table.columns[0].name if measured.table.columns else ""
        heights = measured.row_heights()
        ends = [(end - self.left) / (self.right - self.left) for end in (self.slot.x0, self.slot.x1)]
        for place, (row, cells) in enumerate(zip(measured.table.rows, measured.cells, strict=True)):
            over = self.ax.get_yaxis_transform()
            upper = y[place] - heights[place] / 2
            if row.rule:
                self.ax.plot(
                    ends,
                    [upper - row.gap / 2] * 2,
                    color=RULE,
                    linewidth=em / 12,
                    transform=over,
                    clip_on=False,
                    zorder=0,
                    gid="rule",
                )
            weight = "bold" if row.bold else "normal"
            if row.lead:
                size, colour = (FINE * em, MUTED) if row.fine else (em, INK)
                self._write_cell(
                    self.slot.x0 + row.indent * em,
                    y[place],
                    measured.lead(row),
                    ha="left",
                    weight=weight,
                    fontsize=size,
                    color=colour,
                    label=row.lead,
                    gid=f"lead:{place}",
                )
            for name, lines in cells.items():
                points, align = starts[name]
                indent = row.indent * em if name == first else 0.0
                self._write_cell(
                    points + indent,
                    y[place],
                    lines,
                    ha=align,
                    weight=weight,
                    label=row.cells[name],
                    gid=f"{name}:{place}",
                )

    def _write_cell(self, points: float, y: float, lines: Sequence[str], **style: Any) -> None:
        # One artist a cell: its label is the text before anything was cut.
        self._write(points, y, "\n".join(lines), in_rows=True, linespacing=1.15, **style)

    def _write_below(self) -> None:
        measured, em = self.measured, self.em
        y = -measured.axis_height(self.width)
        for line in measured.key_lines(self.width):
            height = measured.key_height(line)
            for place, key, text in line:
                self._draw_key(self.slot.x0 + place, y - height / 2, key)
                self._write(
                    self.slot.x0 + place + key.room * em,
                    y - height / 2,
                    text,
                    ha="left",
                    fontsize=FINE * em,
                    gid="key",
                )
            y -= height
        y -= 0.3 * em * bool(measured.table.key)
        for place, note in enumerate(measured.footer(self.width)):
            down = em * LEADING * (place + 0.5)
            self._write(self.slot.x0, y - down, note, ha="left", fontsize=FINE * em, color=MUTED, gid="note")

    def _draw_key(self, points: float, y: float, key: Key) -> None:
        if not key.marker:
            return
        across, down = self.right - self.left, self.top - self.low
        x = (points + key.room * self.em / 2 - 0.25 * self.em - self.left) / across
        if key.hatch:
            width, height = key.size * self.em / across, key.size * self.em / down
            self.ax.add_patch(
                Rectangle(
                    (x - width / 2, y / down - height / 2),
                    width,
                    height,
                    facecolor=key.colour,
                    edgecolor=key.edge or key.colour,
                    hatch=2 * key.hatch,
                    linewidth=self.em / 12,
                    transform=self.ax.transAxes,
                    clip_on=False,
                    gid="key",
                )
            )
            return
        self.ax.plot(
            [x],
            [y / down],
            marker=key.marker,
            markersize=key.size * self.em,
            markerfacecolor=key.colour,
            markeredgecolor=key.edge or key.colour,
            markeredgewidth=self.em / 9,
            linestyle="none",
            transform=self.ax.transAxes,
            clip_on=False,
            gid="key",
        )
