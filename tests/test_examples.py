"""The examples run as they stand, and say what the evidence says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import herbtc
from herbtc import query

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(name: str, folder: Path) -> str:
    """Run an example in an empty folder and return what it prints."""
    # The package under test, wherever it was imported from.
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(Path(herbtc.__file__).parent.parent)}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout


NAMES = ["pipeline.py", "published_review.py", "quick_start.py"]


@pytest.mark.parametrize("name", NAMES)
def test_every_example_runs(name: str, tmp_path: Path) -> None:
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == NAMES
    assert run(name, tmp_path).strip()


def test_the_pipeline_finds_what_query_finds(tmp_path: Path) -> None:
    told = run("pipeline.py", tmp_path)
    assert list(tmp_path.iterdir()) == []
    rates = query.proportions(endpoint="orr", her2_directed=True).dropna(subset=["events", "n"])
    by_class = rates.groupby("mechanism")[["events", "n"]].sum()
    for mechanism, events, n in by_class.itertuples(name=None):
        assert re.search(rf"^{re.escape(str(mechanism))} +\d+ +{events} +{n} ", told, re.MULTILINE)


def test_the_review_is_matched_to_the_digit_that_it_prints(tmp_path: Path) -> None:
    """Naleid N et al. JCO Precis Oncol 2025;9:e2400594, Abstract: ORR 34 % (95 % CI 24-44), 368 patients."""
    told = run("published_review.py", tmp_path)
    review, ours = (
        re.search(rf"^{name}.*?(\d+) +(\d+)  (.+)$", told, re.MULTILINE) for name in ("the review", "ours, as")
    )
    assert review is not None
    assert ours is not None
    assert review.group(3) == ours.group(3) == "34 (24 to 44)"
    second = re.search(r"second cohort.* (\d+)$", told, re.MULTILINE)
    assert second is not None
    assert int(ours.group(2)) + int(second.group(1)) == int(review.group(2)) == 368
