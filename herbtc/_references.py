"""References between records: every key that a file names must exist, and none may be there twice.

Checked on the parsed documents and not on the records, so that a broken value hides no broken reference.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from attrs import frozen

from herbtc.errors import Problem, shown
from herbtc.models import FIGURE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

Document = dict[str, Any]
Fault = tuple[str, str]
"""Path inside the file, and what was expected there."""

_OWN_SOURCE = "a source of this file"


@frozen
class _Known:
    """Keys that exist: `taken` in the catalog that is extended, `known` with those of the folder added.

    A section of a file that could not be parsed is None in `known`: then nothing is said about references into it.
    """

    taken: Mapping[str, Collection[str]]
    known: Mapping[str, Collection[str] | None]
    also: Mapping[str, str]


def broken(
    files: Mapping[str, Document | None], taken: Mapping[str, Collection[str]], also: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield a problem for each reference to nothing and each key that is there twice.

    Parameters
    ----------
    files : mapping of str
        The parsed document of each file of a folder; None where it could not be parsed.
    taken : mapping of str
        The keys of ``mechanisms agents definitions approvals guidelines trials variants`` that exist already.
    also : mapping of str to str
        Names and registrations of the studies that exist already, with case folded, and the key that each goes by.
    """
    sections = {"mechanisms": "agents.toml", "agents": "agents.toml"} | {
        section: f"{section}.toml" for section in ("definitions", "approvals", "guidelines", "variants")
    }
    known: dict[str, Collection[str] | None] = {
        section: None
        if file in files and files[file] is None
        else {*taken[section], *_keys(_tables(files.get(file), section))}
        for section, file in sections.items()
    }
    known["trials"] = {*taken["trials"], *(_stem(file) for file in files if file.startswith("trials/"))}
    keys = _Known(taken, known, also)
    for file, document in files.items():
        if document is not None:
            find = _IN.get(file)
            found = find(document, keys) if find else _in_study(_stem(file), document, keys)
            yield from (Problem(file, path, message) for path, message in found)


def _stem(file: str) -> str:
    return PurePosixPath(file).stem


# --- keys and references ----------------------------------------------------------------------------------------------


def _tables(document: object, section: str) -> list[tuple[int, Document]]:
    records = document.get(section) if isinstance(document, dict) else None
    if not isinstance(records, list):
        return []
    return [(place, record) for place, record in enumerate(records) if isinstance(record, dict)]


def _text(record: Document, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _keys(records: Iterable[tuple[int, Document]]) -> set[str]:
    return {record["key"] for _, record in records if isinstance(record.get("key"), str)}


def _doubled(path: str, keys: Iterable[tuple[int, object]], taken: Collection[str] = ()) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, key in keys:
        if isinstance(key, str):
            if key in seen:
                yield path.format(place), f"expected each key once, got {key!r} again"
            elif key in taken:
                yield path.format(place), f"expected a new key; {key!r} is in the catalog already"
            seen.add(key)


def _repeated(document: Document, section: str, taken: Collection[str] = ()) -> Iterator[Fault]:
    keys = ((place, record.get("key")) for place, record in _tables(document, section))
    return _doubled(f"{section}[{{}}].key", keys, taken)


def _dangling(
    path: str, record: Document, name: str, known: Collection[str] | None, *, what: str = _OWN_SOURCE
) -> Iterator[Fault]:
    value = record.get(name)
    if known is None or value is None:
        return
    values = enumerate(value) if isinstance(value, list) else [(None, value)]
    for place, each in values:
        if isinstance(each, str) and each not in known:
            where = f"{path}{name}" if place is None else f"{path}{name}[{place}]"
            yield where, f"expected the key of {what}, got {each!r}; there are: {', '.join(sorted(known)) or 'none'}"


# --- one kind of file each --------------------------------------------------------------------------------------------


def _in_agents(document: Document, keys: _Known) -> Iterator[Fault]:
    sources = _keys(_tables(document, "sources"))
    yield from _repeated(document, "sources")
    for section in ("mechanisms", "agents"):
        yield from _repeated(document, section, keys.taken[section])
        for i, record in _tables(document, section):
            yield from _dangling(f"{section}[{i}].", record, "source", sources)
    for i, agent in _tables(document, "agents"):
        path = f"agents[{i}]."
        yield from _dangling(path, agent, "mechanism", keys.known["mechanisms"], what="a mechanism")
        for section in ("targets", "identifiers"):
            for j, record in _tables(agent, section):
                yield from _dangling(f"{path}{section}[{j}].", record, "source", sources)
        conjugate = agent.get("conjugate")
        if isinstance(conjugate, dict):
            yield from _dangling(f"{path}conjugate.", conjugate, "source", sources)
            for j, ratio in _tables(conjugate, "ratios"):
                yield from _dangling(f"{path}conjugate.ratios[{j}].", ratio, "source", sources)


def _in_definitions(document: Document, keys: _Known) -> Iterator[Fault]:
    sources = _keys(_tables(document, "sources"))
    yield from _repeated(document, "sources")
    for section in ("definitions", "clauses"):
        yield from _repeated(document, section, keys.taken[section])
        for i, record in _tables(document, section):
            yield from _dangling(f"{section}[{i}].", record, "source", sources)


def _in_acts(section: str, document: Document, keys: _Known) -> Iterator[Fault]:
    sources = _keys(_tables(document, "sources"))
    yield from _repeated(document, "sources")
    yield from _repeated(document, section, keys.taken[section])
    for i, act in _tables(document, section):
        path = f"{section}[{i}]."
        yield from _dangling(path, act, "source", sources)
        yield from _dangling(path, act, "agents", keys.known["agents"], what="an agent")
        yield from _dangling(path, act, "definition", keys.known["definitions"], what="a HER2 definition")
        yield from _dangling(path, act, "trial", keys.known["trials"], what="a study")
        known = keys.known[section]
        others = None if known is None else set(known) - {_text(act, "key")}
        yield from _dangling(path, act, "replaces", others, what="another of these")


def _in_prevalence(document: Document, _: _Known) -> Iterator[Fault]:
    sources = _keys(_tables(document, "sources"))
    yield from _repeated(document, "sources")
    for section in ("prevalence", "concordance", "prognosis"):
        for i, figure in _tables(document, section):
            yield from _dangling(f"{section}[{i}].", figure, "source", sources)


def _in_variants(document: Document, keys: _Known) -> Iterator[Fault]:
    sources = _keys(_tables(document, "sources"))
    agents = keys.known["agents"]
    yield from _repeated(document, "sources")
    yield from _repeated(document, "variants", keys.taken["variants"])
    for i, region in _tables(document, "regions"):
        yield from _dangling(f"regions[{i}].", region, "source", sources)
    for i, variant in _tables(document, "variants"):
        for section in ("counts", "evidence"):
            for j, record in _tables(variant, section):
                path = f"variants[{i}].{section}[{j}]."
                yield from _dangling(path, record, "source", sources)
                yield from _dangling(path, record, "agents", agents, what="an agent")
                others = record.get("other_drugs")
                for k, drug in enumerate(others if isinstance(others, list) else ()):
                    if agents is not None and drug in agents:
                        yield f"{path}other_drugs[{k}]", f"expected a drug that is no agent; {drug!r} belongs in agents"


_IN: dict[str, Callable[[Document, _Known], Iterator[Fault]]] = {
    "agents.toml": _in_agents,
    "definitions.toml": _in_definitions,
    "approvals.toml": partial(_in_acts, "approvals"),
    "guidelines.toml": partial(_in_acts, "guidelines"),
    "prevalence.toml": _in_prevalence,
    "variants.toml": _in_variants,
    "corrections.toml": lambda *_: iter(()),  # what they refer to is asked of the records
}


def _in_study(stem: str, document: Document, keys: _Known) -> Iterator[Fault]:
    if isinstance(document.get("key"), str) and document["key"] != stem:
        yield "key", f"expected the name of the file, {stem!r}, got {document['key']!r}"
    if stem in keys.taken["trials"]:
        yield "key", f"expected a new key; {stem!r} is in the catalog already{_WHAT_TO_DO}"
    else:
        yield from _same_study(document, keys.also)
    others = set(keys.known["trials"] or ()) - {stem}
    yield from _dangling("", document, "overlaps", others, what="another study")
    yield from _repeated(document, "sources")
    yield from _in_arms(document, keys)
    for i, appraisal in _tables(document, "appraisals"):
        yield from _dangling(f"appraisals[{i}].", appraisal, "source", _keys(_tables(document, "sources")))
    yield from _in_figures(document, keys)


_WHAT_TO_DO = ": leave the file out, and put figures right in corrections.toml"


def _same_study(document: Document, also: Mapping[str, str]) -> Iterator[Fault]:
    # The patients of one study under two keys would be counted twice, unless it is said that they overlap.
    ids, declared = document.get("registry_ids"), document.get("overlaps")
    named = [("name", document.get("name"))]
    named += [(f"registry_ids[{place}]", each) for place, each in enumerate(ids if isinstance(ids, list) else ())]
    for path, name in named:
        key = also.get(name.casefold()) if isinstance(name, str) else None
        if key is not None and not (isinstance(declared, list) and key in declared):
            message = (
                f"expected another study, or {key!r} in overlaps if some patients are the same; {shown(name)} is "
                f"{key!r} in the catalog already{_WHAT_TO_DO}"
            )
            yield path, message


def _in_arms(document: Document, keys: _Known) -> Iterator[Fault]:
    arms, sources = _tables(document, "arms"), _keys(_tables(document, "sources"))
    yield from _repeated(document, "arms")
    parts = {_text(arm, "key"): arm.get("parts") for _, arm in arms}
    for i, arm in arms:
        path = f"arms[{i}]."
        if _within_itself(_text(arm, "key"), parts):
            yield f"{path}parts", "expected no arm inside itself, not by way of its parts either"
        yield from _dangling(path, arm, "agents", keys.known["agents"], what="an agent")
        yield from _dangling(path, arm, "definition", keys.known["definitions"], what="a HER2 definition")
        for name in ("parts", "overlaps"):
            others = _keys(arms) - {_text(arm, "key")}
            yield from _dangling(path, arm, name, others, what="another arm of this study")
        for section in ("testing", "hypothesis", "eligibility"):
            if isinstance(arm.get(section), dict):
                yield from _dangling(f"{path}{section}.", arm[section], "source", sources)
        if isinstance(arm.get("eligibility"), dict):
            asked = arm["eligibility"]
            yield from _dangling(f"{path}eligibility.", asked, "prior_agents", keys.known["agents"], what="an agent")
        yield from _doubled(f"{path}populations[{{}}].strata", _populations(arm))


def _within_itself(key: str, parts: Mapping[str, object]) -> bool:
    seen: set[str] = set()
    todo = [key]
    while todo:
        inside = parts.get(todo.pop())
        for part in inside if isinstance(inside, list) else ():
            if isinstance(part, str) and part in parts and part not in seen:
                seen.add(part)
                todo.append(part)
    # An arm that names itself outright is no other arm of the study, which is said of that name.
    return key in seen and key not in (parts.get(key) or ())  # type: ignore[operator]


def _in_figures(document: Document, keys: _Known) -> Iterator[Fault]:
    arms, sources = _tables(document, "arms"), _tables(document, "sources")
    arm_keys, agents = _keys(arms), keys.known["agents"]
    populations = {_text(arm, "key"): {name for _, name in _populations(arm)} for _, arm in arms}
    cutoffs = {source["key"]: source.get("cutoffs") for _, source in sources if isinstance(source.get("key"), str)}
    for section in FIGURE_KINDS:
        seen: set[Any] = set()
        for i, figure in _tables(document.get("figures"), section):
            path = f"figures.{section}[{i}]."
            for name, known, what in (
                ("arm", arm_keys, "an arm of this study"),
                ("reference_arm", arm_keys, "an arm of this study"),
                ("source", cutoffs, _OWN_SOURCE),
                ("related_to", agents, "an agent"),
                ("population", populations.get(_text(figure, "arm")), "a population of its arm"),
                (
                    "reference_population",
                    populations.get(_text(figure, "reference_arm")),
                    "a population of its reference arm",
                ),
            ):
                if name in figure:
                    yield from _dangling(path, figure, name, known, what=what)
            yield from _without_cutoff(path, figure, cutoffs)
            try:
                content = frozenset(figure.items())
            except TypeError:
                continue  # a list or table where none belongs, which is a fault of its own
            if content in seen:
                yield path.removesuffix("."), "expected each figure once, got the same again"
            seen.add(content)


def _populations(arm: Document) -> list[tuple[int, str]]:
    return [
        (place, " & ".join(record["strata"]))
        for place, record in _tables(arm, "populations")
        if isinstance(record.get("strata"), list) and all(isinstance(word, str) for word in record["strata"])
    ]


def _without_cutoff(path: str, figure: Document, cutoffs: Mapping[str, object]) -> Iterator[Fault]:
    source = figure.get("source")
    if not isinstance(source, str) or source not in cutoffs:
        return
    days = cutoffs[source]
    known = days if isinstance(days, list) else []
    printed = ", ".join(map(shown, known)) or "none"
    if "cutoff" in figure:
        if figure["cutoff"] not in known:
            yield f"{path}cutoff", f"expected a cut-off of {source} ({printed}), got {shown(figure['cutoff'])}"
    elif len(known) > 1:
        yield f"{path}cutoff", f"expected a cut-off, because {source} has several: {printed}"
