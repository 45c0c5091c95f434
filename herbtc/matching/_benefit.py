"""ESMO-MCBS where ESMO's own grade is not on record and the rules allow a preliminary one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herbtc import terms
from herbtc.terms import Design, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from herbtc.matching._figures import GroupFigures
    from herbtc.models import Arm, Trial


def preliminary_grade(trial: Trial, arm: Arm, groups: Iterable[GroupFigures]) -> str | None:
    """Return the preliminary grade of a whole prospective single-arm study by form 3, None where there is none.

    Form 3 of the ESMO-MCBS v1.1 grades single-arm studies whose primary outcome is response or progression-free
    survival [1]_; toxicity and quality of life move the grade afterwards, which is why this one is preliminary.
    A cohort, a subgroup, a retrospective study or an arm of a randomised one is never graded.

    References
    ----------
    .. [1] Cherny NI, et al. ESMO-Magnitude of Clinical Benefit Scale version 1.1. Ann Oncol 2017;28:2340-2366; the form
       as printed in Neuro Oncol 2023;25:813-826, table 3.
    """
    whole = trial.design is Design.SINGLE_ARM and len(trial.arms) == 1 and arm.btc_only
    primary = arm.hypothesis is not None and arm.hypothesis.primary and arm.hypothesis.endpoint
    if not whole or primary not in (Endpoint.ORR, Endpoint.PFS):
        return None
    everyone = next((group.figures for group in groups if group.population == terms.EVERYONE), None)
    if everyone is None:
        return None
    grade = _by_pfs(everyone) if primary is Endpoint.PFS else _by_response(everyone)
    return None if grade is None else str(grade)


def _by_pfs(figures: dict[str, Any]) -> int | None:
    pfs = figures.get("pfs_median")
    if pfs is None:
        return None
    return next((grade for grade, least in ((3, 6), (2, 3), (1, 2)) if pfs >= least), None)


def _by_response(figures: dict[str, Any]) -> int | None:  # noqa: PLR0911  (one return a line of the form)
    rate, duration = figures.get("orr_percent"), figures.get("dor_median")
    if rate is None:
        return None
    if rate >= 60:  # noqa: PLR2004
        return 3
    if duration is None:
        # Every line below asks for the duration of response as well, save one that a longer one would overtake.
        return None
    if rate >= 20 and duration >= 9:  # noqa: PLR2004
        return 3
    if rate >= 40 or (rate >= 20 and duration >= 6):  # noqa: PLR2004
        return 2
    if rate >= 20 or (rate >= 10 and duration >= 6):  # noqa: PLR2004
        return 1
    return None
