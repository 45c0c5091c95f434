"""What importing, loading and asking cost, as ratios taken in one run.

`python -m pytest tests/benchmarks -s` prints the figures. Each is the least of several runs, those that are compared
in turn, so that a machine whose speed drifts does not decide.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import herbtc
from herbtc import Catalog, query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNS = 15

# Each is timed inside a new interpreter, from its first statement to its last.
JOBS = {
    "pandas": "import pandas",
    "import": "import herbtc",
    "load": "import herbtc; herbtc.load()",
    "query": "from herbtc import query; query.proportions()",
}
LIMITS = {"import": 0.30, "load": 0.65, "query": 1.8}


def seconds(job: str) -> float:
    """Run a job in a new interpreter and return how long it took there."""
    code = f"import time; start = time.perf_counter(); {job}; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout)


@pytest.fixture(scope="module")
def least() -> dict[str, float]:
    """Return the least time of each job over interleaved runs."""
    times: dict[str, list[float]] = {name: [] for name in JOBS}
    for _ in range(RUNS):
        for name, job in JOBS.items():
            times[name].append(seconds(job))
    return {name: min(every) for name, every in times.items()}


@pytest.mark.parametrize("name", LIMITS)
def test_cost_is_a_fraction_of_importing_pandas(least: dict[str, float], name: str) -> None:
    ratio = least[name] / least["pandas"]
    print(f"\n{JOBS[name]}: {1000 * least[name]:.0f} ms, {ratio:.2f} x import pandas (limit {LIMITS[name]})")
    assert ratio <= LIMITS[name]


def best_of(runs: int, job: Callable[[], Any]) -> float:
    """Return the least time of several runs of a job, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def folder_of(studies: int, folder: Path) -> Path:
    """Write so many copies of a shipped study into a folder of evidence."""
    shipped = herbtc.catalog._SHIPPED
    (folder / "trials").mkdir(parents=True)
    for name in ("agents.toml", "definitions.toml"):
        (folder / name).write_bytes((shipped / name).read_bytes())
    text = (shipped / "trials" / "sgntuc-019.toml").read_text("utf-8")
    for place in range(studies):
        key = f"study-{place}"
        (folder / "trials" / f"{key}.toml").write_text(text.replace('key = "sgntuc-019"', f'key = "{key}"', 1), "utf-8")
    return folder


def test_loading_grows_in_proportion_to_the_studies(tmp_path: Path) -> None:
    few, many = folder_of(15, tmp_path / "few"), folder_of(1500, tmp_path / "many")
    one = best_of(7, lambda: herbtc.read(few))
    hundred = best_of(3, lambda: herbtc.read(many))
    print(f"\n15 studies {1000 * one:.0f} ms, 1,500 studies {1000 * hundred:.0f} ms: {hundred / one:.0f} x (limit 110)")
    assert hundred <= 110 * one


def many_figures(least: int) -> Catalog:
    """Return the shipped evidence with its studies repeated until they hold so many proportions."""
    catalog = herbtc.load()
    trials = list(catalog.trials)
    while sum(len(trial.figures.proportions) for trial in trials) < least:
        trials += [attrs.evolve(trial, key=f"{trial.key}-{len(trials)}", overlaps=()) for trial in catalog.trials]
    return attrs.evolve(catalog, trials=tuple(trials))


@pytest.mark.parametrize("reports", ["all", "primary"])
def test_a_warm_query_over_fifteen_hundred_figures_takes_ten_milliseconds(reports: Any) -> None:
    catalog = many_figures(1500)
    query.proportions(catalog=catalog, reports=reports)
    took = best_of(20, lambda: query.proportions(catalog=catalog, reports=reports, suspect="include"))
    rows = len(query.proportions(catalog=catalog, reports="all", suspect="include"))
    print(f"\nquery of {rows} figures, reports={reports!r}: {1000 * took:.1f} ms")
    assert rows >= 1500
    assert took <= 0.010


def test_peak_memory_of_loading_is_small() -> None:
    code = (
        "import json, tracemalloc; tracemalloc.start(); import herbtc; herbtc.load();"
        "print(json.dumps(tracemalloc.get_traced_memory()))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    kept, peak = json.loads(done.stdout)
    print(f"\nkept {kept / 2**20:.1f} MiB, peak {peak / 2**20:.1f} MiB")
    assert peak < 64 * 2**20
