"""Agents and mechanisms: what a drug is, what it binds, and by which names it goes."""

from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.models._record import Record, Rule, key_rule, within
from herbtc.terms import MechanismClass


@frozen(kw_only=True, repr=False)
class Mechanism(Record):
    """A class of agents and how it acts."""

    key: MechanismClass
    name: str
    action: str
    source: str | None = None
    locator: str | None = None
    note: str | None = None

    @property
    def her2_directed(self) -> bool:
        """Whether agents of the class act on HER2."""
        return self.key.her2_directed


@frozen(kw_only=True, repr=False)
class Target(Record):
    """A molecule that an agent binds, and where on it."""

    molecule: str
    epitope: str | None = None
    source: str | None = None
    locator: str | None = None
    note: str | None = None


@frozen(kw_only=True, repr=False)
class Identifier(Record):
    """A code of an agent in a public system, with the key of the source it was read in."""

    system: str
    code: str
    source: str


@frozen(kw_only=True, repr=False)
class DrugAntibodyRatio(Record):
    """One printed drug-antibody ratio, a value or a range; sources that disagree stand side by side."""

    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 100) for name in ("value", "low", "high")),
        Rule(
            ("value", "low", "high"),
            lambda value, low, high: (value is None) == (low is not None and high is not None and low <= high),
            "expected either a value, or low and high in order",
            always=True,
        ),
    )


@frozen(kw_only=True, repr=False)
class Conjugate(Record):
    """The parts of an antibody-drug conjugate."""

    antibody: str
    payload: str
    payload_class: str | None = None
    linker: str | None = None
    cleavable: bool | None = None
    bystander: bool | None = None
    ratios: tuple[DrugAntibodyRatio, ...] = ()
    source: str | None = None
    locator: str | None = None
    note: str | None = None


@frozen(kw_only=True, repr=False)
class Agent(Record):
    """A drug: what it is, what it binds, and by which names it goes."""

    key: str
    name: str
    mechanism: MechanismClass
    format: str | None = None
    targets: tuple[Target, ...] = ()
    synonyms: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    developers: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    conjugate: Conjugate | None = None
    source: str | None = None
    locator: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        Rule(
            ("conjugate", "mechanism"),
            lambda _, mechanism: mechanism is MechanismClass.ANTIBODY_DRUG_CONJUGATE,
            "expected a conjugate only of an antibody-drug-conjugate, not of a {1}",
        ),
    )
