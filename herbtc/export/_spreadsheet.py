"""Text that a spreadsheet does not take for a formula, and that can be had back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

# Excel, LibreOffice and Google Sheets begin a formula with the first four signs, East Asian ones with their wide forms;
# see "CSV Injection" of the Open Worldwide Application Security Project. A sign behind blanks is escaped as well,
# because programs trim. The apostrophe is there so that the rule can be undone.
_FORMULA = re.compile(r"['\t\r\n]|\s*[=+\-@＝＋－＠]")
RULE = (
    "Text that begins with an apostrophe, a tab, a line end, or with =, +, - or @ (their wide forms included, and "
    "whether or not blanks stand before them) has one apostrophe before it. Take one away from text that begins with "
    "an apostrophe to get what was there."
)
"""The rule in words, as it stands beside each file that follows it."""


def escaped(text: str) -> str:
    """Return text as a spreadsheet will show it and never compute it.

    Text that begins with ``=``, ``+``, ``-``, ``@`` (behind blanks as well), with a tab, a line end or an apostrophe
    gets one apostrophe before it; `unescaped` takes it away. Other text stays as it is.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> from herbtc import export
    >>> export.escaped("=HYPERLINK(A1)"), export.escaped("ihc-3+")
    ("'=HYPERLINK(A1)", 'ihc-3+')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """Return the text that `escaped` was given.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> from herbtc import export
    >>> export.unescaped("'=HYPERLINK(A1)")
    '=HYPERLINK(A1)'
    """
    return text.removeprefix("'")


def as_csv(frame: pd.DataFrame, *, escape: bool) -> str:
    """Return a frame as CSV (RFC 4180): text cells and names of columns escaped, numbers and days as they are."""
    text = escaped if escape else str
    cells = {text(name): _cells(frame[name], text) for name in frame.columns}
    written: str = pd.DataFrame(cells, index=frame.index).to_csv(index=False, lineterminator="\r\n")
    return written


def _cells(column: pd.Series[Any], text: Callable[[str], str]) -> pd.Series[Any]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.map(lambda day: day.isoformat().removesuffix("T00:00:00"), na_action="ignore").astype(object)
    if column.dtype == object or isinstance(column.dtype, (pd.CategoricalDtype, pd.StringDtype)):
        return column.astype(object).map(lambda cell: text(cell) if isinstance(cell, str) else cell)
    return column
