"""Moderators, subgroups, deletions, orders and small studies against metafor, as pinned in reference/structure.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from herbtc import measures, synthesis
from herbtc.measures import MEASURES, PROPORTIONS

if TYPE_CHECKING:
    import numpy.typing as npt

    from herbtc.measures import Floats

    Flags = npt.NDArray[np.bool_]

# What is said about few studies and tau² of 0 has tests of its own.
pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

REFERENCE = Path(__file__).parent / "reference"
PINNED: dict[str, Any] = json.loads((REFERENCE / "structure.json").read_text(encoding="utf-8"))
MEASURE = {"GEN": "raw", **{MEASURES[name].metafor: name for name in PROPORTIONS}}
TESTS = {"z": "wald", "knha": "hksj", "adhoc": "hksj-adhoc"}
MODELS = {"number": ["number"], "category": ["category"], "number+category": ["number", "category"]}

# metafor solves with moderators as they stand, herbtc in an orthonormal basis: both lose a few of 16 digits.
RELATIVE = 1e-8
# Where iterations end near tau² = 0 there is no relative tolerance: this part of the median variance.
OF_VARIANCE = 1e-10

# Fisher scoring ends at tau² = 0 there, the lower of two maxima; herbtc takes the higher (README, "Two maxima").
OTHER_MAXIMUM = {("bcg", "ML"): 5}

case_of = pytest.mark.parametrize("case", PINNED["cases"], ids=lambda case: f"{case['data']}-{case['measure']}")


@cache
def effects(data: str, measure: str) -> pd.DataFrame:
    rows = pd.read_csv(REFERENCE / "structure" / f"{data}.csv")
    if measure == "GEN":
        return rows.assign(events=1, n=2, measure="raw")
    return measures.effects(rows, MEASURE[measure])


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    return effects(case["data"], case["measure"])


def scale(frame: pd.DataFrame) -> float:
    return float(frame["vi"].median())


def near(expected: Any, absolute: float = 0.0) -> Any:
    return pytest.approx(np.asarray(expected, float), rel=RELATIVE, abs=absolute, nan_ok=True)


def harmonic(frame: pd.DataFrame) -> float:
    return len(frame) / float((1 / frame["n"]).sum())


def natural(frame: pd.DataFrame, values: Any, n: float | None = None) -> Floats:
    return measures.back(np.asarray(values, float), frame["measure"].iloc[0], harmonic(frame) if n is None else n)


def test_the_pinned_values_cover_every_analysis() -> None:
    """One case is absent: where three studies agree exactly, a Knapp-Hartung error is 0 and metafor stops."""
    assert {(each["case"].split(" ")[0], each["case"].split(" ")[-1]) for each in PINNED["absent"]} == {
        ("homogeneous", "knha")
    }
    for case in PINNED["cases"]:
        assert {(one["model"], one["method"]) for one in case["regressions"]} == {
            (model, method) for model in MODELS for method in synthesis.TAU2
        }
        for kind in ("leave_one_out", "cumulative"):
            assert {one["method"] for one in case[kind]} == set(synthesis.TAU2)
        assert all(set(one["tests"]) == set(TESTS) for kind in ("regressions", "cumulative") for one in case[kind])


@case_of
def test_meta_regression(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    for expected in case["regressions"]:
        model, where = MODELS[expected["model"]], (expected["model"], expected["method"])
        for test, numbers in expected["tests"].items():
            ours = synthesis.regress(frame, model, method=expected["method"], test=TESTS[test])
            table = ours.coefficients
            small = 1e-8 * numbers["se"][0]
            assert table["beta"].to_numpy() == near(numbers["beta"], small), where
            assert table["se"].to_numpy() == near(numbers["se"]), where
            assert table["p"].to_numpy() == near(numbers["p"], 1e-12), where
            assert table["beta_low"].to_numpy() == near(numbers["low"], small), where
            assert table["beta_high"].to_numpy() == near(numbers["high"], small), where
            assert [ours.qm, ours.qm_p] == near([numbers["qm"], numbers["qm_p"]], 1e-12), where
        assert ours.tau2 == near(expected["tau2"], OF_VARIANCE * scale(frame)), where
        assert [ours.i2, ours.h2] == near([expected["i2"], expected["h2"]], 100 * OF_VARIANCE), where
        assert [ours.qe, ours.qe_p] == near([expected["q"], expected["q_p"]]), where
        if expected["method"] == "EE" or synthesis.pool(frame, method=expected["method"]).tau2 == 0:
            # metafor takes an R² of another kind for equal effects, and 0 where there was no tau² to account for.
            assert np.isnan(ours.r2), where
        else:
            assert ours.r2 == near(expected["r2"], 1e-6), where


@case_of
def test_predictions_of_a_meta_regression(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    for expected in case["regressions"]:
        for test, numbers in expected["tests"].items():
            options = {"method": expected["method"], "test": TESTS[test], "prediction": "z" if test == "z" else "t"}
            ours = synthesis.regress(frame, MODELS[expected["model"]], **options).predict(frame.head(3))
            small = 1e-8 * max(numbers["pred_se"])
            assert ours["beta"].to_numpy() == near(numbers["pred"], small)
            assert ours["se"].to_numpy() == near(numbers["pred_se"])
            for name in ("conf_low", "conf_high", "pred_low", "pred_high"):
                theirs = numbers[name]
                if expected["method"] == "EE" and name.startswith("pred"):
                    assert ours[name].isna().all()
                else:
                    assert ours[name].to_numpy() == near(natural(frame, theirs), 1e-8), name


@case_of
def test_the_q_profile_interval_of_the_residual_tau2(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    for model, interval in case["profiles"].items():
        ours = synthesis.regress(frame, MODELS[model])
        assert [ours.tau2_low, ours.tau2_high] == near(interval, OF_VARIANCE * scale(frame)), model


def same_refits(
    frame: pd.DataFrame, ours: pd.DataFrame, expected: dict[str, Any], se: list[float], rows: Flags
) -> None:
    # metafor has no tau² for equal effects, and says that a single study has none.
    theirs = pd.DataFrame({name: expected[name] for name in ("beta", "tau2", "i2", "h2", "q", "q_p")} | {"se": se})
    theirs = theirs.fillna({"tau2": 0.0}).astype(float)
    single = (ours["k"] == 1).to_numpy()
    absolute = {"tau2": OF_VARIANCE * scale(frame), "i2": 1e-7, "h2": 0.0, "q": 1e-12, "q_p": 1e-12}
    for name in ("beta", "se"):
        assert ours[name].to_numpy()[rows] == near(theirs[name][rows], 1e-9 * ours["se"].min()), (
            expected["method"],
            name,
        )
    for name, small in absolute.items():
        found = ours[name].to_numpy()
        assert found[rows & ~single] == near(theirs[name][rows & ~single], small), (expected["method"], name)
        assert np.isnan(found[single]).all(), name


@case_of
def test_leave_one_out(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    n = [harmonic(frame.drop(row)) for row in frame.index]
    for expected in case["leave_one_out"]:
        for test, numbers in expected["tests"].items():
            ours = synthesis.leave_one_out(frame, method=expected["method"], test=TESTS[test]).to_frame()
            same_refits(frame, ours, expected, numbers["se"], np.ones(len(ours), bool))
            for name, end in (("conf_low", "low"), ("conf_high", "high")):
                theirs = [natural(frame, *pair).item() for pair in zip(numbers[end], n, strict=True)]
                assert ours[name].to_numpy() == near(theirs, 1e-9), (expected["method"], test)


@case_of
def test_cumulative(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    ordered = frame.sort_values("order", kind="stable")
    n = [harmonic(ordered.head(k)) for k in range(1, len(frame) + 1)]
    for expected in case["cumulative"]:
        for test, numbers in expected["tests"].items():
            ours = synthesis.cumulative(frame, "order", method=expected["method"], test=TESTS[test]).to_frame()
            assert ours.index.tolist() == ordered.index.tolist()
            rows = np.arange(len(ours)) != OTHER_MAXIMUM.get((case["data"], expected["method"]))
            same_refits(frame, ours, expected, numbers["se"], rows)
            for name, end in (("conf_low", "low"), ("conf_high", "high")):
                theirs = np.array([natural(frame, *pair).item() for pair in zip(numbers[end], n, strict=True)])
                assert ours[name].to_numpy()[rows] == near(theirs[rows], 1e-9), (expected["method"], test)


def test_where_fisher_scoring_ends_elsewhere_the_likelihood_is_higher_here() -> None:
    case = PINNED["cases"][0]
    ordered = effects("bcg", "GEN").sort_values("order", kind="stable").head(6)
    (expected,) = (one for one in case["cumulative"] if one["method"] == "ML")
    ours = synthesis.cumulative(ordered, "order", method="ML").to_frame().iloc[5]

    def log_likelihood(tau2: float) -> float:
        y, v = ordered["yi"].to_numpy(), ordered["vi"].to_numpy() + tau2
        mean = float(np.average(y, weights=1 / v))
        return -float(np.sum(np.log(v) + (y - mean) ** 2 / v)) / 2

    assert log_likelihood(ours["tau2"]) > log_likelihood(expected["tau2"][5]) + 0.1


@case_of
def test_influence(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    names = ["rstudent", "dffits", "cook_d", "cov_ratio", "tau2_del", "qe_del", "hat", "weight"]
    for expected in case["influence"]:
        model = MODELS.get(expected["model"], [])
        ours = synthesis.influence(frame, moderators=model, method=expected["method"]).to_frame()
        where = (expected["model"], expected["method"])
        for name in names:
            absolute = OF_VARIANCE * scale(frame) if name == "tau2_del" else 1e-9
            assert ours[name].to_numpy() == near(expected[name], absolute), (*where, name)
        dfbetas = ours[[name for name in map(str, ours.columns) if name.startswith("dfbetas")]].to_numpy()
        assert dfbetas == near(np.array(expected["dfbetas"], float).T, 1e-9), where
        assert ours["influential"].tolist() == expected["influential"], where


@case_of
def test_subgroups(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    groups = [part for _, part in frame.groupby("category")]
    for expected in case["subgroups"]:
        options = {"method": expected["method"], "test": TESTS[expected["test"]]}
        for numbers, common in ((expected, False), (expected["common"], True)):
            ours = synthesis.subgroups(frame, "category", common_tau2=common, **options)
            table, where = ours.to_frame().iloc[:-1], (expected["method"], expected["test"], common)
            several = (table["k"] > 1).to_numpy()
            assert table["beta"].to_numpy() == near(numbers["beta"], 1e-9), where
            assert table["se"].to_numpy() == near(numbers["se"]), where
            tau2 = np.broadcast_to(np.asarray(numbers["tau2"], float), len(table))
            assert table["tau2"].to_numpy()[several] == near(tau2[several], OF_VARIANCE * scale(frame)), where
            assert [ours.q_between, ours.q_between_p] == near([numbers["q_between"], numbers["q_between_p"]], 1e-12), (
                where
            )
            for name, end in (("conf_low", "low"), ("conf_high", "high")):
                theirs = [
                    natural(frame, value, harmonic(part)).item()
                    for value, part in zip(numbers[end], groups, strict=True)
                ]
                assert table[name].to_numpy() == near(theirs, 1e-9), (*where, name)


@case_of
def test_trim_and_fill(case: dict[str, Any]) -> None:
    """Where L0 is below 0, metafor's standard error is that of a negative number of studies, or NaN; herbtc's of 0."""
    frame = frame_of(case)
    for expected in case["fills"]:
        where = [expected[name] for name in ("method", "estimator", "asked")]
        side = None if expected["asked"] == "auto" else expected["asked"]
        ours = synthesis.trim_and_fill(frame, side=side, estimator=expected["estimator"], method=expected["method"])
        assert (ours.side, ours.missing) == (expected["side"], expected["k0"]), where
        imputed = ours.to_frame().query("imputed").sort_values("yi")
        theirs = pd.DataFrame({"yi": np.atleast_1d(expected["yi"]), "vi": np.atleast_1d(expected["vi"])}, dtype=float)
        theirs = theirs.sort_values("yi")
        assert imputed["yi"].to_numpy() == near(theirs["yi"]), where
        assert imputed["vi"].to_numpy() == near(theirs["vi"]), where
        if expected["k0"] > 0:
            assert ours.missing_se == near(expected["se"]), where


@case_of
def test_estimates_adjusted_by_trim_and_fill(case: dict[str, Any]) -> None:
    """metafor adjusts anything; herbtc what is no proportion, so that the same effects stand here as log ratios."""
    frame = frame_of(case).assign(measure="log-ratio", estimate=np.nan, low=np.nan, high=np.nan, level=np.nan)
    for expected in case["fills"]:
        where = [expected[name] for name in ("method", "estimator", "asked")]
        side = None if expected["asked"] == "auto" else expected["asked"]
        ours = synthesis.trim_and_fill(
            frame, side=side, estimator=expected["estimator"], method=expected["method"], test="wald"
        )
        assert ours.adjusted is not None
        beta, low, high = expected["adjusted"]
        assert ours.adjusted.beta == near(beta, 1e-9), where
        found = [ours.adjusted.estimate, ours.adjusted.conf_low, ours.adjusted.conf_high]
        assert found == near(np.exp([beta, low, high])), where


@case_of
def test_small_studies(case: dict[str, Any]) -> None:
    frame = frame_of(case)
    assert set(case["small"]) == ({"egger", "begg"} if case["measure"] == "GEN" else set(synthesis.SMALL_STUDIES))
    for test, expected in case["small"].items():
        ours = synthesis.small_studies(frame, test=test)
        assert [ours.statistic, ours.p] == near([expected["statistic"], expected["p"]], 1e-12), test
        assert ours.slope == near(expected["slope"]), test
