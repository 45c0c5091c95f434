"""The audit: each rule on figures that keep it and on figures that break it; slips put into the shipped evidence."""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from attrs import evolve

import herbtc
from herbtc import audit
from herbtc.errors import DataError, UnknownKeyError
from herbtc.models import FIGURE_KINDS

if TYPE_CHECKING:
    from herbtc.catalog import Catalog
    from herbtc.models import Trial

SHIPPED = herbtc.load()
REVIEWED = Path(__file__).parent / "audit_warnings.toml"

STUDY = """
key = "study"
name = 'Study'
design = "randomised"
registry_ids = ["NCT01234567"]
reviewed = 2024-06-01

[[sources]]
key = "author-2023"
kind = "journal"
title = 'Report'
year = 2023
published = 2023-05-01
pmid = "1"
cutoffs = [2022-12-31]
followup_months = 12

[[sources]]
key = "author-2024"
kind = "journal"
title = 'Second report'
year = 2024
published = 2024-03-01
pmid = "2"
cutoffs = [2023-12-31]
followup_months = 20

[[sources]]
key = "news-2023"
kind = "trade-press"
title = 'News'
year = 2023
url = "https://example.org/news"
cutoffs = [2022-12-31]

[[arms]]
key = "btc"
label = 'All'
n = 40
agents = ["zanidatamab"]
her2_selected = true
btc_only = true
definition = "herb-positive"
populations = [{ strata = ["ihc-3+"], n = 30 }, { strata = ["ihc-2+"], n = 10 }]

[[arms]]
key = "control"
label = 'Control'
n = 42
agents = ["gemcitabine", "cisplatin"]
her2_selected = false
btc_only = true
"""

WHERE = {"arm": '"btc"', "source": '"author-2023"', "locator": "'Table 1'"}


def figure(line: str) -> str:
    """Return an inline table, its arm, source and locator filled in where the line names none."""
    rest = ", ".join(f"{name} = {value}" for name, value in WHERE.items() if not re.search(rf"\b{name} =", line))
    return f"{{ {line}, {rest} }}"


def catalog(tmp_path: Path, *, study: str = STUDY, figures: dict[str, list[str]] | None = None) -> Catalog:
    """Return a catalog with one study that has these figures."""
    sections = [f"{kind} = [{', '.join(map(figure, lines))}]" for kind, lines in (figures or {}).items()]
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "study.toml").write_text("\n".join([study, "[figures]", *sections]), "utf-8")
    extended = SHIPPED.extend(tmp_path)
    return evolve(extended, trials=(extended.trial("study"),), approvals=())


HR = 'endpoint = "os", kind = "hr", reference_arm = "control", role = "treatment"'

# Rule -> kind of figure, figures that keep it, figures that break it.
CASES: list[tuple[str, str, list[str], list[str]]] = [
    (
        "percentage",
        "proportions",
        ['endpoint = "orr", events = 13, n = 40, percent = 32.5'],
        ['endpoint = "orr", events = 13, n = 40, percent = 35.2'],
    ),
    (
        "percentage",
        "adverse_events",
        ['term = "diarrhoea", grade = "any", attribution = "all-cause", events = 2, n = 40, percent = 5'],
        ['term = "diarrhoea", grade = "any", attribution = "all-cause", events = 2, n = 40, percent = 6'],
    ),
    (
        "percentage-cut-off",
        "proportions",
        ['endpoint = "orr", events = 23, n = 39, percent = 59.0'],
        ['endpoint = "orr", events = 23, n = 39, percent = 58.9'],
    ),
    (
        "whole-patients",
        "proportions",
        ['endpoint = "orr", n = 40, percent = 32.5'],
        ['endpoint = "orr", n = 40, percent = 31.4'],
    ),
    (
        "rate-in-interval",
        "proportions",
        ['endpoint = "orr", percent = 32.5, low = 18.6, high = 49.1, level = 95'],
        ['endpoint = "orr", percent = 52.5, low = 18.6, high = 49.1, level = 95'],
    ),
    (
        "exact-interval",
        "proportions",
        ['endpoint = "orr", events = 13, n = 40, low = 18.6, high = 49.1, level = 95'],
        ['endpoint = "orr", events = 13, n = 40, low = 18.6, high = 49.7, level = 95'],
    ),
    (
        "events-from-interval",
        "proportions",
        ['endpoint = "orr", n = 40, percent = 32.5, low = 18.6, high = 49.1, level = 95'],
        ['endpoint = "orr", n = 40, percent = 35.0, low = 18.6, high = 49.1, level = 95'],
    ),
    (
        "best-responses",
        "proportions",
        ['endpoint = "pr", events = 20, n = 40', 'endpoint = "sd", events = 20, n = 40'],
        ['endpoint = "pr", events = 20, n = 40', 'endpoint = "sd", events = 21, n = 40'],
    ),
    (
        "best-responses-complete",
        "proportions",
        [f'endpoint = "{each}", events = 8, n = 40' for each in ("cr", "pr", "sd", "pd", "ne")],
        [f'endpoint = "{each}", events = 7, n = 40' for each in ("cr", "pr", "sd", "pd", "ne")],
    ),
    (
        "responses",
        "proportions",
        [f'endpoint = "{each}", events = {x}, n = 40' for each, x in (("cr", 1), ("pr", 12), ("orr", 13))],
        [f'endpoint = "{each}", events = {x}, n = 40' for each, x in (("cr", 1), ("pr", 11), ("orr", 13))],
    ),
    (
        "part-of-whole",
        "proportions",
        ['endpoint = "orr", percent = 41', 'endpoint = "dcr", percent = 69'],
        ['endpoint = "orr", percent = 41', 'endpoint = "dcr", percent = 39'],
    ),
    (
        "disease-control",
        "proportions",
        [f'endpoint = "{each}", events = {x}, n = 40' for each, x in (("orr", 13), ("sd", 10), ("dcr", 23))],
        [f'endpoint = "{each}", events = {x}, n = 40' for each, x in (("orr", 13), ("sd", 10), ("dcr", 21))],
    ),
    (
        "grades",
        "adverse_events",
        [
            f'term = "rash", grade = "{grade}", attribution = "all-cause", events = {x}, n = 40'
            for grade, x in (("any", 9), ("3+", 9))
        ],
        [
            f'term = "rash", grade = "{grade}", attribution = "all-cause", events = {x}, n = 40'
            for grade, x in (("3+", 3), ("4", 4))
        ],
    ),
    (
        "attribution",
        "adverse_events",
        [
            f'term = "rash", grade = "any", attribution = "{by}", events = {x}, n = 40'
            for by, x in (("all-cause", 9), ("treatment-related", 9))
        ],
        [
            f'term = "rash", grade = "any", attribution = "{by}", events = {x}, n = 40'
            for by, x in (("all-cause", 8), ("treatment-related", 9))
        ],
    ),
    (
        "any-event",
        "adverse_events",
        [
            f'term = "{term}", grade = "any", attribution = "all-cause", events = {x}, n = 40'
            for term, x in (("any", 9), ("rash", 9))
        ],
        [
            f'term = "{term}", grade = "any", attribution = "all-cause", events = {x}, n = 40'
            for term, x in (("any", 8), ("rash", 9))
        ],
    ),
    (
        "baseline-sum",
        "baseline",
        ['item = "ecog-0", events = 10, n = 40', 'item = "ecog-1", events = 30, n = 40'],
        ['item = "ecog-0", events = 11, n = 40', 'item = "ecog-1", events = 30, n = 40'],
    ),
    (
        "women-and-men",
        "baseline",
        ['item = "female", events = 10, n = 40', 'item = "male", events = 30, n = 40'],
        ['item = "female", events = 10, n = 40', 'item = "male", events = 20, n = 40'],
    ),
    (
        "median-in-interval",
        "durations",
        ['endpoint = "pfs", median = 5.5, low = 3.7, high = 7.3, level = 95'],
        ['endpoint = "pfs", median = 5.5, low = 5.7, high = 7.3, level = 95'],
    ),
    (
        "median-in-interval",
        "baseline",
        ['item = "age-years", median = 64, low = 32, high = 79, interval = "range"'],
        ['item = "age-years", median = 84, low = 32, high = 79, interval = "range"'],
    ),
    (
        "width-of-median",
        "durations",
        ['endpoint = "os", median = 12, low = 8, high = 19, level = 95'],
        ['endpoint = "os", median = 12.0, low = 11.9, high = 12.1, level = 95'],
    ),
    (
        "skew-of-median",
        "durations",
        ['endpoint = "os", median = 12, low = 8, high = 19, level = 95'],
        ['endpoint = "os", median = 18.9, low = 8, high = 19, level = 95'],
    ),
    (
        "progression-before-death",
        "durations",
        [
            'endpoint = "pfs", median = 5.5',
            'endpoint = "os", median = 20, unit = "weeks"',
            'endpoint = "os", median = 30, unit = "weeks"',
        ][::2],
        ['endpoint = "pfs", median = 5.5', 'endpoint = "os", median = 20, unit = "weeks"'],
    ),
    (
        "rates-fall",
        "landmarks",
        ['endpoint = "os", at = 6, percent = 70', 'endpoint = "os", at = 12, percent = 70'],
        ['endpoint = "os", at = 6, percent = 70', 'endpoint = "os", at = 12, percent = 72'],
    ),
    (
        "width-of-rate",
        "landmarks",
        ['endpoint = "os", at = 12, percent = 50, low = 34, high = 64, level = 95'],
        ['endpoint = "os", at = 12, percent = 50, low = 48, high = 52, level = 95'],
    ),
    (
        "ratio-in-interval",
        "contrasts",
        [f"{HR}, estimate = 0.8, low = 0.5, high = 1.28, level = 95"],
        [f"{HR}, estimate = 0.4, low = 0.5, high = 1.28, level = 95"],
    ),
    (
        "ratio-symmetric",
        "contrasts",
        [f"{HR}, estimate = 0.80, low = 0.50, high = 1.28, level = 95"],
        [f"{HR}, estimate = 0.60, low = 0.50, high = 1.28, level = 95"],
    ),
    (
        "p-value",
        "contrasts",
        [f"{HR}, estimate = 0.80, low = 0.66, high = 0.97, level = 95, p = 0.021"],
        [f"{HR}, estimate = 0.80, low = 0.66, high = 0.97, level = 95, p = 0.21"],
    ),
    (
        "information",
        "contrasts",
        [f"{HR}, estimate = 0.80, low = 0.48, high = 1.33, level = 95"],
        [f"{HR}, estimate = 0.80, low = 0.78, high = 0.82, level = 95"],
    ),
    ("group-size", "proportions", ['endpoint = "orr", events = 3, n = 40'], ['endpoint = "orr", events = 3, n = 41']),
    (
        "group-size",
        "contrasts",
        [f"{HR}, estimate = 0.8, n = 82"],
        [f"{HR}, estimate = 0.8, n = 83"],
    ),
    (
        "subgroup-events",
        "proportions",
        ['endpoint = "orr", events = 13, n = 40', 'endpoint = "orr", events = 13, n = 30, population = "ihc-3+"'],
        ['endpoint = "orr", events = 13, n = 40', 'endpoint = "orr", events = 14, n = 30, population = "ihc-3+"'],
    ),
    (
        "subgroup-events",
        "proportions",
        [
            'endpoint = "orr", events = 13, n = 40',
            'endpoint = "orr", events = 12, population = "ihc-3+"',
            'endpoint = "orr", events = 1, population = "ihc-2+"',
        ],
        [
            'endpoint = "orr", events = 13, n = 40',
            'endpoint = "orr", events = 12, population = "ihc-3+"',
            'endpoint = "orr", events = 2, population = "ihc-2+"',
        ],
    ),
    (
        "two-reports",
        "durations",
        ['endpoint = "os", median = 12.1', 'endpoint = "os", median = 12, source = "news-2023"'],
        ['endpoint = "os", median = 12.1', 'endpoint = "os", median = 13, source = "news-2023"'],
    ),
    (
        "one-digit-apart",
        "durations",
        ['endpoint = "os", median = 12.1', 'endpoint = "os", median = 12.1, source = "news-2023"'],
        ['endpoint = "os", median = 12.1', 'endpoint = "os", median = 12.7, source = "news-2023"'],
    ),
    ("lone-n", "durations", ['endpoint = "os", median = 12.1, n = 40'], ['endpoint = "os", median = 12.1, n = 30']),
    (
        "later-response",
        "proportions",
        ['endpoint = "orr", events = 13, n = 40', 'endpoint = "orr", events = 13, n = 40, source = "author-2024"'],
        ['endpoint = "orr", events = 13, n = 40', 'endpoint = "orr", events = 12, n = 40, source = "author-2024"'],
    ),
]


def broken(found: pd.DataFrame) -> set[str]:
    """Return the rules that a frame of findings names."""
    return set(found["rule"].astype(str))


@pytest.mark.parametrize(("rule", "kind", "sound", "faulty"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_rule_finds_what_breaks_it_and_nothing_else(
    tmp_path: Path, rule: str, kind: str, sound: list[str], faulty: list[str]
) -> None:
    (tmp_path / "sound").mkdir()
    (tmp_path / "faulty").mkdir()
    assert rule not in broken(audit.check(catalog(tmp_path / "sound", figures={kind: sound})))
    found = audit.check(catalog(tmp_path / "faulty", figures={kind: faulty}))
    mine = found[found["rule"] == rule]
    assert len(mine) >= 1
    assert set(mine["severity"].astype(str)) == {audit.RULES[rule].severity}
    assert set(mine["trial"]) == {"study"}
    assert mine["message"].str.len().min() > 10


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        ("at = 6, percent = 55", None),
        ("at = 6, percent = 49", "before the median"),
        ("at = 12, percent = 51", "after the median"),
        ("at = 12, percent = 50", None),
        ('at = 26, unit = "weeks", percent = 49', "before the median"),
    ],
)
def test_a_rate_and_the_median_of_its_curve_must_agree(tmp_path: Path, rate: str, verdict: str | None) -> None:
    own = catalog(
        tmp_path, figures={"durations": ['endpoint = "os", median = 9.0'], "landmarks": [f'endpoint = "os", {rate}']}
    )
    found = audit.check(own, rule="median-and-rate")
    assert [verdict in message for message in found["message"]] == ([] if verdict is None else [True])


def test_a_curve_that_has_fallen_below_half_has_reached_its_median(tmp_path: Path) -> None:
    own = catalog(
        tmp_path,
        figures={
            "durations": ['endpoint = "os", median = "not-reached"'],
            "landmarks": ['endpoint = "os", at = 12, percent = 49'],
        },
    )
    assert audit.check(own, rule="median-and-rate")["severity"].tolist() == ["error"]


def test_a_rate_far_from_the_exponential_deserves_a_look(tmp_path: Path) -> None:
    own = catalog(
        tmp_path,
        figures={
            "durations": ['endpoint = "os", median = 6.0'],
            "landmarks": ['endpoint = "os", at = 24, percent = 30'],
        },
    )
    assert "exponential curve" in audit.check(own, rule="exponential")["message"].item()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("low = 20.4, high = 46.6, level = 95", "exact (Clopper-Pearson), 90 %"),
        ("low = 20.1, high = 48.0, level = 95", "Wilson, 95 %"),
        ("low = 18.0, high = 47.0, level = 95", "Wald, 95 %"),
        ("low = 20.6, high = 51.7, level = 95", "is that of 14 of 40"),
        ("low = 1, high = 99, level = 95", "no other level"),
    ],
)
def test_an_interval_that_is_not_the_exact_one_is_named(tmp_path: Path, line: str, named: str) -> None:
    own = catalog(tmp_path, figures={"proportions": [f'endpoint = "orr", events = 13, n = 40, {line}']})
    assert named in audit.check(own, rule="exact-interval")["message"].item()


def test_a_one_sided_exact_interval_is_known_for_one(tmp_path: Path) -> None:
    bound = f"{100 * one_sided(13, 40):.1f}"
    for name, low, empty in (("sound", bound, True), ("faulty", str(float(bound) - 0.2), False)):
        (tmp_path / name).mkdir()
        line = f'endpoint = "orr", events = 13, n = 40, low = {low}, level = 95, sides = "lower"'
        assert (
            audit.check(catalog(tmp_path / name, figures={"proportions": [line]}), rule="exact-interval").empty is empty
        )


def one_sided(x: int, n: int) -> float:
    """Return the one-sided 95 % exact lower bound by bisection on the binomial tail, from its definition."""
    from math import comb  # noqa: PLC0415

    low, high = 0.0, x / n
    for _ in range(80):
        p = (low + high) / 2
        tail = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x, n + 1))
        low, high = (p, high) if tail < 0.05 else (low, p)
    return low


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("cutoffs = [2022-12-31]\nfollowup", "cutoffs = [2023-05-02]\nfollowup", "dates"),
        ("reviewed = 2024-06-01", "reviewed = 2023-06-01", "dates"),
        ("followup_months = 20", "followup_months = 10", "follow-up"),
        ("published = 2024-03-01", "published = 2023-01-15", "order-of-reports"),
        ("NCT01234567", "NCT0123456", "registry-id"),
        ('definition = "herb-positive"\n', "", "definition"),
        ("her2_selected = true", "her2_selected = false", "unselected"),
        ('["ihc-3+"], n = 30', '["ihc-3+"], n = 41', "parts"),
        ('["ihc-3+"], n = 30', '["ihc-3+"], n = 31', "subgroup-sizes"),
    ],
)
def test_what_a_study_says_of_itself_is_checked(tmp_path: Path, old: str, new: str, rule: str) -> None:
    (tmp_path / "sound").mkdir()
    (tmp_path / "faulty").mkdir()
    assert old in STUDY
    assert rule not in broken(audit.check(catalog(tmp_path / "sound")))
    assert rule in broken(audit.check(catalog(tmp_path / "faulty", study=STUDY.replace(old, new, 1))))


def test_a_plan_whose_rates_are_exchanged_is_found(tmp_path: Path) -> None:
    plan = '[arms.hypothesis]\nendpoint = "orr"\np0 = 40\np1 = 20\nsource = "author-2023"\nlocator = "p"\n'
    own = STUDY.replace('[[arms]]\nkey = "control"', plan + '\n[[arms]]\nkey = "control"')
    assert "hypothesis" in broken(audit.check(catalog(tmp_path, study=own)))


def twins(tmp_path: Path, overlaps: tuple[str, ...] = ()) -> Catalog:
    """Return a catalog of two studies with the same counts and registration."""
    own = catalog(tmp_path, figures={"proportions": ['endpoint = "orr", events = 13, n = 40']}).trial("study")
    return evolve(SHIPPED, trials=(own, evolve(own, key="twin", overlaps=overlaps)), approvals=())


def test_studies_that_share_patients_must_say_so(tmp_path: Path) -> None:
    assert {"shared-registration", "undeclared-overlap"} <= broken(audit.check(twins(tmp_path)))


def test_studies_that_declare_their_overlap_are_left_alone(tmp_path: Path) -> None:
    declared = broken(audit.check(twins(tmp_path, overlaps=("study",))))
    assert not {"shared-registration", "undeclared-overlap"} & declared


def test_a_her2_directed_agent_that_binds_something_else_is_found() -> None:
    agent = evolve(SHIPPED.agent("zanidatamab"), targets=())
    found = audit.check(evolve(SHIPPED, agents=(agent,), trials=(), approvals=()))
    assert broken(found) == {"target"}


# --- the check itself -------------------------------------------------------------------------------------------------


def test_findings_have_fixed_columns_also_when_there_are_none() -> None:
    none = audit.check(evolve(SHIPPED, trials=(), approvals=(), agents=()))
    some = audit.check(SHIPPED)
    assert none.empty
    assert list(none.columns) == list(some.columns)
    assert dict(none.dtypes) == dict(some.dtypes)


def test_a_declared_misprint_is_checked_only_when_asked(tmp_path: Path) -> None:
    own = catalog(
        tmp_path,
        figures={"proportions": ["endpoint = \"orr\", events = 13, n = 40, percent = 35.2, suspect = 'misprint'"]},
    )
    assert "percentage" not in broken(audit.check(own))
    assert "percentage" in broken(audit.check(own, suspect="include"))


def test_rules_are_asked_for_by_name(tmp_path: Path) -> None:
    own = catalog(tmp_path, figures={"proportions": ['endpoint = "orr", events = 13, n = 41, percent = 35.2']})
    assert broken(audit.check(own, rule="group-size")) == {"group-size"}
    assert broken(audit.check(own, rule=["percentage", "dates"])) == {"percentage"}
    with pytest.raises(UnknownKeyError, match="did you mean 'percentage'"):
        audit.check(own, rule="percentages")
    with pytest.raises(UnknownKeyError):
        audit.check(own, suspect="yes")  # type: ignore[arg-type]


def test_every_rule_says_why_and_is_tried_here() -> None:
    tried = {case[0] for case in CASES} | set(re.findall(r'"([a-z-]+)"', Path(__file__).read_text("utf-8")))
    assert set(audit.RULES) <= tried | {"approval-after-report"}
    assert all(len(rule.why) > 20 and rule.why.endswith(".") for rule in audit.RULES.values())


# --- the shipped evidence ---------------------------------------------------------------------------------------------


def test_the_shipped_evidence_breaks_no_necessary_rule() -> None:
    found = audit.check(SHIPPED)
    errors = found[found["severity"] == "error"]
    assert errors[["trial", "rule", "message"]].to_numpy().tolist() == []


def test_every_warning_on_the_shipped_evidence_was_checked_again_at_its_source() -> None:
    found = audit.check(SHIPPED)
    columns = ["rule", "trial", "arm", "endpoint", "source", "message"]
    warnings = {
        tuple("" if pd.isna(cell) else str(cell) for cell in row)
        for row in found.loc[found["severity"] == "warning", columns].itertuples(index=False)
    }
    reviewed = tomllib.loads(REVIEWED.read_text("utf-8"))["warnings"]
    settled = {tuple(each.get(name, "") for name in columns): each["checked"] for each in reviewed}
    assert sorted(warnings - settled.keys()) == [], (
        "look at the source again and put the result into audit_warnings.toml"
    )
    assert sorted(settled.keys() - warnings) == [], "remove what is no warning any more"
    undated = [text for text in settled.values() if not re.match(r"2\d{3}-\d{2}-\d{2}: .{20}", text)]
    assert undated == [], "begin with the day of the look, then the page and what is printed there"


# --- slips ------------------------------------------------------------------------------------------------------------

NUMBERS = ("events", "n", "percent", "low", "high", "median", "estimate")
SLIPS = 1200


def slip(value: int | Decimal, rng: random.Random) -> int | Decimal:
    """Return the number with one digit changed."""
    text = str(value)
    place = rng.choice([place for place, sign in enumerate(text) if sign.isdigit()])
    digit = rng.choice([digit for digit in "0123456789" if digit != text[place]])
    return type(value)(text[:place] + digit + text[place + 1 :])


def alone(trial: Trial) -> Catalog:
    return evolve(SHIPPED, trials=(trial,), approvals=())


def findings(trial: Trial) -> set[tuple[str, ...]]:
    return {tuple(map(str, row)) for row in audit.check(alone(trial)).itertuples(index=False)}


def noticed(trial: Trial, kind: str, place: int, changed: dict[str, Any], before: set[tuple[str, ...]]) -> bool:
    """Whether loading or the audit notices a changed figure."""
    figures = getattr(trial.figures, kind)
    try:
        other = evolve(figures[place], **changed)
        sections = evolve(trial.figures, **{kind: (*figures[:place], other, *figures[place + 1 :])})
        return bool(findings(evolve(trial, figures=sections)) - before)
    except DataError:
        return True


def test_most_slips_of_one_digit_are_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(20261125)  # noqa: S311
    places = [
        (trial, kind, place, name)
        for trial in SHIPPED.trials
        for kind in FIGURE_KINDS
        for place, each in enumerate(getattr(trial.figures, kind))
        for name in NUMBERS
        if each.suspect is None and type(getattr(each, name, None)) in (int, Decimal)
    ]
    before = {trial.key: findings(trial) for trial in SHIPPED.trials}
    seen, every = Counter[str](), Counter[str]()
    for trial, kind, place, name in rng.sample(places, SLIPS):
        each = getattr(trial.figures, kind)[place]
        found = noticed(trial, kind, place, {name: slip(getattr(each, name), rng)}, before[trial.key])
        complete = None not in (getattr(each, part, None) for part in ("events", "n", "percent"))
        for group in ("all", kind, "with events, n and percent" if complete else "others"):
            every[group] += 1
            seen[group] += found
    with capsys.disabled():
        print()  # noqa: T201
        for group, number in every.most_common():
            print(f"slips noticed, {group}: {seen[group]} of {number}, {100 * seen[group] / number:.0f} %")  # noqa: T201
    assert seen["all"] >= 0.55 * every["all"]
    assert seen["with events, n and percent"] >= 0.90 * every["with events, n and percent"]
