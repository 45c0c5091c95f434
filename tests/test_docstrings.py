"""Everything that a user can reach says what it is: every public module, function, class, method and property."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest

import herbtc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PUBLIC = ["herbtc", *(f"herbtc.{each.name}" for each in pkgutil.iter_modules(herbtc.__path__) if each.name[0] != "_")]


def reached(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what a module offers, with the public members of its classes, by name."""
    for name, value in vars(module).items():
        ours = getattr(value, "__module__", "").startswith("herbtc")
        offered = name in getattr(module, "__all__", ()) or getattr(value, "__module__", "") == module.__name__
        if name.startswith("_") or not (ours and offered) or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        yield name, value
        if inspect.isclass(value):
            yield from ((f"{name}.{member}", each) for member, each in members(value))


def members(of: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class, or a class of ours that it inherits from, defines."""
    for name in dir(of):
        owner = next((each for each in of.__mro__ if name in vars(each)), object)
        if name.startswith("_") or not owner.__module__.startswith("herbtc"):
            continue
        value = inspect.getattr_static(of, name)
        if isinstance(value, (property, classmethod, staticmethod)) or inspect.isfunction(value):
            yield name, getattr(of, name)


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    every = dict(reached(module))
    assert every or name == "herbtc.__main__"
    assert (module.__doc__ or "").strip()
    # A class speaks for itself; a method may have what it overrides speak for it.
    silent = [
        each
        for each, value in every.items()
        if not (value.__doc__ if inspect.isclass(value) else inspect.getdoc(value))
    ]
    assert silent == []


def test_enough_is_reached_to_mean_something() -> None:
    names = {f"{name}.{each}" for name in PUBLIC for each, _ in reached(importlib.import_module(name))}
    assert {
        "herbtc.synthesis.Pooled.marginal",
        "herbtc.query.proportions",
        "herbtc.models.Trial.arm",
        "herbtc.planning.TwoStage.success",
        "herbtc.errors.DataError",
        "herbtc.tables.evidence",
    } <= names
    assert len(names) > 200
