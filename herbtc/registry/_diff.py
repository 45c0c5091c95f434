"""What changed between two snapshots of ClinicalTrials.gov, by kind."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from herbtc.catalog import load
from herbtc.query._columns import Column, frame, joined, text, word
from herbtc.registry._compare import numbers_of, under_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from herbtc.catalog import Catalog
    from herbtc.registry._snapshots import Snapshot
    from herbtc.registry._study import Study


class Change(StrEnum):
    """What kind of change it is, the ones to look at first before the others."""

    ADDED = "added"
    REMOVED = "removed"
    RESULTS = "results"
    STATUS = "status"
    ENROLLMENT = "enrollment"
    DATE = "date"
    DESIGN = "design"
    TREATMENT = "treatment"
    PATIENTS = "patients"
    OUTCOMES = "outcomes"
    PAPERS = "papers"
    SPONSOR = "sponsor"
    NAMES = "names"
    PLACES = "places"
    DESCRIPTION = "description"


_FIELDS: dict[Change, str] = {
    Change.RESULTS: "has_results results_first_submitted results_first_posted",
    Change.STATUS: "overall_status last_known_status why_stopped",
    Change.ENROLLMENT: "enrollment enrollment_type",
    Change.DATE: (
        "start_date start_date_type primary_completion_date primary_completion_date_type completion_date "
        "completion_date_type first_submitted first_posted"
    ),
    Change.DESIGN: "study_type phases allocation intervention_model primary_purpose masking",
    Change.TREATMENT: "arms interventions",
    Change.PATIENTS: "conditions keywords eligibility sex minimum_age maximum_age",
    Change.OUTCOMES: "primary_outcomes secondary_outcomes other_outcomes",
    Change.PAPERS: "references",
    Change.SPONSOR: "lead_sponsor collaborators",
    Change.NAMES: "org_study_id secondary_ids aliases brief_title official_title acronym",
    Change.PLACES: "locations",
    Change.DESCRIPTION: "brief_summary detailed_description",
}
KIND_OF: dict[str, Change] = {name: change for change, names in _FIELDS.items() for name in names.split()}
"""The kind of change that each field of a study is compared as."""

NOT_COMPARED = frozenset(
    {
        *("nct_id", "verified_date", "last_update_submitted", "last_update_posted", "version"),
        *("participant_flow", "baseline", "outcomes", "adverse_events", "limitations"),
    }
)
"""Fields that change with every edit of a record, and results, which snapshots do not hold."""


@frozen(kw_only=True)
class _Row:
    """One change."""

    study: Study
    trial: str | None
    change: Change
    field: str | None = None
    before: str | None = None
    after: str | None = None


_COLUMNS: tuple[Column, ...] = (
    text("nct_id", "number of the study", lambda row: row.study.nct_id),
    text("trial", "key of the study in the catalog, if it is there", lambda row: row.trial),
    word("change", "kind of change", Change, lambda row: row.change, ordered=True),
    text("field", "what changed", lambda row: row.field),
    text("before", "what it was; of a list, what is no longer in it", lambda row: row.before),
    text("after", "what it is; of a list, what is new in it", lambda row: row.after),
    text("title", "brief title", lambda row: row.study.brief_title),
)


def diff(old: Snapshot, new: Snapshot, *, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return what changed from one snapshot to another, one row per study and field.

    Parameters
    ----------
    old, new : Snapshot
        Two of `registry.snapshots`.
    catalog : Catalog, optional
        Whose studies to name; the shipped evidence by default.

    Returns
    -------
    DataFrame
        By kind of change and number: ``nct_id trial change field before after title``. `change` is an ordered category:
        a study is ``added`` or ``removed`` where only one snapshot has it (it may have been found by other words, so
        look at the record); the other kinds are of fields. Lists tell what left them and what came.

    Examples
    --------
    >>> from herbtc import registry
    >>> def answering(status: str):
    ...     def recorded(url: str) -> bytes:
    ...         if url.endswith("/version"):
    ...             return b'{"apiVersion": "2.0.5"}'
    ...         module = f'"statusModule": {{"overallStatus": "{status}"}}'
    ...         number = '"identificationModule": {"nctId": "NCT04482309"}'
    ...         return f'{{"studies": [{{"protocolSection": {{{number}, {module}}}}}]}}'.encode()
    ...     return recorded
    >>> old = registry.snapshot(fetch=answering("RECRUITING"))
    >>> new = registry.snapshot(fetch=answering("COMPLETED"))
    >>> registry.diff(old, new)[["trial", "change", "before", "after"]]
                    trial  change      before      after
    0  destiny-pantumor02  status  RECRUITING  COMPLETED
    """
    keys = numbers_of(load() if catalog is None else catalog)
    ours = {study.nct_id: study for study in old.studies}
    theirs = under_numbers(new.studies)
    rows = [row for number, study in ours.items() for row in _changes(study, theirs.get(number), keys)]
    followed = {study.nct_id for number in ours if (study := theirs.get(number))}
    rows += [
        _Row(study=study, trial=_keys(study, keys), change=Change.ADDED)
        for study in new.studies
        if study.nct_id not in followed
    ]
    order = list(Change)
    return frame(_COLUMNS, sorted(rows, key=lambda row: (order.index(row.change), row.study.nct_id)))


def _changes(before: Study, after: Study | None, keys: dict[str, tuple[str, ...]]) -> Iterator[_Row]:
    trial = _keys(before, keys)
    if after is None:
        yield _Row(study=before, trial=trial, change=Change.REMOVED)
        return
    for name, change in KIND_OF.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            gone, came = _sides(old, new)
            yield _Row(study=after, trial=trial, change=change, field=name, before=gone, after=came)


def _keys(study: Study, keys: dict[str, tuple[str, ...]]) -> str | None:
    return joined(dict.fromkeys(key for number in (study.nct_id, *study.aliases) for key in keys.get(number, ())))


def _sides(old: Any, new: Any) -> tuple[str | None, str | None]:
    if not isinstance(old, tuple):
        return _told(old), _told(new)
    gone = joined(_told(each) for each in old if each not in new)
    came = joined(_told(each) for each in new if each not in old)
    # The same in another order, or more often, is told whole.
    return (gone, came) if gone or came else (joined(map(_told, old)), joined(map(_told, new)))


def _told(value: Any) -> str | None:
    if isinstance(value, tuple):
        return ", ".join(filter(None, map(_told, value))) or None
    if attrs.has(type(value)):
        return ", ".join(filter(None, (_told(each) for each in attrs.astuple(value, recurse=False)))) or None
    return None if value is None else str(value)
