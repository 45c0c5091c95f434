"""Posted results as lines of a study file that a curator may take over: comments, as no record says which endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from herbtc.registry._toml_text import one_line, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from herbtc.registry._results import Analysis, MeasureClass, Measurement, Outcome
    from herbtc.registry._study import Study

_SHARE = re.compile(r"(?:percentage|percent|%) of (?:participants|patients|subjects)", re.IGNORECASE)
_TIME = re.compile(r"months?|weeks?|days?|years?", re.IGNORECASE)
_LEVEL = re.compile(r"([0-9.]+) ?% Confidence Interval", re.IGNORECASE)


def results(study: Study, arms: Mapping[str, str]) -> list[str]:
    """Return the posted results as comments under ``[figures]``; nothing where there are none.

    Parameters
    ----------
    study : Study
        The record.
    arms : mapping of str to str
        Keys of arms by their labels, by which alone groups of results are linked to them.
    """
    if not (study.outcomes or study.adverse_events):
        return []
    keys = {label.casefold(): key for label, key in arms.items()}
    posted = study.results_first_posted or "on a day that is not printed"
    lines = [
        "[figures]",
        f"# TODO figures: results were first posted {posted}. Move what is a figure of this study to its section",
        "# (proportions, durations …) and put a value for each question mark.",
    ]
    for place, outcome in enumerate(study.outcomes, 1):
        facts = "; ".join(each for each in (outcome.param_type, outcome.unit, outcome.time_frame) if each)
        lines.append(f"# {place}. {outcome.type or 'OUTCOME'}: {one_line(outcome.title)} ({one_line(facts)})")
        lines += _measured(study, place, outcome, keys)
        lines += _analysed(outcome)
    if study.adverse_events and (study.adverse_events.serious or study.adverse_events.other):
        counts = f"{len(study.adverse_events.serious)} serious and {len(study.adverse_events.other)} other"
        lines.append(
            f"# TODO adverse_events: the record lists {counts} terms; registry.adverse_events(study) has them."
        )
    return lines


def _measured(study: Study, place: int, outcome: Outcome, keys: Mapping[str, str]) -> Iterator[str]:
    titles = {group.id: group.title or group.id for group in outcome.groups}
    for block in outcome.classes:
        for line in block.categories:
            for each in line.measurements:
                group = titles.get(each.group_id, each.group_id)
                named = " / ".join(one_line(part) for part in (group, block.title, line.title) if part)
                value = _value(outcome, each)
                if value is None:
                    told = f"{each.text or 'no value'}{_ends(each)}"
                    yield f"#   {named}: {one_line(told)}{_commented(each)}"
                    continue
                n = _denominator(outcome, block, each)
                fields = [
                    f'arm = "{key}"' if (key := keys.get(group.casefold())) else "arm = ?",
                    "endpoint = ?",
                    *value,
                    *([f"n = {n}"] if n else []),
                    f'source = "{study.nct_id.lower()}"',
                    f"locator = {quoted(f'Results, outcome {place}')}",
                ]
                yield f"#   {{ {', '.join(fields)} }},  # {named}{_commented(each)}"


def _value(outcome: Outcome, each: Measurement) -> list[str] | None:
    # The fields of a figure, where what was measured is of a kind that the format has and printed as a number.
    unit, kind = (outcome.unit or "").strip(), outcome.param_type
    if kind == "COUNT_OF_PARTICIPANTS" and each.text and each.text.isdecimal():
        return [f"events = {int(each.text)}"]
    if _SHARE.match(unit) and _is_number(each.text):
        return [f"percent = {each.text}", *_interval(outcome, each)]
    if kind == "MEDIAN" and _TIME.fullmatch(unit) and each.text:
        word = unit.lower().removesuffix("s") + "s"
        median = each.text if _is_number(each.text) else f'"{one_line(each.text)}"'
        return [f"median = {median}", *_interval(outcome, each), *([f'unit = "{word}"'] if word != "months" else [])]
    return None


def _interval(outcome: Outcome, each: Measurement) -> list[str]:
    level = _LEVEL.fullmatch((outcome.dispersion_type or "").strip())
    if level is None or not _is_number(level[1]) or not (each.lower_text or each.upper_text):
        return []
    ends = (("low", each.lower_text), ("high", each.upper_text))
    printed = [f"{name} = {text if _is_number(text) else quoted(text)}" for name, text in ends if text]
    return [*printed, f"level = {level[1]}"]


def _is_number(text: str | None) -> bool:
    # As TOML writes numbers: no sign before, no exponent, a digit on both sides of the point.
    return text is not None and re.fullmatch(r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,10})?", text) is not None


def _ends(each: Measurement) -> str:
    ends = [each.lower_text, each.upper_text]
    between = f", {' to '.join(one_line(end or '?') for end in ends)}" if any(ends) else ""
    return f"{f' ± {one_line(each.spread_text)}' if each.spread_text else ''}{between}"


def _commented(each: Measurement) -> str:
    return f" ({one_line(each.comment)})" if each.comment else ""


def _denominator(outcome: Outcome, block: MeasureClass, each: Measurement) -> int | None:
    for listed in block.denominators or outcome.denominators:
        if listed.units == "Participants":
            for count in listed.counts:
                if count.group_id == each.group_id and count.text.isdecimal():
                    return int(count.text)
    return None


def _analysed(outcome: Outcome) -> Iterator[str]:
    titles = {group.id: group.title or group.id for group in outcome.groups}
    for each in outcome.analyses:
        groups = " and ".join(one_line(titles.get(key, key)) for key in each.group_ids)
        yield f"#   {one_line(_estimate(each))}{f'; groups: {groups}' if groups else ''}"


def _estimate(each: Analysis) -> str:
    interval = f" ({each.level_text or '?'} % CI {each.lower_text or '?'} to {each.upper_text or '?'})"
    return "".join(
        part
        for part in (
            f"{each.parameter or each.method or 'analysis'}: {each.estimate_text or 'no estimate'}",
            interval if each.lower_text or each.upper_text else "",
            f", p {each.p_text}" if each.p_text else "",
        )
    )
