"""Files that an export writes: whole or not there, read back by other programs as they were."""

from __future__ import annotations

import csv as csv_files
import io
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import numpy as np
import pandas as pd
import pytest
from frictionless import validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as parquet_files
from strategies import catalogs

import herbtc
from herbtc import DataError, UnknownKeyError, export, measures, query
from herbtc.errors import ExportError
from herbtc.export._frames import described
from herbtc.export._spreadsheet import as_csv
from herbtc.export._tables import NAMES, Table, tables

if TYPE_CHECKING:
    from herbtc import Catalog

TABLES = {table.name: table for table in tables(herbtc.load())}
SIGNS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "herbtc"
    export.datapackage(folder)
    return folder


@pytest.fixture
def rates() -> pd.DataFrame:
    return query.proportions(endpoint="orr", her2_directed=True)


@pytest.fixture
def options() -> pd.DataFrame:
    """A frame of the shape that `herbtc.matching` returns: it says in a column and in its attrs what it is not."""
    frame = query.agents(her2_directed=True)[["agent", "mechanism"]].assign(
        not_advice="Published evidence, not advice."
    )
    frame.attrs["not_advice"] = "Published evidence, not advice."
    return frame


def listing(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def descriptor(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same values, order and dtypes; which array holds a string, and the unit of a day, are the reader's affair."""
    days = {name: "datetime64[s]" for name in expected if str(expected[name].dtype) == "datetime64[s]"}
    pd.testing.assert_frame_equal(got.astype(days), expected, check_exact=True)


# --- spreadsheets -----------------------------------------------------------------------------------------------------

hostile = st.text(st.characters(exclude_categories=["Cs"])) | st.builds(
    "{}{}{}".format,
    st.sampled_from(["", " ", "\n", "\u00a0", "'"]),
    st.sampled_from([*SIGNS, "＝", "'"]),
    st.text("A1"),
)


@given(hostile)
def test_no_escaped_text_is_a_formula_and_each_can_be_had_back(text: str) -> None:
    written = export.escaped(text)
    assert not written.startswith(SIGNS)
    assert not written.strip().startswith(SIGNS)
    assert export.unescaped(written) == text


@pytest.mark.parametrize("text", ["ihc-3+", "1-2", "a@b.org", "x = 1", "", "0", "−1"])
def test_text_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert export.escaped(text) == text


@given(st.lists(st.tuples(hostile, st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))))
def test_a_csv_holds_hostile_text_and_leaves_numbers_alone(rows: list[tuple[str, float, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["=text", "number", "whole"]).astype({"=text": "string"})
    head, *cells = csv_files.reader(io.StringIO(as_csv(frame, escape=True), newline=""))
    assert head == ["'=text", "number", "whole"]
    assert not any(row[0].strip().startswith(SIGNS) for row in cells)
    assert [(export.unescaped(text), float(number), int(whole)) for text, number, whole in cells] == rows


def test_categories_and_names_of_columns_are_escaped_as_well(tmp_path: Path) -> None:
    frame = pd.DataFrame({"@name": pd.Categorical(["-1", "b"])})
    file, package = export.csv(frame, tmp_path / "x.csv")
    assert file.read_bytes() == b"'@name\r\n'-1\r\nb\r\n"
    (field,) = descriptor(package)["resources"][0]["schema"]["fields"]
    assert field == {"name": "'@name", "type": "string", "constraints": {"enum": ["'-1", "b"]}}
    assert validate(str(package)).valid


def test_escaping_can_be_declined_and_the_package_says_which(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["=1+1"], "number": [-1.5]})
    for escape, cell in ((True, "'=1+1"), (False, "=1+1")):
        file, package = export.csv(frame, tmp_path / "x.csv", escape=escape, overwrite=True)
        assert file.read_bytes() == f"text,number\r\n{cell},-1.5\r\n".encode()
        assert ("escaped" in descriptor(package)["resources"][0]) is escape


# --- whole or not there -----------------------------------------------------------------------------------------------

WRITERS: dict[str, Callable[..., tuple[Path, ...]]] = {
    "csv": lambda folder, **more: export.csv(query.mechanisms(), folder / "x.csv", **more),
    "parquet": lambda folder, **more: export.parquet(query.mechanisms(), folder / "x.parquet", **more),
    "write": lambda folder, **more: export.write("text", folder / "x.txt", **more),
    "datapackage": lambda folder, **more: export.datapackage(folder / "x", **more),
    "datapackage-parquet": lambda folder, **more: export.datapackage(folder / "x", format="parquet", **more),
}
each_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@each_writer
def test_the_paths_written_are_returned_and_nothing_else_is_there(write: Any, tmp_path: Path) -> None:
    written = write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == set(listing(tmp_path))


@each_writer
def test_nothing_is_replaced_unless_asked(write: Any, tmp_path: Path) -> None:
    for path in write(tmp_path):
        path.write_bytes(b"mine")
    before = listing(tmp_path)
    with pytest.raises(ExportError, match="overwrite=True replaces it"):
        write(tmp_path)
    assert listing(tmp_path) == before
    after = {path.relative_to(tmp_path).as_posix() for path in write(tmp_path, overwrite=True)}
    assert set(listing(tmp_path)) == after
    assert b"mine" not in listing(tmp_path).values()


@each_writer
@pytest.mark.parametrize("state", ["absent", "there"])
@pytest.mark.parametrize("fails", ["while it writes", "before it moves"])
def test_a_writer_that_fails_leaves_everything_as_it_was(
    write: Any, state: str, fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if state == "there":
        for path in write(tmp_path):
            path.write_bytes(b"old")
    before = listing(tmp_path)

    def half_written(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    def half_a_table(_: Any, path: Path) -> None:
        half_written(path, b"PAR1....")

    def not_moved(*_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    if fails == "before it moves":
        monkeypatch.setattr("os.fsync", not_moved)
    else:
        monkeypatch.setattr(Path, "write_bytes", half_written)
        monkeypatch.setattr("pyarrow.parquet.write_table", half_a_table)
    with pytest.raises(OSError, match=r"No space left|Permission denied"):
        write(tmp_path, overwrite=state == "there")
    assert listing(tmp_path) == before


def test_a_folder_that_cannot_be_moved_gives_its_place_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export.datapackage(tmp_path / "x")
    before = listing(tmp_path)
    replace, moves = Path.replace, []

    def second_fails(path: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) == 2:
            raise PermissionError(13, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(PermissionError):
        export.datapackage(tmp_path / "x", overwrite=True)
    assert len(moves) == 3
    assert listing(tmp_path) == before


def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path) -> None:
    export.datapackage(tmp_path / "x")
    (tmp_path / "x" / "thesis.docx").write_bytes(b"years of work")
    with pytest.raises(ExportError, match=r"thesis\.docx"):
        export.datapackage(tmp_path / "x", overwrite=True)
    assert (tmp_path / "x" / "thesis.docx").read_bytes() == b"years of work"


def test_an_empty_folder_is_filled_and_a_file_or_folder_of_the_other_kind_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (tmp_path / "empty" / "trials.csv") in export.datapackage(tmp_path / "empty")
    with pytest.raises(ExportError, match="is a folder"):
        export.csv(query.mechanisms(), tmp_path / "empty", overwrite=True)
    with pytest.raises(ExportError, match="is a file"):
        export.datapackage(tmp_path / "empty" / "trials.csv", overwrite=True)


def test_files_get_the_permissions_that_any_new_file_gets(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    (file,) = export.write("x", tmp_path / "x")
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode


# --- the data package -------------------------------------------------------------------------------------------------


def test_there_is_one_table_for_each_kind_of_record(package: Path) -> None:
    names = [resource["name"] for resource in descriptor(package / "datapackage.json")["resources"]]
    assert names == list(NAMES) == list(TABLES)
    assert set(query.COLUMNS) < set(names)
    assert set(listing(package)) == {"datapackage.json", *(f"{name}.csv" for name in names)}


def test_figures_are_there_with_every_report_suspect_ones_included() -> None:
    catalog = herbtc.load()
    for kind in herbtc.models.FIGURE_KINDS:
        assert len(TABLES[kind].frame) == sum(len(getattr(trial.figures, kind)) for trial in catalog.trials)
    for kind in ("prevalence", "concordance", "prognosis", "approvals", "guidelines", "agents", "definitions"):
        assert len(TABLES[kind].frame) == len(getattr(catalog, kind))
    assert len(TABLES["sources"].frame) == sum(len(trial.sources) for trial in catalog.trials)


def test_frictionless_finds_the_package_valid(package: Path) -> None:
    report = validate(str(package / "datapackage.json"))
    assert report.flatten(["title", "rowNumber", "fieldName", "type", "note"]) == []
    assert len(report.tasks) == len(NAMES)


def first_cell(column: str, value: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: [value, *frame[column][1:]]})


Fault: TypeAlias = tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str, str]
"""A table, what is done to it, the table in which that shows, and as what."""

FAULTS: list[Fault] = [
    ("trials", lambda frame: frame[frame["trial"] != "herizon-btc-01"], "arms", "foreign-key"),
    ("arms", lambda frame: frame[frame["trial"] != "herb"], "proportions", "foreign-key"),
    ("sources", lambda frame: frame[frame["trial"] != "topaz-1"], "durations", "foreign-key"),
    ("agent_sources", lambda frame: frame[frame["source"] != "lamarca-2021"], "agents", "foreign-key"),
    ("definitions", lambda frame: frame[frame["definition"] != "herb-positive"], "arms", "foreign-key"),
    ("trials", lambda frame: pd.concat([frame, frame[:1]]), "trials", "primary-key"),
    ("arms", lambda frame: pd.concat([frame, frame[:1]]), "arms", "primary-key"),
    ("proportions", first_cell("endpoint", "orrr"), "proportions", "constraint-error"),
    ("proportions", first_cell("percent", "100.1"), "proportions", "constraint-error"),
    ("proportions", first_cell("events", "-1"), "proportions", "constraint-error"),
    ("proportions", first_cell("n", "many"), "proportions", "type-error"),
    ("proportions", first_cell("locator", ""), "proportions", "constraint-error"),
    ("durations", first_cell("level", "9"), "durations", "constraint-error"),
    ("approvals", first_cell("decided", "soon"), "approvals", "type-error"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]}-{fault[3]}")
def test_frictionless_finds_what_is_broken(fault: Fault, package: Path, tmp_path: Path) -> None:
    table, change, where, what = fault
    whole = descriptor(package / "datapackage.json")
    for resource in whole["resources"]:
        content = (package / resource["path"]).read_bytes()
        if resource["name"] == table:
            frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
            content = change(frame).to_csv(index=False).encode("utf-8")
            del resource["bytes"], resource["hash"]
        (tmp_path / resource["path"]).write_bytes(content)
    (tmp_path / "datapackage.json").write_text(json.dumps(whole), "utf-8")
    tasks = validate(str(tmp_path / "datapackage.json")).tasks
    assert (where, what) in {(task.name, error.type) for task in tasks for error in task.errors}


def test_a_changed_byte_is_noticed(package: Path, tmp_path: Path) -> None:
    for name, content in listing(package).items():
        (tmp_path / name).write_bytes(content.replace(b"herizon", b"horizon") if name == "trials.csv" else content)
    types = {error.type for task in validate(str(tmp_path / "datapackage.json")).tasks for error in task.errors}
    assert "hash-count" in types


def test_fields_say_type_unit_meaning_and_constraints(package: Path) -> None:
    resources = {each["name"]: each for each in descriptor(package / "datapackage.json")["resources"]}
    fields = {name: {each["name"]: each for each in of["schema"]["fields"]} for name, of in resources.items()}
    assert fields["proportions"]["percent"] == {
        "name": "percent",
        "type": "number",
        "description": "percentage as printed",
        "unit": "percent",
        "constraints": {"minimum": 0, "maximum": 100},
    }
    assert fields["durations"]["median_months"]["unit"] == "months"
    assert fields["proportions"]["n"]["unit"] == "patients"
    assert fields["proportions"]["data_cutoff"]["type"] == "date"
    assert fields["proportions"]["events_derived"]["constraints"] == {"required": True}
    assert fields["proportions"]["line"]["categoriesOrdered"] is True
    assert fields["proportions"]["line"]["constraints"]["enum"][0] == "neoadjuvant"
    for name, of in fields.items():
        columns = query.COLUMNS.get(name, query.COLUMNS["sources"])
        said = {column.name: column.about for column in columns}
        assert all(field["description"] == said[each] for each, field in of.items())
    assert resources["contrasts"]["schema"]["foreignKeys"][-1] == {
        "fields": ["trial", "reference_arm"],
        "reference": {"resource": "arms", "fields": ["trial", "arm"]},
    }
    assert resources["proportions"]["description"].startswith("Response rates and other shares of patients")


def test_the_package_says_whose_it_is_and_where_it_was_read(package: Path) -> None:
    whole = descriptor(package / "datapackage.json")
    catalog = herbtc.load()
    assert (whole["name"], whole["version"]) == ("herbtc", catalog.release)
    assert [licence["name"] for licence in whole["licenses"]] == ["CC-BY-4.0"]
    read = {source.link for trial in catalog.trials for source in trial.sources}
    assert read | {source.link for source in catalog.approval_sources} <= {
        each.get("path") for each in whole["sources"]
    }
    for resource in whole["resources"]:
        assert resource["attrs"]["herbtc"]["release"] == catalog.release
        content = (package / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{sha256(content).hexdigest()}"


def test_evidence_of_others_is_not_licensed_by_us(tmp_path: Path) -> None:
    trial = herbtc.load().trial("herb")
    own = herbtc.Catalog(
        release="unreleased", trials=(herbtc.models.Trial(key="own", name="Own", design=trial.design),)
    )
    first, *_ = export.datapackage(tmp_path / "own", catalog=own)
    assert "licenses" not in descriptor(first)
    assert descriptor(first)["version"] == "unreleased"
    assert validate(str(first)).valid
    local = query.trials().copy()
    local.attrs["herbtc"] = {"release": "2026.11.0+local"}
    _, package = export.csv(local, tmp_path / "local.csv")
    assert "licenses" not in descriptor(package)


def test_an_export_is_the_same_each_time(package: Path, tmp_path: Path) -> None:
    export.datapackage(tmp_path / "again")
    assert listing(tmp_path / "again") == listing(package)


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownKeyError, match="parquet"):
        export.datapackage(tmp_path / "x", format="parket")  # type: ignore[arg-type]
    assert listing(tmp_path) == {}


def breaches(table: Table) -> list[str]:
    """What of a table is not as its columns and its key say."""
    found = []
    for column in table.columns:
        values = table.frame[column.name]
        if column.required and values.isna().any():
            found.append(f"{table.name}.{column.name} is empty")
        if column.least is not None and (values.dropna() < column.least).any():
            found.append(f"{table.name}.{column.name} is below {column.least}")
        if column.most is not None and (values.dropna() > column.most).any():
            found.append(f"{table.name}.{column.name} is above {column.most}")
    if table.key and table.frame.duplicated(list(table.key)).any():
        found.append(f"{table.name} has a key twice")
    return found


@given(catalogs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_a_catalog_holds_obeys_the_constraints_that_are_published(catalog: Catalog) -> None:
    made = {table.name: table for table in tables(catalog)}
    assert [each for table in made.values() for each in breaches(table)] == []
    for table in made.values():
        for reference in table.references:
            named = set(made[reference.table].frame[list(reference.named)].itertuples(index=False, name=None))
            names = table.frame[list(reference.columns)].dropna().itertuples(index=False, name=None)
            assert set(names) <= named, (table.name, reference)


@pytest.mark.parametrize("name", NAMES)
def test_pandas_reads_a_table_back_from_csv(name: str, package: Path) -> None:
    table = TABLES[name]
    dtypes = {column.name: column.dtype for column in table.columns}
    days = [each for each, dtype in dtypes.items() if dtype.startswith("datetime")]
    words = {
        column.name: pd.CategoricalDtype(list(column.words), ordered=column.ordered)
        for column in table.columns
        if column.words
    }
    got = pd.read_csv(
        package / f"{name}.csv",
        # Not every release of pandas reads the last digit of a number as Python does.
        dtype={key: str if value == "float64" else value for key, value in (dtypes | words).items() if key not in days},
        parse_dates=days,
        keep_default_na=False,
        na_values=[""],
    )
    numbers = {
        key: got[key].map(float, na_action="ignore").astype(float)
        for key, value in dtypes.items()
        if value == "float64"
    }
    same(got.assign(**numbers), table.frame)


# --- Parquet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_pandas_reads_a_table_back_from_parquet(name: str, tmp_path: Path) -> None:
    frame = TABLES[name].frame
    (file,) = export.parquet(frame, tmp_path / "x.parquet")
    got = pd.read_parquet(file)
    if frame.empty:  # Parquet keeps the words of a category with its rows; ours are in the metadata
        got = got.astype({each: frame[each].dtype for each in frame})
    same(got, frame)
    assert got.attrs == json.loads(json.dumps(frame.attrs))


def test_pyarrow_reads_columns_types_and_metadata_back(rates: pd.DataFrame, tmp_path: Path) -> None:
    (file,) = export.parquet(rates, tmp_path / "x.parquet")
    table = parquet_files.read_table(file)
    assert table.column_names == list(rates.columns)
    for name in rates.columns:
        expected = [None if pd.isna(each) else each for each in rates[name].astype(object)]
        assert table.column(name).to_pylist() == expected, name
    of_file = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert (of_file["release"], of_file["licence"]) == (herbtc.load().release, "CC-BY-4.0")
    assert json.loads(of_file["herbtc"])["meta_analyses"] == rates.attrs["herbtc"]["meta_analyses"]
    said = {
        field.name: {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        for field in table.schema
    }
    assert said["percent"]["unit"] == "percent"
    assert said["followup_months"]["unit"] == "months"
    assert said["locator"]["description"] == "place in the source"
    assert json.loads(said["line"]["categories"]) == list(rates["line"].cat.categories)


def test_duckdb_reads_the_same_rows_and_the_metadata(rates: pd.DataFrame, tmp_path: Path) -> None:
    (file,) = export.parquet(rates, tmp_path / "x.parquet")
    with duckdb.connect() as base:
        told = base.read_parquet(str(file))
        types = dict(zip(told.columns, told.types, strict=True))
        got = told.fetchall()
        kept = base.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(file)]).fetchall()
    expected = [
        tuple(None if pd.isna(cell) else cell for cell in row)
        for row in rates.astype(object).itertuples(index=False, name=None)
    ]
    assert got == expected
    assert list(types) == list(rates.columns)
    assert {str(types[name]) for name in ("events", "n", "year")} == {"BIGINT"}
    assert str(types["percent"]) == "DOUBLE"
    assert str(types["confirmed"]) == "BOOLEAN"
    assert (b"licence", b"CC-BY-4.0") in kept


def test_a_folder_of_parquet_answers_a_query_over_two_tables(tmp_path: Path) -> None:
    first, *files = export.datapackage(tmp_path / "x", format="parquet")
    assert all(file.suffix == ".parquet" for file in files)
    assert {each["format"] for each in descriptor(first)["resources"]} == {"parquet"}
    with duckdb.connect() as base:
        (answer,) = base.execute(
            f"""SELECT count(*) FROM '{tmp_path}/x/proportions.parquet'
            JOIN '{tmp_path}/x/trials.parquet' USING (trial) WHERE design = 'basket'"""  # noqa: S608
        ).fetchall()
    baskets = query.trials().set_index("trial")["design"]
    expected = TABLES["proportions"].frame["trial"].map(baskets).eq("basket").sum()
    assert answer == (expected,)
    assert expected > 0


def test_effects_keep_what_query_said_and_their_own_columns(rates: pd.DataFrame, tmp_path: Path) -> None:
    frame = measures.effects(rates.dropna(subset=["events", "n"]), "logit")
    (file,) = export.parquet(frame, tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(file)[["yi", "vi"]], frame[["yi", "vi"]].reset_index(drop=True))
    assert described(frame).keys() == set(rates.columns)


# --- what travels with a frame ----------------------------------------------------------------------------------------


def test_a_note_that_a_frame_is_no_advice_travels_with_it(options: pd.DataFrame, tmp_path: Path) -> None:
    note = options.attrs["not_advice"]
    file, package = export.csv(options, tmp_path / "x.csv")
    (resource,) = descriptor(package)["resources"]
    assert resource["attrs"] == json.loads(json.dumps(options.attrs))
    assert resource["attrs"]["not_advice"] == note
    assert pd.read_csv(file)["not_advice"].unique().tolist() == [note]
    assert validate(str(package)).valid

    (file,) = export.parquet(options, tmp_path / "x.parquet")
    got = pd.read_parquet(file)
    assert got["not_advice"].unique().tolist() == [note]
    assert got.attrs["not_advice"] == note
    assert parquet_files.read_schema(file).metadata[b"not_advice"] == note.encode()


def test_any_frame_can_be_written_and_frictionless_reads_it(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": ["a,b", None],
            "mixed": [1, 2.5],
            "truth": [True, False],
            "moment": pd.to_datetime(pd.Series(["2024-01-01T12:30", None], dtype="string")),
            "day": pd.to_datetime(pd.Series(["2024-01-01", None], dtype="string")),
            "dates": [pd.Timestamp("2024-01-01").date(), None],
            "number": pd.Categorical([1, 2]),
            "nothing": [None, None],
        }
    )
    file, package = export.csv(frame, tmp_path / "Any frame.csv")
    assert package.name == "Any frame.datapackage.json"
    types = {each["name"]: each["type"] for each in descriptor(package)["resources"][0]["schema"]["fields"]}
    assert types == {
        "text": "string",
        "mixed": "number",
        "truth": "boolean",
        "moment": "datetime",
        "day": "date",
        "dates": "date",
        "number": "integer",
        "nothing": "string",
    }
    assert file.read_text("utf-8").splitlines()[1:] == [
        '"a,b",1.0,True,2024-01-01T12:30:00,2024-01-01,2024-01-01,1,',
        ",2.5,False,,,,2,",
    ]
    assert validate(str(package)).flatten(["fieldName", "type"]) == []
    assert "licenses" not in descriptor(package)


def test_only_columns_that_are_what_query_made_are_described(rates: pd.DataFrame) -> None:
    some = rates[["trial", "events", "n"]]
    assert {name: column.about for name, column in described(some).items()} == {
        "trial": "key of the study",
        "events": "patients with the event",
        "n": "patients counted",
    }
    assert described(some.assign(n="many")).keys() == {"trial", "events"}
    assert described(pd.DataFrame({"trial": ["x"], "n": [1]})) == {}
    assert described(query.prevalence())["events"].about == "patients with it"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="trial")), "index without a name"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "names of columns"),
        (pd.DataFrame({1: [1]}), "names of columns"),
        (pd.DataFrame({"a": [[1, 2]]}), "cells of one kind"),
        (pd.DataFrame({"a": [1, "b"]}), "cells of one kind"),
    ],
)
@pytest.mark.parametrize("write", [export.csv, export.parquet])
def test_a_frame_that_a_file_cannot_hold_is_refused(write: Any, frame: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        write(frame, tmp_path / "x")
    assert listing(tmp_path) == {}


@pytest.mark.parametrize("value", [{1, 2}, np.nan, object()])
def test_attrs_that_no_file_can_hold_are_refused(value: Any, tmp_path: Path) -> None:
    frame = query.mechanisms()
    frame.attrs["mine"] = value
    for write in (export.csv, export.parquet):
        with pytest.raises(DataError, match="what JSON can hold"):
            write(frame, tmp_path / "x")
    assert listing(tmp_path) == {}


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"herbtc\[parquet\]"):
        export.parquet(query.mechanisms(), tmp_path / "x")
    assert listing(tmp_path) == {}


@given(catalog=catalogs())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_catalog_becomes_a_package_that_is_valid(
    catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, *_ = export.datapackage(tmp_path_factory.mktemp("any") / "x", catalog=catalog)
    assert validate(str(first)).flatten(["fieldName", "type", "note"]) == []


def test_what_parquet_has_no_type_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="what Parquet can hold"):
        export.parquet(pd.DataFrame({"a": [1 + 2j]}), tmp_path / "x")
    assert listing(tmp_path) == {}
