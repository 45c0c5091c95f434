"""Frames of agents and their mechanisms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herbtc.catalog import Catalog, load
from herbtc.query._columns import Column, joined, number, text, truth, word
from herbtc.query._rows import Words, as_frame, passes, wanted
from herbtc.terms import MechanismClass

if TYPE_CHECKING:
    from decimal import Decimal

    import pandas as pd

    from herbtc.models import Agent, DrugAntibodyRatio, Mechanism


def _conjugate(name: str) -> Any:
    return lambda agent: getattr(agent.conjugate, name, None)


def _ratios(agent: Agent) -> tuple[DrugAntibodyRatio, ...]:
    return agent.conjugate.ratios if agent.conjugate else ()


def _ratio_ends(agent: Agent) -> list[Decimal]:
    printed = (end for ratio in _ratios(agent) for end in (ratio.value, ratio.low, ratio.high))
    return [end for end in printed if end is not None]


def _printed(ratio: DrugAntibodyRatio) -> str:
    printed = str(ratio.value) if ratio.value is not None else f"{ratio.low}-{ratio.high}"
    return f"{printed} ({ratio.source})"


COLUMNS: dict[str, tuple[Column, ...]] = {
    "mechanisms": (
        word("mechanism", "class of agents", MechanismClass, lambda row: row.key, required=True),
        text("name", "its name", lambda row: row.name, required=True),
        truth("her2_directed", "whether the class acts on HER2", lambda row: row.her2_directed, required=True),
        text("action", "how it acts", lambda row: row.action, required=True),
        text("source", "key of the source", lambda row: row.source),
        text("locator", "place in the source", lambda row: row.locator),
    ),
    "agents": (
        text("agent", "key of the agent", lambda row: row.key, required=True),
        text("name", "its name", lambda row: row.name, required=True),
        word("mechanism", "class of the agent", MechanismClass, lambda row: row.mechanism, required=True),
        truth(
            "her2_directed", "whether the class acts on HER2", lambda row: row.mechanism.her2_directed, required=True
        ),
        text("format", "molecular format", lambda row: row.format),
        text(
            "targets",
            'molecules it binds, joined by "; "',
            lambda row: joined(dict.fromkeys(target.molecule for target in row.targets)),
        ),
        text(
            "epitopes",
            "where it binds them",
            lambda row: joined(f"{target.molecule}: {target.epitope}" for target in row.targets if target.epitope),
        ),
        text("synonyms", "other names", lambda row: joined(row.synonyms)),
        text("codes", "development codes", lambda row: joined(row.codes)),
        text("developers", "developers", lambda row: joined(row.developers)),
        text("antibody", "antibody of a conjugate", _conjugate("antibody")),
        text("payload", "payload of a conjugate", _conjugate("payload")),
        text("payload_class", "how the payload acts", _conjugate("payload_class")),
        text("linker", "linker of a conjugate", _conjugate("linker")),
        truth("cleavable", "whether the linker is cleavable", _conjugate("cleavable")),
        truth("bystander", "whether a bystander effect is reported", _conjugate("bystander")),
        number(
            "dar_low",
            "least drug-antibody ratio that any source prints",
            lambda row: min(_ratio_ends(row), default=None),
            least=0,
            most=100,
        ),
        number(
            "dar_high",
            "greatest drug-antibody ratio that any source prints",
            lambda row: max(_ratio_ends(row), default=None),
            least=0,
            most=100,
        ),
        text(
            "dar_printed",
            "every printed drug-antibody ratio with its source",
            lambda row: joined(map(_printed, _ratios(row))),
        ),
        text(
            "identifiers",
            "codes in public systems",
            lambda row: joined(f"{each.system}:{each.code}" for each in row.identifiers),
        ),
        text("source", "key of the source", lambda row: row.source),
    ),
}


def mechanisms(*, her2_directed: bool | None = None, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return the classes of agents and how they act, one row per class.

    Parameters
    ----------
    her2_directed : bool, optional
        Only classes that do, or do not, act on HER2.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Examples
    --------
    >>> from herbtc import query
    >>> query.mechanisms(her2_directed=True)["mechanism"].tolist()[:2]
    ['monoclonal-antibody', 'tyrosine-kinase-inhibitor']
    """
    catalog = load() if catalog is None else catalog
    found: list[Mechanism] = [each for each in catalog.mechanisms if her2_directed in (None, each.her2_directed)]
    return as_frame(COLUMNS["mechanisms"], found, catalog)


def agents(
    *, agent: Words = None, mechanism: Words = None, her2_directed: bool | None = None, catalog: Catalog | None = None
) -> pd.DataFrame:
    """Return the agents, one row each.

    Drug-antibody ratios that sources disagree on are not flattened: `dar_printed` holds each with its source, and
    `dar_low` and `dar_high` span them.

    Parameters
    ----------
    agent, mechanism : str or iterable of str, optional
        Keys of agents and of mechanisms.
    her2_directed : bool, optional
        Only agents that do, or do not, act on HER2.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist.

    Examples
    --------
    >>> from herbtc import query
    >>> query.agents(agent="zanidatamab")["mechanism"].item()
    'bispecific-antibody'
    """
    catalog = load() if catalog is None else catalog
    keys = wanted("agent", agent, [each.key for each in catalog.agents])
    classes = wanted("mechanism", mechanism, MechanismClass)
    found = [
        each
        for each in catalog.agents
        if passes(keys, each.key)
        and passes(classes, each.mechanism)
        and her2_directed in (None, each.mechanism.her2_directed)
    ]
    return as_frame(COLUMNS["agents"], found, catalog)
