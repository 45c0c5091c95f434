"""What all tables share: their look, their notes, and the words of their cells."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
from great_tables import GT, html

from herbtc.errors import SynthesisError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NONE = "–"
"""What stands in a cell for which nothing was found."""

_INK = "#333333"
_TIGHT = 0.7


def laid_out(
    rows: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    title: str,
    subtitle: str | None,
    notes: Iterable[str],
    group: str | None = None,
) -> GT:
    """Return rows of texts as a table; `labels` names its columns in their order; the first heads the rows.

    `notes` are HTML: of `note`, or of words of a vocabulary.
    """
    stub, *others = labels
    shown = rows[[*labels, *([group] if group else [])]].astype(object)
    table = (
        GT(shown, rowname_col=stub, groupname_col=group)
        .tab_header(title=title, subtitle=subtitle)
        .tab_stubhead(labels[stub])
        .cols_label({name: labels[name] for name in others})
        .cols_align("left")
        .opt_align_table_header("left")
        .opt_vertical_padding(scale=_TIGHT)
        .tab_options(
            table_font_size="14px",
            table_font_color=_INK,
            column_labels_font_weight="bold",
            row_group_font_weight="bold",
            container_overflow_x="auto",
        )
    )
    for each in notes:
        table = table.tab_source_note(html(each))
    return table


def note(text: str, link: str | None = None) -> str:
    """Return a note as HTML, with a link at its end where there is one."""
    # A brace begins a unit of measurement there, wherever it comes from.
    plain = escape(text).replace("{", "&#123;")
    if not link:
        return plain
    address = escape(link).replace("{", "&#123;")
    return f'{plain} <a href="{address}">{address}</a>'


def releases(*frames: pd.DataFrame | None) -> list[str]:
    """Return the note on the data release of frames; none for frames of your own."""
    kept = [frame.attrs.get("herbtc", {}).get("release") for frame in frames if frame is not None]
    return released(dict.fromkeys(filter(None, kept)))


def released(names: Iterable[str]) -> list[str]:
    """Return the note on data releases; none for none."""
    shown = ", ".join(names)
    return [note(f"Data release: herbtc {shown}.")] if shown else []


def needed(frame: pd.DataFrame, names: Sequence[str], where: str) -> None:
    """Raise SynthesisError if a frame lacks columns."""
    if missing := [name for name in names if name not in frame.columns]:
        raise SynthesisError(f"expected the columns {', '.join(names)}, as in {where}; missing: {', '.join(missing)}")


def told(row: Mapping[Any, Any], name: str) -> str:
    """Return a cell as text; empty where the frame has no such column or nothing in it."""
    value = row.get(name)
    return "" if value is None or pd.isna(value) else str(value)


def words(word: str) -> str:
    """Return a word of a vocabulary as a reader expects it: ``HER2-positive``, ``IHC 2+/ISH+``, ``second or later``."""
    if re.match(r"(her2|ihc|erbb2|nrg1)-", word):
        gene = re.sub(r"her2|erbb2|nrg1|ish", lambda found: found.group().upper(), word)
        return re.sub(r"^ihc-", "IHC ", gene)
    return word.replace("-", " ").replace("antibody drug", "antibody-drug")
