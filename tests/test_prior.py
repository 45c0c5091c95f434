"""Meta-analytic-predictive priors and mixtures of beta distributions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, expit, gammaln

from herbtc import HerbtcWarning, SynthesisError, UnknownKeyError, query, synthesis
from herbtc.synthesis import BetaMixture, HalfNormal

if TYPE_CHECKING:
    from herbtc.synthesis import MapPrior

SIZES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "reference" / "bayes.json").read_text("utf-8"))[
    "sizes"
]
AS = pd.DataFrame(
    {
        "events": [23, 12, 19, 9, 39, 6, 9, 10],
        "n": [107, 44, 51, 39, 139, 20, 78, 35],
        "agents": "placebo",
        "trial": [f"trial-{i}" for i in range(1, 9)],
    }
)
VIGNETTE = BetaMixture([0.6167463, 0.3832537], [19.1916387, 3.5278745], [57.7779318, 9.3735980])


def mixture(components: list[float]) -> BetaMixture:
    weights, a, b = np.array(components).reshape(-1, 3).T
    return BetaMixture(weights / weights.sum(), a, b)


# --- mixtures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", SIZES, ids=lambda case: f"{len(case['components']) // 3} components")
def test_effective_sample_sizes_of_rbest(case: dict[str, Any]) -> None:
    """RBesT's `ess`; it leaves 1e-12 of the probability out of its integral, which costs 1e-5 where a shape is 1.5."""
    prior = mixture(case["components"])
    assert prior.ess() == pytest.approx(case["elir"], rel=1e-5)
    assert prior.ess("moment") == pytest.approx(case["moment"], rel=1e-10)


def test_rbest_vignette() -> None:
    """RBesT 1.8-2, vignette "Getting started with RBesT (binary)", sections "Effective Sample Size", "Robustification".

    The effective sample sizes of the fitted mixture and of the robust one, as printed: 37, 26 (moments), 26 (robust).
    """
    robust = VIGNETTE.robust(weight=0.2, mean=0.5)
    assert [round(VIGNETTE.ess()), round(VIGNETTE.ess("moment")), round(robust.ess())] == [37, 26, 26]
    assert robust.weights == pytest.approx([0.493397, 0.306603, 0.2], abs=1e-6)
    assert (robust.a[2], robust.b[2]) == (1.0, 1.0)


shapes = st.floats(1.01, 200)


@given(shapes, shapes)
def test_a_beta_distribution_is_worth_the_sum_of_its_shapes(a: float, b: float) -> None:
    one = BetaMixture([1.0], [a], [b])
    # A mixture of two equal components is the same distribution, and takes the way of the integral.
    twice = BetaMixture([0.4, 0.6], [a, a], [b, b])
    assert one.ess() == a + b
    assert one.ess("moment") == pytest.approx(a + b, rel=1e-6)
    assert twice.ess() == pytest.approx(a + b, rel=1e-6)


def test_the_expected_ratio_is_its_definition() -> None:
    """Neuenschwander 2020, equation 2: the mean of i(p) / i_F(p), with the second derivative taken numerically."""
    prior = BetaMixture([0.3, 0.7], [3.0, 12.0], [4.0, 30.0])

    def log_density(p: float) -> float:
        return float(np.log(prior.pdf(p)))

    def integrand(p: float) -> float:
        h = 1e-4 * min(p, 1 - p)
        curvature = (log_density(p + h) - 2 * log_density(p) + log_density(p - h)) / h**2
        return -curvature * p * (1 - p) * prior.pdf(p).item()

    assert prior.ess() == pytest.approx(quad(integrand, 1e-6, 1 - 1e-6, limit=400)[0], rel=1e-4)


mixtures = st.lists(st.tuples(st.floats(0.1, 1), st.floats(1.2, 40), st.floats(1.2, 40)), min_size=1, max_size=3).map(
    lambda rows: mixture([value for row in rows for value in row])
)


def foreseen(prior: BetaMixture, n: int) -> np.ndarray[Any, Any]:
    """Probabilities of 0 … n responses: a mixture of beta-binomial distributions."""
    x = np.arange(n + 1.0)[:, None]
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    each = np.exp(choose + betaln(prior.a + x, prior.b + n - x) - betaln(prior.a, prior.b))
    return np.asarray(each @ prior.weights)


@settings(max_examples=30, deadline=None)
@given(mixtures, st.integers(1, 30))
def test_the_effective_sample_size_is_predictively_consistent(prior: BetaMixture, n: int) -> None:
    """Neuenschwander 2020: after n patients it is larger by n, on average over what the prior foresees."""
    later = [prior.posterior(events, n).ess() for events in range(n + 1)]
    assert foreseen(prior, n) @ np.array(later) == pytest.approx(prior.ess() + n, rel=1e-6)


def test_a_robust_prior_is_predictively_consistent_too() -> None:
    prior = VIGNETTE.robust()
    later = [prior.posterior(events, 20).ess() for events in range(21)]
    assert foreseen(prior, 20) @ np.array(later) == pytest.approx(prior.ess() + 20, rel=1e-8)


def test_moments_are_not_predictively_consistent() -> None:
    """The test above can fail: the sample size by moments fails it, as Neuenschwander 2020 shows."""
    prior = VIGNETTE.robust()
    later = [prior.posterior(events, 20).ess("moment") for events in range(21)]
    assert abs(foreseen(prior, 20) @ np.array(later) - prior.ess("moment") - 20) > 5


@settings(max_examples=40, deadline=None)
@given(mixtures, st.integers(0, 25), st.integers(0, 25))
def test_bayes_rule_in_one_step_or_two(prior: BetaMixture, events: int, others: int) -> None:
    at_once = prior.posterior(events, events + others)
    in_turn = prior.posterior(events, events).posterior(0, others)
    at = np.linspace(0.02, 0.98, 25)
    assert in_turn.pdf(at) == pytest.approx(at_once.pdf(at), rel=1e-9, abs=1e-300)
    likelihood = at**events * (1 - at) ** others
    unscaled = prior.pdf(at) * likelihood
    ratio = at_once.pdf(at) / unscaled
    assert ratio == pytest.approx(ratio[0], rel=1e-8)


@settings(max_examples=40, deadline=None)
@given(mixtures)
def test_density_probability_and_quantile_fit_together(prior: BetaMixture) -> None:
    assert prior.cdf(prior.quantile(np.array([0.01, 0.5, 0.99]))) == pytest.approx([0.01, 0.5, 0.99], abs=1e-9)
    at = np.linspace(0, 1, 20001)
    density = prior.pdf(at)
    assert np.trapezoid(density, at) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(density * at, at) == pytest.approx(prior.mean(), abs=1e-3)
    assert [float(prior.cdf(0.0)), float(prior.cdf(1.0)), float(prior.pdf(-0.1))] == pytest.approx([0, 1, 0])


def test_shortest_intervals_reach_to_an_end_where_the_density_rises_to_it() -> None:
    rising, falling = BetaMixture([1.0], [5.0], [1.0]), BetaMixture([1.0], [1.0], [5.0])
    end = 0.05 ** (1 / 5)
    assert list(rising.interval(0.95, "shortest")) == pytest.approx([end, 1.0])
    assert list(falling.interval(0.95, "shortest")) == pytest.approx([0.0, 1 - end])


def test_the_robust_component_gives_way_to_data_in_conflict() -> None:
    robust = BetaMixture([1.0], [20.0], [60.0]).robust(weight=0.2)
    far, near = robust.posterior(18, 20), robust.posterior(5, 20)
    assert far.weights[1] > 0.99
    assert near.weights[1] < 0.2


@pytest.mark.parametrize(
    ("weights", "a", "b", "message"),
    [
        ([0.5, 0.4], [1, 2], [1, 2], "sum to 1"),
        ([1.2, -0.2], [1, 2], [1, 2], "above 0 that sum to 1"),
        ([1.0], [0.0], [1.0], "values of a above 0"),
        ([1.0], [1.0], [np.inf], "values of b above 0"),
        ([1.0], [1.0, 2.0], [1.0], "of one length"),
        ([], [], [], "of one length"),
    ],
)
def test_what_is_no_mixture_is_refused(weights: list[float], a: list[float], b: list[float], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        BetaMixture(weights, a, b)


def test_nonsense_is_refused() -> None:
    with pytest.raises(SynthesisError, match="0 ≤ events ≤ n"):
        VIGNETTE.posterior(11, 10)
    with pytest.raises(SynthesisError, match="weight between 0 and 1"):
        VIGNETTE.robust(weight=0.0)
    with pytest.raises(SynthesisError, match="mean between 0 and 1"):
        VIGNETTE.robust(mean=1.0)
    with pytest.raises(SynthesisError, match="shapes of at least 1"):
        BetaMixture([1.0], [0.5], [0.5]).ess()
    with pytest.raises(UnknownKeyError, match="method"):
        VIGNETTE.ess("morita")  # type: ignore[arg-type]


# --- the prior from earlier groups ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spondylitis() -> MapPrior:
    return synthesis.map_prior(AS, role="same-regimen")


def test_schmidli_2014(spondylitis: MapPrior) -> None:
    """RBesT 1.8-2, vignette "Getting started with RBesT (binary)": eight groups on placebo, half-normal prior, scale 1.

    The same data as Baeten D et al. Lancet 2013;382:1705. RBesT samples; the vignette keeps few draws, so that its
    printed numbers have an error of some per cent: for the quantile 2.5 % of tau, the largest here, of a tenth.
    """
    tau = [spondylitis.tau.mean(), spondylitis.tau.sd(), *spondylitis.tau.quantile(np.array([0.025, 0.5, 0.975]))]
    assert tau == pytest.approx([0.3770, 0.2170, 0.0414, 0.3460, 0.8930], rel=0.07)
    rate = spondylitis.predictive
    found = [rate.mean(), rate.sd(), *rate.quantile(np.array([0.025, 0.5, 0.975]))]
    assert found == pytest.approx([0.2580, 0.0842, 0.1120, 0.2510, 0.4590], rel=0.04)
    assert [round(spondylitis.mixture.ess()), round(spondylitis.mixture.robust(0.2).ess())] == [37, 26]
    assert spondylitis.mixture.ess("moment") == pytest.approx(26, abs=2.5)


def test_schmidli_2014_with_less_heterogeneity() -> None:
    """The same vignette, sensitivity analysis with a half-normal prior of scale 1/2."""
    prior = synthesis.map_prior(AS, role="same-regimen", prior=HalfNormal(0.5))
    tau = [prior.tau.mean(), prior.tau.sd(), *prior.tau.quantile(np.array([0.5, 0.975]))]
    assert tau == pytest.approx([0.3340, 0.1760, 0.3120, 0.7240], rel=0.02)
    rate = prior.predictive
    assert [rate.mean(), rate.sd(), *rate.quantile(np.array([0.025, 0.5, 0.975]))] == pytest.approx(
        [0.2570, 0.0794, 0.1190, 0.2480, 0.4400], rel=0.04
    )


def test_the_mixture_is_the_predictive_distribution(spondylitis: MapPrior) -> None:
    at = np.linspace(0.02, 0.9, 60)
    assert spondylitis.mixture.cdf(at) == pytest.approx(spondylitis.predictive.cdf(at), abs=0.01)
    p = expit(np.linspace(-10, 8, 4001))
    density, fitted = spondylitis.predictive.pdf(p), spondylitis.mixture.pdf(p)
    divergence = np.trapezoid(density * np.log(density / fitted), p)
    assert spondylitis.divergence == pytest.approx(divergence, abs=1e-5)
    assert spondylitis.divergence <= 0.001


def test_more_components_are_nearer_and_no_fewer_would_do(spondylitis: MapPrior) -> None:
    each = [synthesis.map_prior(AS, role="same-regimen", components=count) for count in (1, 2, 3, 4)]
    divergences = [prior.divergence for prior in each]
    assert divergences == sorted(divergences, reverse=True)
    chosen = len(spondylitis.mixture.weights)
    assert divergences[chosen - 2] > 0.001 >= divergences[chosen - 1]
    assert [len(prior.mixture.weights) for prior in each] == [1, 2, 3, 4]


def test_a_benchmark_comes_from_standard_care() -> None:
    chemotherapy = query.proportions(endpoint="orr", trial=["abc-06", "nifty"], her2_directed=False)
    prior = synthesis.map_prior(chemotherapy.dropna(subset=["events", "n"]), role="benchmark")
    assert prior.k == 3
    assert "benchmark" in repr(prior)
    assert 0.01 < prior.predictive.median() < 0.15
    assert prior.release in prior.describe()


def test_the_success_of_other_agents_is_no_prior() -> None:
    rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    rates = rates.dropna(subset=["events", "n"])
    with pytest.raises(SynthesisError, match=r"without HER2-directed therapy.*herizon-btc-01/cohort-1"):
        synthesis.map_prior(rates, role="benchmark")
    with pytest.raises(
        SynthesisError, match=r"expected one regimen in all rows, .+ as in .+; another in .*herizon-btc-01"
    ):
        synthesis.map_prior(rates, role="same-regimen")
    with pytest.raises(TypeError, match="role"):
        synthesis.map_prior(rates)  # type: ignore[call-arg]
    with pytest.raises(UnknownKeyError, match="role"):
        synthesis.map_prior(rates, role="any")  # type: ignore[arg-type]


def test_the_rule_of_the_role_stands_when_mixing_is_allowed() -> None:
    rates = query.proportions(endpoint="orr", line=["first", "second"], reports="primary").dropna(
        subset=["events", "n"]
    )
    assert rates["mechanism"].str.contains("antibody").any()
    with pytest.raises(SynthesisError, match="without HER2-directed therapy"):
        synthesis.map_prior(rates, role="benchmark", mix=True)


def test_a_frame_that_does_not_name_regimens_is_noted() -> None:
    with pytest.warns(HerbtcWarning, match="no column agents"):
        prior = synthesis.map_prior(AS[["events", "n"]], role="same-regimen")
    assert "no column agents" in prior.notes[0]
    with pytest.warns(HerbtcWarning, match="no column mechanism"):
        synthesis.map_prior(AS, role="benchmark")


def test_what_pool_refuses_is_refused() -> None:
    with pytest.raises(SynthesisError, match="at least two studies"):
        synthesis.map_prior(AS.iloc[:1], role="same-regimen")
    with pytest.raises(SynthesisError, match="counted twice"):
        synthesis.map_prior(AS.assign(trial="one"), role="same-regimen")
    with pytest.raises(SynthesisError, match="1 to 4 components"):
        synthesis.map_prior(AS, role="same-regimen", components=5)


def test_groups_without_an_event_make_a_prior() -> None:
    none = pd.DataFrame({"events": [0, 0, 1], "n": [20, 31, 25], "agents": "a", "trial": ["x", "y", "z"]})
    prior = synthesis.map_prior(none, role="same-regimen")
    assert prior.mixture.median() < 0.05
    assert prior.mixture.ess() > 0
    assert prior.to_frame()["weight"].sum() == pytest.approx(1)


def test_html_is_escaped() -> None:
    rows = AS.astype({"events": "Int64"}).assign(trial=["<i>", *"bcdefgh"])
    rows.loc[0, "events"] = None
    html = synthesis.map_prior(rows, role="same-regimen")._repr_html_()
    assert "&lt;i&gt;" in html
    assert "<i>" not in html
