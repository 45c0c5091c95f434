"""Rows of figure frames: each figure joined to its study, arm, population and source; and which rows to return."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, cast

from attrs import field, frozen

from herbtc import terms
from herbtc.errors import look_up
from herbtc.models import Proportion
from herbtc.query._columns import frame
from herbtc.terms import (
    Analysis,
    Assessor,
    Design,
    Endpoint,
    Grade,
    Her2,
    Interval,
    Line,
    MechanismClass,
    Partition,
    Site,
    SourceKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from herbtc.catalog import Catalog
    from herbtc.models import Agent, Arm, Source, Trial
    from herbtc.query._columns import Column
    from herbtc.terms import Stratum

Words: TypeAlias = str | Iterable[str] | None
"""One word or several; None for no filter."""


class Filters(TypedDict, total=False):
    """Filters that all functions about figures share; each takes one word or several."""

    trial: Words
    arm: Words
    agent: Words
    mechanism: Words
    line: Words
    her2: Words
    site: Words
    population: Words
    assessor: Words
    confirmed: bool | None
    reports: Literal["primary", "latest", "all"]
    her2_directed: bool | None
    her2_selected: bool | None
    btc_only: bool | None
    suspect: Literal["exclude", "include", "only"]


@frozen(eq=False)
class Row:
    """A figure with everything that its frame shows beside it."""

    figure: Any
    trial: Trial
    arm: Arm
    strata: tuple[Stratum, ...]
    source: Source
    agents: str
    mechanisms: tuple[MechanismClass, ...]
    her2_directed: bool
    her2: Her2
    site: Site | None
    cutoff: date | None
    population: str = field(init=False)
    subgroup: tuple[Stratum, ...] = field(init=False)
    identity: tuple[Any, ...] = field(init=False)
    incomplete: bool = field(init=False)
    by_cutoff: tuple[Any, ...] = field(init=False)
    by_day: tuple[Any, ...] = field(init=False)

    @population.default
    def _name(self) -> str:
        return self.figure.population or terms.EVERYONE

    @subgroup.default
    def _strata_of_subgroup(self) -> tuple[Stratum, ...]:
        return _subgroup(self.strata)

    @identity.default
    def _what(self) -> tuple[Any, ...]:
        return (self.trial.key, self.arm.key, self.population, *(getattr(self.figure, name, None) for name in _SAME))

    @incomplete.default
    def _without_counts(self) -> bool:
        return isinstance(self.figure, Proportion) and None in (self.figure.events_fixed, self.figure.n)

    @by_cutoff.default
    def _rank_by_cutoff(self) -> tuple[Any, ...]:
        return _rank(self, self.cutoff or self.source.day)

    @by_day.default
    def _rank_by_day(self) -> tuple[Any, ...]:
        return _rank(self, self.source.day)


def _subgroup(strata: tuple[Stratum, ...]) -> tuple[Stratum, ...]:
    # Patients who could be assessed are no subgroup: their figure stands for the arm if nothing better does.
    return tuple(stratum for stratum in strata if stratum.by is not Partition.ANALYSIS_SET)


HER2_PARTITIONS = frozenset(
    {
        Partition.IHC,
        Partition.HER2_STATUS,
        Partition.AMPLIFICATION,
        Partition.PLASMA,
        Partition.MUTATION,
        Partition.ALTERATION,
        Partition.FUSION,
    }
)


def mechanisms_of(arm: Arm, catalog: Catalog) -> tuple[MechanismClass, ...]:
    """Return the HER2-directed classes of an arm; the classes of all it got where none is HER2-directed."""
    agents = _agents(catalog)
    classes = {agents[key].mechanism for key in arm.agents}
    directed = {each for each in classes if each.her2_directed}
    return tuple(each for each in MechanismClass if each in (directed or classes))


@lru_cache(maxsize=8)
def _agents(catalog: Catalog) -> dict[str, Agent]:
    return {agent.key: agent for agent in catalog.agents}


@lru_cache(maxsize=8)
def _groups(catalog: Catalog) -> dict[str, Her2]:
    return {definition.key: definition.group for definition in catalog.definitions}


def her2_of(arm: Arm, catalog: Catalog, strata: tuple[Stratum, ...] = ()) -> Her2:
    """Return the HER2 group of an arm, or of a population within it."""
    for stratum in strata:
        if stratum.by in HER2_PARTITIONS:
            return Her2(stratum)
    if arm.definition is not None:
        return _groups(catalog)[arm.definition]
    return Her2.SELECTED if arm.her2_selected else Her2.UNSELECTED


def _site_of(arm: Arm, strata: tuple[Stratum, ...]) -> Site | None:
    for stratum in strata:
        if stratum.by is Partition.SITE:
            return Site(stratum)
    return arm.sites[0] if len(arm.sites) == 1 else None


@lru_cache(maxsize=64)
def rows(catalog: Catalog, kind: str) -> tuple[Row, ...]:
    """Return all rows of one kind of figure in the order of frames; kept per catalog, which is frozen as they are."""
    found: list[tuple[Any, Row]] = []
    for trial in catalog.trials:
        sources = {source.key: source for source in trial.sources}
        arms = {arm.key: (place, arm) for place, arm in enumerate(trial.arms)}
        for figure in getattr(trial.figures, kind):
            place, arm = arms[figure.arm]
            source = sources[figure.source]
            strata = terms.strata(figure.population or terms.EVERYONE)
            row = Row(
                figure,
                trial,
                arm,
                strata,
                source,
                " + ".join(arm.agents),
                mechanisms := mechanisms_of(arm, catalog),
                mechanisms[0].her2_directed,
                her2_of(arm, catalog, strata),
                _site_of(arm, strata),
                figure.cutoff or (source.cutoffs[0] if len(source.cutoffs) == 1 else None),
            )
            order = (
                trial.key,
                place,
                row.population != terms.EVERYONE,
                row.population,
                _within_arm(figure),
                row.by_cutoff,
            )
            found.append((order, row))
    found.sort(key=lambda pair: pair[0])
    return tuple(row for _, row in found)


def _within_arm(figure: Any) -> tuple[Any, ...]:
    # Endpoints in the order of their vocabulary, baseline items and adverse events by name, grades and times upwards.
    endpoint, grade = getattr(figure, "endpoint", None), getattr(figure, "grade", None)
    return (
        _PLACE[endpoint] if endpoint else 0,
        getattr(figure, "item", "") or getattr(figure, "term", "") or getattr(figure, "instrument", ""),
        _PLACE[grade] if grade else 0,
        getattr(figure, "at", None) or 0,
    )


_PLACE: dict[Any, int] = {word: place for words in (Endpoint, Grade) for place, word in enumerate(words)}
_KIND = {kind: place for place, kind in enumerate(SourceKind)}
_READER: dict[Any, int] = {reader: place for place, reader in enumerate((*Assessor, None))}
_CONFIRMED = {True: 0, None: 1, False: 2}
_ANALYSIS: dict[Any, int] = {analysis: place for place, analysis in enumerate((*Analysis, None))}


# --- which rows -------------------------------------------------------------------------------------------------------


def select(catalog: Catalog, kind: str, endpoint: Words, known: Iterable[str], filters: Filters) -> list[int]:
    """Return the places, among all rows of a kind, of those that pass the filters and the choice of reports.

    Parameters
    ----------
    catalog : Catalog
    kind : str
        A section of figures, such as ``"proportions"``.
    endpoint : words
        Endpoints, items or terms asked for.
    known : iterable of str
        Those that exist.
    filters : Filters
    """
    unknown = sorted(set(filters) - set(Filters.__annotations__))
    if unknown:
        raise TypeError(f"unknown filter {', '.join(unknown)}; there are: {', '.join(Filters.__annotations__)}")
    what = _WHAT.get(kind, "endpoint")
    asked = {
        # A vocabulary is gathered only for a filter that is there: most queries have one or two.
        name: wanted(name, words, vocabulary(catalog))
        if (words := cast("Words", filters.get(name))) is not None
        else None
        for name, vocabulary in _VOCABULARIES.items()
    }
    asked[what] = wanted(what, endpoint, known)
    choice = one_of("reports", filters.get("reports", "primary"), ("primary", "latest", "all"))
    suspect = one_of("suspect", filters.get("suspect", "exclude"), ("exclude", "include", "only"))
    truths = {name: _truth(name, filters.get(name)) for name in _TRUTHS}

    tests: list[Callable[[Row], bool]] = [
        (lambda row, read=_READ[name], words=words: not words.isdisjoint(read(row)))  # type: ignore[misc]
        for name, words in asked.items()
        if words is not None
    ]
    tests += [
        (lambda row, read=_TRUTHS[name], truth=truth: read(row) is truth)  # type: ignore[misc]
        for name, truth in truths.items()
        if truth is not None
    ]
    if suspect != "include":
        tests.append(lambda row: (row.figure.suspect is not None) is (suspect == "only"))
    if choice == "primary" and truths["her2_directed"] and truths["her2_selected"] is None and asked["trial"] is None:
        # Response to a HER2-directed agent where nobody looked at HER2 answers another question.
        tests.append(lambda row: row.arm.her2_selected)
    if choice == "primary" and truths["btc_only"] is None and asked["trial"] is None:
        # A rate over many tumours is no rate of biliary tract cancer, so it is returned only when asked for.
        tests.append(lambda row: row.arm.btc_only)
    if choice == "primary" and asked["population"] is None:
        # Strata that nobody asked for would make a subgroup pose as its arm.
        named = (asked["her2"] or frozenset()) | (asked["site"] or frozenset())
        tests.append(lambda row: named.issuperset(row.subgroup))
    every = rows(catalog, kind)
    found = [row for row in every if all(test(row) for test in tests)]
    if choice == "latest":
        found = _newest(found, lambda row: (*row.identity, *(getattr(row.figure, name, None) for name in _READINGS)))
    elif choice == "primary":
        found = _without_shared_patients(_newest(found, _identity_of_arm), catalog, named=asked["trial"] is not None)
    chosen = set(map(id, found))
    return [place for place, row in enumerate(every) if id(row) in chosen]


def wanted(what: str, words: Words, known: Iterable[str]) -> frozenset[str] | None:
    """Return the words of a filter as a set, None for no filter; UnknownKeyError for a word that does not exist."""
    if words is None:
        return None
    existing = {str(word): None for word in known}
    each = [words] if isinstance(words, str) or not hasattr(words, "__iter__") else list(words)
    for word in each:
        look_up(what, word, existing)
    return frozenset(map(str, each))


def passes(words: frozenset[str] | None, *values: str | None) -> bool:
    """Whether any value is among the words asked for; every value passes where none were."""
    return words is None or not words.isdisjoint(values)


def one_of(what: str, word: object, words: tuple[str, ...]) -> str:
    """Return the word if it is one of those allowed, else raise UnknownKeyError."""
    return look_up(what, word, {each: each for each in words})


def _truth(name: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} takes True, False or None, not {value!r}")
    return value


_WHAT = {"baseline": "item", "adverse_events": "term", "patient_reported": "instrument"}

_VOCABULARIES: dict[str, Callable[[Catalog], Iterable[str]]] = {
    "trial": lambda catalog: [trial.key for trial in catalog.trials],
    "arm": lambda catalog: sorted({arm.key for trial in catalog.trials for arm in trial.arms}),
    "agent": lambda catalog: [agent.key for agent in catalog.agents],
    "mechanism": lambda _: MechanismClass,
    "line": lambda _: Line,
    "her2": lambda _: Her2,
    "site": lambda _: Site,
    "population": lambda catalog: [
        terms.EVERYONE,
        *sorted({population.key for trial in catalog.trials for arm in trial.arms for population in arm.populations}),
    ],
    "assessor": lambda _: Assessor,
}

_READ: dict[str, Callable[[Row], Iterable[str | None]]] = {
    "trial": lambda row: (row.trial.key,),
    "arm": lambda row: (row.arm.key,),
    "agent": lambda row: row.arm.agents,
    "mechanism": lambda row: row.mechanisms,
    "line": lambda row: (row.arm.line,),
    "her2": lambda row: (row.her2,),
    "site": lambda row: (row.site,),
    "population": lambda row: (row.population,),
    "assessor": lambda row: (getattr(row.figure, "assessor", None),),
    "endpoint": lambda row: (row.figure.endpoint,),
    "item": lambda row: (row.figure.item,),
    "term": lambda row: (row.figure.term,),
    "instrument": lambda row: (row.figure.instrument,),
}

_TRUTHS: dict[str, Callable[[Row], bool | None]] = {
    "confirmed": lambda row: getattr(row.figure, "confirmed", None),
    "her2_directed": lambda row: row.her2_directed,
    "her2_selected": lambda row: row.arm.her2_selected,
    "btc_only": lambda row: row.arm.btc_only,
}

# What makes two figures the same figure at two cut-offs, beside arm and population; and what makes them two readings.
_SAME = (
    "endpoint",
    *("instrument", "scale", "measure"),
    *("item", "term", "grade", "attribution", "related_to", "serious", "consequence"),
    *("at", "kind", "reference_arm", "reference_population", "role"),
)
_READINGS = ("assessor", "confirmed", "analysis", "origin", "interval")


def _identity_of_arm(row: Row) -> tuple[Any, ...]:
    trial, arm, _, *rest = row.identity
    reference = getattr(row.figure, "reference_population", None)
    rest[_SAME.index("reference_population")] = _subgroup(terms.strata(reference or terms.EVERYONE))
    return (trial, arm, row.subgroup, *rest)


def best_of_each_group(catalog: Catalog, kind: str, endpoint: Endpoint) -> list[Row]:
    """Return, for each group of patients of each arm, the figure that speaks for it: its newest and best report."""
    every = [row for row in rows(catalog, kind) if row.figure.endpoint is endpoint and row.figure.suspect is None]
    return _newest(every, _identity_of_arm)


def _newest(found: list[Row], identity: Callable[[Row], tuple[Any, ...]]) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in found:
        groups[identity(row)].append(row)
    best = {id(group[0] if len(group) == 1 else _best(group)) for group in groups.values()}
    return [row for row in found if id(row) in best]


def _best(group: list[Row]) -> Row:
    # A cut-off can be compared with a cut-off only; where one is not printed, the days of publication decide.
    # A later page that prints the same value is then no newer report of it, so the best source of the value speaks.
    if all(row.cutoff is not None for row in group):
        return min(group, key=lambda row: row.by_cutoff)
    newest = min(group, key=lambda row: row.by_day)
    same = [row for row in group if _agree(row.figure, newest.figure)]
    return min(same, key=lambda row: (row.incomplete, _KIND[row.source.kind], row.by_day))


def _agree(one: Any, other: Any) -> bool:
    return getattr(one, "origin", None) is getattr(other, "origin", None) and all(
        _same(getattr(one, name, None), getattr(other, name, None)) for name in _VALUES
    )


_VALUES = ("events", "n", "percent", "median", "estimate", "low", "high")


def _same(one: Any, other: Any) -> bool:
    # Rounding to fewer digits is the same value: 46.7 and 47.
    if not isinstance(one, Decimal) or not isinstance(other, Decimal):
        return one is None or other is None or one == other
    digits = Decimal(1).scaleb(max(int(one.as_tuple().exponent), int(other.as_tuple().exponent)))
    return abs(one - other) <= digits / 2


def _rank(row: Row, day: date) -> tuple[Any, ...]:
    # What speaks first for its arm, as a tuple that sorts: the whole arm, the newest, the best source, the reading.
    figure = row.figure
    interval = getattr(figure, "interval", None)
    return (
        len(row.subgroup) < len(row.strata),
        getattr(figure, "origin", None) is not None,
        -day.toordinal(),
        row.incomplete,
        _KIND[row.source.kind],
        _READER[getattr(figure, "assessor", None)],
        _CONFIRMED[getattr(figure, "confirmed", None)],
        _ANALYSIS[getattr(figure, "analysis", None)],
        interval is not None and interval is not Interval.CI,
        -(figure.n or 0),
        row.source.key,
    )


# --- no patient twice -------------------------------------------------------------------------------------------------


def contained(trial: Trial) -> dict[str, frozenset[str]]:
    """Return, for each arm of a study, the keys of all arms inside it, parts of parts included."""
    parts = {arm.key: frozenset(arm.parts) for arm in trial.arms}
    for _ in parts:
        parts = {key: inside.union(*(parts[part] for part in inside)) - {key} for key, inside in parts.items()}
    return parts


@lru_cache(maxsize=1024)
def shared_arms(trial: Trial) -> frozenset[frozenset[str]]:
    """Return the pairs of arms of a study that share patients: by a part of both, or by a declared overlap."""
    # An arm is the patients of itself and of everything inside it; two arms share some if these meet or overlap.
    inside = {key: parts | {key} for key, parts in contained(trial).items()}
    overlaps = {frozenset((arm.key, other)) for arm in trial.arms for other in arm.overlaps}
    return frozenset(
        frozenset((one, other))
        for one, other in combinations(inside, 2)
        if inside[one] & inside[other]
        or any(frozenset(pair) in overlaps for pair in product(inside[one], inside[other]))
    )


@lru_cache(maxsize=8)
def overlapping(catalog: Catalog) -> frozenset[frozenset[str]]:
    """Return the pairs of studies declared to share patients."""
    return frozenset(frozenset((trial.key, other)) for trial in catalog.trials for other in trial.overlaps)


def _without_shared_patients(found: list[Row], catalog: Catalog, *, named: bool) -> list[Row]:
    # Whether a figure is there twice is asked per endpoint: a whole may report what its parts do not.
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in found:
        # A meta-analysis repeats the patients of its studies, so it is shown only when it is asked for by name.
        if named or row.trial.design is not Design.META_ANALYSIS:
            groups[tuple(getattr(row.figure, name, None) for name in _SAME if "reference" not in name)].append(row)
    kept = {id(row) for group in groups.values() for row in _apart(group, catalog)}
    return [row for row in found if id(row) in kept]


def _apart(group: list[Row], catalog: Catalog) -> list[Row]:
    # Only rows of a study that shares patients, or has several rows here, can meet a rival.
    rivals: dict[str, set[str]] = defaultdict(set)
    for one, other in map(tuple, overlapping(catalog)):
        rivals[one].add(other)
        rivals[other].add(one)
    of_study: dict[str, list[Row]] = defaultdict(list)
    for row in group:
        of_study[row.trial.key].append(row)
    kept: dict[str, list[Row]] = defaultdict(list)
    rest = [row for row in group if len(of_study[row.trial.key]) == 1 or not _gives_way(row, of_study[row.trial.key])]
    for row in sorted(rest, key=lambda row: (not row.arm.btc_only, -_size(row))):
        key = row.trial.key
        if not any(kept[rival] for rival in rivals[key]) and not any(_shares(row, other) for other in kept[key]):
            kept[key].append(row)
    return [row for rows_kept in kept.values() for row in rows_kept]


def _gives_way(whole: Row, of_study: list[Row]) -> bool:
    # A whole gives way to its parts where they account for all its patients.
    parts = [row for row in of_study if row.arm.key in whole.arm.parts and not terms.disjoint(row.strata, whole.strata)]
    return bool(parts) and sum(map(_size, parts)) >= _size(whole)


def _size(row: Row) -> int:
    return row.figure.n or row.arm.n or 0


def _shares(one: Row, other: Row) -> bool:
    arms = frozenset((one.arm.key, other.arm.key))
    return arms in shared_arms(one.trial) and not terms.disjoint(one.strata, other.strata)


def as_frame(columns: tuple[Column, ...], found: list[Any], catalog: Catalog) -> pd.DataFrame:
    """Return rows as a frame that carries the data release."""
    made = frame(columns, found)
    made.attrs["herbtc"] = {"release": catalog.release}
    return made
