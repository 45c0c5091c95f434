"""Bayesian random-effects models: against bayesmeta, brute force, published results and hostile input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.special import log_expit, ndtr

from herbtc import HerbtcWarning, SynthesisError, UnknownKeyError, measures, query, synthesis
from herbtc.synthesis import HalfCauchy, HalfNormal, Normal
from herbtc.synthesis._bayes import Marginals, binomial_normal, normal_normal
from herbtc.synthesis._distributions import Natural

if TYPE_CHECKING:
    from herbtc.synthesis import Posterior

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "bayes.json").read_text("utf-8"))
PRIORS: dict[str, type[HalfNormal | HalfCauchy]] = {"half-normal": HalfNormal, "half-cauchy": HalfCauchy}
FRAME = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
EFFECTS = measures.effects(FRAME, "logit")


def summary(distribution: Any) -> list[float]:
    """Median, mean, standard deviation, central and shortest 95 % interval."""
    return [
        distribution.median(),
        distribution.mean(),
        distribution.sd(),
        *distribution.interval(0.95, "central"),
        *distribution.interval(0.95, "shortest"),
    ]


# --- against bayesmeta ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", REFERENCE["models"], ids=lambda case: f"{case['case']}-{case['family']}")
def test_bayesmeta(case: dict[str, Any]) -> None:
    """bayesmeta with its grid over tau made finer than its default, in units of the posterior standard deviation.

    The marginal of tau needs no grid and agrees to 1e-10. bayesmeta finds the other quantiles to about 1e-5, and the
    ends of shortest intervals by minimising a length, which is flat there, to about 1e-4.
    """
    mean = None if case["sd"] is None else Normal(case["mean"], case["sd"])
    y, v = np.array(case["y"]), np.array(case["sigma"]) ** 2
    ours = normal_normal(y, v, PRIORS[case["family"]](case["scale"]), mean)
    pairs = [(case["mu"], ours.mu), (case["new"], ours.new), *zip(case["studies"], ours.studies, strict=True)]
    for theirs, distribution in pairs:
        assert summary(distribution)[:5] == pytest.approx(theirs[:5], abs=1.5e-5 * distribution.sd())
        assert summary(distribution)[5:] == pytest.approx(theirs[5:], abs=2e-4 * distribution.sd())
    assert summary(ours.tau)[:5] == pytest.approx(case["tau"][:5], abs=1e-9 * ours.tau.sd())
    assert summary(ours.tau)[5:] == pytest.approx(case["tau"][5:], abs=2e-4 * ours.tau.sd())


def crins() -> Marginals:
    (case,) = (each for each in REFERENCE["models"] if each["case"] == "crins-2014" and each["scale"] == 0.5
               and each["family"] == "half-normal" and each["sd"] == 4)  # fmt: skip
    return normal_normal(np.array(case["y"]), np.array(case["sigma"]) ** 2, HalfNormal(0.5), Normal(0.0, 4.0))


def test_roever_2020() -> None:
    """Röver C. J Stat Softw 2020;93(6), pp. 22, 23, 27 and 28: six trials of Crins et al. (2014), log odds ratios.

    bayesmeta's default grid over tau allows an error of about 0.001; the marginal of tau does not depend on it.
    """
    found = crins()
    low, high = found.tau.interval(0.95, "shortest")
    tau = [found.tau.median(), found.tau.mean(), found.tau.sd(), low, high]
    assert tau == pytest.approx([0.3445023, 0.3810562, 0.2593672, 0.0, 0.8607193], abs=1e-7)
    assert found.tau.interval(0.99, "central") == pytest.approx([0.003547657, 1.205400562], abs=1e-8)
    low, high = found.mu.interval(0.95, "shortest")
    mu = [found.mu.median(), found.mu.mean(), found.mu.sd(), low, high]
    assert mu == pytest.approx([-1.5734819, -1.5764365, 0.3295301, -2.2311251, -0.9263075], abs=1e-3)
    low, high = found.new.interval(0.95, "shortest")
    new = [found.new.median(), found.new.mean(), found.new.sd(), low, high]
    assert new == pytest.approx([-1.5701653, -1.5764365, 0.5671855, -2.7661319, -0.4072970], abs=2e-3)
    for study, printed in zip(
        found.studies,
        [(-1.7411356, -1.7778965, 0.4229425), (-1.2821722, -1.2339736, 0.4488759)],
        strict=False,
    ):
        assert (study.median(), study.mean(), study.sd()) == pytest.approx(printed, abs=1e-3)


def test_rubin_1981() -> None:
    """bayesmeta 3.4, vignette "bayesmeta", section "A simple example": eight schools, half-Cauchy prior, scale 25."""
    y = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
    sigma = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6])
    found = normal_normal(y, sigma**2, HalfCauchy(25.0), Normal(0.0, 50.0))
    low, high = found.tau.interval(0.95, "shortest")
    assert [found.tau.median(), found.tau.mean(), found.tau.sd(), low, high] == pytest.approx(
        [4.758539, 5.884511, 4.869904, 0.0, 15.165894], abs=2e-6
    )
    low, high = found.mu.interval(0.95, "shortest")
    assert [found.mu.median(), found.mu.mean(), found.mu.sd(), low, high] == pytest.approx(
        [7.962961, 7.985729, 4.995762, -1.823353, 17.824562], abs=5e-3
    )


# --- against brute force ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", [HalfNormal(0.5), HalfCauchy(1.0)])
def test_normal_normal_is_the_double_integral(prior: HalfNormal | HalfCauchy) -> None:
    y, v, mean = np.array([-0.6, 0.4, -1.3]), np.array([0.2, 0.1, 0.4]), Normal(0.0, 2.0)
    found = normal_normal(y, v, prior, mean)

    def joint(mu: float, tau: float) -> float:
        likelihood = np.exp(-((y - mu) ** 2) / (2 * (v + tau**2))) / np.sqrt(v + tau**2)
        return float(likelihood.prod() * np.exp(mean.log_pdf(np.array(mu)) + prior.log_pdf(np.array(tau))))

    def integral(weight: Any, low: float = -25.0, high: float = 25.0) -> float:
        # The half line of tau as t / (1 - t), so that a heavy tail is not cut off.
        def inner(mu: float, t: float) -> float:
            tau = t / (1 - t)
            return float(joint(mu, tau) * weight(mu, tau) / (1 - t) ** 2)

        return float(dblquad(inner, 0, 1 - 1e-9, low, high, epsabs=1e-11, epsrel=1e-9)[0])

    total = integral(lambda _mu, _tau: 1.0)
    assert found.mu.mean() == pytest.approx(integral(lambda mu, _: mu) / total, abs=1e-7)
    assert found.mu.cdf(-0.5).item() == pytest.approx(integral(lambda _mu, _tau: 1.0, high=-0.5) / total, abs=1e-7)
    below = integral(lambda mu, tau: ndtr((0.3 - mu) / tau)) / total
    assert found.new.cdf(0.3).item() == pytest.approx(below, abs=1e-6)
    within = integral(lambda _, tau: float(tau < 0.7)) / total
    assert found.tau.cdf(0.7).item() == pytest.approx(within, abs=1e-4)  # the step is hard on dblquad


def brute_force(x: np.ndarray[Any, Any], n: np.ndarray[Any, Any], prior: HalfNormal, mean: Normal) -> dict[str, float]:
    """Sums over plain even grids: fixed Gauss-Hermite nodes for each study, no mode, no approximation to start from."""
    mu, tau = np.linspace(-9.0, 6.0, 201)[:, None], np.asarray(np.linspace(0.0, 4.0, 201), dtype=np.float64)
    z, w = np.polynomial.hermite_e.hermegauss(160)
    tau_weights = np.array([1.0, *[4.0, 2.0] * 99, 4.0, 1.0])  # Simpson's rule
    logs = mean.log_pdf(mu) + prior.log_pdf(tau)
    for events, patients in zip(x, n, strict=True):
        theta = mu[..., None] + tau[:, None] * z
        logs = logs + np.log(np.exp(events * log_expit(theta) + (patients - events) * log_expit(-theta)) @ w)
    mass = np.exp(logs - logs.max()) * tau_weights
    mass /= mass.sum()
    new = mu[..., None] + tau[:, None] * z
    rate = 1 / (1 + np.exp(-new))
    average = w / w.sum()
    return {
        "mu": float((mass * mu).sum()),
        "mu_sd": float(np.sqrt((mass * mu**2).sum() - (mass * mu).sum() ** 2)),
        "tau": float((mass * tau).sum()),
        "new_rate": float((mass * (rate @ average)).sum()),
        "new_rate_square": float((mass * (rate**2 @ average)).sum()),
    }


@pytest.mark.parametrize(
    ("x", "n"),
    [([0.0, 3.0, 5.0], [7.0, 12.0, 20.0]), ([0.0, 0.0], [9.0, 14.0]), ([6.0, 2.0, 9.0, 10.0], [6.0, 15.0, 22.0, 40.0])],
)
def test_binomial_normal_is_the_integral(x: list[float], n: list[float]) -> None:
    prior, mean = HalfNormal(0.5), Normal(0.0, 1.5)
    found = binomial_normal(np.array(x), np.array(n), prior, mean)
    truth = brute_force(np.array(x), np.array(n), prior, mean)
    assert found.mu.mean() == pytest.approx(truth["mu"], abs=2e-5)
    assert found.mu.sd() == pytest.approx(truth["mu_sd"], abs=2e-5)
    assert found.tau.mean() == pytest.approx(truth["tau"], abs=2e-5)
    rate = Natural(found.new, "logit", 1.0)
    assert rate.mean() == pytest.approx(truth["new_rate"], abs=2e-5)
    assert rate.sd() == pytest.approx(np.sqrt(truth["new_rate_square"] - truth["new_rate"] ** 2), abs=5e-5)


def test_shrunken_rates_of_the_binomial_model_are_means_over_everything_unknown() -> None:
    """The mean of p(mu, tau) times what they say of study 1, summed without the detour over the other studies."""
    x, n, prior, mean = np.array([1.0, 6.0, 12.0]), np.array([20.0, 20.0, 30.0]), HalfNormal(0.8), Normal(0.0, 2.0)
    found = binomial_normal(x, n, prior, mean)
    mu, tau = np.linspace(-9, 7, 401)[:, None], np.array([(i + 0.5) * 0.02 for i in range(250)])
    z, w = np.polynomial.hermite_e.hermegauss(160)
    theta = mu[..., None] + tau[:, None] * z
    each = [np.exp(a * log_expit(theta) + (b - a) * log_expit(-theta)) for a, b in zip(x, n, strict=True)]
    total = np.exp(mean.log_pdf(mu) + prior.log_pdf(tau)) * np.prod([like @ w for like in each], axis=0)
    own = ((each[0] * theta) @ w) / (each[0] @ w)
    assert found.studies[0].mean() == pytest.approx(float((total * own).sum() / total.sum()), abs=1e-4)


def test_both_likelihoods_agree_where_counts_are_large() -> None:
    big = measures.effects(pd.DataFrame({"events": [800, 1400, 1000], "n": [2200, 3000, 3400]}), "logit")
    prior, mean = HalfNormal(0.5), Normal(0.0, 2.0)
    with pytest.warns(HerbtcWarning, match="only 3 studies"):
        normal = synthesis.pool_bayes(big, prior=prior, mean_prior=mean)
    with pytest.warns(HerbtcWarning, match="only 3 studies"):
        exact = synthesis.pool_bayes_binomial(big, prior=prior, mean_prior=mean)
    assert exact.estimate == pytest.approx(normal.estimate, abs=2e-4)
    assert exact.tau_median == pytest.approx(normal.tau_median, abs=1e-3)


# --- properties -------------------------------------------------------------------------------------------------------

counts = st.lists(
    st.integers(5, 90).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=5, max_size=9
)


@settings(max_examples=25, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_intervals_nest(rows: list[tuple[int, int]], random: Any) -> None:
    frame = measures.effects(pd.DataFrame(rows, columns=["events", "n"]), "logit")
    one = synthesis.pool_bayes(frame)
    order = list(range(len(frame)))
    random.shuffle(order)
    other = synthesis.pool_bayes(frame.iloc[order])
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert 0 <= one.pred_low <= one.conf_low <= one.estimate <= one.conf_high <= one.pred_high <= 1
    assert 0 < one.tau_low < one.tau_median < one.tau_high


@settings(max_examples=15, deadline=None)
@given(counts)
def test_the_exact_model_takes_any_counts(rows: list[tuple[int, int]]) -> None:
    found = synthesis.pool_bayes_binomial(pd.DataFrame(rows, columns=["events", "n"]))
    assert 0 < found.pred_low < found.conf_low < found.estimate < found.conf_high < found.pred_high < 1
    shrunken = found.shrunken()
    assert ((shrunken["conf_low"] > 0) & (shrunken["conf_low"] < shrunken["estimate"])).all()
    # No study is thought to lie outside the range of the observed rates, the mean and the mean of the prior.
    rates = [*(shrunken["events"] / shrunken["n"]), found.estimate, 0.5]
    assert shrunken["estimate"].between(min(rates), max(rates)).all()


def test_a_prior_that_knows_tau_to_be_0_gives_the_equal_effects_model() -> None:
    found = synthesis.pool_bayes(EFFECTS, prior=HalfNormal(1e-6))
    equal = synthesis.pool(EFFECTS, method="EE", test="wald")
    assert [found.beta, found.se] == pytest.approx([equal.beta, equal.se], abs=1e-9)
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(
        [equal.estimate, equal.conf_low, equal.conf_high], abs=1e-9
    )


def test_a_shift_of_all_effects_shifts_the_mean_alone() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 0.3]), np.array([0.1, 0.2, 0.3, 0.05])
    here, there = (normal_normal(y + shift, v, HalfNormal(1.0), None) for shift in (0.0, 100.0))
    assert there.mu.mean() - here.mu.mean() == pytest.approx(100, abs=1e-10)
    assert summary(there.tau) == pytest.approx(summary(here.tau), abs=1e-9)


@pytest.mark.parametrize("measure", ["logit", "raw", "arcsine", "freeman-tukey", "log"])
def test_densities_on_the_natural_scale_are_slopes_of_probabilities(measure: str) -> None:
    found = synthesis.pool_bayes(measures.effects(FRAME, measure), prior=HalfNormal(0.2))
    for distribution in (found.mu_rate, found.new_rate):
        at, step = np.array([0.25, 0.36, 0.5]), 1e-5
        slope = (distribution.cdf(at + step) - distribution.cdf(at - step)) / (2 * step)
        assert distribution.pdf(at) == pytest.approx(slope, rel=1e-5)
        assert distribution.cdf(distribution.quantile(np.array([0.01, 0.5, 0.97]))) == pytest.approx(
            [0.01, 0.5, 0.97], abs=1e-9
        )
    whole = quad(lambda p: found.new_rate.pdf(p).item(), 0, 1, limit=200, points=[0.2, 0.36, 0.6])[0]
    # What a scale without bounds puts below 0 or above 1 is at 0 or 1.
    assert whole == pytest.approx(float(np.diff(found.new_rate.cdf(np.array([1e-12, 1 - 1e-12])))[0]), abs=1e-4)


def test_shortest_intervals_are_the_shortest_and_hold_their_probability() -> None:
    found = synthesis.pool_bayes(EFFECTS)
    for distribution in (found.mu, found.new, found.tau):
        low, high = distribution.interval(0.9, "shortest")
        assert float(distribution.cdf(high) - distribution.cdf(low)) == pytest.approx(0.9, abs=1e-9)
        for tail in np.linspace(0.001, 0.099, 25):
            assert high - low <= distribution.at(tail + 0.9) - distribution.at(tail) + 1e-9
    central = found.tau.interval(0.9, "central")
    assert found.tau.cdf(np.array(central)) == pytest.approx([0.05, 0.95], abs=1e-9)


def test_shortest_intervals_of_a_result_are_those_of_the_analysis_scale() -> None:
    found = synthesis.pool_bayes(EFFECTS, interval="shortest")
    ends = found.mu.interval(0.95, "shortest")
    assert [found.conf_low, found.conf_high] == pytest.approx(measures.back(np.array(ends), "logit", 1.0), abs=1e-12)
    assert found.mu_rate.support == (0.0, 1.0)
    assert found.tau_low == 0.0 or found.tau_low < found.tau.interval()[0]
    assert "shortest credible interval" in found.describe()


# --- priors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", [HalfNormal(0.5), HalfCauchy(0.5), HalfNormal(2.0)])
def test_priors_are_distributions(prior: HalfNormal | HalfCauchy) -> None:
    for p in (0.1, 0.5, 0.9):
        mass = quad(lambda tau: float(np.exp(prior.log_pdf(np.array(tau)))), 0, prior.quantile(p))[0]
        assert mass == pytest.approx(p, abs=1e-10)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), "0.5"])
def test_a_prior_without_a_scale_is_refused(scale: Any) -> None:
    for prior in (HalfNormal, HalfCauchy):
        with pytest.raises(SynthesisError, match=f"{prior.__name__}: expected a"):
            prior(scale)
    with pytest.raises(SynthesisError, match="Normal: expected a"):
        Normal(0.0, scale)


# --- results and refusals ---------------------------------------------------------------------------------------------


def her2() -> Posterior:
    rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    return synthesis.pool_bayes(measures.effects(rates.dropna(subset=["events", "n"]), "logit"))


def test_a_result_carries_its_rows_and_says_how_it_came_about() -> None:
    found = her2()
    text = found.describe()
    assert "half-normal with scale 1" in text
    assert f"data release {found.release}" in text
    assert f"{found.events} events in {found.n} patients of {found.k} groups" in text
    assert list(found.rows["trial"]) == list(found.shrunken()["trial"])
    row = found.to_frame().iloc[0]
    assert row["estimate"] == found.estimate
    assert row["prior"] == "half-normal with scale 1"
    assert row["mean_prior"] == "uniform"
    assert repr(found).startswith("<Posterior normal/logit: ")
    rows = found.rows
    rows["events"] = 0
    assert found.rows["events"].sum() == found.events
    with pytest.raises(FrozenInstanceError):
        found.estimate = 0.9  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        found.mu.weights[0] = 1.0


def test_priors_are_named() -> None:
    found = synthesis.pool_bayes(EFFECTS, prior=HalfCauchy(0.5), mean_prior=Normal(0.0, 4.0))
    assert "half-Cauchy with scale 0.5" in found.describe()
    assert found.to_frame().loc[0, "mean_prior"] == "normal with mean 0 and standard deviation 4"


def test_html_is_escaped() -> None:
    rows = measures.effects(FRAME.assign(trial=["<b>a", "b", "c", "d", "e"]), "logit")
    rows.loc[0, "events"] = None
    with pytest.warns(HerbtcWarning, match="only 4 studies"):
        html = synthesis.pool_bayes(rows)._repr_html_()
    assert "&lt;b&gt;a" in html
    assert "<b>" not in html


def test_other_measures_need_a_prior_of_their_own() -> None:
    with pytest.raises(SynthesisError, match="not of raw"):
        synthesis.pool_bayes(measures.effects(FRAME, "raw"))


def test_what_pool_refuses_is_refused() -> None:
    every = query.proportions(endpoint="orr", trial="summit", reports="all")
    with pytest.raises(SynthesisError, match="counted twice"):
        synthesis.pool_bayes(measures.effects(every, "logit"))
    with pytest.raises(SynthesisError, match="counted twice"):
        synthesis.pool_bayes_binomial(every)
    with pytest.raises(SynthesisError, match="at least two studies"):
        synthesis.pool_bayes_binomial(FRAME.iloc[:1])
    with pytest.raises(SynthesisError, match="level between 0 and 1"):
        synthesis.pool_bayes(EFFECTS, level=95)
    with pytest.raises(UnknownKeyError, match="kind of interval"):
        synthesis.pool_bayes(EFFECTS, interval="hpd")  # type: ignore[arg-type]


def test_rows_without_counts_are_named() -> None:
    rows = FRAME.astype("Int64").assign(trial=list("abcde"))
    rows.loc[2, "events"] = None
    with pytest.warns(HerbtcWarning, match="only 4 studies"):
        found = synthesis.pool_bayes_binomial(rows)
    assert found.k == 4
    assert found.notes[0] == "left out for want of events or n: c (row 2)"


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, [0.5, 1.2]])
def test_quantiles_of_no_probability_are_refused(p: Any) -> None:
    with pytest.raises(SynthesisError, match="probabilities between 0 and 1"):
        synthesis.pool_bayes(EFFECTS).mu.quantile(p)
