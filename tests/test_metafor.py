"""herbtc against the outputs of metafor that are pinned in reference/ (see its README for what they are)."""

from __future__ import annotations

import json
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from herbtc import HerbtcWarning, measures, synthesis
from herbtc.measures import MEASURES, PROPORTIONS

# Many of the made-up sets agree with one another; what is said then has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:tau² is estimated at its boundary:herbtc.HerbtcWarning")

if TYPE_CHECKING:
    from herbtc.measures import Floats
    from herbtc.synthesis import Pooled

REFERENCE = Path(__file__).parent / "reference"
PINNED: dict[str, Any] = json.loads((REFERENCE / "metafor.json").read_text(encoding="utf-8"))
MEASURE = {MEASURES[name].metafor: name for name in PROPORTIONS}
# metafor's test, herbtc's test, and the prediction interval that metafor gives with it.
TESTS: dict[str, dict[str, Any]] = {
    "z": {"test": "wald", "prediction": "z"},
    "knha": {"test": "hksj", "prediction": "t"},
    "adhoc": {"test": "hksj-adhoc", "prediction": "t"},
}

# Both sides are double arithmetic on well-conditioned sums: they agree to 2e-12 or better on one machine. 1e-9 leaves
# room for the mathematics libraries of other platforms; a wrong formula is off by far more.
RELATIVE = 1e-9
# The t quantile of the oldest supported SciPy (1.11) is good to 1e-9 only, which moves the ends of an interval by that
# part of its width, however near to 0 they lie.
OF_WIDTH = 1e-8
# metafor's iterations stop when tau2 moves by 1e-13 of the median variance, also on their way to 0, where no relative
# tolerance can hold; 1e-11 allows for the steps that were still to come. I2 in percent follows tau2.
OF_VARIANCE = 1e-11

# Fisher scoring ends at the nearest of several maxima; herbtc takes the highest (README, "Two maxima").
OTHER_MAXIMUM = {
    ("two-peaks", "PLO", "REML"),
    ("two-peaks", "PAS", "REML"),
    ("two-peaks", "PFT", "REML"),
    ("two-peaks", "PLN", "REML"),
    ("two-peaks-three-studies", "PLN", "REML"),
}


def names(case: dict[str, Any]) -> tuple[str, ...]:
    return tuple(case[name] for name in ("data", "measure", "method") if name in case)


EFFECTS = [pytest.param(case, id="-".join(names(case))) for case in PINNED["effects"]]
FITS = [pytest.param(case, id="-".join(names(case))) for case in PINNED["fits"] if names(case) not in OTHER_MAXIMUM]
OTHERS = [pytest.param(case, id="-".join(names(case))) for case in PINNED["fits"] if names(case) in OTHER_MAXIMUM]


@cache
def effects(data: str, measure: str) -> pd.DataFrame:
    return measures.effects(pd.read_csv(REFERENCE / "data" / f"{data}.csv"), MEASURE[measure])


def pooled(data: str, measure: str, **options: Any) -> Pooled:
    frame = effects(data, measure)
    few = pytest.warns(HerbtcWarning, match="hardly known") if len(frame) < 5 else nullcontext()
    with few:
        return synthesis.pool(frame, **options)


def near(expected: Any, absolute: float = 0.0) -> Any:
    return pytest.approx(expected, rel=RELATIVE, abs=absolute)


def log_likelihood(frame: pd.DataFrame, tau2: float, method: str) -> float:
    """Of tau2, with the mean profiled out, up to a constant; restricted for REML."""
    y, v = (frame[name].to_numpy(float) + add for name, add in (("yi", 0.0), ("vi", tau2)))
    mean = float(np.average(y, weights=1 / v))
    full = -float(np.sum(np.log(v) + (y - mean) ** 2 / v)) / 2
    return full - float(np.log(np.sum(1 / v))) / 2 if method == "REML" else full


def test_the_pinned_values_cover_every_measure_method_and_test() -> None:
    data = {path.stem for path in (REFERENCE / "data").glob("*.csv")}
    assert PINNED["absent"] == []
    assert {names(case) for case in PINNED["effects"]} == {(one, measure) for one in data for measure in MEASURE}
    assert {names(case) for case in PINNED["fits"]} == {
        (one, measure, method) for one in data for measure in MEASURE for method in synthesis.TAU2
    }
    assert all(set(case["tests"]) == set(TESTS) for case in PINNED["fits"])


@pytest.mark.parametrize("case", EFFECTS)
def test_effects_and_variances_agree(case: dict[str, Any]) -> None:
    frame = effects(case["data"], case["measure"])
    # The logit of one half is 0 on one side and may be a rounding error on the other.
    assert frame["yi"].tolist() == near(case["yi"], 1e-14)
    assert frame["vi"].tolist() == near(case["vi"])


@pytest.mark.parametrize("case", EFFECTS)
def test_cochrans_q_and_the_q_profile_interval_agree(case: dict[str, Any]) -> None:
    result = pooled(case["data"], case["measure"])
    # uniroot's usual tolerance leaves six digits; the script asks for all that doubles have, so the ends need no more
    # room than tau2 itself.
    scale = float(effects(case["data"], case["measure"])["vi"].median())
    assert [result.q, result.q_p] == near([case["Q"], case["Qp"]])
    assert [result.tau2_low, result.tau2_high] == near(case["tau2_ci"], OF_VARIANCE * scale)


@pytest.mark.parametrize("case", FITS)
def test_heterogeneity_and_mean_agree(case: dict[str, Any]) -> None:
    result = pooled(case["data"], case["measure"], method=case["method"])
    scale = float(effects(case["data"], case["measure"])["vi"].median())
    assert result.tau2 == near(case["tau2"], OF_VARIANCE * scale)
    assert result.i2 == near(case["I2"], 100 * OF_VARIANCE)
    assert [result.beta, result.h2] == near([case["beta"], case["H2"]])


@pytest.mark.parametrize("case", FITS)
def test_standard_errors_and_intervals_agree(case: dict[str, Any]) -> None:
    for test, expected in case["tests"].items():
        result = pooled(case["data"], case["measure"], method=case["method"], **TESTS[test])
        # metafor lets the ends of raw and log proportions leave 0-1.
        estimate, *ends = (np.nan if end is None else min(max(end, 0.0), 1.0) for end in expected["back"])
        assert [result.se, result.estimate] == near([expected["se"], estimate]), test
        confidence, prediction = ends[:2], ends[2:]
        assert [result.conf_low, result.conf_high] == near(confidence, OF_WIDTH * float(np.ptp(confidence))), test
        if case["method"] == "EE":
            assert np.isnan([*prediction, result.pred_low, result.pred_high]).all(), test
        else:
            assert [result.pred_low, result.pred_high] == near(prediction, OF_WIDTH * float(np.ptp(prediction))), test


@pytest.mark.parametrize("case", FITS)
def test_intervals_on_the_analysis_scale_lead_to_the_same_proportions(case: dict[str, Any]) -> None:
    n: Floats = effects(case["data"], case["measure"])["n"].to_numpy(float)
    for test, expected in case["tests"].items():
        pairs = [pair for pair in zip(expected["ends"], expected["back"][1:], strict=True) if None not in pair]
        ends, back = np.array(pairs).T
        ours = measures.back(ends, MEASURE[case["measure"]], len(n) / float(np.sum(1 / n)))
        # The pinned ends have 15 digits, and the steep middle of Miller's inverse magnifies the last of them.
        assert ours.tolist() == pytest.approx(np.clip(back, 0, 1).tolist(), rel=1e-8, abs=1e-13), test


@pytest.mark.parametrize("case", OTHERS)
def test_where_fisher_scoring_ends_elsewhere_the_likelihood_is_higher_here(case: dict[str, Any]) -> None:
    frame = effects(case["data"], case["measure"])
    result = pooled(case["data"], case["measure"], method=case["method"])
    ours, theirs = (log_likelihood(frame, tau2, case["method"]) for tau2 in (result.tau2, case["tau2"]))
    assert result.tau2 != near(case["tau2"], 1e-3 * float(frame["vi"].median()))
    assert ours > theirs + 0.01
