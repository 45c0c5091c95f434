"""What is recorded of variants: how often each was counted, what it was found to do, and where that was read."""

import re
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.errors import DataError
from herbtc.models import Record, Rule, matching, within
from herbtc.terms import ProteinDomain, StudiedIn, VariantEffect
from herbtc.variants._names import ProteinChange, name
from herbtc.variants._protein import RESIDUES


def _is_canonical(key: str) -> bool:
    try:
        change = name(key)
    except DataError:
        return False
    return change.known and change.name == key


def _are_unread(also: tuple[str, ...]) -> bool:
    try:
        return all(not name(each).known for each in also)
    except DataError:
        return False


@frozen(kw_only=True, repr=False)
class ProteinRegion(Record):
    """Residues from `start` to `end` of the reference protein, and the domain they belong to."""

    domain: ProteinDomain
    start: int
    end: int
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(each, 1, len(RESIDUES)) for each in ("start", "end")),
        Rule(("start", "end"), lambda start, end: start <= end, "expected start ≤ end, got {0} > {1}"),
    )


@frozen(kw_only=True, repr=False)
class VariantCount(Record):
    """How often a variant was counted in a data set, of a version; among whom, where not among all of it."""

    dataset: str
    version: str
    population: str | None = None
    events: int | None = None
    n: int | None = None
    percent: Decimal | None = None
    of: str
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(each, 0, 10**7) for each in ("events", "n")),
        within("percent", 0, 100),
        Rule(
            ("events", "percent"),
            lambda events, percent: events is not None or percent is not None,
            "expected events or percent",
            always=True,
        ),
        Rule(("events", "n"), lambda events, n: n is None or events <= n, "expected events ≤ n, got {0} of {1}"),
    )


@frozen(kw_only=True, repr=False)
class VariantEvidence(Record):
    """One finding about a variant: its effect, on which drugs where on a drug, seen in what, and where that was read.

    `agents` are keys of agents and `other_drugs` names of drugs that are none; where there are several, they were
    given together. `report` is the PubMed id of the paper where the source is a database that tells of it.
    """

    effect: VariantEffect
    agents: tuple[str, ...] = ()
    other_drugs: tuple[str, ...] = ()
    studied_in: StudiedIn | None = None
    model: str | None = None
    events: int | None = None
    n: int | None = None
    report: str | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            ("effect", "agents", "other_drugs"),
            lambda effect, agents, others: effect.of_a_drug == bool(agents or others),
            "expected a drug beside an effect on drugs, and none beside another; got {0}",
        ),
        *(within(each, 0, 10**5) for each in ("events", "n")),
        Rule(("events", "n"), lambda events, n: n is None or events <= n, "expected events ≤ n, got {0} of {1}"),
        matching("report", re.compile(r"[1-9][0-9]{0,8}"), "expected a PubMed id, got {0}"),
    )


@frozen(kw_only=True, repr=False)
class Variant(Record):
    """A variant of ERBB2 by the one name of its change, and what is known of it.

    `also` are names in use that say no change by themselves and so cannot be read without this record, such as
    ``A775insYVMA``.
    """

    key: str
    also: tuple[str, ...] = ()
    counts: tuple[VariantCount, ...] = ()
    evidence: tuple[VariantEvidence, ...] = ()
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(("key",), _is_canonical, "expected the name that herbtc.variants.name gives to the change, got {0}"),
        Rule(("also",), _are_unread, "expected names that herbtc.variants.name cannot read, got {0}"),
        Rule(
            ("counts", "evidence"),
            lambda counts, evidence: bool(counts or evidence),
            "expected at least one count or one piece of evidence",
        ),
    )

    @property
    def change(self) -> ProteinChange:
        """The change of the protein."""
        return name(self.key)

    @property
    def place(self) -> tuple[int, int]:
        """First and last residue that the name gives."""
        return self.change.start or 0, self.change.end or 0
