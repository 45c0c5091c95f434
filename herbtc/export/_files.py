"""Files and folders that are there whole or not at all: written beside their place, then moved to it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from herbtc.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from os import PathLike


@contextmanager
def new_file(path: str | PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Give a path to write to; what was written there moves to `path` if nothing went wrong, else goes away.

    Raises
    ------
    herbtc.errors.ExportError
        If `path` is there already and is not to be overwritten, or is a folder.
    """
    target = Path(path)
    _refuse_file(target, overwrite=overwrite)
    part = _beside(target)
    try:
        yield part
        _settle(part)
        _refuse_file(target, overwrite=overwrite)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | PathLike[str], *, names: Collection[str], overwrite: bool) -> Iterator[Path]:
    """Give a folder to write to; it takes the place of `path` if nothing went wrong, else goes away.

    Raises
    ------
    herbtc.errors.ExportError
        If `path` is there already, unless it is an empty folder, or is to be overwritten and holds nothing but files
        of these `names`: a folder with anything else in it was not written by an export.
    """
    target = Path(path).resolve()
    _refuse_folder(target, names, overwrite=overwrite)
    part, old = _beside(target), _beside(target)
    part.mkdir()
    try:
        yield part
        for file in part.iterdir():
            _settle(file)
        _refuse_folder(target, names, overwrite=overwrite)
        if target.exists():
            target.replace(old)
        try:
            part.replace(target)
        except OSError:
            if old.exists():
                old.replace(target)
            raise
    finally:
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def write(text: str, path: str | PathLike[str], *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write text, such as a bibliography, to a file in UTF-8; the file is there whole or not at all.

    Parameters
    ----------
    text : str
    path : path
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

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from herbtc import export, query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (file,) = export.write(export.bibliography(rates), Path(folder, "references.bib"))
    ...     file.read_text("utf-8").startswith("@article{herizon-btc-01:")
    True
    """
    with new_file(path, overwrite=overwrite) as part:
        part.write_bytes(text.encode("utf-8"))
    return (Path(path),)


def _beside(target: Path) -> Path:
    # In the same folder, because a file can be moved at one stroke within one file system only.
    return target.parent / f".{token_hex(8)}.part"


def _settle(file: Path) -> None:
    # Without this, a machine that stops may have moved the name before the content reached the disk.
    with file.open("r+b") as written:
        os.fsync(written.fileno())


def _refuse_file(target: Path, *, overwrite: bool) -> None:
    if target.is_dir():
        raise ExportError(f"expected the name of a file; {target} is a folder")
    if os.path.lexists(target) and not overwrite:
        raise ExportError(f"{target} is there already; overwrite=True replaces it")


def _refuse_folder(target: Path, names: Collection[str], *, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ExportError(f"expected the name of a folder; {target} is a file")
    found = {each.name for each in target.iterdir()}
    if strangers := sorted(found.difference(names)):
        raise ExportError(f"{target} holds what no export wrote, {strangers[0]!r} first; expected a folder of its own")
    if found and not overwrite:
        raise ExportError(f"{target} is there already; overwrite=True replaces it")
