"""Criteria: what an option asks of a patient, each answered yes, no or unknown with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.her2 import meets
from herbtc.matching._options import EU
from herbtc.terms import Answer, Line, OptionKind, PriorTherapy, Scope, Site, Stratum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from herbtc.catalog import Catalog
    from herbtc.matching._options import Option
    from herbtc.matching._patient import Patient

YES, NO, UNKNOWN = Answer

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


def biomarker(option: Option, patient: Patient, catalog: Catalog) -> Iterator[Criterion]:
    """Yield whether the tumour is one that the option is for: by HER2, or by another driver."""
    if option.targets:
        met = ", ".join(sorted(option.targets & set(patient.drivers)))
        yield Criterion("driver", UNKNOWN, f"{met} altered; which alterations counted is not on record as a rule")
    elif option.definition is not None:
        verdict = meets(patient.her2, option.definition, catalog=catalog)
        yield Criterion("HER2", verdict.answer, "; ".join(verdict.reasons))
    elif option.her2_selected:
        yield Criterion("HER2", UNKNOWN, "what counts as HER2-positive here is not on record")
    else:
        yield Criterion("HER2", YES, "not asked for")


def line(option: Option, patient: Patient) -> Iterator[Criterion]:
    """Yield whether the number of earlier lines fits the line of the option."""
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


def site(option: Option, patient: Patient) -> Iterator[Criterion]:
    """Yield whether the primary site is one that the option speaks of."""
    if option.kind in (OptionKind.APPROVED, OptionKind.GUIDELINE):
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
        return
    enrolled = frozenset(group for each in option.sites for group in Stratum(each).groups)
    names = ", ".join(option.sites)
    if patient.site is None:
        yield Criterion("site", UNKNOWN, f"primary site not told; patients had {names}")
        return
    own = Stratum(patient.site).groups
    answer = YES if own <= enrolled else UNKNOWN if own & enrolled else NO
    yield Criterion("site", answer, f"{patient.site}; patients had {names}")


def eligibility(option: Option, patient: Patient, catalog: Catalog) -> Iterator[Criterion]:
    """Yield what a study asks besides, as far as it is on record."""
    asks = option.eligibility
    if asks is None:
        return
    if asks.ecog_max is not None:
        yield _at_most("ECOG", patient.ecog, asks.ecog_max)
    if asks.lvef_min is not None:
        yield _at_least("LVEF", patient.lvef, float(asks.lvef_min), " %")
    if asks.measurable:
        answer = UNKNOWN if patient.measurable is None else YES if patient.measurable else NO
        told = {YES: "measurable", NO: "not measurable", UNKNOWN: "not told"}[answer]
        yield Criterion("measurable disease", answer, f"asked for; {told}")
    if asks.prior_lines_min is not None:
        yield _at_least("earlier lines", patient.prior_lines, asks.prior_lines_min, "")
    if asks.prior_lines_max is not None:
        yield _at_most("earlier lines", patient.prior_lines, asks.prior_lines_max)
    if asks.prior_her2_therapy is not None:
        yield _earlier_her2(asks.prior_her2_therapy, patient, catalog)


def country(option: Option, jurisdiction: str) -> Iterator[Criterion]:
    """Yield whether a recruiting study is known to recruit in the jurisdiction."""
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


def earlier_her2_agents(patient: Patient, catalog: Catalog) -> tuple[str, ...] | None:
    """Return the HER2-directed agents that were given; None where earlier therapy is not told."""
    if patient.prior_agents is None:
        return () if patient.prior_lines == 0 else None
    return tuple(key for key in patient.prior_agents if catalog.agent(key).mechanism.her2_directed)


def _earlier_her2(asks: PriorTherapy, patient: Patient, catalog: Catalog) -> Criterion:
    name = "earlier HER2-directed therapy"
    if asks is PriorTherapy.ALLOWED:
        return Criterion(name, YES, "allowed")
    given = earlier_her2_agents(patient, catalog)
    if given is None:
        return Criterion(name, UNKNOWN, f"{asks}; earlier therapy not told")
    fits = bool(given) is (asks is PriorTherapy.REQUIRED)
    return Criterion(name, YES if fits else NO, f"{asks}; {'given: ' + ', '.join(given) if given else 'none given'}")


def _at_most(name: str, value: float | None, most: float) -> Criterion:
    if value is None:
        return Criterion(name, UNKNOWN, f"at most {most}; not told")
    return Criterion(name, YES if value <= most else NO, f"at most {most}; {value:g}")


def _at_least(name: str, value: float | None, least: float, unit: str) -> Criterion:
    if value is None:
        return Criterion(name, UNKNOWN, f"at least {least:g}{unit}; not told")
    return Criterion(name, YES if value >= least else NO, f"at least {least:g}{unit}; {value:g}{unit}")


def criteria_of(option: Option, patient: Patient, jurisdiction: str, catalog: Catalog) -> tuple[Criterion, ...]:
    """Return every criterion that the record of an option holds, answered for a patient."""
    return (
        *biomarker(option, patient, catalog),
        *line(option, patient),
        *site(option, patient),
        *eligibility(option, patient, catalog),
        *country(option, jurisdiction),
    )


def unchecked(option: Option, patient: Patient, catalog: Catalog) -> Iterator[str]:
    """Yield what could not be checked or must be known besides: never a reason to drop an option silently."""
    if option.definition is not None:
        yield from meets(patient.her2, option.definition, catalog=catalog).cautions
    if option.line is None:
        yield "line of therapy not on record"
    if option.kind in (OptionKind.STUDIED, OptionKind.RECRUITING):
        if option.eligibility is None:
            yield "eligibility (ECOG, LVEF, measurable disease, earlier HER2-directed therapy) not on record"
        else:
            yield from option.eligibility.also
        if not option.sites:
            yield "primary sites not on record"
        if not option.btc_only:
            yield "patients with other tumours among those studied"
    yield from option.cautions
    again = sorted(set(option.agents) & set(patient.prior_agents or ()))
    if again:
        yield f"already given: {', '.join(again)}"
    given = earlier_her2_agents(patient, catalog)
    if given and option.eligibility is None:
        yield f"earlier HER2-directed therapy ({', '.join(given)}): whether it matters here is not on record"
    asks = option.eligibility
    told = {
        "ECOG": (patient.ecog, getattr(asks, "ecog_max", None), ""),
        "LVEF": (patient.lvef, getattr(asks, "lvef_min", None), " %"),
    }
    idle = [
        f"{name} {value:g}{unit}" for name, (value, limit, unit) in told.items() if value is not None and limit is None
    ]
    if idle:
        yield f"no limit on record to compare with: {', '.join(idle)}"
