"""How often HER2 is found, how well tests agree, and what it means for survival."""

from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.models._figures import COUNTS, LEVEL, PERCENT_INTERVAL, RATIO, SHARE
from herbtc.models._record import Record, Rule, key_rule, ordered, together, within
from herbtc.terms import Agreement, Analysis, Endpoint, Her2, Quantity, Ratio, Sides, Site, TestMethod


@frozen(kw_only=True, repr=False)
class Prevalence(Record):
    """A share of patients in a HER2 group: by site, method and definition, of a denominator; no site means all."""

    cohort: str
    her2: Her2
    method: TestMethod
    definition: str
    quantity: Quantity
    sites: tuple[Site, ...] = ()
    events: int | None = None
    n: int | None = None
    percent: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    pooled: bool = False
    population: str | None = None
    region: str | None = None
    source: str
    locator: str
    suspect: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (key_rule("cohort"), *COUNTS, SHARE, *PERCENT_INTERVAL)


@frozen(kw_only=True, repr=False)
class Concordance(Record):
    """How well one HER2 test agrees with another on the same patients."""

    cohort: str
    test: str
    reference: str
    measure: Agreement
    sites: tuple[Site, ...] = ()
    events: int | None = None
    n: int | None = None
    percent: Decimal | None = None
    estimate: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    source: str
    locator: str
    suspect: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("cohort"),
        *COUNTS,
        within("estimate", -1, 1),
        Rule(
            ("estimate", "events", "percent", "measure"),
            lambda estimate, events, percent, measure: (
                (estimate is not None) == (measure is Agreement.KAPPA)
                and (estimate is not None or events is not None or percent is not None)
            ),
            "expected an estimate of kappa, or events or percent of any other measure",
            always=True,
        ),
        ordered("low", "high"),
        LEVEL,
        together("level", "low", "high"),
    )


@frozen(kw_only=True, repr=False)
class Prognosis(Record):
    """A ratio of outcome between patients by their HER2 status, which is no effect of treatment."""

    cohort: str
    her2: Her2
    reference: str
    method: TestMethod
    endpoint: Endpoint
    kind: Ratio
    estimate: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    sides: Sides = Sides.TWO
    p: Decimal | str | None = None
    p_sides: int | None = None
    n: int | None = None
    sites: tuple[Site, ...] = ()
    analysis: Analysis | None = None
    pooled: bool = False
    population: str | None = None
    source: str
    locator: str
    suspect: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (key_rule("cohort"), *RATIO)
