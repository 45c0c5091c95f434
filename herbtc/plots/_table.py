"""What every figure here is: columns of text with a plot between them, a key and notes below.

A table is measured before anything is drawn, in letters as they will come out, so that no text meets another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen

from herbtc.plots._ink import INK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from herbtc.plots._axis import Axis
    from herbtc.plots._letters import Letters

# All lengths are multiples of the font size (em), so that a figure shrinks as a whole.
ROW = 2.1
GAP = 1.6  # between columns
TITLE = 1.15
APART = 0.5  # between levels of the header
FINE = 0.85  # letters of footer and key
LEADING = 1.35
_MOST_LINES = 3  # of a cell
_LEAD = 22.0  # what words across the columns may ask for
_PAD = 0.45  # around small letters


@frozen(kw_only=True)
class Column:
    """A column of text beside the plot; text wider than `most` em is broken, and cut after three lines."""

    name: str
    header: str = ""
    side: Literal["left", "right"] = "left"
    align: Literal["left", "right"] = "right"
    most: float = 40.0


@frozen(kw_only=True)
class Row:
    """A row of text.

    Attributes
    ----------
    cells : mapping of str to str
        Text by the name of its column.
    lead : str
        Words across all columns on the left.
    bold, fine : bool
        Whether its letters are bold, or small.
    gap : float
        Room above it, in rows.
    rule : bool
        Whether a line parts it from what is above.
    indent : float
        Of the first column, in em.
    height : float
        Least height, in rows.
    """

    cells: Mapping[str, str] = field(factory=dict)
    lead: str = ""
    bold: bool = False
    fine: bool = False
    gap: float = 0.0
    rule: bool = False
    indent: float = 0.0
    height: float = 1.0


@frozen(kw_only=True)
class Head:
    """Words above the plot, between two values of its axis; level 0 stands lowest."""

    low: float
    high: float
    text: str
    level: int = 0


@frozen(kw_only=True)
class Key:
    """A mark and what it means; `size` is its diameter in em. With a hatch it is a square whatever the marker."""

    text: str
    marker: str = "s"
    colour: str = INK
    edge: str | None = None
    hatch: str = ""
    size: float = 0.8

    @property
    def room(self) -> float:
        """How wide the mark is with what parts it from its text, in em."""
        return max(self.size, 0.8) + 0.5


@frozen(kw_only=True)
class Table:
    """Rows of text beside a plot, or a plot alone.

    Attributes
    ----------
    what : str
        What it shows, for the message that there is no room for it.
    axis : Axis
        The x axis.
    side : Axis, optional
        The y axis of a plot that has no rows.
    columns, rows, heads, key, footer
        Text, from top to bottom.
    title : str
    plot, narrowest : float
        Width of the plot in a figure of its own, and the least width in axes that are given, in em.
    tall : float
        Height of a plot without rows, in em.
    ruled : bool
        Whether lines stand above and below the header.
    """

    what: str
    axis: Axis
    side: Axis | None = None
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    heads: tuple[Head, ...] = ()
    key: tuple[Key, ...] = ()
    footer: tuple[str, ...] = ()
    title: str = ""
    plot: float = 28.0
    narrowest: float = 14.0
    tall: float = 24.0
    ruled: bool = False


@frozen
class Measured:
    """How much room a table takes with letters of one size; everything in points."""

    table: Table
    letters: Letters
    plot: float
    """Least width of the plot, in em."""
    cells: tuple[dict[str, list[str]], ...] = field(init=False)
    widths: dict[str, float] = field(init=False)

    @cells.default
    def _broken(self) -> tuple[dict[str, list[str]], ...]:
        size = self.letters.size
        first = self.table.columns[0].name if self.table.columns else ""
        return tuple(
            {
                column.name: self.letters.wrap(
                    text,
                    (column.most - (row.indent if column.name == first else 0)) * size,
                    lines=_MOST_LINES,
                    bold=row.bold,
                )
                for column in self.table.columns
                if (text := row.cells.get(column.name, ""))
            }
            for row in self.table.rows
        )

    @widths.default
    def _measured(self) -> dict[str, float]:
        size, found = self.letters.size, {}
        for place, column in enumerate(self.table.columns):
            inside = [self.letters.width(column.header, bold=True)]
            for row, cells in zip(self.table.rows, self.cells, strict=True):
                indent = row.indent * size if place == 0 else 0.0
                inside += [indent + self.letters.width(line, bold=row.bold) for line in cells.get(column.name, ())]
            found[column.name] = max(inside) + GAP * size
        leads = [self._lead_width(row) for row in self.table.rows if row.lead]
        if leads and found:
            missing = min(max(leads), _LEAD * size) + GAP * size - self._sum("left", found)
            found[self.table.columns[0].name] += max(missing, 0.0)
        return found

    def _lead_width(self, row: Row) -> float:
        return self.letters.width(row.lead, scale=FINE if row.fine else 1.0, bold=row.bold)

    def _sum(self, side: str, widths: dict[str, float]) -> float:
        return sum(widths[column.name] for column in self.table.columns if column.side == side)

    @property
    def em(self) -> float:
        """The font size."""
        return self.letters.size

    @property
    def left(self) -> float:
        """Width of what stands left of the plot."""
        return self._sum("left", self.widths) + self.beside

    @property
    def right(self) -> float:
        """Width of what stands right of the plot."""
        return self._sum("right", self.widths) or self._overhang

    @property
    def _overhang(self) -> float:
        # The label of the last tick reaches beyond the plot.
        return 1.5 * self.em

    @property
    def beside(self) -> float:
        """Width of the y axis with its label."""
        if self.table.side is None:
            return 0.0 if self.table.columns else self._overhang
        texts = [text for _, text in self.side_marks()]
        return max(map(self.letters.width, texts), default=0.0) + 2.6 * self.em

    def side_marks(self) -> list[tuple[float, str]]:
        """Return the values marked on the y axis."""
        side = self.table.side
        if side is None:
            return []
        return side.marks(self.table.tall * self.em, lambda _: 1.6 * self.em, ends=side.ends(self.table.tall))

    @property
    def width(self) -> float:
        """Least width of the whole."""
        return self.left + self.plot * self.em + self.right

    def ends(self, width: float) -> tuple[float, float]:
        """Return the ends of the x axis where the whole is so wide."""
        return self.table.axis.ends((width - self.left - self.right) / self.em)

    def title(self, width: float) -> list[str]:
        """Return the lines of the title."""
        return self.letters.wrap(self.table.title, width, scale=TITLE, bold=True) if self.table.title else []

    def head(self, head: Head, width: float) -> list[str]:
        """Return the lines of words above the plot."""
        low, high = self.ends(width)
        share = (head.high - head.low) / (high - low)
        most = share * (width - self.left - self.right) - 0.4 * self.em
        return self.letters.wrap(head.text, most, lines=_MOST_LINES + 1, bold=True)

    def header_lines(self, width: float) -> list[int]:
        """Return how many lines the header has at each level, the lowest first."""
        levels = [max((1 + column.header.count("\n") for column in self.table.columns if column.header), default=0)]
        for head in self.table.heads:
            levels += [0] * (head.level + 1 - len(levels))
            levels[head.level] = max(levels[head.level], len(self.head(head, width)))
        return levels

    def above(self, width: float) -> float:
        """Height of what stands above the plot."""
        levels = self.header_lines(width)
        header = (0.65 + LEADING * sum(levels) + APART * (len(levels) - 1)) if any(levels) else 0.6
        title = self.title(width)
        return self.em * (header + (TITLE * LEADING * len(title) + 0.65 if title else 0.0))

    def label(self, width: float) -> list[str]:
        """Return the lines of the label of the x axis."""
        if not self.table.axis.label:
            return []
        return self.letters.wrap(self.table.axis.label, width - self.left - self.right + 2 * self._overhang)

    def axis_height(self, width: float) -> float:
        """Height of the x axis with its label."""
        ticks = 1.9 if self.table.axis.ticks != () else 0.4
        return self.em * (ticks + LEADING * len(self.label(width)) + 0.6)

    def key_lines(self, width: float) -> list[list[tuple[float, Key, str]]]:
        """Return the lines of the key: where each mark begins, the mark, and its text, broken where needed."""
        lines: list[list[tuple[float, Key, str]]] = []
        place = width
        for key in self.table.key:
            room = key.room * self.em
            first, *more = self.letters.wrap(key.text, width - room, scale=FINE)
            across = room + self.letters.width(first, scale=FINE)
            if place + across > width or not lines:
                lines.append([])
                place = 0.0
            lines[-1].append((place, key, first))
            place += across + GAP * self.em
            for line in more:
                lines.append([(0.0, evolve(key, marker=""), line)])
                place = width
        return lines

    def key_height(self, line: list[tuple[float, Key, str]]) -> float:
        """Height of a line of the key."""
        return self.em * max(LEADING, *(key.size + 0.45 for _, key, _ in line))

    def footer(self, width: float) -> Iterator[str]:
        """Yield the lines of the notes."""
        for paragraph in self.table.footer:
            yield from self.letters.wrap(paragraph, width, scale=FINE)

    def below(self, width: float) -> float:
        """Height of what stands below the plot."""
        keys = sum(map(self.key_height, self.key_lines(width)))
        footer = self.em * LEADING * len([*self.footer(width)])
        return self.axis_height(width) + keys + footer + 0.3 * self.em * bool(self.table.key)

    def lead(self, row: Row) -> list[str]:
        """Return the lines of words across the columns on the left."""
        most = self.left - self.beside - GAP * self.em
        return self.letters.wrap(row.lead, most, scale=FINE if row.fine else 1.0, bold=row.bold) if row.lead else []

    def row_heights(self) -> list[float]:
        """Return the height of each row, in rows of one line."""
        found = []
        for row, cells in zip(self.table.rows, self.cells, strict=True):
            lines = max([len(each) for each in cells.values()] + [len(self.lead(row))], default=1)
            line = LEADING * (FINE if row.fine else 1.0)
            pad = _PAD if row.fine else ROW - LEADING
            found.append(max(row.height, (pad + line * max(lines, 1)) / ROW))
        return found

    @property
    def tall(self) -> float:
        """Height of the plot."""
        if not self.table.rows:
            return self.table.tall * self.em
        return ROW * self.em * (sum(self.row_heights()) + sum(row.gap for row in self.table.rows))

    def height(self, width: float) -> float:
        """Height of the whole."""
        return self.above(width) + self.tall + self.below(width)
