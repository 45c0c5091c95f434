"""What was public on a day: the records of a catalog without everything that became known later.

A source was public on its day of publication; where only its year is known, on the last day of that year. Whatever is
known of its day, it was public when a curator compared its study with it; one of which nothing is known, from then on.
"""

from __future__ import annotations

from datetime import date, timedelta
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
        # All of a study was public when a curator compared it with its sources.
        trial if trial.reviewed is not None and trial.reviewed <= day else _on(trial, public, day)
        for trial in trials
        if (public := sources(trial.sources, day, seen=trial.reviewed))
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
    return evolve(
        trial,
        sources=public,
        arms=tuple(_arm(arm, among, keys, shown) for arm in arms),
        appraisals=read_in(trial.appraisals, public),
        figures=Figures(**figures),
        status=None,
        note=None,
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
    # The first of a month is less than 32 days from the first of the next.
    following = date.fromisoformat(f"{printed}-01") + timedelta(days=31)
    return following.replace(day=1) - timedelta(days=1)


# --- a catalog --------------------------------------------------------------------------------------------------------


def records(catalog: Any, day: date) -> dict[str, tuple[Any, ...]]:
    """Return the records of a catalog that were public on a day, by the names of its fields."""
    trials = studies(catalog.trials, day)
    approvals = tuple(each for each in catalog.approvals if each.decided <= day)
    guidelines = tuple(each for each in catalog.guidelines if each.day <= day)
    there = {trial.key: {source.key for source in trial.sources} for trial in trials}
    standing: tuple[Any, ...] = (*approvals, *guidelines)
    acts = {each.key for each in standing}
    referred = {each.definition for each in (*standing, *(arm for trial in trials for arm in trial.arms))}
    testing = sources(catalog.prevalence_sources, day)
    dated = {source.key for source in sources(catalog.definition_sources, day)}
    definitions = tuple(each for each in catalog.definitions if each.key in referred or each.source in dated)
    read = sources(catalog.variant_sources, day)
    variants = tuple(
        evolve(each, evidence=evidence, counts=counts)
        for each in catalog.variants
        if (evidence := read_in(each.evidence, read)) + (counts := read_in(each.counts, read))
    )

    # What an act refers to may have become known later than the act.
    def replaced(act: Any) -> tuple[str, ...]:
        return tuple(key for key in act.replaces if key in acts)

    return {
        "definitions": definitions,
        "trials": trials,
        "approvals": tuple(
            evolve(each, replaces=replaced(each), trial=each.trial if each.trial in there else None)
            for each in approvals
        ),
        "guidelines": tuple(evolve(each, replaces=replaced(each)) for each in guidelines),
        "prevalence": read_in(catalog.prevalence, testing),
        "concordance": read_in(catalog.concordance, testing),
        "prognosis": read_in(catalog.prognosis, testing),
        "variants": variants,
        "variant_sources": _used(
            catalog.variant_sources,
            (
                *catalog.protein_regions,
                *(each for variant in variants for each in (*variant.evidence, *variant.counts)),
            ),
        ),
        # Where a standing act or definition was read stays, whenever that page was written.
        "definition_sources": _used(catalog.definition_sources, (*definitions, *catalog.clauses)),
        "approval_sources": _used(catalog.approval_sources, approvals),
        "guideline_sources": _used(catalog.guideline_sources, guidelines),
        "prevalence_sources": testing,
        "corrections": tuple(each for each in catalog.corrections if each.source in there.get(each.trial, ())),
    }


def _used(sources: tuple[Source, ...], records: tuple[Any, ...]) -> tuple[Source, ...]:
    keys = {each.source for each in records}
    return tuple(source for source in sources if source.key in keys)
