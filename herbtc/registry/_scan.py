"""A whole registry on disk, filtered for HER2 in biliary tract cancer without ever being in memory.

DuckDB reads and filters coarsely, by a pattern over the text of each record; the few records that pass are read as any
other, and filtered finely by what stands where.
"""

from __future__ import annotations

import warnings
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from herbtc.catalog import load
from herbtc.errors import DataError, HerbtcWarning, Problem
from herbtc.query._columns import Column, frame, joined, text, truth, whole
from herbtc.registry._reading import made, parsed
from herbtc.registry._study import Page, Study
from herbtc.registry._terms import Match, coarse, matched, target_words

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from herbtc.catalog import Catalog


@frozen(kw_only=True)
class _Candidate:
    """A study that passes, and why."""

    study: Study
    match: Match
    trial: str | None


_COLUMNS: tuple[Column, ...] = (
    text("nct_id", "number of the study", lambda row: row.study.nct_id),
    text(
        "kind",
        "biliary: names the cancer; basket: solid tumours, and HER2 in what names it",
        lambda row: row.match.kind,
    ),
    text("trial", "key of the study in the catalog, if it is there", lambda row: row.trial),
    text("title", "brief title", lambda row: row.study.brief_title),
    text("overall_status", "status, in the registry's words", lambda row: row.study.overall_status),
    text("study_type", "type, in the registry's words", lambda row: row.study.study_type),
    text("phases", "phases, in the registry's words", lambda row: joined(row.study.phases)),
    text("conditions", "conditions", lambda row: joined(row.study.conditions)),
    text("interventions", "interventions", lambda row: joined(each.name for each in row.study.interventions)),
    whole("enrollment", "participants, planned or actual", lambda row: row.study.enrollment),
    text("start_date", "begin, as printed", lambda row: row.study.start_date),
    text("last_update_posted", "last change, as printed", lambda row: row.study.last_update_posted),
    truth("has_results", "whether results are posted", lambda row: row.study.has_results),
    text("her2_in", "where HER2 or an agent that acts on it is named", lambda row: joined(row.match.her2)),
    text("biliary_in", "where biliary tract cancer is named", lambda row: joined(row.match.biliary)),
    text("solid_in", "where solid tumours are named", lambda row: joined(row.match.solid)),
)


def scan(
    path: str | PathLike[str], *, catalog: Catalog | None = None, strict: bool = True, memory: str = "700MB"
) -> pd.DataFrame:
    """Return the studies of a whole registry on disk that are candidates for HER2 in biliary tract cancer.

    Needs ``herbtc[bulk]``. Only a batch of records is in memory, however many there are, and the time is in proportion
    to them.

    Parameters
    ----------
    path : path
        A folder (``.json``, at any depth), a zip file of such a folder (the registry's own download), a file of one
        record per line (``.jsonl`` or ``.ndjson``), or Parquet (a file, or a folder of them) with one record per row:
        either as text in one column, or with the sections of a record as columns (``protocolSection`` …).
    catalog : Catalog, optional
        Whose agents to look for, and whose studies to mark; the shipped evidence by default.
    strict : bool
        Whether records that are no JSON, or name HER2 and are no record of a study, are an error once all are read. If
        not, they are left out with a warning.
    memory : str
        What DuckDB may use, in its own words. Parquet is read by groups of rows, of which one must fit in.

    Returns
    -------
    DataFrame
        One row per study, by its number: ``nct_id kind trial title overall_status study_type phases conditions
        interventions enrollment start_date last_update_posted has_results her2_in biliary_in solid_in``. Words that
        stand for one of several parts are joined by ``"; "``.

    Raises
    ------
    herbtc.DataError
        If there is nothing to read, or it breaks off; for `strict` with every fault of every broken record.

    Examples
    --------
    >>> from herbtc import registry
    >>> registry.scan("tests/samples/ctgov/pages")[["nct_id", "kind"]]
    Empty DataFrame
    Columns: [nct_id, kind]
    Index: []
    """
    try:
        from herbtc.registry import _bulk  # noqa: PLC0415  (DuckDB is optional)
    except ImportError as error:
        raise ImportError("registry.scan needs DuckDB: pip install 'herbtc[bulk]'") from error
    catalog = catalog or load()
    known = {number: trial.key for trial in catalog.trials for number in trial.registry_ids}
    found: dict[str, tuple[Any, ...]] = {}  # only what is shown: records with results have up to some megabytes
    problems: list[Problem] = []
    for name, record in _bulk.passing(Path(path), coarse(target_words(catalog)), memory):
        try:
            studies = _studies(record)
        except DataError as error:
            problems += [Problem(name, each.path, each.message) for each in error.problems]
            continue
        for study in studies:
            match = matched(study, catalog)
            if match.kind:
                candidate = _Candidate(study=study, match=match, trial=known.get(study.nct_id))
                found[study.nct_id] = tuple(column.value(candidate) for column in _COLUMNS)
    if problems and strict:
        raise DataError(str(path), problems)
    if problems:
        broken = dict.fromkeys(problem.file for problem in problems)
        warnings.warn(f"{len(broken)} broken records left out, the first: {problems[0]}", HerbtcWarning, stacklevel=2)
    columns = [evolve(column, value=itemgetter(place)) for place, column in enumerate(_COLUMNS)]
    return frame(columns, [found[number] for number in sorted(found)])


def _studies(record: bytes) -> tuple[Study, ...]:
    document = parsed(record, "the record")
    if isinstance(document, dict) and "studies" in document:
        return made(document, Page, "the page").studies
    return (made(document, Study, "the record"),)
