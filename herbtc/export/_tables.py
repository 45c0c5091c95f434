"""The whole catalog as tables: one per kind of record, with its key and its references to others."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pandas as pd
from attrs import evolve, frozen

from herbtc import query
from herbtc.models import FIGURE_KINDS

if TYPE_CHECKING:
    from herbtc.catalog import Catalog
    from herbtc.models import Source
    from herbtc.query._columns import Column


@frozen
class Reference:
    """Columns that name a row of another table, or of none where they are empty."""

    columns: tuple[str, ...]
    table: str
    named: tuple[str, ...]


@frozen(eq=False)
class Table:
    """All records of one kind."""

    name: str
    about: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()


_TRIAL = Reference(("trial",), "trials", ("trial",))
_ARM = Reference(("trial", "arm"), "arms", ("trial", "arm"))
_SOURCE = Reference(("trial", "source"), "sources", ("trial", "source"))
_DEFINITION = Reference(("definition",), "definitions", ("definition",))

SOURCES_OF_FACTS = {
    "mechanisms": "agent_sources",
    "agents": "agent_sources",
    "definitions": "definition_sources",
    "approvals": "approval_sources",
    "guidelines": "guideline_sources",
    **dict.fromkeys(("prevalence", "concordance", "prognosis"), "prevalence_sources"),
    "criteria": "definition_sources",
    **dict.fromkeys(("variants", "variant_counts"), "variant_sources"),
}
"""Where the sources of each kind of fact stand in a catalog; a key of a source is unique among these only."""

_KEYS = {
    "mechanisms": ("mechanism",),
    "agents": ("agent",),
    "trials": ("trial",),
    "arms": ("trial", "arm"),
    "sources": ("trial", "source"),
    "definitions": ("definition",),
    "definition_matrix": ("definition",),
    "criteria": ("clause",),
    "approvals": ("approval",),
    "guidelines": ("guideline",),
    **dict.fromkeys(SOURCES_OF_FACTS.values(), ("source",)),
}
_REFERENCES: dict[str, tuple[Reference, ...]] = {
    **dict.fromkeys(FIGURE_KINDS, (_ARM, _SOURCE)),
    "agents": (Reference(("mechanism",), "mechanisms", ("mechanism",)),),
    "arms": (_TRIAL, _DEFINITION),
    "definition_matrix": (_DEFINITION,),
    "sources": (_TRIAL,),
    "approvals": (_DEFINITION, _TRIAL),
    "guidelines": (_DEFINITION,),
    "appraisal": (_TRIAL, _SOURCE),
}
_REFERENCES["contrasts"] += (Reference(("trial", "reference_arm"), "arms", ("trial", "arm")),)
_REFERENCES["adverse_events"] += (Reference(("related_to",), "agents", ("agent",)),)

_EVERYTHING: dict[str, dict[str, Any]] = {
    **{kind: {"reports": "all", "suspect": "include"} for kind in FIGURE_KINDS},
    "prevalence": {"quantity": None, "suspect": "include"},
    "concordance": {"suspect": "include"},
    "prognosis": {"suspect": "include"},
}

NAMES = (*query.COLUMNS, *dict.fromkeys(SOURCES_OF_FACTS.values()))
"""The names of all tables."""


def tables(catalog: Catalog) -> tuple[Table, ...]:
    """Return all tables of a catalog: every report of every figure, suspect ones included."""
    return (*(_of_query(kind, catalog) for kind in query.COLUMNS), *_of_facts(catalog))


def _of_query(kind: str, catalog: Catalog) -> Table:
    function = getattr(query, kind)
    frame, columns = function(catalog=catalog, **_EVERYTHING.get(kind, {})), query.COLUMNS[kind]
    references = _REFERENCES.get(kind, ())
    if kind in SOURCES_OF_FACTS:
        references += (Reference(("source",), SOURCES_OF_FACTS[kind], ("source",)),)
    if kind == "sources":
        # Those of facts have tables of their own, because their keys are unique among the facts of one kind only.
        attrs = frame.attrs
        frame = frame[frame["trial"].notna()].reset_index(drop=True)
        frame.attrs = attrs
        columns = tuple(evolve(column, required=column.required or column.name == "trial") for column in columns)
    about = (inspect.getdoc(function) or "").partition("\n")[0].removeprefix("Return ")
    return Table(kind, about[:1].upper() + about[1:], frame, columns, _KEYS.get(kind, ()), references)


@frozen(eq=False)
class _Cited:
    source: Source


def _of_facts(catalog: Catalog) -> tuple[Table, ...]:
    columns = tuple(column for column in query.COLUMNS["sources"] if column.name not in {"trial", "figures"})
    found = []
    for name in dict.fromkeys(SOURCES_OF_FACTS.values()):
        rows = [_Cited(source) for source in getattr(catalog, name)]
        frame = pd.DataFrame({column.name: column.array(rows) for column in columns})
        frame.attrs["herbtc"] = {"release": catalog.release}
        facts = " and ".join(kind for kind, sources in SOURCES_OF_FACTS.items() if sources == name)
        found.append(
            Table(name, f"The reports that {facts} were read in, one row per report.", frame, columns, _KEYS[name])
        )
    return tuple(found)
