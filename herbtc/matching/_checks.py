"""Criteria: what an option asks of a patient, each answered yes, no or unknown with its reason."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.her2 import meets
from herbtc.matching._figures import of_patient
from herbtc.matching._options import EU
from herbtc.models import Eligibility
from herbtc.terms import Answer, Line, OptionKind, PriorTherapy, Scope, Site, Stratum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from herbtc.catalog import Catalog
    from herbtc.her2 import Profile
    from herbtc.matching._figures import GroupFigures
    from herbtc.matching._options import Option
    from herbtc.matching._patient import Patient

YES, NO, UNKNOWN = Answer

_NOTHING_ASKED = Eligibility(source="-", locator="-")
# Beyond ECOG 1, and below an ejection fraction of 50 %, under which labels say that safety is not known, a study whose
# limit is not on record may well have one.
_USUAL_ECOG, _USUAL_LVEF = 1, 50

_LINES: dict[Line, tuple[int, int | None]] = {
    Line.FIRST: (0, 0),
    Line.FIRST_OR_LATER: (0, None),
    Line.SECOND: (1, 1),
    Line.SECOND_OR_LATER: (1, None),
    Line.THIRD_OR_LATER: (2, None),
}


@frozen
class Criterion:
    """One thing asked of a patient, the answer, and why."""

    name: str
    answer: Answer
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.answer} ({self.reason})"


def match(criteria: tuple[Criterion, ...]) -> Answer:
    """Return yes where every criterion is met, no where one is not, unknown otherwise."""
    answers = {each.answer for each in criteria}
    return NO if NO in answers else UNKNOWN if UNKNOWN in answers else YES


@frozen(eq=False)
class Part:
    """What one part of a patient, the tumour or all the rest, answers to an option."""

    criteria: tuple[Criterion, ...]
    unchecked: tuple[str, ...]
    group: GroupFigures | None = None


@lru_cache(maxsize=1024)
def of_tumour(
    options: tuple[Option, ...], profile: Profile, drivers: tuple[str, ...], catalog: Catalog
) -> tuple[Part, ...]:
    """Return what a tumour answers to each option, and the figures of the group that it is in."""
    return tuple(_of_tumour(option, profile, drivers, catalog) for option in options)


def _of_tumour(option: Option, profile: Profile, drivers: tuple[str, ...], catalog: Catalog) -> Part:
    group = of_patient(option.groups, profile, catalog)
    if option.definition is None or option.targets:
        return Part((_biomarker(option, drivers),), (), group)
    verdict = meets(profile, option.definition, catalog=catalog)
    return Part((Criterion("HER2", verdict.answer, "; ".join(verdict.reasons)),), verdict.cautions, group)


@lru_cache(maxsize=1024)
def of_rest(options: tuple[Option, ...], patient: Patient, jurisdiction: str, catalog: Catalog) -> tuple[Part, ...]:
    """Return what all but the tumour answers to each option."""
    return tuple(
        Part(
            (
                *_line(option, patient),
                *_site(option, patient),
                *_eligibility(option, patient, catalog),
                *_country(option, jurisdiction),
            ),
            tuple(_unchecked(option, patient)),
        )
        for option in options
    )


def _biomarker(option: Option, drivers: tuple[str, ...]) -> Criterion:
    if option.targets:
        met = ", ".join(sorted(option.targets & set(drivers)))
        return Criterion("driver", UNKNOWN, f"{met} altered; which alterations counted is not on record as a rule")
    if option.her2_selected:
        return Criterion("HER2", UNKNOWN, "what counts as HER2-positive here is not on record")
    return Criterion("HER2", YES, "not asked for")


def _line(option: Option, patient: Patient) -> Iterator[Criterion]:
    if option.line is None:
        return
    if option.line not in _LINES:
        yield Criterion("line", NO, f"{option.line} therapy, and the disease is advanced")
        return
    least, most = _LINES[option.line]
    if patient.prior_lines is None:
        yield Criterion("line", UNKNOWN, f"{option.line} line; earlier lines not told")
        return
    fits = least <= patient.prior_lines and (most is None or patient.prior_lines <= most)
    yield Criterion("line", YES if fits else NO, f"{option.line} line, {patient.prior_lines} so far")


def _site(option: Option, patient: Patient) -> Iterator[Criterion]:
    act = option.kind in (OptionKind.APPROVED, OptionKind.GUIDELINE)
    said = "for" if act else "patients had"
    if act and not option.sites:
        if option.scope is Scope.SOLID_TUMOURS:
            yield Criterion("site", YES, "any solid tumour")
        elif patient.site is Site.AMPULLA:
            yield Criterion("site", UNKNOWN, "for biliary tract cancer; whether the ampulla counts is not said")
        elif patient.site is not None:
            yield Criterion("site", YES, "biliary tract cancer")
        else:
            yield Criterion("site", UNKNOWN, "primary site not told; the ampulla may not count")
        return
    if not option.sites:
        if patient.site is Site.AMPULLA:
            yield Criterion("site", UNKNOWN, "ampulla; whether patients with it were enrolled is not on record")
        return
    enrolled = frozenset(group for each in option.sites for group in Stratum(each).groups)
    names = ", ".join(option.sites)
    if patient.site is None:
        yield Criterion("site", UNKNOWN, f"primary site not told; {said} {names}")
        return
    own = Stratum(patient.site).groups
    answer = YES if own <= enrolled else UNKNOWN if own & enrolled else NO
    yield Criterion("site", answer, f"{patient.site}; {said} {names}")


def _eligibility(option: Option, patient: Patient, catalog: Catalog) -> Iterator[Criterion]:
    # Where a limit is not on record, only a patient whom studies often leave out makes it a criterion that stays open.
    if option.kind not in (OptionKind.STUDIED, OptionKind.RECRUITING):
        return
    asks = option.eligibility or _NOTHING_ASKED
    if asks.ecog_max is not None:
        yield _at_most("ECOG", patient.ecog, asks.ecog_max)
    elif patient.ecog is not None and patient.ecog > _USUAL_ECOG:
        yield Criterion("ECOG", UNKNOWN, f"{patient.ecog}; the study's limit is not on record")
    if asks.lvef_min is not None:
        yield _at_least("LVEF", patient.lvef, float(asks.lvef_min), " %")
    elif patient.lvef is not None and patient.lvef < _USUAL_LVEF and option.her2_selected:
        yield Criterion("LVEF", UNKNOWN, f"{patient.lvef:g} %; the study's limit is not on record")
    if asks.measurable or (asks.measurable is None and patient.measurable is False):
        answer = UNKNOWN if None in (patient.measurable, asks.measurable) else _answer(patient.measurable is True)
        told = {None: "not told", True: "measurable", False: "not measurable"}[patient.measurable]
        yield Criterion("measurable disease", answer, f"{'asked for' if asks.measurable else 'not on record'}; {told}")
    if asks.prior_lines_min is not None:
        yield _at_least("earlier lines", patient.prior_lines, asks.prior_lines_min, "")
    if asks.prior_lines_max is not None:
        yield _at_most("earlier lines", patient.prior_lines, asks.prior_lines_max)
    if asks.prior_agents:
        yield _earlier_agents(asks.prior_agents, patient)
    yield from _earlier_her2(asks.prior_her2_therapy, patient, catalog)


def _country(option: Option, jurisdiction: str) -> Iterator[Criterion]:
    if option.kind is not OptionKind.RECRUITING or option.trial is None:
        return
    places = option.trial.countries
    if not places:
        yield Criterion("country", UNKNOWN, "countries of the study not on record")
        return
    here = EU if jurisdiction == "EU" else {jurisdiction}
    listed = ", ".join(places)
    # Registries add countries and records name but those seen, so absence is no proof.
    if here & set(places):
        yield Criterion("country", YES, f"recruits in {listed}")
    else:
        yield Criterion("country", UNKNOWN, f"known to recruit in {listed} only")


def _earlier_her2_agents(patient: Patient, catalog: Catalog) -> tuple[str, ...] | None:
    # None where earlier therapy is not told.
    if patient.prior_agents is None:
        return () if patient.prior_lines == 0 else None
    return tuple(key for key in patient.prior_agents if catalog.agent(key).mechanism.her2_directed)


def _earlier_agents(asks: tuple[str, ...], patient: Patient) -> Criterion:
    wanted = " and ".join(asks)
    given = () if patient.prior_lines == 0 else patient.prior_agents
    if given is None:
        return Criterion("earlier therapy", UNKNOWN, f"{wanted} asked for; earlier therapy not told")
    missing = [key for key in asks if key not in given]
    told = f"not given: {', '.join(missing)}" if missing else "given"
    return Criterion("earlier therapy", _answer(not missing), f"{wanted} asked for; {told}")


def _earlier_her2(asks: PriorTherapy | None, patient: Patient, catalog: Catalog) -> Iterator[Criterion]:
    name = "earlier HER2-directed therapy"
    given = _earlier_her2_agents(patient, catalog)
    told = "earlier therapy not told" if given is None else f"given: {', '.join(given)}" if given else "none given"
    if asks is None:
        if given:
            yield Criterion(name, UNKNOWN, f"{told}; whether that excludes is not on record")
    elif asks is PriorTherapy.ALLOWED:
        yield Criterion(name, YES, f"allowed; {told}")
    elif given is None:
        yield Criterion(name, UNKNOWN, f"{asks}; {told}")
    else:
        yield Criterion(name, _answer(bool(given) is (asks is PriorTherapy.REQUIRED)), f"{asks}; {told}")


def _answer(truth: bool) -> Answer:  # noqa: FBT001
    return YES if truth else NO


def _at_most(name: str, value: float | None, most: float) -> Criterion:
    if value is None:
        return Criterion(name, UNKNOWN, f"at most {most}; not told")
    return Criterion(name, YES if value <= most else NO, f"at most {most}; {value:g}")


def _at_least(name: str, value: float | None, least: float, unit: str) -> Criterion:
    if value is None:
        return Criterion(name, UNKNOWN, f"at least {least:g}{unit}; not told")
    return Criterion(name, YES if value >= least else NO, f"at least {least:g}{unit}; {value:g}{unit}")


def _unchecked(option: Option, patient: Patient) -> Iterator[str]:
    # What could not be checked or must be known besides is told, and never a reason to drop an option.
    if option.line is None:
        yield "line of therapy not on record"
    if option.kind in (OptionKind.STUDIED, OptionKind.RECRUITING):
        asks = option.eligibility
        names = {"ecog_max": "ECOG", "lvef_min": "LVEF", "measurable": "measurable disease"} | {
            "prior_her2_therapy": "earlier HER2-directed therapy"
        }
        unknown = [words for name, words in names.items() if getattr(asks, name, None) is None]
        if unknown:
            yield f"not on record: {', '.join(unknown)}"
        if asks is not None:
            yield from asks.also
        if not option.sites:
            yield "primary sites not on record"
        if not option.btc_only:
            yield "patients with other tumours among those studied"
    else:
        told = [
            *([f"ECOG {patient.ecog}"] if patient.ecog is not None else []),
            *([f"LVEF {patient.lvef:g} %"] if patient.lvef is not None else []),
        ]
        if told:
            yield f"no limit of the act on record to compare with: {', '.join(told)}"
    yield from option.cautions
    again = sorted(set(option.agents) & set(patient.prior_agents or ()))
    if again:
        yield f"already given: {', '.join(again)}"
