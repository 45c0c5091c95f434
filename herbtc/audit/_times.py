"""Rules over medians, rates at a time and ratios."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

from scipy.special import ndtr, ndtri

from herbtc.audit._finding import Finding, Rule, about, each_trial, span
from herbtc.terms import Analysis, Endpoint, Interval, Reach, Role, Sides, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from herbtc.models import Contrast, Duration, Landmark, Trial

_PER_MONTH = {Unit.MONTHS: 1.0, Unit.YEARS: 1 / 12, Unit.WEEKS: 365.25 / 12 / 7, Unit.DAYS: 365.25 / 12}


def _months(value: Decimal, unit: Unit) -> float:
    return float(value) / _PER_MONTH[unit]


def _curve(figure: Duration | Landmark) -> tuple[Any, ...]:
    # What makes two figures points of one curve.
    return (
        figure.arm,
        figure.population,
        figure.endpoint,
        figure.source,
        figure.cutoff,
        figure.assessor,
        figure.origin,
        figure.n,
    )


# --- medians ----------------------------------------------------------------------------------------------------------


def _median(trial: Trial) -> Iterator[Finding]:
    for entry in trial.figures.baseline:
        range_ = [each for each in (entry.low, entry.median, entry.high) if each is not None]
        if range_ != sorted(range_):
            message = f"the median {entry.median} lies outside {entry.low} to {entry.high}"
            printed = f"{entry.median} ({entry.low} to {entry.high})"
            yield about(trial, entry, printed=printed, expected="low ≤ median ≤ high", message=message)
    for figure in trial.figures.durations:
        ends = [each for each in (figure.low, figure.median, figure.high) if isinstance(each, Decimal)]
        reached = isinstance(figure.low, Reach) and isinstance(figure.median, Decimal)
        if ends != sorted(ends) or (reached and figure.low is Reach.NOT_REACHED):
            message = f"the median {figure.median} lies outside {figure.low} to {figure.high}"
            printed = f"{figure.median} ({figure.low} to {figure.high})"
            yield about(trial, figure, printed=printed, expected="low ≤ median ≤ high", message=message)
        elif figure.median is Reach.NOT_REACHED and isinstance(figure.high, Decimal):
            message = f"the median is not reached and yet its upper end is {figure.high}"
            yield about(trial, figure, printed=figure.high, expected="no upper end", message=message)


_WIDTH = (0.4, 2.6)
"""How far the width of a median's interval may lie from that of an exponential curve without censoring."""


def _width(trial: Trial) -> Iterator[Finding]:
    for figure, (low, _, high) in _medians_with_ends(trial):
        n = figure.n or (None if figure.population else trial.arm(figure.arm).n)
        if not n or n < 10 or figure.endpoint in (Endpoint.DOR, Endpoint.TTR):  # noqa: PLR2004
            continue
        # A sample median of n exponential times has a standard error of 1 / (ln 2 √n) on the log scale.
        usual = 2 * float(ndtri((1 + float(figure.level or 95) / 100) / 2)) / (log(2) * sqrt(n))
        ratio = (high - low) / usual
        if not _WIDTH[0] <= ratio <= _WIDTH[1]:
            message = f"the interval is {ratio:.2f} times as wide as {n} patients usually give (on the log scale)"
            printed = f"{figure.median} ({figure.low} to {figure.high})"
            yield about(trial, figure, printed=printed, expected=f"high/low near {exp(usual):.2f}", message=message)


def _medians_with_ends(trial: Trial) -> Iterator[tuple[Duration, tuple[float, float, float]]]:
    # Medians with a two-sided confidence interval whose ends were both reached, and the three logarithms.
    for figure in trial.figures.durations:
        ends = (figure.low, figure.median, figure.high)
        if figure.interval is not Interval.CI or figure.sides is not Sides.TWO or figure.level is None:
            continue
        low, median, high = (log(end) if isinstance(end, Decimal) and end > 0 else None for end in ends)
        if low is not None and median is not None and high is not None:
            yield figure, (low, median, high)


_SKEW = 6.0


def _skew(trial: Trial) -> Iterator[Finding]:
    for figure, (low, median, high) in _medians_with_ends(trial):
        # Small groups with few late events have long upper ends; a lower arm that is longer by far is a slip.
        below, above = median - low, high - median
        if (below > max(_SKEW * above, 0.3)) or (above > max(_SKEW * below, 0.6)):
            message = f"the median {figure.median} lies almost at one end of {figure.low} to {figure.high}"
            printed = f"{figure.median} ({figure.low} to {figure.high})"
            yield about(trial, figure, printed=printed, expected="a median nearer the middle", message=message)


def _progression_before_death(trial: Trial) -> Iterator[Finding]:
    groups: dict[Any, dict[Endpoint, list[Duration]]] = defaultdict(lambda: defaultdict(list))
    for figure in trial.figures.durations:
        if isinstance(figure.median, Decimal):
            groups[figure.arm, figure.population, figure.source, figure.cutoff, figure.origin][figure.endpoint].append(
                figure
            )
    for group in groups.values():
        for pfs in group[Endpoint.PFS]:
            for os in group[Endpoint.OS]:
                assert isinstance(pfs.median, Decimal)  # noqa: S101
                assert isinstance(os.median, Decimal)  # noqa: S101
                if _months(pfs.median, pfs.unit) > _months(os.median, os.unit):
                    message = (
                        f"median progression-free survival, {pfs.median}, is longer than overall survival, {os.median}"
                    )
                    yield about(trial, pfs, printed=pfs.median, expected=f"at most {os.median}", message=message)


# --- rates at a time --------------------------------------------------------------------------------------------------


def _curves(trial: Trial) -> Iterator[tuple[list[Duration], list[Landmark]]]:
    medians: dict[Any, list[Duration]] = defaultdict(list)
    for figure in trial.figures.durations:
        medians[_curve(figure)[:-1]].append(figure)
    rates: dict[Any, list[Landmark]] = defaultdict(list)
    for rate in trial.figures.landmarks:
        rates[_curve(rate)[:-1]].append(rate)
    for curve, found in rates.items():
        # A report may state n for the one and not for the other; where both do, they must be the same patients.
        of = medians.get(curve, [])
        yield [each for each in of if each.n is None or all(rate.n in (None, each.n) for rate in found)], found


def _median_and_rate(trial: Trial) -> Iterator[Finding]:
    for medians, rates in _curves(trial):
        for median in medians:
            for rate in rates:
                if off := _contradiction(median, rate):
                    yield about(trial, rate, printed=f"{rate.percent} %", expected=off[0], message=off[1])


def _contradiction(median: Duration, rate: Landmark) -> tuple[str, str] | None:
    at = _months(rate.at, rate.unit)
    low, high = span(rate.percent)
    if isinstance(median.median, Reach):
        if median.median is Reach.NOT_REACHED and high < 50:  # noqa: PLR2004
            return "50 % or more", f"{rate.percent} % at {rate.at} {rate.unit}, and yet the median was not reached"
        return None
    earliest, latest = (_months(end, median.unit) for end in span(median.median))
    if high < 50 and earliest > at:  # noqa: PLR2004
        return (
            "50 % or more",
            f"{rate.percent} % at {rate.at} {rate.unit}, before the median of {median.median} {median.unit}",
        )
    if low > 50 and latest < at:  # noqa: PLR2004
        return (
            "50 % or less",
            f"{rate.percent} % at {rate.at} {rate.unit}, after the median of {median.median} {median.unit}",
        )
    return None


def _falling(trial: Trial) -> Iterator[Finding]:
    for _, rates in _curves(trial):
        ordered = sorted(rates, key=lambda rate: _months(rate.at, rate.unit))
        for early, late in pairwise(ordered):
            rising = span(late.percent)[0] > span(early.percent)[1]
            if _months(late.at, late.unit) > _months(early.at, early.unit) and rising:
                message = (
                    f"{late.percent} % at {late.at} {late.unit} follows {early.percent} % at {early.at} {early.unit}"
                )
                yield about(
                    trial, late, printed=f"{late.percent} %", expected=f"at most {early.percent} %", message=message
                )


def _exponential(trial: Trial) -> Iterator[Finding]:
    for medians, rates in _curves(trial):
        for median in medians:
            if not isinstance(median.median, Decimal) or median.median <= 0:
                continue
            for rate in rates:
                usual = 100 * 0.5 ** (_months(rate.at, rate.unit) / _months(median.median, median.unit))
                if float(rate.percent) > 2 * usual + 5 or float(rate.percent) < usual / 3 - 5:
                    message = (
                        f"{rate.percent} % at {rate.at} {rate.unit}, where an exponential curve through the median of "
                        f"{median.median} {median.unit} has {usual:.0f} %"
                    )
                    yield about(
                        trial, rate, printed=f"{rate.percent} %", expected=f"near {usual:.0f} %", message=message
                    )


def _rate_width(trial: Trial) -> Iterator[Finding]:
    for rate in trial.figures.landmarks:
        n = rate.n or (None if rate.population else trial.arm(rate.arm).n)
        share = float(rate.percent) / 100
        if not n or rate.level is None or rate.low is None or rate.high is None or not 0.02 < share < 0.98:  # noqa: PLR2004
            continue
        z = float(ndtri((1 + float(rate.level) / 100) / 2))
        # Without censoring, Greenwood's variance is the binomial one of all patients; with it, that of fewer.
        behind = share * (1 - share) / (float(rate.high - rate.low) / 200 / z) ** 2
        below, above = float(rate.percent - rate.low), float(rate.high - rate.percent)
        if behind > 1.3 * n + 3 or behind < n / 6 or max(below, above) > 2.2 * min(below, above) + 1:
            message = f"the interval {rate.low} to {rate.high} is that of a rate in about {behind:.0f} patients, of {n}"
            printed = f"{rate.percent} % ({rate.low} to {rate.high})"
            yield about(trial, rate, printed=printed, expected=f"an interval of up to {n} patients", message=message)


# --- ratios -----------------------------------------------------------------------------------------------------------


def _ratio_inside(trial: Trial) -> Iterator[Finding]:
    for figure in trial.figures.contrasts:
        ends = [each for each in (figure.low, figure.estimate, figure.high) if each is not None]
        if ends != sorted(ends):
            message = f"the ratio {figure.estimate} lies outside {figure.low} to {figure.high}"
            printed = f"{figure.estimate} ({figure.low} to {figure.high})"
            yield about(trial, figure, printed=printed, expected="low ≤ estimate ≤ high", message=message)


def _two_sided(trial: Trial) -> Iterator[tuple[Contrast, float, float]]:
    for figure in trial.figures.contrasts:
        if figure.sides is Sides.TWO and figure.low and figure.high and figure.level is not None:
            yield figure, float(figure.low), float(figure.high)


def _symmetric(trial: Trial) -> Iterator[Finding]:
    for figure, _, _ in _two_sided(trial):
        assert figure.low is not None  # noqa: S101
        assert figure.high is not None  # noqa: S101
        least, most = (
            sqrt(float(max(low, Decimal("0.0001"))) * float(high))
            for low, high in zip(span(figure.low), span(figure.high), strict=True)
        )
        below, above = map(float, span(figure.estimate))
        # Besides rounding, up to two per cent are left for estimates that are not quite those of the interval.
        if below > most * 1.02 or above < least / 1.02:
            middle = sqrt(float(figure.low) * float(figure.high))
            message = f"the ratio is {figure.estimate}, the middle of its interval on the log scale {middle:.2f}"
            yield about(trial, figure, printed=figure.estimate, expected=f"{middle:.2f}", message=message)


def _p_value(trial: Trial) -> Iterator[Finding]:
    for figure, low, high in _two_sided(trial):
        if figure.p is None or figure.analysis is Analysis.CROSSOVER_ADJUSTED or low == high:
            continue
        assert figure.level is not None  # noqa: S101
        z = log(float(figure.estimate)) / (log(high / low) / (2 * float(ndtri((1 + float(figure.level) / 100) / 2))))
        p = 2 * float(ndtr(-abs(z))) / (2 if figure.p_sides == 1 else 1)
        text = str(figure.p)
        bound, printed = text[0] if text[0] in "<>" else "", float(text.lstrip("<>"))
        if bound == "<":
            off = p > 4 * printed
        elif bound == ">":
            off = p < printed / 4
        else:
            off = abs(float(ndtri(max(p, 1e-12) / 2)) - float(ndtri(max(printed, 1e-12) / 2))) > 0.6  # noqa: PLR2004
        if off:
            message = f"the interval {figure.low} to {figure.high} gives p = {p:.2g}, not {figure.p}"
            yield about(trial, figure, printed=figure.p, expected=f"{p:.2g}", message=message)


def _information(trial: Trial) -> Iterator[Finding]:
    for figure, low, high in _two_sided(trial):
        sizes = [trial.arm(key).n for key in {figure.arm, figure.reference_arm}]
        n = figure.n or (sum(filter(None, sizes)) if None not in sizes and not figure.population else None)
        if not n or figure.kind != "hr" or low == high or figure.role is Role.PROGNOSTIC:
            continue
        assert figure.level is not None  # noqa: S101
        se = log(high / low) / (2 * float(ndtri((1 + float(figure.level) / 100) / 2)))
        events = 4 / se**2
        if events > 1.15 * n or events < 0.1 * n:
            message = f"the interval is that of about {events:.0f} events, of {n} patients"
            yield about(
                trial, figure, printed=f"{figure.low} to {figure.high}", expected=f"up to {n} events", message=message
            )


RULES = (
    Rule(
        "median-in-interval",
        True,
        "A median lies inside its interval, and one not reached has no upper end.",
        each_trial(_median),
    ),
    Rule(
        "width-of-median",
        False,
        "The width of a median's interval follows from the number of patients; more than 2.6 times off is unusual.",
        each_trial(_width),
    ),
    Rule("skew-of-median", False, "A median seldom lies at one end of a wide interval.", each_trial(_skew)),
    Rule(
        "progression-before-death",
        False,
        "Progression-free survival ends no later than life, so its median is the shorter one, censoring aside.",
        each_trial(_progression_before_death),
    ),
    Rule(
        "median-and-rate",
        True,
        "A curve below 50 % has passed its median, one above 50 % has not; a printed 50 % proves nothing.",
        each_trial(_median_and_rate),
    ),
    Rule("rates-fall", True, "The share of patients without an event never rises with time.", each_trial(_falling)),
    Rule(
        "exponential",
        False,
        "A rate is seldom above twice, or below a third of, what the exponential curve through the median gives.",
        each_trial(_exponential),
    ),
    Rule(
        "width-of-rate",
        False,
        "The interval of a rate at a time is not narrower than without censoring (Greenwood), and lies about the rate.",
        each_trial(_rate_width),
    ),
    Rule("ratio-in-interval", True, "A ratio lies inside its interval.", each_trial(_ratio_inside)),
    Rule(
        "ratio-symmetric",
        False,
        "The interval of a ratio is symmetric on the log scale if it is a Wald interval, as nearly all are.",
        each_trial(_symmetric),
    ),
    Rule(
        "p-value",
        False,
        "A p-value and an interval of one test agree; log-rank and Wald tests differ a little.",
        each_trial(_p_value),
    ),
    Rule(
        "information",
        False,
        "A hazard ratio's standard error is about 2/√events, and there are no more events than patients.",
        each_trial(_information),
    ),
)
