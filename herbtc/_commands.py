"""Commands for folders of evidence: `python -m herbtc check`, `schema` and `diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from herbtc import schema
from herbtc.catalog import Catalog, load, read
from herbtc.errors import DataError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

CLEAN, FAULTY, NOT_DONE = 0, 1, 2


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands to a parser; `command` of what it returns is the one asked for, `run` what does it."""
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    what = "validate and audit a folder of your own"
    one = commands.add_parser(
        "check",
        help=what,
        description=f"{what.capitalize()}: every fault of its files, and every finding of the audit that is not one "
        "of the shipped evidence alone.",
        epilog="Exit status: 0 nothing found, or warnings only; 1 faults, or findings of severity error; 2 not done.",
    )
    one.add_argument("folder", help="folder with trials/, and with the files beside it that it needs")
    one.add_argument("--alone", action="store_true", help="the folder is complete in itself and extends nothing")
    one.add_argument("--strict", action="store_true", help="warnings count like errors")
    one.set_defaults(run=check)

    what = "print the JSON Schema of a kind of data file, for editors"
    one = commands.add_parser("schema", help=what, description=f"{what.capitalize()}.")
    group = one.add_mutually_exclusive_group(required=True)
    group.add_argument("kind", nargs="?", choices=list(schema.KINDS), help=f"one of {', '.join(schema.KINDS)}")
    group.add_argument("--write", metavar="FOLDER", help="write the schemas of all kinds into a folder instead")
    one.set_defaults(run=print_schema)

    what = "print what changed since an earlier folder of evidence, as a Markdown list"
    one = commands.add_parser("diff", help=what, description=f"{what.capitalize()}.")
    one.add_argument("earlier", help="folder of the earlier evidence, complete in itself")
    one.add_argument("later", nargs="?", help="folder of the later evidence; the shipped one by default")
    one.set_defaults(run=print_diff)


# --- check ------------------------------------------------------------------------------------------------------------


def check(asked: argparse.Namespace) -> int:
    """Print the faults and findings of a folder; return the exit status."""
    base = None if asked.alone else load()
    try:
        catalog = read(asked.folder) if base is None else base.extend(asked.folder)
    except DataError as error:
        return _print_faults(error)
    try:
        from herbtc import audit  # noqa: PLC0415  (faults are found without what it needs)
    except ModuleNotFoundError as missing:
        print(f"no fault in the files; the audit of the figures needs {missing.name}: pip install 'herbtc[stats]'")
        return NOT_DONE
    found = audit.check(catalog)
    if base is not None:
        found = found[~_in(found, audit.check(base))]
    extended = {trial.key for trial in base.trials} if base else set()
    for row in found.to_dict("records"):
        print(f"{row['severity']}: {_place(row, extended)}: {row['message']} [{row['rule']}]")
        print(f"    printed {row['printed']}; expected {row['expected']}")
    errors = int((found["severity"] == "error").sum())
    warnings = len(found) - errors
    if warnings:
        print(
            "A warning is worth a second look at the source; `suspect` says of a figure that its source misprints it."
        )
    if errors:
        print("An error cannot be right: look at the source, and declare a figure `suspect` if that is what it prints.")
    print(f"{asked.folder}: {_told(catalog, base)}; {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return FAULTY if errors or (asked.strict and warnings) else CLEAN


def _print_faults(error: DataError) -> int:
    for problem in error.problems:
        place = ": ".join(part for part in (problem.file, problem.path) if part)
        print(f"error: {place or error.where}: {problem.message}")
    print(f"{error.where}: {_count(len(error.problems), 'fault')}; the figures are audited when there is none")
    return FAULTY


def _in(found: pd.DataFrame, known: pd.DataFrame) -> pd.Series[bool]:
    seen = {tuple(row) for row in _plain(known)}
    return pd.Series([tuple(row) in seen for row in _plain(found)], index=found.index, dtype=bool)


def _plain(found: pd.DataFrame) -> Iterator[Any]:
    return found.astype(object).where(found.notna(), None).itertuples(index=False)


def _place(row: dict[Any, Any], extended: Collection[str]) -> str:
    # What is found in a study that is not of the folder came with the folder's corrections, or with its own studies.
    file = "" if pd.isna(row["trial"]) else f"trials/{row['trial']}.toml"
    if row["trial"] in extended:
        file = f"corrections of {row['trial']}"
    names = ("arm", "population", "endpoint", "source")
    what = ", ".join(f"{name} {row[name]}" for name in names if not pd.isna(row[name]))
    return ": ".join(part for part in (file, what) if part) or "the folder"


def _told(catalog: Catalog, base: Catalog | None) -> str:
    if base is None:
        return str(catalog)
    studies = len(catalog.trials) - len(base.trials)
    corrections = len(catalog.corrections) - len(base.corrections)
    own = _count(studies, "study", "studies"), *([_count(corrections, "correction")] if corrections else [])
    return f"{', '.join(own)} beside the evidence of {base.release}"


def _count(number: int, what: str, several: str | None = None) -> str:
    return f"{number} {what if number == 1 else several or f'{what}s'}"


# --- schema and diff --------------------------------------------------------------------------------------------------


def print_schema(asked: argparse.Namespace) -> int:
    """Print one schema, or write all of them; return the exit status."""
    if asked.write is None:
        print(schema.text(asked.kind), end="")
        return CLEAN
    try:
        paths = schema.write(asked.write)
    except OSError as error:
        print(f"{error.filename or asked.write}: cannot be written: {error.strerror}")
        return NOT_DONE
    print(*paths, sep="\n")
    return CLEAN


def print_diff(asked: argparse.Namespace) -> int:
    """Print what changed since an earlier folder; return the exit status."""
    try:
        later = load() if asked.later is None else read(asked.later)
        print(later.changelog(read(asked.earlier)))
    except DataError as error:
        print(error)
        return FAULTY
    return CLEAN
