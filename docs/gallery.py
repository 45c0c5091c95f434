"""Draw the pictures of the gallery: each figure of figures.md is what the example above it leaves in `ax`.

`draw` is called by conf.py at each build, so that no picture is older than the code or the evidence.
"""

from __future__ import annotations

import doctest
import os
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

DPI = 110

_PIECES = re.compile(
    r"^```python\n(?P<code>.*?)^```$|^```\{figure\} _generated/figures/(?P<name>\S+)$", re.MULTILINE | re.DOTALL
)


def draw(page: Path, folder: Path) -> list[str]:
    """Run the examples of a page and save each picture that it shows; return their names.

    Raises
    ------
    RuntimeError
        If an example does not answer what the page says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, Any] = {}
    drawn = []
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as elsewhere, warnings.catch_warnings():
        # The examples may write into the working folder.
        os.chdir(elsewhere)
        try:
            for piece in _PIECES.finditer(page.read_text("utf-8")):
                if piece["code"] is not None:
                    _run(piece["code"], names, page, piece.start())
                elif piece["name"] not in drawn:  # a picture may be shown again further down
                    names["ax"].figure.savefig(folder / piece["name"], dpi=DPI)
                    drawn.append(piece["name"])
        finally:
            os.chdir(before)
    return drawn


def _run(code: str, names: dict[str, Any], page: Path, place: int) -> None:
    example = doctest.DocTestParser().get_doctest(code, names, f"{page.name} at {place}", str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    failed = runner.run(example, clear_globs=False).failed
    if failed:
        raise RuntimeError(f"{failed} examples of {example.name} fail")
    names.update(example.globs)
