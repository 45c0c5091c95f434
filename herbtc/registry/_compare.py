"""The studies of the catalog beside their records in ClinicalTrials.gov."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from herbtc.catalog import load
from herbtc.models import FIGURE_KINDS
from herbtc.query._columns import Column, day, frame, joined, text, truth, whole
from herbtc.registry._candidates import PROTOCOL
from herbtc.registry._ctgov import search
from herbtc.registry._fields import NUMBER_OF_STUDY
from herbtc.terms import SourceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from herbtc.catalog import Catalog
    from herbtc.models import Trial
    from herbtc.registry._study import Study
    from herbtc.registry._transport import Fetch

_DATES = ("start", "primary_completion", "completion")


@frozen(kw_only=True)
class _Pair:
    """A study of the catalog, and its record where there is one."""

    trial: Trial
    number: str
    study: Study | None

    @property
    def results_read(self) -> bool:
        kept = {
            source.key
            for source in self.trial.sources
            if source.kind is SourceKind.REGISTRY
            and any(self.number in address for address in (source.url or "", source.via or "", *source.seen))
        }
        figures = (each for kind in FIGURE_KINDS for each in getattr(self.trial.figures, kind))
        return any(figure.source in kept for figure in figures)

    @property
    def beside(self) -> dict[str, tuple[str | None, str | None]]:
        # What is compared: ours and theirs, in the same words.
        if self.study is None:
            return {}
        dates = {name: (getattr(self.trial, name), getattr(self.study, f"{name}_date")) for name in _DATES}
        # An actual number of participants says nothing of how many were planned.
        planned = self.study.enrollment if self.study.enrollment_type == "ESTIMATED" else None
        return {
            "status": (self.trial.status, status_word(self.study.overall_status)),
            "planned_n": (_shown(self.trial.planned_n), _shown(planned)),
            **{name: _to_same_length(*pair) for name, pair in dates.items()},
            "results": ("read" if self.results_read else None, "read" if self.study.has_results else None),
        }

    @property
    def differs(self) -> list[str]:
        return [name for name, pair in self.beside.items() if None not in pair and pair[0] != pair[1]]

    @property
    def lacks(self) -> list[str]:
        return [name for name, (ours, theirs) in self.beside.items() if ours is None and theirs is not None]


def _shown(number: int | None) -> str | None:
    return None if number is None else str(number)


def _to_same_length(ours: str | None, theirs: str | None) -> tuple[str | None, str | None]:
    # 2020-07 and 2020-07-15 do not contradict one another.
    if ours is None or theirs is None:
        return ours, theirs
    length = min(len(ours), len(theirs))
    return ours[:length], theirs[:length]


def status_word(word: str | None) -> str | None:
    """Return a word of the registry as the files of the catalog spell it."""
    return None if word is None else word.lower().replace("_", "-")


def numbers_of(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return every number of ClinicalTrials.gov in a catalog, with the keys of the studies that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for trial in catalog.trials:
        for number in trial.registry_ids:
            if NUMBER_OF_STUDY.fullmatch(number):
                found[number] = (*found.get(number, ()), trial.key)
    return found


def under_numbers(studies: Iterable[Study]) -> dict[str, Study]:
    """Return studies under their numbers, old ones that were merged into another included."""
    every = tuple(studies)
    return {alias: study for study in every for alias in study.aliases} | {study.nct_id: study for study in every}


def _record(name: str) -> Callable[[_Pair], Any]:
    return lambda pair: getattr(pair.study, name, None)


def _date(name: str) -> tuple[Column, Column]:
    return (
        text(name, f"{name}, as the catalog has it", lambda pair: getattr(pair.trial, name)),
        text(f"{name}_registered", f"{name}, as the record has it", _record(f"{name}_date")),
    )


_COLUMNS: tuple[Column, ...] = (
    text("trial", "key of the study", lambda pair: pair.trial.key),
    text("nct_id", "its number", lambda pair: pair.number),
    truth("registered", "whether there is a record of it", lambda pair: pair.study is not None),
    text("differs", "what the two say differently: names of columns, or results", lambda pair: joined(pair.differs)),
    text("lacks", "what only the record says", lambda pair: joined(pair.lacks)),
    text("status", "status", lambda pair: pair.trial.status),
    text(
        "status_registered",
        "status, in the record",
        lambda pair: status_word(pair.study.overall_status) if pair.study else None,
    ),
    whole("planned_n", "patients planned", lambda pair: pair.trial.planned_n),
    whole("enrollment", "participants, in the record", _record("enrollment")),
    text("enrollment_type", "ACTUAL or ESTIMATED", _record("enrollment_type")),
    *(column for name in _DATES for column in _date(name)),
    truth("results_read", "whether figures were read in the record", lambda pair: pair.results_read),
    text("results_posted", "day of its first results", _record("results_first_posted")),
    day("reviewed", "day on which a curator last looked", lambda pair: pair.trial.reviewed),
    text("last_update_posted", "last change of the record", _record("last_update_posted")),
)


def compare(
    catalog: Catalog | None = None, *, studies: Iterable[Study] | None = None, fetch: Fetch | None = None
) -> pd.DataFrame:
    """Return the studies of a catalog beside their records in ClinicalTrials.gov.

    It says where the two differ and changes nothing: which of them is right is for a curator to find out.

    Parameters
    ----------
    catalog : Catalog, optional
        The evidence to compare; the shipped one by default.
    studies : iterable of Study, optional
        Records that are at hand, such as those of a snapshot; without them they are fetched.
    fetch : callable, optional
        As for `registry.fetch`.

    Returns
    -------
    DataFrame
        One row per study and number, by their keys; studies without a number of ClinicalTrials.gov are not in it.
        Columns ``trial nct_id registered differs lacks status status_registered planned_n enrollment enrollment_type
        start start_registered primary_completion primary_completion_registered completion completion_registered
        results_read results_posted reviewed last_update_posted``. `differs` and `lacks` name columns, joined by
        ``"; "``. Dates differ where they contradict one another, so that a month does not differ from a day in it; the
        planned number is compared only while the record's is an estimate.

    Raises
    ------
    herbtc.RegistryError
        If the registry does not answer.

    Examples
    --------
    >>> from herbtc import registry
    >>> from herbtc.registry import Study
    >>> record = Study(nct_id="NCT04482309", overall_status="COMPLETED", start_date="2020-08-18", has_results=True)
    >>> beside = registry.compare(studies=[record])
    >>> beside[beside["registered"]][["trial", "differs", "status", "status_registered"]]
                      trial differs                 status status_registered
    ...  destiny-pantumor02  status  active-not-recruiting         completed
    """
    catalog = load() if catalog is None else catalog
    numbers = numbers_of(catalog)
    if studies is None:
        studies = search(ids=numbers, fields=PROTOCOL, fetch=fetch) if numbers else ()
    records = under_numbers(studies)
    pairs = [
        _Pair(trial=catalog.trial(key), number=number, study=records.get(number))
        for number, keys in numbers.items()
        for key in keys
    ]
    return frame(_COLUMNS, sorted(pairs, key=lambda pair: (pair.trial.key, pair.number)))
