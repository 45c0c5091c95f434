"""Notebooks run as their readers run them, but strictly, and what their cells show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

import herbtc

if TYPE_CHECKING:
    import pytest

SECONDS = 60

# Warnings are errors while the cells run, and not while the kernel goes down.
# Frames are printed in full, one line a row.
BEFORE = """
import warnings
import pandas
warnings.simplefilter("error")
pandas.set_option("display.width", 10_000, "display.max_columns", None, "display.max_colwidth", None)
"""
AFTER = "warnings.simplefilter('default')"


def run(notebook: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a notebook in a folder, and return it with its outputs."""
    # The package under test, wherever it was imported from.
    monkeypatch.setenv("PYTHONPATH", str(Path(herbtc.__file__).parent.parent))
    cells = [nbformat.v4.new_code_cell(BEFORE), *notebook.cells, nbformat.v4.new_code_cell(AFTER)]
    strict = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    NotebookClient(
        strict, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return nbformat.v4.new_notebook(cells=strict.cells[1:-1], metadata=strict.metadata)


def told(*cells: Any) -> str:
    """Return what cells print and show, as text."""
    return "\n".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for cell in cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def pictures(*cells: Any) -> int:
    """Return how many pictures cells show."""
    outputs = (output for cell in cells if cell.cell_type == "code" for output in cell.outputs)
    return sum("image/png" in output.get("data", {}) for output in outputs)
