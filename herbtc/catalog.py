"""The catalog: all records of a folder of evidence, read, cross-checked, frozen and shared.

This is the only module that opens data files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import fields_dict, frozen

from herbtc import _structure, terms
from herbtc._version import __version__
from herbtc.errors import DataError, Problem, look_up
from herbtc.her2 import Definition
from herbtc.models import Agent, Figures, Mechanism, Record, Source, Trial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from os import PathLike

T = TypeVar("T")

_SHIPPED = Path(__file__).parent / "data"


@frozen(kw_only=True)
class AgentFile(Record):
    """What ``agents.toml`` holds."""

    sources: tuple[Source, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    agents: tuple[Agent, ...] = ()


@frozen(kw_only=True)
class DefinitionFile(Record):
    """What ``definitions.toml`` holds."""

    sources: tuple[Source, ...] = ()
    definitions: tuple[Definition, ...] = ()


@frozen(kw_only=True, repr=False, cache_hash=True)
class Catalog:
    """All evidence of one release; immutable, hashable, comparable.

    Attributes
    ----------
    release : str
        The data release, CalVer, such as ``"2026.11.0"``; ``"unreleased"`` for a folder of your own, and with
        ``"+local"`` behind it where such a folder was added.
    mechanisms, agents, definitions, trials : tuple
        The records, in the order of their keys (mechanisms in the order of `herbtc.terms.MechanismClass`).
    agent_sources, definition_sources : tuple of Source
        Where the facts about agents and definitions were read; studies carry their own sources.

    Examples
    --------
    >>> import herbtc
    >>> catalog = herbtc.load()
    >>> catalog.trial("herizon-btc-01").arm("cohort-1").agents
    ('zanidatamab',)
    >>> catalog.agent("ZW25")
    Traceback (most recent call last):
    ...
    herbtc.errors.UnknownKeyError: unknown agent 'ZW25': did you mean 'zanidatamab'? There are: ...
    """

    release: str
    mechanisms: tuple[Mechanism, ...] = ()
    agents: tuple[Agent, ...] = ()
    definitions: tuple[Definition, ...] = ()
    trials: tuple[Trial, ...] = ()
    agent_sources: tuple[Source, ...] = ()
    definition_sources: tuple[Source, ...] = ()

    def __repr__(self) -> str:
        return f"<Catalog {self.release}: {self._summary()}>"

    def _repr_html_(self) -> str:
        return f"<p><strong>herbtc catalog {self.release}</strong>: {self._summary()}</p>"

    def _summary(self) -> str:
        figures = sum(len(getattr(trial.figures, kind)) for trial in self.trials for kind in FIGURE_KINDS)
        return f"{len(self.trials)} studies, {figures} figures, {len(self.agents)} agents, {len(self.definitions)} HER2 definitions"

    def trial(self, key: str) -> Trial:
        """Return the study with this key.

        Raises
        ------
        herbtc.UnknownKeyError
            If there is none; a registry id or a name is answered with the key it belongs to.
        """
        also = {name: trial.key for trial in self.trials for name in (trial.name, *trial.registry_ids)}
        return look_up("trial", key, {trial.key: trial for trial in self.trials}, also)

    def agent(self, key: str) -> Agent:
        """Return the agent with this key.

        Raises
        ------
        herbtc.UnknownKeyError
            If there is none; a synonym or a code is answered with the key it belongs to.
        """
        also = {name: agent.key for agent in self.agents for name in (agent.name, *agent.synonyms, *agent.codes)}
        return look_up("agent", key, {agent.key: agent for agent in self.agents}, also)

    def mechanism(self, key: str) -> Mechanism:
        """Return the mechanism with this key; UnknownKeyError if there is none."""
        return look_up("mechanism", key, {str(mechanism.key): mechanism for mechanism in self.mechanisms})

    def definition(self, key: str) -> Definition:
        """Return the HER2 definition with this key; UnknownKeyError if there is none."""
        return look_up("definition", key, {definition.key: definition for definition in self.definitions})

    def extend(self, folder: str | PathLike[str]) -> Catalog:
        """Return this catalog together with the evidence of a folder, which may refer to agents and definitions here.

        Parameters
        ----------
        folder : path
            A folder with ``trials/``, and with ``agents.toml`` and ``definitions.toml`` where it brings its own.

        Raises
        ------
        herbtc.DataError
            With every fault of the folder; a key that exists here already is one.
        """
        return _read(Path(folder), f"{self.release}+local", self)


FIGURE_KINDS = tuple(fields_dict(Figures))
"""The sections of figures: proportions, durations, landmarks, contrasts, baseline, adverse_events."""


@cache
def load() -> Catalog:
    """Return the shipped evidence; read once, then shared.

    Examples
    --------
    >>> import herbtc
    >>> herbtc.load() is herbtc.load()
    True
    """
    return _read(_SHIPPED, __version__, None)


def read(folder: str | PathLike[str]) -> Catalog:
    """Return the evidence of a folder that is complete in itself.

    Parameters
    ----------
    folder : path
        A folder with ``agents.toml``, ``definitions.toml`` and ``trials/``, in the format of the shipped evidence.

    Raises
    ------
    herbtc.DataError
        With every fault of every file; nothing is half loaded.
    """
    return _read(Path(folder), "unreleased", None)


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(folder: Path, release: str, base: Catalog | None) -> Catalog:
    base = base or Catalog(release=release)
    files, problems = _documents(folder)
    if not files and not problems:
        problems.append(Problem("", "", "expected agents.toml, definitions.toml or studies in trials/; there are none"))

    agents = _record(files, "agents.toml", AgentFile, problems) or AgentFile()
    definitions = _record(files, "definitions.toml", DefinitionFile, problems) or DefinitionFile()
    trials = [
        trial for file in files if file.startswith("trials/") if (trial := _record(files, file, Trial, problems))
    ]
    problems += _broken_references(files, base)
    if problems:
        order = {file: place for place, file in enumerate(files)}
        raise DataError(str(folder), sorted(problems, key=lambda problem: order.get(problem.file, -1)))
    words = list(terms.MechanismClass)
    return Catalog(
        release=release,
        mechanisms=tuple(sorted(base.mechanisms + agents.mechanisms, key=lambda each: words.index(each.key))),
        agents=tuple(sorted(base.agents + agents.agents, key=lambda agent: agent.key)),
        definitions=tuple(sorted(base.definitions + definitions.definitions, key=lambda each: each.key)),
        trials=tuple(sorted((*base.trials, *trials), key=lambda trial: trial.key)),
        agent_sources=base.agent_sources + agents.sources,
        definition_sources=base.definition_sources + definitions.sources,
    )


def _documents(folder: Path) -> tuple[dict[str, dict[str, Any] | None], list[Problem]]:
    # Name of each data file -> its document, None where it could not be parsed.
    if not folder.is_dir():
        return {}, [Problem("", "", "no such folder")]
    problems: list[Problem] = []
    files: dict[str, dict[str, Any] | None] = {}
    for path in (*sorted(folder.glob("*.toml")), *sorted((folder / "trials").glob("*"))):
        file = path.relative_to(folder).as_posix()
        if path.parent == folder and path.name not in ("agents.toml", "definitions.toml"):
            problems.append(Problem(file, "", "expected agents.toml or definitions.toml here, and studies in trials/"))
        elif path.suffix == ".toml":
            try:
                files[file], faults = _structure.parse(path.read_bytes(), file)
            except OSError as error:
                files[file], faults = None, (Problem(file, "", f"cannot be read: {error.strerror}"),)
            problems += faults
        elif not path.name.startswith(".") and path.suffix != ".md":
            problems.append(Problem(file, "", "expected only .toml files here (.md and hidden files are passed over)"))
    return files, problems


def _record(files: dict[str, dict[str, Any] | None], file: str, of: type[T], problems: list[Problem]) -> T | None:
    document = files.get(file)
    if document is None:
        return None
    record, faults = _structure.structure(document, of, file)
    problems += faults
    return record


# --- references -------------------------------------------------------------------------------------------------------
# Checked on the documents and not on the records, so that a file with a broken value still has its references checked.


def _broken_references(files: dict[str, dict[str, Any] | None], base: Catalog) -> Iterator[Problem]:
    known_agents = _known(files, "agents.toml", "agents", base.agents)
    known_definitions = _known(files, "definitions.toml", "definitions", base.definitions)
    known_mechanisms = _known(files, "agents.toml", "mechanisms", base.mechanisms)
    known_trials = {trial.key for trial in base.trials} | {Path(file).stem for file in files if file.startswith("trials/")}
    for file, document in files.items():
        if document is None:
            continue
        if file == "agents.toml":
            found = _in_agents(document, base, known_mechanisms)
        elif file == "definitions.toml":
            found = _in_definitions(document, base)
        else:
            found = _in_study(Path(file).stem, document, base, known_agents, known_definitions, known_trials)
        for path, message in found:
            yield Problem(file, path, message)


def _known(files: dict[str, Any], file: str, section: str, base: tuple[Any, ...]) -> set[str] | None:
    # None where the file could not be parsed: then nothing is said about references into it.
    if file in files and files[file] is None:
        return None
    return {str(record.key) for record in base} | _keys(_tables(files.get(file), section))


def _tables(document: Any, section: str) -> list[tuple[int, dict[str, Any]]]:
    records = document.get(section) if isinstance(document, dict) else None
    return [(i, record) for i, record in enumerate(records) if isinstance(record, dict)] if isinstance(records, list) else []


def _keys(records: list[tuple[int, dict[str, Any]]]) -> set[str]:
    return {record["key"] for _, record in records if isinstance(record.get("key"), str)}


def _doubled(section: str, records: list[tuple[int, dict[str, Any]]], taken: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for i, record in records:
        key = record.get("key")
        if isinstance(key, str):
            if key in seen:
                yield f"{section}[{i}].key", f"expected each key once, got {key!r} again"
            elif key in taken:
                yield f"{section}[{i}].key", f"expected a new key; {key!r} is in the catalog already"
            seen.add(key)


def _dangling(path: str, record: dict[str, Any], name: str, known: Collection[str] | None, what: str) -> Iterator[tuple[str, str]]:
    value = record.get(name)
    values = [(path + name, value)] if isinstance(value, str) else [
        (f"{path}{name}[{i}]", each) for i, each in enumerate(value if isinstance(value, list) else ())
    ]
    for place, each in values:
        if known is not None and isinstance(each, str) and each not in known:
            there = ", ".join(sorted(known)) or "none"
            yield place, f"expected the key of {what}, got {each!r}; there are: {there}"


def _in_agents(document: dict[str, Any], base: Catalog, mechanisms: Collection[str] | None) -> Iterator[tuple[str, str]]:
    sources, agents = _tables(document, "sources"), _tables(document, "agents")
    known = _keys(sources)
    yield from _doubled("sources", sources)
    yield from _doubled("mechanisms", _tables(document, "mechanisms"), {str(each.key) for each in base.mechanisms})
    yield from _doubled("agents", agents, {agent.key for agent in base.agents})
    for section in ("mechanisms", "agents"):
        for i, record in _tables(document, section):
            yield from _dangling(f"{section}[{i}].", record, "source", known, "a source of this file")
    for i, agent in agents:
        path = f"agents[{i}]."
        yield from _dangling(path, agent, "mechanism", mechanisms, "a mechanism")
        for j, target in _tables(agent, "targets"):
            yield from _dangling(f"{path}targets[{j}].", target, "source", known, "a source of this file")
        conjugate = agent.get("conjugate")
        if isinstance(conjugate, dict):
            yield from _dangling(f"{path}conjugate.", conjugate, "source", known, "a source of this file")
            for j, ratio in _tables(conjugate, "ratios"):
                yield from _dangling(f"{path}conjugate.ratios[{j}].", ratio, "source", known, "a source of this file")


def _in_definitions(document: dict[str, Any], base: Catalog) -> Iterator[tuple[str, str]]:
    sources, definitions = _tables(document, "sources"), _tables(document, "definitions")
    yield from _doubled("sources", sources)
    yield from _doubled("definitions", definitions, {definition.key for definition in base.definitions})
    for i, definition in definitions:
        yield from _dangling(f"definitions[{i}].", definition, "source", _keys(sources), "a source of this file")


def _in_study(
    stem: str,
    document: dict[str, Any],
    base: Catalog,
    known_agents: Collection[str] | None,
    known_definitions: Collection[str] | None,
    known_trials: Collection[str],
) -> Iterator[tuple[str, str]]:
    if isinstance(document.get("key"), str) and document["key"] != stem:
        yield "key", f"expected the name of the file, {stem!r}, got {document['key']!r}"
    if any(trial.key == stem for trial in base.trials):
        yield "key", f"expected a new key; {stem!r} is in the catalog already"
    yield from _dangling("", document, "overlaps", known_trials - {stem}, "another study")

    sources, arms = _tables(document, "sources"), _tables(document, "arms")
    yield from _doubled("sources", sources)
    yield from _doubled("arms", arms)
    known_sources, known_arms = _keys(sources), _keys(arms)
    for i, arm in arms:
        path = f"arms[{i}]."
        yield from _dangling(path, arm, "agents", known_agents, "an agent")
        yield from _dangling(path, arm, "definition", known_definitions, "a HER2 definition")
        for name in ("parts", "overlaps"):
            yield from _dangling(path, arm, name, known_arms - {arm.get("key")}, "another arm of this study")
        for section in ("testing", "hypothesis"):
            if isinstance(arm.get(section), dict):
                yield from _dangling(f"{path}{section}.", arm[section], "source", known_sources, "a source of this file")
        yield from _doubled(f"{path}populations", [(j, {"key": name}) for j, name in _populations(arm)])

    populations = {arm.get("key"): {name for _, name in _populations(arm)} for _, arm in arms}
    cutoffs = {source.get("key"): source.get("cutoffs") for _, source in sources}
    for section in FIGURE_KINDS:
        seen: set[Any] = set()
        for i, figure in _tables(document.get("figures"), section):
            path = f"figures.{section}[{i}]."
            for name in ("arm", "reference_arm"):
                yield from _dangling(path, figure, name, known_arms, "an arm of this study")
            yield from _dangling(path, figure, "source", known_sources, "a source of this file")
            yield from _dangling(path, figure, "related_to", known_agents, "an agent")
            for name, of in (("population", "arm"), ("reference_population", "reference_arm")):
                known = populations.get(figure.get(of)) if isinstance(figure.get(of), str) else None
                yield from _dangling(path, figure, name, known, f"a population of its {of.replace('_', ' ')}")
            yield from _without_cutoff(path, figure, cutoffs)
            try:
                content = frozenset(figure.items())
            except TypeError:
                continue  # a list where none belongs is reported with the types
            if content in seen:
                yield path.removesuffix("."), "expected each figure once, got the same again"
            seen.add(content)


def _populations(arm: dict[str, Any]) -> list[tuple[int, str]]:
    return [
        (i, " & ".join(record["strata"]))
        for i, record in _tables(arm, "populations")
        if isinstance(record.get("strata"), list) and all(isinstance(word, str) for word in record["strata"])
    ]


def _without_cutoff(path: str, figure: dict[str, Any], cutoffs: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    source = figure.get("source")
    days = cutoffs.get(source) if isinstance(source, str) else None
    known = days if isinstance(days, list) else []
    if "cutoff" not in figure:
        if len(known) > 1:
            yield path + "cutoff", f"expected a cut-off, because {source} has several: {', '.join(map(str, known))}"
    elif isinstance(source, str) and source in cutoffs and figure["cutoff"] not in known:
        yield path + "cutoff", f"expected a cut-off of {source} ({', '.join(map(str, known)) or 'none'}), got {figure['cutoff']}"
