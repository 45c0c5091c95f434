"""The figures of the narrowest reported group of patients that a patient belongs to."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import frozen

from herbtc import query, terms
from herbtc.her2 import STRATA, meets
from herbtc.synthesis import exact_interval
from herbtc.terms import Answer, Her2, Partition, Stratum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from herbtc.catalog import Catalog
    from herbtc.her2 import Profile
    from herbtc.models import Definition, Trial

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
    for row in _primary(query.proportions, "orr", catalog):
        reported[row["trial"], row["arm"], row["population"]] |= _response(row)
    for endpoint in ("pfs", "os", "dor"):
        for row in _primary(query.durations, endpoint, catalog):
            reported[row["trial"], row["arm"], row["population"]] |= _median(row, endpoint)
    found: dict[tuple[str, str], list[GroupFigures]] = defaultdict(list)
    for (trial, arm, population), values in reported.items():
        made = _group(catalog.trial(trial), arm, population, values, catalog)
        if made is not None:
            found[trial, arm].append(made)
    return {key: tuple(sorted(groups, key=lambda group: group.width)) for key, groups in found.items()}


def _primary(ask: Any, endpoint: str, catalog: Catalog) -> Iterator[dict[str, Any]]:
    # Naming studies and populations asks for every group of every arm, each by its newest and best report.
    trials = [trial.key for trial in catalog.trials]
    populations = {each.key for trial in catalog.trials for arm in trial.arms for each in arm.populations}
    frame = ask(endpoint=endpoint, trial=trials, population=[terms.EVERYONE, *populations], catalog=catalog)
    yield from frame.to_dict("records")


def _group(trial: Trial, arm: str, population: str, values: dict[str, Any], catalog: Catalog) -> GroupFigures | None:
    strata = [each for each in terms.strata(population) if each.by is not Partition.ANALYSIS_SET]
    if not all(_is_her2(each) for each in strata):
        return None
    of = trial.arm(arm)
    known = all(Her2(each) in STRATA for each in strata) and (
        of.definition is not None or not of.her2_selected or strata
    )
    return GroupFigures(
        trial=trial.key,
        arm=arm,
        population=population,
        her2=values.pop("her2"),
        of_arm=None if of.definition is None else catalog.definition(of.definition),
        strata=tuple(STRATA[Her2(each)] for each in strata) if known else None,
        figures=values,
    )


def _is_her2(stratum: Stratum) -> bool:
    return stratum.value in set(Her2)


def _response(row: dict[str, Any]) -> dict[str, Any]:
    low = high = None
    if not pd.isna(row["events"]) and not pd.isna(row["n"]) and row["n"] > 0:
        ends = exact_interval(np.array([float(row["events"])]), np.array([float(row["n"])]), _LEVEL)
        low, high = (100 * float(end[0]) for end in ends)
    events, n, percent = (_known(row[name]) for name in ("events", "n", "percent"))
    if percent is None and events is not None and n:
        percent = 100 * events / n
    return {
        "her2": Her2(row["her2"]),
        "events": events,
        "n": n,
        "orr_percent": percent,
        "orr_low": low,
        "orr_high": high,
        "small_n": None if n is None else n < _FEW,
        "assessor": _known(row["assessor"]),
        "confirmed": _known(row["confirmed"]),
        "orr_source": row["source"],
    }


def _median(row: dict[str, Any], endpoint: str) -> dict[str, Any]:
    values = {f"{endpoint}_{part}": _known(row[f"{part}_months"]) for part in ("median", "low", "high")}
    return {
        "her2": Her2(row["her2"]),
        **values,
        f"{endpoint}_not_reached": _known(row["not_reached"]),
        f"{endpoint}_source": row["source"],
    }


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value


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
        share = each.percent if each.percent is not None else None
        if share is None and each.events is not None and each.n:
            share = 100 * each.events / each.n
        if share and float(share) > shown.get(each.term, (0.0, ""))[0]:
            counted = f" of {each.n}" if each.n else ""
            grade = "any grade" if each.grade == "any" else f"grade {each.grade}"
            words = f"{each.term} {float(share):.3g} %{counted} ({grade}, {each.attribution})"
            shown[each.term] = float(share), words
    return "; ".join(words for _, words in sorted(shown.values(), reverse=True)[:_LISTED]) or None
