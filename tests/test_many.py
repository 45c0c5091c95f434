"""Many meta-analyses at once: each is what pooling it alone returns."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from herbtc import SynthesisError, UnknownKeyError, measures, synthesis

METHODS = sorted(synthesis.TAU2)


def simulated(count: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    vi = random.uniform(0.02, 0.6, (count, k))
    return random.normal(-0.7, np.sqrt(vi + random.choice([0.0, 0.1, 0.8], (count, 1)))), vi


@pytest.mark.parametrize("test", ["wald", "hksj", "hksj-adhoc"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [2, 5, 15])
def test_each_row_is_what_pooling_it_alone_returns(k: int, method: str, test: str) -> None:
    yi, vi = simulated(25, k, seed=k)
    many = synthesis.pool_many(yi, vi, method=method, test=test, level=0.9)
    for row in range(len(yi)):
        frame = pd.DataFrame({"measure": "raw", "events": 1, "n": 2, "yi": yi[row], "vi": vi[row]})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = synthesis.pool(frame, method=method, test=test, level=0.9)
        assert many.tau2[row] == pytest.approx(alone.tau2, rel=1e-8, abs=1e-12)
        assert many.beta[row] == pytest.approx(alone.beta, rel=1e-9)
        assert many.se[row] == pytest.approx(alone.se, rel=1e-8)
        assert many.q[row] == pytest.approx(alone.q, rel=1e-9)
        # The scale is that of raw proportions, so the ends of one are clipped to 0-1 and those of many are not.
        assert np.clip(many.conf_high[row], 0, 1) == pytest.approx(alone.conf_high, abs=1e-9)
        if method == "EE":
            assert np.isnan(many.pred_low[row])
        else:
            assert np.clip(many.pred_high[row], 0, 1) == pytest.approx(alone.pred_high, abs=1e-9)


@pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")
@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("name", ["two-peaks", "two-peaks-three-studies"])
def test_of_two_peaks_the_higher_one_is_taken(name: str, method: str) -> None:
    frame = pd.read_csv(Path(__file__).parent / "reference" / "data" / f"{name}.csv")
    effects = measures.effects(frame[["events", "n"]], "logit")
    yi, vi = effects["yi"].to_numpy(), effects["vi"].to_numpy()
    alone = synthesis.pool(effects, method=method)
    many = synthesis.pool_many(np.array([yi, yi[::-1]]), np.array([vi, vi[::-1]]), method=method)
    assert many.tau2.tolist() == pytest.approx([alone.tau2] * 2, rel=1e-8)


@pytest.mark.parametrize(
    ("yi", "vi"),
    [
        (np.zeros(5), np.ones(5)),
        (np.zeros((3, 1)), np.ones((3, 1))),
        (np.zeros((3, 4)), np.ones((3, 5))),
        (np.full((3, 4), np.nan), np.ones((3, 4))),
        (np.zeros((3, 4)), np.zeros((3, 4))),
    ],
    ids=["one row", "one study", "shapes", "nan", "no variance"],
)
def test_arrays_that_cannot_be_are_refused(yi: np.ndarray, vi: np.ndarray) -> None:
    with pytest.raises(SynthesisError, match="expected"):
        synthesis.pool_many(yi, vi)


def test_unknown_words_are_refused_and_results_are_read_only() -> None:
    yi, vi = simulated(3, 4, seed=1)
    with pytest.raises(UnknownKeyError):
        synthesis.pool_many(yi, vi, method="DSL")
    with pytest.raises(ValueError, match="read-only"):
        synthesis.pool_many(yi, vi).beta[0] = 1
