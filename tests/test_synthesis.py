from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from fractions import Fraction
from html import unescape
from itertools import product
from math import comb
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import herbtc
from herbtc import HerbtcWarning, SynthesisError, UnknownKeyError, measures, query, synthesis
from herbtc.measures import MEASURES, PROPORTIONS, percent
from herbtc.synthesis import TAU2

# Many of the made-up sets agree with one another; what is said then has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:tau² is estimated at its boundary:herbtc.HerbtcWarning")

if TYPE_CHECKING:
    from herbtc.measures import Floats
    from herbtc.synthesis import Pooled

METHODS = sorted(TAU2)
RANDOM = sorted(set(TAU2) - {"EE"})
TESTS = ["wald", "hksj", "hksj-adhoc"]
each_method = pytest.mark.parametrize("method", METHODS)
each_measure = pytest.mark.parametrize("measure", sorted(PROPORTIONS))
quick = settings(max_examples=40, deadline=None)

NATURAL = ["estimate", "conf_low", "conf_high", "pred_low", "pred_high"]


def pooled(frame: pd.DataFrame, **options: Any) -> Pooled:
    """Pool, and expect the warning that few studies bring."""
    few = pytest.warns(HerbtcWarning, match="hardly known") if len(frame) < 5 else nullcontext()
    with few:
        return synthesis.pool(frame, **options)


def rates(events: Any, n: Any, measure: str = "logit", **columns: Any) -> pd.DataFrame:
    return measures.effects(pd.DataFrame({"events": events, "n": n, **columns}), measure)


def on_scale(yi: Any, vi: Any) -> pd.DataFrame:
    """Effects of one's own, on a scale without transform."""
    y, v = np.asarray(yi, float), np.asarray(vi, float)
    return pd.DataFrame({"events": 1, "n": 2, "measure": "raw", "yi": y, "vi": v})


@st.composite
def counts(draw: st.DrawFn, most: int = 2000, least_k: int = 2) -> tuple[list[int], list[int]]:
    """Events and n of 2 to 40 studies, with many at the borders."""
    n = draw(st.lists(st.integers(1, 60) | st.integers(1, most), min_size=least_k, max_size=40))
    return [draw(st.sampled_from([0, each]) | st.integers(0, each)) for each in n], n


@st.composite
def studies(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Effects and variances of 2 to 15 studies."""
    k = draw(st.integers(2, 15))
    y = draw(st.lists(st.floats(-3, 3), min_size=k, max_size=k))
    v = draw(st.lists(st.floats(0.01, 2), min_size=k, max_size=k))
    return np.array(y), np.array(v)


# --- what any result obeys --------------------------------------------------------------------------------------------


@each_measure
@given(groups=counts(most=10**5), method=st.sampled_from(METHODS), test=st.sampled_from(TESTS))
@quick
def test_results_are_finite_and_in_order(
    measure: str, groups: tuple[list[int], list[int]], method: str, test: str
) -> None:
    result = pooled(rates(*groups, measure), method=method, test=test)
    row = result.to_frame().select_dtypes("number").iloc[0]
    gaps = row.index[~np.isfinite(row.to_numpy(float))].tolist()
    assert gaps == (["pred_low", "pred_high"] if method == "EE" else [])
    assert 0 <= result.conf_low <= result.estimate <= result.conf_high <= 1
    assert 0 <= result.tau2_low <= result.tau2_high
    assert result.tau2 >= 0
    assert 0 <= result.i2 < 100
    assert 0 <= result.q_p <= 1
    assert result.se >= 0
    if method != "EE":
        assert 0 <= result.pred_low <= result.estimate <= result.pred_high <= 1


@pytest.mark.parametrize(
    ("events", "n"),
    [
        ([0, 1], [1, 1]),
        ([0, 0, 0], [5, 5, 5]),
        ([7, 7, 7, 7, 7], [7, 7, 7, 7, 7]),
        ([3, 3, 3, 3, 3], [10, 10, 10, 10, 10]),
        ([0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
        (list(range(40)), [40] * 40),
        ([300_000_000, 400_000_000], [1_000_000_000, 1_000_000_000]),
        ([0, 1], [1_000_000_000, 1]),
        ([1_000_000_000, 5, 1], [1_000_000_000, 10, 1]),
    ],
    ids=str,
)
@each_measure
def test_hostile_but_valid_studies_have_finite_results(events: list[int], n: list[int], measure: str) -> None:
    frame = rates(events, n, measure)
    for method, test in product(METHODS, TESTS):
        result = pooled(frame, method=method, test=test)
        row = result.to_frame().select_dtypes("number").iloc[0]
        gaps = row.index[~np.isfinite(row.to_numpy(float))].tolist()
        assert gaps == (["pred_low", "pred_high"] if method == "EE" else []), (method, test)
        assert frame["yi"].min() - 1e-12 <= result.beta <= frame["yi"].max() + 1e-12, (method, test)
        assert result.tau2 >= 0, (method, test)
        assert 0 <= result.i2 <= 100, (method, test)


@each_measure
@pytest.mark.parametrize("level", [0.001, 0.5, 0.999, 0.9999])
def test_every_level_has_an_interval(measure: str, level: float) -> None:
    """Two studies far apart: t with one degree of freedom reaches far beyond where exponentials overflow."""
    result = pooled(rates([1, 30], [1000, 31], measure), level=level)
    assert 0 <= result.pred_low <= result.conf_low <= result.estimate <= result.conf_high <= result.pred_high <= 1


@given(groups=counts(), measure=st.sampled_from(sorted(PROPORTIONS)), method=st.sampled_from(METHODS), data=st.data())
@quick
def test_the_order_of_studies_does_not_matter(
    groups: tuple[list[int], list[int]], measure: str, method: str, data: st.DataObject
) -> None:
    frame = rates(*groups, measure)
    order = data.draw(st.permutations(range(len(frame))))
    one, other = pooled(frame, method=method), pooled(frame.iloc[order], method=method)
    scale = float(frame["vi"].median())
    assert other.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-9 * scale)
    names = ["beta", "se", "tau2_low", "tau2_high", "q", *NATURAL]
    assert [getattr(other, name) for name in names] == pytest.approx(
        [getattr(one, name) for name in names], rel=1e-6, abs=1e-9, nan_ok=True
    )
    np.testing.assert_allclose(other.weights, one.weights[list(order)], rtol=1e-6, atol=1e-12)


@given(groups=counts(), measure=st.sampled_from(sorted(PROPORTIONS)), method=st.sampled_from(METHODS))
@quick
def test_weights_sum_to_one_and_follow_precision(
    groups: tuple[list[int], list[int]], measure: str, method: str
) -> None:
    result = pooled(rates(*groups, measure), method=method)
    precision = 1 / (result.rows["vi"].to_numpy(float) + result.tau2)
    assert float(result.weights.sum()) == pytest.approx(1)
    np.testing.assert_allclose(result.weights, precision / precision.sum(), rtol=1e-9)
    np.testing.assert_array_equal(result.rows["weight"].to_numpy(), result.weights)
    assert result.beta == pytest.approx(float(result.weights @ result.rows["yi"].to_numpy(float)), rel=1e-9, abs=1e-12)


@given(groups=counts(), measure=st.sampled_from(sorted(PROPORTIONS)), method=st.sampled_from(METHODS))
@quick
def test_the_estimate_lies_within_the_range_of_the_studies(
    groups: tuple[list[int], list[int]], measure: str, method: str
) -> None:
    result = pooled(rates(*groups, measure), method=method)
    harmonic = result.k / float((1 / result.rows["n"]).sum())
    each = measures.back(result.rows["yi"].to_numpy(float), measure, harmonic)
    # The digits that Miller's inverse loses near one half.
    slack = 1e-7 if measure == "freeman-tukey" else 1e-12
    assert each.min() - slack <= result.estimate <= each.max() + slack


@given(effects=studies(), method=st.sampled_from(METHODS), factor=st.floats(0.01, 100), shift=st.floats(-5, 5))
@quick
def test_scaling_and_shifting_the_effects_scales_and_shifts_the_result(
    effects: tuple[Floats, Floats], method: str, factor: float, shift: float
) -> None:
    y, v = effects
    one = pooled(on_scale(y, v), method=method)
    other = pooled(on_scale(factor * y + shift, factor**2 * v), method=method)
    assert other.beta == pytest.approx(factor * one.beta + shift, rel=1e-6, abs=1e-6)
    assert other.tau2 == pytest.approx(factor**2 * one.tau2, rel=1e-5, abs=1e-8 * factor**2)
    assert other.se == pytest.approx(factor * one.se, rel=1e-5, abs=1e-8 * factor)
    assert [other.i2, other.h2, other.q] == pytest.approx([one.i2, one.h2, one.q], rel=1e-5, abs=1e-6)


@given(effects=studies())
@quick
def test_repeating_every_study_narrows_equal_effects_by_the_root(effects: tuple[Floats, Floats]) -> None:
    once = pooled(on_scale(*effects), method="EE", test="wald")
    thrice = pooled(on_scale(*(np.tile(each, 3) for each in effects)), method="EE", test="wald")
    assert thrice.beta == pytest.approx(once.beta, abs=1e-12)
    assert thrice.se == pytest.approx(once.se / np.sqrt(3))
    assert thrice.q == pytest.approx(3 * once.q, abs=1e-9)


# --- heterogeneity ----------------------------------------------------------------------------------------------------


@given(
    centre=st.floats(-2, 2),
    v=st.lists(st.floats(0.01, 2), min_size=2, max_size=12),
    where=st.lists(st.floats(-0.95, 0.95), min_size=12, max_size=12),
    method=st.sampled_from(["DL", "PM", "EB", "HE", "HS"]),
    test=st.sampled_from(TESTS),
)
@quick
def test_random_effects_without_heterogeneity_are_equal_effects(
    centre: float, v: list[float], where: list[float], method: str, test: str
) -> None:
    """With every study within its share of a standard error of the centre, Q is below k - 1."""
    k = len(v)
    frame = on_scale(centre + np.array(where[:k]) * np.sqrt(np.array(v) * (k - 1) / k), v)
    random, equal = (pooled(frame, method=each, test=test) for each in (method, "EE"))
    assert (random.tau2, random.tau2_low, random.i2, random.h2) == (0, 0, 0, 1)
    assert (random.beta, random.se, random.q, random.conf_low) == (equal.beta, equal.se, equal.q, equal.conf_low)
    np.testing.assert_array_equal(random.weights, equal.weights)


@given(y=st.lists(st.floats(-3, 3), min_size=2, max_size=12), v=st.floats(0.01, 2))
@quick
def test_estimators_agree_where_all_variances_are_equal(y: list[float], v: float) -> None:
    """Viechtbauer W. J Educ Behav Stat 2005;30:261: in closed form, and all but ML, HS and SJ the same."""
    k, frame = len(y), on_scale(y, [v] * len(y))
    between = float(np.var(y, ddof=1))
    expected = {method: max(0.0, between - v) for method in ("DL", "PM", "EB", "HE", "REML")}
    expected |= {method: max(0.0, between * (k - 1) / k - v) for method in ("ML", "HS")}
    first = float(np.var(y))
    expected["SJ"] = first * between / (v + first) if first else 0.0
    assert {method: pooled(frame, method=method).tau2 for method in expected} == pytest.approx(
        expected, rel=1e-7, abs=1e-9
    )


@pytest.mark.parametrize(
    ("events", "n"),
    [
        ([33, 8, 9, 10, 9, 14, 4], [80, 22, 41, 34, 39, 30, 25]),
        ([0, 12, 5, 1], [8, 12, 20, 1]),
        ([0, 1, 3], [1_000_000, 1, 7]),
        ([0, 1, 3], [100_000_000, 1, 7]),
    ],
    ids=str,
)
@each_measure
def test_q_and_dersimonian_laird_are_their_formulas_in_exact_arithmetic(
    events: list[int], n: list[int], measure: str
) -> None:
    """DerSimonian R, Laird N. Control Clin Trials 1986;7:177, evaluated in fractions."""
    frame = rates(events, n, measure)
    y, w = ([Fraction(float(value)) for value in column] for column in (frame["yi"], 1 / frame["vi"]))
    total = sum(w)
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / total
    q = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    typical = (total - sum(a**2 for a in w) / total) / (len(y) - 1)
    tau2 = max(Fraction(0), q / (len(y) - 1) - 1) / typical
    result = pooled(frame, method="DL")
    assert result.q == pytest.approx(float(q), rel=1e-6, abs=1e-12)
    assert result.tau2 == pytest.approx(float(tau2), rel=1e-6)
    assert result.i2 == pytest.approx(float(100 * tau2 / (1 / typical + tau2)), rel=1e-6)


@pytest.mark.parametrize("method", ["ML", "REML"])
@given(effects=studies())
@quick
def test_no_other_tau2_is_likelier(method: str, effects: tuple[Floats, Floats]) -> None:
    y, v = effects
    found = pooled(on_scale(y, v), method=method).tau2

    def log_likelihood(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = np.average(y, weights=w)
        value = float(np.log(w).sum() - w @ (y - mean) ** 2)
        return value - float(np.log(w.sum())) if method == "REML" else value

    others = [0.0, *np.geomspace(1e-6, 50, 200), found * 0.999, found * 1.001]
    assert log_likelihood(found) >= max(map(log_likelihood, others)) - 1e-9


@given(effects=studies(), level=st.floats(0.5, 0.99))
@quick
def test_the_q_profile_interval_contains_paule_mandel(effects: tuple[Floats, Floats], level: float) -> None:
    """Both solve for the generalised Q: one at its mean, the other at its quantiles, which enclose the mean."""
    result = pooled(on_scale(*effects), method="PM", level=max(level, 0.8))
    assert result.tau2_low <= result.tau2 <= result.tau2_high
    wider = pooled(on_scale(*effects), method="PM", level=0.995)
    assert wider.tau2_low <= result.tau2_low
    assert result.tau2_high <= wider.tau2_high


# --- intervals --------------------------------------------------------------------------------------------------------


@given(groups=counts(), measure=st.sampled_from(sorted(PROPORTIONS)), method=st.sampled_from(METHODS))
@quick
def test_the_adhoc_interval_contains_the_wald_and_the_plain_one(
    groups: tuple[list[int], list[int]], measure: str, method: str
) -> None:
    frame = rates(*groups, measure)
    wald, plain, adhoc = (pooled(frame, method=method, test=test) for test in TESTS)
    assert adhoc.se == max(wald.se, plain.se)
    assert adhoc.conf_low <= min(wald.conf_low, plain.conf_low)
    assert max(wald.conf_high, plain.conf_high) <= adhoc.conf_high
    assert wald.estimate == plain.estimate == adhoc.estimate


@given(
    groups=counts(least_k=3),
    measure=st.sampled_from(sorted(PROPORTIONS)),
    method=st.sampled_from(RANDOM),
    test=st.sampled_from(TESTS),
)
@quick
def test_prediction_intervals_contain_the_confidence_interval_and_each_other(
    groups: tuple[list[int], list[int]], measure: str, method: str, test: str
) -> None:
    frame = rates(*groups, measure)
    normal, usual, wide = (pooled(frame, method=method, test=test, prediction=each) for each in ("z", "t", "hts"))
    assert wide.pred_low <= usual.pred_low <= normal.pred_low
    assert normal.pred_high <= usual.pred_high <= wide.pred_high
    assert usual.pred_low <= usual.conf_low
    assert usual.conf_high <= usual.pred_high
    assert usual.conf_low == wide.conf_low == normal.conf_low


@given(groups=counts(), method=st.sampled_from(RANDOM), test=st.sampled_from(TESTS))
@quick
def test_a_higher_level_gives_wider_intervals(groups: tuple[list[int], list[int]], method: str, test: str) -> None:
    narrow, wide = (pooled(rates(*groups), method=method, test=test, level=level) for level in (0.9, 0.95))
    assert wide.conf_low <= narrow.conf_low
    assert narrow.conf_high <= wide.conf_high
    assert wide.pred_low <= narrow.pred_low
    assert narrow.pred_high <= wide.pred_high
    assert (wide.tau2, wide.estimate) == (narrow.tau2, narrow.estimate)


def test_two_studies_have_no_prediction_interval_with_no_degree_of_freedom() -> None:
    result = pooled(rates([4, 14], [25, 30]), prediction="hts")
    assert np.isnan([result.pred_low, result.pred_high]).all()


@given(n=st.integers(1, 60), data=st.data(), level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@quick
def test_the_exact_interval_has_the_binomial_tails(n: int, data: st.DataObject, level: float) -> None:
    """Clopper CJ, Pearson ES. Biometrika 1934;26:404: the ends at which what was seen has half of 1 - level."""
    events = data.draw(st.integers(0, n))
    low, high = (end.item() for end in synthesis.exact_interval(np.array([events]), np.array([n]), level))

    def probability(rate: float, seen: range) -> float:
        return sum(comb(n, each) * rate**each * (1 - rate) ** (n - each) for each in seen)

    assert 0 <= low <= events / n <= high <= 1
    tail = pytest.approx((1 - level) / 2, rel=1e-8)
    assert low == 0 if events == 0 else probability(low, range(events, n + 1)) == tail
    assert high == 1 if events == n else probability(high, range(events + 1)) == tail


# --- what must not be pooled ------------------------------------------------------------------------------------------


def evidence(*rows: dict[str, Any], **known: Any) -> pd.DataFrame:
    """Rows as herbtc.query returns them, with what it knows about shared patients."""
    usual = {
        "arm": "btc",
        "population": "all",
        "mechanism": "bispecific-antibody",
        "her2": "her2-positive",
        "events": 3,
        "n": 10,
    }
    # Every other rate is higher, so that the studies differ.
    spread = [{**usual, "events": 9 if place % 2 else 1} for place in range(len(rows))]
    frame = pd.DataFrame([{"trial": f"study-{place}", **spread[place], **row} for place, row in enumerate(rows)])
    frame.attrs["herbtc"] = {"release": "2026.11.0", "shared_arms": {}, **known}
    return measures.effects(frame)


def refusal(frame: pd.DataFrame, **options: Any) -> str:
    with pytest.raises(SynthesisError) as caught:
        synthesis.pool(frame, **options)
    return str(caught.value)


FIVE: tuple[dict[str, Any], ...] = ({}, {}, {}, {}, {})


def test_different_arms_of_different_studies_are_pooled() -> None:
    result = synthesis.pool(evidence(*FIVE))
    assert (result.k, result.n, result.events, result.notes) == (5, 50, 21, ())


@pytest.mark.parametrize("k", [0, 1])
def test_fewer_than_two_studies_are_refused(k: int) -> None:
    message = refusal(evidence(*FIVE).head(k))
    assert message.startswith("expected at least two studies, got ")
    assert ("study-0/btc (row 0)" in message) == (k == 1)


def test_two_rows_of_which_one_has_no_events_are_one_study() -> None:
    assert refusal(evidence({}, {"events": None})) == "expected at least two studies, got 1: study-0/btc (row 0)"


def test_mixed_measures_are_refused() -> None:
    frame = pd.concat([evidence({}, {}), measures.effects(evidence({"trial": "other"}), "raw")], ignore_index=True)
    assert refusal(frame) == (
        "expected one measure, got several: logit: study-0/btc (row 0), study-1/btc (row 1); raw: other/btc (row 2)"
    )


@pytest.mark.parametrize("missing", ["events", "n", "measure", "yi", "vi"])
def test_missing_columns_are_named(missing: str) -> None:
    message = refusal(evidence(*FIVE).drop(columns=missing))
    told = ", which logit is made of" if missing in {"events", "n"} else "; measures.effects adds measure, yi and vi"
    assert message == f"missing columns: {missing}{told}"


def test_a_frame_without_effects_is_told_which_function_adds_them() -> None:
    message = refusal(pd.DataFrame({"events": [1, 2], "n": [5, 6]}))
    assert message == "missing columns: measure, yi, vi; measures.effects adds measure, yi and vi"


def test_an_effect_that_is_no_number_is_refused() -> None:
    frame = evidence(*FIVE)
    frame.loc[2, "yi"] = np.inf
    assert refusal(frame) == "expected a finite yi and a vi above 0; not so in study-2/btc (row 2)"


@pytest.mark.parametrize("measure", list(measures.PROPORTIONS))
def test_the_mean_rate_is_the_integral_over_the_distribution_of_effects(measure: str) -> None:
    result = synthesis.pool(measures.effects(evidence(*FIVE), measure))
    grid = np.linspace(-9, 9, 200_001)
    density = np.exp(-(grid**2) / 2)
    harmonic = result.k / float((1 / result.rows["n"].to_numpy(float)).sum())
    rates = measures.back(result.beta + np.sqrt(result.tau2) * grid, measure, harmonic)
    assert result.marginal() == pytest.approx(float(rates @ density / density.sum()), abs=1e-6)


def test_the_mean_rate_is_the_median_rate_where_studies_do_not_differ() -> None:
    result = synthesis.pool(evidence(*FIVE), method="EE", test="wald")
    assert result.marginal() == pytest.approx(result.estimate, rel=1e-12)


def test_weights_cannot_be_written_to() -> None:
    result = synthesis.pool(evidence(*FIVE))
    with pytest.raises(ValueError, match="read-only"):
        result.weights[0] = 5


@pytest.mark.parametrize(("events", "n", "level"), [(5, 3, 0.95), (-1, 3, 0.95), (0, 0, 0.95), (1, 3, 95.0)])
def test_an_exact_interval_of_what_cannot_be_is_refused(events: int, n: int, level: float) -> None:
    with pytest.raises(SynthesisError):
        synthesis.exact_interval(np.array([float(events)]), np.array([float(n)]), level)


@pytest.mark.parametrize("vi", [0.0, -0.1, np.inf])
def test_a_variance_that_cannot_be_is_refused(vi: float) -> None:
    frame = evidence(*FIVE)
    frame.loc[3, "vi"] = vi
    assert refusal(frame) == "expected a finite yi and a vi above 0; not so in study-3/btc (row 3)"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"population": "ihc-3+"}),
        ({"population": "ihc-3+"}, {"population": "ihc-2+/3+"}),
        ({"population": "ihc-3+"}, {"population": "gallbladder"}),
        ({"population": "ihc-3+ & female"}, {"population": "gallbladder & ihc-3+"}),
        ({"population": "cohort A"}, {"population": "cohort B"}),
    ],
    ids=str,
)
def test_an_arm_that_is_counted_twice_is_refused(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The same arm twice, with its own subgroup, or in two subgroups that may share patients."""
    frame = evidence(*FIVE[:3], {"trial": "x", **one}, {"trial": "x", **other})
    names = [
        f"x/btc{'' if (word := row.get('population', 'all')) == 'all' else f'/{word}'} (row {place})"
        for place, row in ((3, one), (4, other))
    ]
    assert refusal(frame, mix=True) == f"the same patients would be counted twice: {', '.join(names)}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ihc-3+", "ihc-2+"),
        ("gallbladder", "intrahepatic"),
        ("ihc-3+ & female", "ihc-2+/ish+ & gallbladder"),
        ("female", "male"),
    ],
)
def test_disjoint_subgroups_of_one_arm_are_allowed(one: str, other: str) -> None:
    frame = evidence(*FIVE[:3], {"trial": "x", "population": one}, {"trial": "x", "population": other})
    assert synthesis.pool(frame).k == 5


@pytest.mark.parametrize("pair", [["all", "cohort-1"], ["cohort-1", "all"]], ids=str)
def test_an_arm_and_its_part_are_refused(pair: list[str]) -> None:
    arms = [{"trial": "x", "arm": arm} for arm in ("cohort-1", "all")]
    frame = evidence(*FIVE[:3], *arms, shared_arms={"x": [pair]})
    assert refusal(frame, mix=True) == "the same patients would be counted twice: x/cohort-1 (row 3), x/all (row 4)"


def test_arms_that_share_patients_only_in_another_study_are_allowed() -> None:
    arms = [{"trial": "x", "arm": arm} for arm in ("cohort-1", "all")]
    assert synthesis.pool(evidence(*FIVE[:3], *arms, shared_arms={"y": [["all", "cohort-1"]]})).k == 5


def test_disjoint_subgroups_of_an_arm_and_its_part_are_allowed() -> None:
    arms = [
        {"trial": "x", "arm": "all", "population": "ihc-3+"},
        {"trial": "x", "arm": "cohort-1", "population": "ihc-2+"},
    ]
    assert synthesis.pool(evidence(*FIVE[:3], *arms, shared_arms={"x": [["all", "cohort-1"]]})).k == 5


def test_studies_declared_to_overlap_are_refused() -> None:
    frame = evidence(*FIVE, overlapping_trials=[["study-3", "study-1"], ["study-0", "elsewhere"]])
    expected = "the same patients would be counted twice: study-1/btc (row 1), study-3/btc (row 3)"
    assert refusal(frame, mix=True) == expected


def test_published_meta_analyses_are_refused() -> None:
    frame = evidence(*FIVE, meta_analyses=["study-2", "elsewhere"])
    expected = "published meta-analyses repeat the patients of their studies: study-2/btc (row 2)"
    assert refusal(frame, mix=True) == expected


MIXTURES = [
    ("mechanism", {"mechanism": "chemotherapy"}, "HER2-directed with other arms"),
    ("mechanism", {"mechanism": "chemotherapy + checkpoint-inhibitor"}, "HER2-directed with other arms"),
    ("her2", {"her2": "unselected"}, "HER2-selected with unselected patients"),
    ("endpoint", {"endpoint": "dcr"}, "different endpoints"),
    ("role", {"role": "prognostic"}, "effects of treatment with prognostic ratios"),
    ("kind", {"kind": "or"}, "different kinds of ratio"),
    ("time", {"at_months": 12.0}, "rates at different times"),
]
USUAL = {"endpoint": "orr", "role": "treatment", "kind": "hr", "at_months": 6.0}


def mixed(*studies: dict[str, Any]) -> pd.DataFrame:
    return evidence(*(USUAL | study for study in studies))


@pytest.mark.parametrize(("word", "odd", "what"), MIXTURES, ids=str)
def test_mixtures_are_refused_unless_asked_for(word: str, odd: dict[str, Any], what: str) -> None:
    frame = mixed(*FIVE, odd)
    assert refusal(frame) == f"mix={word!r} (or True) is needed to pool {what}; look at study-5/btc (row 5)"
    others = [name for name, _, _ in MIXTURES if name != word]
    assert refusal(frame, mix=others) == refusal(frame)
    assert synthesis.pool(frame, mix=True).k == synthesis.pool(frame, mix=word).k == 6


@pytest.mark.parametrize(("word", "odd", "what"), MIXTURES, ids=str)
def test_of_a_mixture_the_smaller_part_is_named(word: str, odd: dict[str, Any], what: str) -> None:
    expected = f"mix={word!r} (or True) is needed to pool {what}; look at study-3/btc (row 3)"
    assert refusal(mixed(odd, odd, odd, {})) == expected


@pytest.mark.parametrize(("word", "odd", "what"), MIXTURES, ids=str)
def test_studies_that_are_all_of_the_other_kind_are_no_mixture(word: str, odd: dict[str, Any], what: str) -> None:
    assert word
    assert what
    assert synthesis.pool(mixed(odd, odd, odd, odd, odd)).k == 5


def test_lines_are_mixed_with_a_warning_unless_it_is_meant() -> None:
    later = [{"line": "second-or-later"}] * 5
    frame = mixed(*later, {"line": "first"})
    words = "first-line and later-line groups are mixed (mix='line' says that it is meant): study-5/btc (row 5)"
    with pytest.warns(HerbtcWarning, match="first-line and later-line groups are mixed"):
        result = synthesis.pool(frame)
    assert result.notes == (words,)
    assert synthesis.pool(frame, mix="line").notes == ()
    assert synthesis.pool(mixed(*later, {"line": "second"}, {"line": "third-or-later"})).notes == ()


def test_an_unknown_mixture_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownKeyError, match="did you mean 'line'"):
        synthesis.pool(mixed(*FIVE), mix="lines")


def test_a_combination_with_a_her2_directed_class_is_her2_directed() -> None:
    frame = evidence(*FIVE, {"mechanism": "monoclonal-antibody + tyrosine-kinase-inhibitor"}, {"her2": "her2-low"})
    assert synthesis.pool(frame).k == 7


def test_a_frame_of_ones_own_without_names_is_pooled() -> None:
    assert synthesis.pool(rates([3, 3, 3, 3, 3], [10, 10, 10, 10, 10])).k == 5


# --- unknown words and levels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "kind", "nearest"),
    [
        ({"method": "reml"}, "method", "REML"),
        ({"test": "hksj-ad-hoc"}, "test", "hksj-adhoc"),
        ({"prediction": "HTS"}, "prediction interval", "hts"),
    ],
    ids=str,
)
def test_unknown_words_are_refused_with_the_nearest_known(option: dict[str, Any], kind: str, nearest: str) -> None:
    with pytest.raises(UnknownKeyError) as caught:
        synthesis.pool(evidence(*FIVE), **option)
    assert (caught.value.kind, caught.value.nearest[0]) == (kind, nearest)


def test_an_unknown_measure_in_the_frame_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        synthesis.pool(evidence(*FIVE).assign(measure="logits"))
    assert (caught.value.kind, caught.value.nearest[0]) == ("measure", "logit")


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_a_level_outside_0_to_1_is_refused(level: float) -> None:
    assert "level between 0 and 1, such as 0.95" in refusal(evidence(*FIVE), level=level)


# --- warnings ---------------------------------------------------------------------------------------------------------


def test_a_tau2_at_its_boundary_brings_a_warning_and_a_note_except_where_there_is_none_to_estimate() -> None:
    alike = evidence(*({"events": 3},) * 6)
    with pytest.warns(HerbtcWarning, match="^tau² is estimated at its boundary, 0") as caught:
        result = synthesis.pool(alike)
    assert result.tau2 == 0
    assert result.notes == (str(caught[0].message),)
    assert synthesis.pool(alike, method="EE", test="wald").notes == ()


@pytest.mark.parametrize("k", [2, 3, 4])
def test_fewer_than_five_studies_bring_a_warning_and_a_note(k: int) -> None:
    with pytest.warns(HerbtcWarning, match=f"^only {k} studies: heterogeneity and both intervals") as caught:
        result = synthesis.pool(evidence(*FIVE[:k]))
    assert result.notes == (str(caught[0].message),)
    assert caught[0].filename == __file__


def test_rows_without_events_or_n_are_left_out_and_named_in_the_notes() -> None:
    frame = evidence(*FIVE, {"events": None}, {"trial": "last", "population": "ihc-3+", "n": None})
    result = synthesis.pool(frame)
    expected = "left out for want of events or n: study-5/btc (row 5), last/btc/ihc-3+ (row 6)"
    assert result.notes == (expected,)
    assert expected in result.describe()
    assert repr(result).endswith("k=5, n=50, notes: 1>")
    assert result.rows["trial"].tolist() == ["study-0", "study-1", "study-2", "study-3", "study-4"]
    assert (result.k, result.n, result.estimate) == (5, 50, synthesis.pool(evidence(*FIVE)).estimate)


def test_a_row_that_is_left_out_counts_nobody_twice() -> None:
    frame = evidence(*FIVE, {"trial": "study-0", "events": None})
    assert synthesis.pool(frame).k == 5


def without_provenance(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = evidence(*rows)
    frame.attrs.clear()
    return frame


def test_arms_of_one_study_in_a_frame_of_ones_own_bring_a_warning_that_names_them() -> None:
    frame = without_provenance(*FIVE[:3], {"trial": "x", "arm": "a"}, {"trial": "x", "arm": "b"})
    expected = "whether these arms of one study share patients is not known: x/a (row 3), x/b (row 4)"
    with pytest.warns(HerbtcWarning) as caught:
        result = synthesis.pool(frame)
    assert [str(each.message) for each in caught] == [expected]
    assert result.notes == (expected,)


def test_disjoint_subgroups_of_one_arm_need_no_word_on_shared_patients() -> None:
    rows = [{"trial": "x", "population": word} for word in ("ihc-3+", "ihc-2+")]
    assert synthesis.pool(without_provenance(*FIVE[:3], *rows)).notes == ()


def test_a_frame_of_ones_own_with_one_arm_a_study_brings_no_warning() -> None:
    assert synthesis.pool(without_provenance(*FIVE)).notes == ()


@pytest.mark.parametrize(("p", "text"), [(0.0341, "p = 0.034"), (0.001, "p = 0.001"), (0.00099, "p < 0.001")])
def test_p_values_read_as_papers_print_them(p: float, text: str) -> None:
    assert synthesis.p_text(p) == text


# --- the result -------------------------------------------------------------------------------------------------------

COUNTS = ([8, 14, 10, 9, 33, 4], [22, 30, 34, 39, 80, 25])


def test_to_frame_is_one_row_of_all_that_was_computed() -> None:
    result = synthesis.pool(rates(*COUNTS))
    frame = result.to_frame()
    assert list(frame.columns) == [
        *NATURAL,
        *("beta", "se", "tau2", "tau2_low", "tau2_high", "i2", "i2_low", "i2_high", "h2", "h2_low", "h2_high"),
        *("q", "q_p", "k", "n", "events"),
        *("measure", "method", "test", "prediction", "level", "release", "notes"),
    ]
    assert len(frame) == 1
    values = frame.iloc[0].to_dict()
    assert values.pop("notes") == ""
    assert values == {name: getattr(result, str(name)) for name in values}


def test_to_frame_joins_the_notes() -> None:
    with pytest.warns(HerbtcWarning):
        result = synthesis.pool(evidence(*FIVE[:4], {"events": None}))
    assert result.to_frame().loc[0, "notes"] == "; ".join(result.notes)
    assert len(result.notes) == 2


@pytest.mark.parametrize("prediction", ["t", "z", "hts"])
@each_measure
@each_method
def test_describe_names_everything_that_was_chosen(method: str, measure: str, prediction: Any) -> None:
    result = synthesis.pool(rates(*COUNTS, measure), method=method, prediction=prediction, level=0.9)
    text = result.describe()
    assert text.startswith("78 events in 230 patients of 6 groups were pooled as ")
    assert MEASURES[measure].words in text
    assert ("an equal-effects model" if method == "EE" else f"{TAU2[method][0]} estimator of tau²") in text
    assert (
        f"was {percent(result.estimate)} % (90 % CI {percent(result.conf_low)} to {percent(result.conf_high)})" in text
    )
    assert f"I² = {result.i2:.1f} %, Q = {result.q:.2f} (df = 5, {synthesis.p_text(result.q_p)})" in text
    assert f"90 % Q-profile interval {result.tau2_low:.3f} to {result.tau2_high:.3f}" in text
    distribution = {"t": "with k - 1 degrees", "z": "(normal distribution)", "hts": "with k - 2 degrees"}[prediction]
    assert (distribution in text) == (method != "EE")
    assert ("prediction interval" in text) == (method != "EE")
    assert ("median study" in text) == (measure == "logit")
    assert text.endswith(f"Computed with herbtc {herbtc.__version__}.")


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("wald", "with a Wald-type confidence interval."),
        ("hksj", "with a Hartung-Knapp-Sidik-Jonkman confidence interval."),
        ("hksj-adhoc", "confidence interval with the variance factor kept at 1 or above."),
    ],
)
def test_describe_names_the_confidence_interval(test: str, words: str) -> None:
    assert words in synthesis.pool(rates(*COUNTS), test=test).describe()


def test_describe_names_the_data_release_and_the_notes() -> None:
    with pytest.warns(HerbtcWarning):
        result = synthesis.pool(evidence(*FIVE[:2], {"events": None}))
    text = result.describe()
    assert text.endswith(f"Computed with herbtc {herbtc.__version__}, data release 2026.11.0.")
    assert all(f"Note: {note}." in text for note in result.notes)


def test_the_page_of_a_notebook_is_the_description() -> None:
    result = synthesis.pool(evidence(*FIVE, {"trial": "<script>", "events": None}))
    page = result._repr_html_()
    assert "<script>" not in page
    assert unescape(page.replace("<p>", "")).split("</p>")[:-1] == result.describe().splitlines()


def test_the_repr_is_short_and_says_what_was_done() -> None:
    result = synthesis.pool(rates(*COUNTS), method="PM", test="wald")
    shown = f"{percent(result.estimate)} % ({percent(result.conf_low)} to {percent(result.conf_high)})"
    assert repr(result) == f"<Pooled PM/logit/wald: {shown}, k=6, n=230>"


@pytest.mark.parametrize("name", [each.name.lstrip("_") for each in attrs.fields(synthesis.Pooled)])
def test_results_are_frozen(name: str) -> None:
    result = synthesis.pool(rates(*COUNTS))
    with pytest.raises(AttributeError):
        setattr(result, name, 0)


def test_rows_is_a_copy_with_weights() -> None:
    frame = rates(*COUNTS, trial=list("abcdef"))
    result = synthesis.pool(frame)
    expected = result.rows
    assert list(expected.columns) == [*frame.columns, "weight"]
    pd.testing.assert_frame_equal(expected[frame.columns], frame)
    frame.loc[0, "yi"] = 99.0
    copy = result.rows
    copy.loc[0, "trial"] = "changed"
    pd.testing.assert_frame_equal(result.rows, expected)


def test_pool_leaves_its_frame_as_it_was() -> None:
    frame = evidence(*FIVE, {"events": None})
    before = frame.copy()
    synthesis.pool(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs


# --- with the shipped evidence ----------------------------------------------------------------------------------------


def test_the_natural_way_leads_from_the_evidence_to_a_pooled_rate() -> None:
    frame = query.proportions(endpoint="orr", her2_directed=True)
    complete = frame[frame[["events", "n"]].notna().all(axis=1)]
    assert set(complete["line"]) > {"first"}
    with pytest.warns(HerbtcWarning, match="first-line and later-line groups are mixed"):
        result = synthesis.pool(measures.effects(complete, "logit"))
    assert result.release == herbtc.load().release
    assert result.k == len(complete)
    assert 0.1 < result.conf_low < result.conf_high < 0.9


def test_all_reports_of_the_evidence_are_refused() -> None:
    frame = query.proportions(endpoint="orr", her2_directed=True, reports="all")
    complete = frame[frame[["events", "n"]].notna().all(axis=1)]
    assert refusal(measures.effects(complete)).startswith("the same patients would be counted twice: ")


def test_importing_synthesis_does_not_import_scipy_stats() -> None:
    code = "import sys, herbtc.synthesis; print('scipy.stats' in sys.modules, 'scipy.special' in sys.modules)"
    # -P keeps the working folder out of the path, so that the installed package is the one that is imported.
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["False", "True"]
