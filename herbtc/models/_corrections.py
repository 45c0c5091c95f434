"""Corrections: what a reader found wrong in a figure of the evidence that their folder extends."""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from herbtc.models._figures import FIGURE_KINDS, VALUES
from herbtc.models._record import Record, Rule
from herbtc.terms import (
    Analysis,
    Assessor,
    Attribution,
    Consequence,
    Endpoint,
    Grade,
    Origin,
    PatientReport,
    Ratio,
    Role,
)

_FIELDS = tuple(name for name in VALUES if name != "corrected")


@frozen(kw_only=True, repr=False)
class Correction(Record):
    """A field of a shipped figure that is put right: what stands there, what should, why, who says so and since when.

    The figure is named by its study, its section, and by as many of the fields that say what it is about as tell it
    from all others; no `population` means all patients of the arm. `printed` and `corrected` are absent where the
    field is, or is to be, not reported.
    """

    trial: str
    section: str
    arm: str
    source: str
    population: str | None = None
    cutoff: date | None = None
    endpoint: Endpoint | None = None
    assessor: Assessor | None = None
    confirmed: bool | None = None
    definition: str | None = None
    origin: Origin | None = None
    at: Decimal | None = None
    kind: Ratio | None = None
    reference_arm: str | None = None
    reference_population: str | None = None
    role: Role | None = None
    analysis: Analysis | None = None
    item: str | None = None
    term: str | None = None
    grade: Grade | None = None
    attribution: Attribution | None = None
    related_to: str | None = None
    serious: bool | None = None
    consequence: Consequence | None = None
    instrument: str | None = None
    scale: str | None = None
    measure: PatientReport | None = None
    field: str
    printed: Decimal | str | None = None
    corrected: Decimal | str | None = None
    reason: str
    by: str
    on: date

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            ("section",),
            FIGURE_KINDS.__contains__,
            f"expected one of {' '.join(FIGURE_KINDS)}, got {{0}}",
            of_value={"enum": list(FIGURE_KINDS)},
        ),
        Rule(
            ("field",),
            _FIELDS.__contains__,
            f"expected one of {' '.join(_FIELDS)}, got {{0}}",
            of_value={"enum": list(_FIELDS)},
        ),
        Rule(
            ("printed", "corrected"),
            lambda printed, corrected: printed != corrected,
            "expected another value than the printed one, got {1}",
            always=True,
        ),
    )

    def __str__(self) -> str:
        def said(value: Decimal | str | None) -> str:
            return "not reported" if value is None else str(value)

        change = f"{self.field} {said(self.printed)} → {said(self.corrected)}"
        return f"{change}: {self.reason} ({self.by}, {self.on})"
