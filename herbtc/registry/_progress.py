"""How far a long job is, for those who watch it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Progress(Protocol):
    """Takes how much more is done, and how much there is in all once that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


@contextmanager
def bar(*, unit: str, total: int | None = None) -> Iterator[Progress]:
    """Show how far a job is while it runs, where tqdm is installed and the error stream is a terminal."""
    try:
        from tqdm import tqdm  # noqa: PLC0415  (optional)
    except ImportError:
        yield lambda done, total=None: None  # noqa: ARG005
        return
    # With disable=None, tqdm is silent unless it writes to a terminal.
    with tqdm(unit=unit, total=total, unit_scale=True, disable=None) as shown:

        def progress(done: int, total: int | None = None, /) -> None:
            if total is not None:
                shown.total = total
            shown.update(done)

        yield progress
