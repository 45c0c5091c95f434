"""Rules over counts and percentages of patients."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaincinv, ndtri

from herbtc.audit._finding import Finding, Rule, about, counted, each_trial, events_of, group_of, half, span
from herbtc.synthesis import exact_interval
from herbtc.terms import Endpoint, Grade, Sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from herbtc.models import Landmark, Proportion, Trial


# --- one figure -------------------------------------------------------------------------------------------------------


def _percentage(trial: Trial) -> Iterator[Finding]:
    for figure in counted(trial):
        if None in (figure.events, figure.percent, figure.n) or figure.n == 0 or _cut(figure):
            continue
        share = Decimal(100 * figure.events) / figure.n
        if abs(share - figure.percent) > half(figure.percent) + Decimal("1e-9"):
            expected = f"{share:.2f} %"
            message = f"{figure.events} of {figure.n} is {expected}, not {figure.percent} %"
            yield about(trial, figure, printed=figure.percent, expected=expected, message=message)


def _cut(figure: Any) -> bool:
    # Whether the percentage was cut off after its last digit instead of being rounded.
    share: Decimal = Decimal(100 * figure.events) / figure.n
    return bool(figure.percent) and share.quantize(figure.percent, ROUND_DOWN) == figure.percent


def _cut_off(trial: Trial) -> Iterator[Finding]:
    for figure in counted(trial):
        if None in (figure.events, figure.percent, figure.n) or figure.n == 0 or not _cut(figure):
            continue
        share = Decimal(100 * figure.events) / figure.n
        if share - figure.percent > half(figure.percent) + Decimal("1e-9"):
            message = f"{figure.events} of {figure.n} is {share:.2f} %: the source cuts the percentage off"
            yield about(trial, figure, printed=figure.percent, expected=f"{share:.2f} %", message=message)


def _whole(trial: Trial) -> Iterator[Finding]:
    for figure in counted(trial):
        if figure.events is not None or figure.percent is None or not figure.n:
            continue
        low, high = (end * figure.n / 100 for end in span(figure.percent))
        if not any(low <= events <= high for events in range(int(low), int(high) + 2)):
            nearest = round(figure.percent * figure.n / 100)
            expected = f"{100 * nearest / figure.n:.2f} % ({nearest} of {figure.n}) or another n"
            message = f"no whole number of {figure.n} patients is {figure.percent} %"
            yield about(trial, figure, printed=figure.percent, expected=expected, message=message)


def _rates_with_ends(trial: Trial) -> Iterator[Proportion | Landmark]:
    yield from trial.figures.proportions
    yield from trial.figures.landmarks


def _inside(trial: Trial) -> Iterator[Finding]:
    for figure in _rates_with_ends(trial):
        value = figure.percent
        if value is None and figure.events is not None and figure.n:
            value = Decimal(100 * figure.events) / figure.n
        if value is None:
            continue
        for end, off in ((figure.low, -1), (figure.high, 1)):
            # Both numbers are rounded, so each may be off by half a unit of its last digit.
            if end is not None and off * (value - end) > half(end) + (half(value) if figure.percent else 0):
                message = f"{value:.4g} % lies outside its interval, {figure.low} to {figure.high}"
                yield about(
                    trial,
                    figure,
                    printed=f"{figure.low} to {figure.high}",
                    expected=f"around {value:.4g}",
                    message=message,
                )


# --- intervals of rates -----------------------------------------------------------------------------------------------

Ends = tuple[float, float]


def _clopper_pearson(x: int, n: int, level: float) -> Ends:
    low, high = exact_interval(np.array([float(x)]), np.array([float(n)]), level)
    return float(low[0]), float(high[0])


def _wilson(x: int, n: int, level: float) -> Ends:
    z, p = float(ndtri((1 + level) / 2)), x / n
    centre, reach = p + z * z / (2 * n), z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5
    scale = 1 + z * z / n
    return (centre - reach) / scale, (centre + reach) / scale


def _wald(x: int, n: int, level: float) -> Ends:
    z, p = float(ndtri((1 + level) / 2)), x / n
    reach = z * (p * (1 - p) / n) ** 0.5
    return max(0.0, p - reach), min(1.0, p + reach)


def _agresti_coull(x: int, n: int, level: float) -> Ends:
    z = float(ndtri((1 + level) / 2))
    p, size = (x + z * z / 2) / (n + z * z), n + z * z
    reach = z * (p * (1 - p) / size) ** 0.5
    return max(0.0, p - reach), min(1.0, p + reach)


def _jeffreys(x: int, n: int, level: float) -> Ends:
    tail = (1 - level) / 2
    low = 0.0 if x == 0 else float(betaincinv(x + 0.5, n - x + 0.5, tail))
    high = 1.0 if x == n else float(betaincinv(x + 0.5, n - x + 0.5, 1 - tail))
    return low, high


METHODS: dict[str, Callable[[int, int, float], Ends]] = {
    "exact (Clopper-Pearson)": _clopper_pearson,
    "Wilson": _wilson,
    "Wald": _wald,
    "Agresti-Coull": _agresti_coull,
    "Jeffreys": _jeffreys,
}
"""Intervals of a proportion, the one that trials print first."""

_LEVELS = (80, 90, 95, 97.5, 99)


def _fits(figure: Proportion, x: int, level: float, method: str, sides: Sides) -> bool:
    # Whether a method reproduces the printed ends, to their last digit.
    assert figure.n is not None  # noqa: S101
    two_sided = level if sides is Sides.TWO else 2 * level - 1
    if two_sided <= 0:
        return False
    low, high = METHODS[method](x, figure.n, two_sided)
    ends = {Sides.TWO: (low, high), Sides.LOWER: (low, 1.0), Sides.UPPER: (0.0, high)}[sides]
    return all(
        printed is None or abs(100 * end - float(printed)) <= float(half(printed)) * 1.02 + 1e-6
        for end, printed in zip(ends, (figure.low, figure.high), strict=True)
    )


def _intervals(trial: Trial) -> Iterator[tuple[Proportion, int]]:
    for figure in trial.figures.proportions:
        events = events_of(figure)
        if events is not None and figure.n and figure.level is not None and (figure.low, figure.high) != (None, None):
            yield figure, events


def _exact(trial: Trial) -> Iterator[Finding]:
    for figure, events in _intervals(trial):
        assert figure.level is not None  # noqa: S101
        assert figure.n is not None  # noqa: S101
        level = float(figure.level) / 100
        exact = next(iter(METHODS))
        if _fits(figure, events, level, exact, figure.sides):
            continue
        low, high = METHODS[exact](events, figure.n, level if figure.sides is Sides.TWO else 2 * level - 1)
        named = _match(figure, events)
        message = (
            f"the exact interval of {events} of {figure.n} at {figure.level} % is {100 * low:.1f} to {100 * high:.1f}"
        )
        yield about(
            trial,
            figure,
            printed=f"{figure.low} to {figure.high}",
            expected=f"{100 * low:.1f} to {100 * high:.1f}",
            message=f"{message}; {named or 'no other level, side or method gives the printed one either'}",
        )


def _match(figure: Proportion, events: int) -> str | None:
    # What does reproduce the printed interval: another method, level or side, or another number of events.
    for level in (float(figure.level or 95), *_LEVELS):
        for sides in Sides:
            for method in METHODS:
                if _fits(figure, events, level / 100, method, sides):
                    return f"the printed one is {method}, {level:g} %, {sides}-sided"
    other = _solved(figure)
    return f"the printed one is that of {other} of {figure.n}" if other is not None else None


def _solved(figure: Proportion) -> int | None:
    # The one number of events whose exact interval is the printed one.
    assert figure.n is not None  # noqa: S101
    level, exact = float(figure.level or 95) / 100, next(iter(METHODS))
    found = [x for x in range(figure.n + 1) if _fits(figure, x, level, exact, figure.sides)]
    return found[0] if len(found) == 1 else None


def _back_solved(trial: Trial) -> Iterator[Finding]:
    for figure in trial.figures.proportions:
        if not figure.n or figure.level is None or None in (figure.low, figure.high) or figure.percent is None:
            continue
        if figure.n > 2000 or figure.events is not None:  # noqa: PLR2004  (larger series do not print exact intervals)
            continue
        solved = _solved(figure)
        if solved is not None and abs(Decimal(100 * solved) / figure.n - figure.percent) > half(figure.percent):
            message = f"the interval is that of {solved} of {figure.n}, which is {100 * solved / figure.n:.1f} %"
            yield about(
                trial,
                figure,
                printed=f"{figure.percent} %",
                expected=f"{100 * solved / figure.n:.1f} %",
                message=message,
            )


# --- figures of one report beside one another -------------------------------------------------------------------------

_BEST = (Endpoint.CR, Endpoint.PR, Endpoint.SD, Endpoint.PD, Endpoint.NE)


def _responses(trial: Trial) -> Iterator[dict[Endpoint, Proportion]]:
    # The rates of one report about one group of patients, by endpoint; a rate that is there twice is left out.
    groups: dict[Any, dict[Endpoint, list[Proportion]]] = defaultdict(lambda: defaultdict(list))
    for figure in trial.figures.proportions:
        groups[*group_of(figure), figure.n][figure.endpoint].append(figure)
    for group in groups.values():
        yield {endpoint: figures[0] for endpoint, figures in group.items() if len(figures) == 1}


def _best_sum(trial: Trial) -> Iterator[Finding]:
    for rates in _responses(trial):
        counts = {each: events_of(rates[each]) for each in _BEST if each in rates}
        known = [events for events in counts.values() if events is not None]
        if len(known) < 2 or len(known) < len(counts):  # noqa: PLR2004
            continue
        first = next(iter(rates[each] for each in counts))
        if first.n is not None and sum(known) > first.n:
            message = f"best responses add up to {sum(known)} of {first.n} patients"
            yield about(trial, first, printed=sum(known), expected=f"at most {first.n}", message=message)


def _best_complete(trial: Trial) -> Iterator[Finding]:
    for rates in _responses(trial):
        counts = [events_of(rates[each]) for each in _BEST if each in rates]
        if len(counts) == len(_BEST) and None not in counts:
            total, first = sum(filter(None, counts)), rates[Endpoint.NE]
            if first.n is not None and total < first.n:
                message = f"with those not evaluable, best responses add up to {total} of {first.n} patients only"
                yield about(trial, first, printed=total, expected=first.n, message=message)


def _response_sum(trial: Trial) -> Iterator[Finding]:
    for rates in _responses(trial):
        if not {Endpoint.ORR, Endpoint.CR, Endpoint.PR} <= rates.keys():
            continue
        parts = [events_of(rates[each]) for each in (Endpoint.CR, Endpoint.PR)]
        whole = events_of(rates[Endpoint.ORR])
        if whole is not None and None not in parts and whole != sum(filter(None, parts)):
            total = sum(filter(None, parts))
            message = f"{parts[0]} complete and {parts[1]} partial responses are {total} responses, not {whole}"
            yield about(trial, rates[Endpoint.ORR], printed=whole, expected=total, message=message)


_LESS = ((Endpoint.CR, Endpoint.ORR), (Endpoint.PR, Endpoint.ORR), (Endpoint.ORR, Endpoint.DCR))


def _part_of_whole(trial: Trial) -> Iterator[Finding]:
    for rates in _responses(trial):
        for part, whole in _LESS:
            if part in rates and whole in rates and (off := _exceeds(rates[part], rates[whole])):
                message = f"more patients have {part} ({off[0]}) than {whole} ({off[1]})"
                yield about(trial, rates[part], printed=off[0], expected=f"at most {off[1]}", message=message)


def _exceeds(part: Any, whole: Any) -> tuple[str, str] | None:
    # What both say, where the part is certainly larger than its whole.
    one, other = events_of(part), events_of(whole)
    if one is not None and other is not None and part.n == whole.n:
        return (str(one), str(other)) if one > other else None
    if None not in (part.percent, whole.percent) and span(part.percent)[0] > span(whole.percent)[1]:
        return f"{part.percent} %", f"{whole.percent} %"
    return None


def _control_sum(trial: Trial) -> Iterator[Finding]:
    for rates in _responses(trial):
        if not {Endpoint.ORR, Endpoint.SD, Endpoint.DCR} <= rates.keys():
            continue
        orr, stable, control = (events_of(rates[each]) for each in (Endpoint.ORR, Endpoint.SD, Endpoint.DCR))
        if None not in (orr, stable, control) and (orr or 0) + (stable or 0) != control:
            expected = (orr or 0) + (stable or 0)
            message = (
                f"{orr} responses and {stable} with stable disease are {expected}, and disease control is {control}"
            )
            yield about(trial, rates[Endpoint.DCR], printed=control, expected=expected, message=message)


# --- adverse events ---------------------------------------------------------------------------------------------------

_BANDS: dict[Grade, frozenset[int]] = {
    Grade.ANY: frozenset({1, 2, 3, 4, 5}),
    Grade.ONE: frozenset({1}),
    Grade.ONE_TWO: frozenset({1, 2}),
    Grade.TWO: frozenset({2}),
    Grade.TWO_UP: frozenset({2, 3, 4, 5}),
    Grade.THREE: frozenset({3}),
    Grade.THREE_FOUR: frozenset({3, 4}),
    Grade.THREE_UP: frozenset({3, 4, 5}),
    Grade.FOUR: frozenset({4}),
    Grade.FOUR_UP: frozenset({4, 5}),
    Grade.FIVE: frozenset({5}),
}


def _grades(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for event in trial.figures.adverse_events:
        same = (event.term, event.attribution, event.related_to, event.serious, event.consequence)
        groups[*group_of(event), event.n, *same].append(event)
    for events in groups.values():
        for part in events:
            for whole in events:
                if _BANDS[part.grade] < _BANDS[whole.grade] and (off := _exceeds(part, whole)):
                    message = f"more patients have grade {part.grade} ({off[0]}) than grade {whole.grade} ({off[1]})"
                    yield about(trial, part, printed=off[0], expected=f"at most {off[1]}", message=message)


def _attribution(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for event in trial.figures.adverse_events:
        groups[*group_of(event), event.n, event.term, event.grade, event.serious, event.consequence].append(event)
    for events in groups.values():
        for part in events:
            for whole in events:
                if (
                    part.attribution == "treatment-related"
                    and whole.attribution == "all-cause"
                    and (off := _exceeds(part, whole))
                ):
                    message = f"more events are related to treatment ({off[0]}) than there are ({off[1]})"
                    yield about(trial, part, printed=off[0], expected=f"at most {off[1]}", message=message)


def _any_event(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for event in trial.figures.adverse_events:
        same = (event.grade, event.attribution, event.related_to, event.serious, event.consequence)
        groups[*group_of(event), event.n, *same].append(event)
    for events in groups.values():
        for whole in (event for event in events if event.term == "any"):
            for part in events:
                if part.term != "any" and (off := _exceeds(part, whole)):
                    message = f"more patients have {part.term} ({off[0]}) than any event ({off[1]})"
                    yield about(trial, part, printed=off[0], expected=f"at most {off[1]}", message=message)


# --- characteristics at entry -----------------------------------------------------------------------------------------

_PARTITIONS: tuple[tuple[str, ...], ...] = (
    ("female", "male"),
    ("ecog-0", "ecog-1", "ecog-2", "ecog-3"),
    ("locally-advanced", "metastatic"),
    ("ihc-0", "ihc-1+", "ihc-2+", "ihc-3+"),
    ("gallbladder", "intrahepatic", "extrahepatic", "ampulla"),
    ("gallbladder", "intrahepatic", "perihilar", "distal", "ampulla"),
    ("gallbladder", "cholangiocarcinoma", "ampulla"),
)
"""Items of which a patient has one at the most."""


def _baseline_sum(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, dict[str, Any]] = defaultdict(dict)
    for figure in trial.figures.baseline:
        if figure.median is None:
            groups[*group_of(figure), figure.n][figure.item] = figure
    for items in groups.values():
        for partition in _PARTITIONS:
            there = [items[item] for item in partition if item in items]
            if len(there) > 1 and (over := _oversum(there)):
                names = ", ".join(figure.item for figure in there)
                message = f"{names} add up to {over[0]}"
                yield about(trial, there[0], printed=over[0], expected=f"at most {over[1]}", message=message)


def _sexes(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, dict[str, Any]] = defaultdict(dict)
    for figure in trial.figures.baseline:
        groups[*group_of(figure), figure.n][figure.item] = figure
    for items in groups.values():
        if {"female", "male"} <= items.keys():
            women, men = items["female"], items["male"]
            if None not in (women.events, men.events, women.n) and women.events + men.events != women.n:
                total = women.events + men.events
                message = f"{women.events} women and {men.events} men are {total} patients, not {women.n}"
                yield about(trial, women, printed=total, expected=women.n, message=message)


def _oversum(figures: list[Any]) -> tuple[str, str] | None:
    n = figures[0].n
    if n is not None and all(figure.events is not None for figure in figures):
        total = sum(figure.events for figure in figures)
        return (f"{total} of {n}", str(n)) if total > n else None
    if all(figure.percent is not None for figure in figures):
        least = sum((span(figure.percent)[0] for figure in figures), Decimal(0))
        return (f"{sum(figure.percent for figure in figures)} %", "100 %") if least > 100 else None  # noqa: PLR2004
    return None


RULES = (
    Rule(
        "percentage",
        True,
        "A percentage is its events over its n, within half a unit of its last digit.",
        each_trial(_percentage),
    ),
    Rule(
        "percentage-cut-off",
        False,
        "Papers round percentages; some cut the last digit off, which shifts it by up to a unit.",
        each_trial(_cut_off),
    ),
    Rule(
        "whole-patients",
        False,
        "A percentage of n patients is a whole number of them, unless it was adjusted for the design or of another n.",
        each_trial(_whole),
    ),
    Rule("rate-in-interval", True, "An interval contains the rate that it belongs to.", each_trial(_inside)),
    Rule(
        "exact-interval",
        False,
        "Trials of this field print exact (Clopper-Pearson) intervals: computed from events and n at the printed level "
        "and sides, both ends agree to the last digit. Where they do not, other levels, sides and methods are tried.",
        each_trial(_exact),
    ),
    Rule(
        "events-from-interval",
        False,
        "The exact interval of n patients belongs to one number of events, whose rate is the printed one.",
        each_trial(_back_solved),
    ),
    Rule(
        "best-responses",
        True,
        "A patient has one best response, so they add up to n at the most.",
        each_trial(_best_sum),
    ),
    Rule(
        "best-responses-complete",
        False,
        "Where patients not evaluable are counted too, best responses account for everyone.",
        each_trial(_best_complete),
    ),
    Rule("responses", True, "Complete and partial responses are the objective responses.", each_trial(_response_sum)),
    Rule(
        "part-of-whole",
        True,
        "A complete or partial response is an objective response, and a response is disease control.",
        each_trial(_part_of_whole),
    ),
    Rule(
        "disease-control",
        False,
        "Responses and stable disease are disease control, unless it asks for a minimum duration.",
        each_trial(_control_sum),
    ),
    Rule(
        "grades", True, "A band of grades holds no fewer patients than a narrower one inside it.", each_trial(_grades)
    ),
    Rule("attribution", True, "Events related to treatment are among all events.", each_trial(_attribution)),
    Rule("any-event", True, "A patient with an event has any event.", each_trial(_any_event)),
    Rule(
        "baseline-sum",
        True,
        "Characteristics of which a patient has one at the most add up to n, or 100 %, at the most.",
        each_trial(_baseline_sum),
    ),
    Rule(
        "women-and-men",
        False,
        "Women and men are all patients, unless the sex of some is not known.",
        each_trial(_sexes),
    ),
)
