"""CSV with a Frictionless data package beside it, which says what stands in the file and where it comes from."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from herbtc.catalog import Catalog, load
from herbtc.errors import look_up
from herbtc.export._files import new_file, new_folder
from herbtc.export._frames import LICENCE, attributes, checked, described, licensed, release
from herbtc.export._parquet import save
from herbtc.export._spreadsheet import RULE, as_csv, escaped
from herbtc.export._tables import NAMES, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from herbtc.export._tables import Table
    from herbtc.query._columns import Column

DESCRIPTOR = "datapackage.json"
_FORMATS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def csv(
    frame: pd.DataFrame, path: str | PathLike[str], *, escape: bool = True, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write a frame as CSV, and beside it a data package that says what its columns are and where it comes from.

    The package, ``NAME.datapackage.json`` beside ``NAME.csv``, holds types, units and meanings of the columns as far as
    they are those of `herbtc.query`, and everything in ``frame.attrs``. The index is left out.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame, of `herbtc.query` or made from one.
    path : path
        Where the CSV goes.
    escape : bool
        Whether text cells that a spreadsheet would take for a formula get an apostrophe: see `escaped`. Numbers never
        do.
    overwrite : bool
        Whether files that are there already may be replaced.

    Returns
    -------
    tuple of Path
        The CSV file and the package.

    Raises
    ------
    herbtc.errors.ExportError
        If one of the files is there already.
    herbtc.DataError
        If a file could not hold all of the frame: an index with a name, two columns of one name, cells that are lists.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from herbtc import export, query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in export.csv(rates, Path(folder, "rates.csv"))]
    ['rates.csv', 'rates.datapackage.json']
    """
    target = Path(path)
    beside = target.with_name(f"{target.stem}.{DESCRIPTOR}")
    content = as_csv(checked(frame), escape=escape).encode("utf-8")
    name = re.sub(r"[^a-z0-9._-]+", "-", target.stem.lower()) or "table"
    resource = {
        **_resource(name, target.name, "csv", content, escape=escape),
        "schema": {"fields": _fields(frame, described(frame), escape=escape)},
        "attrs": attributes(frame),
    }
    descriptor = {"name": name, **_provenance(release(frame)), "resources": [resource]}
    # The package goes first to its place: a table without what it means is worse than the other way round.
    with new_file(target, overwrite=overwrite) as table, new_file(beside, overwrite=overwrite) as package:
        table.write_bytes(content)
        package.write_bytes(_as_json(descriptor))
    return target, beside


def datapackage(
    folder: str | PathLike[str],
    *,
    format: Literal["csv", "parquet"] = "csv",  # noqa: A002
    catalog: Catalog | None = None,
    escape: bool = True,
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write the whole catalog as a folder: one table per kind of record, and a Frictionless data package.

    The tables are the frames of `herbtc.query` with every report of every figure, suspect ones included, and one table
    each of the sources that agents, definitions, approvals, guidelines and figures on testing were read in. The
    package (``datapackage.json``, https://specs.frictionlessdata.io) gives type, unit, meaning and constraints of each
    column, primary and foreign keys, licence, sources and the ``attrs`` of each frame.

    Parameters
    ----------
    folder : path
        Where the folder goes; it may be there if it is empty.
    format : str
        ``"csv"`` or ``"parquet"``; the latter needs pyarrow (``herbtc[parquet]``).
    catalog : Catalog, optional
        The evidence to write; the shipped one by default.
    escape : bool
        Whether text cells of CSV that a spreadsheet would take for a formula get an apostrophe: see `escaped`.
    overwrite : bool
        Whether a folder that an export wrote may be replaced.

    Returns
    -------
    tuple of Path
        The files written, ``datapackage.json`` first.

    Raises
    ------
    herbtc.errors.ExportError
        If the folder is there and not empty, or holds what no export wrote.
    herbtc.UnknownKeyError
        For another format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from herbtc import export
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in export.datapackage(Path(folder, "herbtc"))[:3]]
    ['datapackage.json', 'proportions.csv', 'durations.csv']
    """
    look_up("format", format, _FORMATS)
    catalog = load() if catalog is None else catalog
    names = [DESCRIPTOR, *(f"{name}.{suffix}" for name in NAMES for suffix in _FORMATS)]
    resources, written = [], [DESCRIPTOR]
    with new_folder(folder, names=names, overwrite=overwrite) as place:
        for table in tables(catalog):
            file = place / f"{table.name}.{format}"
            by_name = {column.name: column for column in table.columns}
            if format == "csv":
                file.write_bytes(as_csv(table.frame, escape=escape).encode("utf-8"))
            else:
                save(table.frame, by_name, file)
            resources.append(
                {
                    **_resource(table.name, file.name, format, file.read_bytes(), escape=escape),
                    "description": table.about,
                    "schema": _schema(table, by_name, escape=escape and format == "csv"),
                    "attrs": attributes(table.frame),
                }
            )
            written.append(file.name)
        descriptor = {
            "name": "herbtc",
            "title": "The clinical evidence on HER2-targeted therapy of biliary tract cancer",
            **_provenance(catalog.release),
            "sources": _sources(catalog),
            "resources": resources,
        }
        (place / DESCRIPTOR).write_bytes(_as_json(descriptor))
    return tuple(Path(folder) / name for name in written)


def _as_json(descriptor: dict[str, Any]) -> bytes:
    return (json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _provenance(data_release: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if data_release is not None:
        found["version"] = data_release
    if licensed(data_release):
        found["licenses"] = [LICENCE]
    return found


def _sources(catalog: Catalog) -> list[dict[str, str]]:
    sections = dict.fromkeys(name for name in NAMES if name.endswith("_sources"))
    every = [source for trial in catalog.trials for source in trial.sources]
    every += [source for section in sections for source in getattr(catalog, section)]
    by_link = {(source.link, source.title): source for source in every}
    return [
        {"title": source.title} | ({"path": source.link} if source.link else {})
        for source in sorted(by_link.values(), key=lambda source: (source.title, source.link))
    ]


def _resource(name: str, file: str, format_: str, content: bytes, *, escape: bool) -> dict[str, Any]:
    return {
        "name": name,
        "type": "table",
        "path": file,
        "format": format_,
        "mediatype": _FORMATS[format_],
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{sha256(content).hexdigest()}",
    } | ({"escaped": RULE} if escape and format_ == "csv" else {})


def _schema(table: Table, columns: Mapping[str, Column], *, escape: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"fields": _fields(table.frame, columns, escape=escape)}
    if table.key:
        found["primaryKey"] = list(table.key)
    if table.references:
        found["foreignKeys"] = [
            {
                "fields": list(reference.columns),
                "reference": {"resource": reference.table, "fields": list(reference.named)},
            }
            for reference in table.references
        ]
    return found


def _fields(frame: pd.DataFrame, columns: Mapping[str, Column], *, escape: bool) -> list[dict[str, Any]]:
    return [_field(str(name), frame[name], columns.get(str(name)), escape=escape) for name in frame.columns]


def _field(name: str, values: pd.Series[Any], column: Column | None, *, escape: bool) -> dict[str, Any]:
    text = escaped if escape else str
    found: dict[str, Any] = {"name": text(name), "type": _type(values)}
    constraints: dict[str, Any] = {}
    if isinstance(values.dtype, pd.CategoricalDtype) and found["type"] == "string":
        constraints["enum"] = _words(values.cat.categories, escape=escape)
        if values.cat.ordered:
            found |= {"categories": constraints["enum"], "categoriesOrdered": True}
    if column is not None:
        bounds = {"minimum": column.least, "maximum": column.most, "required": column.required or None}
        constraints |= {key: value for key, value in bounds.items() if value is not None}
        found |= {"description": column.about} | ({"unit": column.unit} if column.unit else {})
    return found | ({"constraints": constraints} if constraints else {})


def _words(words: Iterable[Any], *, escape: bool) -> list[str]:
    return [escaped(word) if escape else word for word in words]


def _type(values: pd.Series[Any]) -> str:
    types = pd.api.types
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _type(pd.Series(values.cat.categories)) if len(values.cat.categories) else "string"
    if types.is_datetime64_any_dtype(values.dtype):
        known = values.dropna()
        return "date" if known.dt.tz is None and (known == known.dt.normalize()).all() else "datetime"
    if values.dtype == object:
        return _OBJECTS.get(types.infer_dtype(values, skipna=True), "string")
    for test, name in _TYPES:
        if test(values.dtype):
            return name
    return "string"


_TYPES = (
    (pd.api.types.is_bool_dtype, "boolean"),
    (pd.api.types.is_integer_dtype, "integer"),
    (pd.api.types.is_float_dtype, "number"),
)
_OBJECTS = {
    "boolean": "boolean",
    "integer": "integer",
    **dict.fromkeys(("floating", "mixed-integer-float", "decimal"), "number"),
    "date": "date",
}
