"""Parts of pages about approvals, guidelines, testing, appraisal, the audit, and what was left out."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markup import GAP, code, link, plain, table, unbroken

import herbtc
from herbtc import audit, query
from herbtc.models import FIGURE_KINDS
from herbtc.terms import AppraisalTool, Design

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]


def shown(value: Any) -> str:
    """Return a cell of a frame as text, a dash for none."""
    return GAP if pd.isna(value) else plain(value)


def day(value: Any) -> str:
    """Return a day that is not broken at its hyphens, a dash for none."""
    return GAP if pd.isna(value) else unbroken(value.date())


def there(row: dict[str, Any], *names: str) -> str:
    """Return the cells of a row that are there, joined by commas; a dash for none."""
    return plain(", ".join(str(row[name]) for name in names if not pd.isna(row[name])))


# --- acts -------------------------------------------------------------------------------------------------------------


def approvals() -> Iterator[str]:
    """Yield what agencies decided, in the order of the days."""
    yield from table(
        ("decided", "by", "what", "for whom", "agents", "test", "in force", "source"),
        [
            (
                ("by " if row["decided_is_bound"] else "") + day(row["decided"]),
                plain(f"{str(row['agency']).upper()} ({row['jurisdiction']})"),
                plain(str(row["act"]).replace("-", " ")),
                plain(row["population"]),
                plain(row["agents"]),
                shown(row["companion_test"]),
                "yes" if row["in_force"] else "replaced",
                link(row["source"], row["link"]),
            )
            for row in query.approvals().to_dict("records")
        ],
        long=3,
    )


def guidelines() -> Iterator[str]:
    """Yield what guidelines say, newest last."""
    rows = query.guidelines().to_dict("records")
    yield from table(
        ("guideline", "year", "agents or test", "population", "category", "evidence, grade", "ESCAT", "MCBS", "source"),
        [
            (
                plain(f"{str(row['body']).upper()} {'' if pd.isna(row['version']) else row['version']}".strip()),
                str(row["year"]),
                shown(row["agents"] if not pd.isna(row["agents"]) else row["regimen"]),
                plain(row["population"]),
                shown(row["category"]),
                there(row, "evidence", "grade"),
                shown(row["escat"]),
                shown(row["mcbs"]),
                link(row["source"], row["link"]),
            )
            for row in rows
        ],
        long=3,
    )


# --- testing ----------------------------------------------------------------------------------------------------------


def counted(row: dict[str, Any]) -> str:
    """Return events, n, percentage and interval of a row as printed."""
    of = f"{row['events']} of {row['n']}" if not pd.isna(row["events"]) and not pd.isna(row["n"]) else None
    if of is None and not pd.isna(row["n"]):
        of = f"n = {row['n']}"
    percent = None if pd.isna(row["percent"]) else f"{row['percent']:g} %"
    ends = None if pd.isna(row["low"]) else f"({row['low']:g} to {row['high']:g})"
    return " ".join(filter(None, (", ".join(filter(None, (of, percent))), ends))) or GAP


def prevalence() -> Iterator[str]:
    """Yield how often HER2 is found, then where positive tumours sit."""
    for quantity, title in (("prevalence", "Prevalence"), ("share-of-positives", "Where positive tumours sit")):
        rows = query.prevalence(quantity=quantity).to_dict("records")
        if rows:
            yield f"### {title}"
            yield from table(
                ("site", "HER2 group", "method", "what was counted", "patients", "who", "source"),
                [
                    (
                        plain(row["site"]),
                        code(row["her2"]),
                        plain(row["method"]),
                        plain(row["definition"]),
                        counted(row) + (" (pooled)" if row["pooled"] else ""),
                        plain(
                            ", ".join(str(row[name]) for name in ("population", "region") if not pd.isna(row[name]))
                            or GAP
                        ),
                        link(row["source"], row["link"]),
                    )
                    for row in rows
                ],
                long=3,
            )


def concordance() -> Iterator[str]:
    """Yield how well tests agree."""
    yield from table(
        ("site", "test", "against", "measure", "result", "source"),
        [
            (
                plain(row["site"]),
                plain(row["test"]),
                plain(row["reference"]),
                plain(str(row["measure"]).replace("-", " ")),
                counted(row) if pd.isna(row["estimate"]) else f"{row['estimate']:g}",
                link(row["source"], row["link"]),
            )
            for row in query.concordance().to_dict("records")
        ],
    )


def prognosis() -> Iterator[str]:
    """Yield ratios between patients by HER2 status."""
    yield from table(
        ("site", "HER2 group", "against", "endpoint", "ratio", "analysis", "source"),
        [
            (
                plain(row["site"]),
                code(row["her2"]),
                plain(row["reference"]),
                plain(str(row["endpoint"]).upper()),
                f"{str(row['kind']).upper()} {row['estimate']:g}"
                + ("" if pd.isna(row["low"]) else f" ({row['low']:g} to {row['high']:g})"),
                shown(row["analysis"]),
                link(row["source"], row["link"]),
            )
            for row in query.prognosis().to_dict("records")
        ],
    )


# --- appraisal --------------------------------------------------------------------------------------------------------


def appraisal() -> Iterator[str]:
    """Yield the answers of every appraisal, a table a checklist; a star marks where the readers first differed."""
    frame = query.appraisal()
    for tool in AppraisalTool:
        of = frame[frame["tool"] == tool]
        if of.empty:
            continue
        yield f"## {plain(tool)}"
        yield ""
        yield "; ".join(f"{place}, {item.replace('-', ' ')}" for place, item in enumerate(tool.items, 1)) + "."
        rows, star = [], {True: "", False: r"\*"}
        for (trial, outcome), items in of.groupby(
            ["trial", of["outcome"].astype(object).fillna("")], sort=True, observed=True
        ):
            answers = items.set_index("item")
            cells = [
                answers.loc[item, "answer"].replace("-", " ") + star[pd.isna(answers.loc[item, "second"])]
                for item in tool.items
            ]
            rows.append((plain(f"{trial} ({outcome.upper()})" if outcome else trial), *cells))
        yield from table(("study", *(str(place) for place in range(1, len(tool.items) + 1))), rows)


def appraisal_agreement() -> Iterator[str]:
    """Yield in how many items the two readers agreed at first."""
    frame = query.appraisal()
    same = int(frame["second"].isna().sum())
    studies = frame["trial"].nunique()
    share = f"{100 * same / len(frame):.0f} %" if len(frame) else GAP
    yield f"{len(frame)} answers on {studies} studies; the two readers agreed at first on {same} ({share})."


# --- audit ------------------------------------------------------------------------------------------------------------


def audit_rules() -> Iterator[str]:
    """Yield the rules of the audit with their reasoning."""
    for necessary, title in ((True, "Necessary rules"), (False, "Rules of plausibility")):
        yield f"## {title}"
        rows = [(code(rule.key), plain(rule.why)) for rule in audit.RULES.values() if rule.necessary is necessary]
        yield from table(("rule", "reasoning"), rows, long=1)


def audit_warnings() -> Iterator[str]:
    """Yield the warnings on the shipped evidence, with what was seen when each was looked up again at its source."""
    path = ROOT / "tests" / "audit_warnings.toml"
    rows = tomllib.loads(path.read_text("utf-8")).get("warnings", [])
    yield from table(
        ("rule", "study", "arm", "endpoint", "finding", "seen at the source"),
        [
            (
                code(row["rule"]),
                plain(row.get("trial")),
                plain(row.get("arm")),
                plain(row.get("endpoint")),
                plain(row["message"]),
                plain(row["checked"]),
            )
            for row in rows
        ],
        long=5,
    )


# --- what was left out ------------------------------------------------------------------------------------------------


def left_out() -> list[dict[str, str]]:
    """Return the studies that are known and not in the catalog."""
    return tomllib.loads((Path(__file__).parent / "left-out.toml").read_text("utf-8")).get("left_out", [])


def not_reached() -> Iterator[str]:
    """Yield the studies that are known and not in the catalog, with the reason and where to look."""
    yield from table(
        ("study", "registry or report", "why it is not in", "what was tried, where to look"),
        [(plain(row["name"]), plain(row.get("id")), plain(row["why"]), plain(row.get("tried"))) for row in left_out()],
        long=3,
    )


def flow() -> Iterator[str]:
    """Yield the flow of studies through the search, counted from the catalog and from what was left out."""
    trials = herbtc.load().trials
    of = Counter(
        "meta-analyses, kept for reference and never pooled"
        if trial.design is Design.META_ANALYSIS
        else "with figures"
        if any(getattr(trial.figures, kind) for kind in FIGURE_KINDS)
        else "registered, without results so far"
        for trial in trials
    )
    why = Counter(row["why"] for row in left_out())
    yield ""
    yield "```text"
    yield f"{len(trials) + why.total():4} studies met in the search"
    yield "      |"
    yield f"      +--> {why.total():4} not in the catalog"
    yield from (f"      |         {number:4} {reason}" for reason, number in why.most_common())
    yield "      v"
    yield f"{len(trials):4} studies in the catalog"
    yield from (f"      +--> {number:4} {what}" for what, number in of.most_common())
    yield "```"
    yield ""


# --- variants ---------------------------------------------------------------------------------------------------------


def variants() -> Iterator[str]:
    """Yield what variants were found to do, in the order of the protein."""

    def patients(row: dict[str, Any]) -> str:
        return "" if pd.isna(row["events"]) else f", {row['events']} of {row['n']}"

    frame = query.variants()
    yield from table(
        ("variant", "domain", "activates", "finding", "drugs", "seen in", "source"),
        [
            (
                code(row["variant"]),
                shown(row["domain"]),
                plain(row["activating"]),
                plain(f"{row['effect']}{patients(row)}"),
                shown(row["drugs"]),
                there(row, "studied_in", "model") or GAP,
                f"{link(row['source'], row['link'])}, {plain(row['locator'])}",
            )
            for row in frame[frame["effect"].notna()].to_dict("records")
        ],
        long=5,
    )
    bare = frame.loc[frame["effect"].isna(), "variant"]
    if len(bare):
        yield f"Without any finding on record, only counted: {', '.join(map(code, bare))}."


def variant_counts() -> Iterator[str]:
    """Yield how often variants were counted, the most frequent first within a data set."""
    frame = query.variant_counts()
    for dataset, rows in frame.groupby("dataset", sort=False):
        yield f"### {plain(dataset)}, version {plain(rows['version'].iloc[0])}"
        yield from table(
            ("variant", "domain", "activates", "among", "counted", "source"),
            [
                (
                    code(row["variant"]),
                    shown(row["domain"]),
                    plain(row["activating"]),
                    shown(row["population"]),
                    plain(share(row)),
                    link(row["source"], row["link"]),
                )
                for row in rows.sort_values("events", ascending=False, kind="stable").to_dict("records")
            ],
        )


def share(row: dict[str, Any]) -> str:
    """Return events, n and percentage of a count as printed, with what was counted."""
    events = None if pd.isna(row["events"]) else f"{row['events']}"
    of = f"of {row['of']}" if pd.isna(row["n"]) else f"of {row['n']} {row['of']}"
    percent = None if pd.isna(row["percent"]) else f"{row['percent']:g} %"
    return f"{', '.join(filter(None, (events, percent)))} {of}"


def protein_regions() -> Iterator[str]:
    """Yield the domains of the protein."""
    catalog = herbtc.load()
    links = {source.key: source.link for source in catalog.variant_sources}
    yield from table(
        ("domain", "first residue", "last residue", "source", "note"),
        [
            (
                code(region.domain),
                region.start,
                region.end,
                f"{link(region.source, links[region.source])}, {plain(region.locator)}",
                plain(region.note or GAP),
            )
            for region in catalog.protein_regions
        ],
        numbers=(1, 2),
        long=4,
    )


PARTS_OF_EVIDENCE: dict[str, Callable[[], Iterator[str]]] = {
    "appraisal": appraisal,
    "appraisal-agreement": appraisal_agreement,
    "approvals": approvals,
    "audit-rules": audit_rules,
    "audit-warnings": audit_warnings,
    "concordance": concordance,
    "flow": flow,
    "guidelines": guidelines,
    "not-reached": not_reached,
    "prevalence": prevalence,
    "prognosis": prognosis,
    "protein-regions": protein_regions,
    "variant-counts": variant_counts,
    "variants": variants,
}
