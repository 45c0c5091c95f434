"""What the analyses of structure cost for 15 studies, in milliseconds and as ratios to one pooling in the same run.

`python -m pytest tests/benchmarks -s` prints the figures. Each is the least of several runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from herbtc import measures, synthesis

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 40


def studies() -> pd.DataFrame:
    """Fifteen studies with names, so that what is refused is looked for as well."""
    random = np.random.default_rng(15)
    n = random.integers(15, 120, 15)
    rows = {
        "trial": [f"study-{place}" for place in range(15)],
        "arm": "treated",
        "population": "all",
        "events": random.binomial(n, random.beta(4, 7, 15)),
        "n": n,
        "year": range(2010, 2025),
        "group": ["a", "b", "c"] * 5,
    }
    return measures.effects(pd.DataFrame(rows))


def least(job: Callable[[], Any]) -> float:
    """Return the least time of several runs, in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


JOBS: dict[str, tuple[Callable[[pd.DataFrame], Any], float]] = {
    "leave-one-out": (synthesis.leave_one_out, 10),
    "cumulative": (lambda frame: synthesis.cumulative(frame, "year"), 10),
    "influence": (synthesis.influence, 10),
    "meta-regression": (lambda frame: synthesis.regress(frame, ["group", "year"]), 20),
    "trim and fill": (synthesis.trim_and_fill, 20),
}


@pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")
@pytest.mark.parametrize("name", JOBS)
def test_an_analysis_of_fifteen_studies_takes_milliseconds(name: str) -> None:
    frame = studies()
    job, limit = JOBS[name]
    one, took = least(lambda: synthesis.pool(frame)), least(lambda: job(frame))
    print(f"\n{name}: {1000 * took:.1f} ms (limit {limit}), {took / one:.1f} x one pooling of {1000 * one:.2f} ms")
    assert 1000 * took <= limit


@pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")
def test_leaving_out_each_of_fifteen_costs_less_than_pooling_fifteen_times() -> None:
    frame = studies()
    together = least(lambda: synthesis.leave_one_out(frame))
    one_by_one = least(lambda: [synthesis.pool(frame.drop(row)) for row in frame.index])
    print(f"\nleave-one-out together {1000 * together:.1f} ms, one by one {1000 * one_by_one:.1f} ms")
    assert together <= one_by_one / 2
