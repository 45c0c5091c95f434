"""Posted results of registered studies as DataFrames, one row per number that was reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.query._columns import Column, frame, joined, number, text, truth, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from herbtc.registry._results import (
        AdverseEvent,
        Analysis,
        Category,
        EventCount,
        Group,
        MeasureClass,
        Measurement,
        Outcome,
    )
    from herbtc.registry._study import Study


@frozen(kw_only=True)
class _Measured:
    """A measurement and what it stands in."""

    study: Study
    place: int
    outcome: Outcome
    block: MeasureClass
    line: Category
    measurement: Measurement

    @property
    def n(self) -> int | None:
        # How many were analysed: in the block if it says so, of the unit that the outcome counts.
        denominators = self.block.denominators or self.outcome.denominators
        chosen = [each for each in denominators if each.units == self.outcome.denominator_units] or denominators[:1]
        counts = [each.value for of in chosen for each in of.counts if each.group_id == self.measurement.group_id]
        return int(counts[0]) if counts and counts[0] is not None and counts[0] == int(counts[0]) else None


@frozen(kw_only=True)
class _Analysed:
    """An analysis and what it stands in."""

    study: Study
    place: int
    outcome: Outcome
    analysis: Analysis


@frozen(kw_only=True)
class _Counted:
    """An adverse event in one group and what it stands in."""

    study: Study
    serious: bool
    group: str | None
    event: AdverseEvent
    count: EventCount


def _title(groups: Iterable[Group], key: str) -> str | None:
    return next((group.title for group in groups if group.id == key), None)


_OUTCOME: tuple[Column, ...] = (
    text("nct_id", "number of the study", lambda row: row.study.nct_id),
    whole("outcome", "place of the outcome in the record, from 1", lambda row: row.place),
    text("type", "PRIMARY, SECONDARY …", lambda row: row.outcome.type),
    text("title", "title of the outcome", lambda row: row.outcome.title),
    text("time_frame", "when it was measured", lambda row: row.outcome.time_frame),
)
_MEASURED: tuple[Column, ...] = (
    *_OUTCOME,
    text("class", "block of the table of results", lambda row: row.block.title),
    text("category", "line of the block", lambda row: row.line.title),
    text("group_id", "key of the group in this outcome", lambda row: row.measurement.group_id),
    text("group", "title of the group", lambda row: _title(row.outcome.groups, row.measurement.group_id)),
    whole("n", "how many were analysed in the group", lambda row: row.n),
    text("param_type", "what the value is: MEDIAN, NUMBER …", lambda row: row.outcome.param_type),
    text("unit", "unit of the value", lambda row: row.outcome.unit),
    text("text", "the value as printed", lambda row: row.measurement.text),
    number("value", "the value; none where the text is no number", lambda row: row.measurement.value),
    text("dispersion_type", "what the spread or the ends are", lambda row: row.outcome.dispersion_type),
    number("spread", "standard deviation or error", lambda row: row.measurement.spread),
    text("lower_text", "lower end as printed", lambda row: row.measurement.lower_text),
    number("lower", "lower end", lambda row: row.measurement.lower),
    text("upper_text", "upper end as printed", lambda row: row.measurement.upper_text),
    number("upper", "upper end", lambda row: row.measurement.upper),
    text("comment", "why there is no number", lambda row: row.measurement.comment),
)
_ANALYSED: tuple[Column, ...] = (
    *_OUTCOME,
    text("groups", "groups that were compared", lambda row: joined(_named(row))),
    text("method", "statistical method", lambda row: row.analysis.method),
    text("parameter", "what was estimated: Hazard Ratio (HR) …", lambda row: row.analysis.parameter),
    text("estimate_text", "the estimate as printed", lambda row: row.analysis.estimate_text),
    number("estimate", "the estimate", lambda row: row.analysis.estimate),
    number("level", "level of the interval in percent", lambda row: row.analysis.level),
    text("sides", "ONE_SIDED or TWO_SIDED", lambda row: row.analysis.sides),
    number("lower", "lower end of the interval", lambda row: row.analysis.lower),
    number("upper", "upper end of the interval", lambda row: row.analysis.upper),
    text("p_text", "the p-value as printed", lambda row: row.analysis.p_text),
    number("p", "the p-value, or the bound where only that is printed", lambda row: row.analysis.p),
    text("p_bound", "= for a p-value, < or > for a bound", lambda row: row.analysis.p_bound),
)
_COUNTED: tuple[Column, ...] = (
    text("nct_id", "number of the study", lambda row: row.study.nct_id),
    truth("serious", "whether it is listed among the serious events", lambda row: row.serious),
    text("term", "the event", lambda row: row.event.term),
    text("organ_system", "its organ system", lambda row: row.event.organ_system),
    text("vocabulary", "where the term is from, such as MedDRA 23.1", lambda row: row.event.source_vocabulary),
    text("group_id", "key of the group among the adverse events", lambda row: row.count.group_id),
    text("group", "title of the group", lambda row: row.group),
    whole("affected", "participants with the event", lambda row: row.count.num_affected),
    whole("at_risk", "participants who were observed", lambda row: row.count.num_at_risk),
    whole("events", "how often it occurred, where that was counted", lambda row: row.count.num_events),
)


def outcomes(*studies: Study) -> pd.DataFrame:
    """Return the posted results of studies, one row per measurement, in the order of the records.

    Returns
    -------
    DataFrame
        Columns ``nct_id outcome type title time_frame class category group_id group n param_type unit text value
        dispersion_type spread lower_text lower upper_text upper comment``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> pallas = registry.study(Path("tests/samples/ctgov/NCT02513394.json").read_bytes())
    >>> registry.outcomes(pallas)[["outcome", "group_id", "n", "text", "value"]].head(2)
       outcome group_id     n  text  value
    0        1    OG000  2884  84.2   84.2
    1        1    OG001  2877  84.5   84.5
    """
    return frame(_MEASURED, list(_measured(studies)))


def analyses(*studies: Study) -> pd.DataFrame:
    """Return the posted comparisons and estimates of studies, one row per analysis of an outcome.

    Returns
    -------
    DataFrame
        Columns ``nct_id outcome type title time_frame groups method parameter estimate_text estimate level sides lower
        upper p_text p p_bound``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> pallas = registry.study(Path("tests/samples/ctgov/NCT02513394.json").read_bytes())
    >>> registry.analyses(pallas)[["parameter", "estimate", "lower", "upper", "p_text"]].head(1)
                 parameter  estimate  lower  upper p_text
    0  Hazard Ratio (HR)      0.96   0.81   1.14   0.65
    """
    rows = [
        _Analysed(study=study, place=place, outcome=outcome, analysis=analysis)
        for study in studies
        for place, outcome in enumerate(study.outcomes, 1)
        for analysis in outcome.analyses
    ]
    return frame(_ANALYSED, rows)


def adverse_events(*studies: Study) -> pd.DataFrame:
    """Return the posted adverse events of studies, one row per event and group.

    An event that a study lists both among the serious and among the other ones has rows for both: they must not be
    added up, as the other one may count all.

    Returns
    -------
    DataFrame
        Columns ``nct_id serious term organ_system vocabulary group_id group affected at_risk events``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> pallas = registry.study(Path("tests/samples/ctgov/NCT02513394.json").read_bytes())
    >>> events = registry.adverse_events(pallas)
    >>> events[events["term"].eq("Febrile neutropenia") & events["serious"]][["group_id", "affected", "at_risk"]]
      group_id  affected  at_risk
    4    EG000        13     2841
    5    EG001         0     2902
    """
    return frame(_COUNTED, list(_counted(studies)))


def _measured(studies: Iterable[Study]) -> Iterator[_Measured]:
    for study in studies:
        for place, outcome in enumerate(study.outcomes, 1):
            for block in outcome.classes:
                for line in block.categories:
                    for each in line.measurements:
                        yield _Measured(
                            study=study, place=place, outcome=outcome, block=block, line=line, measurement=each
                        )


def _counted(studies: Iterable[Study]) -> Iterator[_Counted]:
    for study in studies:
        if study.adverse_events is None:
            continue
        titles = {group.id: group.title for group in study.adverse_events.groups}
        for serious, events in ((True, study.adverse_events.serious), (False, study.adverse_events.other)):
            for event in events:
                for count in event.counts:
                    yield _Counted(
                        study=study, serious=serious, group=titles.get(count.group_id), event=event, count=count
                    )


def _named(row: _Analysed) -> Iterator[str]:
    for key in row.analysis.group_ids:
        yield _title(row.outcome.groups, key) or key
