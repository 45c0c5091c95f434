"""The catalog: all records of a folder of evidence, read, cross-checked, frozen and shared.

This is the only module that opens data files.
"""

from datetime import date
from functools import cache, lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, fields_dict, frozen

from herbtc import _public, terms
from herbtc._files import (
    FILES,
    AgentFile,
    ApprovalFile,
    CorrectionFile,
    DefinitionFile,
    GuidelineFile,
    PrevalenceFile,
    VariantFile,
)
from herbtc._html import facts
from herbtc._version import __version__
from herbtc.errors import DataError, Problem, look_up
from herbtc.models import (
    FIGURE_KINDS,
    Agent,
    Approval,
    Concordance,
    Correction,
    CriteriaClause,
    Definition,
    Guideline,
    Mechanism,
    Prevalence,
    Prognosis,
    Source,
    Trial,
)
from herbtc.variants import ProteinRegion, Variant
from herbtc.variants import record as variant_record

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_AS_OF = " as of "
_LOCAL = "+local"
_SHIPPED = Path(__file__).parent / "data"


@frozen(kw_only=True, repr=False, cache_hash=True)
class Catalog:
    """All evidence of one release; immutable, hashable, comparable.

    Attributes
    ----------
    release : str
        The data release, CalVer, such as ``"2026.11.0"``; ``"unreleased"`` for a folder of your own, and with
        ``"+local"`` behind it where such a folder was added, and ``" as of 2024-06-30"`` where only what was public on
        a day is left.
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
    corrections : tuple of Correction
        What folders that were added put right in figures of the evidence that they extend.

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
    corrections: tuple[Correction, ...] = ()

    def __repr__(self) -> str:
        return f"<Catalog {self.release}: {self!s}>"

    def _repr_html_(self) -> str:
        return facts(f"herbtc catalog {self.release}", self._counts())

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self._counts())

    def _counts(self) -> list[tuple[str, int]]:
        figures = sum(len(getattr(trial.figures, kind)) for trial in self.trials for kind in FIGURE_KINDS)
        counts = {
            "studies": len(self.trials),
            "figures": figures,
            "agents": len(self.agents),
            "HER2 definitions": len(self.definitions),
            "acts": len(self.approvals) + len(self.guidelines),
            "figures on testing": len(self.prevalence) + len(self.concordance) + len(self.prognosis),
            "corrections": len(self.corrections),
        }
        return [(what, count) for what, count in counts.items() if count]

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
            A folder with ``trials/``, and with the files beside it (``agents.toml`` …) where it brings its own;
            ``corrections.toml`` puts figures of this catalog right.

        Raises
        ------
        herbtc.DataError
            With every fault of the folder. A key, a name or a registration of a study that is here already is one, and
            so is a correction of a figure that no longer says what the correction says it does.
        """
        return _read(Path(folder), f"{self.release.removesuffix(_LOCAL)}{_LOCAL}", self)

    def as_of(self, day: date | str) -> "Catalog":
        """Return what of this catalog was public on a day.

        Reports count from their day of publication, and from the last day of their year where only that is known, but
        no later than the day on which a curator compared their study with them. Acts count from their day. A study is
        there from its first public report or registry record on, without the status and the dates that lay ahead, and
        with the arms, the groups of patients and the numbers of patients that its public reports speak of. Agents,
        mechanisms and clauses of guidelines on testing are the words in which all this is told, and stay; so do
        definitions that something public refers to.

        Parameters
        ----------
        day : date or str
            Such as ``"2024-06-30"``.

        Raises
        ------
        ValueError
            If `day` is no date.

        Examples
        --------
        >>> import herbtc
        >>> then = herbtc.load().as_of("2023-06-01")
        >>> {source.year for source in then.trial("herizon-btc-01").sources} <= {2021, 2022, 2023}
        True
        """
        asked = _public.day_of(day)
        release, _, known = self.release.partition(_AS_OF)
        told = f"{release}{_AS_OF}{min(asked.isoformat(), known or asked.isoformat())}"
        return evolve(self, release=told, **_public.records(self, asked))

    def diff(self, earlier: "Catalog") -> "pd.DataFrame":
        """Return what was added, changed and withdrawn since an earlier catalog, one row per record.

        Figures are the same where they are about the same (`herbtc.models.Figure.about`): study, arm, population,
        endpoint, source, cut-off, reader, and so on. All other records are the same where their keys are.

        Parameters
        ----------
        earlier : Catalog
            The catalog to compare with.

        Returns
        -------
        pandas.DataFrame
            Columns ``change section trial arm population endpoint source record before after reason``: `change` is
            ``"added"``, ``"changed"`` or ``"withdrawn"``, `section` the kind of record, `record` what else tells it
            from others, `before` and `after` the fields that differ, in words, and `reason` why, where the record says
            so.

        Examples
        --------
        >>> import herbtc
        >>> catalog = herbtc.load()
        >>> catalog.diff(catalog).empty
        True
        """
        from herbtc import _changes  # noqa: PLC0415  (pandas, which loading the evidence does without)

        return _changes.diff(_sections(earlier), _sections(self))

    def changelog(self, earlier: "Catalog") -> str:
        """Return what `diff` finds since an earlier catalog as a Markdown list, for the changelog of a release.

        Examples
        --------
        >>> import herbtc
        >>> catalog = herbtc.load()
        >>> print(catalog.changelog(catalog))
        - No change.
        """
        from herbtc import _changes  # noqa: PLC0415

        return _changes.changelog(self.diff(earlier))


def load(*, as_of: date | str | None = None) -> Catalog:
    """Return the shipped evidence; read once, then shared.

    Parameters
    ----------
    as_of : date or str, optional
        Only what was public on this day (`Catalog.as_of`), such as ``"2024-06-30"``; shared as well.

    Raises
    ------
    ValueError
        If `as_of` is no date.

    Examples
    --------
    >>> import herbtc
    >>> herbtc.load() is herbtc.load()
    True
    >>> herbtc.load(as_of="2024-06-30").release
    '2026.11.0 as of 2024-06-30'
    """
    return _shipped() if as_of is None else _shipped_on(_public.day_of(as_of))


@cache
def _shipped() -> Catalog:
    return _read(_SHIPPED, __version__, None)


@lru_cache(maxsize=64)
def _shipped_on(day: date) -> Catalog:
    return _shipped().as_of(day)


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


def _sections(catalog: Catalog) -> dict[str, tuple[Any, ...]]:
    apart = ("release", "corrections")  # what is corrected shows in the figures
    return {name: getattr(catalog, name) for name in fields_dict(Catalog) if name not in apart}


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(folder: Path, release: str, base: Catalog | None) -> Catalog:
    # cattrs and a reader of TOML are needed to read only: importing herbtc stays cheap for those who only name it.
    from herbtc import _corrections, _references, _structure  # noqa: PLC0415

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
    corrections = record("corrections.toml", CorrectionFile).corrections
    trials = []
    for file, document in files.items():
        if file.startswith("trials/") and document is not None:
            trial, faults = _structure.structure(document, Trial, file)
            problems += faults
            trials += [trial] if trial else []
    keyed = ("mechanisms", "agents", "definitions", "clauses", "approvals", "guidelines", "trials", "variants")
    taken = {section: {str(each.key) for each in getattr(base, section)} for section in keyed}
    also = {name.casefold(): trial.key for trial in base.trials for name in (trial.name, *trial.registry_ids)}
    problems += _references.broken(files, taken, also)
    shipped, wrong = _corrections.corrected(base.trials, corrections)
    problems += [Problem("corrections.toml", place, message) for place, message in wrong]
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
        trials=tuple(sorted((*shipped, *trials), key=lambda trial: trial.key)),
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
        corrections=base.corrections + corrections,
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
