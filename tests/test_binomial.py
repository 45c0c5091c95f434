"""The binomial-normal model: its likelihood by brute force, its maximum, its intervals, and data at the edge."""

from __future__ import annotations

import json
import warnings
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betainc, expit, gammaln

from herbtc import HerbtcWarning, SynthesisError, UnknownKeyError, measures, synthesis
from herbtc.synthesis._likelihood import Counts

pytestmark = pytest.mark.filterwarnings("ignore:.*:herbtc.HerbtcWarning")

REFERENCE = Path(__file__).parent / "reference"
GLMM: dict[str, Any] = json.loads((REFERENCE / "glmm.json").read_text("utf-8"))
HER2 = ([33, 8, 1, 10, 9, 14, 4, 9, 50], [80, 22, 8, 34, 39, 30, 25, 41, 90])


def rates(events: list[int], n: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"events": events, "n": n})


def shipped(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")[["events", "n"]]


def brute_force(events: list[int], n: list[int], mean: float, tau: float) -> float:
    """Return the log-likelihood by adaptive quadrature over each study's log odds, from its definition."""
    total = 0.0
    for x, size in zip(events, n, strict=True):
        choose = gammaln(size + 1) - gammaln(x + 1) - gammaln(size - x + 1)

        def density(z: float, x: int = x, size: int = size, choose: float = choose) -> float:
            eta = mean + tau * z
            return float(np.exp(choose + x * eta - size * np.logaddexp(0, eta) - z**2 / 2) / np.sqrt(2 * np.pi))

        # The integrand has its bulk where the study's own rate lies, so the range is cut there.
        own = (np.log((x + 0.5) / (size - x + 0.5)) - mean) / tau
        cuts = sorted({-14.0, *np.clip([own - 1, own, own + 1, -1, 1, 5, -5], -14, 14).tolist(), 14.0})
        total += np.log(sum(quad(density, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(cuts)))
    return float(total)


# --- the likelihood ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "tau"), [(-0.6, 0.05), (-0.6, 0.5), (0.4, 1.0), (-1.0, 1.9), (-1.0, 2.1), (0.0, 4.0), (-3.0, 8.0)]
)
@pytest.mark.parametrize(
    "counts", [HER2, ([0, 5, 12], [9, 5, 30]), ([1, 300], [400, 500])], ids=["her2", "edge", "large"]
)
def test_the_likelihood_is_that_of_brute_force(counts: tuple[list[int], list[int]], mean: float, tau: float) -> None:
    fast = Counts.of(*(np.array(each, float) for each in counts)).at(mean, tau).value
    assert fast == pytest.approx(brute_force(*counts, mean, tau), abs=2e-7)


@pytest.mark.parametrize("tau", [0.3, 1.2, 3.0])
def test_slopes_and_curvatures_are_those_of_the_likelihood(tau: float) -> None:
    counts, step = Counts.of(*(np.array(each, float) for each in HER2)), 1e-5
    point = counts.at(-0.7, tau)
    moved = {
        "mean": (counts.at(-0.7 + step, tau), counts.at(-0.7 - step, tau)),
        "tau": (counts.at(-0.7, tau + step), counts.at(-0.7, tau - step)),
    }
    for place, (up, down) in enumerate(moved.values()):
        assert point.slope[place] == pytest.approx((up.value - down.value) / (2 * step), rel=1e-5, abs=1e-5)
        assert point.curvature[place].tolist() == pytest.approx(
            ((up.slope - down.slope) / (2 * step)).tolist(), rel=1e-4, abs=1e-5
        )


@pytest.mark.parametrize("name", sorted(GLMM["fits"]))
def test_the_estimate_is_the_highest_point_of_the_brute_force_likelihood(name: str) -> None:
    frame = shipped(name)
    found = synthesis.pool_binomial(frame)
    events, n = frame["events"].tolist(), frame["n"].tolist()
    tau = np.sqrt(found.tau2)

    def height(mean: float, spread: float) -> float:
        if spread < 1e-6:
            return Counts.of(frame["events"].to_numpy(float), frame["n"].to_numpy(float)).at(mean, 0.0).value
        return brute_force(events, n, mean, spread)

    top = height(found.beta, tau)
    # A step of 1e-3 in any direction costs; at a curvature of c, an error of 1e-6 in place costs c · 1e-12.
    for d_mean, d_tau in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3), (7e-4, 7e-4), (-7e-4, 7e-4)):
        assert height(found.beta + d_mean, abs(tau + d_tau)) <= top + 1e-9


@pytest.mark.parametrize("name", sorted(GLMM["fits"]))
def test_metafor_agrees(name: str) -> None:
    fit, found = GLMM["fits"][name], synthesis.pool_binomial(shipped(name))
    assert found.q == pytest.approx(fit["q"], rel=1e-8)
    assert found.q_p == pytest.approx(fit["q_p"], rel=1e-6)
    # lme4 stops before its maximum; where tau is above 6, fifty nodes about the mode do not reach a study without
    # events, so its tau² is a thousandth off (the test above shows that ours is the maximum).
    slack = 100 if name == "zero-and-full" else 1
    assert found.beta == pytest.approx(fit["beta"], rel=2e-5 * slack, abs=2e-5 * slack)
    assert found.se == pytest.approx(fit["se"], rel=2e-5 * slack, abs=2e-5 * slack)
    assert found.tau2 == pytest.approx(fit["tau2"], rel=2e-5 * slack, abs=2e-5 * slack)
    assert found.i2 == pytest.approx(fit["i2"], abs=2e-3 * slack)


# --- intervals --------------------------------------------------------------------------------------------------------


def test_ends_of_the_profile_interval_lie_where_the_likelihood_has_dropped() -> None:
    found = synthesis.pool_binomial(rates(*HER2))
    top = brute_force(*HER2, found.beta, np.sqrt(found.tau2))
    for rate in (found.conf_low, found.conf_high):
        mean = float(np.log(rate / (1 - rate)))
        # The best tau for this mean, on a grid and then nearer: no optimiser of ours is used.
        grid = np.linspace(0.02, 2.0, 60)
        for _ in range(3):
            heights = [brute_force(*HER2, mean, float(tau)) for tau in grid]
            best = grid[int(np.argmax(heights))]
            grid = np.linspace(max(0.005, best - (grid[1] - grid[0])), best + (grid[1] - grid[0]), 15)
        assert 2 * (top - max(heights)) == pytest.approx(3.841458820694124, abs=1e-3)


def test_the_profile_interval_of_tau_leaves_out_what_is_unlikely() -> None:
    found = synthesis.pool_binomial(rates(*HER2))
    assert 0 < found.tau2_low < found.tau2 < found.tau2_high
    wider = synthesis.pool_binomial(rates(*HER2), level=0.99)
    assert wider.tau2_low < found.tau2_low
    assert wider.tau2_high > found.tau2_high
    assert found.i2_low < found.i2 < found.i2_high


def test_wald_ends_are_symmetric_in_log_odds() -> None:
    found = synthesis.pool_binomial(rates(*HER2), interval="wald")
    low, high = (np.log(rate / (1 - rate)) for rate in (found.conf_low, found.conf_high))
    assert (low + high) / 2 == pytest.approx(found.beta)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * found.se)


def test_with_one_rate_for_all_the_profile_interval_is_that_of_all_patients() -> None:
    # Rates that agree exactly: tau² = 0, and the likelihood is that of 27 of 90.
    found = synthesis.pool_binomial(rates([9, 9, 9], [30, 30, 30]), level=0.5)
    assert found.tau2 == 0
    assert found.estimate == pytest.approx(0.3)
    assert any("boundary" in note for note in found.notes)
    for rate in (found.conf_low, found.conf_high):
        drop = 27 * np.log(0.3 / rate) + 63 * np.log(0.7 / (1 - rate))
        assert 2 * drop <= 0.4549364231195724 + 1e-6  # with a tau of its own the profile is no lower


@pytest.mark.parametrize("prediction", ["t", "z", "hts"])
def test_prediction_intervals_follow_the_convention(prediction: Any) -> None:
    quantile = {"t": 2.306004135204166, "z": 1.959963984540054, "hts": 2.3646242515927844}[prediction]
    found = synthesis.pool_binomial(rates(*HER2), prediction=prediction)
    reach = quantile * np.sqrt(found.se**2 + found.tau2)
    assert found.pred_low == pytest.approx(float(expit(found.beta - reach)), rel=1e-9)
    assert found.pred_high == pytest.approx(float(expit(found.beta + reach)), rel=1e-9)


# --- at the edge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", [True, False], ids=["none", "all"])
@pytest.mark.parametrize("n", [[9, 12, 20], [5, 5], [1, 1, 1, 1, 1, 1]], ids=str)
def test_no_events_at_all_have_an_exact_one_sided_limit(n: list[int], *, none: bool) -> None:
    found = synthesis.pool_binomial(rates([0] * len(n) if none else n, n))
    assert found.estimate == (0.0 if none else 1.0)
    free, bound = (found.conf_low, found.conf_high) if none else (found.conf_high, found.conf_low)
    assert free == found.estimate
    # 5 % of the time so few events would be seen if the rate were the limit: (1 - p)^n = 0.05.
    assert (1 - bound if none else bound) ** sum(n) == pytest.approx(0.05, rel=1e-9)
    assert np.isnan([found.tau2, found.tau2_low, found.tau2_high, found.i2, found.h2, found.se, found.pred_low]).all()
    assert np.isnan(found.marginal())
    assert any("tau² is not identified" in note for note in found.notes)
    assert "tau² is not identified" in found.describe()
    assert "nan" not in found.describe()


def test_studies_with_none_or_all_only_have_a_result_that_says_what_it_is_worth() -> None:
    with pytest.warns(HerbtcWarning, match="tau² is not identified"):
        found = synthesis.pool_binomial(rates([0, 10, 0, 12], [10, 10, 9, 12]))
    assert found.conf_low < 0.001 < found.estimate < 0.999 < found.conf_high
    assert any("of little use" in note for note in found.notes)


@pytest.mark.parametrize(
    ("events", "n", "tau2", "conf_low", "conf_high"),
    [
        ([2, 13], [10, 13], 16.645679, 3.91155e-06, 1),
        ([0, 11], [33, 44], 5.5885136, 6.28652e-15, 0.99564321),
    ],
    ids=str,
)
def test_profiles_reach_as_far_as_a_solver_of_fixed_nodes(
    events: list[int], n: list[int], tau2: float, conf_low: float, conf_high: float
) -> None:
    # Far from the peak the best tau is large; values of a second solver, checked with 40,001 fixed nodes.
    found = synthesis.pool_binomial(rates(events, n))
    assert found.tau2 == pytest.approx(tau2, rel=1e-6)
    assert found.conf_low == pytest.approx(conf_low, rel=1e-3)
    assert found.conf_high == pytest.approx(conf_high, rel=1e-4)


@pytest.mark.parametrize(
    ("events", "n"),
    [
        ([3, 4], [10, 11]),
        ([0, 1], [10, 10]),
        ([0, 0, 1], [10, 12, 9]),
        ([10, 9], [10, 10]),
        ([0, 0, 0, 30], [10, 20, 30, 40]),
        ([1, 38, 2, 40], [40, 40, 50, 41]),
        ([1, 10**6], [10**6, 3 * 10**6]),
        ([1] * 40, [2] * 40),
    ],
    ids=str,
)
def test_hostile_but_valid_studies_have_finite_ordered_results(events: list[int], n: list[int]) -> None:
    found = synthesis.pool_binomial(rates(events, n))
    assert 0 <= found.conf_low < found.estimate < found.conf_high <= 1
    assert 0 <= found.pred_low < found.estimate < found.pred_high <= 1
    assert np.isfinite([found.beta, found.se, found.tau2, found.q]).all()
    assert found.tau2_low <= found.tau2 <= found.tau2_high


def test_two_studies_come_with_a_warning_and_one_is_refused() -> None:
    with pytest.warns(HerbtcWarning, match="only 2 studies"):
        synthesis.pool_binomial(rates([3, 4], [10, 11]))
    with pytest.raises(SynthesisError, match="expected at least two studies"):
        synthesis.pool_binomial(rates([3], [10]))


def test_what_pooling_refuses_is_refused_here_too() -> None:
    frame = rates([3, 4, 5], [10, 11, 12]).assign(trial=["a", "b", "b"], arm=["x", "x", "x"])
    with pytest.raises(SynthesisError, match="counted twice"):
        synthesis.pool_binomial(frame)
    with pytest.raises(UnknownKeyError, match="profile"):
        synthesis.pool_binomial(rates([3, 4], [10, 11]), interval="profiles")  # type: ignore[arg-type]
    with pytest.raises(SynthesisError, match="level between 0 and 1"):
        synthesis.pool_binomial(rates([3, 4], [10, 11]), level=95)
    with pytest.raises(SynthesisError, match="expected 0 ≤ events ≤ n"):
        synthesis.pool_binomial(rates([13, 4], [10, 11]))


# --- properties -------------------------------------------------------------------------------------------------------

groups = st.lists(
    st.integers(1, 90).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=12
)


def quiet(frame: pd.DataFrame) -> synthesis.Pooled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HerbtcWarning)
        return synthesis.pool_binomial(frame)


@given(groups=groups)
def test_events_and_non_events_are_mirror_images(groups: list[tuple[int, int]]) -> None:
    events, n = map(list, zip(*groups, strict=True))
    one, other = quiet(rates(events, n)), quiet(rates([size - x for x, size in groups], n))
    # Where tau² is not identified, the likelihood is nearly flat at the largest tau tried and its peak less exact.
    exact = not any("not identified" in note for note in one.notes)
    assert one.estimate == pytest.approx(1 - other.estimate, abs=1e-6 if exact else 1e-3)
    assert one.conf_low == pytest.approx(1 - other.conf_high, abs=1e-5 if exact else 1e-3)
    assert np.isnan(one.tau2) == np.isnan(other.tau2)
    assert np.isnan(one.tau2) or one.tau2 == pytest.approx(other.tau2, rel=1e-4, abs=1e-6)


@given(groups=groups, seed=st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(groups: list[tuple[int, int]], seed: Any) -> None:
    shuffled = seed.sample(groups, len(groups))
    one, other = (quiet(rates(*map(list, zip(*each, strict=True)))) for each in (groups, shuffled))
    assert one.estimate == pytest.approx(other.estimate, abs=1e-7)
    assert one.conf_high == pytest.approx(other.conf_high, abs=1e-6)


@given(groups=groups)
def test_the_interval_contains_the_estimate_and_never_has_no_width(groups: list[tuple[int, int]]) -> None:
    found = quiet(rates(*map(list, zip(*groups, strict=True))))
    assert found.conf_low <= found.estimate <= found.conf_high
    assert found.conf_high - found.conf_low > 1e-9
    assert found.weights.sum() == pytest.approx(1)


def test_where_counts_are_large_the_two_stage_model_agrees() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(4000, 9000, 15)
    events = rng.binomial(n, expit(rng.normal(-0.5, 0.4, 15)))
    frame = rates(events.tolist(), n.tolist())
    exact = synthesis.pool_binomial(frame)
    two_stage = synthesis.pool(measures.effects(frame, "logit"), method="ML", test="wald")
    assert exact.estimate == pytest.approx(two_stage.estimate, abs=2e-4)
    assert exact.tau2 == pytest.approx(two_stage.tau2, rel=0.01)


def test_the_limit_of_no_events_is_the_one_of_the_beta_distribution() -> None:
    found = synthesis.pool_binomial(rates([0, 0], [15, 15]))
    assert betainc(1, 30, found.conf_high) == pytest.approx(0.95)


def test_a_quiet_result_has_no_warning() -> None:
    with nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert synthesis.pool_binomial(rates(*HER2)).notes == ()
