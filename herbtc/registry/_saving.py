"""Files that are there whole or not at all, and never in place of another."""

from __future__ import annotations

import os
from secrets import token_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def save(path: Path, content: bytes) -> Path:
    """Write a new file, whose folder is made where there is none, and return its path.

    Raises
    ------
    FileExistsError
        If there is such a file; it stays as it is.
    OSError
        If it cannot be written; then nothing is left of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _put(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _put(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # fails where the path exists, which os.replace does not
    except FileExistsError:
        raise FileExistsError(f"{path} exists already, and is left as it is") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(f"{path} exists already, and is left as it is") from None
        draft.replace(path)
