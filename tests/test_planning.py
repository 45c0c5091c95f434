"""Single-arm designs: against clinfun, published tables, brute force and simulation."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from herbtc import SynthesisError, planning
from herbtc.planning import WEAK, BayesDesign, TwoStage
from herbtc.synthesis import BetaMixture

CLINFUN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "reference" / "bayes.json").read_text("utf-8"))[
    "simon"
]
PRIOR = BetaMixture([0.7, 0.3], [16.0, 1.0], [40.0, 1.0])


# --- Simon ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CLINFUN, ids=lambda case: f"{case['p0']}-{case['p1']}")
def test_simon_designs_of_clinfun(case: dict[str, Any]) -> None:
    """clinfun 1.1.5, `twostage.admissible(ph2simon(...))`: r1, n1, r, n, mean n and probability of an early end."""
    started = perf_counter()
    designs = planning.simon(case["p0"], case["p1"], case["alpha"], case["power"])
    assert perf_counter() - started < 2
    found = designs.to_frame()
    theirs = np.array(case["designs"])
    assert found[["r1", "n1", "r", "n"]].to_numpy().tolist() == theirs[:, :4].tolist()
    assert found["expected_n"].to_numpy() == pytest.approx(theirs[:, 4], rel=1e-9)
    assert found["early_stop"].to_numpy() == pytest.approx(theirs[:, 5], rel=1e-9)
    assert (designs.minimax, designs.optimal) == (designs.admissible[0], designs.admissible[-1])


def test_tchekmedyian_2020() -> None:
    """clinfun 1.1.5, vignette "Clinical Trial Functions": p0 5 %, p1 20 %, alpha and beta 10 %, all rows as printed."""
    found = planning.simon(0.05, 0.20, 0.10, 0.90).to_frame()
    assert found[["r1", "n1", "r", "n"]].to_numpy().tolist() == [
        [0, 18, 3, 32], [0, 15, 3, 33], [0, 13, 3, 35], [0, 12, 3, 37],
    ]  # fmt: skip
    assert found["expected_n"].round(2).tolist() == [26.44, 24.66, 23.71, 23.49]
    assert found["early_stop"].round(4).tolist() == [0.3972, 0.4633, 0.5133, 0.5404]


def every_design(p0: float, p1: float, alpha: float, power: float, most: int) -> list[tuple[float, int]]:
    """The mean and the largest n of every two-stage design that holds, without any shortcut."""
    held = []
    for n in range(2, most + 1):
        for n1 in range(1, n):
            for r1 in range(n1):
                first = np.arange(r1 + 1, n1 + 1)
                for r in range(r1, n):
                    success = [float(binom.pmf(first, n1, p) @ binom.sf(r - first, n - n1, p)) for p in (p0, p1)]
                    if success[0] <= alpha and success[1] >= power:
                        held.append((n1 + binom.sf(r1, n1, p0) * (n - n1), n))
    return held


def test_no_design_is_better() -> None:
    held = every_design(0.1, 0.5, 0.1, 0.8, 16)
    designs = planning.simon(0.1, 0.5, 0.1, 0.8)
    assert float(designs.optimal.expected_n(0.1)) == pytest.approx(min(mean for mean, _ in held), rel=1e-12)
    fewest = min(n for _, n in held)
    assert designs.minimax.n == fewest
    least = min(mean for mean, n in held if n == fewest)
    assert float(designs.minimax.expected_n(0.1)) == pytest.approx(least, rel=1e-12)


def test_two_stages_by_simulation() -> None:
    design = TwoStage(r1=3, n1=13, r=12, n=43, p0=0.2, p1=0.4)
    random = np.random.default_rng(1989)
    first = random.binomial(13, 0.3, 400_000)
    second = random.binomial(30, 0.3, 400_000)
    success = np.mean((first > 3) & (first + second > 12))
    assert float(design.success(0.3)) == pytest.approx(success, abs=0.003)
    assert float(design.early_stop(0.3)) == pytest.approx(np.mean(first <= 3), abs=0.003)
    assert float(design.expected_n(0.3)) == pytest.approx(np.mean(np.where(first <= 3, 13, 43)), abs=0.1)


# --- one stage --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.5), st.floats(0.15, 0.4), st.sampled_from([0.025, 0.05, 0.1]), st.sampled_from([0.8, 0.9]))
def test_the_single_stage_design_is_the_smallest_that_holds(p0: float, by: float, alpha: float, power: float) -> None:
    design = planning.single_stage(p0, p0 + by, alpha, power)
    assert design.alpha == pytest.approx(binom.sf(design.r, design.n, p0), rel=1e-10)
    assert design.alpha <= alpha
    assert design.power >= power
    for n in range(1, design.n):
        r = int(binom.isf(alpha, n, p0))
        r = r if binom.sf(r, n, p0) <= alpha else r + 1
        assert binom.sf(r, n, p0 + by) < power


def test_clinfun_single_stage() -> None:
    """clinfun 1.1.5, ph2single(0.15, 0.4, 0.05, 0.2): 22 patients, more than 6 responses, errors 0.0368 and 0.1584."""
    design = planning.single_stage(0.15, 0.40, 0.05, 0.80)
    assert (design.n, design.r) == (22, 6)
    assert [design.alpha, 1 - design.power] == pytest.approx([0.03684009, 0.1584437], abs=5e-8)


def test_characteristics_over_all_rates() -> None:
    table = planning.single_stage(0.15, 0.40).characteristics()
    assert len(table) == 101
    assert table["success"].is_monotonic_increasing
    assert table["success"].iloc[[0, -1]].tolist() == [0.0, 1.0]
    assert (table["expected_n"] == 22).all()
    assert (table["early_stop"] == 0).all()
    two = planning.simon(0.15, 0.40).optimal.characteristics([0.0, 0.15, 0.4, 1.0])
    assert two["early_stop"].iloc[[0, -1]].tolist() == [1.0, 0.0]
    assert two["expected_n"].iloc[[0, -1]].tolist() == [7.0, 25.0]


# --- with borrowing ---------------------------------------------------------------------------------------------------


def test_the_bayesian_rule_is_the_posterior_probability() -> None:
    design = BayesDesign(PRIOR, 0.2, 25, 0.9)
    for events, probability in enumerate(design.probability()):
        posterior = PRIOR.posterior(events, 25)
        assert probability == pytest.approx(1 - float(posterior.cdf(0.2)), abs=1e-12)
    rejected = [events for events, probability in enumerate(design.probability()) if probability <= 0.9]
    assert design.r == max(rejected)
    assert float(design.success(0.3)) == pytest.approx(binom.sf(design.r, 25, 0.3), rel=1e-10)


def test_an_unknown_benchmark_is_averaged_over() -> None:
    benchmark = BetaMixture([1.0], [4.0], [40.0])
    design = BayesDesign(WEAK, benchmark, 20, 0.95)
    random = np.random.default_rng(2020)
    rate = beta.rvs(1 + 4, 1 + 16, size=400_000, random_state=random)
    against = beta.rvs(4, 40, size=400_000, random_state=random)
    assert design.probability()[4] == pytest.approx(float(np.mean(rate > against)), abs=0.003)
    # The more is known of the benchmark, the nearer is the rule to that of a fixed rate.
    sharp = BayesDesign(WEAK, BetaMixture([1.0], [4e4], [36e4]), 20, 0.95)
    assert sharp.probability() == pytest.approx(BayesDesign(WEAK, 0.1, 20, 0.95).probability(), abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 30), st.floats(1, 60), st.floats(0.05, 0.95), st.sampled_from([0.1, 0.2, 0.3]))
def test_under_strict_control_borrowing_gains_nothing(a: float, b: float, weight: float, p0: float) -> None:
    """Kopp-Schneider 2020: the calibrated rule is the exact test at every true rate, whatever the prior."""
    found = planning.borrowing(BetaMixture([1.0], [a], [b]).robust(weight), p0, p0 + 0.25)
    assert (found.calibrated.r, found.calibrated.n) == (found.exact.r, found.exact.n)
    curves = found.characteristics()
    assert curves["calibrated"].to_numpy() == pytest.approx(curves["exact"].to_numpy(), abs=0)
    # A lower cut would let one response less suffice, and break alpha.
    loose = BayesDesign(
        found.borrowed.prior, p0, found.exact.n, float(found.calibrated.probability()[found.exact.r - 1])
    )
    assert float(loose.success(p0)) > found.alpha


def test_what_borrowing_saves_is_paid_for_in_type_i_error() -> None:
    found = planning.borrowing(PRIOR, 0.15, 0.40)
    table = found.to_frame().set_index("design")
    assert table.index.tolist() == ["exact", "weak", "borrowed", "calibrated"]
    n, type1 = table["n"].to_dict(), table["type1"].to_dict()
    assert n["borrowed"] < n["exact"]
    assert type1["borrowed"] > 2 * type1["exact"]
    assert max(type1["exact"], type1["calibrated"]) <= 0.05
    assert (table["power"] >= 0.8).all()
    assert table["power"]["borrowed"] == float(found.borrowed.success(0.40))


def test_the_smallest_bayesian_design_has_the_power_and_no_smaller_one() -> None:
    design = planning.bayes_design(WEAK, 0.2, 0.45, power=0.85, cut=0.975)
    assert float(design.success(0.45)) >= 0.85
    smaller = [float(BayesDesign(WEAK, 0.2, n, 0.975).success(0.45)) for n in range(1, design.n)]
    assert max(smaller) < 0.85


# --- words and refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.4, 0.4, 0.05, 0.8), "p1 above p0"),
        ((0.4, 0.2, 0.05, 0.8), "p1 above p0"),
        ((15, 40, 0.05, 0.8), "p0 between 0 and 1"),
        ((0.2, 0.4, 0.0, 0.8), "alpha between 0 and 1"),
        ((0.2, 0.4, 0.05, 1.0), "power between 0 and 1"),
        ((0.2, 0.4, 0.9, 0.8), "power above alpha"),
        ((0.2, float("nan"), 0.05, 0.8), "p1 between 0 and 1"),
    ],
)
def test_impossible_hypotheses_are_refused(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        planning.single_stage(*arguments)
    with pytest.raises(SynthesisError, match=message):
        planning.simon(*arguments)


def test_rates_too_close_for_a_trial_are_refused() -> None:
    with pytest.raises(SynthesisError, match=r"2000 patients are not enough to tell 0\.41 from 0\.4"):
        planning.single_stage(0.40, 0.41)
    with pytest.raises(SynthesisError, match="250 patients are not enough"):
        planning.simon(0.40, 0.45)


def test_impossible_bayesian_designs_are_refused() -> None:
    with pytest.raises(SynthesisError, match="cut between 0 and 1"):
        BayesDesign(WEAK, 0.2, 20, 95)
    with pytest.raises(SynthesisError, match="benchmark between 0 and 1"):
        BayesDesign(WEAK, 20, 20, 0.95)
    with pytest.raises(SynthesisError, match="at least one patient"):
        BayesDesign(WEAK, 0.2, 0, 0.95)
    with pytest.raises(SynthesisError, match="400 patients are not enough"):
        planning.bayes_design(WEAK, 0.2, 0.2, power=0.9)
    with pytest.raises(SynthesisError, match="rate between 0 and 1"):
        planning.single_stage(0.2, 0.4).characteristics([0.2, 1.2])


@pytest.mark.parametrize(
    "design",
    [
        planning.single_stage(0.15, 0.4),
        planning.simon(0.15, 0.4).optimal,
        BayesDesign(PRIOR, 0.15, 22, 0.95),
        BayesDesign(PRIOR, WEAK, 22, 0.95),
        planning.borrowing(PRIOR, 0.15, 0.4),
    ],
    ids=lambda design: type(design).__name__,
)
def test_designs_say_what_they_are(design: Any) -> None:
    text = design.describe()
    assert "22 patients" in text or "25 patients in all" in text
    assert "Computed with herbtc" in text
    assert design._repr_html_().startswith("<p>")
    assert "<Beta" not in design._repr_html_()


def test_the_table_of_designs_is_html() -> None:
    assert planning.simon(0.15, 0.4)._repr_html_().count("<tr") == 1 + len(planning.simon(0.15, 0.4).admissible)


def test_no_outside_state() -> None:
    first = planning.simon(0.15, 0.4).to_frame()
    pd.testing.assert_frame_equal(first, planning.simon(0.15, 0.4).to_frame())
