"""Corrections of figures: which figure each means, and the studies with all of them made."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import evolve, fields_dict

from herbtc import _structure
from herbtc.errors import DataError, shown
from herbtc.models import FIGURE_KINDS, Correction, fields_in_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from herbtc.models import Figure, Trial

Fault = tuple[str, str]
"""Path inside the file, and what was expected there."""

_Fault = tuple[int, str, str]


def corrected(trials: Iterable[Trial], corrections: Iterable[Correction]) -> tuple[tuple[Trial, ...], list[Fault]]:
    """Return studies with their figures corrected, and what is wrong with corrections that could not be made."""
    studies = {trial.key: trial for trial in trials}
    of_trial: dict[str, list[tuple[int, Correction]]] = defaultdict(list)
    faults: list[_Fault] = []
    for place, each in enumerate(corrections):
        if each.trial in studies:
            of_trial[each.trial].append((place, each))
        else:
            message = (
                f"expected a study of the catalog that is extended, got {each.trial!r}; correct your own in its file"
            )
            faults.append((place, "trial", message))
    for key, found in of_trial.items():
        studies[key], wrong = _with(studies[key], found)
        faults += wrong
    paths = [(f"corrections[{place}]{f'.{name}' if name else ''}", message) for place, name, message in sorted(faults)]
    return tuple(studies.values()), paths


class _Refusal(Exception):  # noqa: N818  (never leaves this module)
    """Field of a correction and what was expected there."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path, self.message = path, message


def _with(trial: Trial, corrections: list[tuple[int, Correction]]) -> tuple[Trial, list[_Fault]]:
    faults: list[_Fault] = []
    meant: dict[tuple[str, int], list[tuple[int, Correction]]] = defaultdict(list)
    for place, each in corrections:
        figures = getattr(trial.figures, each.section)
        try:
            at = _meant(each, figures)
            _asserted(each, figures[at], {other.field for _, other in meant.get((each.section, at), ())})
        except _Refusal as error:
            faults.append((place, error.path, error.message))
        else:
            meant[each.section, at].append((place, each))
    made = {kind: list(getattr(trial.figures, kind)) for kind in FIGURE_KINDS}
    for (section, at), found in meant.items():
        try:
            # All fields at once: rules hold between them.
            made[section][at] = _changed(made[section][at], [each for _, each in found])
        except _Refusal as error:
            faults.append((found[0][0], error.path, error.message))
    figures = evolve(trial.figures, **{kind: tuple(every) for kind, every in made.items()})
    return evolve(trial, figures=figures), faults


_NAMING = [name for name in fields_dict(Correction) if name not in ("trial", "section")]
_NAMING = _NAMING[: _NAMING.index("field")]


def _meant(correction: Correction, figures: tuple[Figure, ...]) -> int:
    # Place of the one figure that a correction names.
    said = {name: value for name in _NAMING if (value := getattr(correction, name)) is not None}
    every = [dict(figure.about) for figure in figures]
    fitting = [
        place
        for place, about in enumerate(every)
        if about["population"] == correction.population and said.items() <= about.items()
    ]
    if len(fitting) > 1:
        # A field that is absent means any value first, and where that leaves several, none.
        exact = [place for place in fitting if {k: v for k, v in every[place].items() if v is not None} == said]
        fitting = exact or fitting
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        near = [about for about in every if (about["arm"], about["source"]) == (correction.arm, correction.source)]
        raise _Refusal(
            "", f"expected a figure of {correction.section}; of this arm and source there are: {_told(near)}"
        )
    raise _Refusal(
        "", f"expected one figure, but this names several; tell them apart: {_told([every[i] for i in fitting])}"
    )


def _told(figures: list[dict[str, Any]]) -> str:
    def words(about: dict[str, Any]) -> str:
        return " ".join(f"{name}={value}" for name, value in about.items() if value is not None)

    return "; ".join(words({k: v for k, v in each.items() if k not in ("arm", "source")}) for each in figures) or "none"


def _asserted(correction: Correction, figure: Figure, before: Collection[str]) -> None:
    # That a correction can be made in a figure of which the fields `before` are corrected too.
    if correction.field in before:
        raise _Refusal("field", f"expected each field of a figure corrected once, got {correction.field} again")
    if correction.field not in fields_in_files(type(figure)):
        raise _Refusal("field", f"expected a field of {correction.section}, got {correction.field!r}")
    printed, stands = _value(correction, "printed", figure), getattr(figure, correction.field)
    _value(correction, "corrected", figure)
    if printed != stands:
        here = "not reported" if stands is None else shown(stands)
        message = f"the figure that this corrects says {here} now, not {shown(correction.printed)}; look at it again"
        raise _Refusal("printed", message)


def _value(correction: Correction, name: str, figure: Figure) -> Any:
    value = getattr(correction, name)
    if value is None:
        return None
    if isinstance(value, Decimal) and value == value.to_integral_value() and value.as_tuple().exponent == 0:
        # A whole number in a file is one in the figure too; fields with decimals take it as well.
        value = int(value)
    try:
        return _structure.field_value(value, type(figure), correction.field)
    except ValueError as error:
        raise _Refusal(name, str(error)) from None


def _changed(figure: Figure, corrections: list[Correction]) -> Figure:
    values = {each.field: _value(each, "corrected", figure) for each in corrections}
    said = "; ".join([*([figure.corrected] if figure.corrected else []), *map(str, corrections)])
    try:
        return evolve(figure, **values, corrected=said)
    except DataError as error:
        raise _Refusal("corrected", "; ".join(f"{each.path}: {each.message}" for each in error.problems)) from None
