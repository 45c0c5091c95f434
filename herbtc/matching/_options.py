"""What there is on a day in a place: approved, recommended, studied, recruiting."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, frozen

from herbtc.errors import look_up
from herbtc.matching._benefit import preliminary_grade
from herbtc.matching._figures import GroupFigures, groups_of, toxicities
from herbtc.terms import Design, MechanismClass, OptionKind, Scope, Status, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from herbtc.catalog import Catalog
    from herbtc.models import Approval, Arm, Definition, Eligibility, Guideline, Source, Trial
    from herbtc.terms import Line, Site

A = TypeVar("A", "Approval", "Guideline")

EU = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE EU".split()  # noqa: SIM905
)
_OPEN = (Status.RECRUITING, Status.ENROLLING_BY_INVITATION)


@frozen(kw_only=True, eq=False)
class Option:
    """Something that evidence speaks about and a patient may or may not match.

    `population` says in the words of the act or the study for whom it is; `definition` is None where the record has
    none, and `her2_selected` then tells whether that is because HER2 did not matter.
    """

    kind: OptionKind
    key: str
    agents: tuple[str, ...]
    population: str
    line: Line | None
    her2_selected: bool
    definition: Definition | None = None
    scope: Scope = Scope.BILIARY
    sites: tuple[Site, ...] = ()
    targets: frozenset[str] = frozenset()
    eligibility: Eligibility | None = None
    btc_only: bool = True
    trial: Trial | None = None
    cautions: tuple[str, ...] = ()
    groups: tuple[GroupFigures, ...] = ()
    toxicities: str | None = None
    approval: str | None = None
    guideline: str | None = None
    escat: str | None = None
    mcbs: str | None = None
    mcbs_basis: str | None = None
    sources: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    reviewed: date | None = None

    @property
    def order(self) -> tuple[int, str]:
        """Place among options: by kind, then alphabetical; never by how good the evidence looks."""
        return list(OptionKind).index(self.kind), self.key


@lru_cache(maxsize=64)
def options_on(catalog: Catalog, day: date, jurisdiction: str) -> tuple[Option, ...]:
    """Return every option of a day in a jurisdiction, grouped by kind and alphabetical within.

    `catalog` holds what was public on the day.
    """
    approvals = _in_force(catalog.approvals)
    guidelines = [each for each in _in_force(catalog.guidelines) if each.topic is Topic.THERAPY]
    here = [each for each in approvals if each.act.authorises and each.jurisdiction == jurisdiction]
    every = [
        *(_approved(each, catalog) for each in here),
        *(_of_act(OptionKind.GUIDELINE, each, catalog, catalog.guideline_sources) for each in guidelines),
        *_studied(catalog),
        *_recruiting(catalog, day),
    ]
    return tuple(sorted((_with_status(each, here, guidelines) for each in every), key=lambda option: option.order))


def known_place(jurisdiction: str, catalog: Catalog) -> str:
    """Return the jurisdiction if any record speaks of it; else UnknownKeyError with those that are spoken of."""
    places = {each.jurisdiction for each in catalog.approvals} | {
        country for trial in catalog.trials for country in trial.countries
    }
    return look_up("jurisdiction", jurisdiction, {place: place for place in sorted(places)})


def _in_force(acts: Iterable[A]) -> list[A]:
    every = list(acts)
    replaced = {key for each in every for key in each.replaces}
    return [each for each in every if each.key not in replaced]


def _approved(act: Approval, catalog: Catalog) -> Option:
    trial = catalog.trial(act.trial) if act.trial is not None else None
    arms = [] if trial is None else [arm for arm in trial.arms if arm.agents == act.agents and arm.btc_only]
    groups = groups_of(catalog)
    return evolve(
        _of_act(OptionKind.APPROVED, act, catalog, catalog.approval_sources),
        trial=trial,
        cautions=(*act.cautions, *_pivotal(trial, act.agents)),
        groups=tuple(
            sorted(
                (group for arm in arms for group in groups.get((act.trial or "", arm.key), ())),
                key=lambda group: group.width,
            )
        ),
        toxicities=None if trial is None else toxicities(trial, [arm.key for arm in arms]),
    )


def _of_act(kind: OptionKind, act: Approval | Guideline, catalog: Catalog, sources: tuple[Source, ...]) -> Option:
    source = next(each for each in sources if each.key == act.source)
    return Option(
        kind=kind,
        key=act.key,
        agents=act.agents,
        population=act.population,
        line=act.line,
        her2_selected=any(catalog.agent(key).mechanism.her2_directed for key in act.agents),
        definition=None if act.definition is None else catalog.definition(act.definition),
        scope=act.scope,
        sites=getattr(act, "sites", ()),
        sources=(act.source,),
        links=(source.link,) if source.link else (),
        reviewed=act.reviewed,
    )


def _studied(catalog: Catalog) -> Iterator[Option]:
    groups = groups_of(catalog)
    for trial in catalog.trials:
        if trial.design is Design.META_ANALYSIS:
            continue
        alone = {arm.agents for arm in trial.arms if arm.btc_only}
        for arm in trial.arms:
            # A mixed arm stands for itself only where there is none of biliary cancer alone.
            option = _of_arm(OptionKind.STUDIED, trial, arm, catalog)
            if option is not None and (arm.btc_only or arm.agents not in alone):
                reported = groups.get((trial.key, arm.key), ())
                yield evolve(
                    option,
                    groups=reported,
                    toxicities=toxicities(trial, [arm.key]),
                    mcbs=preliminary_grade(trial, arm, reported),
                )


def _recruiting(catalog: Catalog, day: date) -> Iterator[Option]:
    for trial in catalog.trials:
        if trial.status in _OPEN and (trial.start is None or trial.start <= day.isoformat()[: len(trial.start)]):
            for arm in trial.arms:
                option = _of_arm(OptionKind.RECRUITING, trial, arm, catalog)
                if option is not None:
                    yield option


def _of_arm(kind: OptionKind, trial: Trial, arm: Arm, catalog: Catalog) -> Option | None:
    agents = [catalog.agent(key) for key in arm.agents]
    directed = any(agent.mechanism.her2_directed for agent in agents)
    other = [agent for agent in agents if agent.mechanism is MechanismClass.OTHER_TARGETED]
    targets: frozenset[str] = (
        frozenset() if directed else frozenset(each.molecule for agent in other for each in agent.targets)
    )
    if not directed and not targets:
        return None
    return Option(
        kind=kind,
        key=f"{trial.key}/{arm.key}",
        agents=arm.agents,
        population=arm.label,
        line=arm.line,
        her2_selected=arm.her2_selected,
        definition=None if arm.definition is None else catalog.definition(arm.definition),
        sites=arm.sites,
        targets=targets,
        eligibility=arm.eligibility,
        btc_only=arm.btc_only,
        trial=trial,
        sources=tuple(dict.fromkeys(each.key for each in trial.sources)),
        links=(),
        reviewed=trial.reviewed,
    )


def _pivotal(trial: Trial | None, agents: tuple[str, ...]) -> Iterator[str]:
    # What the study behind an act asked for is no condition of the act, but what is known holds for such patients.
    if trial is None:
        return
    for arm in trial.arms:
        if arm.agents == agents and arm.eligibility is not None:
            yield from (f"{trial.name} asked for: {words}" for words in asked(arm.eligibility))
            return


def asked(eligibility: Eligibility) -> Iterator[str]:
    """Yield what a study asked of its patients, in words."""
    if eligibility.ecog_max is not None:
        yield f"ECOG 0 to {eligibility.ecog_max}"
    if eligibility.lvef_min is not None:
        yield f"LVEF at least {eligibility.lvef_min} %"
    if eligibility.measurable:
        yield "measurable disease"
    if eligibility.prior_her2_therapy is not None:
        yield f"earlier HER2-directed therapy {eligibility.prior_her2_therapy}"
    yield from eligibility.also


def _with_status(option: Option, approvals: list[Approval], guidelines: list[Guideline]) -> Option:
    acts = [each for each in approvals if set(each.agents) == set(option.agents)]
    said = [each for each in guidelines if set(each.agents) == set(option.agents)]
    mcbs = next((each for each in said if each.mcbs is not None), None)
    recorded = None if mcbs is None else f"{mcbs.mcbs} ({mcbs.mcbs_version})" if mcbs.mcbs_version else mcbs.mcbs
    return evolve(
        option,
        approval="; ".join(f"{each.act} {_on(each)} ({each.key})" for each in acts) or "none on record",
        guideline="; ".join(map(_position, said)) or None,
        escat=next((each.escat for each in said if each.escat is not None), None),
        mcbs=recorded or option.mcbs,
        mcbs_basis="recorded by ESMO" if recorded else "v1.1 form 3, preliminary" if option.mcbs else None,
    )


def _on(act: Approval) -> str:
    return f"by {act.decided}" if act.decided_is_bound else f"on {act.decided}"


def _position(act: Guideline) -> str:
    graded = " ".join(
        f"{name} {value}"
        for name, value in (("category", act.category), ("evidence", act.evidence), ("grade", act.grade))
        if value is not None
    )
    return f"{act.document} {act.version or act.year}: {graded or 'no grade recorded'} ({act.key})"
