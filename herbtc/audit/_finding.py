"""What a rule finds, and what a rule is."""

from __future__ import annotations

from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from herbtc.models import FIGURE_KINDS, Figures
from herbtc.terms import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from herbtc.catalog import Catalog
    from herbtc.models import Trial


@frozen(kw_only=True)
class Finding:
    """One thing that is wrong or doubtful: where, what was printed, what was expected."""

    trial: str | None = None
    arm: str | None = None
    population: str | None = None
    endpoint: str | None = None
    source: str | None = None
    printed: str
    expected: str
    message: str


@frozen
class Rule:
    """Something that must hold (`necessary`: mathematics) or usually does (plausibility), and why.

    Attributes
    ----------
    key : str
    necessary : bool
        Whether a figure that breaks it cannot be right.
    why : str
        The reasoning, in a sentence or two.
    find : callable
        Takes a catalog, yields a finding for each breach.
    """

    key: str
    necessary: bool
    why: str
    find: Callable[[Catalog], Iterator[Finding]]

    @property
    def severity(self) -> str:
        """``"error"`` for a necessary rule, ``"warning"`` for one of plausibility."""
        return "error" if self.necessary else "warning"


def each_trial(find: Callable[[Trial], Iterator[Finding]]) -> Callable[[Catalog], Iterator[Finding]]:
    """Make a rule over one study into a rule over a catalog."""

    @wraps(find)
    def over(catalog: Catalog) -> Iterator[Finding]:
        for trial in catalog.trials:
            yield from find(trial)

    return over


def about(trial: Trial, figure: Any, *, printed: object, expected: object, message: str) -> Finding:
    """Make a finding about a figure of a study."""
    return Finding(
        trial=trial.key,
        arm=figure.arm,
        population=figure.population or EVERYONE,
        endpoint=subject(figure),
        source=figure.source,
        printed=str(printed),
        expected=str(expected),
        message=message,
    )


def subject(figure: Any) -> str:
    """Return what a figure is about: its endpoint, item, term with grade, or scale."""
    names = ("endpoint", "item", "term", "grade", "attribution", "consequence", "instrument", "scale", "measure")
    words = [str(word) for name in names if (word := getattr(figure, name, None)) is not None]
    at = getattr(figure, "at", None)
    return " ".join([*words, *([f"at {at}"] if at is not None else [])])


def without_suspects(trial: Trial) -> Trial:
    """Return the study without the figures that are declared misprints."""
    kept = {
        kind: tuple(figure for figure in getattr(trial.figures, kind) if figure.suspect is None)
        for kind in FIGURE_KINDS
    }
    if all(len(kept[kind]) == len(getattr(trial.figures, kind)) for kind in FIGURE_KINDS):
        return trial
    return evolve(trial, figures=Figures(**kept))


def counted(trial: Trial) -> Iterator[Any]:
    """Yield the figures that count patients: rates, characteristics at entry, adverse events, patients' answers."""
    for kind in ("proportions", "baseline", "adverse_events", "patient_reported"):
        yield from getattr(trial.figures, kind)


def half(printed: Decimal) -> Decimal:
    """Return how far a value may lie from its printed digits: half a unit of the last."""
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  (records hold finite numbers only)
    # A whole number ending in noughts may be exact, so it is never given more slack than half of one.
    return Decimal((0, (5,), min(exponent, 0) - 1))


def span(value: Decimal) -> tuple[Decimal, Decimal]:
    """Return the least and the greatest value that rounds to the printed one."""
    return value - half(value), value + half(value)


def group_of(figure: Any) -> tuple[Any, ...]:
    """Return what makes figures comparable: one report, one group of patients, one cut-off, one reader."""
    return (
        figure.arm,
        figure.population,
        figure.source,
        figure.cutoff,
        getattr(figure, "assessor", None),
        getattr(figure, "confirmed", None),
    )


def events_of(figure: Any) -> int | None:
    """Return the events of a figure as printed, or as its percentage and n fix them."""
    fixed: int | None = figure.events_fixed if hasattr(figure, "events_fixed") else figure.events
    return fixed
