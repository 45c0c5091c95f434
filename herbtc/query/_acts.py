"""Frames of dated acts: what agencies decided, what guidelines say; and how studies were appraised."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import frozen

from herbtc._public import day_of
from herbtc.catalog import Catalog, load
from herbtc.query._columns import Column, day, joined, text, truth, whole, word
from herbtc.query._rows import Words, as_frame, passes, wanted
from herbtc.terms import (
    Act,
    Agency,
    AppraisalTool,
    Design,
    Endpoint,
    GuidelineBody,
    Line,
    MechanismClass,
    Scope,
    Topic,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from herbtc.models import Appraisal, AppraisalItem, Source, Trial


@frozen(eq=False)
class _ActRow:
    act: Any
    source: Source
    in_force: bool


@frozen(eq=False)
class _ItemRow:
    trial: Trial
    appraisal: Appraisal
    item: AppraisalItem


COLUMNS: dict[str, tuple[Column, ...]] = {
    "approvals": (
        text("approval", "key of the act", lambda row: row.act.key, required=True),
        text("agents", 'keys of the agents, joined by " + "', lambda row: " + ".join(row.act.agents), required=True),
        word("agency", "who decided", Agency, lambda row: row.act.agency, required=True),
        text("jurisdiction", "ISO code of the country, or EU", lambda row: row.act.jurisdiction, required=True),
        word("act", "what was decided", Act, lambda row: row.act.act, required=True),
        day("decided", "day of the decision", lambda row: row.act.decided, required=True),
        truth(
            "decided_is_bound",
            "whether it is known only to lie no later",
            lambda row: row.act.decided_is_bound,
            required=True,
        ),
        truth(
            "authorises", "whether the act lets the drug be marketed", lambda row: row.act.act.authorises, required=True
        ),
        truth(
            "in_force",
            "whether no later act had replaced it on the day asked for",
            lambda row: row.in_force,
            required=True,
        ),
        word("scope", "which tumours it is about", Scope, lambda row: row.act.scope, required=True),
        text("population", "who, exactly", lambda row: row.act.population, required=True),
        word("line", "line of therapy", Line, lambda row: row.act.line, ordered=True),
        text("definition", "key of the HER2 definition", lambda row: row.act.definition),
        text("companion_test", "companion diagnostic", lambda row: row.act.companion_test),
        text("trial", "key of the pivotal study", lambda row: row.act.trial),
        text("replaces", "acts that it ends", lambda row: joined(row.act.replaces)),
        text("source", "key of the source", lambda row: row.act.source, required=True),
        text("link", "address at which a reader finds it", lambda row: row.source.link or None),
        text("locator", "place in the source", lambda row: row.act.locator, required=True),
        text("note", "what a reader must know", lambda row: row.act.note),
    ),
    "guidelines": (
        text("guideline", "key of the statement", lambda row: row.act.key, required=True),
        word("body", "who wrote it", GuidelineBody, lambda row: row.act.body, required=True),
        text("document", "title of the guideline", lambda row: row.act.document, required=True),
        text("version", "version", lambda row: row.act.version),
        whole("year", "year", lambda row: row.act.year, required=True, least=1990, most=2100),
        day("published", "day of publication, where known", lambda row: row.act.published),
        truth(
            "in_force",
            "whether no later statement had replaced it on the day asked for",
            lambda row: row.in_force,
            required=True,
        ),
        word("topic", "what it is about", Topic, lambda row: row.act.topic, required=True),
        text("agents", 'keys of the agents, joined by " + "', lambda row: " + ".join(row.act.agents) or None),
        text("regimen", "regimen in words", lambda row: row.act.regimen),
        word("scope", "which tumours it is about", Scope, lambda row: row.act.scope, required=True),
        text("population", "who, exactly", lambda row: row.act.population, required=True),
        word("line", "line of therapy", Line, lambda row: row.act.line, ordered=True),
        text("definition", "key of the HER2 definition", lambda row: row.act.definition),
        text("category", "category of recommendation (NCCN, CSCO)", lambda row: row.act.category),
        text("evidence", "level of evidence", lambda row: row.act.evidence),
        text("grade", "grade of recommendation", lambda row: row.act.grade),
        text("escat", "ESMO scale for clinical actionability of molecular targets", lambda row: row.act.escat),
        text("mcbs", "ESMO magnitude of clinical benefit, as the guideline records it", lambda row: row.act.mcbs),
        text("mcbs_version", "version of that scale", lambda row: row.act.mcbs_version),
        text("replaces", "statements that it ends", lambda row: joined(row.act.replaces)),
        text("source", "key of the source", lambda row: row.act.source, required=True),
        text("link", "address at which a reader finds it", lambda row: row.source.link or None),
        text("locator", "place in the source", lambda row: row.act.locator, required=True),
        text("note", "what a reader must know", lambda row: row.act.note),
    ),
    "appraisal": (
        text("trial", "key of the study", lambda row: row.trial.key, required=True),
        word("design", "kind of study", Design, lambda row: row.trial.design, required=True),
        word("tool", "checklist", AppraisalTool, lambda row: row.appraisal.tool, required=True),
        word(
            "outcome",
            "outcome, where the checklist asks for one",
            Endpoint,
            lambda row: row.appraisal.outcome,
        ),
        text("item", "item or domain of the checklist", lambda row: row.item.item, required=True),
        text("answer", "settled answer", lambda row: row.item.answer, required=True),
        text("reason", "why", lambda row: row.item.reason, required=True),
        text("second", "what the second reader said first, where it differed", lambda row: row.item.second),
        text("source", "key of the report appraised", lambda row: row.appraisal.source, required=True),
        text("locator", "place in the report", lambda row: row.item.locator),
    ),
}


def approvals(
    *,
    agent: Words = None,
    mechanism: Words = None,
    agency: Words = None,
    jurisdiction: Words = None,
    act: Words = None,
    authorises: bool | None = None,
    as_of: date | str | None = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return what agencies and assessment bodies decided, one row per act, in the order of their days.

    Parameters
    ----------
    agent, mechanism, agency, jurisdiction, act : str or iterable of str, optional
        Keys of agents, classes of agents, agencies, ISO codes (EU for the Union), kinds of act.
    authorises : bool, optional
        True keeps marketing authorisations, False everything else.
    as_of : date or str, optional
        Only acts decided up to this day (``"2025-06-30"``); `in_force` is then what held on it. By default everything
        recorded.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.
    ValueError
        If `as_of` is no date.

    Examples
    --------
    >>> from herbtc import query
    >>> query.approvals(agent="zanidatamab", as_of="2024-01-01", authorises=True).empty
    True
    """
    catalog = load() if catalog is None else catalog
    day_asked = on_day(as_of)
    every = [each for each in catalog.approvals if each.decided <= day_asked]
    places = sorted({each.jurisdiction for each in catalog.approvals})
    agencies, acts = wanted("agency", agency, Agency), wanted("act", act, Act)
    wanted_places = wanted("jurisdiction", jurisdiction, places)
    return _acts(
        "approvals",
        every,
        catalog,
        (agent, mechanism),
        lambda each: (
            passes(agencies, each.agency)
            and passes(wanted_places, each.jurisdiction)
            and passes(acts, each.act)
            and authorises in (None, each.act.authorises)
        ),
    )


def guidelines(
    *,
    agent: Words = None,
    mechanism: Words = None,
    body: Words = None,
    topic: Words = None,
    as_of: date | str | None = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return what guidelines say on HER2 in biliary tract cancer, one row per statement, in the order of their days.

    Parameters
    ----------
    agent, mechanism, body, topic : str or iterable of str, optional
        Keys of agents, classes of agents, guideline bodies, ``therapy`` or ``testing``.
    as_of : date or str, optional
        Only statements published up to this day; one of which only the year is known counts from the year's end.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.
    ValueError
        If `as_of` is no date.

    Examples
    --------
    >>> from herbtc import query
    >>> query.guidelines(as_of="2015-01-01").empty
    True
    """
    catalog = load() if catalog is None else catalog
    day_asked = on_day(as_of)
    bodies, topics = wanted("body", body, GuidelineBody), wanted("topic", topic, Topic)
    return _acts(
        "guidelines",
        [each for each in catalog.guidelines if each.day <= day_asked],
        catalog,
        (agent, mechanism),
        lambda each: passes(bodies, each.body) and passes(topics, each.topic),
    )


def appraisal(*, trial: Words = None, tool: Words = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return how well studies were done, one row per study and item of its checklist.

    Parameters
    ----------
    trial, tool : str or iterable of str, optional
        Keys of studies; ``jbi-case-series``, ``rob-2``, ``robins-i``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.appraisal().columns[:4].tolist()
    ['trial', 'design', 'tool', 'outcome']
    """
    catalog = load() if catalog is None else catalog
    keys = wanted("trial", trial, [each.key for each in catalog.trials])
    tools = wanted("tool", tool, AppraisalTool)
    found = [
        _ItemRow(each, made, item)
        for each in catalog.trials
        for made in each.appraisals
        for item in made.items
        if passes(keys, each.key) and passes(tools, made.tool)
    ]
    return as_frame(COLUMNS["appraisal"], found, catalog)


def on_day(as_of: date | str | None) -> date:
    """Return the day asked for, the last of the calendar for None; ValueError for what is no day."""
    return date.max if as_of is None else day_of(as_of)


def _acts(
    kind: str,
    every: Collection[Any],
    catalog: Catalog,
    asked: tuple[Words, Words],
    keep: Callable[[Any], bool],
) -> pd.DataFrame:
    by_key = {source.key: source for source in getattr(catalog, f"{kind.removesuffix('s')}_sources")}
    mechanism_of = {agent.key: agent.mechanism for agent in catalog.agents}
    keys = wanted("agent", asked[0], mechanism_of)
    classes = wanted("mechanism", asked[1], MechanismClass)
    replaced = {key for each in every for key in each.replaces}
    found = [
        _ActRow(each, by_key[each.source], each.key not in replaced)
        for each in every
        if passes(keys, *each.agents) and passes(classes, *(mechanism_of[key] for key in each.agents)) and keep(each)
    ]
    return as_frame(COLUMNS[kind], found, catalog)
