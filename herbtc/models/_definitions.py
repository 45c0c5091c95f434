"""What studies and labels call HER2-positive, as predicates over test results.

"HER2-positive" means several things, so there is no such flag here.
Each definition is data: clauses, of which any may be met, each in full.
"""

from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.models._record import Record, Rule, filled, key_rule, some, within
from herbtc.terms import Her2, IhcScore, IshResult, Laboratory, Seen, VariantKind

_FORMULAS = {
    "ihc": "IHC in {{{}}}",
    "ish": "ISH = {}",
    "ish_ratio_min": "HER2/CEP17 ≥ {}",
    "ish_copies_min": "HER2 copies (ISH) ≥ {}",
    "ngs_amplified": "NGS amplified = {}",
    "ngs_copies_min": "NGS copies ≥ {}",
    "ngs_copies_above": "NGS copies > {}",
    "plasma_amplified": "plasma amplified = {}",
    "variant": "ERBB2 variant = {}",
    "her3_altered": "ERBB3 altered = {}",
    "nrg1_fusion": "NRG1 fusion = {}",
}


@frozen(kw_only=True, repr=False, cache_hash=True)
class Clause(Record):
    """Test results that must all be there; what is None is not asked for."""

    ihc: tuple[IhcScore, ...] | None = None
    ish: IshResult | None = None
    ish_ratio_min: Decimal | None = None
    ish_copies_min: Decimal | None = None
    ngs_amplified: bool | None = None
    ngs_copies_min: Decimal | None = None
    ngs_copies_above: Decimal | None = None
    plasma_amplified: bool | None = None
    variant: VariantKind | None = None
    her3_altered: bool | None = None
    nrg1_fusion: bool | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 1000) for name in ("ish_ratio_min", "ish_copies_min", "ngs_copies_min", "ngs_copies_above")),
        filled("ihc", "expected at least one IHC score"),
        some(*_FORMULAS, expected="expected at least one test result"),
    )

    @property
    def conditions(self) -> dict[str, str]:
        """Each test result asked for, by the field that asks, as a formula: ``{"ihc": "IHC in {3+}"}``."""
        return {
            name: text.format(", ".join(value) if isinstance(value, tuple) else value)
            for name, text in _FORMULAS.items()
            if (value := getattr(self, name)) is not None
        }

    @property
    def logic(self) -> str:
        """The clause as a formula: ``IHC in {2+} and ISH = positive``."""
        return " and ".join(self.conditions.values())


@frozen(kw_only=True, repr=False, cache_hash=True)
class Definition(Record):
    """What a study, label or guideline counts as HER2-positive (or low, or mutated).

    `open` says what of it was not seen. `any_of` is then only what is beyond doubt, and `perhaps` what may count as
    well: a tumour that meets one of those is in doubt, and outside the definition only if it meets none of either.
    """

    key: str
    name: str
    words: str
    group: Her2
    any_of: tuple[Clause, ...]
    laboratory: Laboratory | None = None
    open: str | None = None
    perhaps: tuple[Clause, ...] = ()
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        filled("any_of", "expected at least one clause"),
        Rule(
            ("open", "perhaps"),
            lambda why, perhaps: (why is None) == (not perhaps),
            "expected perhaps, the clauses that may count, where something was not seen, and nowhere else",
            always=True,
        ),
    )

    @property
    def logic(self) -> str:
        """The definition as a formula over test results; what may count as well follows "or perhaps"."""
        met, doubtful = (" or ".join(f"({each.logic})" for each in part) for part in (self.any_of, self.perhaps))
        return f"{met} or perhaps {doubtful}" if doubtful else met


@frozen(kw_only=True, repr=False)
class CriteriaClause(Record):
    """One rule of a guideline on testing, in our words; `contested` where pages that restate it contradict each other.

    `source` and `locator` are None for the rules that are ours.
    """

    key: str
    criteria: tuple[str, ...]
    rule: str
    seen: Seen
    contested: bool = False
    source: str | None = None
    locator: str | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        Rule(("criteria",), bool, "expected at least one of the criteria"),
        Rule(
            ("seen", "source"),
            lambda seen, source: (seen is Seen.OURS) == (source is None),
            "expected a source, unless the rule is ours",
            always=True,
        ),
    )
