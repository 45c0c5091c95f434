"""What a notebook shows of records and results: all that is reported, nothing that could run, no fixed colour."""

from __future__ import annotations

import copy
import re
import warnings
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest

import herbtc
from herbtc import benchmarks, her2, matching, measures, models, planning, query, synthesis
from herbtc._html import Shown
from herbtc.models import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)> & </td></table>"
HOSTILE_LINK = "https://x.org/\"onmouseover='alert(1)'"
VOID = {"br", "hr", "img"}


class Read(HTMLParser):
    """Tags, attributes, links and rows of what was rendered; tags must close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.rows: dict[str, str] = {}
        self.text = ""
        self._open: list[str] = []
        self._name = ""
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "th" in self._open:
            self._name = data
        elif "td" in self._open:
            self.rows[self._name] = self.rows.get(self._name, "") + data


def shown(thing: Any) -> str:
    html = thing._repr_html_()
    assert isinstance(html, str)
    # A notebook may be dark or light: no colour is named, and none of a table's old ways to name one.
    for tag in re.findall(r"<[^>]*>", html):
        assert not re.search(r"color|background|#[0-9a-f]{3,6}\b|\brgb", tag, re.IGNORECASE)
    return html


def nested(thing: Any) -> Iterator[Record]:
    """Yield a record and all records in it."""
    if isinstance(thing, tuple):
        for each in thing:
            yield from nested(each)
    elif isinstance(thing, Record) or attrs.has(type(thing)):
        if isinstance(thing, Record):
            yield thing
        for each in attrs.fields(type(thing)):
            yield from nested(getattr(thing, each.name))


def subclasses(of: type[Record]) -> Iterator[type[Record]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def one_of_each() -> dict[type[Record], Record]:
    source: dict[str, Any] = {"source": "s-2024", "locator": "Table 1"}
    more: list[Any] = [
        her2.Assay(ihc="2+", staining=her2.Staining(percent=40, intensity="strong"), variants=("S310F",)),
        matching.Patient(her2=her2.Assay(ihc="3+"), site="gallbladder", prior_lines=1, prior_agents=("cisplatin",)),
        models.DrugAntibodyRatio(value=None, low=Decimal(3), high=Decimal(4), **source),
        models.Correction(
            trial="herb",
            section="proportions",
            arm="btc",
            source="s-2024",
            field="events",
            corrected=Decimal(9),
            reason="a misprint",
            by="a reader",
            on=date(2026, 1, 1),
        ),
    ]
    return {type(record): record for thing in (herbtc.load(), *more) for record in nested(thing)}


RECORDS = one_of_each()
# Bases, and what a file holds before it becomes part of a catalog.
NOT_SHOWN = {"Figure", *(each.__name__ for each in subclasses(Record) if each.__name__.endswith("File"))}


def test_every_class_of_records_is_looked_at() -> None:
    assert {each.__name__ for each in subclasses(Record)} == {each.__name__ for each in RECORDS} | NOT_SHOWN


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda record: type(record).__name__)
def test_a_record_shows_what_is_reported_and_only_that(record: Record) -> None:
    read = Read(shown(record))
    reported = {
        each.name: getattr(record, each.name)
        for each in attrs.fields(type(record))
        if getattr(record, each.name) not in (None, ())
    }
    assert read.rows.keys() == reported.keys()
    for name, value in reported.items():
        if isinstance(value, bool):
            assert read.rows[name] == ("yes" if value else "no")
        elif not isinstance(value, (tuple, Shown)):
            assert read.rows[name] == str(value)


def with_texts(record: Record, text: str) -> Record:
    """Return a copy with another text in every field that holds one; such a record could not be made."""
    twin = copy.copy(record)
    for each in attrs.fields(type(record)):
        value = getattr(record, each.name)
        if isinstance(value, str):
            object.__setattr__(twin, each.name, text)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            object.__setattr__(twin, each.name, (text,) * 20)
    return twin


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda record: type(record).__name__)
def test_a_hostile_record_is_escaped(record: Record) -> None:
    read = Read(shown(with_texts(record, HOSTILE)))
    assert read.tags <= {"table", "caption", "strong", "tr", "th", "td", "a"}
    assert read.attributes <= {"style", "scope", "href", "rel"}
    if any(isinstance(getattr(record, each.name), str) for each in attrs.fields(type(record))):
        assert HOSTILE in read.text


@pytest.mark.parametrize("address", [HOSTILE_LINK, "javascript:alert(1)", "https://x.org/ a", "data:text/html,x"])
def test_only_a_sound_address_becomes_a_link(address: str) -> None:
    source = RECORDS[models.Source]
    assert Read(shown(with_texts(source, address))).links == []
    assert set(Read(shown(with_texts(source, "https://x.org/?a=1&b=2"))).links) == {"https://x.org/?a=1&b=2"}


def test_many_records_are_named_by_their_keys_and_cut() -> None:
    trial = herbtc.load().trial("herizon-btc-01")
    rows = Read(shown(trial)).rows
    assert rows["arms"] == ", ".join(arm.key for arm in trial.arms)
    assert f"and {len(trial.sources) - 12} more" in rows["sources"]
    assert len(shown(trial)) < 12_000


def test_a_catalog_shows_its_release_and_counts() -> None:
    catalog = herbtc.load()
    read = Read(shown(catalog))
    assert catalog.release in read.text
    assert read.rows["studies"] == str(len(catalog.trials))
    assert Read(shown(attrs.evolve(catalog, release=HOSTILE))).tags == {"table", "caption", "strong", "tr", "th", "td"}


def test_what_her2_answers_is_shown_with_its_reasons() -> None:
    tumour = [her2.Assay(ihc="3+", specimen="biopsy"), her2.Assay(ihc="0", specimen="resection")]
    made = her2.classify(tumour)
    rows = Read(shown(made)).rows
    assert rows["status"] == made.status
    assert rows["discordances"] == "; ".join(made.discordances)
    verdict = her2.meets(her2.Assay(ihc="2+"), "herb-positive")
    rows = Read(shown(verdict)).rows
    assert rows["answer"] == verdict.answer
    assert rows["missing"] == ", ".join(verdict.missing)
    score = her2.score(her2.Staining(percent=5, intensity="strong", membrane="complete"), "gastric-2016")
    assert Read(shown(score)).rows["clause"] == score.clause
    assert Read(shown(her2.Profile(*tumour))).rows["assays"] == ", ".join(map(repr, tumour))


def test_hostile_words_of_a_test_are_escaped_wherever_they_end_up() -> None:
    assay = her2.Assay(ihc="2+", test=HOSTILE, ngs_platform=HOSTILE, variants=(HOSTILE,))
    other = her2.Assay(ihc="3+", test=HOSTILE)
    for thing in (
        assay,
        her2.Profile(assay, other),
        her2.classify([assay, other]),
        her2.meets([assay, other], "ziihera-label"),
        matching.Patient(her2=[assay, other], drivers=(HOSTILE,)),
    ):
        read = Read(shown(thing))
        assert read.tags == {"table", "caption", "strong", "tr", "th", "td"}


def results() -> dict[str, Any]:
    frame = pd.DataFrame(
        {
            "trial": [f"{HOSTILE} {place}" for place in range(10)],
            "events": [2, 14, 10, 9, 50, 8, 30, 12, 21, 5],
            "n": 60,
            "line": [HOSTILE, "later"] * 5,
            "year": [*range(2010, 2020)],
        }
    )
    frame.attrs["herbtc"] = {"release": HOSTILE}
    effects = measures.effects(frame)
    middle = pd.Series([*range(5, 15)], dtype=float)
    width = 1 + middle.index.to_numpy() / 10
    ends = {"low_months": middle / width, "high_months": middle * width}
    frame["n"] = [60, 61, 62, 63, 64, 65, 66, 67, 68, 69]
    ends["low_months"][0], ends["high_months"][0] = 4.0, 6.25
    medians = measures.effects(frame.assign(median_months=middle, level=95.0, not_reached=False, **ends), "log-median")
    prior = synthesis.BetaMixture([1.0], [8.0], [14.0])
    simon = planning.simon(0.15, 0.40)
    return {
        "pool": synthesis.pool(effects),
        "pool_binomial": synthesis.pool_binomial(frame),
        "pool_bayes": synthesis.pool_bayes(effects),
        "map_prior": synthesis.map_prior(frame, role="benchmark"),
        "subgroups": synthesis.subgroups(effects, by="line"),
        "regress": synthesis.regress(effects, "year"),
        "leave_one_out": synthesis.leave_one_out(effects),
        "cumulative": synthesis.cumulative(effects, by="year"),
        "influence": synthesis.influence(effects),
        "small_studies": synthesis.small_studies(medians),
        "trim_and_fill": synthesis.trim_and_fill(medians),
        "median_of_medians": synthesis.median_of_medians(medians),
        "simon": simon,
        "two_stage": simon.optimal,
        "single_stage": planning.single_stage(0.15, 0.40),
        "bayes_design": planning.bayes_design(planning.WEAK, 0.15, 0.40),
        "borrowing": planning.borrowing(prior, 0.15, 0.40),
        "beside": benchmarks.beside(line="first", endpoint="orr"),
    }


with warnings.catch_warnings():
    warnings.simplefilter("ignore", herbtc.HerbtcWarning)
    RESULTS = results()


def test_every_class_of_results_is_looked_at() -> None:
    classes = {
        each
        for module in (synthesis, planning, benchmarks)
        for each in vars(module).values()
        if isinstance(each, type) and hasattr(each, "_repr_html_")
    }
    assert classes - {planning.Design} == {type(result) for result in RESULTS.values()}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_shown_and_escaped(name: str) -> None:
    result = RESULTS[name]
    read = Read(shown(result))
    assert read.tags <= {"p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert not {each for each in read.attributes if each.startswith("on")}
    if hasattr(result, "describe") and name != "beside":
        for line in result.describe().splitlines():
            assert line in read.text


def test_a_frame_of_options_is_plain_pandas() -> None:
    html = query.trials().head()._repr_html_()  # type: ignore[operator]
    assert "<script" not in html
