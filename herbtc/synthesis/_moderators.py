"""Columns of a frame as moderators: numbers as they are, categories as differences from a named reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import rows_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from herbtc.measures import Floats

INTERCEPT = "intercept"
_NEGLIGIBLE = 1e-9


@frozen
class Moderator:
    """One moderator.

    Attributes
    ----------
    name : str
        Its column.
    levels : tuple of str
        The categories that occur, in their order, of which the first is the reference; empty for a number.
    """

    name: str
    levels: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of its coefficients."""
        return tuple(f"{self.name}: {level}" for level in self.levels[1:]) or (self.name,)

    def columns(self, frame: pd.DataFrame) -> Floats:
        """Return its columns of the design matrix for any frame with the same moderator."""
        if self.name not in frame.columns:
            raise SynthesisError(f"expected the column {self.name}, a moderator of the model")
        column = frame[self.name]
        if column.isna().any():
            raise SynthesisError(
                f"expected a value of {self.name} in {rows_named(frame, column.isna().to_numpy(bool))}"
            )
        if not self.levels:
            return _numbers(column)[:, None]
        known = dict.fromkeys(self.levels)
        for word in column.astype(str).unique():
            look_up(self.name, word, known)
        words = column.astype(str).to_numpy(str)
        return np.column_stack([words == level for level in self.levels[1:]]).astype(float)


@frozen
class Design:
    """Moderators of a model with an intercept.

    Attributes
    ----------
    moderators : tuple of Moderator
    """

    moderators: tuple[Moderator, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the coefficients, in the order of the columns."""
        return (INTERCEPT, *(term for moderator in self.moderators for term in moderator.terms))

    @property
    def references(self) -> dict[str, str]:
        """The reference of each category."""
        return {each.name: each.levels[0] for each in self.moderators if each.levels}

    @property
    def words(self) -> str:
        """The moderators as a sentence names them."""
        references = self.references
        return " and ".join(
            f"{each.name} (reference: {references[each.name]})" if each.levels else each.name
            for each in self.moderators
        )

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """Return the design matrix of a frame, of shape (rows, coefficients)."""
        return np.column_stack([np.ones(len(frame)), *(each.columns(frame) for each in self.moderators)])


def named(moderators: str | Sequence[str]) -> tuple[str, ...]:
    """Return the columns that a caller names, each once."""
    names = (moderators,) if isinstance(moderators, str) else tuple(moderators)
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise SynthesisError(f"expected each moderator once, got {', '.join(map(str, twice))} again")
    return names


def design(rows: pd.DataFrame, names: Sequence[str]) -> Design:
    """Return the design that columns of complete rows make; SynthesisError where they cannot tell effects apart."""
    made = Design(tuple(_moderator(rows[name]) for name in names))
    x, terms = made.matrix(rows), made.terms
    for place in range(1, x.shape[1]):
        before, column = x[:, :place] / np.linalg.norm(x[:, :place], axis=0), x[:, place]
        rest = column - before @ np.linalg.lstsq(before, column, rcond=None)[0]
        if np.linalg.norm(rest) <= _NEGLIGIBLE * np.linalg.norm(column):
            raise SynthesisError(
                f"the moderators are collinear: {terms[place]} follows from {', '.join(terms[:place])}; leave one out"
            )
    if len(rows) <= x.shape[1]:
        raise SynthesisError(
            f"{len(rows)} studies cannot tell {x.shape[1]} coefficients ({', '.join(terms)}) apart and leave "
            "anything for tau²; name fewer moderators"
        )
    return made


def doubts_of(made: Design, rows: pd.DataFrame) -> list[str]:
    """Return what makes the coefficients of a design doubtful."""
    slopes = len(made.terms) - 1
    notes = []
    if 0 < len(rows) < 10 * slopes:
        notes.append(
            f"{len(rows)} studies for {slopes} coefficient{'s' * (slopes > 1)} beside the intercept: "
            "at least ten for each are advised"
        )
    for each in made.moderators:
        if each.levels:
            counts = rows[each.name].astype(str).value_counts()
            if alone := [level for level in each.levels if counts[level] == 1]:
                notes.append(f"one study alone stands for {each.name}: {', '.join(alone)}")
    return notes


def _moderator(column: pd.Series) -> Moderator:
    name = str(column.name)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise SynthesisError(f"expected a number or a category, and {name} holds dates; make a number of them")
    levels = levels_of(column)
    if len(levels) == 1:
        raise SynthesisError(f"the moderator {name} has one value only: {levels[0]}")
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return Moderator(name) if numeric else Moderator(name, levels)


def levels_of(column: pd.Series) -> tuple[str, ...]:
    """Return the values that occur as words, in the order of the category, else sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column.dropna())
        return tuple(str(level) for level in column.cat.categories if level in present)
    return tuple(map(str, sorted(column.dropna().unique())))


def _numbers(column: pd.Series) -> Floats:
    try:
        numbers = column.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise SynthesisError(f"expected numbers in the column {column.name}: {error}") from None
    if not np.isfinite(numbers).all():
        raise SynthesisError(f"expected finite numbers in the column {column.name}")
    return numbers
