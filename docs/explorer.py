"""What the evidence explorer shows: studies and figures for its script, the form, and figures with the rows they draw.

The page works from disk: its script reads `window.HERBTC_EVIDENCE`, and nothing is fetched.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pandas as pd
from attrs import frozen

import herbtc
from herbtc import measures, plots, query, synthesis
from herbtc.models import FIGURE_KINDS
from herbtc.terms import Design, Her2, Line, MechanismClass, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

    Row = dict[str, Any]

_WORDS = {"baseline": "baseline", "adverse_events": "adverse-event", "patient_reported": "patient-reported"}
"""What stands for the endpoint of figures that have none."""

FACETS = {
    "mechanism": ("Mechanism", list(MechanismClass)),
    "line": ("Line", list(Line)),
    "her2": ("HER2 group", list(Her2)),
    "site": ("Site", list(Site)),
    "design": ("Design", list(Design)),
}
"""Filters by a closed vocabulary: label and words, in their order; that by endpoint has words of its own."""

# Columns of both tables: what the script shows, in this order; those with a number sort by it.
COLUMNS = {
    "studies": {
        "study": "Study",
        "phase": "Phase",
        "design": "Design",
        "agents": "Agents",
        "mechanism": "Mechanism",
        "line": "Line",
        "her2": "HER2",
        "sites": "Sites",
        "n": "Patients",
        "reports": "Reports",
        "figures": "Figures",
        "registry": "Registry",
    },
    "figures": {
        "study": "Study",
        "group": "Arm, population",
        "mechanism": "Mechanism",
        "line": "Line",
        "her2": "HER2",
        "endpoint": "Endpoint",
        "result": "Result",
        "interval": "Interval",
        "n": "n",
        "source": "Source",
        "place": "Place in it",
        "year": "Year",
        "figure": "Drawn in",
    },
}
NUMBERS = ("n", "reports", "figures", "result", "year")


# --- figures ----------------------------------------------------------------------------------------------------------


@frozen
class Drawn:
    """A figure of the page: the rows that it draws, and how."""

    name: str
    title: str
    rows: Callable[[], pd.DataFrame]
    how: Callable[[pd.DataFrame], Axes]

    def draw(self) -> Axes:
        """Return the figure."""
        with warnings.catch_warnings():
            # What is doubtful stands in the notes of the figure itself.
            warnings.simplefilter("ignore", herbtc.HerbtcWarning)
            return self.how(self.rows())

    @property
    def short(self) -> str:
        """The title up to its first comma."""
        return self.title.split(",")[0]


def _forest(measure: str) -> Callable[[pd.DataFrame], Axes]:
    return lambda rows: plots.forest(synthesis.pool(measures.effects(rows, measure)), provenance=True)


_LATER: dict[str, Any] = {"her2_directed": True, "her2": "her2-positive", "line": "second-or-later"}
FIGURES = (
    Drawn(
        "forest-orr",
        "Objective response, HER2-positive, second line or later",
        lambda: query.proportions(endpoint="orr", **_LATER).dropna(subset=["events", "n"]),
        _forest("logit"),
    ),
    Drawn(
        "forest-pfs",
        "Progression-free survival, HER2-positive, second line or later",
        lambda: query.durations(endpoint="pfs", **_LATER).dropna(subset=["low_months", "high_months"]),
        _forest("log-median"),
    ),
    Drawn(
        "evidence-map",
        "Evidence map, patients and crude response by mechanism and setting",
        lambda: query.proportions(endpoint="orr", her2_directed=True).dropna(subset=["n"]),
        lambda rows: plots.evidence_map(rows, provenance=True),
    ),
)


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("trial", "arm", "population", "endpoint", "source", "locator"))


# --- rows -------------------------------------------------------------------------------------------------------------


def _is(value: Any) -> bool:
    return value is not None and not pd.isna(value) and value != ""


def _text(value: Any) -> str:
    return str(value) if _is(value) else ""


def _web(link: Any) -> str:
    # Anything else than a web address is no link.
    return link if _is(link) and str(link).startswith(("https://", "http://")) else ""


def _words(values: Any) -> list[str]:
    return sorted({str(value) for value in values if _is(value)})


def _ends(row: Row, low: str, high: str) -> str:
    ends = [_text(row.get(low)), _text(row.get(high))]
    if not any(ends):
        return ""
    shown = [f"{float(end):.3g}" if end else _text(row.get("high_status")).replace("-", " ") or "?" for end in ends]
    level = row.get("level")
    kind = _text(row.get("interval"))
    of = f" ({float(level):g} %)" if _is(level) else f" ({kind})" if kind not in ("", "ci") else ""
    return f"{shown[0]} to {shown[1]}{of}"


def _share(row: Row) -> tuple[str, float | None]:
    counts = f"{row['events']}/{row['n']}" if _is(row["events"]) and _is(row["n"]) else _text(row["events"])
    percent = row["percent"]
    if not _is(percent) and _is(row["events"]) and _is(row["n"]) and row["n"]:
        return counts, round(100 * row["events"] / row["n"], 1)
    if not _is(percent):
        return counts, None
    return f"{counts} ({percent:g} %)" if counts else f"{percent:g} %", float(percent)


def _result(kind: str, row: Row) -> tuple[str, float | None]:
    """Return a result in words, and the number that it sorts by."""
    if kind == "durations":
        median = row["median_months"]
        if _is(median):
            return f"{median:.3g} months", round(float(median), 3)
        return "not reached" if row["not_reached"] is True else "not estimable", None
    if kind == "contrasts":
        return f"{str(row['kind']).upper()} {row['estimate']:g} against {row['reference_arm']}", float(row["estimate"])
    if kind == "landmarks":
        return f"{row['percent']:g} % at {row['at_months']:.3g} months", float(row["percent"])
    middle = {"baseline": "median", "patient_reported": "estimate"}.get(kind, "")
    if _is(row.get(middle)):
        return f"median {row[middle]:g}" if kind == "baseline" else f"{row[middle]:g}", float(row[middle])
    return _share(row)


def _what(kind: str, row: Row) -> str:
    if kind == "baseline":
        return f"Baseline: {row['item']}"
    if kind == "adverse_events":
        parts = (f"grade {row['grade']}", _text(row["attribution"]), _text(row["consequence"]))
        return f"Adverse event: {', '.join(filter(None, (row['term'], *parts)))}"
    if kind == "patient_reported":
        return f"Patient-reported: {row['instrument']}, {row['scale']}, {str(row['measure']).replace('-', ' ')}"
    return {"landmarks": "{} rate", "contrasts": "{} ratio"}.get(kind, "{}").format(str(row["endpoint"]).upper())


def figures() -> Iterator[Row]:
    """Yield every figure of every report."""
    trials = query.trials().set_index("trial")
    links = {(row["trial"], row["source"]): row["link"] for row in query.sources().to_dict("records")}
    within: dict[tuple[str, ...], list[Drawn]] = {}
    for each in FIGURES:
        for row in each.rows().to_dict("records"):
            within.setdefault(_key(row), []).append(each)
    for kind in FIGURE_KINDS:
        ask = getattr(query, kind)
        all_of: dict[str, Any] = {"reports": "all", "suspect": "include"}
        sites: dict[str, list[str]] = {}
        for site in Site:
            for row in ask(site=site, **all_of).to_dict("records"):
                sites.setdefault(str(row), []).append(str(site))
        newest = {str(row) for row in ask(reports="latest", suspect="include").to_dict("records")}
        for row in ask(**all_of).to_dict("records"):
            trial = trials.loc[row["trial"]]
            result, number = _result(kind, row)
            times = ("low_months", "high_months") if kind == "durations" else ("low", "high")
            population = row["population"]
            shown = within.get(_key(row), []) if kind in ("proportions", "durations") else []
            yield {
                "study": trial["name"],
                "study_link": f"reports.html#reports-{row['trial']}",
                "group": row["arm"] if population == "all" else f"{row['arm']}, {population}",
                "mechanism": row["mechanism"],
                "line": _text(row["line"]),
                "her2": _text(row["her2"]),
                "endpoint": _what(kind, row),
                "result": result + (" (suspect)" if _is(row["suspect"]) else ""),
                "result_number": number,
                "interval": _ends(row, *times),
                "n": int(row["n"]) if _is(row.get("n")) else "",
                "source": row["source"],
                "source_link": _web(links[row["trial"], row["source"]]),
                "place": _text(row["locator"]),
                "year": int(row["year"]) if _is(row["year"]) else "",
                "figure": shown[0].short if shown else "",
                "figure_link": f"#{shown[0].name}" if shown else "",
                "newest": str(row) in newest,
                "facets": {
                    "mechanism": row["mechanism"].split(" + "),
                    "line": _words([row["line"]]),
                    "her2": _words([row["her2"]]),
                    "site": sites.get(str(row), []),
                    "design": [str(trial["design"])],
                    "endpoint": [_WORDS.get(kind) or str(row["endpoint"])],
                    "drawn": [each.name for each in shown],
                },
            }


def studies() -> Iterator[Row]:
    """Yield every study, with what its arms have between them."""
    arms = query.arms()
    endpoints: dict[str, set[str]] = {}
    for kind in FIGURE_KINDS:
        for row in getattr(query, kind)(reports="all", suspect="include").to_dict("records"):
            endpoints.setdefault(row["trial"], set()).add(_WORDS.get(kind) or str(row["endpoint"]))
    for row in query.trials().to_dict("records"):
        of = arms[arms["trial"] == row["trial"]]
        sites = _words(site for each in of["sites"].dropna() for site in each.split("; "))
        ids = _text(row["registry_ids"])
        first = ids.split("; ")[0]
        yield {
            "study": row["name"],
            "study_link": f"reports.html#reports-{row['trial']}",
            "phase": _text(row["phase"]),
            "design": _text(row["design"]),
            "agents": "; ".join(dict.fromkeys(map(str, of["agents"]))),
            "mechanism": _text(row["mechanism"]),
            "line": ", ".join(_words(of["line"])),
            "her2": ", ".join(_words(of["her2"])),
            "sites": ", ".join(sites),
            "n": int(row["n"]) if _is(row["n"]) else "",
            "reports": int(row["sources"]),
            "figures": int(row["figures"]),
            "registry": ids,
            "registry_link": f"https://clinicaltrials.gov/study/{first}" if first.startswith("NCT") else "",
            "newest": True,
            "facets": {
                "mechanism": _words(word for each in of["mechanism"] for word in each.split(" + ")),
                "line": _words(of["line"]),
                "her2": _words(of["her2"]),
                "site": sites,
                "design": _words([row["design"]]),
                "endpoint": sorted(endpoints.get(row["trial"], ())),
                "drawn": [each.name for each in FIGURES if (each.rows()["trial"] == row["trial"]).any()],
            },
        }


def _directed(row: Row) -> bool:
    # HER2-directed therapy comes first; what stands beside it for comparison follows.
    return any(MechanismClass(word).her2_directed for word in row["facets"]["mechanism"])


# --- parts of the page ------------------------------------------------------------------------------------------------


@cache
def data() -> dict[str, Any]:
    """Return what the script of the page reads."""
    # What is not there takes no room.
    rows = {
        name: [
            {key: value for key, value in row.items() if value not in ("", None)}
            for row in sorted(every(), key=lambda row: not _directed(row))
        ]
        for name, every in (("studies", studies), ("figures", figures))
    }
    return {
        "release": herbtc.load().release,
        "tables": {
            name: {
                "columns": [
                    {"key": key, "label": label, "number": key in NUMBERS} for key, label in COLUMNS[name].items()
                ],
                "rows": rows[name],
            }
            for name in COLUMNS
        },
    }


def write(folder: Path) -> None:
    """Write the data of the script, and the figures, into a folder of static files."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(data(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    (folder / "explorer-data.js").write_text(f"window.HERBTC_EVIDENCE = {content};\n", "utf-8")
    for each in FIGURES:
        each.draw().figure.savefig(folder / f"{each.name}.svg", metadata={"Date": None})


def _option(word: str, shown: str) -> str:
    return f'<option value="{escape(word)}">{escape(shown)}</option>'


def form() -> Iterator[str]:
    """Yield the filters and the empty table, for the script to fill."""
    rows = [row["facets"] for table in data()["tables"].values() for row in table["rows"]]
    present = {name: {word for facets in rows for word in facets[name]} for name in (*FACETS, "endpoint", "drawn")}
    yield "```{raw} html"
    yield '<form class="explorer" id="explorer" autocomplete="off" hidden>'
    yield '<fieldset class="explorer-tables"><legend>Show</legend>'
    for name in COLUMNS:
        yield f'<label><input type="radio" name="table" value="{name}"> {name.capitalize()}</label>'
    yield "</fieldset>"
    yield '<div class="explorer-filters">'
    yield '<label class="explorer-search">Search<input type="search" name="q" placeholder="study, agent …"></label>'
    endpoints = sorted(present["endpoint"], key=lambda word: (word in _WORDS.values(), word))
    names = {each.name: each.short for each in FIGURES}
    filters = {**FACETS, "endpoint": ("Endpoint", endpoints), "drawn": ("Drawn in", list(names))}
    for name, (label, words) in filters.items():
        options = "".join(
            _option(word, names.get(word, word.upper() if name == "endpoint" and word not in _WORDS.values() else word))
            for word in map(str, words)
            if word in present[name]
        )
        yield f'<label>{label}<select name="{name}"><option value="">any</option>{options}</select></label>'
    yield "</div>"
    yield '<div class="explorer-actions">'
    yield '<label class="explorer-newest"><input type="checkbox" name="newest"> Newest report of a figure only</label>'
    yield '<button type="button" name="reset">Clear filters</button>'
    yield '<button type="button" name="download">Download rows as CSV</button>'
    yield "</div>"
    yield '<p class="explorer-status" role="status" aria-live="polite"></p>'
    yield '<div class="explorer-scroll" role="region" aria-label="Rows" tabindex="0">'
    yield '<table class="explorer-table"><caption></caption><thead></thead><tbody></tbody></table></div>'
    yield '<button type="button" name="more" hidden>Show more rows</button>'
    yield "</form>"
    yield "<noscript><p>The explorer needs JavaScript. The same studies stand under "
    yield '<a href="evidence.html">Evidence</a>, and every report under '
    yield '<a href="reports.html">Reports</a>.</p></noscript>'
    yield "```"


def drawn() -> Iterator[str]:
    """Yield the figures of the page, each with a link to the rows that it draws."""
    yield "```{raw} html"
    for each in FIGURES:
        title = escape(each.title)
        yield f'<figure class="paper explorer-figure" id="{each.name}" tabindex="-1">'
        yield f'<img src="_static/{each.name}.svg" class="dark-light" alt="{title}">'
        yield f'<figcaption><p>{title}. <a href="#{urlencode({"drawn": each.name})}">Its rows</a></p></figcaption>'
        yield "</figure>"
    yield "```"


PARTS_OF_EXPLORER: dict[str, Callable[[], Iterator[str]]] = {"explorer-figures": drawn, "explorer-form": form}
