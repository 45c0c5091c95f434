"""Parquet with the dtypes of a frame, and what its columns mean in the metadata of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herbtc.export._files import new_file
from herbtc.export._frames import LICENCE, attributes, checked, described, licensed, refuse, release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import pandas as pd

    from herbtc.query._columns import Column


def parquet(frame: pd.DataFrame, path: str | PathLike[str], *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write a frame as Parquet, with its dtypes, its ``attrs``, and what its columns mean.

    `pandas.read_parquet` gives the frame back with dtypes and attrs; days come back as ``datetime64[ms]``, because
    Parquet knows no coarser unit. The metadata of the file holds the data ``release``, the ``licence`` (of shipped
    evidence) and every attr under its name, as JSON; that of each column its ``description``, its ``unit`` and the
    ``categories`` of a category, where it is a column of `herbtc.query`. The index is left out.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame, of `herbtc.query` or made from one.
    path : path
        Where the file goes.
    overwrite : bool
        Whether a file that is there already may be replaced.

    Returns
    -------
    tuple of Path
        The file.

    Raises
    ------
    herbtc.errors.ExportError
        If the file is there already.
    herbtc.DataError
        If a file could not hold all of the frame: an index with a name, two columns of one name, cells that are lists.
    ModuleNotFoundError
        Without pyarrow, which comes with ``herbtc[parquet]``.
    """
    target = Path(path)
    with new_file(target, overwrite=overwrite) as part:
        save(checked(frame), described(frame), part)
    return (target,)


def save(frame: pd.DataFrame, columns: Mapping[str, Column], path: Path) -> None:
    """Write a frame with the meaning of its columns to a path."""
    try:
        import pyarrow as pa  # noqa: PLC0415  (optional, and heavy)
        from pyarrow import parquet as files  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Parquet needs pyarrow: python -m pip install 'herbtc[parquet]'", name=error.name
        ) from error
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise refuse("columns", f"expected what Parquet can hold: {error}") from None
    fields = [field.with_metadata(_of_column(frame[field.name], columns.get(field.name))) for field in table.schema]
    # What pyarrow keeps for pandas comes after the attrs, which may have any name.
    schema = pa.schema(fields, _of_frame(frame) | (table.schema.metadata or {}))
    files.write_table(table.cast(schema), path)


def _of_frame(frame: pd.DataFrame) -> dict[bytes, bytes]:
    attrs, data_release = attributes(frame), release(frame)
    found = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attrs.items()}
    if data_release is not None:
        found["release"] = data_release
    if licensed(data_release):
        found["licence"] = LICENCE["name"]
    found["PANDAS_ATTRS"] = json.dumps(attrs)  # where pandas looks for them when it reads
    return {name.encode("utf-8"): value.encode("utf-8") for name, value in found.items()}


def _of_column(values: pd.Series[Any], column: Column | None) -> dict[str, str]:
    if column is None:
        return {}
    found = {"description": column.about} | ({"unit": column.unit} if column.unit else {})
    return found | ({"categories": json.dumps(list(values.cat.categories))} if column.words else {})
