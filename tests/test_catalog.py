"""The catalog: frozen, shared, found by key, and extended by a folder without any other change."""

from __future__ import annotations

import copy
import json
import pickle
import re
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest
from attrs.exceptions import FrozenInstanceError

import herbtc
from herbtc import (
    Catalog,
    DataError,
    UnknownKeyError,
    catalog,
    errors,
    her2,
    measures,
    models,
    query,
    synthesis,
    variants,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHIPPED = Path(herbtc.__file__).parent / "data"

STUDY = """
key = "new-study"
name = "NEW-STUDY"
registry_ids = ["NCT99999999"]
design = "randomised"

[[sources]]
key = "author-2026"
kind = "journal"
title = "A new study"
pmid = "1"

[[arms]]
key = "experimental"
label = "Experimental"
n = 40
agents = ["zanidatamab"]
definition = "herb-positive"
her2_selected = true
btc_only = true

[[arms]]
key = "control"
label = "Control"
n = 40
agents = ["cisplatin", "gemcitabine"]
her2_selected = true
btc_only = true

[figures]
proportions = [{ arm = "experimental", endpoint = "orr", events = 16, n = 40, source = "author-2026", locator = "T" }]
durations = [{ arm = "experimental", endpoint = "os", median = 15.5, source = "author-2026", locator = "T" }]
landmarks = [{ arm = "experimental", endpoint = "os", at = 12, percent = 60, source = "author-2026", locator = "T" }]
baseline = [{ arm = "control", item = "female", events = 20, n = 40, source = "author-2026", locator = "T" }]

[[figures.contrasts]]
arm = "experimental"
reference_arm = "control"
endpoint = "os"
kind = "hr"
role = "treatment"
estimate = 0.80
source = "author-2026"
locator = "T"

[[figures.patient_reported]]
arm = "control"
instrument = "eq-5d-5l"
scale = "visual-analogue"
measure = "mean-change"
estimate = 1.5
source = "author-2026"
locator = "T"

[[figures.adverse_events]]
arm = "control"
term = "nausea"
grade = "any"
attribution = "all-cause"
events = 10
n = 40
source = "author-2026"
locator = "T"
"""

OWN_AGENTS = """
[[sources]]
key = "lab-2026"
kind = "review"
title = "Notes of the laboratory"
url = "https://example.org/notes"

[[agents]]
key = "own-drug"
name = "Own drug"
mechanism = "bispecific-antibody"
source = "lab-2026"
"""

OWN_DEFINITIONS = """
[[sources]]
key = "lab-2026"
kind = "review"
title = "Notes of the laboratory"
url = "https://example.org/notes"

[[definitions]]
key = "own-definition"
name = "Own"
words = "IHC 3+"
group = "her2-positive"
any_of = [{ ihc = ["3+"] }]
source = "lab-2026"
locator = "Page 1"
"""


def write(folder: Path, **files: str) -> Path:
    """Write files into a folder; ``trials__x`` stands for ``trials/x.toml``."""
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/').replace('_', '-')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one study that refers to shipped agents and a shipped definition."""
    return write(tmp_path / "own", trials__new_study=STUDY)


@pytest.fixture
def extended(folder: Path) -> Catalog:
    return herbtc.load().extend(folder)


def refused(call: Callable[[], object]) -> list[tuple[str, str, str]]:
    with pytest.raises(DataError) as caught:
        call()
    return [(problem.file, problem.path, problem.message) for problem in caught.value.problems]


# --- frozen -----------------------------------------------------------------------------------------------------------


def walk(value: Any) -> Iterator[Any]:
    """Everything that is inside a record, itself included."""
    yield value
    inner = value if isinstance(value, tuple) else ()
    if attrs.has(type(value)):
        inner = tuple(getattr(value, field.name) for field in attrs.fields(type(value)))
    for each in inner:
        yield from walk(each)


RECORDS = {
    each.__name__: each
    for module in (models, her2, variants, errors, catalog)
    for each in vars(module).values()
    if isinstance(each, type) and attrs.has(each)
}


def test_the_shipped_catalog_is_read_once_and_shared() -> None:
    assert herbtc.load() is herbtc.load()


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
def test_records_have_slots_and_no_dict(record: type) -> None:
    assert record.__dictoffset__ == 0


def test_no_attribute_of_a_record_can_be_set_or_deleted() -> None:
    examples = {type(each): each for each in walk(herbtc.load()) if attrs.has(type(each))}
    assert {models.Trial, models.Arm, models.Conjugate, models.Contrast, her2.Clause, Catalog} <= set(examples)
    assert set(examples) <= set(RECORDS.values())
    for record, example in examples.items():
        for name in (*attrs.fields_dict(record), "new"):
            with pytest.raises(FrozenInstanceError):
                setattr(example, name, None)
            with pytest.raises(FrozenInstanceError):
                delattr(example, name)


def test_nothing_inside_the_shipped_catalog_can_be_changed() -> None:
    kinds = {type(each) for each in walk(herbtc.load()) if not isinstance(each, Enum) and not attrs.has(type(each))}
    assert kinds <= {tuple, str, int, bool, Decimal, date, type(None)}


def test_catalogs_of_the_same_evidence_are_equal_and_have_one_hash(folder: Path) -> None:
    one, other = herbtc.load().extend(folder), herbtc.load().extend(folder)
    assert one is not other
    assert one == other
    assert len({one, other, herbtc.load()}) == 2


@pytest.mark.parametrize("again", [lambda each: pickle.loads(pickle.dumps(each)), copy.deepcopy])  # noqa: S301
def test_copies_of_the_catalog_are_equal_to_it(again: Callable[[Catalog], Catalog]) -> None:
    made = again(herbtc.load())
    assert made == herbtc.load()
    assert hash(made) == hash(herbtc.load())


def test_records_stand_in_the_order_of_their_keys() -> None:
    shipped = herbtc.load()
    for records in (shipped.agents, shipped.definitions, shipped.trials):
        keys = [record.key for record in records]
        assert keys == sorted(set(keys))


# --- look-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["trial", "agent", "mechanism", "definition"])
def test_every_record_is_found_by_its_key(kind: str) -> None:
    shipped = herbtc.load()
    records = getattr(shipped, f"{kind}s")
    assert records
    assert all(getattr(shipped, kind)(str(record.key)) is record for record in records)


def test_arms_and_sources_of_a_study_are_found_by_their_keys() -> None:
    trial = herbtc.load().trial("herizon-btc-01")
    assert [trial.arm(arm.key) for arm in trial.arms] == list(trial.arms)
    assert [trial.source(source.key) for source in trial.sources] == list(trial.sources)


@pytest.mark.parametrize(
    ("kind", "word", "nearest"),
    [
        ("trial", "herizon-btc-1", "herizon-btc-01"),
        ("trial", "HERIZON-BTC-01", "herizon-btc-01"),
        ("trial", "Herizon-BTC-01", "herizon-btc-01"),
        ("trial", "NCT04466891", "herizon-btc-01"),
        ("trial", "nct04466891", "herizon-btc-01"),
        ("agent", "zanidatmab", "zanidatamab"),
        ("agent", "Zanidatamab", "zanidatamab"),
        ("agent", "ZW25", "zanidatamab"),
        ("agent", "zw25", "zanidatamab"),
        ("agent", "Herceptin", "trastuzumab"),
        ("agent", "T-DXd", "trastuzumab-deruxtecan"),
        ("mechanism", "Bispecific-Antibody", "bispecific-antibody"),
        ("mechanism", "bispecific antibody", "bispecific-antibody"),
        ("definition", "HERB-positive", "herb-positive"),
        ("definition", "herb-positiv", "herb-positive"),
    ],
)
def test_a_word_that_is_no_key_is_answered_with_the_nearest_key(kind: str, word: str, nearest: str) -> None:
    with pytest.raises(UnknownKeyError) as caught:
        getattr(herbtc.load(), kind)(word)
    error = caught.value
    assert (error.kind, error.key, error.nearest[0]) == (kind, word, nearest)
    assert isinstance(error, LookupError)
    assert nearest in error.known
    assert str(error).startswith(f"unknown {kind} {word!r}: did you mean {nearest!r}")


@pytest.mark.parametrize("kind", ["agent", "trial"])
def test_every_other_name_of_a_record_is_answered_with_its_key_whatever_the_case(kind: str) -> None:
    shipped = herbtc.load()
    for record in getattr(shipped, f"{kind}s"):
        others = (getattr(record, other, ()) for other in ("synonyms", "codes", "registry_ids"))
        names = [record.name, *(name for each in others for name in each)]
        for name in {case(name) for name in names for case in (str, str.upper, str.lower)} - {record.key}:
            with pytest.raises(UnknownKeyError) as caught:
                getattr(shipped, kind)(name)
            assert caught.value.nearest == (record.key,), name


@pytest.mark.parametrize("word", [None, 3, "", "xyzzyxyzzy", ["zanidatamab"], ("zanidatamab", 1)])
@pytest.mark.parametrize("kind", ["trial", "agent", "mechanism", "definition"])
def test_a_word_like_no_key_is_answered_with_what_exists(kind: str, word: Any) -> None:
    with pytest.raises(UnknownKeyError, match="There are: ") as caught:
        getattr(herbtc.load(), kind)(word)
    assert caught.value.known == tuple(str(each.key) for each in getattr(herbtc.load(), f"{kind}s"))


def test_a_look_up_inside_a_study_names_what_exists() -> None:
    trial = herbtc.load().trial("herizon-btc-01")
    with pytest.raises(UnknownKeyError, match="unknown arm 'cohort 1': did you mean 'cohort-1'"):
        trial.arm("cohort 1")
    with pytest.raises(UnknownKeyError, match="unknown source 'harding': did you mean 'harding-2023'"):
        trial.source("harding")


def test_a_look_up_in_an_empty_catalog_says_that_there_is_nothing() -> None:
    with pytest.raises(UnknownKeyError, match=r"^unknown trial 'x': There are: none$"):
        Catalog(release="empty").trial("x")


# --- a folder beside the shipped evidence -----------------------------------------------------------------------------


def test_a_folder_may_refer_to_what_is_shipped(extended: Catalog) -> None:
    arm = extended.trial("new-study").arm("experimental")
    assert extended.agent(arm.agents[0]) is herbtc.load().agent("zanidatamab")
    assert extended.definition(str(arm.definition)) is herbtc.load().definition("herb-positive")


def test_an_extended_catalog_contains_both_and_says_so(extended: Catalog) -> None:
    base = herbtc.load()
    assert extended.release == f"{base.release}+local"
    assert set(extended.trials) == {*base.trials, extended.trial("new-study")}
    assert [trial.key for trial in extended.trials] == sorted(trial.key for trial in extended.trials)
    assert (extended.agents, extended.definitions) == (base.agents, base.definitions)


def test_the_base_of_an_extended_catalog_is_unchanged(folder: Path) -> None:
    base = herbtc.load()
    before = pickle.dumps(base)
    base.extend(folder)
    assert herbtc.load() is base
    assert pickle.dumps(base) == before
    with pytest.raises(UnknownKeyError):
        base.trial("new-study")


def test_a_folder_may_bring_its_own_agents_and_definitions(tmp_path: Path) -> None:
    own = STUDY.replace('["zanidatamab"]', '["own-drug", "zanidatamab"]').replace("herb-positive", "own-definition")
    folder = write(tmp_path, agents=OWN_AGENTS, definitions=OWN_DEFINITIONS, trials__new_study=own)
    base, extended = herbtc.load(), herbtc.load().extend(folder)
    assert extended.agent("own-drug").mechanism == "bispecific-antibody"
    assert extended.definition("own-definition").logic == "(IHC in {3+})"
    assert len(extended.agents) == len(base.agents) + 1
    assert len(extended.definitions) == len(base.definitions) + 1
    assert [agent.key for agent in extended.agents] == sorted(agent.key for agent in extended.agents)
    assert {source.key for source in extended.agent_sources} >= {"lab-2026"}
    assert extended.mechanisms == base.mechanisms


def test_an_extended_catalog_can_be_extended_again(extended: Catalog, tmp_path: Path) -> None:
    later = STUDY.replace("new-study", "later-study", 1).replace("design", 'overlaps = ["new-study"]\ndesign', 1)
    twice = extended.extend(write(tmp_path / "later", trials__later_study=later))
    assert twice.trial("later-study").overlaps == ("new-study",)
    assert set(twice.trials) > set(extended.trials)


def test_a_study_that_overlaps_with_a_shipped_one_may_say_so(tmp_path: Path) -> None:
    own = STUDY.replace("design", 'overlaps = ["herizon-btc-01"]\ndesign', 1)
    extended = herbtc.load().extend(write(tmp_path, trials__new_study=own))
    assert extended.trial("new-study").overlaps == ("herizon-btc-01",)


@pytest.mark.parametrize(
    ("files", "file", "path", "key"),
    [
        ({"trials__tapur": STUDY.replace("new-study", "tapur", 1)}, "trials/tapur.toml", "key", "tapur"),
        ({"agents": OWN_AGENTS.replace("own-drug", "tucatinib")}, "agents.toml", "agents[0].key", "tucatinib"),
        (
            {"definitions": OWN_DEFINITIONS.replace("own-definition", "herb-low")},
            "definitions.toml",
            "definitions[0].key",
            "herb-low",
        ),
        (
            {"agents": '[[mechanisms]]\nkey = "cell-therapy"\nname = "Own"\naction = "Own"\n'},
            "agents.toml",
            "mechanisms[0].key",
            "cell-therapy",
        ),
    ],
)
def test_a_key_that_is_shipped_already_is_refused(
    tmp_path: Path, files: dict[str, str], file: str, path: str, key: str
) -> None:
    folder = write(tmp_path, **files)
    [(where, place, message)] = refused(lambda: herbtc.load().extend(folder))
    assert (where, place) == (file, path)
    assert message.startswith(f"expected a new key; {key!r} is in the catalog already")


def test_a_reference_to_nothing_in_both_is_refused_with_the_keys_of_both(tmp_path: Path) -> None:
    own = STUDY.replace('["zanidatamab"]', '["zanidatmab"]')
    folder = write(tmp_path, agents=OWN_AGENTS, trials__new_study=own)
    [(file, path, message)] = refused(lambda: herbtc.load().extend(folder))
    assert (file, path) == ("trials/new-study.toml", "arms[0].agents[0]")
    assert message.startswith("expected the key of an agent, got 'zanidatmab'; there are: ")
    assert {"own-drug", "zanidatamab"} <= set(message.partition("there are: ")[2].split(", "))


def test_extending_by_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert refused(lambda: herbtc.load().extend(tmp_path / "nowhere")) == [("", "", "no such folder")]


# --- a folder of its own ----------------------------------------------------------------------------------------------


def test_a_folder_that_is_read_alone_must_be_complete_in_itself(folder: Path) -> None:
    found = refused(lambda: herbtc.read(folder))
    what = {"agents": "an agent", "definition": "a HER2 definition"}
    assert {file for file, _, _ in found} == {"trials/new-study.toml"}
    assert [(path, message.partition(", got")[0]) for _, path, message in found] == [
        ("arms[0].agents[0]", f"expected the key of {what['agents']}"),
        ("arms[0].definition", f"expected the key of {what['definition']}"),
        ("arms[1].agents[0]", f"expected the key of {what['agents']}"),
        ("arms[1].agents[1]", f"expected the key of {what['agents']}"),
    ]
    assert all(message.endswith("there are: none") for _, _, message in found)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_copy_of_the_shipped_folder_reads_as_the_same_evidence(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    shutil.copytree(SHIPPED, tmp_path / "copy")
    copied = herbtc.read(kind(tmp_path / "copy"))
    assert copied.release == "unreleased"
    assert attrs.evolve(copied, release=herbtc.load().release) == herbtc.load()


def test_a_folder_is_read_anew_each_time(folder: Path) -> None:
    first = herbtc.load().extend(folder)
    write(folder, trials__new_study=STUDY.replace("events = 16", "events = 17"))
    second = herbtc.load().extend(folder)
    events = [each.trial("new-study").figures.proportions[0].events for each in (first, second)]
    assert events == [16, 17]


READING = """
import json, sys
import herbtc
herbtc.load(), herbtc.read(sys.argv[1])
herbtc.catalog._shipped.cache_clear()
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]) if args else "")))
herbtc.load() if sys.argv[2] == "load" else herbtc.read(sys.argv[1])
print(json.dumps(seen))
"""


@pytest.mark.parametrize("how", ["load", "read"])
def test_reading_touches_the_folder_and_nothing_else(tmp_path: Path, how: str) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "copy")
    command = [sys.executable, "-c", READING, str(folder), how]
    output = subprocess.run(command, capture_output=True, check=True, text=True, cwd=tmp_path).stdout  # noqa: S603
    events = json.loads(output)
    opened = {Path(name) for event, name in events if event == "open"}
    inside = SHIPPED if how == "load" else folder
    assert opened == {*inside.glob("*.toml"), *(inside / "trials").glob("*.toml")}
    assert not [event for event, _ in events if event.startswith(("socket.", "subprocess.", "os.system", "urllib."))]


# --- adding a study is adding a file ----------------------------------------------------------------------------------


def dropped_in(folder: Path) -> Catalog:
    """The shipped folder with the new study dropped into it."""
    complete = shutil.copytree(SHIPPED, folder.parent / "complete")
    shutil.copy(folder / "trials" / "new-study.toml", complete / "trials")
    return herbtc.read(complete)


def beside(folder: Path) -> Catalog:
    """The shipped catalog extended by the folder of the new study."""
    return herbtc.load().extend(folder)


@pytest.mark.parametrize("add", [dropped_in, beside])
@pytest.mark.parametrize("frame", [*models.FIGURE_KINDS, "trials", "arms", "sources"])
def test_a_new_study_is_in_every_frame(folder: Path, add: Callable[[Path], Catalog], frame: str) -> None:
    ask = getattr(query, frame)
    found, before = ask(catalog=add(folder)), ask()
    assert "new-study" in set(found["trial"])
    assert "new-study" not in set(before["trial"])
    others = found[found["trial"].ne("new-study").fillna(value=True)].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, before, check_categorical=False)


@pytest.mark.parametrize("add", [dropped_in, beside])
def test_a_new_study_is_named_where_its_definition_is_shown(folder: Path, add: Callable[[Path], Catalog]) -> None:
    shown = query.definitions(definition="herb-positive", catalog=add(folder))["arms"].item()
    assert "new-study/experimental" in shown.split("; ")


@pytest.mark.parametrize("add", [dropped_in, beside])
def test_a_new_study_is_in_the_pooled_estimate(folder: Path, add: Callable[[Path], Catalog]) -> None:
    def pooled(evidence: Catalog) -> synthesis.Pooled:
        rates = query.proportions(endpoint="orr", her2_directed=True, catalog=evidence)
        return synthesis.pool(measures.effects(rates.dropna(subset=["events", "n"]), "logit"), mix="line")

    before, after = pooled(herbtc.load()), pooled(add(folder))
    assert before.n is not None
    assert before.events is not None
    assert (after.k, after.n, after.events) == (before.k + 1, before.n + 40, before.events + 16)
    assert "new-study" in set(after.rows["trial"])
    assert after.estimate != before.estimate
    assert after.release != before.release


def test_a_study_may_be_asked_for_by_name_only_where_it_is(extended: Catalog) -> None:
    assert len(query.trials(trial="new-study", catalog=extended)) == 1
    with pytest.raises(UnknownKeyError, match="unknown trial 'new-study'"):
        query.trials(trial="new-study")


# --- shown ------------------------------------------------------------------------------------------------------------


def test_a_catalog_shows_itself_in_one_short_line(extended: Catalog) -> None:
    shown = repr(extended)
    assert shown.startswith(f"<Catalog {extended.release}: {len(extended.trials)} studies, ")
    assert len(shown) < 120
    assert "\n" not in shown


def test_a_catalog_shows_itself_in_a_notebook_shortly(extended: Catalog) -> None:
    shown = extended._repr_html_()
    assert re.sub(r"<[^>]+>", "", shown).startswith(f"herbtc catalog {extended.release}studies{len(extended.trials)}")
    assert shown.count("<tr>") <= 8


def test_what_a_notebook_shows_is_escaped() -> None:
    shown = Catalog(release="<script>&")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;&amp;" in shown


def test_the_release_is_that_of_the_package() -> None:
    assert herbtc.load().release == herbtc.__version__
