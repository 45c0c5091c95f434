"""Draw the picture of these pages by running the examples of the README: `python docs/make_images.py`."""

from __future__ import annotations

import doctest
import os
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
DPI = 130


def main() -> None:
    """Run every example of the README, and save the axes that it leaves in `ax`."""
    names: dict[str, Any] = {}
    examples = doctest.DocTestParser().get_doctest(README.read_text("utf-8"), names, "README", str(README), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    with tempfile.TemporaryDirectory() as folder:
        # The examples write into the working folder.
        os.chdir(folder)
        failed = runner.run(examples, clear_globs=False).failed
        os.chdir(DOCS)
    if failed:
        raise SystemExit(f"{failed} examples of the README fail; no picture was drawn")
    (DOCS / "images").mkdir(exist_ok=True)
    examples.globs["ax"].figure.savefig(DOCS / "images" / "forest.png", dpi=DPI)


if __name__ == "__main__":
    main()
