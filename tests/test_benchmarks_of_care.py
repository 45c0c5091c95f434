"""HER2-directed therapy next to standard care: both groups, what differs, and nothing computed from the two."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import herbtc
from herbtc import SynthesisError, UnknownKeyError, benchmarks, measures, query, synthesis
from herbtc.benchmarks import BENCHMARK, HER2_DIRECTED
from herbtc.terms import MechanismClass

if TYPE_CHECKING:
    from herbtc.benchmarks import Beside, EndpointWord, LineWord

EVERY = [(line, endpoint) for line in ("first", "second-or-later") for endpoint in ("orr", "pfs", "os")]
COMPARED = re.compile(
    r"diff|ratio|odds|hazard|\bhr\b|\bor\b|\brr\b|\bp\b|^p_|pool|superior|benefit|gain|versus|\bvs\b", re.IGNORECASE
)


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def result(request: pytest.FixtureRequest) -> Beside:
    line, endpoint = request.param
    return benchmarks.beside(line=line, endpoint=endpoint)


def test_both_groups_are_there_with_their_sources(result: Beside) -> None:
    figures = result.figures
    assert figures["group"].dtype == pd.CategoricalDtype([HER2_DIRECTED, BENCHMARK])
    assert (figures["group"].value_counts() > 0).all()
    assert figures["group"].is_monotonic_increasing
    assert figures["source"].notna().all()
    assert figures["locator"].notna().all()
    asked = query.proportions if result.endpoint == "orr" else query.durations
    assert list(figures.columns) == ["group", *asked(endpoint=result.endpoint).columns]


def test_nobody_is_in_both_groups_and_nobody_twice(result: Beside) -> None:
    figures = result.figures
    assert not figures.duplicated(["trial", "arm"]).any()
    her2 = figures["group"] == HER2_DIRECTED
    words = figures["mechanism"].str.split(" + ", regex=False)
    directed = words.map(lambda each: any(MechanismClass(word).her2_directed for word in each)).astype(bool)
    assert (directed == her2).all()


def test_benchmarks_are_standard_care_alone(result: Beside) -> None:
    allowed = {"chemotherapy", "checkpoint-inhibitor", "placebo", "supportive-care"}
    rows = result.figures[result.figures["group"] == BENCHMARK]
    assert all(set(words.split(" + ")) <= allowed for words in rows["mechanism"])


def test_every_number_is_a_printed_one(result: Beside) -> None:
    """No column and no number comes from both groups: the figures are rows of a query, value by value."""
    asked = query.proportions if result.endpoint == "orr" else query.durations
    printed = pd.concat(
        [asked(endpoint=result.endpoint, her2_directed=directed, btc_only=True) for directed in (True, False)]
    ).set_index(["trial", "arm"])
    for row in result.figures.drop(columns="group").to_dict("records"):
        source = printed.loc[[(row["trial"], row["arm"])]]
        same = np.logical_and.reduce(
            [
                source[name].eq(value).fillna(value=False)
                for name, value in row.items()
                if name in source and pd.notna(value)
            ]
        )
        assert same.any(), row
    for table in (result.arms, result.differences):
        assert {str(dtype) for dtype in table.dtypes} == {"string"}


def test_nothing_compares_the_groups(result: Beside) -> None:
    names = [*result.figures.columns, *result.arms.columns, *result.differences.columns]
    assert [name for name in names if COMPARED.search(name)] == []
    public = [name for name in dir(result) if not name.startswith("_")]
    assert sorted(public) == [
        "arms", "describe", "differences", "endpoint", "figures", "line", "needed", "notes", "release",
    ]  # fmt: skip
    figures = result.figures
    known = {f"{value:g}" for name in ("events", "n", "percent") if name in figures for value in figures[name].dropna()}
    known |= {f"{value:.3g}" for value in figures.get("median_months", pd.Series(dtype=float)).dropna()}
    first_lines = "\n".join(result.describe().splitlines()[1:3])
    keys = {*figures["trial"], *figures["arm"]}
    for key in sorted(keys, key=len, reverse=True):
        first_lines = first_lines.replace(key, "")
    assert set(re.findall(r"\d+(?:\.\d+)?", first_lines.replace("HER2", ""))) <= known
    assert not re.search(r"hazard|odds|p =|p <|versus|superior", result.describe())


def test_the_module_computes_nothing_from_figures() -> None:
    """No arithmetic on a figure can hide in it: neither statistics nor numpy is imported."""
    text = Path(benchmarks.__file__).read_text("utf-8")
    assert not re.search(
        r"import numpy|scipy|herbtc\.synthesis|herbtc\.measures|\.mean\(|\.median\(|\.sum\(|\.div\(", text
    )


def test_the_groups_cannot_be_pooled_together() -> None:
    figures = benchmarks.beside(line="second-or-later", endpoint="orr").figures.dropna(subset=["events", "n"])
    with pytest.raises(SynthesisError, match="HER2-directed with other arms"):
        synthesis.pool(measures.effects(figures))


def test_known_arms_of_the_second_line() -> None:
    figures = benchmarks.beside(line="second-or-later", endpoint="os").figures
    groups = dict(zip(figures["trial"] + "/" + figures["arm"], figures["group"], strict=True))
    assert groups["herizon-btc-01/cohort-1"] == HER2_DIRECTED
    assert groups["sgntuc-019/btc"] == HER2_DIRECTED
    # ABC-06 and NIFTY, and the control arm of a trial of a HER2-directed agent.
    for arm in ("abc-06/folfox", "abc-06/asc", "nifty/nal-iri-fu-lv", "nifty/fu-lv", "treetopp/placebo"):
        assert groups[arm] == BENCHMARK
    assert "treetopp/varlitinib" not in groups
    assert not any(arm.startswith(("tab/", "topaz-1/", "abc-02/")) for arm in groups)


def test_what_differs_is_said_in_words() -> None:
    result = benchmarks.beside(line="first", endpoint="orr")
    table = result.differences.set_index("characteristic")
    selection = table.loc["HER2 selection"]
    assert "her2-positive (" in selection[HER2_DIRECTED]
    assert "unselected (" in selection[BENCHMARK]
    standard = result.arms[result.arms["group"] == BENCHMARK]
    randomised = int((standard["design"] == "randomised").sum())
    assert f"randomised ({randomised} arms)" in str(table.loc["design", BENCHMARK])
    inhibitor = standard.set_index(["trial", "arm"])["checkpoint inhibitor in the regimen"]
    assert (inhibitor["topaz-1", "durvalumab"], inhibitor["topaz-1", "placebo"]) == ("yes", "no")
    assert "yes (" in str(table.loc["checkpoint inhibitor in the regimen", BENCHMARK])
    # All are of the first line and of biliary cancer only, so that neither differs.
    assert "line of therapy" not in table.index
    assert "biliary cancer only" not in table.index
    assert "the same line, counted in the same way" not in result.needed
    assert "patients selected by HER2 in the same way, in both groups" in result.needed
    assert set(result.arms.columns) == {"group", "trial", "arm", *benchmarks._CHARACTERISTICS}


def test_survival_has_no_reader_and_times_no_confirmation() -> None:
    for endpoint, absent in {"os": {"reader", "confirmed response"}, "pfs": {"confirmed response"}}.items():
        table = benchmarks.beside(line="second-or-later", endpoint=endpoint).differences  # type: ignore[arg-type]
        assert not absent & set(table["characteristic"])


def test_what_is_left_out_is_named() -> None:
    assert any("summit/btc" in note for note in benchmarks.beside(line="first", endpoint="orr").notes)


STUDY = """
key = "fgfr2-trial"
name = 'A trial in another subgroup'
design = "randomised"

[[sources]]
key = "unseen-2025"
kind = "unpublished"
title = 'Made up'
year = 2025

[[arms]]
key = "inhibitor"
label = 'An inhibitor'
agents = ["{agent}"]
line = "first"
her2_selected = false
btc_only = true

[[arms]]
key = "chemotherapy"
label = 'Chemotherapy'
agents = ["gemcitabine", "cisplatin"]
line = "first"
her2_selected = false
btc_only = true

[figures]
proportions = [
  {{ arm = "inhibitor", endpoint = "orr", events = 20, n = 40, source = "unseen-2025", locator = 'Table' }},
  {{ arm = "chemotherapy", endpoint = "orr", events = 8, n = 40, source = "unseen-2025", locator = 'Table' }},
]
"""
AGENT = """
[[agents]]
key = "an-fgfr2-inhibitor"
name = 'An FGFR2 inhibitor'
mechanism = "other-targeted"
"""


def test_trials_in_another_molecular_subgroup_are_no_benchmark(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    (tmp_path / "agents.toml").write_text(AGENT, "utf-8")
    (tmp_path / "trials" / "fgfr2-trial.toml").write_text(STUDY.format(agent="an-fgfr2-inhibitor"), "utf-8")
    both = herbtc.load().extend(tmp_path)
    result = benchmarks.beside(line="first", endpoint="orr", catalog=both)
    assert "fgfr2-trial" not in set(result.figures["trial"])
    assert any("fgfr2-trial/inhibitor, fgfr2-trial/chemotherapy" in note for note in result.notes)
    assert result.release == both.release
    # The same study with a HER2-directed agent in its other arm gives a benchmark.
    (tmp_path / "trials" / "fgfr2-trial.toml").write_text(STUDY.format(agent="zanidatamab"), "utf-8")
    again = benchmarks.beside(line="first", endpoint="orr", catalog=herbtc.load().extend(tmp_path))
    groups = again.figures.set_index(["trial", "arm"])["group"]
    assert groups["fgfr2-trial", "chemotherapy"] == BENCHMARK


def test_a_catalog_without_one_of_the_groups(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    shipped = Path(herbtc.__file__).parent / "data"
    for name in ("agents.toml", "definitions.toml", "trials/abc-06.toml"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    alone = herbtc.read(tmp_path)
    found = benchmarks.beside(line="second-or-later", endpoint="os", catalog=alone)
    assert "HER2-directed: no figure." in found.describe()
    assert set(found.differences[HER2_DIRECTED]) == {"no arm"}
    none = benchmarks.beside(line="first", endpoint="orr", catalog=alone)
    assert none.figures.empty
    assert "benchmark: no figure." in none.describe()


TIME = """durations = [
  {{ arm = "inhibitor", endpoint = "os", median = "{median}", source = "unseen-2025", locator = 'Table' }},
]
"""


@pytest.mark.parametrize("median", ["not-reached", "not-estimable"])
def test_a_median_that_is_no_number_is_said_in_words(tmp_path: Path, median: str) -> None:
    (tmp_path / "trials").mkdir()
    text = STUDY.format(agent="zanidatamab").replace("her2_selected = false", "her2_selected = true", 1)
    (tmp_path / "trials" / "fgfr2-trial.toml").write_text(text + TIME.format(median=median), "utf-8")
    found = benchmarks.beside(line="first", endpoint="os", catalog=herbtc.load().extend(tmp_path))
    assert f"fgfr2-trial/inhibitor {median.replace('-', ' ')}" in found.describe()


def test_mixed_tumours_are_on_neither_side(tmp_path: Path, result: Beside) -> None:
    assert (result.arms["biliary cancer only"] == "yes").all()
    (tmp_path / "trials").mkdir()
    basket = STUDY.format(agent="zanidatamab").replace("btc_only = true", "btc_only = false")
    (tmp_path / "trials" / "fgfr2-trial.toml").write_text(basket, "utf-8")
    found = benchmarks.beside(line="first", endpoint="orr", catalog=herbtc.load().extend(tmp_path))
    assert "fgfr2-trial" not in set(found.figures["trial"])


def test_a_result_is_frozen_and_shows_itself(result: Beside) -> None:
    figures = result.figures
    figures["n"] = 1
    pd.testing.assert_frame_equal(result.figures, result.figures)
    assert not result.figures["n"].eq(1).fillna(value=False).any()
    with pytest.raises(AttributeError):
        result.line = "first"  # type: ignore[misc]
    html = result._repr_html_()
    assert "A valid comparison would need" in html
    assert html.count("<table") == 2
    assert "of standard care>" in repr(result)


@pytest.mark.parametrize(
    ("line", "endpoint"), [("third", "orr"), ("second", "orr"), ("first", "dcr"), ("first", "ORR")]
)
def test_other_words_are_refused(line: LineWord, endpoint: EndpointWord) -> None:
    with pytest.raises(UnknownKeyError):
        benchmarks.beside(line=line, endpoint=endpoint)
