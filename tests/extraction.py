"""Compare the shipped figures of a study with its second extraction: what agrees, what differs, what only one has.

`python tests/extraction.py KEY …` prints what is still to be settled at the source.
"""

from __future__ import annotations

import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import herbtc
from herbtc.models import FIGURE_KINDS

FIRST = Path(herbtc.__file__).parent / "data" / "trials"
SECOND = Path(__file__).parent / "second_extraction"
SETTLED = SECOND / "settled"
SECTIONS = tuple(FIGURE_KINDS)

# What tells one figure of a study from another …
IDENTITY = (
    *("arm", "population", "endpoint", "item", "term", "at", "grade", "attribution", "related_to", "consequence"),
    *("serious", "kind", "reference_arm", "reference_population", "role", "instrument", "scale", "measure"),
)
# … and what it says. Fields that only one reader filled in are no disagreement.
VALUES = ("events", "n", "percent", "median", "estimate", "low", "high", "level", "unit", "sides", "p")
READING = ("source", "cutoff", "assessor", "confirmed", "analysis", "interval", "origin")

Figure = dict[str, Any]


def figures(path: Path) -> list[tuple[str, Figure]]:
    """Return (section, figure) for all figures of a file; an empty list if there is no such file."""
    if not path.exists():
        return []
    document = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    return [(section, figure) for section in SECTIONS for figure in document.get("figures", {}).get(section, [])]


def name(section: str, figure: Figure) -> str:
    """Return a line that names a figure and says what it prints."""
    what = [str(figure[each]) for each in IDENTITY if each in figure]
    says = [f"{each}={figure[each]}" for each in VALUES if each in figure]
    read = [f"{each}={str(figure[each]).lower()}" for each in READING if each in figure]
    return f"{section}: {' '.join(what)} | {' '.join(says)} | {' '.join(read)}"


def identity(section: str, figure: Figure) -> tuple[Any, ...]:
    """Return what tells the figure from others of its study."""
    return (section, *(figure.get(each) for each in IDENTITY))


def agree(one: Figure, other: Figure) -> bool:
    """Whether two figures of one identity print the same."""
    shared = [each for each in VALUES if each in one and each in other]
    said = {"events", "percent", "median", "estimate", "low"}.intersection(shared)
    read = all(one[each] == other[each] for each in READING[2:] if each in one and each in other)
    return bool(said) and read and all(one[each] == other[each] for each in shared)


def same_reading(one: Figure, other: Figure) -> bool:
    """Whether two figures of one identity were read at the same place, so that a difference is a disagreement."""
    return all(one.get(each) == other.get(each) for each in ("source", "cutoff", "assessor", "interval"))


def unsettled(key: str) -> dict[str, list[str]]:
    """Return what is in one extraction only, and what differs, as lines that name the figures."""
    first, second = figures(FIRST / f"{key}.toml"), figures(SECOND / f"{key}.toml")
    found: dict[str, list[str]] = {"differs": [], "first only": [], "second only": []}
    for section, figure in first:
        rivals = [other for kind, other in second if identity(kind, other) == identity(section, figure)]
        if not any(agree(figure, other) for other in rivals):
            different = [other for other in rivals if same_reading(figure, other)]
            if different:
                found["differs"].append(f"{name(section, figure)} <> {name(section, different[0])}")
            else:
                found["first only"].append(name(section, figure))
    for section, figure in second:
        rivals = [other for kind, other in first if identity(kind, other) == identity(section, figure)]
        if not any(agree(figure, other) or same_reading(figure, other) for other in rivals):
            found["second only"].append(name(section, figure))
    return found


def settled(key: str) -> set[str]:
    """Return the lines whose settlement is on record."""
    path = SETTLED / f"{key}.toml"
    if not path.exists():
        return set()
    return {each["figure"] for each in tomllib.loads(path.read_text("utf-8")).get("settled", [])}


if __name__ == "__main__":
    for study in sys.argv[1:] or sorted(path.stem for path in FIRST.glob("*.toml")):
        total = len(figures(FIRST / f"{study}.toml")), len(figures(SECOND / f"{study}.toml"))
        todo = unsettled(study)
        print(
            f"# {study}: {total[0]} and {total[1]} figures; "
            + ", ".join(f"{what} {len(lines)}" for what, lines in todo.items())
        )
        done = settled(study)
        for what, lines in todo.items():
            for line in lines:
                if line not in done:
                    print(f"{what}: {line}")
