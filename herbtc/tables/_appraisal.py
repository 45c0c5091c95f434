"""The traffic-light table: how well each study was done, item by item."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from herbtc.errors import SynthesisError, look_up
from herbtc.tables._layout import NONE, laid_out, needed, note, releases, told
from herbtc.terms import AppraisalTool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from great_tables import GT

# From good to bad the lights get darker, with yellow apart from both, so that they hold in greyscale and with any
# colour vision (after Okabe and Ito 2008). The sign says the same without any colour.
_GOOD, _MIDDLE, _BAD, _WORST = (
    ("#8fd0f5", "#000000"),
    ("#f0e442", "#000000"),
    ("#b34400", "#ffffff"),
    ("#3d1500", "#ffffff"),
)
_NOTHING = ("#ffffff", "#000000")

LIGHTS: dict[str, tuple[str, tuple[str, str]]] = {
    "yes": ("+", _GOOD),
    "low": ("+", _GOOD),
    "moderate": ("~", _MIDDLE),
    "some-concerns": ("~", _MIDDLE),
    "no": ("×", _BAD),
    "high": ("×", _BAD),
    "serious": ("×", _BAD),
    "critical": ("!", _WORST),
    "unclear": ("?", _NOTHING),
    "no-information": ("?", _NOTHING),
    "not-applicable": (NONE, _NOTHING),
}
"""Sign, and colours of the light and of the sign, of each answer."""

_TOOLS = {
    AppraisalTool.JBI_CASE_SERIES: "the JBI checklist for case series",
    AppraisalTool.ROB_2: "RoB 2",
    AppraisalTool.ROBINS_I: "ROBINS-I",
}


def appraisal(frame: pd.DataFrame, *, title: str | None = None, subtitle: str | None = None) -> GT:
    """Return the appraisal of studies as lights: a colour and a sign for each study and item, with a legend.

    Parameters
    ----------
    frame : DataFrame
        As `herbtc.query.appraisal` returns it, by one tool: `trial tool item answer`, and `outcome` and `second` where
        there are.
    title, subtitle : str, optional
        Plain text; by default the title names the tool.

    Returns
    -------
    great_tables.GT
        A row per study, and per outcome where the tool is asked per outcome; a column per item, in the order of the
        tool. A star marks an answer on which a second reader first disagreed.

    Raises
    ------
    herbtc.SynthesisError
        If a column is missing, the frame has several tools or none, or an item of a study is missing or there twice.
    herbtc.UnknownKeyError
        For a tool, an item or an answer that does not exist.

    Examples
    --------
    >>> from herbtc import query, tables
    >>> table = tables.appraisal(query.appraisal(tool="rob-2"))
    >>> "D1: randomisation process" in table.as_raw_html()
    True
    """
    needed(frame, ("trial", "tool", "item", "answer"), "query.appraisal()")
    tools = [*dict.fromkeys(map(str, frame["tool"]))]
    if len(tools) != 1:
        raise SynthesisError(
            f"expected one tool, got {', '.join(tools) or 'no row'}; query.appraisal(tool=…) returns those of one"
        )
    tool = look_up("tool", tools[0], {str(each): each for each in AppraisalTool})
    codes = {item: f"D{place}" for place, item in enumerate(tool.items, 1)}
    answers: dict[tuple[str, str], dict[str, str]] = {}
    for row in frame.to_dict("records"):
        study = told(row, "trial"), told(row, "outcome").upper()
        item = look_up("item", str(row["item"]), {each: each for each in tool.items})
        answer = look_up("answer", str(row["answer"]), {each: each for each in tool.answers})
        cells = answers.setdefault(study, {})
        if item in cells:
            raise SynthesisError(f"expected one answer per study and item; several: {_named(study)}, {item}")
        cells[item] = _light(answer, starred=bool(told(row, "second")))
    for study, cells in answers.items():
        if absent := [item for item in tool.items if item not in cells]:
            raise SynthesisError(f"expected every item of {tool}; missing: {_named(study)}, {', '.join(absent)}")
    rows = pd.DataFrame(
        [
            {"study": _named(study), **{codes[item]: cells[item] for item in tool.items}}
            for study, cells in answers.items()
        ]
    )
    notes = [
        note("; ".join(f"{code}: {item.replace('-', ' ')}" for item, code in codes.items()) + "."),
        "; ".join(f"{_light(answer)} {escape(answer.replace('-', ' '))}" for answer in tool.answers) + ".",
        note("Where an answer is marked *, the second reader first answered otherwise."),
        *releases(frame),
    ]
    labels: Mapping[str, str] = {"study": "Study"} | {code: code for code in codes.values()}
    shown = laid_out(rows, labels=labels, title=title or f"Appraisal by {_TOOLS[tool]}", subtitle=subtitle, notes=notes)
    return shown.fmt_markdown(columns=[*codes.values()]).cols_align("center", columns=[*codes.values()])


def _named(study: tuple[str, str]) -> str:
    trial, outcome = study
    return f"{trial} ({outcome})" if outcome else trial


def _light(answer: str, *, starred: bool = False) -> str:
    # Markdown with tags, which LaTeX leaves out and keeps the sign; every text in it is of a vocabulary.
    sign, (colour, ink) = LIGHTS[answer]
    style = (
        "display:inline-block;box-sizing:content-box;width:1.6em;line-height:1.6em;border-radius:50%;"
        f"border:1px solid #333333;text-align:center;font-weight:bold;background-color:{colour};color:{ink}"
    )
    meaning = escape(answer.replace("-", " "))
    star = "&#42;" if starred else ""
    return f'<span role="img" aria-label="{meaning}" title="{meaning}" style="{style}">{sign}</span>{star}'
