"""The evidence in a pipeline: written as Parquet, asked in SQL, without Python in between.

Run it with `python examples/pipeline.py`; it needs `herbtc[parquet]` and DuckDB (`python -m pip install duckdb`), works
in a temporary folder and prints a table.
"""

import tempfile
from pathlib import Path

import duckdb

from herbtc import export, query

with tempfile.TemporaryDirectory() as folder:
    # Everything, one table per kind of record: every report of every figure, so a patient is there several times.
    evidence = Path(folder, "evidence")
    written = export.datapackage(evidence, format="parquet")
    print(f"{len(written) - 1} tables and {written[0].name}")

    # Which of them speaks for its study is not for SQL to find out: that is what query.proportions does.
    (rates,) = export.parquet(query.proportions(endpoint="orr", her2_directed=True), Path(folder, "rates.parquet"))

    with duckdb.connect() as base:
        # Dtypes and keys are there, so tables can be joined as they are.
        rows = base.execute(
            """
            SELECT mechanism, count(*), sum(events)::BIGINT, sum(n)::BIGINT, string_agg(name, ', ' ORDER BY name)
            FROM read_parquet($rates) JOIN (SELECT trial, name FROM read_parquet($trials)) USING (trial)
            WHERE events IS NOT NULL AND n IS NOT NULL
            GROUP BY mechanism ORDER BY mechanism
            """,
            {"rates": str(rates), "trials": str(evidence / "trials.parquet")},
        ).fetchall()

        # And the file says itself where it comes from, and on which terms.
        kept = dict(base.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(rates)]).fetchall())

print(f"\n{'class of agent':<48} arms events    n  studies")
for mechanism, arms, events, n, names in rows:
    print(f"{mechanism:<48} {arms:>4} {events:>6} {n:>4}  {names}")
print(f"\nherbtc {kept[b'release'].decode()}, {kept[b'licence'].decode()}")
