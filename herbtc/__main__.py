"""The evidence at a glance: `python -m herbtc`.

Prints response by mechanism, the studies, the benchmarks apart from them and the pooled response rate, and writes the
forest plot to ``herbtc-orr.png`` in the working folder. Commands for folders of your own stand in `herbtc._commands`.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import warnings
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import herbtc
from herbtc import _commands, query
from herbtc.errors import HerbtcWarning
from herbtc.measures import effects, percent
from herbtc.terms import Endpoint, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100
FIGURE = Path("herbtc-orr.png")

_NUMBERS = "{:<34}{:>5}  {:<19}{:<19}{:<19}"


def main() -> int:
    """Print the evidence at a glance, or do what a command says; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m herbtc", description="Print the evidence at a glance, or do what a command says."
    )
    _commands.add_to(parser)
    asked = parser.parse_args()
    # A terminal that cannot show a dash or a Greek letter shows a question mark instead.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    return glance() if asked.command is None else asked.run(asked)


def glance() -> int:
    """Print the evidence at a glance; return the exit status."""
    catalog = herbtc.load()
    print(f"herbtc {catalog.release}: HER2-targeted therapy of biliary tract cancer (BTC)")
    print(f"{catalog}\nFigures stand as their sources print them. Not medical advice.")
    response = query.proportions(endpoint="orr", her2_directed=True, her2_selected=True, btc_only=True)
    print_section("Response to HER2-directed therapy by mechanism, HER2-selected BTC cohorts", by_mechanism(response))
    print_section("HER2-directed therapy: studies", studies(her2_directed=True))
    print_section(
        "Benchmarks and control arms, no HER2-directed therapy: other patients, never pooled with those",
        studies(her2_directed=False),
    )
    try:
        from herbtc import plots, synthesis  # noqa: PLC0415  (the tables above need neither)
    except ModuleNotFoundError as missing:
        print(f"\nThe pooled estimate and its figure need {missing.name}: pip install 'herbtc[all]'")
        return 1
    with warnings.catch_warnings():
        # What the warnings say stands in the notes of the result, which is printed.
        warnings.simplefilter("ignore", HerbtcWarning)
        pooled = synthesis.pool(effects(response, "logit"))
    print_section("Pooled response rate of HER2-directed therapy, HER2-selected BTC cohorts", pooled_lines(pooled))
    title = "Objective response to HER2-directed therapy in HER2-selected biliary tract cancer"
    ax = plots.forest(pooled, labels=names(pooled.rows.to_dict("records")), title=title)
    figure = ax.get_figure(root=True)
    figure.savefig(FIGURE, dpi=200)  # type: ignore[union-attr]
    print(f"\nForest plot: {FIGURE}")
    return 0


def print_section(title: str, lines: Iterator[str]) -> None:
    """Print a title with a rule under it, then the lines."""
    print(f"\n{title}\n{'-' * len(title)}")
    for line in lines:
        print(line)


def by_mechanism(response: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each mechanism: studies, patients, responders, range of the rates."""
    row = "{:<50}{:>8}{:>10}{:>16}{:>16}"
    yield row.format("mechanism", "studies", "patients", "responders", "range, %")
    counted = response.dropna(subset=["events", "n"])
    for mechanism in sorted(counted["mechanism"].unique(), key=lambda each: (" + " in each, each)):
        rows = counted[counted["mechanism"] == mechanism]
        events, n = int(rows["events"].sum()), int(rows["n"].sum())
        rates = 100 * rows["events"].astype(float) / rows["n"].astype(float)
        range_ = f"{rates.min():.0f} to {rates.max():.0f}" if len(rows) > 1 else f"{rates.min():.0f}"
        yield row.format(mechanism, rows["trial"].nunique(), n, f"{events} ({percent(events / n)} %)", range_)
    uncounted = response[response["events"].isna() | response["n"].isna()]
    if len(uncounted):
        yield f"not counted, because the report reached prints no number of patients: {', '.join(uncounted['trial'])}"


def studies(*, her2_directed: bool) -> Iterator[str]:
    """Yield the lines of a table of arms with response rate, median PFS and OS, and where they were read."""
    yield _NUMBERS.format("study, arm", "n", "ORR, %", "PFS, months", "OS, months").rstrip()
    arms = query.arms(her2_directed=her2_directed, btc_only=True)
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for endpoint in (Endpoint.ORR, Endpoint.PFS, Endpoint.OS):
        ask = query.durations if endpoint.is_time else query.proportions
        for record in ask(endpoint=endpoint, btc_only=True).to_dict("records"):
            cells.setdefault((record["trial"], record["arm"]), {})[endpoint] = record
    marks: set[str] = set()
    records = [record for record in arms.to_dict("records") if (record["trial"], record["arm"]) in cells]
    for _, group in groupby(records, key=lambda record: record["trial"]):
        for record, name in zip(together := list(group), names(together), strict=True):
            found = cells[record["trial"], record["arm"]]
            shown = [_cell(found.get(endpoint), marks) for endpoint in (Endpoint.ORR, Endpoint.PFS, Endpoint.OS)]
            patients = record["n"] if pd.notna(record["n"]) else found.get(Endpoint.ORR, {}).get("n")
            n = "–" if pd.isna(patients) else patients
            yield _NUMBERS.format(textwrap.shorten(name, 34, placeholder="…"), n, *shown).rstrip()
            read = ", ".join(dict.fromkeys(each["source"] for each in found.values()))
            line = "line not stated" if pd.isna(record["line"]) else f"{record['line']} line"
            about = f"{record['agents']}; {line}; {record['her2']}; {read}"
            yield from textwrap.wrap(about, WIDTH, initial_indent="    ", subsequent_indent="    ")
    yield from (_MARKS[mark] for mark in _MARKS if mark in marks)


_MARKS = {"*": "* 90 % confidence interval; all others 95 %", "+": "+ one-sided interval"}


def _cell(record: dict[str, Any] | None, marks: set[str]) -> str:
    """Return a figure with its interval as printed: ``41.3 (30.4-52.8)``."""
    if record is None:
        return "–"
    median = "median_months" in record
    names = ("median_months", "low_months", "high_months") if median else ("percent", "low", "high")
    value, low, high = (record[name] for name in names)
    if pd.isna(value) and median:
        text = "not reached" if record["not_reached"] is True else "not estimable"
    elif pd.isna(value):
        # Some reports count responders without a percentage, and a few without saying of how many.
        whole = pd.notna(record["n"])
        text = _digits(100 * record["events"] / record["n"]) if whole else f"{record['events']} patients"
    else:
        text = _digits(value)
    if pd.isna(low) or (median and record["interval"] != "ci"):
        return text
    end = _digits(high) if pd.notna(high) else "NR" if record["high_status"] == Reach.NOT_REACHED else "NE"
    mark = ("*" if record["level"] == 90 else "") + ("+" if record["sides"] != "two" else "")  # noqa: PLR2004
    marks.update(mark)
    return f"{text} ({_digits(low)}–{end}){mark}"


def _digits(value: float) -> str:
    """Return a number with the one or two digits of its source; converted times with one."""
    return f"{value:.2f}" if round(value, 1) != value == round(value, 2) else f"{value:.1f}"


def pooled_lines(pooled: Any) -> Iterator[str]:
    """Yield the pooled estimate in one line, then how it was computed."""
    yield (
        f"{percent(pooled.estimate)} % (95 % CI {percent(pooled.conf_low)} to {percent(pooled.conf_high)}; "
        f"prediction interval {percent(pooled.pred_low)} to {percent(pooled.pred_high)}); "
        f"k = {pooled.k}, n = {pooled.n}"
    )
    for paragraph in pooled.describe().splitlines():
        yield from textwrap.wrap(paragraph, WIDTH)


def names(records: list[Any]) -> list[str]:
    """Return a label for each record: the name of its study, with the arm where the study has several."""
    catalog = herbtc.load()
    trials = [record["trial"] for record in records]
    return [
        f"{catalog.trial(trial).name}, {record['arm']}" if trials.count(trial) > 1 else catalog.trial(trial).name
        for trial, record in zip(trials, records, strict=True)
    ]


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads this has seen enough (`| head`); what is left must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
