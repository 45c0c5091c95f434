"""Rates as metafor and as CIViC take them: R pools them to our estimate, and nothing is said that the data do not."""

from __future__ import annotations

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import herbtc
from herbtc import Catalog, DataError, UnknownKeyError, export, measures, query, synthesis
from herbtc.export._rates import _DISEASES, _of_clause
from herbtc.her2 import Clause
from herbtc.terms import IhcScore, IshResult, Site, VariantKind

REFERENCE = Path(__file__).parent / "reference"

# --- metafor ----------------------------------------------------------------------------------------------------------


def recorded_rates() -> pd.DataFrame:
    """The rates of reference/data/her2-btc.csv, under labels that a careless reader would stumble on."""
    rates = pd.read_csv(REFERENCE / "data" / "her2-btc.csv")
    labels = ["=cmd|' /C calc'!A0", 'with "quotes", comma', "O'Neill 2020", "#1", "-minus", "NA", "100 %", "胆道"]
    rates["study"] = labels + rates["study"].tolist()[len(labels) :]
    return export.events(measures.effects(rates, "logit"))


def compared(answer: dict[str, Any], frame: pd.DataFrame) -> None:
    pooled = synthesis.pool(frame.assign(measure="logit"))
    ours = {name: getattr(pooled, name) for name in answer["from_counts"]}
    # Both sides are double arithmetic; how far, and why, stands in test_metafor.
    assert answer["from_counts"] == pytest.approx(ours, rel=1e-8)
    assert answer["inverse_variance"] == pytest.approx(ours, rel=1e-8)


def test_the_table_that_r_read_is_the_one_that_is_written(tmp_path: Path) -> None:
    """If this fails because the table is meant to differ: copy the new one, then `Rscript export.R` in reference/."""
    file, _ = export.csv(recorded_rates(), tmp_path / "rates.csv")
    written, read = (pd.read_csv(path, keep_default_na=False) for path in (file, REFERENCE / "export" / "rates.csv"))
    # The last digit of a logarithm is the affair of the platform.
    pd.testing.assert_frame_equal(written, read, rtol=1e-14)


def test_r_reads_the_table_and_metafor_pools_it_to_our_estimate() -> None:
    answer = json.loads((REFERENCE / "export.json").read_text("utf-8"))
    frame = recorded_rates()
    # read.csv takes the text NA for no value.
    assert answer["studies"] == [None if each == "NA" else export.escaped(each) for each in frame["study"]]
    compared(answer, frame)


def has_metafor() -> bool:
    command = [shutil.which("Rscript") or "", "-e", "library(metafor)"]
    return bool(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


@pytest.mark.skipif(not has_metafor(), reason="needs R with metafor; the recorded answer is tested above")
def test_metafor_pools_the_shipped_evidence_to_our_estimate(tmp_path: Path) -> None:
    rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    frame = export.events(measures.effects(rates.dropna(subset=["events", "n"]), "logit"))
    file, _ = export.csv(frame, tmp_path / "rates.csv")
    answer = tmp_path / "answer.json"
    subprocess.run(["Rscript", str(REFERENCE / "export.R"), str(file), str(answer)], check=True)  # noqa: S603, S607
    told = json.loads(answer.read_text("utf-8"))
    assert told["studies"] == frame["study"].tolist()
    compared(told, frame)


def test_each_row_has_a_label_of_its_own() -> None:
    rates = query.proportions(reports="all").dropna(subset=["events", "n"])
    for frame in (rates, rates[rates["endpoint"] == "orr"], rates[:1], rates[:0]):
        flat = export.events(frame)
        assert flat["study"].is_unique
        assert len(flat) == len(frame)
        assert flat["events"].tolist() == frame["events"].tolist()
    one_each = query.proportions(endpoint="orr", her2_directed=True, line="second-or-later", her2="her2-positive")
    counted = one_each.dropna(subset=["events", "n"])
    assert export.events(counted)["study"].tolist() == counted["trial"].tolist()


def test_the_table_keeps_what_is_beside_and_where_it_came_from() -> None:
    rates = query.proportions(endpoint="orr", trial="herizon-btc-01")
    flat = export.events(rates)
    assert flat.columns.tolist() == [
        *("study", "trial", "arm", "population", "agents", "line", "her2", "endpoint", "year", "source"),
        *("events", "n"),
    ]
    assert flat.attrs == rates.attrs
    effects = measures.effects(rates[:1], "logit")
    with_effects = export.events(effects)
    assert with_effects.columns.tolist()[-5:] == ["events", "n", "yi", "vi", "sei"]
    assert with_effects["sei"].pow(2).tolist() == pytest.approx(effects["vi"].tolist())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"study": ["a"], "n": [1]}), "events: expected a column"),
        (pd.DataFrame({"study": ["a"], "events": [1]}), "n: expected a column"),
        (pd.DataFrame({"events": [1], "n": [2]}), "expected a column study or trial"),
        (pd.DataFrame({"study": ["a", "b"], "events": [1, None], "n": [2, 3]}), r"every row.*\['b'\]"),
        (pd.DataFrame({"study": ["a", "a"], "events": [1, 1], "n": [2, 2]}), r"rows that differ; alike are \['a'\]"),
    ],
)
def test_rows_that_cannot_be_pooled_are_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        export.events(frame)


# --- CIViC ------------------------------------------------------------------------------------------------------------

# Columns of CIViC's tables of accepted evidence that a report of a rate can fill, in their order there; `rating` at the
# end is one that it cannot.
CIVIC = [
    *("molecular_profile", "disease", "doid", "therapies", "therapy_interaction_type", "evidence_type"),
    *("evidence_direction", "evidence_level", "significance", "citation_id", "source_type", "citation", "nct_ids"),
    "rating",
]
POSITIVE, THREE, TWO = IshResult.POSITIVE, IhcScore.THREE, IhcScore.TWO
AMPLIFIED, OVER, MUTATED = "ERBB2 Amplification", "ERBB2 Overexpression", "ERBB2 Mutation"


@pytest.mark.parametrize(
    ("clause", "profile"),
    [
        (Clause(ihc=(THREE,)), OVER),
        (Clause(ihc=(TWO, THREE)), None),
        (Clause(ihc=(TWO,)), None),
        (Clause(ihc=(TWO,), ish=POSITIVE), AMPLIFIED),
        (Clause(ihc=(TWO, THREE), ish=POSITIVE), AMPLIFIED),
        (Clause(ihc=(THREE,), ish=IshResult.NEGATIVE), None),
        (Clause(ihc=(TWO,), ish=IshResult.NEGATIVE), None),
        (Clause(ish=POSITIVE), AMPLIFIED),
        (Clause(ish=IshResult.NEGATIVE), None),
        (Clause(ish_ratio_min=Decimal("2.0"), ish_copies_min=Decimal("4.0")), AMPLIFIED),
        (Clause(ngs_copies_min=Decimal("6.0")), AMPLIFIED),
        (Clause(ngs_amplified=True), AMPLIFIED),
        (Clause(ngs_amplified=False), None),
        (Clause(plasma_amplified=True), AMPLIFIED),
        (Clause(variant=VariantKind.ANY), MUTATED),
        (Clause(variant=VariantKind.ACTIVATING, ngs_amplified=True), None),
        (Clause(her3_altered=True), None),
        (Clause(nrg1_fusion=True), None),
        (Clause(nrg1_fusion=True, ihc=(THREE,)), None),
    ],
)
def test_a_clause_has_a_profile_only_where_it_follows(clause: Clause, profile: str | None) -> None:
    assert _of_clause(clause) == profile


def civic(**filters: Any) -> pd.DataFrame:
    return export.civic(query.proportions(reports="all", suspect="include", **filters))


def test_columns_are_those_of_civic_then_the_figures() -> None:
    rows = civic()
    assert rows.columns.tolist()[: len(CIVIC)] == CIVIC
    figures = query.proportions(reports="all", suspect="include")
    for name in ("trial", "arm", "population", "her2", "events", "n", "percent", "low", "high", "level", "locator"):
        pd.testing.assert_series_equal(rows[name], figures[name])
    assert rows.attrs == figures.attrs


def test_judgements_are_left_to_a_curator() -> None:
    rows = civic()
    for name in ("evidence_direction", "significance", "rating", "therapy_interaction_type"):
        assert rows[name].isna().all()
    assert set(rows["evidence_type"].dropna()) == {"Predictive"}
    assert set(rows["evidence_level"].dropna()) == {"B"}


@pytest.mark.parametrize(
    ("trial", "arm", "population", "expected"),
    [
        ("herizon-btc-01", "cohort-1", "all", (AMPLIFIED, "biliary tract cancer", "DOID:4607")),
        ("herizon-btc-01", "cohort-1", "ihc-3+", (OVER, "biliary tract cancer", "DOID:4607")),
        ("herizon-btc-01", "cohort-1", "ihc-2+", (AMPLIFIED, "biliary tract cancer", "DOID:4607")),
        ("herb", "her2-positive", "all", (f"{OVER} OR {AMPLIFIED}", "biliary tract cancer", "DOID:4607")),
        ("herb", "her2-low", "all", (None, "biliary tract cancer", "DOID:4607")),
        ("summit", "btc", "all", (MUTATED, "biliary tract cancer", "DOID:4607")),
        ("mypathway", "btc", "gallbladder", (f"{OVER} OR {AMPLIFIED}", "gallbladder cancer", "DOID:3121")),
        ("destiny-pantumor02", "all-tumours", "all", (None, None, None)),
        ("topaz-1", "durvalumab", "all", (None, "biliary tract cancer", "DOID:4607")),
    ],
)
def test_profile_and_disease_follow_from_definition_stratum_and_site(
    trial: str, arm: str, population: str, expected: tuple[str | None, ...]
) -> None:
    rows = civic(trial=trial, arm=arm, population=population)
    assert len(rows)
    found = rows[["molecular_profile", "disease", "doid"]].astype(object)
    assert {tuple(None if pd.isna(cell) else cell for cell in row) for row in found.itertuples(index=False)} == {
        expected
    }


def test_only_her2_directed_therapy_of_a_known_profile_predicts() -> None:
    rows = civic()
    of_arm = query.arms().set_index(["trial", "arm"])["her2_directed"]
    directed = pd.Series([bool(of_arm[pair]) for pair in zip(rows["trial"], rows["arm"], strict=True)])
    predictive = rows["evidence_type"].notna()
    assert predictive.equals(rows["molecular_profile"].notna() & directed)
    assert predictive.sum() > 100


def test_single_patients_and_meta_analyses_have_no_level() -> None:
    rows = civic()
    design = rows["trial"].map(query.trials().set_index("trial")["design"].astype(str))
    assert rows.loc[design == "meta-analysis", "evidence_level"].isna().all()
    assert rows.loc[~(rows["n"] > 1).fillna(value=False).astype(bool), "evidence_level"].isna().all()
    assert rows.loc[(design == "single-arm") & (rows["n"] > 1).fillna(value=False), "evidence_level"].eq("B").all()


def test_a_row_cites_what_can_be_found() -> None:
    row = civic(trial="herizon-btc-01", endpoint="orr", arm="cohort-1").set_index("citation_id").loc["37276871"]
    first = row.iloc[0] if isinstance(row, pd.DataFrame) else row
    assert first["source_type"] == "PubMed"
    assert first["citation"] == "Harding JJ, Lancet Oncol 2023;24:772-782, 2023"
    assert first["nct_ids"] == "NCT04466891"
    assert first["therapies"] == "Zanidatamab"
    without = civic()["citation_id"].isna()
    assert civic().loc[without, "source_type"].isna().all()


def test_every_site_has_a_disease_of_the_ontology() -> None:
    assert set(_DISEASES) == {None, *Site}
    assert all(doid.startswith("DOID:") for _, doid in _DISEASES.values())


def test_an_empty_frame_gives_empty_rows_with_the_same_columns() -> None:
    empty = export.civic(query.proportions()[:0])
    assert empty.columns.tolist() == civic().columns.tolist()
    assert empty.empty
    assert empty.dtypes.astype(str).to_dict() == civic().dtypes.astype(str).to_dict()


def test_other_frames_and_other_catalogs_are_refused() -> None:
    with pytest.raises(DataError, match="events: expected the columns of query"):
        export.civic(query.durations())
    with pytest.raises(UnknownKeyError, match="unknown trial"):
        export.civic(query.proportions(), catalog=Catalog(release="unreleased"))


def test_evidence_rows_are_written_like_any_frame(tmp_path: Path) -> None:
    rows = civic(her2_directed=True)
    (file,) = export.parquet(rows, tmp_path / "civic.parquet")
    got = pd.read_parquet(file)
    assert got["molecular_profile"].tolist() == rows["molecular_profile"].tolist()
    assert got.attrs["herbtc"]["release"] == herbtc.load().release
