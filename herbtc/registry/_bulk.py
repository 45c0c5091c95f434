"""Records of a whole registry on disk, read in batches by DuckDB, which lets through those that a pattern finds.

However many records there are, only a batch of them is in memory.
"""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile, ZipFile

import duckdb
import pandas as pd

from herbtc.errors import DataError, Problem
from herbtc.registry._progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Records = Iterator[tuple[str, bytes]]
    Query = Callable[[str, dict[str, Any]], Records]

T = TypeVar("T")

_MOST = 1_000  # records of a batch,
_MOST_BYTES = 1 << 24  # and their size together
_LARGEST = 1 << 26  # bytes of one record; the largest of the registry have some millions
_SETTINGS: dict[str, Any] = {
    "preserve_insertion_order": "false",
    "autoinstall_known_extensions": "false",  # nothing is fetched
    "autoload_known_extensions": "false",
}

# What is no text or no JSON passes too, so that it is refused by name later, and not passed over here.
_PASSING = """
SELECT name, text, CASE WHEN text IS NULL THEN content END FROM ({records})
WHERE text IS NULL OR NOT json_valid(text) OR regexp_matches(text, $pattern)
"""
_FILES = "SELECT filename AS name, content, try(decode(content)) AS text FROM read_blob($names)"
_BATCH = "SELECT name, content, try(decode(content)) AS text FROM batch"
_ROWS = """
SELECT 'row ' || file_row_number AS name, {record} AS text, ''::BLOB AS content
FROM read_parquet($file, file_row_number = true)
WHERE file_row_number >= $first AND file_row_number < $end
"""


def passing(path: Path, pattern: str, memory: str) -> Records:
    """Yield name and content of each record on disk that a pattern for RE2 finds, and of each that is no JSON.

    Raises
    ------
    herbtc.DataError
        If there is nothing to read, or it cannot be read to its end.
    """
    if not path.exists():
        raise _refused(path, "no such file or folder")
    suffix = path.suffix.lower() if path.is_file() else "/"
    if suffix not in _READERS:
        raise _refused(path, f"expected a folder, or a file that ends in {' '.join(list(_READERS)[1:])}")
    try:
        with duckdb.connect(config={**_SETTINGS, "memory_limit": memory}) as connection:
            yield from _READERS[suffix](path, partial(_found, connection, pattern))
    except duckdb.OutOfMemoryException as error:
        raise _refused(
            path,
            f"needs more than {memory} at once; allow more, or write Parquet with fewer rows in a group "
            "(ROW_GROUP_SIZE 10000)",
        ) from error
    except (duckdb.Error, BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        # RuntimeError is what zipfile raises for a password, and for a compression that it does not know.
        raise _refused(path, f"cannot be read: {error}") from error


def _found(connection: duckdb.DuckDBPyConnection, pattern: str, records: str, values: dict[str, Any]) -> Records:
    # `records` is a query for name, text, and content where that is no text; it may be of a table `batch`.
    if (batch := values.pop("batch", None)) is not None:
        connection.register("batch", batch)
    passed = connection.execute(_PASSING.format(records=records), {**values, "pattern": pattern})
    while some := passed.fetchmany(_MOST):
        for name, text, content in some:
            yield name, content if text is None else text.encode()


def _refused(path: Path, message: str) -> DataError:
    return DataError(str(path), [Problem("", "", message)])


# --- readers, one for each kind of download ---------------------------------------------------------------------------


def _folder(folder: Path, query: Query) -> Records:
    tables = sorted(folder.glob("*.parquet"))
    for table in tables:
        yield from _parquet(table, query)
    total = sum(1 for _ in _files(folder))
    if not total and not tables:
        raise _refused(folder, "expected files that end in .json or .parquet; there are none")
    with bar(unit=" studies", total=total) as progress:
        for names in _batches(_files(folder), folder):
            yield from query(_FILES, {"names": names})
            progress(len(names))


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    # Each file of a folder, at any depth, and its size.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry)  # type: ignore[arg-type]
            elif entry.name.endswith(".json"):
                yield entry.path, entry.stat().st_size


def _zip(path: Path, query: Query) -> Records:
    with ZipFile(path) as archive:
        files = [(each, each.file_size) for each in archive.infolist() if each.filename.endswith(".json")]
        if not files:
            raise _refused(path, "expected files that end in .json in it; there are none")
        with bar(unit=" studies", total=len(files)) as progress:
            for batch in _batches(iter(files), path):
                yield from _held([(each.filename, archive.read(each)) for each in batch], query)
                progress(len(batch))


def _lines(path: Path, query: Query) -> Records:
    with path.open("rb") as file, bar(unit="B", total=path.stat().st_size) as progress:
        lines = enumerate(iter(lambda: file.readline(_LARGEST + 1), b""), 1)
        sized = (((f"line {number}", line), len(line)) for number, line in lines)
        empty = True
        for batch in _batches(sized, path):
            if records := [each for each in batch if not each[1].isspace()]:
                yield from _held(records, query)
                empty = False
            progress(sum(len(line) for _, line in batch))
        if empty:
            raise _refused(path, "expected one record per line; there are none")


def _held(records: list[tuple[str, bytes]], query: Query) -> Records:
    batch = pd.DataFrame(records, columns=["name", "content"], dtype=object)
    return query(_BATCH, {"batch": batch})


def _parquet(path: Path, query: Query) -> Records:
    with duckdb.connect(config=_SETTINGS) as connection:
        groups = connection.execute(
            "SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata($1) ORDER BY 1", [str(path)]
        ).fetchall()
        columns = connection.execute(
            "SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet($1))", [str(path)]
        ).fetchall()
    record = _record(path, dict(columns))
    first = 0
    with bar(unit=" studies", total=sum(rows for _, rows in groups)) as progress:
        for _, rows in groups:
            # DuckDB reads only the group that the rows are in.
            yield from query(_ROWS.format(record=record), {"file": str(path), "first": first, "end": first + rows})
            first += rows
            progress(rows)


def _record(path: Path, columns: dict[str, str]) -> str:
    # What gives the text of a record, in SQL: its sections as columns, or the one column of text.
    if "protocolSection" in columns:
        sections = [name for name in columns if name.endswith("Section") or name == "hasResults"]
        return f"to_json(struct_pack({', '.join(f'{_quoted(name)} := {_quoted(name)}' for name in sections)}))::VARCHAR"
    texts = [name for name, kind in columns.items() if kind in {"VARCHAR", "JSON"}]
    named = [name for name in texts if name in {"study", "record", "json", "content"}] or texts
    if len(named) == 1:
        return f"{_quoted(named[0])}::VARCHAR"
    raise _refused(
        path,
        "expected a column `study` with the text of each record, or the sections of a record as columns "
        f"(protocolSection …); the columns are {', '.join(columns)}",
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _batches(items: Iterable[tuple[T, int]], path: Path) -> Iterator[list[T]]:
    # Items with their sizes, in batches that are neither many nor large.
    batch: list[T] = []
    size = 0
    for item, more in items:
        if more > _LARGEST:
            raise _refused(path, f"expected records of at most {_LARGEST} bytes, not of {more} or more")
        if batch and (len(batch) == _MOST or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield batch


_READERS: dict[str, Callable[[Path, Query], Records]] = {
    "/": _folder,
    ".zip": _zip,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".parquet": _parquet,
}
