"""The catalog: all records of a folder of evidence, read, cross-checked, frozen and shared.

This is the only module that opens data files.
"""

from functools import cache
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from herbtc import terms
from herbtc._version import __version__
from herbtc.errors import DataError, Problem, look_up
from herbtc.models import (
    FIGURE_KINDS,
    Agent,
    Approval,
    Concordance,
    CriteriaClause,
    Definition,
    Guideline,
    Mechanism,
    Prevalence,
    Prognosis,
    Record,
    Source,
    Trial,
)
from herbtc.variants import ProteinRegion, Variant
from herbtc.variants import record as variant_record

T = TypeVar("T")

_LOCAL = "+local"
_SHIPPED = Path(__file__).parent / "data"


@frozen(kw_only=True, repr=False)
class AgentFile(Record):
    """What ``agents.toml`` holds."""

    sources: tuple[Source, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    agents: tuple[Agent, ...] = ()


@frozen(kw_only=True, repr=False)
class DefinitionFile(Record):
    """What ``definitions.toml`` holds."""

    sources: tuple[Source, ...] = ()
    definitions: tuple[Definition, ...] = ()
    clauses: tuple[CriteriaClause, ...] = ()


@frozen(kw_only=True, repr=False)
class ApprovalFile(Record):
    """What ``approvals.toml`` holds."""

    sources: tuple[Source, ...] = ()
    approvals: tuple[Approval, ...] = ()


@frozen(kw_only=True, repr=False)
class GuidelineFile(Record):
    """What ``guidelines.toml`` holds."""

    sources: tuple[Source, ...] = ()
    guidelines: tuple[Guideline, ...] = ()


@frozen(kw_only=True, repr=False)
class PrevalenceFile(Record):
    """What ``prevalence.toml`` holds."""

    sources: tuple[Source, ...] = ()
    prevalence: tuple[Prevalence, ...] = ()
    concordance: tuple[Concordance, ...] = ()
    prognosis: tuple[Prognosis, ...] = ()


@frozen(kw_only=True, repr=False)
class VariantFile(Record):
    """What ``variants.toml`` holds."""

    sources: tuple[Source, ...] = ()
    regions: tuple[ProteinRegion, ...] = ()
    variants: tuple[Variant, ...] = ()


FILES: dict[str, type[Record]] = {
    "agents.toml": AgentFile,
    "definitions.toml": DefinitionFile,
    "approvals.toml": ApprovalFile,
    "guidelines.toml": GuidelineFile,
    "prevalence.toml": PrevalenceFile,
    "variants.toml": VariantFile,
}
"""The data files beside ``trials/``, and what each holds."""


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
    clauses : tuple of CriteriaClause
        What the guidelines on HER2 testing say, in the order of their files.
    approvals, guidelines : tuple
        Dated acts of agencies and guideline bodies, in the order of their days.
    prevalence, concordance, prognosis : tuple
        How often HER2 is found, how well tests agree, and what it means for survival.
    protein_regions, variants : tuple
        The domains of the HER2 protein, and what is known of variants of ERBB2, in the order of the sequence.
    agent_sources, definition_sources, approval_sources, guideline_sources, prevalence_sources, variant_sources : tuple
        Where these facts were read; studies carry their own sources.

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
    clauses: tuple[CriteriaClause, ...] = ()
    trials: tuple[Trial, ...] = ()
    approvals: tuple[Approval, ...] = ()
    guidelines: tuple[Guideline, ...] = ()
    prevalence: tuple[Prevalence, ...] = ()
    concordance: tuple[Concordance, ...] = ()
    prognosis: tuple[Prognosis, ...] = ()
    protein_regions: tuple[ProteinRegion, ...] = ()
    variants: tuple[Variant, ...] = ()
    agent_sources: tuple[Source, ...] = ()
    definition_sources: tuple[Source, ...] = ()
    approval_sources: tuple[Source, ...] = ()
    guideline_sources: tuple[Source, ...] = ()
    prevalence_sources: tuple[Source, ...] = ()
    variant_sources: tuple[Source, ...] = ()

    def __repr__(self) -> str:
        return f"<Catalog {self.release}: {self!s}>"

    def _repr_html_(self) -> str:
        return f"<p><strong>herbtc catalog {escape(self.release)}</strong>: {self!s}</p>"

    def __str__(self) -> str:
        figures = sum(len(getattr(trial.figures, kind)) for trial in self.trials for kind in FIGURE_KINDS)
        counts = {
            "studies": len(self.trials),
            "figures": figures,
            "agents": len(self.agents),
            "HER2 definitions": len(self.definitions),
            "acts": len(self.approvals) + len(self.guidelines),
            "figures on testing": len(self.prevalence) + len(self.concordance) + len(self.prognosis),
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

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

    def clause(self, key: str) -> CriteriaClause:
        """Return the clause of a guideline on testing with this key; UnknownKeyError if there is none."""
        return look_up("clause", key, {each.key: each for each in self.clauses})

    def approval(self, key: str) -> Approval:
        """Return the act of an agency with this key; UnknownKeyError if there is none."""
        return look_up("approval", key, {each.key: each for each in self.approvals})

    def guideline(self, key: str) -> Guideline:
        """Return the statement of a guideline with this key; UnknownKeyError if there is none."""
        return look_up("guideline", key, {each.key: each for each in self.guidelines})

    def variant(self, name: str) -> Variant:
        """Return the record of a variant of ERBB2, by any spelling of its name.

        Raises
        ------
        herbtc.UnknownKeyError
            If there is none.
        herbtc.DataError
            If the name is of a change that HER2 cannot have.
        """
        found = variant_record(name, self.variants)
        return found or look_up("variant", name, {each.key: each for each in self.variants})

    def extend(self, folder: str | PathLike[str]) -> "Catalog":
        """Return this catalog together with the evidence of a folder, which may refer to agents and definitions here.

        Parameters
        ----------
        folder : path
            A folder with ``trials/``, and with the files beside it (``agents.toml`` …) where it brings its own.

        Raises
        ------
        herbtc.DataError
            With every fault of the folder; a key that exists here already is one.
        """
        return _read(Path(folder), f"{self.release.removesuffix(_LOCAL)}{_LOCAL}", self)


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
    # cattrs and a reader of TOML are needed to read only: importing herbtc stays cheap for those who only name it.
    from herbtc import _references, _structure  # noqa: PLC0415

    base = base or Catalog(release=release)
    files: dict[str, dict[str, Any] | None] = {}
    contents, problems = _contents(folder)
    for file, content in contents.items():
        files[file], faults = (
            _structure.parse(content, file, shipped=folder == _SHIPPED) if content is not None else (None, ())
        )
        problems += faults
    if not files and not problems:
        problems.append(Problem("", "", f"expected {', '.join(FILES)} or studies in trials/; there are none"))

    def record(file: str, of: type[T]) -> T:
        document = files.get(file)
        made, faults = _structure.structure(document, of, file) if document is not None else (None, ())
        problems.extend(faults)
        # An empty record stands for a file that is not there, or that is broken: then nothing is returned at all.
        return made if made is not None else of()

    agents = record("agents.toml", AgentFile)
    definitions = record("definitions.toml", DefinitionFile)
    approvals = record("approvals.toml", ApprovalFile)
    guidelines = record("guidelines.toml", GuidelineFile)
    testing = record("prevalence.toml", PrevalenceFile)
    variants = record("variants.toml", VariantFile)
    trials = []
    for file, document in files.items():
        if file.startswith("trials/") and document is not None:
            trial, faults = _structure.structure(document, Trial, file)
            problems += faults
            trials += [trial] if trial else []
    keyed = ("mechanisms", "agents", "definitions", "clauses", "approvals", "guidelines", "trials", "variants")
    problems += _references.broken(
        files, {section: {str(each.key) for each in getattr(base, section)} for section in keyed}
    )
    if problems:
        order = {file: place for place, file in enumerate(files)}
        raise DataError(str(folder), sorted(problems, key=lambda problem: order.get(problem.file, -1)))
    words = list(terms.MechanismClass)
    return Catalog(
        release=release,
        mechanisms=tuple(sorted(base.mechanisms + agents.mechanisms, key=lambda each: words.index(each.key))),
        agents=tuple(sorted(base.agents + agents.agents, key=lambda agent: agent.key)),
        definitions=tuple(sorted(base.definitions + definitions.definitions, key=lambda each: each.key)),
        clauses=base.clauses + definitions.clauses,
        trials=tuple(sorted((*base.trials, *trials), key=lambda trial: trial.key)),
        approvals=tuple(sorted(base.approvals + approvals.approvals, key=lambda each: (each.decided, each.key))),
        guidelines=tuple(sorted(base.guidelines + guidelines.guidelines, key=lambda each: (each.day, each.key))),
        prevalence=base.prevalence + testing.prevalence,
        concordance=base.concordance + testing.concordance,
        prognosis=base.prognosis + testing.prognosis,
        protein_regions=tuple(
            sorted(base.protein_regions + variants.regions, key=lambda each: (each.start, each.end, each.domain))
        ),
        variants=tuple(sorted(base.variants + variants.variants, key=lambda each: (*each.place, each.key))),
        agent_sources=base.agent_sources + agents.sources,
        definition_sources=base.definition_sources + definitions.sources,
        approval_sources=base.approval_sources + approvals.sources,
        guideline_sources=base.guideline_sources + guidelines.sources,
        prevalence_sources=base.prevalence_sources + testing.sources,
        variant_sources=base.variant_sources + variants.sources,
    )


def _listed(folder: Path) -> tuple[list[Path], list[Problem]]:
    # What stands in the folder and in its trials.
    studies = folder / "trials"
    if not folder.is_dir():
        return [], [Problem("", "", "no such folder")]
    try:
        # `iterdir` and not `glob`, which passes over a folder that it may not list.
        paths = [*sorted(folder.iterdir()), *(sorted(studies.iterdir()) if studies.is_dir() else ())]
    except OSError as error:
        return [], [Problem("", "", f"cannot be listed: {error.strerror}")]
    if studies.exists() and not studies.is_dir():
        return paths, [Problem("trials", "", "expected a folder with one file per study")]
    return paths, []


def _contents(folder: Path) -> tuple[dict[str, bytes | None], list[Problem]]:
    # Name of each data file -> what is in it, None where it could not be read.
    paths, problems = _listed(folder)
    studies = folder / "trials"
    files: dict[str, bytes | None] = {}
    for path in paths:
        file = path.relative_to(folder).as_posix()
        if path.name.startswith(".") or path == studies:
            continue
        if path.parent == studies or file in FILES:
            if path.suffix != ".toml":
                if path.suffix != ".md":
                    problems.append(Problem(file, "", "expected only .toml files here (.md files are passed over)"))
                continue
            try:
                files[file] = path.read_bytes()
            except OSError as error:
                files[file] = None
                problems.append(Problem(file, "", f"cannot be read: {error.strerror}"))
        elif path.suffix.lower() == ".toml" or (path.is_dir() and any(path.glob("*.toml"))):
            problems.append(Problem(file, "", f"expected {', '.join(FILES)} and studies in trials/ only"))
    return files, problems
