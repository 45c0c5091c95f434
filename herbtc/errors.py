"""Every exception herbtc raises, and its one warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

_MOST_LISTED = 40
_LONGEST_SHOWN = 60


class HerbtcError(Exception):
    """Root of all errors of herbtc."""


@frozen
class Problem:
    """One fault in a data file.

    Attributes
    ----------
    file : str
        The file, relative to the folder that was read; empty for a record built in code.
    path : str
        The place inside the file, such as ``figures.proportions[3].events``; empty for the whole file.
    message : str
        What is wrong there and what was expected.
    """

    file: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.path, self.message) if part)


class DataError(HerbtcError, ValueError):
    """Data that cannot be read, with every fault that was found.

    Attributes
    ----------
    where : str
        The folder, or the record, that was read.
    problems : tuple of Problem
        All faults, in the order of the files.

    Examples
    --------
    >>> import herbtc
    >>> try:
    ...     herbtc.read("no/such/folder")
    ... except herbtc.DataError as error:
    ...     print(error.problems[0].message)
    no such folder
    """

    def __init__(self, where: str, problems: Iterable[Problem]) -> None:
        self.where = where
        self.problems = tuple(problems)
        super().__init__(self.where, self.problems)

    def __str__(self) -> str:
        count = "1 fault" if len(self.problems) == 1 else f"{len(self.problems)} faults"
        return "\n".join([f"{count} in {self.where}", *(f"  {problem}" for problem in self.problems)])


class UnknownKeyError(HerbtcError, LookupError):
    """A word that names nothing here, with the nearest words that do.

    Attributes
    ----------
    kind : str
        What was looked for: ``"agent"``, ``"endpoint"`` …
    key : object
        The word that was not found.
    known : tuple of str
        Every word that exists.
    nearest : tuple of str
        At most three known words that resemble it, best first.

    Examples
    --------
    >>> from herbtc.errors import UnknownKeyError
    >>> str(UnknownKeyError("agent", "zanidatmab", ["tucatinib", "zanidatamab"]))
    "unknown agent 'zanidatmab': did you mean 'zanidatamab'? There are: tucatinib, zanidatamab"
    """

    def __init__(self, kind: str, key: object, known: Iterable[str], nearest: Iterable[str] | None = None) -> None:
        self.kind = kind
        self.key = key
        self.known = tuple(known)
        self.nearest = _nearest(str(key), self.known) if nearest is None else tuple(nearest)
        super().__init__(kind, key, self.known, self.nearest)

    def __str__(self) -> str:
        hint = f" did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else ""
        shown = ", ".join(self.known[:_MOST_LISTED]) or "none"
        more = f" and {len(self.known) - _MOST_LISTED} more" if len(self.known) > _MOST_LISTED else ""
        return f"unknown {self.kind} {self.key!r}:{hint} There are: {shown}{more}"


class SynthesisError(HerbtcError, ValueError):
    """Figures that must not, or cannot, be analysed together; the message names the rows."""


class RegistryError(HerbtcError, OSError):
    """A registry that did not answer, or not with what was asked for; the message says what to do.

    Attributes
    ----------
    status : int or None
        The HTTP status of the answer, such as 404; None where there was no answer, or none that was at fault for it.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class ExportError(HerbtcError, FileExistsError):
    """Something that stands where an export would go, and was not to be overwritten."""


class HerbtcWarning(UserWarning):
    """A number is returned, but its use is doubtful: the message says why."""


def look_up(kind: str, key: object, known: Mapping[str, T], also: Mapping[str, str] | None = None) -> T:
    """Return what goes by a key, or raise UnknownKeyError.

    Parameters
    ----------
    kind : str
        What is looked for, for the message.
    key : object
        The key.
    known : mapping of str
        What exists.
    also : mapping of str to str, optional
        Other names of what exists, to suggest its key.
    """
    if isinstance(key, str):
        if key in known:
            return known[key]
        named = {name.casefold(): target for name, target in (also or {}).items()}
        if key.casefold() in named:
            raise UnknownKeyError(kind, key, known, [named[key.casefold()]])
    raise UnknownKeyError(kind, key, known)


def shown(value: object) -> str:
    """Return a value as a message may show it, whatever stands in a hostile file: short, and never another error."""
    try:
        text = repr(str(value)) if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):
        # Python refuses to write out numbers of thousands of digits and tables nested as deep.
        return "something too large to show"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _nearest(key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415  (needed only when something went wrong)

    by_folded = {word.casefold(): word for word in known}
    return tuple(by_folded[match] for match in get_close_matches(key.casefold(), by_folded, n=3, cutoff=0.6))
