"""What studies and labels call HER2-positive, as predicates over test results.

"HER2-positive" means several things, so there is no such flag here.
Each definition is data: clauses, of which any may be met, each in full.
"""

from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.models import Record, Rule, filled, key_rule, some, within
from herbtc.terms import Her2, IhcScore, IshResult, Laboratory, VariantKind

_FORMULAS = {
    "ihc": "IHC in {{{}}}",
    "ish": "ISH = {}",
    "ish_ratio_min": "HER2/CEP17 ≥ {}",
    "ish_copies_min": "HER2 copies (ISH) ≥ {}",
    "ngs_amplified": "NGS amplified = {}",
    "ngs_copies_min": "NGS copies ≥ {}",
    "plasma_amplified": "plasma amplified = {}",
    "variant": "ERBB2 variant = {}",
    "her3_altered": "ERBB3 altered = {}",
    "nrg1_fusion": "NRG1 fusion = {}",
}


@frozen(kw_only=True, repr=False)
class Clause(Record):
    """Test results that must all be there; what is None is not asked for."""

    ihc: tuple[IhcScore, ...] | None = None
    ish: IshResult | None = None
    ish_ratio_min: Decimal | None = None
    ish_copies_min: Decimal | None = None
    ngs_amplified: bool | None = None
    ngs_copies_min: Decimal | None = None
    plasma_amplified: bool | None = None
    variant: VariantKind | None = None
    her3_altered: bool | None = None
    nrg1_fusion: bool | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        *(within(name, 0, 1000) for name in ("ish_ratio_min", "ish_copies_min", "ngs_copies_min")),
        filled("ihc", "expected at least one IHC score"),
        some(*_FORMULAS, expected="expected at least one test result"),
    )

    @property
    def logic(self) -> str:
        """The clause as a formula: ``IHC in {2+} and ISH = positive``."""
        return " and ".join(
            text.format(", ".join(value) if isinstance(value, tuple) else value)
            for name, text in _FORMULAS.items()
            if (value := getattr(self, name)) is not None
        )


@frozen(kw_only=True, repr=False)
class Definition(Record):
    """What a study, label or guideline counts as HER2-positive (or low, or mutated)."""

    key: str
    name: str
    words: str
    group: Her2
    any_of: tuple[Clause, ...]
    laboratory: Laboratory | None = None
    source: str
    locator: str
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        key_rule("key"),
        filled("any_of", "expected at least one clause"),
    )

    @property
    def logic(self) -> str:
        """The definition as a formula over test results."""
        return " or ".join(f"({clause.logic})" for clause in self.any_of)
