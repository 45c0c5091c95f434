"""The main job: `python -m herbtc`, and the README's example."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import herbtc
from herbtc import query

README = Path(__file__).parents[1] / "README.md"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m herbtc` in a folder."""
    settings = {
        **os.environ,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "ignore::DeprecationWarning",  # pandas 2.2.0 has one to tell at import
        "MPLCONFIGDIR": str(folder),
        **environment,
    }
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "herbtc", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env=settings,
        check=False,
    )


@pytest.fixture(scope="module")
def glance(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("glance")
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, folder


def test_it_reads_well_in_a_hundred_columns(glance: tuple[str, Path]) -> None:
    assert max(map(len, glance[0].splitlines())) <= 100
    assert not any(line != line.rstrip() for line in glance[0].splitlines())


def test_it_writes_the_forest_plot_into_the_working_folder(glance: tuple[str, Path]) -> None:
    figure = glance[1] / "herbtc-orr.png"
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert figure.name in glance[0]


def test_it_shows_each_mechanism_with_studies_patients_and_rates(glance: tuple[str, Path]) -> None:
    table = glance[0].split("\n\n")[1]
    for mechanism in (
        "monoclonal-antibody",
        "tyrosine-kinase-inhibitor",
        "antibody-drug-conjugate",
        "bispecific-antibody",
        "monoclonal-antibody + tyrosine-kinase-inhibitor",
    ):
        assert re.search(rf"^{re.escape(mechanism)} +\d+ +\d+ +\d+ \([\d.]+ %\) +[\d to]+$", table, re.MULTILINE)


def test_the_table_by_mechanism_counts_what_the_query_returns(glance: tuple[str, Path]) -> None:
    rates = query.proportions(endpoint="orr", her2_directed=True, her2_selected=True, btc_only=True)
    counted = rates.dropna(subset=["events", "n"])
    rows = re.findall(r"^[a-z+ -]+ +(\d+) +(\d+) +(\d+) \(", glance[0], re.MULTILINE)
    assert sum(int(n) for _, n, _ in rows) == counted["n"].sum()
    assert sum(int(events) for *_, events in rows) == counted["events"].sum()


def test_every_study_is_in_a_table_with_its_source(glance: tuple[str, Path]) -> None:
    rates = {
        trial
        for endpoint, ask in (("orr", query.proportions), ("pfs", query.durations), ("os", query.durations))
        for trial in ask(endpoint=endpoint, btc_only=True)["trial"]
    }
    assert len(rates) > 30
    for trial in map(herbtc.load().trial, rates):
        # Long names are cut to the width of their column.
        assert trial.name[:25] in glance[0]


def test_benchmarks_stand_apart_and_are_not_pooled(glance: tuple[str, Path]) -> None:
    sections = glance[0].split("\n\n")
    (benchmarks,) = (section for section in sections if section.startswith("Benchmarks"))
    (directed,) = (section for section in sections if section.startswith("HER2-directed therapy: studies"))
    for name in ("ABC-02", "TOPAZ-1", "ABC-06", "NIFTY"):
        assert name in benchmarks
        assert name not in directed


def test_the_pooled_rate_comes_with_interval_prediction_interval_k_and_n(glance: tuple[str, Path]) -> None:
    number = r"\d+\.\d"
    line = rf"{number} % \(95 % CI {number} to {number}; prediction interval {number} to {number}\); k = \d+, n = \d+"
    assert re.search(line, glance[0])


def test_intervals_of_another_level_are_marked(glance: tuple[str, Path]) -> None:
    assert "46.7 (30.8–63.0)*" in glance[0]
    assert "* 90 % confidence interval" in glance[0]


def test_an_argument_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--frobnicate")
    assert done.returncode == 2
    assert "usage: python -m herbtc" in done.stderr


def test_a_terminal_without_dashes_gets_question_marks_and_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr


def test_the_examples_of_the_readme_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failures, tried = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert tried >= 5
    assert failures == 0
    assert (tmp_path / "forest.png").exists()
