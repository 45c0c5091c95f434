"""The figures of the narrowest reported group of patients that a patient belongs to."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from herbtc import terms
from herbtc.her2 import STRATA, meets
from herbtc.query._figure_columns import in_months
from herbtc.query._rows import HER2_PARTITIONS, best_of_each_group
from herbtc.synthesis import exact_interval
from herbtc.terms import Answer, Endpoint, Her2, Partition, Reach, Stratum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from herbtc.catalog import Catalog
    from herbtc.her2 import Profile
    from herbtc.models import Definition, Duration, Proportion, Trial
    from herbtc.query._rows import Row

_LEVEL = 0.95
_FEW = 10
_SEVERE = ("3", "3-4", "3+", "4", "4+", "5")
_LISTED = 3


@frozen(kw_only=True, eq=False)
class GroupFigures:
    """What was reported of one group of patients: response, medians, and who they were.

    `of_arm` is the definition by which the arm was selected, `strata` those of the group within it; `strata` is None
    where the group's word means what no predicate says.
    """

    trial: str
    arm: str
    population: str
    her2: Her2
    of_arm: Definition | None
    strata: tuple[Definition, ...] | None
    figures: dict[str, Any]

    @property
    def width(self) -> tuple[int, str]:
        """How many of the smallest HER2 groups it unites, to tell the narrowest first."""
        strata = [each for each in terms.strata(self.population) if each.by is not Partition.ANALYSIS_SET]
        return min((len(each.groups) for each in strata), default=len(Stratum)), self.population


def of_patient(groups: Iterable[GroupFigures], profile: Profile, catalog: Catalog) -> GroupFigures | None:
    """Return the narrowest group that the tumour is in; groups come narrowest first.

    Of a subgroup the tumour must certainly meet the strata and must not be outside the arm; of a whole arm it must
    certainly be inside, for nothing else says that its patients are like this one.
    """
    for group in groups:
        if group.strata is None:
            continue
        inside = [meets(profile, stratum, catalog=catalog).answer for stratum in group.strata]
        if any(answer is not Answer.YES for answer in inside):
            continue
        arm = Answer.YES if group.of_arm is None else meets(profile, group.of_arm, catalog=catalog).answer
        if arm is Answer.YES or (inside and arm is Answer.UNKNOWN):
            return group
    return None


@lru_cache(maxsize=16)
def groups_of(catalog: Catalog) -> dict[tuple[str, str], tuple[GroupFigures, ...]]:
    """Return the groups of each arm that figures were reported of, narrowest first."""
    reported: dict[tuple[str, str, str], dict[str, Any]] = defaultdict(dict)
    read: dict[tuple[str, str, str], Row] = {}
    for kind, endpoints, values in (("proportions", ("orr",), _response), ("durations", ("pfs", "os", "dor"), _median)):
        for endpoint in endpoints:
            for row in best_of_each_group(catalog, kind, Endpoint(endpoint)):
                key = row.trial.key, row.arm.key, terms.population(row.subgroup)
                reported[key] |= values(row)
                read[key] = row
    found: dict[tuple[str, str], list[GroupFigures]] = defaultdict(list)
    for key, figures in reported.items():
        if all(stratum.by in HER2_PARTITIONS for stratum in read[key].subgroup):
            found[key[:2]].append(_group(read[key], figures, catalog))
    return {key: tuple(sorted(groups, key=lambda group: group.width)) for key, groups in found.items()}


def _group(row: Row, figures: dict[str, Any], catalog: Catalog) -> GroupFigures:
    words = [Her2(stratum) for stratum in row.subgroup]
    # An arm that was selected by HER2 in a way not on record is a group that nobody is certainly in.
    known = all(word in STRATA for word in words) and (words or row.arm.definition or not row.arm.her2_selected)
    return GroupFigures(
        trial=row.trial.key,
        arm=row.arm.key,
        population=terms.population(row.subgroup),
        her2=row.her2,
        of_arm=None if row.arm.definition is None else catalog.definition(row.arm.definition),
        strata=tuple(STRATA[word] for word in words) if known else None,
        figures=figures,
    )


def _response(row: Row) -> dict[str, Any]:
    figure: Proportion = row.figure
    events, n = figure.events_fixed, figure.n
    percent = None if figure.percent is None else float(figure.percent)
    low = high = None
    if events is not None and n:
        ends = exact_interval(np.array([float(events)]), np.array([float(n)]), _LEVEL)
        low, high = (100 * float(end[0]) for end in ends)
        percent = 100 * events / n if percent is None else percent
    return {
        "events": events,
        "n": n,
        "orr_percent": percent,
        "orr_low": low,
        "orr_high": high,
        "small_n": None if n is None else n < _FEW,
        "assessor": figure.assessor,
        "confirmed": figure.confirmed,
        "orr_source": row.source.key,
    }


def _median(row: Row) -> dict[str, Any]:
    figure: Duration = row.figure
    ends = {"median": figure.median, "low": figure.low, "high": figure.high}
    return {
        **{f"{figure.endpoint}_{name}": in_months(value, row) for name, value in ends.items()},
        f"{figure.endpoint}_not_reached": figure.median is Reach.NOT_REACHED,
        f"{figure.endpoint}_source": row.source.key,
    }


def toxicities(trial: Trial, arms: Iterable[str]) -> str | None:
    """Return the commonest severe events reported of arms, else the commonest of any grade, in words."""
    wanted = set(arms)
    events = [
        each
        for each in trial.figures.adverse_events
        if each.arm in wanted
        and each.term != "any"
        and each.population is None
        and each.suspect is None
        and each.consequence is None
        and not each.serious
    ]
    severe = [each for each in events if each.grade in _SEVERE]
    shown: dict[str, tuple[float, str]] = {}
    for each in severe or events:
        share = None if each.percent is None else float(each.percent)
        if share is None and each.events is not None and each.n:
            share = 100 * each.events / each.n
        if share and share > shown.get(each.term, (0.0, ""))[0]:
            counted = f" of {each.n}" if each.n else ""
            grade = "any grade" if each.grade == "any" else f"grade {each.grade}"
            words = f"{each.term} {share:.3g} %{counted} ({grade}, {each.attribution})"
            shown[each.term] = share, words
    return "; ".join(words for _, words in sorted(shown.values(), reverse=True)[:_LISTED]) or None
