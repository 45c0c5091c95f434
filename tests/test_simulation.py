"""The simulation study of the documentation: what it simulates is what the library computes."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, logit

from herbtc import HerbtcWarning, measures, synthesis
from herbtc.synthesis import HalfNormal

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[1] / "docs"

# The documentation is not part of the wheel, against which these tests also run.
pytestmark = pytest.mark.skipif(not (DOCS / "simulation.py").exists(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulation", DOCS / "simulation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def exact(simulation: Any) -> Any:
    return simulation.Exact(0.25)


@pytest.mark.parametrize("k", [3, 8])
def test_intervals_are_those_of_the_library(simulation: Any, exact: Any, k: int) -> None:
    x, n = simulation.counts(np.random.default_rng(k), 12, k, 0.25, 0.6)
    every = [*simulation.approximate(x, n), *simulation.exactly(x, n, exact)]
    found = {(method, what): (low, high) for method, what, low, high in every}
    for row in range(len(x)):
        frame = measures.effects(pd.DataFrame({"events": x[row], "n": n[row]}), "logit")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HerbtcWarning)
            for method in ("DL", "PM", "REML"):
                for test in ("wald", "hksj", "hksj-adhoc"):
                    pooled = synthesis.pool(frame, method=method, test=test)
                    low, high = found[f"{method} {test}", "mean"]
                    ours = [pooled.conf_low, pooled.conf_high]
                    assert expit([low[row], high[row]]) == pytest.approx(ours, abs=1e-7)
            for prediction in ("t", "hts", "z"):
                pooled = synthesis.pool(frame, prediction=prediction)
                low, high = found[f"REML hksj-adhoc, {prediction}", "new"]
                assert expit([low[row], high[row]]) == pytest.approx([pooled.pred_low, pooled.pred_high], abs=1e-7)
            for scale in (0.5, 1.0):
                bayes = synthesis.pool_bayes(frame, prior=HalfNormal(scale))
                name = f"Bayes half-normal {scale:g}"
                low, high = found[name, "mean"]
                assert expit([low[row], high[row]]) == pytest.approx([bayes.conf_low, bayes.conf_high], abs=1e-6)
                low, high = found[name, "new"]
                assert expit([low[row], high[row]]) == pytest.approx([bayes.pred_low, bayes.pred_high], abs=1e-6)
            bayes = synthesis.pool_bayes_binomial(frame)
            low, high = found["binomial Bayes half-normal 1", "mean"]
            # On a grid, made for speed: good to a fifth of a percentage point.
            assert expit([low[row], high[row]]) == pytest.approx([bayes.conf_low, bayes.conf_high], abs=2e-3)
            low, high = found["binomial Bayes half-normal 1", "new"]
            assert expit([low[row], high[row]]) == pytest.approx([bayes.pred_low, bayes.pred_high], abs=3e-3)


def deviance(x: Any, n: Any, mu: float, tau: float) -> float:
    """-2 log L of the binomial-normal model, by two hundred fixed Gauss-Hermite nodes a study."""
    z, w = np.polynomial.hermite_e.hermegauss(200)
    theta = mu + tau * z
    logs = x[:, None] * log_expit(theta) + (n - x)[:, None] * log_expit(-theta)
    return -2 * float(np.log(np.exp(logs) @ w / w.sum()).sum())


def test_profile_intervals_end_where_the_deviance_has_risen_by_its_quantile(simulation: Any, exact: Any) -> None:
    x, n = simulation.counts(np.random.default_rng(5), 6, 5, 0.25, 0.5)
    found = {method: (low, high) for method, low, high in exact.likelihood(x, n)}
    for row in range(len(x)):

        def profile(mu: float, row: int = row) -> float:
            return float(minimize_scalar(lambda tau: deviance(x[row], n[row], mu, tau), bounds=(0, 3)).fun)

        least = minimize_scalar(profile, bracket=(-1.5, -0.8))
        low, high = (ends[row] for ends in found["binomial-normal profile"])
        for end in (low, high):
            assert profile(end) - least.fun == pytest.approx(3.841, abs=0.05)
        wald = [ends[row] for ends in found["binomial-normal wald"]]
        assert float(np.mean(wald)) == pytest.approx(least.x, abs=0.01)
        step = 0.05
        bend = (profile(least.x + step) - 2 * least.fun + profile(least.x - step)) / step**2
        assert wald[1] - wald[0] == pytest.approx(2 * 1.96 * np.sqrt(2 / bend), rel=0.03)


def test_coverage_counts_what_it_says(simulation: Any) -> None:
    low, high = np.array([-1.0, 0.2, -2.0, -0.1]), np.array([0.0, 0.5, -0.5, 3.0])
    assert simulation.held(low, high, "mean", -0.05, 0.4) == 0.5
    # A new study's logit is normal about the mean.
    truth = np.random.default_rng(1).normal(-0.05, 0.4, 400_000)
    drawn = np.mean([np.mean((a <= truth) & (truth <= b)) for a, b in zip(low, high, strict=True)])
    assert simulation.held(low, high, "new", -0.05, 0.4) == pytest.approx(drawn, abs=0.003)


def test_simulated_data_have_the_rate_and_the_heterogeneity(simulation: Any) -> None:
    x, n = simulation.counts(np.random.default_rng(2), 4000, 5, 0.3, 0.5)
    assert n.min() == 15
    assert n.max() == 90
    drawn = expit(logit(0.3) + 0.5 * np.random.default_rng(3).standard_normal(200_000))
    assert float((x / n).mean()) == pytest.approx(float(drawn.mean()), abs=0.004)


def test_the_stored_results_are_of_this_study(simulation: Any, exact: Any) -> None:
    stored = pd.read_csv(DOCS / "simulation.csv")
    settings = stored[["k", "rate", "tau"]].drop_duplicates()
    assert len(settings) == len(simulation.STUDIES) * len(simulation.RATES) * len(simulation.TAUS)
    # One setting again, with other random numbers: the standard error of the difference is 0.6 and 1.6 points.
    x, n = simulation.counts(np.random.default_rng(7), 2000, 5, 0.25, 0.4)
    rows = stored[(stored["k"] == 5) & (stored["rate"] == 0.25) & (stored["tau"] == 0.4)]
    printed = rows.set_index(["method", "interval"])["coverage"].to_dict()
    for found, tolerance in (
        (simulation.approximate(x, n), 2.0),
        (simulation.exactly(x[:200], n[:200], exact), 5.0),
    ):
        for method, what, low, high in found:
            coverage = 100 * simulation.held(low, high, what, logit(0.25), 0.4)
            assert coverage == pytest.approx(printed.pop((method, what)), abs=tolerance)
    assert not printed
