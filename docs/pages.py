"""Write the parts of pages that are tables of code and data.

`write` is called by conf.py at each build; what it writes is included by the pages beside it.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import tomllib
from collections import Counter
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from evidence_pages import PARTS_OF_EVIDENCE
from explorer import PARTS_OF_EXPLORER
from markup import GAP, code, count, link, plain, table, unbroken
from table_pages import PARTS_OF_TABLES

import herbtc
from herbtc import her2, query, terms
from herbtc.measures import MEASURES
from herbtc.models import FIGURE_KINDS
from herbtc.synthesis import TAU2
from herbtc.terms import Endpoint, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    from herbtc.models import Figure, Source, Trial

ROOT = Path(__file__).parents[1]
FEW_WORDS = 6


def write(folder: Path) -> None:
    """Write all parts into a folder."""
    folder.mkdir(exist_ok=True)
    for name, part in PARTS.items():
        text = "\n".join(part()) + "\n"
        path = folder / f"{name}.md"
        # A part that did not change keeps its time, so that Sphinx need not read its page again.
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


# --- code -------------------------------------------------------------------------------------------------------------


def vocabularies() -> dict[str, type[StrEnum]]:
    """Return the enumerations of `herbtc.terms` by name, in the order of the module."""
    return {
        name: each
        for name, each in vars(terms).items()
        if inspect.isclass(each) and issubclass(each, StrEnum) and each.__module__.startswith(terms.__name__)
    }


def columns() -> Iterator[str]:
    """Yield the columns of every frame."""
    by_words = {tuple(map(str, each)): name for name, each in vocabularies().items()}

    def categories(words: tuple[str, ...], *, ordered: bool) -> str:
        if not words:
            return GAP
        name = by_words.get(words, "")
        shown = " ".join(map(code, words)) if len(words) <= FEW_WORDS else f"{len(words)} words"
        order = ", ordered" if ordered else ""
        return f"[{name}](#words-{name.lower()}){order}: {shown}" if name else shown

    def rows(every: Iterable[Any]) -> Iterator[Sequence[object]]:
        for each in every:
            meaning = plain(each.about)
            yield code(each.name), code(each.dtype), meaning, categories(each.words, ordered=each.ordered)

    header = ("column", "dtype", "meaning", "categories")
    figures = [query.COLUMNS[kind] for kind in FIGURE_KINDS]
    first, last = shared(figures), shared([every[::-1] for every in figures])[::-1]
    yield "## Figures"
    yield ""
    yield f"The frames of {', '.join(code(kind) for kind in FIGURE_KINDS)} share their first and their last columns."
    yield "### First columns of every figure frame"
    yield from table(header, rows(first), long=2)
    for kind, every in zip(FIGURE_KINDS, figures, strict=True):
        yield f"### {kind.replace('_', ' ').capitalize()}"
        yield ""
        yield f"Between the first and the last columns, `query.{kind}` has:"
        yield from table(header, rows(every[len(first) : len(every) - len(last)]), long=2)
    yield "### Last columns of every figure frame"
    yield from table(header, rows(last), long=2)
    yield "## Records"
    for kind, every in query.COLUMNS.items():
        if kind not in FIGURE_KINDS:
            yield f"### {kind.capitalize()}"
            yield from table(header, rows(every), long=2)


def shared(sequences: Sequence[Sequence[Any]]) -> list[Any]:
    """Return what all sequences begin with."""
    start = []
    for each in zip(*sequences, strict=False):
        if any(other is not each[0] for other in each):
            break
        start.append(each[0])
    return start


def words() -> Iterator[str]:
    """Yield every vocabulary with its words."""
    for name, each in vocabularies().items():
        yield f"(words-{name.lower()})="
        yield f"## {name}"
        yield ""
        yield from (inspect.getdoc(each) or "").splitlines()
        if each is terms.Stratum:
            rows = ((code(word), code(word.by), " ".join(map(code, sorted(word.groups)))) for word in terms.Stratum)
            yield from table(("word", "partition", "groups that it unites"), rows)
        elif each is terms.MechanismClass:
            directed = ((code(word), "yes" if word.her2_directed else "no") for word in terms.MechanismClass)
            yield from table(("word", "HER2-directed"), directed)
        else:
            yield ""
            yield " ".join(map(code, each))
            yield ""


def methods() -> Iterator[str]:
    """Yield the measures and the estimators."""
    yield "### Measures"
    yield ""
    yield "What `measures.effects` takes as `measure`."
    rows = [
        (code(each.name), plain(each.words), code(each.metafor), "yes" if each.adds else "no")
        for each in MEASURES.values()
    ]
    yield from table(("word", "what is pooled", "metafor", "adds 1/2 where a cell is empty"), rows)
    yield "### Estimators of τ²"
    yield ""
    yield "What `synthesis.pool` takes as `method`."
    yield from table(("word", "name"), [(code(name), plain(about)) for name, (about, _) in TAU2.items()])


# --- data -------------------------------------------------------------------------------------------------------------


def definitions() -> Iterator[str]:
    """Yield what studies and labels call HER2-positive."""
    catalog = herbtc.load()
    places = {source.key: source.link for source in catalog.definition_sources}
    for row in query.definitions().to_dict("records"):
        yield f"## {plain(row['name'])}"
        yield ""
        yield f"{plain(row['words'])}."
        facts = [
            ("key", code(row["definition"])),
            ("logic", code(row["logic"])),
            ("HER2 group", code(row["group"])),
            ("laboratory", code(row["laboratory"]) if isinstance(row["laboratory"], str) else "not reported"),
            ("arms", GAP if pd.isna(row["arms"]) else ", ".join(map(code, row["arms"].split("; ")))),
            ("source", f"{link(row['source'], places[row['source']])}, {plain(row['locator'])}"),
        ]
        if not pd.isna(row["note"]):
            facts.append(("note", plain(row["note"])))
        yield ""
        yield from (f"- {what}: {fact}" for what, fact in facts)
        yield ""


def definition_matrix() -> Iterator[str]:
    """Yield which kinds of tumour meet which definition, as a table of its own."""
    frame = query.definition_matrix().set_index("definition")
    names = {each.key: each.name for each in herbtc.load().definitions}
    yield "```{raw} html"
    yield '<div class="her2-matrix"><table><thead><tr><th scope="col">definition</th>'
    yield from (f'<th scope="col"><span>{escape(tumour)}</span></th>' for tumour in frame.columns)
    yield "</tr></thead><tbody>"
    # Those that answer alike stand together, the widest first, so that disagreement shows as steps.
    order = sorted(frame.index, key=lambda key: ([*(-(frame.loc[key] == "yes").to_numpy().astype(int))], key))
    for key in order:
        yield f'<tr><th scope="row">{escape(names[key])}</th>'
        yield from (f'<td class="{answer}">{answer if answer != "unknown" else "?"}</td>' for answer in frame.loc[key])
        yield "</tr>"
    yield "</tbody></table></div>"
    yield "```"


def clauses() -> Iterator[str]:
    """Yield what the guidelines on testing say, clause by clause."""
    places = {source.key: source.link for source in herbtc.load().definition_sources}
    for word, criteria in her2.CRITERIA.items():
        found = query.criteria(criteria=word) if word in ("gastric-2016", "breast-2018") else None
        if found is None:
            continue
        yield f"### {plain(criteria.name)}"
        yield from table(
            ("clause", "rule", "where", "seen"),
            (
                (
                    code(row["clause"]),
                    plain(row["rule"]),
                    f"{link(row['source'], places[row['source']])}, {plain(row['locator'])}"
                    if isinstance(row["source"], str)
                    else "ours",
                    f"{row['seen']}{', contested' if row['contested'] else ''}",
                )
                for row in found.to_dict("records")
            ),
            long=1,
        )


def studies() -> Iterator[str]:
    """Yield the studies with the number of their reports and figures, HER2-directed ones first."""
    frame = query.trials()
    for directed, title in (
        (True, "Studies of HER2-directed therapy"),
        (False, "Benchmarks: standard therapy, no HER2-directed agent"),
    ):
        rows = frame[frame["her2_directed"] == directed].to_dict("records")
        yield f"### {title}"
        yield from table(
            ("study", "phase", "design", "mechanism", "patients", "reports", "figures", "registry"),
            [
                (
                    f"[{plain(row['name'])}](#reports-{row['trial']})",
                    plain(row["phase"]),
                    plain(row["design"]),
                    plain(row["mechanism"]),
                    "not printed" if pd.isna(row["n"]) else row["n"],
                    row["sources"],
                    row["figures"],
                    plain(row["registry_ids"]),
                )
                for row in rows
            ],
            numbers=(4, 5, 6),
        )


def reports() -> Iterator[str]:
    """Yield the reports of every study."""
    for trial in herbtc.load().trials:
        read = Counter(figure.source for _, figure in figures(trial))
        yield f"(reports-{trial.key})="
        yield f"## {plain(trial.name)}"
        yield ""
        phase = f"phase {trial.phase}" if trial.phase else None
        facts = [trial.design.capitalize(), phase, trial.sponsor, *trial.registry_ids]
        yield f"{plain('; '.join(fact for fact in facts if fact))}; key {code(trial.key)}."
        if trial.overlaps:
            yield f"Shares, or may share, patients with {', '.join(map(code, trial.overlaps))}."
        if trial.note:
            yield plain(trial.note)
        yield from table(
            ("report", "kind", "title", "figures", "published", "data cut-off"),
            [
                (
                    link(source.key, source.link),
                    plain(source.kind),
                    about(source),
                    count(read[source.key]),
                    unbroken(source.published or source.year),
                    ", ".join(map(unbroken, source.cutoffs)) or GAP,
                )
                for source in trial.sources
            ],
            numbers=(3,),
            long=2,
        )


def about(source: Source) -> str:
    """Return title and venue of a report, and the page that quotes it where it was not read itself."""
    text = f"{plain(source.title)}. {plain(source.venue)}" if source.venue else plain(source.title)
    return f"{text} ({link('read in a page that quotes it', source.via)})" if source.via else text


def figures(trial: Trial) -> Iterator[tuple[str, Any]]:
    """Yield all figures of a study with their kind."""
    for kind in FIGURE_KINDS:
        for figure in getattr(trial.figures, kind):
            yield kind, figure


# Columns of the matrix of completeness: a kind of figure, and the endpoints that count.
_BEST = ("cr", "pr", "sd", "pd", "ne")
_MATRIX: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "ORR": ("proportions", ("orr",)),
    "DCR": ("proportions", ("dcr",)),
    "CBR": ("proportions", ("cbr",)),
    "best responses": ("proportions", _BEST),
    "DOR": ("durations", ("dor",)),
    "TTR": ("durations", ("ttr",)),
    "PFS": ("durations", ("pfs",)),
    "OS": ("durations", ("os",)),
    "rates at a time": ("landmarks", None),
    "ratios": ("contrasts", None),
    "baseline": ("baseline", None),
    "adverse events": ("adverse_events", None),
}


def completeness() -> Iterator[str]:
    """Yield how many figures of each kind each study has."""
    directed: dict[str, bool] = dict(query.trials()[["trial", "her2_directed"]].itertuples(index=False))
    rows = []
    for trial in sorted(herbtc.load().trials, key=lambda each: not directed[each.key]):
        found = Counter((kind, str(getattr(figure, "endpoint", ""))) for kind, figure in figures(trial))
        cells = [
            sum(number for (of, endpoint), number in found.items() if of == kind and (only is None or endpoint in only))
            for kind, only in _MATRIX.values()
        ]
        rows.append([plain(trial.name), *map(count, cells), sum(found.values())])
    yield from table(("study", *_MATRIX, "all"), rows, numbers=range(1, len(_MATRIX) + 2))


def agreement() -> Iterator[str]:
    """Yield how far the two extractions agree, by study and by kind of figure."""
    extraction = comparison()
    by_study: dict[str, Counter[str]] = {}
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in extraction.SECTIONS}
    for trial in herbtc.load().trials:
        mine = by_study[trial.name] = Counter()
        for kind, what, number in differences(extraction, trial.key):
            mine[what] += number
            by_kind[kind][what] += number
    yield "### By study"
    yield from agreement_table("study", by_study)
    yield "### By kind of figure"
    yield from agreement_table("figures", {kind.replace("_", " "): tally for kind, tally in by_kind.items()})


_SHIPPED, _SECOND, _SAME, _OPEN = "shipped", "in the second extraction", "the same in both", "open"
_WAS = ("disagreement", "omitted by the first reader", "omitted by the second reader")


def comparison() -> ModuleType:
    """Return the program that compares the two extractions; it stands with the tests."""
    spec = importlib.util.spec_from_file_location("extraction", ROOT / "tests" / "extraction.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(ROOT / "tests" / "extraction.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(extraction: ModuleType, key: str) -> Iterator[tuple[str, str, int]]:
    """Yield kind of figure, what was found and how often, for one study."""
    first = extraction.figures(extraction.FIRST / f"{key}.toml")
    second = extraction.figures(extraction.SECOND / f"{key}.toml")
    for kind, figure in first:
        yield kind, _SHIPPED, 1
        rivals = [other for of, other in second if extraction.identity(of, other) == extraction.identity(kind, figure)]
        yield kind, _SAME, any(extraction.agree(figure, other) for other in rivals)
    for kind, _ in second:
        yield kind, _SECOND, 1
    for record in settlements(extraction.SETTLED / f"{key}.toml"):
        yield record["figure"].split(":")[0], f"{record['was']}: {record['decision']}", 1
    done = extraction.settled(key)
    for lines in extraction.unsettled(key).values():
        for line in lines:
            yield line.split(":")[0], _OPEN, line not in done


def settlements(path: Path) -> list[dict[str, str]]:
    """Return the records of how differences were settled."""
    return tomllib.loads(path.read_text("utf-8")).get("settled", []) if path.exists() else []


def agreement_table(what: str, tallies: dict[str, Counter[str]]) -> Iterator[str]:
    """Yield a table of agreement with its total."""
    total = Counter[str]()
    for tally in tallies.values():
        total.update(tally)

    def cells(tally: Counter[str]) -> Iterator[object]:
        yield from (count(tally[name]) for name in (_SHIPPED, _SECOND, _SAME))
        for was in _WAS:
            decided = {name.split(": ")[1]: number for name, number in tally.items() if name.startswith(f"{was}:")}
            each = ", ".join(f"{number} {decision}" for decision, number in sorted(decided.items()))
            yield f"{sum(decided.values())}: {each}" if len(decided) > 1 else each or GAP
        yield count(tally[_OPEN])

    rows = [[plain(name), *cells(tally)] for name, tally in tallies.items()]
    rows.append(["**all**", *cells(total)])
    yield from table((what, _SHIPPED, _SECOND, _SAME, *_WAS, _OPEN), rows, numbers=(1, 2, 3, 7), long=4)


def suspects() -> Iterator[str]:
    """Yield the figures that are kept but not used, with the reasons."""
    rows = [
        (
            plain(trial.name),
            plain(f"{figure.arm}, {figure.population}" if figure.population else figure.arm),
            plain(f"{named(figure)}: {printed(figure)}"),
            plain(figure.suspect),
            link(figure.source, trial.source(figure.source).link),
        )
        for trial in herbtc.load().trials
        for _, figure in figures(trial)
        if figure.suspect is not None
    ]
    yield from table(("study", "arm", "figure as printed", "why it is suspect", "report"), rows, long=3)


def named(figure: Figure) -> str:
    """Return what a figure is about."""
    names = ("endpoint", "item", "term", "grade", "attribution", "consequence", "kind")
    of = {name: getattr(figure, name, None) for name in names}
    if of["grade"] is not None:
        of["term"] = "any event" if of["term"] == "any" else of["term"]
        of["grade"] = "any grade" if of["grade"] == "any" else f"grade {of['grade']}"
    found = list(of.values())
    if (at := getattr(figure, "at", None)) is not None:
        found.append(f"at {at} {figure.unit.removesuffix('s') if at == 1 else figure.unit}")  # type: ignore[attr-defined]
    return ", ".join(str(each) for each in found if each is not None)


def printed(figure: Figure) -> str:
    """Return the numbers of a figure as printed."""
    of = {name: getattr(figure, name, None) for name in ("events", "n", "percent", "median", "estimate", "low", "high")}
    if of["events"] is not None:
        parts = [f"{of['events']} of {of['n']}" if of["n"] is not None else f"{of['events']} patients"]
    else:
        parts = [f"n = {of['n']}"] if of["n"] is not None else []
    if of["percent"] is not None:
        parts.append(f"{of['percent']}\N{NO-BREAK SPACE}%")
    value = of["median"] if of["median"] is not None else of["estimate"]
    if value is not None:
        unit = getattr(figure, "unit", None)
        parts.append(f"{value} {unit}" if unit else str(value))
    ends = [GAP if of[name] is None else str(of[name]) for name in ("low", "high")]
    if ends != [GAP, GAP]:
        parts.append(f"({' to '.join(ends)})")
    return ", ".join(parts).replace(", (", " (")


def levels() -> Iterator[str]:
    """Yield how many intervals there are of each level, and figures whose source prints an interval without one."""
    found: Counter[str] = Counter()
    without = []
    for trial in herbtc.load().trials:
        for kind, figure in figures(trial):
            ends = (getattr(figure, "low", None), getattr(figure, "high", None))
            is_ci = getattr(figure, "interval", Interval.CI) is Interval.CI and kind != "baseline"
            if not is_ci or ends == (None, None):
                continue
            if figure.level is None:
                without.append((trial, figure))
            else:
                sides = "" if figure.sides == "two" else ", one-sided"
                found[f"{figure.level} %{sides}"] += 1
    yield from table(("level", "confidence intervals"), sorted(found.items()), numbers=(1,))
    if not without:
        yield "No report prints a confidence interval without its level."
        return
    yield "These figures are printed with an interval but without its level:"
    rows = [
        (
            plain(trial.name),
            plain(figure.arm),
            plain(named(figure)),
            plain(printed(figure)),
            link(figure.source, trial.source(figure.source).link),
        )
        for trial, figure in without
    ]
    yield from table(("study", "arm", "figure", "as printed", "report"), rows)


def numbers() -> Iterator[str]:
    """Yield the size of the release in a sentence."""
    catalog = herbtc.load()
    reports = sum(len(trial.sources) for trial in catalog.trials)
    rates = sum(figure.endpoint is Endpoint.ORR for trial in catalog.trials for figure in trial.figures.proportions)
    yield f"Release {catalog.release} holds {catalog}; its studies name {reports} reports."
    yield f"{rates} of the figures are response rates."


def search_log() -> Iterator[str]:
    """Yield the search log, its headings moved below those of the page; nothing where there is none."""
    path = Path(__file__).parent / "search-log.md"
    if not path.exists():
        return
    lines = path.read_text("utf-8").splitlines()
    fenced, places = False, []
    for place, line in enumerate(lines):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and re.match(r"#{1,6} ", line):
            places.append(place)
    top = min((len(lines[place].split(" ")[0]) for place in places), default=2)
    for place in places:
        lines[place] = "#" * max(0, 2 - top) + lines[place]
    yield from lines


def simulated() -> Iterator[str]:
    """Yield the coverage and the width of intervals, from the stored simulation."""
    stored = pd.read_csv(Path(__file__).parent / "simulation.csv")
    mean, new = (stored[stored["interval"] == interval] for interval in ("mean", "new"))
    for heading, rows in (
        *((f"Intervals of the mean, τ = {tau:g}", mean[mean["tau"] == tau]) for tau in sorted(mean["tau"].unique())),
        (
            f"Intervals of the mean, rate {100 * mean['rate'].min():g} %, τ above 0",
            mean[(mean["rate"] == mean["rate"].min()) & (mean["tau"] > 0)],
        ),
        *((f"Prediction intervals, τ = {tau:g}", new[new["tau"] == tau]) for tau in sorted(new["tau"].unique()) if tau),
    ):
        cells = rows.pivot_table(index="method", columns="k", values=["coverage", "width"], sort=False)
        yield f"### {heading}"
        yield ""
        yield "Coverage in percent, then mean width in percentage points."
        yield from table(
            ("interval", *(f"{what}, k = {k}" for what, k in cells.columns)),
            [(plain(method), *(f"{value:.1f}" for value in row)) for method, *row in cells.itertuples(name=None)],
            numbers=range(1, len(cells.columns) + 1),
        )


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "agreement": agreement,
    "columns": columns,
    "completeness": completeness,
    "clauses": clauses,
    "definition_matrix": definition_matrix,
    "definitions": definitions,
    "levels": levels,
    "methods": methods,
    "numbers": numbers,
    "reports": reports,
    "simulation": simulated,
    "search-log": search_log,
    "studies": studies,
    "suspects": suspects,
    "vocabularies": words,
    **PARTS_OF_EVIDENCE,
    **PARTS_OF_EXPLORER,
    **PARTS_OF_TABLES,
}
