"""Whether a figure can be read: no text meets another, leaves the canvas, or stands where marks are drawn."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

INSIDE = ("not reached", "figures", "failed")
"""Texts that belong between the columns."""

_TOUCH = 0.5  # pixels


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def texts(ax: Axes) -> list[str]:
    """Return every text that was written into axes, as it is drawn."""
    return [text.get_text() for text in ax.texts]


def whole(ax: Axes) -> list[str]:
    """Return every text that was written into axes, without the line breaks and before anything was cut."""
    labels = [str(text.get_label()) for text in ax.texts]
    return [
        text.get_text() if not label or label.startswith("_") else label
        for text, label in zip(ax.texts, labels, strict=True)
    ]


def boxes(ax: Axes) -> list[tuple[Text, Bbox]]:
    """Draw the figure, and return every text that is seen with its box in pixels."""
    figure = figure_of(ax)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    seen = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()]
    return [(text, text.get_window_extent(renderer)) for text in seen if text.get_text().strip()]


def assert_tidy(ax: Axes) -> None:
    """Fail if any text of the figure of these axes cannot be read."""
    canvas, shown = figure_of(ax).bbox, boxes(ax)
    for text, box in shown:
        inside = canvas.x0 <= box.x0 and box.x1 <= canvas.x1 and canvas.y0 <= box.y0 and box.y1 <= canvas.y1
        assert inside, f"{text.get_text()!r} leaves the canvas"
    for (one, a), (other, b) in combinations(shown, 2):
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > _TOUCH and min(a.y1, b.y1) - max(a.y0, b.y0) > _TOUCH
        assert not overlap, f"{one.get_text()!r} overlaps {other.get_text()!r}"
    plot = ax.get_window_extent()
    for text, box in shown:
        gid = str(text.get_gid())
        meant = gid in INSIDE or gid.endswith(" percent")
        across = box.y0 < plot.y1 - _TOUCH and box.y1 > plot.y0 + _TOUCH
        beside = box.x1 <= plot.x0 + _TOUCH or box.x0 >= plot.x1 - _TOUCH
        assert meant or not across or beside, f"{text.get_text()!r} stands in the plot"
