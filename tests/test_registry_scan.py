"""Scanning a whole registry on disk: the same candidates from every kind of download, and none lost on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import herbtc
from herbtc import DataError, HerbtcWarning, registry
from herbtc.registry import _bulk
from herbtc.registry._study import Intervention, Study
from herbtc.registry._terms import BILIARY, HER2, SOLID, coarse, matched, searches, target_words

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent / "samples" / "ctgov"
FLAT = [json.loads(line) for line in (SAMPLES / "flat_her2_btc_2026-08.jsonl").read_text("utf-8").splitlines()]
PLAIN = json.loads((SAMPLES / "NCT00973089.json").read_bytes())

COLUMNS = {
    "nct_id": "string",
    "kind": "string",
    "trial": "string",
    "title": "string",
    "overall_status": "string",
    "study_type": "string",
    "phases": "string",
    "conditions": "string",
    "interventions": "string",
    "enrollment": "Int64",
    "start_date": "string",
    "last_update_posted": "string",
    "has_results": "boolean",
    "her2_in": "string",
    "biliary_in": "string",
    "solid_in": "string",
}


def record(row: dict[str, Any]) -> dict[str, Any]:
    """Return a flattened row as a record of the registry."""
    document: dict[str, Any] = deepcopy(PLAIN)
    protocol = document["protocolSection"]
    protocol["identificationModule"] = {
        "nctId": row["nct_id"],
        "briefTitle": row["brief_title"],
        "officialTitle": row["official_title"] or row["brief_title"],
    }
    protocol["statusModule"]["overallStatus"] = row["overall_status"]
    protocol["conditionsModule"] = {"conditions": row["conditions"]}
    protocol["designModule"] = {"phases": row["phases"], "studyType": row["study_type"]}
    protocol["armsInterventionsModule"] = {"interventions": [{"name": name} for name in row["intervention_names"]]}
    return document


RECORDS = [record(row) for row in FLAT]


def as_folder(folder: Path, records: list[Any]) -> Path:
    target = folder / "studies"
    for each in records:
        number = each["protocolSection"]["identificationModule"]["nctId"]
        (target / number[:5]).mkdir(parents=True, exist_ok=True)
        (target / number[:5] / f"{number}.json").write_text(json.dumps(each, ensure_ascii=False), "utf-8")
    return target


def as_pages(folder: Path, records: list[Any]) -> Path:
    target = folder / "pages"
    target.mkdir()
    for first in range(0, len(records), 100):
        page = {"studies": records[first : first + 100], "nextPageToken": "x"}
        (target / f"{first}.json").write_text(json.dumps(page), "utf-8")
    return target


def as_zip(folder: Path, records: list[Any]) -> Path:
    target = folder / "ctg-studies.json.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(each["protocolSection"]["identificationModule"]["nctId"] + ".json", json.dumps(each))
    return target


def as_lines(folder: Path, records: list[Any]) -> Path:
    target = folder / "studies.jsonl"
    target.write_text("".join(json.dumps(each) + "\n" for each in records) + "\n", "utf-8")
    return target


def table(columns: dict[str, Any], target: Path) -> Path:
    with duckdb.connect() as connection:
        connection.register("columns", pd.DataFrame(columns, dtype=object))
        connection.execute(f"COPY columns TO '{target}'")
    return target


def as_column(folder: Path, records: list[Any]) -> Path:
    target = folder / "column.parquet"
    return table({"source": "ctgov", "study": [json.dumps(each) for each in records]}, target)


def as_sections(folder: Path, records: list[Any]) -> Path:
    target = folder / "tables"
    target.mkdir()
    lines = as_lines(folder, records)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json('{lines}', maximum_depth = -1, sample_size = -1)) "
            f"TO '{target / 'sections.parquet'}' (ROW_GROUP_SIZE 2048)"
        )
    return target


KINDS = [as_folder, as_pages, as_zip, as_lines, as_column, as_sections]


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    """Return what reading every record without DuckDB gives."""
    catalog = herbtc.load()
    studies = [registry.study(json.dumps(each).encode()) for each in RECORDS]
    kinds = {study.nct_id: matched(study, catalog).kind for study in studies}
    return pd.DataFrame(
        sorted((number, kind) for number, kind in kinds.items() if kind), columns=["nct_id", "kind"], dtype="string"
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_download_gives_the_same_candidates(
    kind: Callable[[Path, list[Any]], Path], tmp_path: Path, expected: pd.DataFrame
) -> None:
    found = registry.scan(kind(tmp_path, RECORDS))
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == COLUMNS
    pd.testing.assert_frame_equal(found[["nct_id", "kind"]], expected)
    assert found["nct_id"].is_monotonic_increasing


def test_the_trials_of_her2_in_biliary_tract_cancer_are_candidates(tmp_path: Path) -> None:
    # The rows of the sample in which a reader finds both, by their titles, conditions and interventions.
    both = {
        *("NCT04329429", "NCT04450732", "NCT04482309", "NCT04639219", "NCT04704661"),
        *("NCT04837508", "NCT05417230", "NCT05540483", "NCT06431490"),
    }
    found = registry.scan(as_lines(tmp_path, RECORDS)).set_index("nct_id")
    biliary = found[found["kind"] == "biliary"]
    assert both <= set(biliary.index)
    # Two more have an agent that acts on HER2 in one arm of many, or a HER2 condition among many.
    assert set(biliary.index) - both == {"NCT04644068", "NCT06084481"}
    assert found.loc["NCT02693535", "kind"] == "basket"  # TAPUR names no biliary tract cancer
    assert found.loc["NCT04482309", "trial"] == "destiny-pantumor02"
    assert found.loc["NCT04482309", "biliary_in"] == "conditions"
    assert found.loc["NCT04837508", "her2_in"] == "title; interventions"


def test_an_empty_result_has_the_same_columns(tmp_path: Path) -> None:
    found = registry.scan(as_lines(tmp_path, [PLAIN]))
    assert found.empty
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == COLUMNS


def test_a_catalog_of_ones_own_brings_its_own_agents(tmp_path: Path) -> None:
    named = record(FLAT[0] | {"brief_title": "XYZ-1234 in cholangiocarcinoma", "official_title": None})
    named["protocolSection"]["armsInterventionsModule"] = {"interventions": [{"name": "XYZ 1234"}]}
    named["protocolSection"]["conditionsModule"] = {"conditions": ["Cholangiocarcinoma"]}
    path = as_lines(tmp_path, [named])
    shipped = herbtc.load()
    assert registry.scan(path, catalog=shipped).empty
    agents = (evolve(shipped.agent("zanidatamab"), key="xyz", name="xyz1234", synonyms=(), codes=()),)
    found = registry.scan(path, catalog=evolve(shipped, agents=agents))
    assert found["her2_in"].tolist() == ["title; interventions"]


# --- nothing is passed over in silence --------------------------------------------------------------------------------

BROKEN: dict[str, bytes] = {
    "cut": b'{"protocolSection": {"identificationModule": {"nctId": "NCT',
    "binary": b"\xff\xfe\x00HER2",
    "empty": b"",
    "typed": json.dumps(
        {"protocolSection": {"identificationModule": {"nctId": "NCT00000009", "briefTitle": ["HER2"]}}}
    ).encode(),
}


def with_broken(folder: Path) -> Path:
    path = as_folder(folder, RECORDS[:50])
    for name, data in BROKEN.items():
        (path / f"{name}.json").write_bytes(data)
    return path


def test_every_broken_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        registry.scan(with_broken(tmp_path))
    assert {Path(problem.file).stem for problem in caught.value.problems} == set(BROKEN)
    assert "protocolSection.identificationModule.briefTitle: expected text, got ['HER2']" in str(caught.value)
    assert "byte 0 is not" in str(caught.value)


def test_broken_records_are_left_out_only_on_request_and_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(HerbtcWarning, match="4 broken records left out"):
        found = registry.scan(with_broken(tmp_path), strict=False)
    (tmp_path / "sound").mkdir()
    pd.testing.assert_frame_equal(found, registry.scan(as_folder(tmp_path / "sound", RECORDS[:50])))


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = as_lines(tmp_path, RECORDS[:3])
    path.write_bytes(path.read_bytes() + b"{nothing\n")
    with pytest.raises(DataError, match="line 5: expected JSON"):
        registry.scan(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent", None, "no such file or folder"),
        ("studies.csv", b"nct_id\n", "expected a folder, or a file that ends in .zip .jsonl .ndjson .parquet"),
        ("studies.zip", b"PK\x03\x04 broken off", "cannot be read: File is not a zip file"),
        ("studies.parquet", b"PAR1", "cannot be read"),
        ("study.json", b"{}", "expected a folder"),
    ],
)
def test_what_is_no_download_says_so(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        registry.scan(tmp_path / name)


def test_an_empty_folder_or_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are none"):
        registry.scan(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(DataError, match="there are none"):
        registry.scan(tmp_path / "x.zip")


def test_a_file_of_no_lines_says_so(tmp_path: Path) -> None:
    for content in (b"", b"\n\n \n"):
        (tmp_path / "x.jsonl").write_bytes(content)
        with pytest.raises(DataError, match="expected one record per line; there are none"):
            registry.scan(tmp_path / "x.jsonl")


def test_an_archive_that_needs_a_password_is_an_error(tmp_path: Path) -> None:
    path = as_zip(tmp_path, RECORDS[:1])
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of encryption, before the file and in the list of files
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be read: .*password"):
        registry.scan(path)


def test_a_folder_that_links_to_itself_is_read_once(tmp_path: Path) -> None:
    path = as_folder(tmp_path, RECORDS[:30])
    expected = registry.scan(path)
    (path / "again").symlink_to(path)
    pd.testing.assert_frame_equal(registry.scan(path), expected)


def test_a_truncated_archive_is_an_error(tmp_path: Path) -> None:
    path = as_zip(tmp_path, RECORDS[:20])
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be read|expected"):
        registry.scan(path)


def test_a_table_without_records_names_its_columns(tmp_path: Path) -> None:
    columns = {name: [row[name] for row in FLAT] for name in ("nct_id", "brief_title", "enrollment")}
    path = table(columns, tmp_path / "flat.parquet")
    with pytest.raises(DataError, match="the columns are nct_id, brief_title, enrollment"):
        registry.scan(path)


def test_a_record_beyond_all_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bulk, "_LARGEST", 1000)
    for kind in (as_folder, as_zip, as_lines):
        with pytest.raises(DataError, match="expected records of at most 1000 bytes"):
            registry.scan(kind(tmp_path, RECORDS[:3]))


def test_a_group_of_rows_beyond_all_memory_says_what_to_do(tmp_path: Path) -> None:
    path = as_column(tmp_path, [record(row | {"brief_title": "x" * 10_000}) for row in FLAT] * 20)
    with pytest.raises(DataError, match=r"needs more than 20MB at once; allow more, or write Parquet with fewer rows"):
        registry.scan(path, memory="20MB")


def test_batches_are_neither_many_nor_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bulk, "_MOST", 3)
    monkeypatch.setattr(_bulk, "_MOST_BYTES", 10)
    sizes = [1, 1, 1, 1, 9, 2, 30, 1]
    assert list(_bulk._batches(((size, size) for size in sizes), Path())) == [[1, 1, 1], [1, 9], [2], [30], [1]]


def test_it_says_what_to_install_where_duckdb_is_absent() -> None:
    code = (
        "import sys; sys.modules['duckdb'] = None\n"
        "from herbtc import registry\n"
        "try: registry.scan('.')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "pip install 'herbtc[bulk]'" in done.stdout


# --- words ------------------------------------------------------------------------------------------------------------

CATALOG = herbtc.load()
EMPTY = Study(nct_id="NCT00000001")


@pytest.mark.parametrize(
    "text",
    [
        *("HER2-positive", "HER-2/neu", "anti-HER2", "HER 2", "HER2+", "ErbB2", "ERBB-2", "c-erb-B2", "her2mut"),
        *("Human Epidermal Growth Factor Receptor 2", "human epidermal growth-factor receptor-2"),
        *("RC48", "RC48-ADC", "RC-48 ADC", "DS-8201a", "DS8201", "T-DXd", "zanidatamab-hrii", "ZW25", "BAY2927088"),
    ],
)
def test_words_for_her2_are_found(text: str) -> None:
    assert matched(evolve(EMPTY, brief_title=f"A study of {text} in adults"), CATALOG).her2 == ("title",)


@pytest.mark.parametrize("text", ["HER3", "HER20", "other 2 arms", "ERBB3", "whether2", "zanubrutinib", "ZW250", "TDM"])
def test_other_words_are_not(text: str) -> None:
    assert matched(evolve(EMPTY, brief_title=f"A study of {text} in adults"), CATALOG).her2 == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Biliary Tract Cancer", True),
        ("Intrahepatic Cholangiocarcinomas", True),
        ("Gall Bladder Carcinoma", True),
        ("pancreatobiliary adenocarcinoma", True),
        ("Carcinoma of the Ampulla of Vater", True),
        ("Periampullary Neoplasms", True),
        ("Bile Duct Neoplasms", True),
        ("Cancer of the extrahepatic bile duct", True),
        ("Klatskin Tumor", True),
        ("Hepatocellular carcinoma", False),
        ("biliary obstruction", False),
        ("gallbladder removal", False),
        ("bile duct stones within 6 months", False),
        ("bilateral tumour", False),
    ],
)
def test_sites_in_running_text_count_beside_cancer_only(text: str, *, found: bool) -> None:
    match = matched(evolve(EMPTY, eligibility=f"* Patients with {text}, or others"), CATALOG)
    assert match.biliary == (("eligibility",) if found else ())


def test_a_basket_names_her2_in_what_names_it() -> None:
    basket = evolve(EMPTY, conditions=("Advanced Solid Tumor",), eligibility="HER2-positive breast cancer is excluded")
    assert matched(basket, CATALOG).kind is None
    assert matched(evolve(basket, keywords=("ERBB2",)), CATALOG).kind == "basket"
    assert matched(evolve(basket, interventions=(Intervention(name="Zongertinib"),)), CATALOG).kind == "basket"
    assert matched(evolve(basket, conditions=("Biliary Tract Cancer",)), CATALOG).kind == "biliary"


def test_every_agent_that_acts_on_her2_is_looked_for() -> None:
    words = target_words(CATALOG)
    for agent in CATALOG.agents:
        named = {agent.name, *agent.synonyms, *agent.codes}
        if agent.mechanism.her2_directed and agent.key != "her2-directed-therapy":
            assert named <= set(words)
        else:
            assert not named & set(words)


def test_searches_ask_with_the_same_words() -> None:
    biliary, solid = searches(CATALOG)
    assert biliary["term"] == solid["term"]
    for word in target_words(CATALOG):
        assert f'"{word}"' in biliary["term"]
    assert all(f'"{word}"' in biliary["condition"] for word in BILIARY)
    assert all(f'"{word}"' in solid["condition"] for word in SOLID)


CONNECTION = duckdb.connect()
WORDS = [*target_words(CATALOG), *HER2]


@given(
    word=st.sampled_from(WORDS),
    gap=st.sampled_from(["", " ", "-", "/", "\n", "\u2011", "\u00ae ", "_"]),
    before=st.text(max_size=3),
    after=st.text(max_size=3),
    upper=st.booleans(),
    escaped=st.booleans(),
)
def test_the_coarse_pattern_finds_what_the_fine_one_does(
    word: str, gap: str, before: str, after: str, *, upper: bool, escaped: bool
) -> None:
    text = before + gap.join(word.split()).replace("-", gap or "-") + after
    study = evolve(EMPTY, brief_title=text.upper() if upper else text)
    if matched(study, CATALOG).her2:
        data = json.dumps({"briefTitle": study.brief_title}, ensure_ascii=escaped)
        assert CONNECTION.execute("SELECT regexp_matches($1, $2)", [data, coarse(WORDS)]).fetchone() == (True,)
