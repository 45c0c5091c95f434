"""Every code block of the README and of the documentation is run, here or as a doctest; what is not run says why.

Examples with a prompt are doctests, and `.ci/run` runs those of all pages. The notebooks have tests of their own.
"""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import MagicMock, create_autospec

import nbformat
import notebooks
import pandas as pd
import pytest
import yaml
from notebooks import pictures, told

import herbtc
from herbtc import measures, query, registry, synthesis

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PACKAGE = Path(herbtc.__file__).parent
DATA = PACKAGE / "data"
PAGES = [ROOT / "README.md", DATA / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    page: str
    language: str
    text: str


def blocks(path: Path) -> list[Block]:
    return [Block(path.name, each["info"].split()[0], each["text"]) for each in FENCE.finditer(path.read_text("utf-8"))]


BLOCKS = [block for page in PAGES for block in blocks(page)]


def written_in(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = {block.language for block in BLOCKS if not block.language.startswith("{")}
    # Trees of folders are text, and the R of docs/export.md is a call of tests/reference/export.R, which has R's answer
    # beside it (with metafor's default, REML, spelt out).
    assert kinds == {"python", "sh", "toml", "yaml", "text", "r"}
    assert {block.page for block in BLOCKS if block.language == "{code-cell}"} == {"tutorial.md"}
    (in_r,) = written_in("r")
    call, _, test = in_r.text.splitlines()[1].partition(", test")
    assert test
    assert call in (ROOT / "tests" / "reference" / "export.R").read_text("utf-8")


def test_the_bar_at_the_top_has_room_for_its_entries() -> None:
    (listed,) = (block for block in BLOCKS if block.page == "index.md" and block.language == "{toctree}")
    assert len([line for line in listed.text.splitlines() if line and not line.startswith(":")]) <= 6


# --- shell ------------------------------------------------------------------------------------------------------------

# What a block finds in the working folder, and what it leaves there or prints.
RUN: dict[str, tuple[Callable[[], object], str, str]] = {
    "python -m herbtc": (lambda: None, "herbtc-orr.png", "HER2"),
    "python -m herbtc check our-evidence": (
        lambda: shutil.copytree(ROOT / "examples" / "data" / "our-evidence", "our-evidence"),
        "our-evidence",
        "0 errors, 0 warnings",
    ),
    "python -m herbtc check my-evidence": (
        lambda: shutil.copytree(ROOT / "examples" / "data" / "our-evidence", "my-evidence"),
        "my-evidence",
        "0 errors, 0 warnings",
    ),
    "python -m herbtc schema --write schema": (lambda: None, "schema/study.schema.json", ""),
    "python -m herbtc diff path/to/earlier/herbtc/data": (
        lambda: shutil.copytree(DATA, "path/to/earlier/herbtc/data"),
        "path",
        "",
    ),
}
NOT_RUN = {
    "python3 -m venv .venv && .venv/bin/pip install '.[plot]' && .venv/bin/python -m herbtc": "by .ci/run: it installs",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[all,test]' && .venv/bin/python -m pytest": "by .ci/run",
    "python -m pip install '.[all]'": "installs, as the first block of the README does",
    "python -m pytest tests/test_data.py tests/test_second_extraction.py tests/test_audit.py": "these are tests",
}


def test_shell_blocks_are_run_or_say_why_not() -> None:
    assert {block.text.strip() for block in written_in("sh")} == {*RUN, *NOT_RUN}
    assert all((ROOT / each).exists() for line in NOT_RUN for each in re.findall(r"tests/\w+\.py", line))


@pytest.mark.parametrize("command", RUN)
def test_shell_block(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
    monkeypatch.setenv("MPLBACKEND", "agg")
    before, left, printed = RUN[command]
    before()
    python, *rest = shlex.split(command)
    assert python == "python"
    done = subprocess.run([sys.executable, "-W", "error", *rest], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    assert printed in done.stdout
    assert (tmp_path / left).exists()


# --- Python without a prompt: what asks a registry --------------------------------------------------------------------


def test_blocks_that_need_the_network_call_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs against stand-ins that take what the functions take, and refuse all else."""
    answers = {
        "compare": registry.compare(studies=[]),
        "fetch": None,
        "news": None,
        "scan": pd.DataFrame({"trial": ["herb", None]}),
        "search": (),
        "snapshot": create_autospec(registry.Snapshot, instance=True),
        "version": None,
    }
    stands: dict[str, MagicMock] = {
        name: create_autospec(getattr(registry, name), return_value=answer) for name, answer in answers.items()
    }
    for name, stand in stands.items():
        monkeypatch.setattr(registry, name, stand)
    offline = [block for block in written_in("python") if ">>>" not in block.text]
    for block in offline:
        names: dict[str, Any] = {"registry": registry}
        exec(compile(block.text, block.page, "exec"), names)  # noqa: S102
    assert {name for name, stand in stands.items() if stand.called} == set(answers)
    assert {block.page for block in offline} == {"compare-registry.md", "registry.md", "surveillance.md"}


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", written_in("toml"), ids=lambda block: f"{block.page}: {block.text.split()[0]}")
def test_toml_block_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


def test_the_workflow_runs_commands_that_the_pages_have() -> None:
    (block,) = written_in("yaml")
    runs = [step["run"] for step in yaml.safe_load(block.text)["jobs"]["check"]["steps"] if "run" in step]
    assert runs == ["python -m pip install -r requirements.txt", "python -m herbtc check evidence"]


# --- the tutorial -----------------------------------------------------------------------------------------------------


def test_the_tutorial_says_what_its_ten_cells_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(block.text) for block in written_in("{code-cell}")]
    )
    cells = notebooks.run(notebook, tmp_path, monkeypatch).cells
    assert len(cells) == 10
    outputs = [told(cell) for cell in cells]
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    assert "did you mean 'zanidatamab'" in outputs[2]
    assert "TreeTopp is missing" in text
    assert "treetopp" not in outputs[4]
    assert "treetopp" in set(query.trials(her2_directed=True)["trial"])
    assert "Five studies are left" in text
    rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    pooled = synthesis.pool(measures.effects(rates.dropna(subset=["events", "n"]), "logit"))
    assert pooled.k == len(outputs[5].splitlines()) - 1 == 5
    assert f"about {100 * pooled.estimate:.0f} %" in text
    assert "from a fifth to more than a half" in text
    assert pooled.pred_low == pytest.approx(0.2, abs=0.01)
    assert pooled.pred_high > 0.55
    assert pooled.describe() in outputs[8]
    assert pictures(*cells) == pictures(cells[9]) == 1
    assert (tmp_path / "forest.png").stat().st_size > 10_000


# --- names ------------------------------------------------------------------------------------------------------------

MODULES = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    # `catalog` is what the pages call an instance of Catalog.
    if not path.name.startswith(("_", "catalog")) and (path.suffix == ".py" or (path / "__init__.py").exists())
)
# `catalog` is what the pages call an instance of Catalog.
NAMED = re.compile(
    rf"`(?:herbtc\.)?((?:{'|'.join(name for name in MODULES if name != 'catalog')})(?:\.[A-Za-z]\w*)+)[`(]"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_text_exist(page: Path) -> None:
    missing = []
    for name in NAMED.findall(FENCE.sub("", page.read_text("utf-8"))):
        module, *rest = name.split(".")
        if rest[-1] in {"toml", "md", "py"}:  # a file
            continue
        found: Any = importlib.import_module(f"herbtc.{module}")
        for part in rest:
            found = getattr(found, part, None)
        if found is None:
            missing.append(name)
    assert missing == []
