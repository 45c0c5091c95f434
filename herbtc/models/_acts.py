"""Dated acts: what agencies decided and guidelines recommended, for whom, on which day."""

from datetime import date
from typing import ClassVar

from attrs import frozen

from herbtc.models._record import Record, Rule, filled, key_rule, within
from herbtc.terms import Act, Agency, GuidelineBody, Line, Scope, Site, Topic


@frozen(kw_only=True, repr=False)
class Approval(Record):
    """What an agency or an assessment body decided on a day, and for whom; `replaces` names acts that it ends.

    `sites` are named where the act is about some biliary sites only. `cautions` are the label's warnings and
    contraindications, in words.
    Where no page states the day, `decided` is that of the earliest page that reports the decision, and
    `decided_is_bound` says so: nothing is then known too early.
    """

    key: str
    agents: tuple[str, ...]
    agency: Agency
    jurisdiction: str
    act: Act
    decided: date
    decided_is_bound: bool = False
    scope: Scope
    population: str
    sites: tuple[Site, ...] = ()
    line: Line | None = None
    definition: str | None = None
    companion_test: str | None = None
    trial: str | None = None
    cautions: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    reviewed: date | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        filled("agents", "expected at least one agent"),
        Rule(
            ("jurisdiction",),
            lambda place: len(place) == 2 and place.isalpha() and place.isupper(),  # noqa: PLR2004
            "expected an ISO 3166 alpha-2 code, or EU, got {0}",
        ),
    )


@frozen(kw_only=True, repr=False)
class Guideline(Record):
    """One statement of a guideline; grades stand in the guideline's own letters and figures."""

    key: str
    body: GuidelineBody
    document: str
    topic: Topic
    population: str
    scope: Scope
    agents: tuple[str, ...] = ()
    regimen: str | None = None
    version: str | None = None
    year: int
    published: date | None = None
    line: Line | None = None
    definition: str | None = None
    category: str | None = None
    evidence: str | None = None
    grade: str | None = None
    escat: str | None = None
    mcbs: str | None = None
    mcbs_version: str | None = None
    replaces: tuple[str, ...] = ()
    reviewed: date | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("year", 1990, 2100),
        Rule(
            ("published", "year"),
            lambda published, year: published.year == year,
            "expected a day in the year {1}, got {0}",
        ),
        Rule(
            ("topic", "agents"),
            lambda topic, agents: topic is Topic.TESTING or bool(agents),
            "expected at least one agent in a statement on therapy",
        ),
    )

    @property
    def day(self) -> date:
        """Day of publication; the last of its year where only the year is known, so that nothing is known too early."""
        return self.published or date(self.year, 12, 31)
