"""Subgroups, meta-regression, deletions, orders, small studies and the grid of models: what any of them obeys."""

from __future__ import annotations

import warnings
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from herbtc import HerbtcWarning, SynthesisError, UnknownKeyError, measures, query, synthesis
from herbtc.measures import PROPORTIONS
from herbtc.synthesis._mixed import fit
from herbtc.synthesis._small_studies import kendall
from herbtc.synthesis._tau2 import TAU2

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats

# Made-up sets are small and often agree; what is said then has tests of its own.
pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

METHODS = sorted(TAU2)
TESTS = ["wald", "hksj", "hksj-adhoc"]
each_method = pytest.mark.parametrize("method", METHODS)
quick = settings(max_examples=30, deadline=None)
NATURAL = ["estimate", "conf_low", "conf_high", "pred_low", "pred_high"]
SHARED = ["k", "n", "events", *NATURAL, "beta", "se", "tau2", "i2", "h2", "q", "q_p"]

ANALYSES: dict[str, Callable[..., Any]] = {
    "subgroups": lambda frame, **options: synthesis.subgroups(frame, "group", **options),
    "regress": lambda frame, **options: synthesis.regress(frame, "year", **options),
    "leave_one_out": synthesis.leave_one_out,
    "cumulative": lambda frame, **options: synthesis.cumulative(frame, "year", **options),
    "influence": synthesis.influence,
    "small_studies": synthesis.small_studies,
    "trim_and_fill": synthesis.trim_and_fill,
    "sensitivity": synthesis.sensitivity,
}
RESULTS = sorted(set(ANALYSES) - {"sensitivity"})
every_analysis = pytest.mark.parametrize("name", sorted(ANALYSES))
every_result = pytest.mark.parametrize("name", RESULTS)


def studies(measure: str = "logit", **columns: Any) -> pd.DataFrame:
    """Twelve studies that differ, in two groups."""
    frame = pd.DataFrame(
        {
            "trial": [f"study-{place}" for place in range(12)],
            "arm": "treated",
            "population": "all",
            "events": [8, 14, 10, 9, 33, 4, 50, 9, 3, 22, 17, 5],
            "n": [22, 30, 34, 39, 80, 25, 90, 41, 28, 60, 31, 45],
            "group": ["antibody", "conjugate"] * 6,
            "year": [2019, 2021, 2020, 2018, 2023, 2022, 2024, 2025, 2017, 2016, 2015, 2026],
        }
    )
    return measures.effects(frame.assign(**columns), measure)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Four to 12 studies on any scale, with a number and a category of two values."""
    k = draw(st.integers(4, 12))
    n = draw(st.lists(st.integers(5, 200), min_size=k, max_size=k))
    events = [draw(st.integers(0, each)) for each in n]
    order = draw(st.permutations(range(k)))
    rows = {"events": events, "n": n, "year": [2010 + each for each in order], "group": (["a", "b"] * 6)[:k]}
    return measures.effects(pd.DataFrame(rows), draw(st.sampled_from(sorted(PROPORTIONS))))


def near(expected: Any, relative: float = 1e-9, absolute: float = 1e-11) -> Any:
    return pytest.approx(expected, rel=relative, abs=absolute, nan_ok=True)


def same(row: Any, pooled: pd.DataFrame) -> bool:
    return bool(row[SHARED].to_numpy(float) == near(pooled[SHARED].iloc[0].to_numpy(float)))


# --- one arithmetic -----------------------------------------------------------------------------------------------


@given(frame=frames(), method=st.sampled_from(METHODS))
@quick
def test_without_moderators_tau2_is_that_of_pooling(frame: pd.DataFrame, method: str) -> None:
    y, v = frame["yi"].to_numpy(float), frame["vi"].to_numpy(float)
    assert fit(y, v, np.ones((len(y), 1)), method).tau2[0] == near(TAU2[method][1](y, v), absolute=1e-13)


@pytest.mark.parametrize("test", TESTS)
@given(frame=frames(), method=st.sampled_from(METHODS), prediction=st.sampled_from(["t", "z", "hts"]))
@quick
def test_leaving_one_out_is_pooling_the_rest(test: str, frame: pd.DataFrame, method: str, prediction: Any) -> None:
    options: dict[str, Any] = {"method": method, "test": test, "prediction": prediction, "level": 0.9}
    table = synthesis.leave_one_out(frame, **options).to_frame()
    assert table.index.tolist() == frame.index.tolist()
    for row in frame.index:
        assert same(table.loc[row], synthesis.pool(frame.drop(row), **options).to_frame())


@pytest.mark.parametrize("test", TESTS)
@given(frame=frames(), method=st.sampled_from(METHODS), prediction=st.sampled_from(["t", "z", "hts"]))
@quick
def test_each_step_of_a_cumulative_analysis_is_a_pooling(
    test: str, frame: pd.DataFrame, method: str, prediction: Any
) -> None:
    options: dict[str, Any] = {"method": method, "test": test, "prediction": prediction}
    table = synthesis.cumulative(frame, "year", **options).to_frame()
    ordered = frame.sort_values("year")
    assert table["year"].tolist() == ordered["year"].tolist()
    for k in range(2, len(frame) + 1):
        assert same(table.iloc[k - 1], synthesis.pool(ordered.head(k), **options).to_frame())


@pytest.mark.parametrize("test", TESTS)
@given(frame=frames(), method=st.sampled_from(METHODS), prediction=st.sampled_from(["t", "z", "hts"]))
@quick
def test_subgroups_and_all_are_poolings(test: str, frame: pd.DataFrame, method: str, prediction: Any) -> None:
    options: dict[str, Any] = {"method": method, "test": test, "prediction": prediction}
    result = synthesis.subgroups(frame, "group", **options)
    table = result.to_frame().set_index("group")
    assert table.index.tolist() == ["a", "b", "all"]
    for name in "ab":
        assert same(table.loc[name], synthesis.pool(frame[frame["group"] == name], **options).to_frame())
    assert same(table.loc["all"], synthesis.pool(frame, **options).to_frame())
    assert same(table.loc["all"], result.overall.to_frame())


def test_many_studies_fit_into_memory() -> None:
    random = np.random.default_rng(8)
    n = random.integers(20, 400, 700)
    frame = measures.effects(pd.DataFrame({"events": random.binomial(n, random.beta(3, 6, 700)), "n": n}))
    table = synthesis.leave_one_out(frame).to_frame()
    assert same(table.loc[350], synthesis.pool(frame.drop(350)).to_frame())


def test_a_weight_that_outgrows_the_rest_keeps_the_digits_of_the_others() -> None:
    """Of two groups of a billion and of one patient, tau² is that of exact arithmetic in pooling."""
    frame = measures.effects(pd.DataFrame({"events": [10**9, 5, 1, 3], "n": [10**9, 10, 10, 4]}), "raw")
    y, v = frame["yi"].to_numpy(float), frame["vi"].to_numpy(float)
    for method in METHODS:
        assert fit(y, v, np.ones((4, 1)), method).tau2[0] == near(TAU2[method][1](y, v), 1e-9, 0.0)


def test_a_single_study_stands_for_itself() -> None:
    frame = studies().head(2)
    for test in TESTS:
        table = synthesis.leave_one_out(frame, test=test).to_frame()
        rates = [14 / 30, 8 / 22]
        assert table["estimate"].tolist() == near(rates)
        reach = 1.959963984540054 * np.sqrt(frame["vi"].to_numpy()[::-1])
        low = measures.back(frame["yi"].to_numpy()[::-1] - reach, "logit", 1.0)
        assert table["conf_low"].tolist() == near(low.tolist())
        assert table[["pred_low", "pred_high", "tau2", "i2", "h2", "q", "q_p"]].isna().all(axis=None)


# --- meta-regression against brute force ------------------------------------------------------------------------------


def gls(frame: pd.DataFrame, x: Floats, tau2: float) -> tuple[Floats, Floats]:
    """Generalised least squares, the plain way."""
    w = np.diag(1 / (frame["vi"].to_numpy(float) + tau2))
    covariance = np.linalg.inv(x.T @ w @ x)
    return np.asarray(covariance @ x.T @ w @ frame["yi"].to_numpy(float)), np.asarray(covariance, float)


@each_method
def test_coefficients_are_generalised_least_squares(method: str) -> None:
    frame = studies()
    x = np.column_stack([np.ones(12), frame["group"] == "conjugate", frame["year"] - 2020.0]).astype(float)
    result = synthesis.regress(frame.assign(year=frame["year"] - 2020), ["group", "year"], method=method, test="wald")
    beta, covariance = gls(frame, x, result.tau2)
    assert result.coefficients["term"].tolist() == ["intercept", "group: conjugate", "year"]
    assert result.coefficients["beta"].tolist() == near(beta.tolist())
    assert result.coefficients["se"].tolist() == near(np.sqrt(np.diag(covariance)).tolist())


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_no_residual_tau2_has_a_higher_likelihood(method: str) -> None:
    frame = studies()
    x = np.column_stack([np.ones(12), frame["year"] - 2020.0])

    def minus_log_likelihood(tau2: float) -> float:
        beta, covariance = gls(frame, x, tau2)
        v = frame["vi"].to_numpy(float) + tau2
        value = float(np.sum(np.log(v) + (frame["yi"].to_numpy(float) - x @ beta) ** 2 / v)) / 2
        return value - (float(np.linalg.slogdet(covariance)[1]) / 2 if method == "REML" else 0.0)

    best = minimize_scalar(minus_log_likelihood, bounds=(0, 20), method="bounded", options={"xatol": 1e-12})
    result = synthesis.regress(frame, "year", method=method)
    assert result.tau2 > 0.01
    assert result.tau2 == pytest.approx(best.x, rel=1e-5)
    assert minus_log_likelihood(result.tau2) <= best.fun + 1e-12


@given(frame=frames(), shift=st.floats(-3000, 3000), stretch=st.floats(0.01, 100), method=st.sampled_from(METHODS))
@quick
def test_the_unit_of_a_moderator_does_not_matter(
    frame: pd.DataFrame, shift: float, stretch: float, method: str
) -> None:
    other = frame.assign(year=shift + stretch * frame["year"])
    one, two = (synthesis.regress(each, "year", method=method) for each in (frame, other))
    assert [two.tau2, two.qm, two.qe] == near([one.tau2, one.qm, one.qe], 1e-6, 1e-9)
    assert two.predict()[NATURAL].to_numpy() == near(one.predict()[NATURAL].to_numpy(), 1e-6, 1e-9)


@given(frame=frames(), method=st.sampled_from(METHODS), data=st.data())
@quick
def test_the_order_of_studies_does_not_matter(frame: pd.DataFrame, method: str, data: st.DataObject) -> None:
    shuffled = frame.loc[data.draw(st.permutations(frame.index.tolist()))]
    one, two = (synthesis.regress(each, ["group", "year"], method=method).to_frame() for each in (frame, shuffled))
    assert two["beta"].tolist() == near(one["beta"].tolist(), 1e-7, 1e-7)
    deleted = synthesis.leave_one_out(shuffled, method=method).to_frame()
    assert deleted.loc[frame.index, "beta"].tolist() == near(
        synthesis.leave_one_out(frame, method=method).to_frame()["beta"].tolist()
    )
    influence = synthesis.influence(shuffled, method=method).to_frame()
    assert influence.loc[frame.index, "cook_d"].tolist() == near(
        synthesis.influence(frame, method=method).to_frame()["cook_d"].tolist(), 1e-7
    )


@pytest.mark.parametrize("test", TESTS)
def test_one_moderator_alone_is_tested_as_its_coefficient(test: str) -> None:
    result = synthesis.regress(studies(), "year", test=test)
    slope = result.coefficients.iloc[1]
    assert [result.qm, result.qm_p] == near([slope["statistic"] ** 2, slope["p"]])


@pytest.mark.parametrize("test", TESTS)
def test_a_common_tau2_is_a_meta_regression_on_the_subgroup(test: str) -> None:
    frame = studies().assign(group=["a", "b", "c"] * 4)
    groups = synthesis.subgroups(frame, "group", test=test, common_tau2=True)
    model = synthesis.regress(frame, "group", test=test)
    assert [groups.q_between, groups.q_between_p] == near([model.qm, model.qm_p])
    assert (groups.df, groups.df_residual) == (model.qm_df, model.qm_df_residual)
    assert groups.to_frame()["tau2"].iloc[:3].tolist() == near([model.tau2] * 3)
    predicted = model.predict(pd.DataFrame({"group": ["a", "b", "c"]}))
    assert groups.to_frame()[["beta", "se"]].iloc[:3].to_numpy() == near(predicted[["beta", "se"]].to_numpy())
    assert groups.to_frame()[NATURAL].iloc[:3].to_numpy() == near(predicted[NATURAL].to_numpy())


def test_a_study_alone_in_its_subgroup_borrows_the_common_tau2() -> None:
    frame = studies().assign(group=["alone", *["others"] * 11])
    result = synthesis.subgroups(frame, "group", test="wald", common_tau2=True)
    alone = result.to_frame().iloc[0]
    assert alone["se"] ** 2 == near(frame["vi"].iloc[0] + alone["tau2"])
    assert alone["tau2"] > 0
    assert "one study alone stands for group: alone" in result.notes
    assert "one study alone stands for group: alone" in synthesis.regress(frame, "group").notes


def test_the_reference_is_the_first_of_the_category_else_of_the_alphabet() -> None:
    frame = studies()
    as_category = frame["group"].astype(pd.CategoricalDtype(["conjugate", "antibody", "vaccine"]))
    assert synthesis.regress(frame, "group").references == {"group": "antibody"}
    turned = synthesis.regress(frame.assign(group=as_category), "group")
    assert turned.references == {"group": "conjugate"}
    assert turned.coefficients["term"].tolist() == ["intercept", "group: antibody"]
    assert synthesis.subgroups(frame.assign(group=as_category), "group").names == ("conjugate", "antibody")


def test_truths_are_categories_and_integers_numbers() -> None:
    frame = studies()
    truths = synthesis.regress(frame.assign(late=(frame["year"] > 2020).astype("boolean")), "late")
    assert truths.coefficients["term"].tolist() == ["intercept", "late: True"]
    numbers = synthesis.regress(frame.assign(year=frame["year"].astype("Int64")), "year")
    assert numbers.coefficients["term"].tolist() == ["intercept", "year"]


def test_r2_is_the_share_of_tau2_that_goes_with_the_moderators() -> None:
    frame = studies()
    alone, model = synthesis.pool(frame), synthesis.regress(frame, "year")
    assert model.r2 == near(100 * max(0.0, (alone.tau2 - model.tau2) / alone.tau2))
    even = measures.effects(pd.DataFrame({"events": [3] * 6, "n": [9] * 6, "year": range(6)}))
    assert np.isnan(synthesis.regress(even, "year").r2)


def test_studies_exactly_on_a_line_leave_no_error_and_that_is_said() -> None:
    frame = studies("arcsine", n=40, events=10).assign(yi=[0.1 * place for place in range(12)], year=range(12))
    result = synthesis.regress(frame, "year", test="hksj")
    assert result.coefficients["se"].tolist() == [0.0, 0.0]
    assert (result.qm, result.qm_p) == (np.inf, 0.0)
    assert any("exactly on the model" in note for note in result.notes)
    assert synthesis.regress(frame, "year").coefficients["se"].min() > 0


# --- influence against refits -----------------------------------------------------------------------------------------


@each_method
def test_influence_is_what_refitting_without_each_study_shows(method: str) -> None:
    frame = studies()
    frame["year"] -= 2020
    x = np.column_stack([np.ones(12), frame["year"]])
    table = synthesis.influence(frame, moderators="year", method=method).to_frame()
    whole = synthesis.regress(frame, "year", method=method, test="wald")
    beta, covariance = gls(frame, x, whole.tau2)
    for place, row in enumerate(frame.index):
        rest = frame.drop(row)
        part = synthesis.regress(rest, "year", method=method, test="wald")
        deleted, its_covariance = gls(rest, np.delete(x, place, axis=0), part.tau2)
        found, own = table.loc[row], x[place]
        fitted = own @ deleted
        spread = frame.loc[row, "vi"] + part.tau2 + own @ its_covariance @ own
        assert found["rstudent"] == near((frame.loc[row, "yi"] - fitted) / np.sqrt(spread))
        change = beta - deleted
        assert found["cook_d"] == near(change @ np.linalg.solve(covariance, change))
        assert found["cov_ratio"] == near(np.linalg.det(its_covariance) / np.linalg.det(covariance))
        assert [found["tau2_del"], found["qe_del"]] == near([part.tau2, part.qe])
    assert table["hat"].sum() == near(2.0)
    assert table["weight"].sum() == near(100.0)


def test_a_study_that_a_model_cannot_do_without_is_named() -> None:
    frame = studies().assign(group=["alone", *["others"] * 11])
    result = synthesis.influence(frame, moderators="group")
    table = result.to_frame()
    assert table["rstudent"].isna().tolist() == [True] + [False] * 11
    assert table["influential"].iloc[0]
    assert any("cannot be fitted without study-0/treated (row 0)" in note for note in result.notes)


def test_of_two_studies_each_is_all_that_remains() -> None:
    frame = studies().head(2)
    table = synthesis.influence(frame).to_frame()
    (one, other), (v, w) = frame["yi"], frame["vi"]
    assert table["rstudent"].tolist() == near([(one - other) / np.sqrt(v + w), (other - one) / np.sqrt(v + w)])


def test_a_study_far_from_the_rest_is_marked() -> None:
    frame = studies(events=[8, 14, 10, 9, 11, 12, 10, 13, 9, 10, 12, 390], n=[*[40] * 11, 400])
    result = synthesis.influence(frame)
    assert np.flatnonzero(result.to_frame()["influential"]).tolist() == [11]
    assert "Influential groups: study-11/treated (row 11)" in result.describe()


# --- leaving out and adding ---------------------------------------------------------------------------------------


def test_whole_studies_can_be_left_out() -> None:
    frame = studies(trial=["a", "a", "b", *[f"c{place}" for place in range(9)]], arm=list("xyzxxxxxxxxx"))
    table = synthesis.leave_one_out(frame, by="trial").to_frame().set_index("trial")
    assert len(table) == 11
    assert same(table.loc["a"], synthesis.pool(frame.iloc[2:]).to_frame())
    with pytest.raises(SynthesisError, match="leaving out treated would leave nothing"):
        synthesis.leave_one_out(studies(), by="arm")


def test_equal_dates_keep_the_order_of_the_frame_and_say_so() -> None:
    frame = studies(year=[2020] * 11 + [2019])
    result = synthesis.cumulative(frame, "year")
    assert result.to_frame().index.tolist() == [11, *range(11)]
    assert "in the order of the frame, since year is equal: study-0/treated (row 0)" in result.notes[0]


def test_dates_order_and_words_that_do_not_compare_are_refused() -> None:
    frame = studies()
    dates = pd.to_datetime(frame["year"].astype(str)).astype("datetime64[s]")
    ordered = synthesis.cumulative(frame.assign(cutoff=dates), "cutoff").to_frame()
    assert ordered["cutoff"].is_monotonic_increasing
    with pytest.raises(SynthesisError, match="cannot be ordered"):
        synthesis.cumulative(frame.assign(mixed=["x", 1] * 6), "mixed")


# --- subgroups ----------------------------------------------------------------------------------------------------


def test_subgroups_are_compared_by_their_standard_errors() -> None:
    result = synthesis.subgroups(studies(), "group")
    one, other = (row for _, row in result.to_frame().iloc[:2].iterrows())
    z = (one["beta"] - other["beta"]) / np.sqrt(one["se"] ** 2 + other["se"] ** 2)
    assert [result.q_between, result.q_between_p] == near([z**2, 2 * stats.norm.sf(abs(z))])
    assert (result.df, result.df_residual) == (1, 0)


def test_subgroups_are_not_compared_where_one_has_no_error() -> None:
    frame = studies(events=[8, 5, 8, 5, 8, 9, 8, 9, 8, 9, 8, 4], n=[20, 30] * 6)
    result = synthesis.subgroups(frame, "group", test="hksj")
    assert np.isnan([result.q_between, result.q_between_p]).all()
    assert any("subgroups are not compared" in note for note in result.notes)


def test_small_subgroups_and_studies_in_several_are_named() -> None:
    frame = studies(
        trial=["a", "a", *[f"b{place}" for place in range(10)]],
        population=["ihc-3+", "ihc-2+", *["all"] * 10],
        group=["x", "y", "z", "y", *["x"] * 8],
    )
    notes = synthesis.subgroups(frame, "group").notes
    assert (
        "one study alone stands for group: z, so that the test finds too much; a common tau² would lend it some"
        in notes
    )
    assert "fewer than 5 studies in group: y, so that their heterogeneity is hardly known" in notes
    assert "in several subgroups, which the test takes as independent: a (x, y)" in notes


def test_a_partition_of_patients_is_read_off_the_populations() -> None:
    sites = ["gallbladder", "intrahepatic"] * 5
    frame = studies(population=[*sites, "all", "our own words"])
    result = synthesis.subgroups(frame, "site")
    assert result.names == ("gallbladder", "intrahepatic")
    assert result.to_frame()["k"].tolist() == [5, 5, 10]
    assert "study-10/treated (row 10), study-11/treated/our own words (row 11)" in result.notes[0]
    model = synthesis.regress(frame, "site")
    assert model.references == {"site": "gallbladder"}


def test_the_shipped_evidence_divides_by_mechanism_line_and_her2() -> None:
    rates = query.proportions(endpoint="orr", her2_directed=True, btc_only=True).dropna(subset=["events", "n"])
    for by in ("mechanism", "line", "her2"):
        known = rates.dropna(subset=[by])
        result = synthesis.subgroups(measures.effects(rates), by, mix="line")
        assert result.to_frame()["k"].iloc[:-1].sum() == result.overall.k == len(known)
        assert set(result.names) == set(known[by])
        assert result.release


# --- small studies ------------------------------------------------------------------------------------------------


@given(st.permutations(range(7)))
@quick
def test_the_exact_p_value_counts_permutations(order: list[int]) -> None:
    x, y = np.arange(7.0), np.array(order, float)
    tau, p = kendall(x, y)
    expected = stats.kendalltau(x, y, method="exact")
    assert [tau, p] == near([expected.statistic, expected.pvalue])


def test_the_exact_p_value_of_few_is_that_of_all_orders() -> None:
    every = [kendall(np.arange(4.0), np.array(order, float)) for order in permutations(range(4))]
    taus = np.array([tau for tau, _ in every])
    for tau, p in every:
        tail = min(np.mean(taus <= tau + 1e-9), np.mean(taus >= tau - 1e-9))
        assert p == near(min(1.0, 2 * tail))


@given(st.lists(st.integers(0, 5), min_size=6, max_size=20), st.data())
@quick
def test_ties_are_corrected_for(values: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)))
    x, y = np.array(values, float), np.array(others, float)
    if len(set(values)) in (1, len(values)) or len(set(others)) == 1:
        return
    expected = stats.kendalltau(x, y, method="asymptotic")
    assert list(kendall(x, y)) == near([expected.statistic, expected.pvalue])


def test_eggers_test_is_the_intercept_of_the_standard_normal_deviate_on_precision() -> None:
    """Egger M et al. BMJ 1997;315:629: the form in which the test was published."""
    frame = studies("arcsine")
    se = np.sqrt(frame["vi"].to_numpy(float))
    line = stats.linregress(1 / se, frame["yi"].to_numpy(float) / se)
    result = synthesis.small_studies(frame, test="egger")
    assert [result.slope, result.statistic] == near([line.intercept, line.intercept / line.intercept_stderr])
    assert result.p == near(2 * stats.t.sf(abs(result.statistic), 10))


def test_the_size_of_studies_is_a_moderator() -> None:
    frame = studies()
    result, model = synthesis.small_studies(frame), synthesis.regress(frame, "n")
    slope = model.coefficients.iloc[1]
    assert [result.slope, result.statistic, result.p] == near([slope["beta"], slope["statistic"], slope["p"]])
    assert [result.slope_low, result.slope_high] == near([slope["beta_low"], slope["beta_high"]])


@pytest.mark.parametrize("test", sorted(synthesis.SMALL_STUDIES))
def test_tests_for_small_studies_warn_of_few_and_of_proportions(test: str) -> None:
    with pytest.warns(HerbtcWarning, match="only 9 studies"):
        few = synthesis.small_studies(studies().head(9), test=test)
    assert any("hardly find any" in note for note in few.notes)
    many = synthesis.small_studies(studies(), test=test)
    assert any("suspects sound studies" in note for note in many.notes) == (test in {"egger", "begg"})


def test_studies_of_one_size_cannot_be_compared() -> None:
    for test in ("size", "peters"):
        with pytest.raises(SynthesisError, match="all are of one size"):
            synthesis.small_studies(studies(n=90), test=test)
    with pytest.raises(SynthesisError, match="effects and variances that differ"):
        synthesis.small_studies(studies("arcsine", n=90), test="begg")
    assert synthesis.trim_and_fill(studies("arcsine", n=90)).side == "left"
    with pytest.raises(SynthesisError, match="at least 3 studies"):
        synthesis.small_studies(studies().head(2))
    with pytest.raises(SynthesisError, match="at least 3 studies"):
        synthesis.trim_and_fill(studies().head(2))


# --- trim and fill --------------------------------------------------------------------------------------------------


def test_a_symmetric_funnel_is_left_alone() -> None:
    frame = studies("arcsine", events=10, n=40).assign(yi=[0.8 + 0.05 * place * (-1) ** place for place in range(12)])
    for side, estimator in product(("left", "right"), ("L0", "R0")):
        result = synthesis.trim_and_fill(frame, side=side, estimator=estimator)
        assert result.missing <= 1
        assert result.to_frame()["imputed"].sum() == result.missing


@given(frame=frames(), estimator=st.sampled_from(["L0", "R0"]), method=st.sampled_from(["EE", "DL", "REML"]))
@quick
def test_a_mirrored_funnel_is_filled_on_the_other_side(frame: pd.DataFrame, estimator: str, method: str) -> None:
    frame = frame.assign(measure="raw")
    if frame["yi"].duplicated().any():
        return  # of two equal studies either may be the outermost
    options: dict[str, Any] = {"estimator": estimator, "method": method}
    one = synthesis.trim_and_fill(frame, side="left", **options)
    other = synthesis.trim_and_fill(frame.assign(yi=-frame["yi"]), side="right", **options)
    assert (one.missing, one.missing_se) == (other.missing, near(other.missing_se))
    assert sorted(one.to_frame()["yi"]) == near(sorted(-other.to_frame()["yi"]))


def test_a_picture_of_proportions_has_no_adjusted_rate() -> None:
    result = synthesis.trim_and_fill(studies())
    names = {each.name for each in attrs.fields(type(result))}
    assert not names & {"estimate", "beta", "conf_low", "conf_high", "pred_low", "pred_high", "centre"}
    assert not set(NATURAL) & set(result.to_frame())
    assert any("no rate is adjusted" in note for note in result.notes)
    filled = result.to_frame()
    assert filled["imputed"].sum() == result.missing
    assert filled[~filled["imputed"]]["yi"].tolist() == studies()["yi"].tolist()
    for measure in PROPORTIONS:
        result = synthesis.trim_and_fill(studies(measure))
        assert result.adjusted is None
        assert "adjusted" not in repr(result)
        assert "no rate is adjusted" in result.describe()


@pytest.mark.parametrize("test", TESTS)
@given(frame=frames(), method=st.sampled_from(METHODS), estimator=st.sampled_from(["L0", "R0"]))
@quick
def test_an_adjusted_ratio_is_that_of_all_points(test: str, frame: pd.DataFrame, method: str, estimator: str) -> None:
    frame = frame.assign(measure="log-ratio", estimate=np.nan, low=np.nan, high=np.nan, level=np.nan)
    result = synthesis.trim_and_fill(frame, estimator=estimator, method=method, test=test, level=0.9)
    points = frame.loc[result.to_frame().index].assign(yi=result.to_frame()["yi"].to_numpy())
    expected = synthesis.pool(points, method=method, test=test, level=0.9)
    assert result.adjusted is not None
    assert [getattr(result.adjusted, name) for name in ("estimate", "conf_low", "conf_high", "beta", "se")] == near(
        [getattr(expected, name) for name in ("estimate", "conf_low", "conf_high", "beta", "se")]
    )


# --- every model ------------------------------------------------------------------------------------------------------


def test_the_grid_holds_every_model_once_and_each_is_a_pooling() -> None:
    frame = studies().drop(columns=["measure", "yi", "vi"])
    grid = synthesis.sensitivity(frame, level=0.9)
    two_stage = grid[grid["model"] == "two-stage"]
    expected = {key for key in product(PROPORTIONS, TAU2, TESTS) if key[1] != "EE" or key[2] == "wald"}
    keys = list(two_stage[["measure", "method", "test"]].itertuples(index=False, name=None))
    assert len(keys) == len(expected)
    assert set(keys) == expected
    assert (grid["failed"] == "").all()
    shown = [*NATURAL, "tau2", "i2", "k"]
    for (measure, method, test), (_, row) in zip(keys, two_stage.iterrows(), strict=True):
        pooled = synthesis.pool(measures.effects(frame, measure), method=method, test=test, level=0.9)
        assert row[shown].to_numpy(float) == near(pooled.to_frame()[shown].iloc[0].to_numpy(float))
        assert row["notes"] == "; ".join(pooled.notes)


def test_a_model_without_an_answer_is_a_row_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(*_: Any, **options: Any) -> Any:
        if options["method"] == "PM":
            raise SynthesisError("no root")
        return synthesis.pool(*_, **options)

    monkeypatch.setattr("herbtc.synthesis._sensitivity.pool", pool)
    grid = synthesis.sensitivity(studies())
    failed = grid[grid["failed"] != ""]
    assert set(failed["method"]) == {"PM"}
    assert set(failed["failed"]) == {"no root"}
    assert failed[NATURAL].isna().all(axis=None)


# --- what all of them refuse, say and keep ----------------------------------------------------------------------------


def refused() -> dict[str, tuple[pd.DataFrame, str]]:
    frame = studies()
    published = studies()
    published.attrs["herbtc"] = {"meta_analyses": ["study-3"]}
    return {
        "a patient twice": (pd.concat([frame, frame.tail(1)]), "counted twice"),
        "a published meta-analysis": (published, "repeat the patients"),
        "mixed mechanisms": (frame.assign(mechanism=["chemotherapy", *["bispecific-antibody"] * 11]), "(or True)"),
        "mixed selection": (frame.assign(her2=["unselected", *["her2-positive"] * 11]), "(or True)"),
        "one study": (frame.head(1), "at least two studies"),
        "no study": (frame.head(0), "at least two studies"),
        "a missing column": (frame.drop(columns="n"), "missing"),
    }


@every_analysis
@pytest.mark.parametrize("why", sorted(refused()))
def test_what_pooling_refuses_every_analysis_refuses(name: str, why: str) -> None:
    frame, message = refused()[why]
    with pytest.raises(SynthesisError, match=message):
        ANALYSES[name](frame)


@every_analysis
@pytest.mark.parametrize("why", ["mixed mechanisms", "mixed selection"])
def test_mixtures_are_allowed_when_they_are_meant(name: str, why: str) -> None:
    assert ANALYSES[name](refused()[why][0], mix=True) is not None


@every_result
def test_two_measures_are_refused(name: str) -> None:
    with pytest.raises(SynthesisError, match="one measure"):
        ANALYSES[name](pd.concat([studies().head(6), studies("raw").tail(6)]))


@pytest.mark.parametrize("name", ["subgroups", "regress", "leave_one_out", "cumulative", "influence", "trim_and_fill"])
def test_unknown_methods_are_refused(name: str) -> None:
    with pytest.raises(UnknownKeyError, match="REML"):
        ANALYSES[name](studies(), method="REMML")


@pytest.mark.parametrize("name", ["subgroups", "regress", "leave_one_out", "cumulative"])
def test_unknown_tests_and_levels_are_refused(name: str) -> None:
    with pytest.raises(UnknownKeyError, match="hksj"):
        ANALYSES[name](studies(), test="knha")
    with pytest.raises(SynthesisError, match="level between 0 and 1"):
        ANALYSES[name](studies(), level=95)


@pytest.mark.parametrize("name", ["subgroups", "leave_one_out", "cumulative"])
def test_unknown_prediction_intervals_are_refused(name: str) -> None:
    with pytest.raises(UnknownKeyError, match="hts"):
        ANALYSES[name](studies(), prediction="normal")


@pytest.mark.parametrize("name", ["subgroups", "regress", "cumulative"])
def test_unknown_columns_are_refused_with_a_suggestion(name: str) -> None:
    with pytest.raises(UnknownKeyError, match="did you mean"):
        ANALYSES[name](studies().rename(columns={"year": "years", "group": "groups"}))


def test_unknown_sides_estimators_and_small_study_tests_are_refused() -> None:
    with pytest.raises(UnknownKeyError, match="left"):
        synthesis.trim_and_fill(studies(), side="top")
    with pytest.raises(UnknownKeyError, match="L0"):
        synthesis.trim_and_fill(studies(), estimator="Q0")
    with pytest.raises(UnknownKeyError, match="egger"):
        synthesis.small_studies(studies(), test="eggers")


@pytest.mark.parametrize(
    ("moderators", "columns", "message"),
    [
        (["group", "group"], {}, "each moderator once"),
        ("group", {"group": "x"}, "one value only: x"),
        ("year", {"year": 2020}, "one value only: 2020"),
        ("year", {"year": pd.Timestamp("2020-01-01")}, "holds dates"),
        ("year", {"year": [np.inf, *range(11)]}, "finite numbers"),
        (["year", "twice"], {"twice": [2 * year for year in studies()["year"]]}, "collinear: twice follows from"),
        (["group", "same"], {"same": ["x", "y"] * 6}, "collinear: same: y follows from"),
        ("name", {"name": [f"n{place}" for place in range(12)]}, "12 studies cannot tell 12 coefficients"),
    ],
)
def test_moderators_that_tell_nothing_apart_are_refused(moderators: Any, columns: Any, message: str) -> None:
    frame = studies().assign(**columns)
    with pytest.raises(SynthesisError, match=message):
        synthesis.regress(frame, moderators)
    with pytest.raises(SynthesisError, match=message):
        synthesis.influence(frame, moderators=moderators)


def test_no_moderators_are_no_regression() -> None:
    with pytest.raises(SynthesisError, match="at least one moderator"):
        synthesis.regress(studies(), [])


def test_a_common_tau2_needs_more_studies_than_subgroups() -> None:
    with pytest.raises(SynthesisError, match="leave nothing for a common tau²"):
        synthesis.subgroups(studies(), "trial", common_tau2=True)
    with pytest.raises(SynthesisError, match="every row has arm = treated"):
        synthesis.subgroups(studies(), "arm")


def test_predictions_are_for_what_the_model_knows() -> None:
    model = synthesis.regress(studies(), ["group", "year"])
    with pytest.raises(UnknownKeyError, match="antibody"):
        model.predict(pd.DataFrame({"group": ["vaccine"], "year": [2020]}))
    with pytest.raises(SynthesisError, match="expected the column year"):
        model.predict(pd.DataFrame({"group": ["antibody"]}))
    with pytest.raises(SynthesisError, match="expected a value of year in row 0"):
        model.predict(pd.DataFrame({"group": ["antibody"], "year": [np.nan]}))
    with pytest.raises(SynthesisError, match="expected numbers in the column year"):
        model.predict(pd.DataFrame({"group": ["antibody"], "year": ["soon"]}))
    new = pd.DataFrame({"group": ["antibody", "conjugate"], "year": [2020, 2030], "other": [1, 2]}, index=[7, 9])
    predicted = model.predict(new)
    assert predicted.index.tolist() == [7, 9]
    assert (predicted["pred_low"] < predicted["conf_low"]).all()
    assert predicted[NATURAL].apply(lambda column: column.between(0, 1)).all(axis=None)


@pytest.mark.parametrize("name", ["subgroups", "regress", "cumulative"])
def test_rows_that_lack_something_are_left_out_and_named(name: str) -> None:
    frame = studies()
    frame["year"] = frame["year"].astype("Int64").where(frame.index != 3)
    frame["group"] = frame["group"].astype("string").where(frame.index != 3)
    frame.loc[5, ["yi", "vi"]] = np.nan
    result = ANALYSES[name](frame)
    assert len(result.rows) == 10
    assert "study-5/treated (row 5)" in result.notes[0]
    assert "study-3/treated (row 3)" in result.notes[1]


@every_result
def test_doubts_are_warned_of_and_kept(name: str) -> None:
    frame = studies(trial=["a", "a", *[f"b{place}" for place in range(10)]], arm=["x", "y", *["z"] * 10]).head(4)
    frame["group"] = ["m", "m", "n", "n"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = ANALYSES[name](frame)
    said = [str(each.message) for each in caught if each.category is HerbtcWarning]
    assert said
    assert set(said) <= set(result.notes)
    assert any("share patients is not known" in note for note in result.notes)
    assert all(each.filename == __file__ for each in caught)


def test_few_studies_for_the_moderators_are_warned_of() -> None:
    with pytest.warns(HerbtcWarning, match="12 studies for 2 coefficients beside the intercept"):
        synthesis.regress(studies(), ["group", "year"])


@every_result
def test_results_are_frozen_and_their_frames_are_copies(name: str) -> None:
    frame = studies()
    before = frame.copy()
    result = ANALYSES[name](frame)
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        result.notes = ()
    shown = result.to_frame()
    shown.iloc[:, 0] = None
    rows = result.rows
    rows["events"] = 0
    assert not result.to_frame().equals(shown)
    assert (result.rows["events"] > 0).all()
    assert result.k == 12 if hasattr(result, "k") else result.overall.k == 12


@every_result
def test_results_describe_themselves(name: str) -> None:
    frame = studies()
    frame.attrs["herbtc"] = {"release": "2099.1.0", "shared_arms": {}}
    result = ANALYSES[name](frame)
    told = result.describe()
    assert "2099.1.0" in told
    assert all(f"Note: {note}." in told for note in result.notes)
    assert "nan" not in told
    assert repr(result).startswith(f"<{type(result).__name__} ")


@every_result
def test_notebooks_show_hostile_names_as_text(name: str) -> None:
    frame = studies(trial=[f"<script>{place}</script>" for place in range(12)]).assign(group=["<b>x", "<b>y"] * 6)
    frame["year"] = frame["year"].astype("Int64").where(frame.index != 3)
    shown = ANALYSES[name](frame)._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "<table" in shown
