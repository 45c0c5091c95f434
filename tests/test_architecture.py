"""What the package promises of its shape: floors, names, and what importing it costs nothing of."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import herbtc
from herbtc import (
    benchmarks,
    errors,
    export,
    measures,
    planning,
    plots,
    query,
    registry,
    schema,
    synthesis,
    tables,
    terms,
)

if TYPE_CHECKING:
    from types import ModuleType

PACKAGE = Path(herbtc.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# Floor of each module; a module imports only from floors below its own.
FLOORS = {
    "errors": 0,
    "_html": 0,
    "_version": 0,
    "terms": 0,
    "models": 1,
    "variants": 2,
    "_files": 3,
    "_public": 3,
    "_structure": 3,
    "_changes": 4,
    "_corrections": 4,
    "_references": 4,
    "catalog": 5,
    "her2": 6,
    "measures": 7,
    "query": 7,
    "synthesis": 8,
    "audit": 9,
    "benchmarks": 9,
    "export": 9,
    "matching": 9,
    "planning": 9,
    "plots": 9,
    "registry": 9,
    "schema": 9,
    "tables": 9,
    "_commands": 10,
    "__main__": 11,
}


def imported(path: Path) -> set[str]:
    """Return the modules of herbtc that a file imports, also inside functions and for type checking."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "herbtc":
            if node.module == "herbtc":
                found |= {alias.name for alias in node.names}
            else:
                found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_only_downwards(path: Path) -> None:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if name == "__init__":
        assert imported(path) == {"_version", "catalog", "errors"}
        return
    others = imported(path) - {name}
    assert others <= FLOORS.keys()
    upwards = {other for other in others if FLOORS[other] >= FLOORS[name]}
    assert upwards <= ({"errors"} if name == "terms" else set())


@pytest.mark.parametrize("name", ["measures", "planning", "synthesis", "plots", "tables"])
def test_statistics_know_no_catalog(name: str) -> None:
    files = [path for path in MODULES if path.relative_to(PACKAGE).parts[0].removesuffix(".py") == name]
    assert files
    for path in files:
        assert not imported(path) & {"catalog", "query", "models", "_structure", "_references"}


def test_every_module_stands_on_a_floor() -> None:
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} == {*FLOORS, "__init__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 520


def test_the_facade_is_what_it_was() -> None:
    assert sorted(herbtc.__all__) == [
        "Catalog",
        "DataError",
        "HerbtcError",
        "HerbtcWarning",
        "RegistryError",
        "SynthesisError",
        "UnknownKeyError",
        "__version__",
        "load",
        "read",
    ]


def test_the_functions_of_query_are_what_they_were() -> None:
    assert query.__all__ == [
        "COLUMNS",
        "adverse_events",
        "agents",
        "appraisal",
        "approvals",
        "arms",
        "baseline",
        "concordance",
        "contrasts",
        "criteria",
        "definition_matrix",
        "definitions",
        "durations",
        "guidelines",
        "landmarks",
        "mechanisms",
        "patient_reported",
        "prevalence",
        "prognosis",
        "proportions",
        "sources",
        "trials",
        "variant_counts",
        "variants",
    ]


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.DataError, ValueError),
        (errors.UnknownKeyError, LookupError),
        (errors.SynthesisError, ValueError),
        (errors.RegistryError, OSError),
        (errors.ExportError, FileExistsError),
    ],
)
def test_errors_are_also_what_a_caller_expects(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, errors.HerbtcError)
    assert issubclass(error, builtin)


def fresh(code: str) -> dict[str, list[str]]:
    """Run code in a new interpreter and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


def test_importing_opens_no_data_file_and_no_socket_and_loads_nothing_heavy() -> None:
    seen = fresh(
        """
import sys
opened, sockets = [], []
def watch(event, args):
    if event == "open" and not ".py" in str(args[0]):
        opened.append(str(args[0]))
    if event.startswith("socket."):
        sockets.append(event)
sys.addaudithook(watch)
import herbtc
import json
known = ("numpy", "pandas", "scipy", "matplotlib", "tomllib", "toml_rs", "cattrs")
heavy = [name for name in known if name in sys.modules]
print(json.dumps({"opened": [name for name in opened if "herbtc" in name], "sockets": sockets, "heavy": heavy}))
"""
    )
    assert seen == {"opened": [], "sockets": [], "heavy": []}


def test_loading_needs_neither_numpy_nor_pandas() -> None:
    seen = fresh(
        "import sys, json, herbtc; herbtc.load();"
        "print(json.dumps({'heavy': [name for name in ('numpy', 'pandas', 'scipy') if name in sys.modules]}))"
    )
    assert seen == {"heavy": []}


def public(module: ModuleType) -> list[str]:
    """Return the functions and classes that a module itself defines for others."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith(module.__name__)
    ]


@pytest.mark.parametrize(
    "module",
    [query, measures, synthesis, planning, benchmarks, export, plots, registry, schema, tables, errors, terms],
    ids=lambda module: module.__name__,
)
def test_public_names_say_what_they_are(module: ModuleType) -> None:
    undocumented = [name for name in public(module) if not inspect.getdoc(getattr(module, name))]
    assert undocumented == []


@pytest.mark.parametrize("name", [name for name in query.__all__ if name != "COLUMNS"])
def test_every_query_has_an_example_and_takes_keywords_only(name: str) -> None:
    function = getattr(query, name)
    assert ">>> " in (inspect.getdoc(function) or "")
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_her2_groups_are_strata() -> None:
    # A population's HER2 stratum is shown as its HER2 group, so each stratum needs a group of the same name.
    strata = {str(stratum) for stratum in terms.Stratum if stratum.by in query._rows.HER2_PARTITIONS}
    assert strata == {str(group) for group in terms.Her2} - {"selected", "unselected"}


def test_sites_are_strata() -> None:
    strata = {str(stratum) for stratum in terms.Stratum if stratum.by is terms.Partition.SITE}
    assert strata == {str(site) for site in terms.Site}
