"""What evidence there is for a patient on a day in a place, with the reasons; never what to choose.

`options` gathers what is approved, recommended, studied and recruiting, and says of each whether the patient is one
of those it speaks about: yes, no, or unknown, criterion by criterion.
It organises evidence. It does not rank, does not recommend and is no medical advice, and every frame says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from attrs import evolve, frozen
from tqdm import tqdm

from herbtc.catalog import Catalog, load
from herbtc.her2 import Profile
from herbtc.matching._checks import Criterion, Part, match, of_rest, of_tumour
from herbtc.matching._many import patients_of
from herbtc.matching._options import known_place, options_on
from herbtc.matching._patient import Patient
from herbtc.query._acts import on_day
from herbtc.query._columns import Column, arrays, day, joined, number, text, truth, whole, word
from herbtc.terms import Answer, Assessor, Her2, Line, OptionKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import numpy.typing as npt

    from herbtc.matching._figures import GroupFigures
    from herbtc.matching._options import Option

__all__ = ["COLUMNS", "NOT_ADVICE", "Criterion", "Patient", "options", "options_frame"]

T = TypeVar("T")

_AT_ONCE = 50_000
"""Rows that are laid out at once; a million of them as objects would keep the collector of garbage busy."""

NOT_ADVICE = "Evidence organised for research: no ranking, no recommendation, not medical advice."


@frozen(eq=False)
class _Row:
    option: Option
    group: GroupFigures | None
    match: Answer
    reasons: str | None
    unchecked: str | None
    sources: str | None


def _figure(name: str) -> Callable[[GroupFigures | None], Any]:
    return lambda group: None if group is None else group.figures.get(name)


def _medians(endpoint: str) -> tuple[Column, ...]:
    return (
        number(f"{endpoint}_median", f"median {endpoint.upper()} in months", _figure(f"{endpoint}_median")),
        number(f"{endpoint}_low", "lower end of its interval as printed", _figure(f"{endpoint}_low")),
        number(f"{endpoint}_high", "upper end of its interval as printed", _figure(f"{endpoint}_high")),
        truth(f"{endpoint}_not_reached", "whether it was not reached", _figure(f"{endpoint}_not_reached")),
    )


# Columns by what they are read off: an option is the same for every patient, and so is a group of patients.
_OF_OPTION = (
    word("kind", "what stands behind the option", OptionKind, lambda option: option.kind, ordered=True),
    text("option", "key of the act or statement, or study/arm", lambda option: option.key),
    text("agents", 'keys of the agents, joined by " + "', lambda option: " + ".join(option.agents)),
    text("population", "for whom, in the words of the act or study", lambda option: option.population),
)
_OF_ROW = (
    word("match", "whether every criterion on record is met", Answer, lambda row: row.match),
    text("reasons", "each criterion, its answer, and why", lambda row: row.reasons),
    text("unchecked", "what could not be checked, or must be known besides", lambda row: row.unchecked),
)
_OF_RECORD = (
    word("line", "line of therapy", Line, lambda option: option.line, ordered=True),
    text("definition", "key of the HER2 definition", lambda option: getattr(option.definition, "key", None)),
    text(
        "approval",
        "authorisations of these agents in force on the day in the jurisdiction",
        lambda option: option.approval,
    ),
    text("guideline", "what guidelines in force on the day say of these agents", lambda option: option.guideline),
    text("escat", "ESCAT tier as a guideline records it", lambda option: option.escat),
    text("mcbs", "ESMO magnitude of clinical benefit", lambda option: option.mcbs),
    text("mcbs_basis", "who graded it, by what", lambda option: option.mcbs_basis),
)
_OF_GROUP = (
    text("trial", "key of the study behind the figures", lambda group: getattr(group, "trial", None)),
    text("arm", "key of its arm", lambda group: getattr(group, "arm", None)),
    text(
        "group",
        "the narrowest reported group that the patient is in; none where that is not certain of any",
        lambda group: getattr(group, "population", None),
    ),
    word("group_her2", "HER2 group of these patients", Her2, lambda group: getattr(group, "her2", None)),
    whole("events", "responders in the group", _figure("events")),
    whole("n", "patients in the group", _figure("n")),
    truth("small_n", "whether there are fewer than ten", _figure("small_n")),
    number("orr_percent", "objective response in percent, as printed, else from events and n", _figure("orr_percent")),
    number("orr_low", "lower end of the exact 95 % interval, in percent", _figure("orr_low")),
    number("orr_high", "upper end of the exact 95 % interval, in percent", _figure("orr_high")),
    word("assessor", "who read the scans", Assessor, _figure("assessor")),
    truth("confirmed", "whether responses were confirmed", _figure("confirmed")),
    *_medians("pfs"),
    *_medians("os"),
    *_medians("dor"),
)
_AT_THE_END = (
    text("toxicities", "commonest severe adverse events reported", lambda option: option.toxicities),
    text("links", "addresses at which a reader finds the act", lambda option: joined(option.links)),
    day("reviewed", "day on which a curator last compared the record with its sources", lambda option: option.reviewed),
    text("not_advice", "what this is not", lambda _: NOT_ADVICE),
)
_SOURCES = (text("sources", "keys of the sources", lambda row: row.sources),)
COLUMNS: tuple[Column, ...] = (*_OF_OPTION, *_OF_ROW, *_OF_RECORD, *_OF_GROUP, *_SOURCES, *_AT_THE_END)
"""The columns of `options`, in order, with dtype and meaning."""


def options(
    patient: Patient,
    *,
    as_of: date | str,
    jurisdiction: str,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return what evidence there is for a patient, one row per option, grouped and never ranked.

    Rows are grouped by what stands behind them, an approval in force on the day in the jurisdiction, a guideline, a
    study, a recruiting study, and alphabetical within. Studies are those of HER2-directed agents, and of agents that
    act on another driver that the patient has. Figures are those of the narrowest reported group that the
    patient certainly belongs to: of IHC 3+ patients for an IHC 3+ patient wherever a study reports them.
    An option that does not match stays in the frame, with the reason.

    Parameters
    ----------
    patient : Patient
        With advanced disease.
    as_of : date or str
        The day; nothing published later is used.
    jurisdiction : str
        ISO code of the country whose approvals count, or EU.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Returns
    -------
    DataFrame
        With the columns of `COLUMNS`; ``frame.attrs["not_advice"]`` says what it is not, and so does a column.

    Raises
    ------
    herbtc.UnknownKeyError
        For a jurisdiction that no record speaks of, or an agent that does not exist.
    ValueError
        If `as_of` is no date.

    Examples
    --------
    >>> from herbtc import her2, matching
    >>> patient = matching.Patient(her2=her2.Assay(ihc="3+"), site="gallbladder", prior_lines=1)
    >>> frame = matching.options(patient, as_of="2025-01-15", jurisdiction="US")
    >>> frame.loc[frame["kind"] == "approved", ["option", "match", "group", "events", "n"]]
                             option match   group  events     n
    0        fda-pembrolizumab-2023    no     all    <NA>  <NA>
    1  fda-t-dxd-solid-tumours-2024   yes     all       9    41
    2          fda-zanidatamab-2024   yes  ihc-3+      32    62
    """
    catalog = load() if catalog is None else catalog
    known, there = _on(as_of, jurisdiction, catalog)
    return _told(_rows(patient, there, jurisdiction, known), catalog)


def options_frame(
    patients: pd.DataFrame,
    *,
    as_of: date | str,
    jurisdiction: str,
    catalog: Catalog | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Return `options` of many patients, one row per patient and option.

    Parameters
    ----------
    patients : DataFrame
        One row per patient, with any fields of `herbtc.her2.Assay` and of `Patient` as columns; a missing value is
        what is not known, and several variants, agents or drivers are a list or divided by semicolons. The index
        tells the patients apart.
    as_of, jurisdiction, catalog
        As in `options`.
    progress : bool, optional
        Whether to show a progress bar; by default where there is a terminal.

    Returns
    -------
    DataFrame
        `patient` (the label of its row), then the columns of `COLUMNS`.

    Raises
    ------
    herbtc.DataError
        With the row and the field of everything that cannot be, and every column that is no field.
    herbtc.UnknownKeyError
        For a jurisdiction that no record speaks of, or an agent that does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import matching
    >>> cohort = pd.DataFrame({"ihc": ["3+", "2+"], "site": "gallbladder", "prior_lines": 1}, index=["A", "B"])
    >>> frame = matching.options_frame(cohort, as_of="2025-01-15", jurisdiction="US")
    >>> frame.loc[frame["option"] == "fda-zanidatamab-2024", ["patient", "match", "events", "n"]]
       patient match  events   n
    2        A   yes      32  62
    54       B    no       1  18
    """
    catalog = load() if catalog is None else catalog
    known, there = _on(as_of, jurisdiction, catalog)
    asked = patients_of(patients)
    parts, rows = [], []
    counts = []
    # Left to itself, tqdm looks for a terminal.
    for patient in tqdm(asked, disable=None if progress is None else not progress, unit="patient"):
        of_patient = _rows(patient, there, jurisdiction, known)
        counts.append(len(of_patient))
        rows += of_patient
        if len(rows) >= _AT_ONCE:
            parts.append(_told(rows, catalog))
            rows = []
    parts.append(_told(rows, catalog))
    found = pd.concat(parts, ignore_index=True)
    found.attrs = parts[-1].attrs
    found.insert(0, "patient", patients.index.repeat(counts))
    return found


@lru_cache(maxsize=64)
def _known(catalog: Catalog, day_asked: date) -> Catalog:
    return catalog.as_of(day_asked)


def _on(as_of: date | str, jurisdiction: str, catalog: Catalog) -> tuple[Catalog, tuple[Option, ...]]:
    day_asked = on_day(as_of)
    known = _known(catalog, day_asked)
    return known, options_on(known, day_asked, known_place(jurisdiction, catalog))


def _rows(patient: Patient, there: tuple[Option, ...], jurisdiction: str, known: Catalog) -> list[_Row]:
    drivers = set(patient.drivers)
    # Patients share tumours, or everything else: each part is looked at once.
    tumour = of_tumour(there, patient.her2, patient.drivers, known)
    rest = of_rest(there, evolve(patient, her2=Profile()), jurisdiction, known)
    return [
        _row(option, of_it, other)
        for option, of_it, other in zip(there, tumour, rest, strict=True)
        if not option.targets or option.targets & drivers
    ]


def _row(option: Option, tumour: Part, rest: Part) -> _Row:
    criteria = tumour.criteria + rest.criteria
    return _Row(
        option,
        tumour.group,
        match(criteria),
        joined(criteria),
        joined(tumour.unchecked + rest.unchecked),
        _sources(option, tumour.group),
    )


@lru_cache(maxsize=4096)
def _sources(option: Option, group: GroupFigures | None) -> str | None:
    figures = {} if group is None else group.figures
    read = (figures.get(f"{endpoint}_source") for endpoint in ("orr", "pfs", "os", "dor"))
    return joined(dict.fromkeys(each for each in (*option.sources, *read) if each))


def _told(rows: list[_Row], catalog: Catalog) -> pd.DataFrame:
    options_there, option_of = _distinct([row.option for row in rows])
    groups_there, group_of = _distinct([row.group for row in rows])
    made: dict[str, Any] = {}
    for columns, things, places in (
        (_OF_OPTION, options_there, option_of),
        (_OF_ROW, rows, None),
        (_OF_RECORD, options_there, option_of),
        (_OF_GROUP, groups_there, group_of),
        (_SOURCES, rows, None),
        (_AT_THE_END, options_there, option_of),
    ):
        for name, array in arrays(columns, things).items():
            made[name] = array if places is None else array.take(places)
    found = pd.DataFrame(made, copy=False)
    found.attrs["herbtc"] = {"release": catalog.release}
    found.attrs["not_advice"] = NOT_ADVICE
    return found


def _distinct(things: list[T]) -> tuple[list[T], npt.NDArray[np.intp]]:
    # Each thing once, and where each row finds its own.
    places: dict[int, int] = {}
    kept: list[T] = []
    for each in things:
        if id(each) not in places:
            places[id(each)] = len(kept)
            kept.append(each)
    return kept, np.fromiter((places[id(each)] for each in things), np.intp, len(things))
