"""What checking every figure costs, and that it grows with the evidence and no faster."""

from __future__ import annotations

import time

from attrs import evolve

import herbtc
from herbtc import audit


def clean(times: int) -> herbtc.Catalog:
    """Return the shipped evidence so many times over, as studies of other drugs under other registrations."""
    shipped = herbtc.load()
    trials = [
        evolve(
            trial,
            key=f"{trial.key}-{copy}",
            registry_ids=(),
            overlaps=(),
            arms=tuple(evolve(arm, agents=tuple(f"{agent}-{copy}" for agent in arm.agents)) for arm in trial.arms),
        )
        for copy in range(times)
        for trial in shipped.trials
    ]
    return evolve(shipped, trials=tuple(trials))


def seconds(catalog: herbtc.Catalog, runs: int) -> float:
    """Return the least time of several checks."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        audit.check(catalog)
        times.append(time.perf_counter() - start)
    return min(times)


def test_a_hundred_times_the_evidence_takes_a_hundred_times_as_long() -> None:
    one, hundred = clean(1), clean(100)
    few, many = seconds(one, 5), seconds(hundred, 1)
    print(f"\naudit: {1000 * few:.0f} ms once, {many:.1f} s a hundred times: {many / few:.0f} x (limit 130)")
    assert many <= 130 * few
