"""Frames of records that are not figures: mechanisms, agents, studies, arms, sources, definitions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import frozen

from herbtc.catalog import Catalog, load
from herbtc.her2 import TUMOURS, meets
from herbtc.models import FIGURE_KINDS, Definition
from herbtc.query._columns import Column, day, joined, months, patients, percentage, text, truth, whole, word
from herbtc.query._rows import Words, as_frame, her2_of, mechanisms_of, passes, shared_arms, wanted
from herbtc.terms import (
    Answer,
    Design,
    Endpoint,
    Her2,
    Laboratory,
    Line,
    MechanismClass,
    Phase,
    Seen,
    SourceKind,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from herbtc.models import Arm, Source, Trial


@frozen(eq=False)
class _MatrixRow:
    definition: str
    answers: dict[str, Answer]


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


def _answered(name: str) -> Callable[[Any], Answer]:
    return lambda row: row.answers[name]


COLUMNS: dict[str, tuple[Column, ...]] = {
    "trials": (
        text("trial", "key of the study", lambda row: row.trial.key, required=True),
        text("name", "its name", lambda row: row.trial.name, required=True),
        text("registry_ids", "registry ids", lambda row: joined(row.trial.registry_ids)),
        word("phase", "phase", Phase, lambda row: row.trial.phase),
        word("design", "kind of study", Design, lambda row: row.trial.design, required=True),
        word("status", "recruitment status", Status, lambda row: row.trial.status),
        truth(
            "her2_directed", "whether any arm got a HER2-directed agent", lambda row: row.her2_directed, required=True
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
        patients(
            "n", "patients with BTC in its largest arms that share none; all where no arm is of BTC alone", _patients
        ),
        patients("planned_n", "patients planned", lambda row: row.trial.planned_n),
        whole("arms", "number of arms", lambda row: len(row.trial.arms), required=True, least=0),
        whole("sources", "number of reports", lambda row: len(row.trial.sources), required=True, least=0),
        whole(
            "figures",
            "number of figures",
            lambda row: sum(len(getattr(row.trial.figures, kind)) for kind in FIGURE_KINDS),
            required=True,
            least=0,
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
        text("trial", "key of the study", lambda row: row.trial.key, required=True),
        text("arm", "key of the arm within its study", lambda row: row.arm.key, required=True),
        text("label", "description", lambda row: row.arm.label, required=True),
        text("agents", 'keys of the agents, joined by " + "', lambda row: " + ".join(row.arm.agents), required=True),
        text(
            "mechanism",
            "HER2-directed classes of the arm, else the classes of all its agents",
            lambda row: " + ".join(row.mechanisms),
            required=True,
        ),
        truth("her2_directed", "whether any agent acts on HER2", lambda row: row.her2_directed, required=True),
        word("line", "line of therapy", Line, lambda row: row.arm.line, ordered=True),
        word("her2", "HER2 group of the arm", Her2, lambda row: row.her2, required=True),
        text("definition", "key of the HER2 definition", lambda row: row.arm.definition),
        truth(
            "her2_selected", "whether patients were selected by HER2", lambda row: row.arm.her2_selected, required=True
        ),
        truth("btc_only", "whether all patients had biliary tract cancer", lambda row: row.arm.btc_only, required=True),
        patients("n", "patients", lambda row: row.arm.n),
        text("dose", "dose", lambda row: row.arm.dose),
        text("sites", "primary sites enrolled", lambda row: joined(row.arm.sites)),
        text("parts", "arms inside this one", lambda row: joined(row.arm.parts)),
        text("overlaps", "arms that share some patients with this one", lambda row: joined(row.arm.overlaps)),
        text("test", "HER2 test", lambda row: getattr(row.arm.testing, "test", None)),
        word(
            "laboratory", "where HER2 was tested", Laboratory, lambda row: getattr(row.arm.testing, "laboratory", None)
        ),
        word("primary_endpoint", "endpoint of the hypothesis", Endpoint, _hypothesis("endpoint")),
        percentage("p0", "rate under the null hypothesis, percent", _hypothesis("p0")),
        percentage("p1", "rate under the alternative, percent", _hypothesis("p1")),
        percentage("alpha", "type I error, percent", _hypothesis("alpha")),
        percentage("power", "power, percent", _hypothesis("power")),
        whole("stages", "stages of the design", _hypothesis("stages"), least=0),
        truth("met", "whether the endpoint was met", _hypothesis("met")),
    ),
    "sources": (
        text("trial", "key of the study; empty for sources of other records", lambda row: row.trial),
        text("source", "key of the source within its study", lambda row: row.source.key, required=True),
        word("kind", "kind of source", SourceKind, lambda row: row.source.kind, required=True),
        text("title", "title", lambda row: row.source.title, required=True),
        text("first_author", "first author", lambda row: row.source.first_author),
        whole("year", "year of publication", lambda row: row.source.year, least=1950, most=2100),
        day("published", "day of publication", lambda row: row.source.published),
        text("venue", "journal, congress, publisher", lambda row: row.source.venue),
        text("pmid", "PubMed id", lambda row: row.source.pmid),
        text("doi", "DOI", lambda row: row.source.doi),
        text("link", "address at which a reader finds it", lambda row: row.source.link or None),
        text("via", "page that quotes it, where the source itself was not read", lambda row: row.source.via),
        text("cutoffs", "data cut-offs", lambda row: joined(row.source.cutoffs)),
        months("followup_months", "median follow-up", lambda row: row.source.followup_months),
        whole("figures", "number of figures read in it", lambda row: row.figures, required=True, least=0),
    ),
    "definitions": (
        text("definition", "key of the definition", lambda row: row.definition.key, required=True),
        text("name", "its name", lambda row: row.definition.name, required=True),
        word("group", "HER2 group that it selects", Her2, lambda row: row.definition.group, required=True),
        word("laboratory", "where HER2 is tested", Laboratory, lambda row: row.definition.laboratory),
        text("words", "the definition in words", lambda row: row.definition.words, required=True),
        text("logic", "the definition as a formula over test results", lambda row: row.definition.logic, required=True),
        text("open", "what of it was not seen", lambda row: row.definition.open),
        text("arms", "arms that were selected by it", lambda row: joined(row.arms)),
        text("source", "key of the source", lambda row: row.definition.source, required=True),
        text("locator", "place in the source", lambda row: row.definition.locator, required=True),
        text("note", "what a reader must know", lambda row: row.definition.note),
    ),
    "definition_matrix": (
        text("definition", "key of the definition", lambda row: row.definition, required=True),
        *(
            word(name, f"whether a tumour of this kind meets it: {name}", Answer, _answered(name), required=True)
            for name in TUMOURS
        ),
    ),
    "criteria": (
        text("clause", "key of the clause", lambda row: row.key, required=True),
        text("criteria", "the criteria that it belongs to", lambda row: joined(row.criteria), required=True),
        text("rule", "the rule, in our words", lambda row: row.rule, required=True),
        word("seen", "how it was seen", Seen, lambda row: row.seen, required=True),
        truth(
            "contested", "whether pages that restate it contradict each other", lambda row: row.contested, required=True
        ),
        text("source", "key of the source", lambda row: row.source),
        text("locator", "place in the source", lambda row: row.locator),
        text("note", "what a reader must know", lambda row: row.note),
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


def definition_matrix(*, definition: Words = None, her2: Words = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return which kinds of tumour meet which definition: yes, no or unknown, one row per definition.

    Parameters
    ----------
    definition, her2 : str or iterable of str, optional
        Keys of definitions; HER2 groups that they select.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Returns
    -------
    DataFrame
        `definition`, then a category ``yes no unknown`` for each kind of `herbtc.her2.TUMOURS`.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> keys = ["herizon-btc-01", "herb-low", "ziihera-label"]
    >>> query.definition_matrix(definition=keys)[["definition", "IHC 0/ISH+", "IHC 3+/ISH+"]]
           definition IHC 0/ISH+ IHC 3+/ISH+
    0        herb-low        yes          no
    1  herizon-btc-01        yes         yes
    2   ziihera-label         no         yes
    """
    catalog = load() if catalog is None else catalog
    keys = wanted("definition", definition, [each.key for each in catalog.definitions])
    groups = wanted("her2", her2, Her2)
    found = [
        _MatrixRow(each.key, {name: meets(tumour, each, catalog=catalog).answer for name, tumour in TUMOURS.items()})
        for each in catalog.definitions
        if passes(keys, each.key) and passes(groups, each.group)
    ]
    return as_frame(COLUMNS["definition_matrix"], found, catalog)


def criteria(*, criteria: Words = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return what the guidelines on HER2 testing say, one row per clause, as `herbtc.her2` applies it.

    Parameters
    ----------
    criteria : str or iterable of str, optional
        ``gastric-2016``, ``breast-2018``, ``breast-2023``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import her2, query
    >>> made = her2.classify(her2.Assay(ihc="2+"))
    >>> clauses = query.criteria().set_index("clause")
    >>> print(clauses.loc[made.clause, "rule"])
    IHC 2+ is equivocal and asks for ISH.
    """
    catalog = load() if catalog is None else catalog
    words = wanted("criteria", criteria, sorted({word for each in catalog.clauses for word in each.criteria}))
    return as_frame(COLUMNS["criteria"], [each for each in catalog.clauses if passes(words, *each.criteria)], catalog)
