"""Whatever a file says is what a catalog holds: nothing lost, nothing coerced, and nothing but DataError in between."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import catalogs
from toml_writer import plain, write

import herbtc
from herbtc import Catalog, DataError, models
from herbtc.models import Trial

SHIPPED = Path(herbtc.__file__).parent / "data"
# Studies with figures; those registered without results have little that could be changed.
KEYS = sorted(path.stem for path in (SHIPPED / "trials").glob("*.toml") if "\n[figures]\n" in path.read_text("utf-8"))

Leaves = dict[str, tuple[str, str]]
"""Every value of a document by its path: what kind of value it is, and its digits or its text."""

_KINDS = {str: "text", bool: "truth", int: "number", Decimal: "number", date: "day"}
_DEFAULTS = {"sides": "two", "unit": "months", "interval": "ci"}


def leaves(value: Any, path: str = "") -> Leaves:
    """Return the values of a document; what only spells out a default is passed over."""
    if isinstance(value, dict):
        inner = [(f"{path}.{key}".removeprefix("."), each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{i}]", each) for i, each in enumerate(value)]
    elif _DEFAULTS.get(path.rpartition(".")[2]) == value:
        return {}
    else:
        return {path: (_KINDS[type(value)], str(value))}
    return {place: leaf for name, each in inner for place, leaf in leaves(each, name).items()}


def digits(catalog: Catalog) -> Leaves:
    """Return every value of a catalog; numbers are equal whatever their zeros at the end, but not here."""
    sections = [name for name in attrs.fields_dict(Catalog) if name != "release"]
    return leaves({name: [plain(record) for record in getattr(catalog, name)] for name in sections})


# --- any catalog ------------------------------------------------------------------------------------------------------


@given(catalogs())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_catalog_written_as_toml_is_read_back_equal(catalog: Catalog) -> None:
    with tempfile.TemporaryDirectory() as folder:
        again = herbtc.read(write(catalog, Path(folder)))
    assert digits(again) == digits(catalog)
    assert again == catalog
    assert hash(again) == hash(catalog)


def test_the_shipped_catalog_written_as_toml_is_read_back_equal(tmp_path: Path) -> None:
    catalog = herbtc.load()
    again = herbtc.read(write(catalog, tmp_path))
    assert attrs.evolve(again, release=catalog.release) == catalog
    assert digits(again) == digits(catalog)


# --- a study file as tokens with places -------------------------------------------------------------------------------

TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|\n|[ \t]+|[\[\]{}=,]|[^\s\[\]{}=,"#]+')


@attrs.frozen
class Place:
    """A value in a file: its path, and the tokens of its key (None for an element of a list) and of itself."""

    path: str
    key: int | None
    first: int
    last: int

    @property
    def name(self) -> str:
        return re.sub(r"\[\d+\]$", "", self.path).rpartition(".")[2]

    @property
    def parent(self) -> str:
        return self.path.rpartition(".")[0]


@attrs.define
class Walk:
    """Finds the places in the tokens of a file: as much TOML as study files use."""

    tokens: list[str]
    meant: list[int] = attrs.field(init=False)
    at: int = 0
    found: list[Place] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        self.meant = [i for i, token in enumerate(self.tokens) if token.strip() and not token.startswith("#")]

    @property
    def here(self) -> str:
        return self.tokens[self.meant[self.at]]

    def places(self) -> list[Place]:
        prefix, counts = "", Counter[str]()
        while self.at < len(self.meant):
            if self.here == "[":
                brackets = 2 if self.tokens[self.meant[self.at + 1]] == "[" else 1
                name = self.tokens[self.meant[self.at + brackets]]
                counts[name] += brackets - 1
                self.at += 2 * brackets + 1
                names = [f"{part}[{counts[part] - 1}]" if counts[part] else part for part in name.split(".")]
                prefix = ".".join(names) + "."
            else:
                self.pair(prefix)
        return self.found

    def pair(self, prefix: str) -> None:
        key, path = self.meant[self.at], f"{prefix}{self.here}"
        self.at += 2
        self.value(path, key)

    def value(self, path: str, key: int | None) -> None:
        first, closing = self.meant[self.at], {"[": "]", "{": "}"}.get(self.here)
        element = 0
        self.at += 1
        while closing and self.here != closing:
            if self.here == ",":
                self.at += 1
                element += 1
            elif closing == "]":
                self.value(f"{path}[{element}]", None)
            else:
                self.pair(f"{path}.")
        self.at += closing is not None
        self.found.append(Place(path, key, first, self.meant[self.at - 1]))


@attrs.frozen
class Study:
    """A shipped study under another key, so that it can be read beside the shipped ones."""

    key: str
    tokens: tuple[str, ...]
    places: tuple[Place, ...]

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    @property
    def document(self) -> dict[str, Any]:
        return tomllib.loads(self.text, parse_float=Decimal)

    def printed(self, place: Place) -> str:
        return self.tokens[place.first]

    def scalars(self) -> list[Place]:
        return [place for place in self.places if self.printed(place) not in "[{"]

    def keyed(self) -> list[Place]:
        return [place for place in self.places if place.key is not None]

    def tables(self) -> dict[str, dict[str, Place]]:
        """The keys of each table, by the path of the table."""
        tables: dict[str, dict[str, Place]] = defaultdict(dict)
        for place in self.keyed():
            tables[place.parent][place.name] = place
        return tables

    def replaced(self, changes: dict[int, str]) -> str:
        return "".join(changes.get(i, token) for i, token in enumerate(self.tokens))

    def without(self, place: Place) -> str:
        gone = set(range(place.first if place.key is None else place.key, place.last + 1))
        comma = next((i for i in range(place.last + 1, len(self.tokens)) if self.tokens[i].strip()), None)
        if comma is not None and self.tokens[comma] == ",":
            gone.add(comma)
        elif comma is not None and self.tokens[comma] == "}":
            gone.add(max(i for i in range(place.first) if self.tokens[i] == "," or i == 0))
        return self.replaced(dict.fromkeys(gone, ""))


@cache
def study(key: str) -> Study:
    text = (SHIPPED / "trials" / f"{key}.toml").read_text("utf-8")
    text = text.replace(f'key = "{key}"', f'key = "{key}-copy"', 1)
    tokens = TOKEN.findall(text)
    return Study(f"{key}-copy", tuple(tokens), tuple(Walk(tokens).places()))


Reader: TypeAlias = Callable[[str, str | bytes], Trial]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def read(key: str, content: str | bytes) -> Trial:
        path = tmp_path / key / "trials" / f"{key}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        others = tuple(trial for trial in herbtc.load().trials if trial.key != key.removesuffix("-copy"))
        return attrs.evolve(herbtc.load(), trials=others).extend(tmp_path / key).trial(key)

    return read


@pytest.mark.parametrize("key", KEYS)
def test_the_places_found_in_a_study_file_are_those_of_its_document(key: str) -> None:
    assert study(key).text.count("-copy") >= 1
    found = {place.path for place in study(key).scalars()}
    skipped = {path for path in found if path.rpartition(".")[2] in _DEFAULTS}
    assert found - skipped == set(leaves(study(key).document)) - skipped


@pytest.mark.parametrize("key", KEYS)
def test_a_study_holds_what_its_file_says(key: str, read: Reader) -> None:
    assert leaves(plain(read(study(key).key, study(key).text))) == leaves(study(key).document)


def cases(name: str, count: int) -> Iterator[tuple[Study, Random]]:
    """Studies to mutate, each with its own source of chance; the same on every run."""
    for i in range(count):
        chance = Random(f"{name} {i}")  # noqa: S311
        yield study(chance.choice(KEYS)), chance


# --- mutations that keep the meaning ----------------------------------------------------------------------------------


def _some(chance: Random, sites: list[Any]) -> list[Any]:
    return chance.sample(sites, min(len(sites), chance.randint(1, 12)))


def _texts(study: Study) -> list[Place]:
    return [place for place in study.scalars() if re.fullmatch(r"""(["'])[^\\"']+\1""", study.printed(place))]


def _numbers(study: Study) -> list[Place]:
    return [place for place in study.scalars() if re.fullmatch(r"\d+(\.\d+)?", study.printed(place))]


def other_spaces(study: Study, chance: Random) -> str:
    sites = _some(chance, [i for i, token in enumerate(study.tokens) if token in {"=", ","}])
    blanks = ["", " ", "\t", " \t  "]
    return study.replaced({i: f"{chance.choice(blanks)} {study.tokens[i]}{chance.choice(blanks)}" for i in sites})


def _at_line_ends(study: Study, chance: Random, choices: list[str]) -> str:
    sites = _some(chance, [i for i, printed in enumerate(study.tokens) if printed == "\n"])
    return study.replaced({i: chance.choice(choices) for i in sites})


def more_comments(study: Study, chance: Random) -> str:
    return _at_line_ends(study, chance, [' # "no key" = [ {\n', "\n# 胆道 é ' \\ \n", "#\n"])


def more_blank_lines(study: Study, chance: Random) -> str:
    return _at_line_ends(study, chance, ["\n\n", "\n \t\n", "  \n\n\n"])


def windows_line_ends(study: Study, chance: Random) -> str:
    return study.text.replace("\n", "\r\n", chance.choice([1, 10, -1]))


def another_end(study: Study, chance: Random) -> str:
    return study.text.rstrip("\n") + chance.choice(["", " ", "\t\n\n", " # end"])


def another_order_of_keys(study: Study, chance: Random) -> str:
    places = list(chance.choice([table for table in study.tables().values() if len(table) > 1]).values())
    turn = chance.randrange(1, len(places))
    changes: dict[int, str] = {}
    for place, other in zip(places, places[turn:] + places[:turn], strict=True):
        assert place.key is not None
        changes |= dict.fromkeys(range(place.key, place.last + 1), "")
        changes[place.key] = "".join(study.tokens[other.key : other.last + 1])
    return study.replaced(changes)


def underscores_in_numbers(study: Study, chance: Random) -> str:
    sites = [place for place in _numbers(study) if re.search(r"\d\d", study.printed(place))]
    changes = {
        place.first: re.sub(r"(\d)(?=\d)", r"\1_", study.printed(place), count=1) for place in _some(chance, sites)
    }
    return study.replaced(changes)


def signs_before_numbers(study: Study, chance: Random) -> str:
    return study.replaced({place.first: f"+{study.printed(place)}" for place in _some(chance, _numbers(study))})


def other_quotes(study: Study, chance: Random) -> str:
    # Another mark than the one that is there.
    marks = ["'''", '"""']
    return study.replaced(
        {
            place.first: f"{mark}{study.printed(place)[1:-1]}{mark}"
            for place in _some(chance, _texts(study))
            for mark in [chance.choice(marks)]
        }
    )


def escapes_in_text(study: Study, chance: Random) -> str:
    changes = {}
    for place in _some(chance, _texts(study)):
        text = study.printed(place)[1:-1]
        i = chance.randrange(len(text))
        code = chance.choice(["\\u{:04x}", "\\U{:08X}"]).format(ord(text[i]))
        changes[place.first] = f'"{text[:i]}{code}{text[i + 1 :]}"'
    return study.replaced(changes)


def quoted_keys(study: Study, chance: Random) -> str:
    sites = [place.key for place in study.keyed() if place.key is not None]
    return study.replaced({i: f"{mark}{study.tokens[i]}{mark}" for i in _some(chance, sites) for mark in ["'"]})


KEEPING = [
    other_spaces,
    more_comments,
    more_blank_lines,
    windows_line_ends,
    another_end,
    another_order_of_keys,
    underscores_in_numbers,
    signs_before_numbers,
    other_quotes,
    escapes_in_text,
    quoted_keys,
]


@pytest.mark.parametrize("mutate", KEEPING)
def test_a_file_that_says_the_same_in_another_way_reads_equal(
    mutate: Callable[[Study, Random], str], read: Reader
) -> None:
    for original, chance in cases(mutate.__name__, 25):
        text = mutate(original, chance)
        assert text != original.text
        expected, got = read(original.key, original.text), read(original.key, text)
        assert (got, hash(got), leaves(plain(got))) == (expected, hash(expected), leaves(plain(expected)))


# --- mutations that break a rule --------------------------------------------------------------------------------------

Broken: TypeAlias = tuple[str, str]
"""The text of a file, and the path at which it is wrong."""

VOCABULARIES = {
    *("endpoint", "assessor", "kind", "phase", "design", "status", "line", "laboratory", "grade", "attribution"),
    *("role", "analysis", "sides", "unit", "interval", "origin", "consequence", "strata", "sites"),
}
REFERENCES = {
    *("arm", "reference_arm", "source", "population", "reference_population", "agents", "definition", "parts"),
    "related_to",
}
RECORDS: dict[str, type] = {
    "": models.Trial,
    "sources[]": models.Source,
    "arms[]": models.Arm,
    "arms[].testing": models.Testing,
    "arms[].hypothesis": models.Hypothesis,
    "figures.proportions[]": models.Proportion,
    "figures.durations[]": models.Duration,
    "figures.landmarks[]": models.Landmark,
    "figures.contrasts[]": models.Contrast,
    "figures.baseline[]": models.Baseline,
    "figures.adverse_events[]": models.AdverseEvent,
}


def a_misspelt_key(study: Study, chance: Random) -> Broken:
    place = chance.choice(study.keyed())
    assert place.key is not None
    return study.replaced({place.key: f"{study.tokens[place.key]}q"}), f"{place.path}q"


def a_word_of_no_vocabulary(study: Study, chance: Random) -> Broken:
    place = chance.choice([place for place in study.scalars() if place.name in VOCABULARIES])
    return study.replaced({place.first: '"no-such-word"'}), place.path


def a_reference_to_nothing(study: Study, chance: Random) -> Broken:
    # `definition` is a reference in arms only; in figures it is free text.
    sites = [
        place
        for place in study.scalars()
        if place.name in REFERENCES and (place.name, place.path[:3]) != ("definition", "fig")
    ]
    place = chance.choice(sites)
    return study.replaced({place.first: '"no-such-key"'}), place.path


def more_events_than_patients(study: Study, chance: Random) -> Broken | None:
    tables = [table for table in study.tables().values() if {"events", "n"} <= set(table) and "suspect" not in table]
    if not tables:
        return None
    table = chance.choice(tables)
    n = int(study.printed(table["n"]))
    return study.replaced({table["events"].first: str(n + chance.randint(1, 99))}), table["events"].path


def another_type(study: Study, chance: Random) -> Broken:
    place = chance.choice(study.scalars())
    token = study.printed(place)
    others = {'"': "true", "'": "true", "t": '"true"', "f": "0", "d": '"2022-10-10"', "n": '"many"'}
    kind = "d" if re.fullmatch(r"\d{4}-\d\d-\d\d", token) else "n" if token[0].isdigit() else token[0]
    return study.replaced({place.first: others[kind]}), place.path


def no_list(study: Study, chance: Random) -> Broken:
    place = chance.choice([place for place in study.keyed() if study.printed(place) == "["])
    tokens = range(place.first, place.last + 1)
    return study.replaced({**dict.fromkeys(tokens, ""), place.first: '"abc"'}), place.path


def no_required_key(study: Study, chance: Random) -> Broken:
    def needed(place: Place) -> bool:
        record = RECORDS.get(re.sub(r"\d+", "", place.parent))
        return record is not None and attrs.fields_dict(record)[place.name].default is attrs.NOTHING

    place = chance.choice([place for place in study.keyed() if needed(place)])
    return study.without(place), place.path


def a_figure_twice(study: Study, chance: Random) -> Broken | None:
    sites = [place for place in study.places if re.fullmatch(r"figures\.\w+\[0\]", place.path)]
    if not sites:
        return None
    place = chance.choice(sites)
    figure = "".join(study.tokens[place.first : place.last + 1])
    return study.replaced({place.first: f"{figure},\n{{"}), f"{place.path[:-3]}[1]"


def an_impossible_share(study: Study, chance: Random) -> Broken | None:
    sites = [place for place in study.scalars() if place.name in {"percent", "level"}]
    if not sites:
        return None
    place = chance.choice(sites)
    return study.replaced({place.first: chance.choice(["-1", "101", "100.1", "1e400", "inf", "nan"])}), place.path


BREAKING = [
    a_misspelt_key,
    a_word_of_no_vocabulary,
    a_reference_to_nothing,
    more_events_than_patients,
    another_type,
    no_list,
    no_required_key,
    a_figure_twice,
    an_impossible_share,
]


@pytest.mark.parametrize("mutate", BREAKING)
def test_a_file_that_breaks_a_rule_is_refused_with_the_place(
    mutate: Callable[[Study, Random], Broken | None], read: Reader
) -> None:
    mutated = [(original.key, mutate(original, chance)) for original, chance in cases(mutate.__name__, 40)]
    broken = [(key, *each) for key, each in mutated if each is not None]
    assert len(broken) > 20
    for key, text, path in broken:
        tomllib.loads(text)
        with pytest.raises(DataError) as caught:
            read(key, text)
        assert {problem.file for problem in caught.value.problems} == {f"trials/{key}.toml"}
        assert path in {problem.path for problem in caught.value.problems}
        assert all(problem.message.startswith(("expected", "unknown key")) for problem in caught.value.problems)


# --- damage -----------------------------------------------------------------------------------------------------------


def a_dropped_quote(content: bytes, chance: Random) -> bytes:
    return _without_one(content, chance, b"\"'")


def a_dropped_bracket(content: bytes, chance: Random) -> bytes:
    return _without_one(content, chance, b"[]{}")


def _without_one(content: bytes, chance: Random, characters: bytes) -> bytes:
    i = chance.choice([i for i, byte in enumerate(content) if byte in characters])
    return content[:i] + content[i + 1 :]


def a_truncated_file(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content))]


def a_stray_byte(content: bytes, chance: Random) -> bytes:
    i = chance.randrange(len(content) + 1)
    return content[:i] + bytes([chance.randrange(256)]) + content[i:]


def a_flipped_bit(content: bytes, chance: Random) -> bytes:
    i = chance.randrange(len(content))
    return content[:i] + bytes([content[i] ^ 1 << chance.randrange(8)]) + content[i + 1 :]


def two_bytes_in_the_wrong_order(content: bytes, chance: Random) -> bytes:
    i = chance.randrange(len(content) - 1)
    return content[:i] + content[i + 1 : i + 2] + content[i : i + 1] + content[i + 2 :]


def a_dropped_line(content: bytes, chance: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def a_doubled_line(content: bytes, chance: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    i = chance.randrange(len(lines))
    return b"".join([*lines[: i + 1], *lines[i:]])


DAMAGE = [
    a_dropped_quote,
    a_dropped_bracket,
    a_truncated_file,
    a_stray_byte,
    a_flipped_bit,
    two_bytes_in_the_wrong_order,
    a_dropped_line,
    a_doubled_line,
]


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        return tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except ValueError:
        return None


def _outcome(read: Reader, key: str, content: str | bytes) -> Trial | DataError:
    try:
        return read(key, content)
    except DataError as error:
        return error


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_or_read_as_exactly_what_it_now_says(
    damage: Callable[[bytes, Random], bytes], read: Reader
) -> None:
    refused = 0
    for original, chance in cases(damage.__name__, 50):
        content = damage(original.text.encode("utf-8"), chance)
        document, outcome = _parsed(content), _outcome(read, original.key, content)
        if isinstance(outcome, DataError):
            refused += 1
            assert {problem.file for problem in outcome.problems} == {f"trials/{original.key}.toml"}
            assert (document is None) == all(problem.path == "" for problem in outcome.problems)
        else:
            assert document is not None
            assert leaves(plain(outcome)) == leaves(document)
    assert refused > 0


def test_a_changed_digit_is_refused_or_changes_that_value_alone(read: Reader) -> None:
    changed = 0
    for original, chance in cases("digit", 150):
        place = chance.choice([place for place in original.scalars() if re.search(r"[0-9]", original.printed(place))])
        printed = original.printed(place)
        i = chance.choice([i for i, character in enumerate(printed) if character in "0123456789"])
        digit = chance.choice([digit for digit in "0123456789" if digit != printed[i]])
        content = original.replaced({place.first: f"{printed[:i]}{digit}{printed[i + 1 :]}"})
        outcome = _outcome(read, original.key, content)
        if isinstance(outcome, DataError):
            assert {problem.file for problem in outcome.problems} == {f"trials/{original.key}.toml"}
        else:
            before, after = leaves(original.document), leaves(plain(outcome))
            assert {path for path in before | after if before.get(path) != after.get(path)} == {place.path}
            changed += 1
    assert changed > 0
