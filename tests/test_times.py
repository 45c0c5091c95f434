"""Medians, ratios and rates at a time: effects from printed intervals, pooled, and the median of medians."""

from __future__ import annotations

import re
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herbtc import HerbtcWarning, SynthesisError, measures, query, synthesis

Z95, Z90 = 1.959963984540054, 1.6448536269514722
pytestmark = pytest.mark.filterwarnings(
    "ignore:only . studies:herbtc.HerbtcWarning",
    "ignore:tau² is estimated:herbtc.HerbtcWarning",
    "ignore:. studies are too few:herbtc.HerbtcWarning",
    "ignore:fewer than 5 studies in mechanism:herbtc.HerbtcWarning",
    "ignore:one study alone stands for:herbtc.HerbtcWarning",
    "ignore:. studies for 1 coefficient:herbtc.HerbtcWarning",
)


def medians(*rows: dict[str, Any]) -> pd.DataFrame:
    usual = {"median_months": 6.0, "low_months": 4.0, "high_months": 9.0, "level": 95.0, "not_reached": False}
    return pd.DataFrame([usual | row for row in rows]).astype({"median_months": float, "high_months": float})


def effect(measure: str, frame: pd.DataFrame) -> tuple[float, float]:
    found = measures.effects(frame, measure).iloc[0]
    return found["yi"], found["vi"]


# --- effects ----------------------------------------------------------------------------------------------------------


def test_the_error_of_a_median_comes_from_its_interval() -> None:
    yi, vi = effect("log-median", medians({}))
    assert yi == log(6.0)
    assert sqrt(vi) == pytest.approx(log(9 / 4) / (2 * Z95))


def test_a_ninety_per_cent_interval_is_read_as_one() -> None:
    _, vi = effect("log-median", medians({"level": 90.0}))
    assert sqrt(vi) == pytest.approx(log(9 / 4) / (2 * Z90))


def test_where_the_upper_end_was_not_reached_the_lower_end_tells_the_error() -> None:
    yi, vi = effect("log-median", medians({"high_months": np.nan}))
    assert yi == log(6.0)
    assert sqrt(vi) == pytest.approx(log(6 / 4) / Z95)


def test_a_one_sided_interval_is_read_by_its_one_quantile() -> None:
    frame = medians({"high_months": np.nan}).assign(sides="lower")
    _, vi = effect("log-median", frame)
    assert sqrt(vi) == pytest.approx(log(6 / 4) / Z90)


@pytest.mark.parametrize(
    "row",
    [
        {"median_months": np.nan, "not_reached": True},
        {"low_months": np.nan, "high_months": np.nan},
        {"level": np.nan},
        {"interval": "range"},
        {"interval": "iqr"},
    ],
    ids=str,
)
def test_what_tells_no_error_has_no_effect(row: dict[str, Any]) -> None:
    frame = measures.effects(medians({"interval": "ci"} | row, {"interval": "ci"}), "log-median")
    assert frame[["yi", "vi"]].iloc[0].isna().all()
    assert frame[["yi", "vi"]].iloc[1].notna().all()


def test_a_ratio_is_read_on_the_log_scale() -> None:
    # TOPAZ-1, overall survival: 0.80 (0.66-0.97), Oh 2022.
    frame = pd.DataFrame({"estimate": [0.80], "low": [0.66], "high": [0.97], "level": [95.0]})
    yi, vi = effect("log-ratio", frame)
    assert yi == log(0.8)
    assert sqrt(vi) == pytest.approx(log(0.97 / 0.66) / (2 * Z95))


def test_a_rate_at_a_time_is_read_on_the_log_log_scale() -> None:
    frame = pd.DataFrame({"percent": [50.0], "low": [34.0], "high": [64.0], "level": [95.0]})
    yi, vi = effect("log-log", frame)
    assert yi == pytest.approx(-log(-log(0.5)))
    assert sqrt(vi) == pytest.approx((-log(-log(0.64)) + log(-log(0.34))) / (2 * Z95))
    assert measures.back(yi, "log-log", np.nan).item() == pytest.approx(0.5)


@given(value=st.floats(0.01, 0.99), measure=st.sampled_from(sorted(measures.MEASURES)), n=st.integers(1, 200))
def test_there_and_back_again(value: float, measure: str, n: int) -> None:
    scale = measures.MEASURES[measure]
    there = scale.forth(np.array([value]), float(n))
    again = scale.back(there, float(n)).item()
    # Miller's inverse is that of whole numbers of n only near enough for a share of them.
    assert again == pytest.approx(value, abs=0.02 if measure == "freeman-tukey" else 1e-9)


def test_missing_columns_are_named() -> None:
    with pytest.raises(SynthesisError, match="missing: level"):
        measures.effects(medians({}).drop(columns="level"), "log-median")


# --- pooled -----------------------------------------------------------------------------------------------------------


def test_equal_effects_of_medians_by_hand() -> None:
    frame = medians({}, {"median_months": 8.0, "low_months": 6.0, "high_months": 10.0})
    first, second = (log(9 / 4) / (2 * Z95)) ** 2, (log(10 / 6) / (2 * Z95)) ** 2
    mean = (log(6) / first + log(8) / second) / (1 / first + 1 / second)
    found = synthesis.pool(measures.effects(frame, "log-median"), method="EE", test="wald")
    assert found.estimate == pytest.approx(exp(mean))
    assert found.conf_high == pytest.approx(exp(mean + Z95 / sqrt(1 / first + 1 / second)))
    assert (found.n, found.events) == (None, None)


def test_a_pooled_median_is_told_in_months() -> None:
    frame = medians({}, {"median_months": 8.0, "low_months": 6.0, "high_months": 10.0}, {}).assign(n=[30, 80, 22])
    found = synthesis.pool(measures.effects(frame, "log-median"))
    assert " months (" in repr(found)
    assert "132 patients of 3 groups were pooled as log-transformed medians" in found.describe()
    assert "The pooled median was" in found.describe()
    assert "events in" not in found.describe()
    assert f"{found.estimate:.1f} months" in found.describe()
    assert found.pred_low < found.conf_low < found.estimate < found.conf_high < found.pred_high


def test_a_pooled_ratio_has_no_unit() -> None:
    frame = pd.DataFrame(
        {"estimate": [0.8, 0.83, 0.9], "low": [0.66, 0.72, 0.7], "high": [0.97, 0.95, 1.16], "level": 95.0}
    )
    found = synthesis.pool(measures.effects(frame.assign(role="treatment", kind="hr"), "log-ratio"), test="wald")
    assert repr(found).startswith("<Pooled REML/log-ratio/wald: 0.8")
    assert "The pooled ratio was 0.8" in found.describe()


def test_medians_not_reached_are_named_because_leaving_them_out_biases() -> None:
    frame = medians({}, {}, {"median_months": np.nan, "not_reached": True}).assign(trial=["a", "b", "c"])
    with pytest.warns(HerbtcWarning, match="biases the pooled median downward: c"):
        found = synthesis.pool(measures.effects(frame, "log-median"))
    assert found.k == 2
    assert found.notes[0] == "left out for want of a confidence interval with its level: c (row 2)"


def test_the_evidence_has_a_pooled_median_and_a_pooled_ratio() -> None:
    survival = query.durations(endpoint="pfs", her2_directed=True, line="second-or-later", her2="her2-positive")
    assert survival["not_reached"].sum() == 0
    found = synthesis.pool(measures.effects(survival, "log-median"))
    assert 2 < found.conf_low < found.estimate < found.conf_high < 12
    ratios = query.contrasts(endpoint="os", trial=["topaz-1", "abc-02"], population="all")
    assert synthesis.pool(measures.effects(ratios[ratios["role"] == "treatment"], "log-ratio"), mix="line").estimate < 1
    with pytest.raises(SynthesisError, match="mix='role'"):
        synthesis.pool(
            measures.effects(ratios.assign(role=["prognostic", *["treatment"] * (len(ratios) - 1)]), "log-ratio")
        )


# --- the median of medians --------------------------------------------------------------------------------------------


def test_the_median_of_medians_is_the_middle_one() -> None:
    frame = medians(*({"median_months": value} for value in (3, 9, 5, 7, 6)))
    assert synthesis.median_of_medians(frame).estimate == 6
    assert synthesis.median_of_medians(frame.iloc[:4]).estimate == 6


def test_a_median_not_reached_keeps_its_rank() -> None:
    frame = medians(
        *({"median_months": value} for value in (3, 5, 7)), *({"median_months": np.nan, "not_reached": True},) * 2
    )
    found = synthesis.median_of_medians(frame)
    assert (found.estimate, found.conf_high, found.not_reached, found.k) == (7, np.inf, 2, 5)
    assert "2 of them not reached" in found.describe()


def test_the_interval_covers_by_the_binomial_distribution_of_ranks() -> None:
    # Eight medians, ranks 1 and 8: 1 - 2/2^8; ranks 2 and 7 would cover 1 - 2 · 9/2^8 = 93 %.
    frame = medians(*({"median_months": float(value)} for value in range(1, 9)))
    found = synthesis.median_of_medians(frame)
    assert (found.conf_low, found.conf_high) == (1, 8)
    assert found.coverage == 1 - 2 / 2**8
    assert synthesis.median_of_medians(frame, level=0.9).conf_low == 2


def test_too_few_medians_for_the_level_say_what_is_covered() -> None:
    with pytest.warns(HerbtcWarning, match="the interval covers 93.8 %"):
        found = synthesis.median_of_medians(medians(*({"median_months": float(value)} for value in range(1, 6))))
    assert found.coverage == 1 - 2 / 2**5


def test_weights_of_the_weighted_median_are_patients() -> None:
    frame = medians(*({"median_months": value} for value in (3, 5, 7, 9, 11))).assign(n=[10, 10, 10, 10, 100])
    assert synthesis.median_of_medians(frame).weighted == 11
    assert np.isnan(synthesis.median_of_medians(frame.drop(columns="n")).weighted)


def test_medians_of_different_endpoints_are_refused() -> None:
    frame = medians({"endpoint": "pfs"}, {"endpoint": "os"}, {"endpoint": "os"})
    with pytest.raises(SynthesisError, match="different endpoints"):
        synthesis.median_of_medians(frame)


@given(values=st.lists(st.floats(0.5, 60), min_size=5, max_size=30))
def test_the_median_of_medians_lies_inside_its_interval(values: list[float]) -> None:
    frame = medians(*({"median_months": value} for value in values))
    found = synthesis.median_of_medians(frame, level=0.5)
    assert min(values) <= found.conf_low <= found.estimate <= found.conf_high <= max(values)
    assert found.coverage >= 0.5
    assert found.estimate == pytest.approx(float(np.median(values)))


# --- every analysis of the evidence -----------------------------------------------------------------------------------


def progression() -> pd.DataFrame:
    """Medians of progression-free survival of HER2-directed therapy, one a study, as shipped."""
    shipped = query.durations(endpoint="pfs", her2_directed=True, her2_selected=True, btc_only=True)
    assert shipped["level"].notna().sum() >= 6
    return measures.effects(shipped, "log-median")


def survival() -> pd.DataFrame:
    """Hazard ratios of overall survival between treatments, one a study, as shipped."""
    shipped = query.contrasts(endpoint="os", population="all")
    return measures.effects(shipped[(shipped["role"] == "treatment") & (shipped["kind"] == "hr")], "log-ratio")


SHIPPED = {"log-median": progression, "log-ratio": survival}
WORDS = {
    "log-median": ("log-transformed medians", "median", " months"),
    "log-ratio": ("log-transformed ratios", "ratio", ""),
}
each_shipped = pytest.mark.parametrize("measure", sorted(SHIPPED))


def known(frame: pd.DataFrame) -> tuple[Any, Any, pd.DataFrame]:
    rows = frame.dropna(subset=["yi", "vi"])
    return rows["yi"].to_numpy(float), rows["vi"].to_numpy(float), rows


def weighted_mean(y: Any, v: Any) -> float:
    return float((y / v).sum() / (1 / v).sum())


def assert_told(result: Any, measure: str, *, natural: bool = True) -> None:
    """No result of medians or ratios counts events, speaks of a rate or shows a percentage as an estimate."""
    words, _, unit = WORDS[measure]
    told = result.describe()
    assert words in told
    assert "events" not in told
    assert not re.search(r"\brates?\b", told), told
    assert result.to_frame().shape[0] >= 1
    if natural:
        assert re.search(rf"\d\.\d+{unit} \(\d+ % .*?\d\.\d+ to \d+\.\d+", told), told


@each_shipped
def test_leaving_one_out_by_hand(measure: str) -> None:
    frame = SHIPPED[measure]()
    y, v, rows = known(frame)
    found = synthesis.leave_one_out(frame, method="EE", test="wald", mix=True)
    others = [np.arange(len(y)) != place for place in range(len(y))]
    table = found.to_frame()
    assert table["estimate"].tolist() == pytest.approx([exp(weighted_mean(y[keep], v[keep])) for keep in others])
    assert table["conf_low"].tolist() == pytest.approx(
        [exp(weighted_mean(y[keep], v[keep]) - Z95 / sqrt((1 / v[keep]).sum())) for keep in others]
    )
    assert table["events"].isna().all()
    if rows["n"].notna().all():
        assert table["n"].tolist() == [rows["n"][keep].sum() for keep in others]
    assert f"The pooled {WORDS[measure][1]} of all was" in found.describe()
    assert_told(found, measure)


@each_shipped
def test_cumulative_by_hand(measure: str) -> None:
    frame = SHIPPED[measure]()
    _, _, rows = known(frame)
    rows = rows.dropna(subset=["year"]).sort_values("year", kind="stable")
    y, v = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    found = synthesis.cumulative(frame, "year", method="EE", test="wald", mix=True)
    steps = [exp(weighted_mean(y[:k], v[:k])) for k in range(1, len(y) + 1)]
    assert found.to_frame()["estimate"].tolist() == pytest.approx(steps)
    # A first study alone stands for itself, as it is printed.
    assert steps[0] == pytest.approx(rows["median_months" if measure == "log-median" else "estimate"].iloc[0])
    assert f"the pooled {WORDS[measure][1]} moved from" in found.describe()
    assert_told(found, measure)


@each_shipped
@pytest.mark.parametrize("common", [False, True])
def test_subgroups_are_those_pooled_alone(measure: str, common: bool) -> None:  # noqa: FBT001
    frame = SHIPPED[measure]()
    _, _, rows = known(frame)
    found = synthesis.subgroups(frame, "mechanism", method="EE", test="wald", common_tau2=common, mix=True)
    table = found.to_frame().set_index("mechanism")
    for mechanism, group in rows.groupby("mechanism", observed=True):
        row = table.loc[str(mechanism)]
        y, v = group["yi"].to_numpy(float), group["vi"].to_numpy(float)
        assert row["estimate"] == pytest.approx(exp(weighted_mean(y, v)))
        assert row["k"] == len(group)
    assert_told(found, measure)


@each_shipped
def test_meta_regression_on_a_category_finds_the_ratio_of_two_means(measure: str) -> None:
    frame = SHIPPED[measure]().dropna(subset=["year"])
    frame = frame.assign(late=np.where(frame["year"].to_numpy(int) > frame["year"].median(), "late", "early"))
    _, _, rows = known(frame)
    means = {name: weighted_mean(part["yi"], part["vi"]) for name, part in rows.groupby("late")}
    found = synthesis.regress(frame, "late", method="EE", test="wald", mix=True)
    assert found.coefficients["beta"].tolist() == pytest.approx([means["early"], means["late"] - means["early"]])
    at = found.predict(pd.DataFrame({"late": ["late"]}))
    assert at["estimate"].item() == pytest.approx(exp(means["late"]))
    assert_told(found, measure, natural=False)


@each_shipped
def test_hat_values_of_equal_effects_are_weights(measure: str) -> None:
    frame = SHIPPED[measure]()
    _, v, _ = known(frame)
    found = synthesis.influence(frame, method="EE", mix=True)
    assert found.to_frame()["hat"].tolist() == pytest.approx((1 / v / (1 / v).sum()).tolist())
    assert_told(found, measure, natural=False)


@each_shipped
def test_a_bayesian_estimate_without_heterogeneity_is_that_of_equal_effects(measure: str) -> None:
    frame = SHIPPED[measure]()
    y, v, _ = known(frame)
    with pytest.raises(SynthesisError, match="prior is needed"):
        synthesis.pool_bayes(frame, mix=True)
    found = synthesis.pool_bayes(frame, prior=synthesis.HalfNormal(1e-6), mix=True)
    mean, se = weighted_mean(y, v), 1 / sqrt((1 / v).sum())
    ends = [exp(mean + sign * Z95 * se) for sign in (0, -1, 1)]
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(ends, rel=1e-6)
    assert f"The posterior median of the pooled {WORDS[measure][1]} was" in found.describe()
    assert f"The {WORDS[measure][1]} of a new study lies between" in found.describe()
    assert_told(found, measure)
    spread = synthesis.pool_bayes(frame, prior=synthesis.HalfNormal(0.5), mix=True)
    assert spread.pred_low < spread.conf_low < spread.estimate < spread.conf_high < spread.pred_high


@each_shipped
def test_an_estimate_adjusted_by_trim_and_fill_is_labelled(measure: str) -> None:
    found = synthesis.trim_and_fill(SHIPPED[measure](), mix=True)
    adjusted = found.adjusted
    assert adjusted is not None
    assert adjusted.conf_low < adjusted.estimate < adjusted.conf_high
    shown = measures.MEASURES[measure].shown(adjusted.estimate)
    assert f"Adjusted by trim and fill, the pooled {WORDS[measure][1]} was {shown} (95 % CI" in found.describe()
    assert f"adjusted {shown} (" in repr(found)
    assert any("which nobody observed" in note for note in found.notes)
    assert_told(found, measure)


# --- small studies ----------------------------------------------------------------------------------------------------


@each_shipped
@pytest.mark.parametrize("test", ["egger", "begg"])
def test_what_is_said_of_proportions_is_not_said_of_others(measure: str, test: str) -> None:
    found = synthesis.small_studies(SHIPPED[measure](), test=test, mix=True)
    assert not any("proportion" in note for note in found.notes)
    assert_told(found, measure, natural=False)


def test_tests_on_the_number_of_patients_need_it() -> None:
    frame = measures.effects(
        medians({}, {"low_months": 3.0}, {"median_months": 5.0}, {"high_months": 8.0}), "log-median"
    )
    for test in ("size", "peters"):
        with pytest.raises(SynthesisError, match=f"expected the column (n|events), which test='{test}' reads"):
            synthesis.small_studies(frame, test=test)
    some = frame.assign(n=[20, np.nan, 30, 40], trial=list("abcd"))
    with pytest.raises(SynthesisError, match=r"expected n, .* in every row; not so in b \(row 1\); .*'egger'"):
        synthesis.small_studies(some, test="size")
    assert synthesis.small_studies(some, test="egger").n is None
    assert np.isfinite(synthesis.small_studies(frame.assign(n=[20, 25, 30, 40]), test="size").statistic)


def test_trim_and_fill_needs_no_number_of_patients() -> None:
    frame = measures.effects(
        medians({}, {"low_months": 3.0}, {"median_months": 5.0}, {"high_months": 8.0}), "log-median"
    )
    found = synthesis.trim_and_fill(frame)
    assert "n" not in found.to_frame()
    assert found.n is None
