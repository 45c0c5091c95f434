"""The notebooks run as they stand, without a warning, and say what the evidence says."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import notebooks
import pytest
from notebooks import pictures, told

import herbtc
from herbtc import her2, matching, measures, planning, query, registry, synthesis

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SAMPLES = ROOT / "tests" / "samples" / "ctgov"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def read(name: str) -> Any:
    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)


def run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a notebook in a copy of its folder, and return it with its outputs."""
    shutil.copytree(EXAMPLES, folder / "examples")
    return notebooks.run(read(name), folder / "examples", monkeypatch)


def prose(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def row(key: str, *values: object) -> str:
    """Return a pattern for the line of a printed frame that begins with a key and ends with values."""
    return rf"(?m)^ *\d+ +{re.escape(key)}\b.*{' +'.join(re.escape(str(each)) for each in values)}$"


# --- as stored --------------------------------------------------------------------------------------------------------


def test_there_is_a_test_of_every_notebook() -> None:
    tested = {name.removeprefix("test_the_notebook_") for name in globals() if name.startswith("test_the_notebook_")}
    assert {path.stem for path in NOTEBOOKS} == tested
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert set(re.findall(r"(?m)^\| \[`(\w+)\.ipynb`\]\(\1\.ipynb\)", listed)) == tested


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    notebook = read(path.stem)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert all(not cell.metadata for cell in notebook.cells)
    assert path.read_text("utf-8") == nbformat.writes(notebook) + "\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_step_has_its_sentence(path: Path) -> None:
    cells = read(path.stem).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    # The imports may follow the introduction, and cleaning up may follow the last step.
    kinds = [cell.cell_type for cell in cells[1:]]
    bare = [before for before, after in pairwise(kinds) if before == after == "code"]
    assert len(bare) <= 1


def test_records_are_those_of_the_samples() -> None:
    name = "NCT06008288.json"
    assert (EXAMPLES / "data" / name).read_bytes() == (SAMPLES / name).read_bytes()
    ours = (EXAMPLES / "data" / "registry-2026-08.jsonl").read_bytes().splitlines()
    assert set(ours) < set((SAMPLES / "flat_her2_btc_2026-08.jsonl").read_bytes().splitlines())


# --- as run -----------------------------------------------------------------------------------------------------------


def test_the_notebook_quick_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("quick_start", tmp_path, monkeypatch)
    rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    counted = rates.dropna(subset=["events", "n"])
    pooled = synthesis.pool(measures.effects(counted, "logit"))
    assert repr(pooled) in told(*done.cells)
    assert pooled.describe() in told(*done.cells)
    assert repr(sorted(set(rates["trial"]) - set(counted["trial"]))) in told(*done.cells)
    assert pictures(*done.cells) == 1
    assert (tmp_path / "examples" / "quick-start.png").stat().st_size > 10_000


def test_the_notebook_evidence_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("evidence_table", tmp_path, monkeypatch)
    rates = query.proportions(endpoint="orr", her2_directed=True, line="second-or-later", btc_only=True)
    assert set(rates["level"].dropna()) > {90.0}, "the notebook says that some reports print 90 % intervals"
    asked = rates[~rates["her2"].isin(["her2-low", "ihc-0/1+"])].dropna(subset=["events", "n"])
    assert repr(synthesis.pool(measures.effects(asked, "logit"))) in told(*done.cells)
    words = query.definitions(definition="sgntuc-019")["words"].item()
    assert re.search(row("sgntuc-019", words), told(*done.cells))
    assert pictures(*done.cells) == 1
    written = {path.name for path in (tmp_path / "examples").iterdir()} - {path.name for path in EXAMPLES.iterdir()}
    assert written == {"evidence.bib", "evidence.csv", "evidence.datapackage.json", "evidence.svg"}
    entries = (tmp_path / "examples" / "evidence.bib").read_text("utf-8")
    for trial, source in rates[["trial", "source"]].itertuples(index=False):
        assert f"{{{trial}:{source}," in entries


def test_the_notebook_published_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naleid N et al. JCO Precis Oncol 2025;9:e2400594, Abstract: ORR 34 % (95 % CI 24-44), 368 patients."""
    done = run("published_review", tmp_path, monkeypatch)
    text = told(*done.cells)
    review, ours = (
        re.search(rf"(?m)^\d+ +{name}.*? (\d+) +(\d+) +(\d.*)$", text) for name in ("the review", "ours, as")
    )
    assert review is not None
    assert ours is not None
    assert review.group(3) == ours.group(3) == "34 (24 to 44)"
    assert "34 % (95 % CI 24 to 44)" in prose(done)
    second = re.search(row("herizon-btc-01", "cohort-2", "ihc-0/1+", 7), text)
    assert second is not None
    assert int(ours.group(2)) + 7 == int(review.group(2)) == 368
    assert pictures(*done.cells) == 1


def test_the_notebook_single_arm_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("single_arm_trial", tmp_path, monkeypatch)
    text = told(*done.cells)
    benchmark = synthesis.map_prior(query.proportions(endpoint="orr", trial=["abc-06", "nifty"]), role="benchmark")
    low, high = benchmark.predictive.interval(0.9)
    median = benchmark.predictive.median()
    assert f"median {100 * median:.1f} %, 90 % interval {100 * low:.1f} to {100 * high:.1f} %" in text
    assert 2 * median < 0.15 < high, "the notebook says that 15 % is well above the median and within the interval"
    optimal = planning.simon(0.15, 0.40, alpha=0.05, power=0.80).optimal
    assert re.search(rf"(?m)^1 +{optimal.r1} +{optimal.n1} +{optimal.r} +{optimal.n} ", text)
    design = planning.bayes_design(planning.WEAK, benchmark.mixture, p1=0.40, power=0.80, cut=0.95)
    assert f"{design.n} patients; a success with more than {design.r} responses" in text
    exact, borrowed, calibrated = (
        re.search(rf"{name} +(\d+) +(\d+) +\S+ +(\S+) +\S+$", text, re.MULTILINE)
        for name in ("exact", "borrowed", "calibrated")
    )
    assert exact is not None
    assert borrowed is not None
    assert calibrated is not None
    assert int(borrowed.group(1)) < int(exact.group(1)), "the notebook says that borrowing saves patients"
    assert float(borrowed.group(3)) > 0.05 > float(exact.group(3)), "and that it pays for them in type I error"
    assert calibrated.groups() == exact.groups()
    assert "expected one regimen in all rows" in text
    assert pictures(*done.cells) == 1


def test_the_notebook_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("patient", tmp_path, monkeypatch)
    text = told(*done.cells)
    tumour = her2.Assay(ihc="2+", ish_ratio=2.6, ish_copies=7.1, laboratory="central")
    assert "equivocal by gastric-2016" in text
    assert str(her2.classify(tumour, "gastric-2016")) in text
    assert str(her2.classify(tumour, "gastric-2016").status) == "positive"
    answers = {
        key: str(her2.meets(tumour, key).answer)
        for key in ("herizon-btc-01-cohort-1", "destiny-pantumor02", "ziihera-label", "enhertu-solid-tumour-label")
    }
    assert list(answers.values()) == ["yes", "yes", "no", "no"], "in the trial, and outside the label that came of it"
    for key, answer in answers.items():
        assert re.search(rf"(?m)^{key} +{answer}: ", text)
    options = matching.options(
        matching.Patient(
            her2=tumour,
            site="gallbladder",
            prior_lines=1,
            prior_agents=("gemcitabine", "cisplatin", "durvalumab"),
            ecog=1,
            measurable=True,
        ),
        as_of="2026-11-26",
        jurisdiction="US",
    )
    (group,) = options.loc[options["option"] == "herizon-btc-01/cohort-1", ["group", "events", "n"]].to_numpy().tolist()
    assert re.search(rf"(?m)^\d+ +herizon-btc-01/cohort-1 +{re.escape(group[0])} +{group[1]} +{group[2]} ", text)
    assert "accelerated-approval 2024-11-20" in text
    assert "False True" in text
    assert options.attrs["not_advice"] in text


def test_the_notebook_own_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("own_studies", tmp_path, monkeypatch)
    text = told(*done.cells)
    assert "1 study beside the evidence of" in text
    assert "0 errors, 0 warnings" in text
    both = herbtc.load().extend(EXAMPLES / "data" / "our-evidence")
    for what, catalog in (("with ours:   ", both), ("without ours:", herbtc.load())):
        rates = query.proportions(
            endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later", catalog=catalog
        )
        counted = rates.dropna(subset=["events", "n"])
        assert f"{what} {synthesis.pool(measures.effects(counted, 'logit'))}" in text
    assert "'NCT04466891' is 'herizon-btc-01' in the catalog already" in text
    assert re.search(r"(?m)^\d+ +herizon-btc-01 +cohort-1 +34 +80 +harding-2023 +events 33 → 34", text)
    assert "(1, 0)" in text
    assert pictures(*done.cells) == 1
    assert {path.name for path in (tmp_path / "examples").iterdir()} == {path.name for path in EXAMPLES.iterdir()}


def test_the_notebook_registry_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("registry_check", tmp_path, monkeypatch)
    text = told(*done.cells)
    study = registry.study((EXAMPLES / "data" / "NCT06008288.json").read_bytes())
    assert f"{study.nct_id}; {study.overall_status}; " in text
    lines = (EXAMPLES / "data" / "registry-2026-08.jsonl").read_text("utf-8").splitlines()
    for each in map(json.loads, lines):
        (trial,) = (one.key for one in herbtc.load().trials if each["nct_id"] in one.registry_ids)
        # The notebook says that no column differs.
        assert re.search(row(trial, each["enrollment"], each["enrollment_type"], "<NA>"), text)
    assert len(re.findall(r"(?m) status; completion  ", text)) == 1
    assert registry.draft(study).splitlines()[0] in text


def test_the_notebook_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("pipeline", tmp_path, monkeypatch)
    text = told(*done.cells)
    rates = query.proportions(endpoint="orr", her2_directed=True).dropna(subset=["events", "n"])
    by_class = rates.groupby("mechanism")[["events", "n"]].sum()
    assert len(by_class) > 3
    for mechanism, events, n in by_class.itertuples(name=None):
        assert re.search(rf"(?m)^\d+ +{re.escape(str(mechanism))} +\d+ +{events} +{n} ", text)
    assert f"{herbtc.load().release}; CC-BY-4.0" in text
    assert {path.name for path in (tmp_path / "examples").iterdir()} == {path.name for path in EXAMPLES.iterdir()}
