"""Catalog and frames as files that other programs read, each complete with what it means and where it comes from.

**Files.** `csv` and `parquet` write a frame, `datapackage` the whole catalog, `write` any text below. Each writes
beside its place and moves the result there, so that a file is there whole or not at all; each refuses to replace what
is there unless ``overwrite=True``, and returns the paths that it wrote.

**Text.** `json` holds the whole catalog and `from_json` reads it back equal; `bibliography` holds exactly the sources
behind a frame.

**Frames for other programs.** `events` is flat, for metafor and RevMan; `civic` has evidence rows after CIViC.

What `herbtc.query` says of a frame in ``frame.attrs`` (the data release, which patients are counted twice) and what
other modules say there travels with it: into the data package beside a CSV file, into the metadata of Parquet.
"""

from herbtc.export._bibliography import bibliography
from herbtc.export._datapackage import csv, datapackage
from herbtc.export._files import write
from herbtc.export._json import from_json, json
from herbtc.export._parquet import parquet
from herbtc.export._rates import civic, events
from herbtc.export._spreadsheet import escaped, unescaped

__all__ = [
    "bibliography",
    "civic",
    "csv",
    "datapackage",
    "escaped",
    "events",
    "from_json",
    "json",
    "parquet",
    "unescaped",
    "write",
]
