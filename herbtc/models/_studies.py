"""Studies: who was treated with what, and where it was reported."""

import re
from datetime import date
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from herbtc import terms
from herbtc.errors import look_up
from herbtc.models._appraisals import Appraisal
from herbtc.models._figures import Figures
from herbtc.models._record import (
    ADDRESS,
    PARTIAL_DATE,
    Record,
    Rule,
    filled,
    key_rule,
    matching,
    unique,
    within,
)
from herbtc.terms import Design, Endpoint, Laboratory, Line, Phase, PriorTherapy, Site, SourceKind, Status, Stratum


@frozen(kw_only=True, repr=False)
class Source(Record):
    """A report that was read: a paper, an abstract, a label, a registry record, a news page."""

    key: str
    kind: SourceKind
    title: str
    year: int | None = None
    first_author: str | None = None
    published: date | None = None
    venue: str | None = None
    pmid: str | None = None
    doi: str | None = None
    url: str | None = None
    cutoffs: tuple[date, ...] = ()
    followup_months: Decimal | None = None
    via: str | None = None
    seen: tuple[str, ...] = ()
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("year", 1950, 2100),
        within("followup_months", 0, 1000),
        unique("cutoffs", "expected each cut-off once"),
        matching("pmid", re.compile(r"[1-9][0-9]{0,8}"), "expected a PubMed id, got {0}"),
        matching("doi", re.compile(r"10\.[0-9]{4,9}/\S+"), "expected a DOI like 10.1016/…, got {0}"),
        *(matching(name, ADDRESS, "expected a web address, got {0}") for name in ("url", "via")),
        Rule(
            ("seen",),
            lambda seen: all(map(ADDRESS.fullmatch, seen)),
            "expected web addresses, got {0}",
        ),
        Rule(
            ("pmid", "doi", "url", "via", "kind"),
            lambda *names: names[-1] is SourceKind.UNPUBLISHED or any(name is not None for name in names[:-1]),
            "expected a pmid, doi, url or via, so that a reader can find the source (unless its kind is unpublished)",
            always=True,
        ),
        Rule(
            ("published", "year"),
            lambda published, year: year is None or abs(published.year - year) <= 1,
            "expected a day within a year of the year of publication {1}, got {0}",
        ),
    )

    @property
    def day(self) -> date:
        """Day of publication; 1 January where only the year is known, the first day of the calendar if nothing is."""
        return self.published or date(self.year or 1, 1, 1)

    @property
    def public_by(self) -> date | None:
        """Day by which the source was public; the last of its year where only that is known, None where nothing is."""
        return self.published or (date(self.year, 12, 31) if self.year else None)

    @property
    def link(self) -> str:
        """Address at which a reader finds the source."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        if self.pmid:
            return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/"
        return self.url or self.via or ""


@frozen(kw_only=True, repr=False)
class Population(Record):
    """A subgroup of an arm: the patients in all of its strata."""

    strata: tuple[Stratum, ...]
    n: int | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("n", 0, 10**7),
        Rule(
            ("strata",),
            lambda strata: bool(strata) and len({stratum.by for stratum in strata}) == len(strata),
            "expected one or more strata, each of another partition",
            always=True,
        ),
        Rule(
            ("strata",),
            lambda strata: list(strata) == sorted(strata, key=list(Stratum).index),
            "expected the strata in the order of the vocabulary, so that a population has one name, got {0}",
        ),
    )

    @property
    def key(self) -> str:
        """Name of the population: its strata joined by " & "."""
        return terms.population(self.strata)


@frozen(kw_only=True, repr=False)
class Testing(Record):
    """How the HER2 status of an arm's patients was found."""

    test: str | None = None
    clone: str | None = None
    scoring: str | None = None
    specimen: str | None = None
    laboratory: Laboratory | None = None
    timing: str | None = None
    source: str
    locator: str
    note: str | None = None


@frozen(kw_only=True, repr=False)
class Hypothesis(Record):
    """What an arm was planned to show, and whether it did; rates, alpha and power in percent."""

    endpoint: Endpoint | None = None
    p0: Decimal | None = None
    p1: Decimal | None = None
    alpha: Decimal | None = None
    alpha_sides: int | None = None
    power: Decimal | None = None
    stages: int | None = None
    planned_n: int | None = None
    primary: bool | None = None
    met: bool | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 100) for name in ("p0", "p1", "alpha", "power")),
        within("alpha_sides", 1, 2),
        within("stages", 1, 10),
        within("planned_n", 1, 10**7),
    )


@frozen(kw_only=True, repr=False)
class Eligibility(Record):
    """Who could enter an arm, as far as it was seen.

    `prior_agents` must all have been given before, `also` are conditions in words; LVEF is in percent.
    """

    ecog_max: int | None = None
    lvef_min: Decimal | None = None
    measurable: bool | None = None
    prior_her2_therapy: PriorTherapy | None = None
    prior_lines_min: int | None = None
    prior_lines_max: int | None = None
    prior_agents: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("ecog_max", 0, 4),
        within("lvef_min", 0, 100),
        within("prior_lines_min", 0, 20),
        within("prior_lines_max", 0, 20),
        Rule(
            ("prior_lines_min", "prior_lines_max"),
            lambda least, most: most is None or least <= most,
            "expected prior_lines_min ≤ prior_lines_max, got {0} > {1}",
        ),
    )


@frozen(kw_only=True, repr=False)
class Arm(Record):
    """A group of patients with one treatment."""

    key: str
    label: str
    agents: tuple[str, ...]
    her2_selected: bool
    btc_only: bool
    n: int | None = None
    line: Line | None = None
    dose: str | None = None
    sites: tuple[Site, ...] = ()
    definition: str | None = None
    parts: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    populations: tuple[Population, ...] = ()
    testing: Testing | None = None
    hypothesis: Hypothesis | None = None
    eligibility: Eligibility | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("n", 0, 10**7),
        filled("agents", "expected at least one agent"),
        unique("agents", "expected each agent once, got {0}"),
    )


@frozen(kw_only=True, repr=False, cache_hash=True)
class Trial(Record):
    """A study: what it was, who was treated, what was reported, and where."""

    key: str
    name: str
    design: Design
    registry_ids: tuple[str, ...] = ()
    phase: Phase | None = None
    status: Status | None = None
    planned_n: int | None = None
    start: str | None = None
    primary_completion: str | None = None
    completion: str | None = None
    countries: tuple[str, ...] = ()
    sponsor: str | None = None
    overlaps: tuple[str, ...] = ()
    reviewed: date | None = None
    note: str | None = None
    sources: tuple[Source, ...] = ()
    arms: tuple[Arm, ...] = ()
    appraisals: tuple[Appraisal, ...] = ()
    figures: Figures = field(factory=Figures)

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        within("planned_n", 0, 10**7),
        *(
            matching(name, PARTIAL_DATE, "expected a date as registries print it, 2024-07 or 2024-07-15, got {0}")
            for name in ("start", "primary_completion", "completion")
        ),
        Rule(
            ("countries",),
            lambda countries: all(re.fullmatch(r"[A-Z]{2}", code) for code in countries),
            "expected ISO 3166 alpha-2 codes, got {0}",
        ),
    )

    def arm(self, key: str) -> Arm:
        """Return the arm with this key."""
        return look_up("arm", key, {arm.key: arm for arm in self.arms})

    def source(self, key: str) -> Source:
        """Return the source with this key."""
        return look_up("source", key, {source.key: source for source in self.sources})
