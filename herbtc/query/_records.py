"""Frames of records that are not figures: mechanisms, agents, studies, arms, sources, definitions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import frozen

from herbtc.catalog import Catalog, load
from herbtc.models import FIGURE_KINDS
from herbtc.query._columns import Column, day, joined, number, text, truth, whole, word
from herbtc.query._rows import Words, as_frame, her2_of, mechanisms_of, passes, shared_arms, wanted
from herbtc.terms import Design, Endpoint, Her2, Laboratory, Line, MechanismClass, Phase, SourceKind, Status

if TYPE_CHECKING:
    import pandas as pd

    from herbtc.her2 import Definition
    from herbtc.models import Arm, Source, Trial


@frozen(eq=False)
class _ArmRow:
    trial: Trial
    arm: Arm
    mechanisms: tuple[MechanismClass, ...]
    her2: Her2

    @property
    def her2_directed(self) -> bool:
        return self.mechanisms[0].her2_directed


@frozen(eq=False)
class _TrialRow:
    trial: Trial
    arms: tuple[_ArmRow, ...]

    @property
    def her2_directed(self) -> bool:
        return any(arm.her2_directed for arm in self.arms)


@frozen(eq=False)
class _SourceRow:
    trial: str | None
    source: Source
    figures: int


@frozen(eq=False)
class _DefinitionRow:
    definition: Definition
    arms: tuple[str, ...]


def _hypothesis(name: str) -> Any:
    return lambda row: getattr(row.arm.hypothesis, name, None)


def _patients(row: _TrialRow) -> int | None:
    # Arms of biliary tract cancer alone, where there are any; the largest first, and none that shares patients with one
    # that was counted.
    counted: list[Arm] = []
    biliary = [arm for arm in row.trial.arms if arm.btc_only and arm.n is not None]
    for arm in sorted(biliary or row.trial.arms, key=lambda arm: -(arm.n or 0)):
        if not any(frozenset((arm.key, other.key)) in shared_arms(row.trial) for other in counted):
            counted.append(arm)
    known = [arm.n for arm in counted if arm.n is not None]
    return sum(known) if known else None


COLUMNS: dict[str, tuple[Column, ...]] = {
    "trials": (
        text("trial", "key of the study", lambda row: row.trial.key),
        text("name", "its name", lambda row: row.trial.name),
        text("registry_ids", "registry ids", lambda row: joined(row.trial.registry_ids)),
        word("phase", "phase", Phase, lambda row: row.trial.phase),
        word("design", "kind of study", Design, lambda row: row.trial.design),
        word("status", "recruitment status", Status, lambda row: row.trial.status),
        truth(
            "her2_directed",
            "whether any arm got a HER2-directed agent",
            lambda row: row.her2_directed,
        ),
        text(
            "mechanism",
            "HER2-directed classes of its arms, else classes of all agents",
            lambda row: joined(
                dict.fromkeys(
                    " + ".join(arm.mechanisms) for arm in row.arms if arm.her2_directed or not row.her2_directed
                )
            ),
        ),
        whole(
            "n", "patients with BTC in its largest arms that share none; all where no arm is of BTC alone", _patients
        ),
        whole("planned_n", "patients planned", lambda row: row.trial.planned_n),
        whole("arms", "number of arms", lambda row: len(row.trial.arms)),
        whole("sources", "number of reports", lambda row: len(row.trial.sources)),
        whole(
            "figures",
            "number of figures",
            lambda row: sum(len(getattr(row.trial.figures, kind)) for kind in FIGURE_KINDS),
        ),
        text("start", "start, as the registry prints it", lambda row: row.trial.start),
        text(
            "primary_completion",
            "primary completion, as the registry prints it",
            lambda row: row.trial.primary_completion,
        ),
        text("completion", "its completion, likewise", lambda row: row.trial.completion),
        text("countries", "ISO codes of countries", lambda row: joined(row.trial.countries)),
        text("sponsor", "sponsor", lambda row: row.trial.sponsor),
        text("overlaps", "studies that share, or may share, patients", lambda row: joined(row.trial.overlaps)),
        day("reviewed", "day a curator last compared the file with its sources", lambda row: row.trial.reviewed),
        text("note", "what a reader must know", lambda row: row.trial.note),
    ),
    "arms": (
        text("trial", "key of the study", lambda row: row.trial.key),
        text("arm", "key of the arm within its study", lambda row: row.arm.key),
        text("label", "description", lambda row: row.arm.label),
        text("agents", 'keys of the agents, joined by " + "', lambda row: " + ".join(row.arm.agents)),
        text(
            "mechanism",
            "HER2-directed classes of the arm, else the classes of all its agents",
            lambda row: " + ".join(row.mechanisms),
        ),
        truth("her2_directed", "whether any agent acts on HER2", lambda row: row.her2_directed),
        word("line", "line of therapy", Line, lambda row: row.arm.line, ordered=True),
        word("her2", "HER2 group of the arm", Her2, lambda row: row.her2),
        text("definition", "key of the HER2 definition", lambda row: row.arm.definition),
        truth("her2_selected", "whether patients were selected by HER2", lambda row: row.arm.her2_selected),
        truth("btc_only", "whether all patients had biliary tract cancer", lambda row: row.arm.btc_only),
        whole("n", "patients", lambda row: row.arm.n),
        text("dose", "dose", lambda row: row.arm.dose),
        text("sites", "primary sites enrolled", lambda row: joined(row.arm.sites)),
        text("parts", "arms inside this one", lambda row: joined(row.arm.parts)),
        text("overlaps", "arms that share some patients with this one", lambda row: joined(row.arm.overlaps)),
        text("test", "HER2 test", lambda row: getattr(row.arm.testing, "test", None)),
        word(
            "laboratory", "where HER2 was tested", Laboratory, lambda row: getattr(row.arm.testing, "laboratory", None)
        ),
        word("primary_endpoint", "endpoint of the hypothesis", Endpoint, _hypothesis("endpoint")),
        number("p0", "rate under the null hypothesis, percent", _hypothesis("p0")),
        number("p1", "rate under the alternative, percent", _hypothesis("p1")),
        number("alpha", "type I error, percent", _hypothesis("alpha")),
        number("power", "power, percent", _hypothesis("power")),
        whole("stages", "stages of the design", _hypothesis("stages")),
        truth("met", "whether the endpoint was met", _hypothesis("met")),
    ),
    "sources": (
        text("trial", "key of the study; empty for sources of other records", lambda row: row.trial),
        text("source", "key of the source within its study", lambda row: row.source.key),
        word("kind", "kind of source", SourceKind, lambda row: row.source.kind),
        text("title", "title", lambda row: row.source.title),
        text("first_author", "first author", lambda row: row.source.first_author),
        whole("year", "year of publication", lambda row: row.source.year),
        day("published", "day of publication", lambda row: row.source.published),
        text("venue", "journal, congress, publisher", lambda row: row.source.venue),
        text("pmid", "PubMed id", lambda row: row.source.pmid),
        text("doi", "DOI", lambda row: row.source.doi),
        text("link", "address at which a reader finds it", lambda row: row.source.link or None),
        text("via", "page that quotes it, where the source itself was not read", lambda row: row.source.via),
        text("cutoffs", "data cut-offs", lambda row: joined(row.source.cutoffs)),
        number("followup_months", "median follow-up", lambda row: row.source.followup_months),
        whole("figures", "number of figures read in it", lambda row: row.figures),
    ),
    "definitions": (
        text("definition", "key of the definition", lambda row: row.definition.key),
        text("name", "its name", lambda row: row.definition.name),
        word("group", "HER2 group that it selects", Her2, lambda row: row.definition.group),
        word("laboratory", "where HER2 is tested", Laboratory, lambda row: row.definition.laboratory),
        text("words", "the definition in words", lambda row: row.definition.words),
        text("logic", "the definition as a formula over test results", lambda row: row.definition.logic),
        text("arms", "arms that were selected by it", lambda row: joined(row.arms)),
        text("source", "key of the source", lambda row: row.definition.source),
        text("locator", "place in the source", lambda row: row.definition.locator),
        text("note", "what a reader must know", lambda row: row.definition.note),
    ),
}


def _arm_rows(catalog: Catalog) -> list[_ArmRow]:
    return [
        _ArmRow(trial, arm, mechanisms_of(arm, catalog), her2_of(arm, catalog))
        for trial in catalog.trials
        for arm in trial.arms
    ]


def arms(
    *,
    trial: Words = None,
    agent: Words = None,
    mechanism: Words = None,
    line: Words = None,
    her2_directed: bool | None = None,
    her2_selected: bool | None = None,
    btc_only: bool | None = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return the arms of studies: who was treated with what, one row per arm.

    Parameters
    ----------
    trial, agent, mechanism, line : str or iterable of str, optional
        Keys of studies and agents, words for mechanisms and lines.
    her2_directed, her2_selected, btc_only : bool, optional
        As in the columns of these names.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.arms(trial="treetopp")[["arm", "her2_directed", "her2_selected"]]
              arm  her2_directed  her2_selected
    0  varlitinib           True          False
    1     placebo          False          False
    """
    catalog = load() if catalog is None else catalog
    return as_frame(
        COLUMNS["arms"],
        _arms(catalog, trial, agent, mechanism, line, truths=(her2_directed, her2_selected, btc_only)),
        catalog,
    )


def _arms(
    catalog: Catalog,
    trial: Words,
    agent: Words,
    mechanism: Words,
    line: Words,
    *,
    truths: tuple[bool | None, bool | None, bool | None],
) -> list[_ArmRow]:
    trials = wanted("trial", trial, [each.key for each in catalog.trials])
    keys = wanted("agent", agent, [each.key for each in catalog.agents])
    classes, lines = wanted("mechanism", mechanism, MechanismClass), wanted("line", line, Line)
    return [
        row
        for row in _arm_rows(catalog)
        if passes(trials, row.trial.key)
        and passes(keys, *row.arm.agents)
        and passes(classes, *row.mechanisms)
        and passes(lines, row.arm.line)
        and all(
            asked in (None, value)
            for asked, value in zip(truths, (row.her2_directed, row.arm.her2_selected, row.arm.btc_only), strict=True)
        )
    ]


def trials(
    *,
    trial: Words = None,
    agent: Words = None,
    mechanism: Words = None,
    line: Words = None,
    her2_directed: bool | None = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return the studies, one row each.

    Parameters
    ----------
    trial, agent, mechanism, line : str or iterable of str, optional
        Keep studies with an arm that has one of these.
    her2_directed : bool, optional
        True keeps studies with a HER2-directed arm, False those without any.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.trials(trial=["abc-02", "herb"])[["trial", "her2_directed"]]
        trial  her2_directed
    0  abc-02          False
    1    herb           True
    """
    catalog = load() if catalog is None else catalog
    passing = {row.trial.key for row in _arms(catalog, trial, agent, mechanism, line, truths=(None, None, None))}
    arms_of: dict[str, list[_ArmRow]] = {each.key: [] for each in catalog.trials}
    for row in _arm_rows(catalog):
        arms_of[row.trial.key].append(row)
    every = [_TrialRow(each, tuple(arms_of[each.key])) for each in catalog.trials if each.key in passing]
    found = [row for row in every if her2_directed in (None, row.her2_directed)]
    return as_frame(COLUMNS["trials"], found, catalog)


def sources(*, trial: Words = None, kind: Words = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return the reports that figures and facts were read in, one row per report.

    Parameters
    ----------
    trial, kind : str or iterable of str, optional
        Keys of studies; kinds of source.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> "37276871" in query.sources(trial="herizon-btc-01")["pmid"].tolist()
    True
    """
    catalog = load() if catalog is None else catalog
    keys = wanted("trial", trial, [each.key for each in catalog.trials])
    kinds = wanted("source_kind", kind, SourceKind)
    every = [
        _SourceRow(each.key, source, counts[source.key])
        for each in catalog.trials
        for counts in [Counter(figure.source for section in FIGURE_KINDS for figure in getattr(each.figures, section))]
        for source in each.sources
    ]
    every += [_SourceRow(None, source, 0) for source in _shared_sources(catalog)]
    found = [row for row in every if passes(keys, row.trial) and passes(kinds, row.source.kind)]
    return as_frame(COLUMNS["sources"], found, catalog)


def _shared_sources(catalog: Catalog) -> list[Source]:
    # A report that both agents and definitions were read in is one report. A folder may give its key to another one.
    found: dict[str, list[Source]] = {}
    for sources_of in (
        catalog.definition_sources,
        catalog.agent_sources,
        catalog.approval_sources,
        catalog.guideline_sources,
        catalog.prevalence_sources,
        catalog.variant_sources,
    ):
        for source in sources_of:
            of_key = found.setdefault(source.key, [])
            if not any(_same_report(source, other) for other in of_key):
                of_key.append(source)
    return [source for of_key in found.values() for source in of_key]


def _same_report(one: Source, other: Source) -> bool:
    if one.pmid is not None and one.pmid == other.pmid:
        return True
    # What is unpublished has no address.
    return one.link.casefold() == other.link.casefold() if one.link or other.link else one == other


def definitions(*, definition: Words = None, her2: Words = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return what studies and labels call HER2-positive, in words and as logic, one row per definition.

    Parameters
    ----------
    definition, her2 : str or iterable of str, optional
        Keys of definitions; HER2 groups that they select.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> print(query.definitions(definition="herb-positive")["logic"].item())
    (IHC in {3+}) or (IHC in {2+} and ISH = positive)
    """
    catalog = load() if catalog is None else catalog
    keys = wanted("definition", definition, [each.key for each in catalog.definitions])
    groups = wanted("her2", her2, Her2)
    arms_by: dict[str | None, list[str]] = {}
    for row in _arm_rows(catalog):
        arms_by.setdefault(row.arm.definition, []).append(f"{row.trial.key}/{row.arm.key}")
    found = [
        _DefinitionRow(each, tuple(arms_by.get(each.key, ())))
        for each in catalog.definitions
        if passes(keys, each.key) and passes(groups, each.group)
    ]
    return as_frame(COLUMNS["definitions"], found, catalog)
