"""Medians, ratios and rates at a time: effects from printed intervals, pooled, and the median of medians."""

from __future__ import annotations

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
