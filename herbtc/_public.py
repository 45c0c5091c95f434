"""What was public on a day: the records of a catalog without everything that became known later.

A source was public on its day of publication; where only its year is known, on the last day of that year. Whatever is
known of its day, it was public when a curator compared its study with it; one of which nothing is known, from then on.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from herbtc.models import FIGURE_KINDS, Figures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from herbtc.models import Arm, Population, Source, Trial

T = TypeVar("T")

_MONTH = len("2024-07")


def day_of(value: date | str) -> date:
    """Return a day that is given as such, as a datetime, or as text; ValueError for what is no day."""
    # A Timestamp or datetime is a date with a time, and cannot be compared with one.
    return date.fromisoformat(value) if isinstance(value, str) else date(value.year, value.month, value.day)


def sources(known: Iterable[Source], day: date, *, seen: date | None = None) -> tuple[Source, ...]:
    """Return the sources that were public on a day; all were by the day on which a curator had `seen` them."""
    return tuple(
        each
        for each in known
        if (seen is not None and seen <= day) or (each.public_by is not None and each.public_by <= day)
    )


def read_in(records: Iterable[T], public: Iterable[Source]) -> tuple[T, ...]:
    """Return the records that were read in one of these sources."""
    keys = {each.key for each in public}
    return tuple(each for each in records if each.source in keys)  # type: ignore[attr-defined]


def studies(trials: Iterable[Trial], day: date) -> tuple[Trial, ...]:
    """Return the studies of which something was public on a day, each with what was."""
    found = [
        _on(trial, public, day) for trial in trials if (public := sources(trial.sources, day, seen=trial.reviewed))
    ]
    keys = {trial.key for trial in found}
    return tuple(evolve(trial, overlaps=_among(keys, trial.overlaps)) for trial in found)


def _among(known: Collection[str], keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in known)


def _on(trial: Trial, public: tuple[Source, ...], day: date) -> Trial:
    keys = {each.key for each in public}
    figures = {kind: read_in(getattr(trial.figures, kind), public) for kind in FIGURE_KINDS}
    shown = [figure for every in figures.values() for figure in every]
    # Of an arm that no report speaks of, the registration does; of any other, the first report that was public.
    arms = [arm for arm in trial.arms if (told := _told_by(arm, trial)) & keys or not told]
    among = {arm.key for arm in arms}
    later = trial.reviewed is None or trial.reviewed > day
    return evolve(
        trial,
        sources=public,
        arms=tuple(_arm(arm, among, keys, shown) for arm in arms),
        appraisals=read_in(trial.appraisals, public),
        figures=Figures(**figures),
        status=None if later else trial.status,
        note=None if later else trial.note,
        start=_passed(trial.start, day),
        primary_completion=_passed(trial.primary_completion, day),
        completion=_passed(trial.completion, day),
    )


def _told_by(arm: Arm, trial: Trial) -> set[str]:
    figures = (figure for kind in FIGURE_KINDS for figure in getattr(trial.figures, kind))
    read = {figure.source for figure in figures if arm.key in (figure.arm, getattr(figure, "reference_arm", None))}
    return read | {each.source for each in (arm.testing, arm.hypothesis, arm.eligibility) if each is not None}


def _arm(arm: Arm, among: Collection[str], public: Collection[str], figures: list[Any]) -> Arm:
    return evolve(
        arm,
        # How many patients an arm has is known from its reports, and may grow from one to the next.
        n=_printed(arm.n, figures, arm.key, None),
        parts=_among(among, arm.parts),
        overlaps=_among(among, arm.overlaps),
        populations=tuple(_populations(arm, figures)),
        testing=arm.testing if arm.testing and arm.testing.source in public else None,
        hypothesis=arm.hypothesis if arm.hypothesis and arm.hypothesis.source in public else None,
        eligibility=arm.eligibility if arm.eligibility and arm.eligibility.source in public else None,
        note=None,
    )


def _populations(arm: Arm, figures: list[Any]) -> Iterator[Population]:
    named = {name for figure in figures for name in _groups(figure)}
    for population in arm.populations:
        if (arm.key, population.key) in named:
            yield evolve(population, n=_printed(population.n, figures, arm.key, population.key), note=None)


def _groups(figure: Any) -> tuple[tuple[str | None, str | None], ...]:
    reference = getattr(figure, "reference_arm", None), getattr(figure, "reference_population", None)
    return (figure.arm, figure.population), reference


def _printed(n: int | None, figures: list[Any], arm: str, population: str | None) -> int | None:
    seen = any(figure.n == n and (figure.arm, figure.population) == (arm, population) for figure in figures)
    return n if seen else None


def _passed(printed: str | None, day: date) -> str | None:
    # A registry prints a year, a month or a day; one that lies ahead is a plan, and which plan is not known.
    if printed is None:
        return None
    last = date.fromisoformat(f"{printed}-12-31"[:10]) if len(printed) != _MONTH else _end_of_month(printed)
    return printed if last <= day else None


def _end_of_month(printed: str) -> date:
    year, month = map(int, printed.split("-"))
    return date(year, month, monthrange(year, month)[1])
