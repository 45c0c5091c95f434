"""What differs between two catalogs, as a frame and as lines of a changelog."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import starmap
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import pandas as pd
from attrs import evolve, fields_dict, frozen

from herbtc.models import FIGURE_KINDS, VALUES, Figures, Record
from herbtc.terms import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from herbtc.models import Trial

Sections = dict[str, tuple[Any, ...]]

_WIDTH = 160

CHANGES = ("added", "changed", "withdrawn")
SECTIONS = (
    *("trials", "sources", "arms", "appraisals", *FIGURE_KINDS),
    *("mechanisms", "agents", "definitions", "clauses", "approvals", "guidelines"),
    *("prevalence", "concordance", "prognosis", "protein_regions", "variants"),
    *("agent_sources", "definition_sources", "approval_sources", "guideline_sources", "prevalence_sources"),
    "variant_sources",
)
COLUMNS = (
    *("change", "section", "trial", "arm", "population", "endpoint", "source", "record"),
    *("before", "after", "reason"),
)


@frozen(eq=False)
class _Known:
    """A record with its section and study, what it is about, and what it says of that."""

    section: str
    trial: str | None
    record: Any
    about: tuple[tuple[str, Any], ...]
    says: Mapping[str, Any]

    @property
    def place(self) -> tuple[Any, ...]:
        return self.section, self.trial, self.about


def diff(before: Sections, after: Sections) -> pd.DataFrame:
    """Return what was added, changed and withdrawn, one row per record, from the records of two catalogs by section."""
    found: list[dict[str, Any]] = []
    old, new = _by_place(before), _by_place(after)
    for place in old.keys() | new.keys():
        # Where two records say different things of the same, only what is in one alone is a change.
        ours, theirs = new.get(place, []), old.get(place, [])
        gone = [each for each in theirs if each.record not in [other.record for other in ours]]
        come = [each for each in ours if each.record not in [other.record for other in theirs]]
        paired = min(len(gone), len(come))
        found += [_row("changed", one, other) for one, other in zip(gone, come, strict=False)]
        found += [_row("withdrawn", each, None) | {"reason": _with(each, new, "withdrawn")} for each in gone[paired:]]
        found += [_row("added", None, each) | {"reason": _with(each, old, "new")} for each in come[paired:]]
    frame = pd.DataFrame(found, columns=list(COLUMNS)).astype(dict.fromkeys(COLUMNS, "string"))
    for name, words in (("change", CHANGES), ("section", SECTIONS)):
        frame[name] = pd.Categorical(frame[name], categories=list(words), ordered=True)
    return frame.sort_values(list(COLUMNS), kind="stable", ignore_index=True)


def _by_place(sections: Sections) -> dict[tuple[Any, ...], list[_Known]]:
    known: dict[tuple[Any, ...], list[_Known]] = defaultdict(list)
    for each in _every(sections):
        known[each.place].append(each)
    return {place: sorted(found, key=lambda each: repr(each.record)) for place, found in known.items()}


def _every(sections: Sections) -> Iterator[_Known]:
    for section, records in sections.items():
        for record in records:
            if section == "trials":
                yield from _of_study(record)
            else:
                yield _known(section, None, record)


def _of_study(trial: Trial) -> Iterator[_Known]:
    inside = ("sources", "arms", "appraisals")
    # A study that was compared with its sources once more has not changed by that.
    bare = evolve(trial, sources=(), arms=(), appraisals=(), figures=Figures(), reviewed=None)
    says = {name: getattr(bare, name) for name in fields_dict(type(bare)) if name not in (*inside, "figures")}
    yield _Known("trials", trial.key, bare, (), says)
    for section in inside:
        for record in getattr(trial, section):
            yield _known(section, trial.key, record)
    for section in FIGURE_KINDS:
        for figure in getattr(trial.figures, section):
            yield _known(section, trial.key, figure)


def _known(section: str, trial: str | None, record: Any) -> _Known:
    fields = {name: getattr(record, name) for name in fields_dict(type(record))}
    naming = ["key"] if "key" in fields else ["tool", "outcome", "source"] if section == "appraisals" else None
    about = {name: value for name, value in fields.items() if (name in naming if naming else name not in VALUES)}
    says = {name: value for name, value in fields.items() if name not in about}
    return _Known(section, trial, record, tuple(about.items()), says)


def _row(change: str, before: _Known | None, after: _Known | None) -> dict[str, Any]:
    either = after or before
    assert either is not None  # noqa: S101  (a record is in one of the two at least)
    about = dict(either.about)
    figure = either.section in FIGURE_KINDS
    shown = {name: about.pop(name, None) for name in ("arm", "endpoint", "source")}
    population = about.pop("population", None) or (EVERYONE if figure else None)
    old, new = (each.says if each else {} for each in (before, after))
    differs = [name for name in either.says if before is None or after is None or old[name] != new[name]]
    remarks = [name for name in ("corrected", "suspect", "note") if name in differs]
    if before and after and len(differs) > len(remarks):
        # Beside another change a remark is the reason of that; that a figure is no longer suspect is a change itself.
        differs = [name for name in differs if name not in ("corrected", "note")]
    return {
        "change": change,
        "section": either.section,
        "trial": either.trial,
        **{name: None if value is None else str(value) for name, value in shown.items()},
        "population": population,
        "record": about["key"] if "key" in about else _words(about),
        "before": _words({name: old[name] for name in differs}, gaps=after is not None) if before else None,
        "after": _words({name: new[name] for name in differs}, gaps=before is not None) if after else None,
        "reason": next((new[name] for name in remarks if new[name] is not None), None) if before and after else None,
    }


def _with(known: _Known, other: Collection[tuple[Any, ...]], what: str) -> str | None:
    # What a record came or went with.
    if known.trial is None or known.section == "trials":
        return None
    if ("trials", known.trial, ()) not in other:
        return f"with its study, which is {what}"
    source = dict(known.about).get("source")
    if source is not None and ("sources", known.trial, (("key", source),)) not in other:
        return f"with its source, which is {what}"
    return None


def _words(values: Mapping[str, Any], *, gaps: bool = False) -> str | None:
    there = {name: value for name, value in values.items() if gaps or value not in (None, ())}
    return ", ".join(f"{name} {_word(value)}" for name, value in there.items()) or None


def _word(value: Any) -> str:
    if value is None or value == ():
        return "not reported"
    if isinstance(value, tuple):
        return " ".join(map(_word, value))
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, Record) else str(value)


# --- a changelog ------------------------------------------------------------------------------------------------------


def changelog(changes: pd.DataFrame) -> str:
    """Return what a frame of changes says as a Markdown list: studies, then what changed in others, then the rest."""
    rows = changes.astype(object).where(changes.notna(), None).to_dict("records")
    lines = []
    whole: dict[str, set[str]] = {}
    for change in ("added", "withdrawn"):
        keys = [row["trial"] for row in rows if row["section"] == "trials" and row["change"] == change]
        of = Counter(row["trial"] for row in rows if row["section"] in FIGURE_KINDS and row["change"] == change)
        whole[change] = set(keys)
        if keys:
            lines.append(f"- Studies {change}: {', '.join(f'`{key}` ({_figures(of[key])})' for key in keys)}.")
    rest = [row for row in rows if row["trial"] not in whole.get(row["change"], ())]
    for key in sorted({row["trial"] for row in rest if row["trial"]}):
        of_study = [row for row in rest if row["trial"] == key]
        lines += [f"- `{key}`:", *(f"  - {line}" for line in _about(of_study))]
    lines += [f"- {line}" for line in _about([row for row in rest if not row["trial"]])]
    return "\n".join(lines) or "- No change."


def _about(rows: list[dict[Any, Any]]) -> Iterator[str]:
    # What was added, counted by section and source; then each change and each withdrawal by itself.
    new = Counter((row["section"], row["source"]) for row in rows if row["change"] == "added")
    named = {(row["section"], row["source"]): row["record"] for row in rows if row["change"] == "added"}
    for (section, source), count in new.items():
        one = f", `{named[section, source]}`" if count == 1 and section not in FIGURE_KINDS else ""
        yield f"{section.replace('_', ' ')}: {count} added{one}{f' from `{source}`' if source else ''}."
    yield from starmap(_line, ((row["change"], row) for row in rows if row["change"] != "added"))


def _line(change: str, row: dict[Any, Any]) -> str:
    names = ("arm", "population", "endpoint", "source", "record")
    what = ", ".join(row[name] for name in names if row[name] not in (None, EVERYONE))
    before, after = (shorten(row[name] or "", _WIDTH, placeholder=" …") for name in ("before", "after"))
    says = f"{before} → {after}" if change == "changed" else before
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{row['section'].replace('_', ' ')} {change}: {f'{what}: ' if what else ''}{says}{reason}."


def _figures(number: int) -> str:
    return "1 figure" if number == 1 else f"{number} figures"
