"""Rules over studies: sizes of groups, dates, identifiers, reports of the same figure, overlaps, approvals."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

from herbtc.audit._finding import Finding, Rule, about, each_trial, events_of, half, subject
from herbtc.models import FIGURE_KINDS
from herbtc.terms import Design, Endpoint, Her2, Partition, SourceKind, disjoint, strata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from herbtc.catalog import Catalog
    from herbtc.models import Trial


def _figures(trial: Trial) -> Iterator[Any]:
    for kind in FIGURE_KINDS:
        yield from getattr(trial.figures, kind)


# --- sizes ------------------------------------------------------------------------------------------------------------


def _size(trial: Trial, arm: str, population: str | None) -> int | None:
    of = trial.arm(arm)
    if population is None:
        return of.n
    return next((each.n for each in of.populations if each.key == population), None)


def _group_size(trial: Trial) -> Iterator[Finding]:
    for figure in _figures(trial):
        size = _size(trial, figure.arm, figure.population)
        reference = getattr(figure, "reference_arm", None)
        if reference is not None and (reference, figure.reference_population) != (figure.arm, figure.population):
            other = _size(trial, reference, figure.reference_population)
            size = None if size is None or other is None else size + other
        if size is not None and figure.n is not None and figure.n > size:
            message = f"{subject(figure)} counts {figure.n} patients of a group of {size}"
            yield about(trial, figure, printed=figure.n, expected=f"at most {size}", message=message)


def _parts(trial: Trial) -> Iterator[Finding]:
    for arm in trial.arms:
        for what, n in [
            *((f"part {key}", trial.arm(key).n) for key in arm.parts),
            *((f"group {each.key}", each.n) for each in arm.populations),
        ]:
            if n is not None and arm.n is not None and n > arm.n:
                message = f"{what} has {n} patients, the whole arm {arm.n}"
                yield Finding(
                    trial=trial.key, arm=arm.key, printed=str(n), expected=f"at most {arm.n}", message=message
                )


def _disjoint_sum(trial: Trial) -> Iterator[Finding]:
    for arm in trial.arms:
        by: dict[Partition, list[Any]] = defaultdict(list)
        for each in arm.populations:
            if len(each.strata) == 1 and each.n is not None:
                by[each.strata[0].by].append(each)
        for groups in by.values():
            # The largest first, and each that shares nobody with those before it.
            apart: list[Any] = []
            for each in sorted(groups, key=lambda group: -group.n):
                if all(disjoint(each.strata, other.strata) for other in apart):
                    apart.append(each)
            total = sum(each.n for each in apart)
            if arm.n is not None and total > arm.n and len(apart) > 1:
                names = ", ".join(each.key for each in apart)
                message = f"groups that share nobody ({names}) have {total} patients, the whole arm {arm.n}"
                yield Finding(
                    trial=trial.key, arm=arm.key, printed=str(total), expected=f"at most {arm.n}", message=message
                )


def _subgroup_events(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for figure in trial.figures.proportions:
        groups[figure.arm, figure.endpoint, figure.source, figure.cutoff, figure.assessor, figure.confirmed].append(
            figure
        )
    for figures in groups.values():
        wholes = [each for each in figures if each.population is None and events_of(each) is not None]
        if len(wholes) != 1:
            continue
        whole = wholes[0]
        apart: list[Any] = []
        for each in figures:
            if each.population is not None and events_of(each) is not None:
                if (events_of(each) or 0) > (events_of(whole) or 0):
                    message = f"{each.population} has {events_of(each)} events, the whole arm {events_of(whole)}"
                    yield about(
                        trial, each, printed=events_of(each), expected=f"at most {events_of(whole)}", message=message
                    )
                elif all(disjoint(strata(each.population), strata(other.population)) for other in apart):
                    apart.append(each)
        total = sum(events_of(each) or 0 for each in apart)
        if len(apart) > 1 and total > (events_of(whole) or 0):
            names = ", ".join(each.population for each in apart)
            message = f"groups that share nobody ({names}) have {total} events, the whole arm {events_of(whole)}"
            yield about(trial, whole, printed=events_of(whole), expected=f"at least {total}", message=message)


# --- dates ------------------------------------------------------------------------------------------------------------


def _dates(trial: Trial) -> Iterator[Finding]:
    for source in trial.sources:
        last = source.published
        for cutoff in source.cutoffs:
            if (last is not None and cutoff > last) or (source.year is not None and cutoff.year > source.year):
                message = f"the data are of {cutoff}, the report of {last or source.year}"
                yield Finding(
                    trial=trial.key,
                    source=source.key,
                    printed=str(cutoff),
                    expected=f"before {last or source.year}",
                    message=message,
                )
        if trial.reviewed is not None and last is not None and last > trial.reviewed:
            message = f"the report is of {last}, and the study was last reviewed on {trial.reviewed}"
            yield Finding(
                trial=trial.key,
                source=source.key,
                printed=str(last),
                expected=f"up to {trial.reviewed}",
                message=message,
            )


def _order_of_reports(trial: Trial) -> Iterator[Finding]:
    primary = (SourceKind.JOURNAL, SourceKind.CONFERENCE_ABSTRACT)
    dated = [each for each in trial.sources if each.cutoffs and each.published is not None and each.kind in primary]
    for one, other in combinations(dated, 2):
        early, late = sorted((one, other), key=lambda source: max(source.cutoffs))
        assert early.published is not None  # noqa: S101
        assert late.published is not None  # noqa: S101
        if max(early.cutoffs) < max(late.cutoffs) and early.published > late.published and early.kind is late.kind:
            message = f"{late.key} has the later data and was published before {early.key}"
            yield Finding(
                trial=trial.key,
                source=late.key,
                printed=str(late.published),
                expected=f"after {early.published}",
                message=message,
            )


def _follow_up(trial: Trial) -> Iterator[Finding]:
    known = [each for each in trial.sources if len(each.cutoffs) == 1 and each.followup_months is not None]
    for one, other in combinations(sorted(known, key=lambda source: source.cutoffs[0]), 2):
        assert one.followup_months is not None  # noqa: S101
        assert other.followup_months is not None  # noqa: S101
        if one.cutoffs[0] < other.cutoffs[0] and one.followup_months > other.followup_months:
            message = (
                f"follow-up is {other.followup_months} months, and was {one.followup_months} at an earlier cut-off"
            )
            yield Finding(
                trial=trial.key,
                source=other.key,
                printed=str(other.followup_months),
                expected=f"at least {one.followup_months}",
                message=message,
            )


# --- two reports ------------------------------------------------------------------------------------------------------

_VALUES = ("events", "n", "percent", "median", "estimate", "low", "high")


def _cutoff(trial: Trial, figure: Any) -> date | None:
    cutoffs = trial.source(figure.source).cutoffs
    return figure.cutoff or (cutoffs[0] if len(cutoffs) == 1 else None)


def _two_reports(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for kind in ("proportions", "durations", "landmarks", "contrasts"):
        for figure in getattr(trial.figures, kind):
            cutoff = _cutoff(trial, figure)
            if cutoff is not None:
                names = (
                    "assessor",
                    "confirmed",
                    "analysis",
                    "origin",
                    "interval",
                    "level",
                    "at",
                    "kind",
                    "role",
                    "definition",
                )
                which = tuple(getattr(figure, name, None) for name in (*names, "reference_arm", "reference_population"))
                groups[kind, figure.arm, figure.population, figure.endpoint, cutoff, which].append(figure)
    for figures in groups.values():
        first = figures[0]
        for other in figures[1:]:
            for name in _VALUES:
                one, two = getattr(first, name, None), getattr(other, name, None)
                if first.source != other.source and not _same(one, two):
                    message = f"{name} is {two} in {other.source} and {one} in {first.source}, at the same cut-off"
                    yield about(trial, other, printed=two, expected=one, message=message)


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return True
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= max(half(one), half(other))
    return bool(one == other)


def _one_digit_apart(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for figure in _figures(trial):
        cutoff = _cutoff(trial, figure)
        names = (
            "analysis",
            "origin",
            "interval",
            "level",
            "at",
            "kind",
            "role",
            "reference_arm",
            "reference_population",
        )
        which = tuple(getattr(figure, name, None) for name in names)
        groups[type(figure), figure.arm, figure.population, subject(figure), cutoff, which].append(figure)
    for figures in groups.values():
        for one, other in combinations(figures, 2):
            off = [
                (name, a, b)
                for name in _VALUES
                if not _same(a := getattr(one, name, None), b := getattr(other, name, None))
            ]
            if one.source != other.source and len(off) == 1 and _digits_apart(*off[0][1:]) == 1:
                name, a, b = off[0]
                message = f"{name} is {b} in {other.source} and {a} in {one.source}, and all else is the same"
                yield about(trial, other, printed=b, expected=a, message=message)


def _lone_n(trial: Trial) -> Iterator[Finding]:
    counts = Counter((figure.arm, figure.population, figure.n) for figure in _figures(trial))
    for figure in _figures(trial):
        size = _size(trial, figure.arm, figure.population)
        if (
            size is not None
            and figure.n is not None
            and getattr(figure, "reference_arm", None) is None
            and counts[figure.arm, figure.population, figure.n] == 1
            and _digits_apart(size, figure.n) == 1
        ):
            message = f"n is {figure.n} here only, one digit from the {size} of the group"
            yield about(trial, figure, printed=figure.n, expected=size, message=message)


def _digits_apart(one: object, other: object) -> int:
    first, second = str(one), str(other)
    return sum(a != b for a, b in zip(first, second, strict=True)) if len(first) == len(second) else 99


def _later_response(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for figure in trial.figures.proportions:
        if figure.endpoint in (Endpoint.ORR, Endpoint.CR) and events_of(figure) is not None and _cutoff(trial, figure):
            groups[figure.arm, figure.population, figure.endpoint, figure.assessor, figure.confirmed, figure.n].append(
                figure
            )
    for figures in groups.values():
        for one, other in combinations(figures, 2):
            early, late = sorted((one, other), key=lambda figure: str(_cutoff(trial, figure)))
            fewer = (events_of(late) or 0) < (events_of(early) or 0)
            if _cutoff(trial, early) != _cutoff(trial, late) and fewer:
                message = f"{events_of(late)} at the later cut-off, {events_of(early)} at the earlier one"
                yield about(
                    trial, late, printed=events_of(late), expected=f"at least {events_of(early)}", message=message
                )


# --- identifiers and references ---------------------------------------------------------------------------------------

_REGISTRIES = {
    "NCT": r"NCT[0-9]{8}",
    "EudraCT": r"EudraCT (19|20)[0-9]{2}-[0-9]{6}-[0-9]{2}",
    "CTIS": r"CTIS (19|20)[0-9]{2}-[0-9]{6}-[0-9]{2}-[0-9]{2}",
    "CTRI": r"CTRI/[0-9]{4}/[0-9]{2,3}/[0-9]{6}",
    "CTR": r"CTR20[0-9]{6}",
    "ChiCTR": r"ChiCTR(-[A-Z]{3,4}-)?[0-9]{8,10}",
    "KCT": r"KCT[0-9]{7}",
    "ISRCTN": r"ISRCTN[0-9]{8}",
    "UMIN": r"UMIN[0-9]{9}",
    "jRCT": r"jRCTs?[0-9]{9,10}",
    "JMA-IIA": r"JMA-IIA[0-9]{5}",
    "ACTRN": r"ACTRN[0-9]{14}",
}
"""How ids of registries begin, and their whole form; the longer beginning first where one begins like another."""


def _identifiers(trial: Trial) -> Iterator[Finding]:
    for each in trial.registry_ids:
        begins = next((begin for begin in _REGISTRIES if each.lower().startswith(begin.lower())), None)
        # A sponsor's own number has no form that is known here.
        if begins is not None and not re.fullmatch(_REGISTRIES[begins], each):
            message = f"{each} has not the form of an id of {begins}"
            yield Finding(trial=trial.key, printed=each, expected=_REGISTRIES[begins], message=message)


def _definitions(trial: Trial) -> Iterator[Finding]:
    for arm in trial.arms:
        if arm.her2_selected and arm.definition is None and trial.design is not Design.META_ANALYSIS:
            message = "patients were selected by HER2, and no definition says how"
            yield Finding(
                trial=trial.key, arm=arm.key, printed="no definition", expected="a HER2 definition", message=message
            )


def _unselected(catalog: Catalog) -> Iterator[Finding]:
    groups = {definition.key: definition.group for definition in catalog.definitions}
    for trial in catalog.trials:
        for arm in trial.arms:
            if arm.definition is not None and not arm.her2_selected and groups[arm.definition] is not Her2.NRG1_FUSION:
                message = f"patients were not selected by HER2, and {arm.definition} says how they were"
                yield Finding(
                    trial=trial.key, arm=arm.key, printed="her2_selected = false", expected="true", message=message
                )


def _targets(catalog: Catalog) -> Iterator[Finding]:
    for agent in catalog.agents:
        if agent.mechanism.her2_directed and not any("HER2" in target.molecule for target in agent.targets):
            message = f"{agent.key} is of a HER2-directed class, and HER2 is not among its targets"
            yield Finding(
                printed=", ".join(target.molecule for target in agent.targets), expected="HER2", message=message
            )


def _shared_registration(catalog: Catalog) -> Iterator[Finding]:
    by_id: dict[str, list[Trial]] = defaultdict(list)
    for trial in catalog.trials:
        for each in trial.registry_ids:
            by_id[each].append(trial)
    for each, trials in by_id.items():
        for one, other in combinations(trials, 2):
            if other.key not in one.overlaps and one.key not in other.overlaps:
                message = f"{one.key} has the same registration, {each}, and no overlap is declared"
                yield Finding(trial=other.key, printed=each, expected="overlaps", message=message)


def _undeclared(catalog: Catalog) -> Iterator[Finding]:
    # The same counts of the same drugs under two names are most likely the same patients.
    found: dict[Any, list[tuple[Trial, Any]]] = defaultdict(list)
    for trial in catalog.trials:
        agents = {arm.key: arm.agents for arm in trial.arms}
        if trial.design is Design.META_ANALYSIS:
            continue
        for figure in trial.figures.proportions:
            if figure.events and figure.n and figure.n >= 10 and figure.endpoint in (Endpoint.ORR, Endpoint.DCR):  # noqa: PLR2004
                found[agents[figure.arm], figure.endpoint, figure.events, figure.n].append((trial, figure))
    for same in found.values():
        for (one, _), (other, figure) in combinations(same, 2):
            if one.key != other.key and other.key not in one.overlaps and one.key not in other.overlaps:
                message = f"{one.key} has the same counts with the same drugs, and no overlap is declared"
                yield about(
                    other, figure, printed=f"{figure.events} of {figure.n}", expected="overlaps", message=message
                )


def _approvals(catalog: Catalog) -> Iterator[Finding]:
    first = {
        trial.key: min((source.published for source in trial.sources if source.published is not None), default=None)
        for trial in catalog.trials
    }
    for approval in catalog.approvals:
        day = first.get(approval.trial or "")
        if day is not None and approval.act.authorises and approval.decided < day:
            message = f"{approval.key} was decided on {approval.decided}, before the first report of its study on {day}"
            yield Finding(trial=approval.trial, printed=str(approval.decided), expected=f"after {day}", message=message)


def _hypothesis(trial: Trial) -> Iterator[Finding]:
    for arm in trial.arms:
        plan = arm.hypothesis
        if plan is None or plan.p0 is None or plan.p1 is None or plan.endpoint is None or plan.endpoint.is_time:
            continue
        if plan.p0 >= plan.p1:
            message = f"the null rate {plan.p0} is not below the alternative {plan.p1}"
            yield Finding(
                trial=trial.key,
                arm=arm.key,
                printed=str(plan.p0),
                expected=f"below {plan.p1}",
                source=plan.source,
                message=message,
            )


RULES = (
    Rule(
        "group-size",
        True,
        "A figure counts no more patients than its group, or its two groups, have.",
        each_trial(_group_size),
    ),
    Rule("parts", True, "A part or a subgroup is not larger than its arm.", each_trial(_parts)),
    Rule(
        "subgroup-sizes",
        True,
        "Subgroups that share nobody have no more patients than their arm.",
        each_trial(_disjoint_sum),
    ),
    Rule(
        "subgroup-events",
        True,
        "A subgroup has no more events than its arm in the same report, nor have several that share nobody.",
        each_trial(_subgroup_events),
    ),
    Rule(
        "dates",
        True,
        "Data are older than their report, and a report than the review of its study.",
        each_trial(_dates),
    ),
    Rule("order-of-reports", False, "The later data are usually published later.", each_trial(_order_of_reports)),
    Rule(
        "follow-up",
        False,
        "Median follow-up grows from one cut-off to the next, unless patients were added.",
        each_trial(_follow_up),
    ),
    Rule("two-reports", False, "Two reports of one cut-off print the same figure.", each_trial(_two_reports)),
    Rule(
        "one-digit-apart",
        False,
        "Two reports that differ in one digit of one number, and in nothing else, suggest a slip in one of them.",
        each_trial(_one_digit_apart),
    ),
    Rule(
        "lone-n",
        False,
        "An n that no other figure has, one digit from that of its group, is worth a look.",
        each_trial(_lone_n),
    ),
    Rule(
        "later-response",
        False,
        "Among the same patients, responses are not lost at a later cut-off.",
        each_trial(_later_response),
    ),
    Rule("registry-id", True, "An id of a registry has the form that the registry gives it.", each_trial(_identifiers)),
    Rule("definition", False, "An arm selected by HER2 says by which definition.", each_trial(_definitions)),
    Rule(
        "unselected",
        True,
        "Who was not selected by HER2 has no HER2 definition; an NRG1 fusion selects without HER2.",
        _unselected,
    ),
    Rule("hypothesis", True, "A planned rate is above the one to be ruled out.", each_trial(_hypothesis)),
    Rule("target", True, "An agent of a HER2-directed class binds HER2.", _targets),
    Rule(
        "shared-registration",
        True,
        "Two studies with one registration share patients, and say so.",
        _shared_registration,
    ),
    Rule(
        "undeclared-overlap",
        False,
        "The same counts of the same drugs in two studies suggest the same patients.",
        _undeclared,
    ),
    Rule("approval-after-report", False, "An approval follows the first report of its pivotal study.", _approvals),
)
