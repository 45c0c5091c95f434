"""Speed and agreement beside other implementations of the same models, in one run.

The Python peers come with `pip install 'herbtc[bench]'`, metafor with Debian's r-cran-metafor. Where one is missing its
rows are passed over here, and nothing else depends on them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from herbtc import measures, synthesis

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats

K = 15

# That tau² is 0 by one estimator is said, and meant here.
pytestmark = pytest.mark.filterwarnings("ignore:tau² is estimated:herbtc.HerbtcWarning")


def studies(spread: float = 0.5) -> pd.DataFrame:
    """Return fifteen studies like those of this field, whose logits differ by this standard deviation."""
    random = np.random.default_rng(20261125)
    n = random.integers(15, 90, K)
    events = random.binomial(n, 1 / (1 + np.exp(-random.normal(-0.6, spread, K))))
    return measures.effects(pd.DataFrame({"events": events, "n": n}), "logit")


FRAME = studies()
Y, V = FRAME["yi"].to_numpy(), FRAME["vi"].to_numpy()


def least(job: Callable[[], Any], runs: int = 60) -> float:
    """Return the least time of several runs in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def pymare_reml(y: Floats, v: Floats) -> tuple[float, float]:
    pymare = pytest.importorskip("pymare")
    from pymare.estimators import VarianceBasedLikelihoodEstimator  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = VarianceBasedLikelihoodEstimator(method="REML").fit_dataset(pymare.Dataset(y=y, v=v)).summary()
    return float(np.ravel(fit.fe_params)[0]), float(np.ravel(fit.tau2)[0])


def pymetaanalysis_reml(y: Floats, v: Floats) -> tuple[float, float]:
    peer = pytest.importorskip("meta_analyze")
    fit = peer.meta_analysis(effect=y, variance=v, tau2_method="REML", ci_method="hksj")
    return float(fit.estimate), float(fit.tau2)


def statsmodels_paule_mandel(y: Floats, v: Floats) -> tuple[float, float]:
    peer = pytest.importorskip("statsmodels.stats.meta_analysis")
    fit = peer.combine_effects(y, v, method_re="iterated", use_t=True)
    return float(fit.mean_effect_re), float(fit.tau2)


PEERS: dict[str, tuple[str, Callable[[Floats, Floats], tuple[float, float]]]] = {
    "PyMARE": ("REML", pymare_reml),
    "PyMetaAnalysis": ("REML", pymetaanalysis_reml),
    "statsmodels": ("PM", statsmodels_paule_mandel),
}
# How far the peers stop from their own optimum (tau², absolute): they end their iterations early.
SLACK = {"PyMARE": 1e-6, "PyMetaAnalysis": 1e-8, "statsmodels": 1e-8}


@pytest.mark.parametrize("spread", [0.5, 1.5])
@pytest.mark.parametrize("name", PEERS)
def test_peers_agree(name: str, spread: float) -> None:
    method, peer = PEERS[name]
    frame = studies(spread)
    mean, tau2 = peer(frame["yi"].to_numpy(), frame["vi"].to_numpy())
    ours = synthesis.pool(frame, method=method)
    print(f"\n{name} {method}: tau² {tau2:.10f}, ours {ours.tau2:.10f}; mean {mean:.10f}, ours {ours.beta:.10f}")
    assert tau2 == pytest.approx(ours.tau2, abs=SLACK[name])
    assert mean == pytest.approx(ours.beta, abs=SLACK[name])


def test_pooling_takes_under_a_millisecond_beside_its_peers() -> None:
    ours = least(lambda: synthesis.pool(FRAME))
    vi = np.random.default_rng(1).uniform(0.05, 0.3, (2000, K))
    each = least(lambda: synthesis.pool_many(np.random.default_rng(2).normal(-0.7, np.sqrt(vi + 0.25)), vi), 3) / 2000
    print(
        f"\nREML, Hartung-Knapp, prediction interval at k = {K}: {1000 * ours:.2f} ms, {1000 * each:.3f} ms among many"
    )
    for name, (method, peer) in PEERS.items():
        try:
            took = least(partial(peer, Y, V), 20)
        except pytest.skip.Exception:
            continue
        print(f"{name} ({method}): {1000 * took:.2f} ms, {took / ours:.1f} x ours, {took / each:.0f} x ours among many")
        if method == "REML":
            assert took > 5 * each
    assert ours < 0.001


R = """
suppressMessages(library(metafor))
d <- read.csv(file("stdin"))
took <- function(f, runs) {
  f()
  min(sapply(seq_len(runs), function(i) system.time(for (j in 1:10) f())[["elapsed"]] / 10))
}
two <- took(function() predict(rma(yi, vi, data = d, test = "knha")), 8)
exact <- took(function() suppressWarnings(rma.glmm(measure = "PLO", xi = events, ni = n, data = d, method = "ML")), 4)
cat(sprintf('{"two_stage": %.8f, "exact": %.8f}', two, exact))
"""


def test_metafor_is_slower() -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    done = subprocess.run(  # noqa: S603
        ["Rscript", "-e", R],  # noqa: S607
        input=FRAME[["events", "n", "yi", "vi"]].to_csv(index=False),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"metafor does not run: {done.stderr[-200:]}")
    theirs = json.loads(done.stdout)
    ours = {"two_stage": least(lambda: synthesis.pool(FRAME)), "exact": least(lambda: synthesis.pool_binomial(FRAME))}
    print()
    for name, took in ours.items():
        print(f"{name}: ours {1000 * took:.2f} ms, metafor {1000 * theirs[name]:.1f} ms, {theirs[name] / took:.1f} x")
    assert ours["exact"] < 0.010
    assert theirs["exact"] > 5 * ours["exact"]
    assert theirs["two_stage"] > 2 * ours["two_stage"]
    assert theirs["exact"] > 3 * ours["exact"]


def test_ten_thousand_meta_analyses_take_seconds() -> None:
    random = np.random.default_rng(1)
    vi = random.uniform(0.05, 0.3, (10_000, K))
    yi = random.normal(-0.7, np.sqrt(vi + 0.25))
    took = {method: least(partial(synthesis.pool_many, yi, vi, method=method), 2) for method in synthesis.TAU2}
    print(
        "\n10,000 meta-analyses of fifteen studies:", ", ".join(f"{name} {each:.2f} s" for name, each in took.items())
    )
    assert max(took.values()) < 5
